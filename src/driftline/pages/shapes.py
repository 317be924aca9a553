"""The shape of a column: shares of the same bins or categories in the baseline and in the current data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, isfinite

import numpy as np

from driftline.pages.terminal import number, percent, short
from driftline.profile import Column
from driftline.profile.quantiles import Sketch
from driftline.schema import Form

BINS = 30
CATEGORIES = 6
TAIL = 0.005
"""This share at either end is left out of a drawing if the rest then fills it much better."""
WORTH = 1.6
"""Ends are left out only where the whole range is at least so many times as wide as what is drawn."""
_WHOLE = 1e12
"""Whole numbers beyond are drawn like any other."""
_LATEST = 250_000_000_000
"""Seconds beyond which no calendar date is printed (year 9,892)."""

Shares = tuple[float, ...]


@dataclass(frozen=True)
class Shape:
    """Groups with the share (in [0, 1]) that each has in either data set; None where a side has no values.

    `ends` are the ends of the axis of a histogram and empty for categories; `remark` tells what is not drawn.
    Without groups `reason` says why there is no drawing.
    """

    labels: tuple[str, ...] = ()
    baseline: Shares | None = None
    current: Shares | None = None
    ends: tuple[str, str] | None = None
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


def _histogram(before: Column | None, now: Column | None, sides: Sequence[Column], bins: int) -> Shape:
    whole = _is_whole(sides)
    low, high, bins = _range(sides, bins, whole)
    if not isfinite(high - low):
        return Shape(reason="The numbers reach too far apart to be drawn.")
    labels, ends = _labels(sides, low, high, bins, whole)
    old, new = (_bin_shares(column, low, high, bins) for column in (before, now))
    return Shape(labels, old, new, ends, _remark(sides, low, high))


def _labels(
    sides: Sequence[Column], low: float, high: float, bins: int, whole: bool
) -> tuple[tuple[str, ...], tuple[str, str]]:
    """The names of the bins and of the axis' ends; bins of whole numbers are named by the numbers they hold."""
    edges = [low + (high - low) * i / bins for i in range(bins + 1)]
    if whole:
        spans = [(ceil(a), ceil(b) - 1) for a, b in pairwise(edges)]
        labels = tuple(number(a) if a == b else f"{number(a)} – {number(b)}" for a, b in spans)
        return labels, (number(spans[0][0]), number(spans[-1][1]))
    told = moment if any(column.form is Form.TIME for column in sides) else number
    return tuple(f"{told(a)} – {told(b)}" for a, b in pairwise(edges)), (told(low), told(high))


def _remark(sides: Sequence[Column], low: float, high: float) -> str:
    """What a drawing leaves out."""
    beyond = [_beyond(column.sketch, low, high) for column in sides]
    most = [(max(shares), where) for shares, where in zip(zip(*beyond, strict=True), ("below", "above"), strict=True)]
    outside = [f"{percent(share)} {where}" for share, where in most if share > 0]
    said = [f"not drawn: up to {' and '.join(outside)} this range"] if outside else []
    infinite = sum(column.moments.infinite for column in sides)
    said += [f"{infinite:,} infinite values not drawn"] if infinite else []
    odd = any(column.sketch.count + column.moments.infinite < column.present for column in sides)
    said += ["texts that are no numbers not drawn"] if odd else []
    return "; ".join(said)


def _range(sides: Sequence[Column], bins: int, whole: bool) -> tuple[float, float, int]:
    """The ends to draw and how many bins: whole numbers get bins of whole width, which leave no gaps."""
    sketches = [column.sketch for column in sides]
    low = min(float(sketch.points()[0][0]) for sketch in sketches)
    high = max(float(sketch.points()[0][-1]) for sketch in sketches)
    inner_low = min(float(sketch.quantile(TAIL)) for sketch in sketches)
    inner_high = max(float(sketch.quantile(1 - TAIL)) for sketch in sketches)
    if inner_high > inner_low and high / 2 - low / 2 > WORTH * (inner_high / 2 - inner_low / 2):
        low, high = inner_low, inner_high
    if whole:
        width = max(1, ceil((high - low + 1) / bins))
        count = ceil((high - low + 1) / width)
        return low - 0.5, low - 0.5 + count * width, count
    if high == low:
        around = max(abs(low) * 0.05, 0.5)
        return low - around, high + around, min(bins, 11)
    return low, high, bins


def _is_whole(sides: Sequence[Column]) -> bool:
    """Whether all numbers are whole, and small enough to count them one by one."""
    points = [column.sketch.points()[0] for column in sides if column.form is not Form.TIME]
    return len(points) == len(sides) and all(
        bool(abs(each[0]) < _WHOLE and abs(each[-1]) < _WHOLE and np.all(each == np.floor(each))) for each in points
    )


def _bin_shares(column: Column | None, low: float, high: float, bins: int) -> Shares | None:
    if column is None or not column.present or not column.sketch.count:
        return None
    return tuple(count / column.sketch.count for _, _, count in column.sketch.buckets(low, high, bins))


def _beyond(sketch: Sketch, low: float, high: float) -> tuple[float, float]:
    below, up_to = int(sketch.rank(low, inclusive=False)), int(sketch.rank(high))
    return below / sketch.count, (sketch.count - up_to) / sketch.count


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
    if max(over or 0.0 for over in rest) > 1e-9:
        labels.append(f"{len(ranked) - len(kept):,} other" if len(ranked) > len(kept) else "other")
        found = [None if shares is None else (*shares, over or 0.0) for shares, over in zip(found, rest, strict=True)]
    return Shape(tuple(labels), found[0], found[1])


def _shares_of(column: Column | None) -> dict[str, float] | None:
    """Shares of the values that repeat, or of all of a few; None without values."""
    if column is None or not column.present:
        return None
    counts = column.frequent.counts
    total = max(column.present if column.form is not Form.LIST else 0, sum(counts.values()), 1)
    few = len(counts) <= 20 and column.frequent.exact
    return {name: count / total for name, count in counts.items() if count > 1 or few}
