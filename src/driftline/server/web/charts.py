"""What the console draws, by the drawings of `pages`: figures over time, and distributions over each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

from driftline.pages import plots, svg
from driftline.pages.shapes import BINS, Shape, shape_of
from driftline.pages.terminal import number, percent
from driftline.pages.words import measure_title
from driftline.profile import Column

_MARKS = 4


@dataclass(frozen=True)
class Known:
    """What was known of a figure for one window: an estimate with its interval, and what labels showed."""

    at: datetime
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    realised: float | None = None


@dataclass(frozen=True)
class Card:
    """The distribution of a feature in two windows; `groups` are categories with a drawing each."""

    drawing: str = ""
    ends: tuple[str, str] = ("", "")
    groups: tuple[tuple[str, str, str], ...] = ()
    remark: str = ""


def estimated(name: str, known: Sequence[Known], limit: float | None = None) -> str:
    """A figure over time: estimates as hollow dots with their intervals, what labels showed as a line of full ones.

    Its limit is a dashed line.
    """
    values = [v for each in known for v in (each.estimate, each.low, each.high, each.realised) if v is not None]
    axes = _axes([each.at for each in known], plots.span_of(values if limit is None else [*values, limit]))
    shapes = [] if limit is None else [plots.line(axes, [(axes.across[0], limit), (axes.across[1], limit)], "was")]
    shapes += [
        plots.dot(axes, (_x(each.at), each.estimate), "was", _told(each.at, "estimated", each.estimate), _bounds(each))
        for each in known
        if each.estimate is not None
    ]
    shown = [(_x(each.at), each.realised) for each in known if each.realised is not None]
    shapes.append(plots.line(axes, shown, "is"))
    shapes += [plots.dot(axes, each, "is", f"realised {number(each[1])}") for each in shown]
    said = f"{name} over time: estimated in {len(known)} windows, realised in {len(shown)}"
    return plots.plot(axes, shapes, said)


def over_time(
    name: str, points: Iterable[tuple[datetime, float | None]], limit: float | None = None, *, wide: bool = False
) -> str:
    """A figure over time as a line with dots, on an axis that holds 0; its limit dashed. Empty without any."""
    known = [(at, value) for at, value in points if value is not None and isfinite(value)]
    if not known:
        return ""
    values = [value for _, value in known]
    low, high = min(*values, limit or 0.0, 0.0), max(*values, limit or 0.0)
    axes = _axes([at for at, _ in known], (low * 1.1, high * 1.1 or 1.0), wide=wide)
    places = [(_x(at), value) for at, value in known]
    dots = [plots.dot(axes, (_x(at), value), "is", _told(at, name, value)) for at, value in known]
    bound = [] if limit is None else [plots.line(axes, [(axes.across[0], limit), (axes.across[1], limit)], "was")]
    said = f"{name} over time, up to {number(max(values))}"
    return plots.plot(axes, [*bound, plots.line(axes, places, "is"), *dots], said)


def stems(name: str, values: Sequence[float]) -> str:
    """A number of each dimension as an upright line from 0; what is not defined is left out."""
    known = [(place, value) for place, value in enumerate(values) if isfinite(value)]
    if not known:
        return ""
    axes = plots.Axes((-0.5, len(values) - 0.5), plots.span_of([0.0, *[value for _, value in known]]), "dimension")
    low = axes.y(0.0)
    lines = "".join(f"M{axes.x(place):.1f} {low:.1f}V{axes.y(value):.1f}" for place, value in known)
    thick = min(max(150 / len(values), 0.8), 8.0)
    drawn = f'<path class="is" d="{lines}" fill="none" stroke="{svg.BLUE}" stroke-width="{thick:.1f}"/>'
    return plots.plot(axes, [drawn], f"{name} of {len(values):,} dimensions")


@dataclass(frozen=True)
class Held:
    """A value held against a bound, and whether it was beyond."""

    at: datetime
    value: float
    bound: float | None
    is_bad: bool = False


def held(name: str, values: Sequence[Held]) -> str:
    """Values over time as a line with dots, bad ones marked, and their bound dashed; empty without any."""
    known = [each for each in values if isfinite(each.value)]
    if not known:
        return ""
    bounds = [(_x(each.at), each.bound) for each in known if each.bound is not None]
    axes = _axes([each.at for each in known], plots.span_of([*(each.value for each in known), *(y for _, y in bounds)]))
    shapes = [plots.line(axes, bounds, "was"), plots.line(axes, [(_x(each.at), each.value) for each in known], "is")]
    for each in known:
        told = _told(each.at, name, each.value) + (", beyond its bound" if each.is_bad else "")
        shapes.append(plots.dot(axes, (_x(each.at), each.value), "over" if each.is_bad else "is", told))
    bad = sum(each.is_bad for each in known)
    return plots.plot(axes, shapes, f"{name} in {len(known)} windows, beyond its bound in {bad}")


def card(name: str, before: Column | None, now: Column | None, *, labelled: bool = False, bins: int = BINS) -> Card:
    """Both distributions of a feature; `labelled` bins say their numbers on pointing."""
    shape = shape_of(before, now, bins)
    if shape.reason:
        return Card(remark=shape.reason)
    if not shape.is_histogram:
        return Card(groups=tuple(_groups(shape)), remark=shape.remark)
    said = f"Distribution of {name} in both windows"
    labels = shape.labels if labelled else ()
    return Card(svg.overlay(shape.baseline, shape.current, labels, said), shape.ends or ("", ""), remark=shape.remark)


def _groups(shape: Shape) -> Iterable[tuple[str, str, str]]:
    nothing: Sequence[float | None] = [None] * len(shape.labels)
    sides = (shape.baseline or nothing, shape.current or nothing)
    top = max((share for side in sides for share in side if share is not None), default=1.0)
    for label, old, new in zip(shape.labels, *sides, strict=True):
        told = " → ".join(percent(each) if each is not None else "–" for each in (old, new))
        yield label, svg.pair(old, new, top), told


def _axes(moments: Sequence[datetime], up: plots.Span, *, wide: bool = False) -> plots.Axes:
    first, last = min(moments).astimezone(UTC), max(moments).astimezone(UTC)
    name = f"{first:%Y}, UTC" if first.year == last.year else f"{first:%Y} to {last:%Y}, UTC"
    ends = sorted({*moments})
    timed = (last - first).total_seconds() < 3 * 86_400 and any(each.astimezone(UTC).hour for each in ends)
    room = max((last - first).total_seconds() * (0.12 if timed else 0.04), 3600.0)
    span = (first.timestamp() - room, last.timestamp() + room)
    marks, width = (_MARKS * 3, plots.WIDTH * 3) if wide else (_MARKS - timed, plots.WIDTH)
    step = max((len(ends) - 1) / (marks - 1), 1)
    chosen = sorted({ends[min(round(step * place), len(ends) - 1)] for place in range(min(marks, len(ends)))})
    return plots.Axes(span, up, name, "", tuple((_x(each), _date(each, timed=timed)) for each in chosen), width)


def _date(moment: datetime, *, timed: bool) -> str:
    """A date as short as it can be told, with the time of day where it matters: the axis has the year."""
    shown = moment.astimezone(UTC)
    return f"{shown:%m-%d %H:%M}" if timed else f"{shown:%m-%d}"


def _x(moment: datetime) -> float:
    return moment.timestamp()


def _bounds(known: Known) -> plots.Span | None:
    return None if known.low is None or known.high is None else (known.low, known.high)


def _told(at: datetime, name: str, value: float | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {name} {number(value) if value is not None else '–'}"


def by_name(estimates: Mapping[str, list[Known]]) -> list[tuple[str, str]]:
    """A drawing of each figure that has an estimate or a realised value."""
    return [(measure_title(name), estimated(measure_title(name), known)) for name, known in estimates.items() if known]
