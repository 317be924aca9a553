"""Drawings with axes as SVG text, for pages of any kind: lines, points with intervals, bars, boxes.

Shapes of the baseline have the class `was`, those of the current data `is`. They differ in form, too: the baseline is
dashed or hollow, the current data solid, so that nothing rests on colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, isfinite, log10

from driftline.pages.svg import BLUE, GREY
from driftline.pages.terminal import number

WIDTH, HEIGHT = 320, 236
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 10, 38
SLATE = "#566371"
"""Lines of the baseline, and the texts: darker than the bars of `svg`, which fill areas."""

Span = tuple[float, float]
Point = tuple[float, float]

UNIT: Span = (0.0, 1.0)


@dataclass(frozen=True)
class Axes:
    """What a drawing reaches from and to, and what its axes are called.

    `marks` are places across with their names, such as dates; round numbers if there are none. `wide` is the width of
    the whole drawing.
    """

    across: Span = UNIT
    up: Span = UNIT
    name: str = ""
    side: str = ""
    marks: tuple[tuple[float, str], ...] = ()
    wide: int = WIDTH

    def x(self, value: float) -> float:
        """The place of a value across."""
        return LEFT + (self.wide - LEFT - RIGHT) * _part(value, self.across)

    def y(self, value: float) -> float:
        """The place of a value upwards."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _part(value, self.up)


def plot(axes: Axes, shapes: Iterable[str], said: str) -> str:
    """A drawing with ticks and names of both axes; `said` is read out in its place."""
    bottom, right = HEIGHT - BOTTOM, axes.wide - RIGHT
    body = "".join(
        f'<path class="rule" d="M{LEFT} {_at(axes.y(tick))}H{right}" stroke="{GREY}" stroke-opacity=".3"/>'
        f'<text x="{LEFT - 5}" y="{_at(axes.y(tick) + 3.5)}" text-anchor="end">{number(tick)}</text>'
        for tick in ticks(*axes.up)
    )
    body += "".join(
        f'<path class="rule" d="M{_at(axes.x(tick))} {TOP}V{bottom}" stroke="{GREY}" stroke-opacity=".3"/>'
        f'<text x="{_at(axes.x(tick))}" y="{bottom + 14}" text-anchor="middle">{escape(told)}</text>'
        for tick, told in axes.marks or [(tick, number(tick)) for tick in ticks(*axes.across)]
    )
    middle = (LEFT + right) / 2
    body += f'<text x="{_at(middle)}" y="{HEIGHT - 6}" text-anchor="middle">{escape(axes.name)}</text>'
    turned = f"translate(11 {_at((TOP + bottom) / 2)}) rotate(-90)"
    body += f'<text transform="{turned}" text-anchor="middle">{escape(axes.side)}</text>'
    return (
        f'<svg class="plot" viewBox="0 0 {axes.wide} {HEIGHT}" width="{axes.wide}" height="{HEIGHT}" font-size="11" '
        f'fill="{SLATE}" role="img" aria-label="{escape(said)}">{body}{"".join(shapes)}</svg>'
    )


def ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Round numbers from `low` to `high`, at most so many.

    >>> ticks(0, 1), ticks(-12, 31)
    ((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (-10.0, 0.0, 10.0, 20.0, 30.0))
    """
    if not (isfinite(high - low) and high > low):
        return (low,) if isfinite(low) else ()
    rough = (high - low) / (most - 1)
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return tuple(round(each * step, 12) + 0.0 for each in range(first, last + 1))


def line(axes: Axes, points: Iterable[Point], name: str) -> str:
    """Points joined by a line; those that lie within a pixel of the one before are left out."""
    places = _thinned([(axes.x(x), axes.y(y)) for x, y in points if isfinite(x) and isfinite(y)])
    if len(places) < 2:
        return ""
    path = "L".join(f"{_at(x)} {_at(y)}" for x, y in places)
    dashes = ' stroke-dasharray="5 3"' if name == "was" else ""
    colour = SLATE if name == "was" else BLUE
    return f'<path class="{name}" d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>'


def diagonal(axes: Axes) -> str:
    """The line on which both axes are equal."""
    low, high = max(axes.across[0], axes.up[0]), min(axes.across[1], axes.up[1])
    if low >= high:
        return ""
    ends = f"M{_at(axes.x(low))} {_at(axes.y(low))}L{_at(axes.x(high))} {_at(axes.y(high))}"
    return f'<path class="even" d="{ends}" fill="none" stroke="{SLATE}" stroke-width="1" stroke-dasharray="1 3"/>'


def dot(axes: Axes, point: Point, name: str, told: str = "", bounds: Span | None = None) -> str:
    """One point, hollow for the baseline, with an upright interval; `told` shows on pointing."""
    x, y = axes.x(point[0]), axes.y(point[1])
    found = ""
    if bounds is not None and all(map(isfinite, bounds)):
        low, high = (_at(axes.y(each)) for each in bounds)
        colour = SLATE if name == "was" else BLUE
        found = f'<path class="{name}" d="M{_at(x)} {low}V{high}" stroke="{colour}" stroke-width="1.5"/>'
    title = f"<title>{escape(told)}</title>" if told else ""
    fill = f'fill="none" stroke="{SLATE}"' if name == "was" else f'fill="{BLUE}"'
    return f'{found}<circle class="{name} dot" cx="{_at(x)}" cy="{_at(y)}" r="3.5" {fill}>{title}</circle>'


def _thinned(places: Sequence[Point]) -> list[Point]:
    """Without points that add nothing: within a pixel of the one kept before, or on a straight line with both sides."""
    kept: list[Point] = []
    for place in places:
        if kept and abs(place[0] - kept[-1][0]) < 1 and abs(place[1] - kept[-1][1]) < 1:
            continue
        if len(kept) > 1 and _straight(kept[-2], kept[-1], place):
            kept.pop()
        kept.append(place)
    if places and kept[-1] != places[-1]:
        kept.append(places[-1])
    return kept


def _straight(one: Point, two: Point, three: Point) -> bool:
    return (one[0] == two[0] == three[0]) or (one[1] == two[1] == three[1])


def span_of(values: Iterable[float], *, room: float = 0.05) -> Span:
    """From the lowest to the highest finite value with some room; (0, 1) without any.

    >>> span_of([1.0, 3.0], room=0.5), span_of([])
    ((0.0, 4.0), (0.0, 1.0))
    """
    known = [value for value in values if isfinite(value)]
    if not known:
        return UNIT
    low, high = min(known), max(known)
    more = (high - low) * room or abs(low) * 0.1 or 0.5
    return low - more, high + more


def steps(edges: Sequence[float], shares: Sequence[float]) -> list[Point]:
    """The outline of bars between edges, as points of a line."""
    found: list[Point] = [(edges[0], 0.0)]
    for (left, right), share in zip(pairwise(edges), shares, strict=True):
        found += [(left, share), (right, share)]
    return [*found, (edges[-1], 0.0)]


def _part(value: float, span: Span) -> float:
    """How far a value is from the low end to the high end, no farther than either."""
    low, high = span
    return min(max((value - low) / (high - low) if high > low else 0.5, 0.0), 1.0)


def _at(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
