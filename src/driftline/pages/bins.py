"""Bins that show two sets of numbers well: common to both, not ruled by outliers, whole for whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, isfinite, log

import numpy as np

from driftline.profile.quantiles import Sketch

TAIL = 0.005
"""This share at either end is left out of a drawing if the rest then fills it much better."""
WORTH = 1.6
"""Ends are left out only where the whole range is at least so many times as wide as what is drawn."""
CROWDED, DECADES = 0.6, 100
"""Positive numbers get a logarithmic axis where one even bin would hold this share of a side, and the highest number
is at least so many times the lowest."""
_WHOLE = 1e12
"""Whole numbers beyond are drawn like any other."""

Shares = tuple[float, ...]


@dataclass(frozen=True)
class Bins:
    """The edges of neighbouring bins, ascending; `is_whole` if each holds whole numbers only, as many as the next."""

    edges: tuple[float, ...]
    is_whole: bool = False
    is_logarithmic: bool = False

    def shares(self, sketch: Sketch) -> Shares:
        """The share of the numbers in each bin; a bin holds its lower edge, the last one both."""
        edges = np.asarray(self.edges)
        below = sketch.rank(edges, inclusive=False)
        below[-1] = sketch.rank(float(edges[-1]))
        return tuple((np.diff(below) / sketch.count).tolist())

    def beyond(self, sketch: Sketch) -> tuple[float, float]:
        """The shares of the numbers below and above all bins."""
        below, up_to = int(sketch.rank(self.edges[0], inclusive=False)), int(sketch.rank(self.edges[-1]))
        return below / sketch.count, (sketch.count - up_to) / sketch.count


def bins_of(sketches: Sequence[Sketch], count: int, *, measured: bool = True) -> Bins | None:
    """About `count` bins for the numbers of all sketches, each with values; None if they reach too far apart.

    `measured` is False for points in time, which are neither whole nor on a logarithmic axis.
    """
    low, high = _range(sketches)
    if not isfinite(high - low):
        return None
    if measured and all(map(_is_whole, sketches)):
        width, count = whole_bins(int(high - low) + 1, count)
        return Bins(tuple(low - 0.5 + width * i for i in range(count + 1)), is_whole=True)
    if high == low:
        around = max(abs(low) * 0.05, 0.5)
        return _even(low - around, high + around, min(count, 11))
    even = _even(low, high, count)
    if measured and low > 0 and high / low >= DECADES and any(max(even.shares(each)) >= CROWDED for each in sketches):
        step = log(high / low) / count
        return Bins((low, *(low * exp(step * i) for i in range(1, count)), high), is_logarithmic=True)
    return even


def _even(low: float, high: float, count: int) -> Bins:
    return Bins((*(low + (high - low) * i / count for i in range(count)), high))


def _range(sketches: Sequence[Sketch]) -> tuple[float, float]:
    """Lowest and highest number; without the tails if they would leave the rest little room."""
    low = min(float(sketch.points()[0][0]) for sketch in sketches)
    high = max(float(sketch.points()[0][-1]) for sketch in sketches)
    inner_low = min(float(sketch.quantile(TAIL)) for sketch in sketches)
    inner_high = max(float(sketch.quantile(1 - TAIL)) for sketch in sketches)
    if inner_high > inner_low and high / 2 - low / 2 > WORTH * (inner_high / 2 - inner_low / 2):
        return inner_low, inner_high
    return low, high


def whole_bins(span: int, bins: int) -> tuple[int, int]:
    """Width and number of bins for so many whole numbers: of the widths that give enough bins, that which fits best.

    >>> whole_bins(5, 30), whole_bins(100, 30), whole_bins(400, 30)
    ((1, 5), (4, 25), (16, 25))
    """
    least = max(1, ceil(span / bins))
    most = max(least, min(ceil(span / (bins * 0.6)), least + 100))
    width = min(range(least, most + 1), key=lambda each: (-span % each, each))
    return width, ceil(span / width)


def _is_whole(sketch: Sketch) -> bool:
    """Whether all numbers are whole, and small enough to count them one by one."""
    points = sketch.points()[0]
    return bool(abs(points[0]) < _WHOLE and abs(points[-1]) < _WHOLE and np.all(points == np.floor(points)))
