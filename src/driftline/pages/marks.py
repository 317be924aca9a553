"""Small drawings for the cells of a table as SVG text: values with intervals, bars, boxes, all on a common scale.

The baseline is a hollow square or a grey bar, the current value a dot or a blue bar; what lies beyond the scale is an
arrow at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite, isnan

from driftline.pages.plots import SLATE, Span
from driftline.pages.svg import BLUE, GREY

WIDTH, EDGE = 190, 7
"""The width of a drawing, and how far from its ends the scale begins."""


def dumbbell(before: float, now: float, bounds: Span, span: Span, neutral: float | None = None, said: str = "") -> str:
    """A value with its interval, joined to what it was; `neutral` is a line across. NaN stands for what is unknown."""
    found = f'<path class="rail" d="M{EDGE} 11H{WIDTH - EDGE}" stroke="{GREY}" stroke-opacity=".35"/>'
    if neutral is not None:
        found += f'<path class="zero" d="M{_x(neutral, span)} 2V20" stroke="{SLATE}" stroke-width="1"/>'
    low, high = bounds
    if not (isnan(low) or isnan(high)):
        wide = max(float(_x(high, span)) - float(_x(low, span)), 1.0)
        found += f'<rect class="band" x="{_x(low, span)}" y="7.5" width="{wide:.1f}" height="7" rx="2" fill="{BLUE}" '
        found += 'fill-opacity=".25"/>'
    if not (isnan(before) or isnan(now)):
        found += f'<path class="link" d="M{_x(before, span)} 11H{_x(now, span)}" stroke="{SLATE}" stroke-width="1.5"/>'
    found += _mark(before, span, "was") + _mark(now, span, "is")
    return _svg("dumbbell", 22, found, said)


def boxes(before: Sequence[float], now: Sequence[float], span: Span, said: str = "") -> str:
    """Two lying boxes, the baseline's above, each of five quantiles: whisker, box, line in it, box, whisker."""
    found = _zero(span, 26)
    for values, y, name, fill in ((before, 3, "base", GREY), (now, 15, "now", BLUE)):
        if len(values) == 5 and all(map(isfinite, values)):
            a, b, c, d, e = (_x(value, span) for value in values)
            wide = max(float(d) - float(b), 1.0)
            found += f'<path class="whisker" d="M{a} {y + 4}H{e}" stroke="{SLATE}"/>'
            found += f'<rect class="{name}" x="{b}" y="{y}" width="{wide:.1f}" height="8" fill="{fill}"/>'
            found += f'<path class="zero" d="M{c} {y - 1}v10" stroke="{SLATE}" stroke-width="1.5"/>'
    return _svg("boxes", 26, found, said)


def bars(before: float, now: float, span: Span, said: str = "") -> str:
    """Two lying bars from zero, the baseline's above."""
    found = _zero(span, 18)
    zero = float(_x(0.0, span))
    for value, y, name, fill in ((before, 1, "base", GREY), (now, 9, "now", BLUE)):
        if not isnan(value):
            end = float(_x(value, span))
            wide = max(abs(end - zero), 0.8)
            found += f'<rect class="{name}" x="{min(zero, end):.1f}" y="{y}" width="{wide:.1f}" height="7" '
            found += f'fill="{fill}"/>'
    return _svg("bars", 18, found, said)


def _zero(span: Span, height: int) -> str:
    if not span[0] <= 0 <= span[1]:
        return ""
    return f'<path class="zero" d="M{_x(0.0, span)} 0V{height}" stroke="{SLATE}" stroke-width=".8"/>'


def _mark(value: float, span: Span, name: str) -> str:
    """A square, a dot, or an arrow where the value is beyond the scale."""
    if isnan(value):
        return ""
    fill = f'fill="none" stroke="{SLATE}"' if name == "was" else f'fill="{BLUE}"'
    x = float(_x(value, span))
    if not span[0] <= value <= span[1]:
        tip = 6 if value > span[1] else -6
        return f'<path class="{name} dot" d="M{x:.1f} 6.5l{tip} 4.5l{-tip} 4.5z" {fill}/>'
    if name == "was":
        return f'<rect class="was dot" x="{x - 4:.1f}" y="7" width="8" height="8" {fill}/>'
    return f'<circle class="is dot" cx="{x:.1f}" cy="11" r="4" {fill}/>'


def _x(value: float, span: Span) -> str:
    low, high = span
    part = (value - low) / (high - low) if high > low else 0.5
    return f"{EDGE + (WIDTH - 2 * EDGE) * min(max(part, 0.0), 1.0):.1f}"


def _svg(name: str, height: int, body: str, said: str) -> str:
    told = f'role="img" aria-label="{escape(said)}"' if said else 'aria-hidden="true"'
    return f'<svg class="{name}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" {told}>{body}</svg>'
