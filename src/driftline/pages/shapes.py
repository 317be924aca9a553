"""The shape of a column: shares of the same bins or categories in the baseline and in the current data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil

from driftline.pages.bins import Bins, Shares, bins_of
from driftline.pages.tables import short
from driftline.pages.terminal import number, percent
from driftline.profile import Column
from driftline.schema import Form

BINS = 30
CATEGORIES = 6
_LATEST = 250_000_000_000
"""Seconds beyond which no calendar date is printed (year 9,892)."""


@dataclass(frozen=True)
class Shape:
    """Groups with the share (in [0, 1]) that each has in either data set; None where a side has no values.

    `ends` are the ends of the axis of a histogram and empty for categories; `pooled` if the last group holds
    all other categories; `remark` tells what is not drawn. Without groups `reason` says why there is no drawing.
    """

    labels: tuple[str, ...] = ()
    baseline: Shares | None = None
    current: Shares | None = None
    ends: tuple[str, str] | None = None
    pooled: bool = False
    remark: str = ""
    reason: str = ""

    @property
    def is_histogram(self) -> bool:
        """Whether the groups are bins of numbers."""
        return self.ends is not None


def shape_of(before: Column | None, now: Column | None, bins: int = BINS, categories: int = CATEGORIES) -> Shape:
    """The shape of one column in both data sets, on common bins or categories."""
    sides = [column for column in (before, now) if column is not None and column.present]
    if not sides:
        return Shape(reason="There are no values.")
    if any(column.form in (Form.VECTOR, Form.OTHER) for column in sides):
        return Shape(reason=f"{sides[-1].form.value.capitalize()} columns have no distribution to draw.")
    if all(2 * column.sketch.count >= column.present for column in sides):
        return _histogram(before, now, sides, bins)
    return _categories(before, now, categories)


def moment(seconds: float) -> str:
    """Seconds since 1970 as a date, with the time of day where there is one.

    >>> moment(0.0), moment(1554076800.0 + 3600), moment(1e300)
    ('1970-01-01', '2019-04-01 01:00', '1e+300')
    """
    if not abs(seconds) < _LATEST or seconds < -62_000_000_000:
        return number(seconds)
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{found:%Y-%m-%d}" if not (found.hour or found.minute) else f"{found:%Y-%m-%d %H:%M}"


def _histogram(before: Column | None, now: Column | None, sides: Sequence[Column], count: int) -> Shape:
    is_time = any(column.form is Form.TIME for column in sides)
    bins = bins_of([column.sketch for column in sides], count, measured=not is_time)
    if bins is None:
        return Shape(reason="The numbers reach too far apart to be drawn.")
    labels, ends = _labels(bins, moment if is_time else number)
    old, new = (
        None if column is None or not column.present else bins.shares(column.sketch) for column in (before, now)
    )
    return Shape(labels, old, new, ends, remark=_remark(sides, bins))


def _labels(bins: Bins, told: Callable[[float], str]) -> tuple[tuple[str, ...], tuple[str, str]]:
    """The names of the bins and of the axis' ends; bins of whole numbers are named by the numbers they hold."""
    if bins.is_whole:
        spans = [(ceil(a), ceil(b) - 1) for a, b in pairwise(bins.edges)]
        labels = tuple(number(a) if a == b else f"{number(a)} – {number(b)}" for a, b in spans)
        return labels, (number(spans[0][0]), number(spans[-1][1]))
    return tuple(f"{told(a)} – {told(b)}" for a, b in pairwise(bins.edges)), (told(bins.edges[0]), told(bins.edges[-1]))


def _remark(sides: Sequence[Column], bins: Bins) -> str:
    """What is special about a drawing, and what it leaves out."""
    beyond = [bins.beyond(column.sketch) for column in sides]
    most = [(max(shares), where) for shares, where in zip(zip(*beyond, strict=True), ("below", "above"), strict=True)]
    outside = [f"{percent(share)} {where}" for share, where in most if share > 0]
    said = ["logarithmic axis"] if bins.is_logarithmic else []
    said += [f"not drawn: up to {' and '.join(outside)} this range"] if outside else []
    infinite = sum(column.moments.infinite for column in sides)
    said += [f"{infinite:,} infinite values not drawn"] if infinite else []
    odd = any(column.sketch.count + column.moments.infinite < column.present for column in sides)
    said += ["texts that are no numbers not drawn"] if odd else []
    return "; ".join(said)


def _categories(before: Column | None, now: Column | None, most: int) -> Shape:
    sides = [_shares_of(column) for column in (before, now)]
    if not any(sides):
        return Shape(reason="Nearly every value is different: there is no distribution to draw.")
    order: dict[str, float] = {}
    for name, share in (item for shares in sides for item in (shares or {}).items()):
        order[name] = max(order.get(name, 0.0), share)
    ranked = sorted(order, key=lambda name: (-order[name], name))
    kept = ranked if len(ranked) <= most + 1 else ranked[:most]
    found = [None if shares is None else tuple(shares.get(name, 0.0) for name in kept) for shares in sides]
    rest = [None if shares is None else max(0.0, 1 - sum(shares)) for shares in found]
    labels = [short(name) or "(empty)" for name in kept]
    pooled = max(over or 0.0 for over in rest) > 1e-9
    if pooled:
        labels.append("others")
        found = [None if shares is None else (*shares, over or 0.0) for shares, over in zip(found, rest, strict=True)]
    return Shape(tuple(labels), found[0], found[1], pooled=pooled)


def _shares_of(column: Column | None) -> dict[str, float] | None:
    """Shares of the values that repeat, or of all of a few; None without values, or where none of them is known."""
    if column is None or not column.present:
        return None
    counts = column.frequent.counts
    if not counts and column.form is not Form.LIST:
        return None
    total = max(column.present if column.form is not Form.LIST else 0, sum(counts.values()), 1)
    few = len(counts) <= 20 and column.frequent.exact
    return {name: count / total for name, count in counts.items() if count > 1 or few}
