"""Count, mean, variance and extremes of numbers, by block sums and Chan's merge."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.analyzer import Analyzer
from driftline.profile.arrow import values_of
from driftline.profile.columns import BLOCK, Cells, Floats, Ints
from driftline.profile.texts import bytes_of
from driftline.schema import Form


@dataclass(frozen=True)
class MomentsState:
    """Moments of finite numbers; infinities are only counted, in `infinite`.

    `centred` is the sum of squared distances from the mean. Merging follows Chan, Golub and LeVeque, "Updating
    Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979), eq. 2.1.
    """

    count: int = 0
    mean_or_zero: float = 0.0
    centred: float = 0.0
    sum: float = 0.0
    lowest: float = inf
    highest: float = -inf
    infinite: int = 0

    @classmethod
    def from_summary(
        cls, count: int, mean: float, std_dev: float, minimum: float, maximum: float, total: float | None = None
    ) -> MomentsState:
        """The state that has these statistics; `std_dev` is the population's.

        >>> MomentsState.from_summary(2, 1.5, 0.5, 1.0, 2.0).std_dev
        0.5
        """
        if not count:
            return cls()
        return cls(count, mean, std_dev**2 * count, mean * count if total is None else total, minimum, maximum)

    @property
    def mean(self) -> float:
        """Arithmetic mean; NaN without values."""
        return self.sum / self.count if self.count else nan

    @property
    def variance(self) -> float:
        """Population variance; NaN without values."""
        return max(self.centred, 0.0) / self.count if self.count else nan

    @property
    def std_dev(self) -> float:
        """Population standard deviation; NaN without values."""
        return sqrt(self.variance) if self.count else nan

    @property
    def minimum(self) -> float:
        """Lowest finite value; NaN without values."""
        return self.lowest if self.count else nan

    @property
    def maximum(self) -> float:
        """Highest finite value; NaN without values."""
        return self.highest if self.count else nan

    def merge(self, other: MomentsState) -> MomentsState:
        """Moments of both sets together."""
        infinite = self.infinite + other.infinite
        if not self.count or not other.count:
            kept = self if self.count else other
            return _with_infinite(kept, infinite)
        count = self.count + other.count
        step = other.mean_or_zero - self.mean_or_zero
        return MomentsState(
            count,
            self.mean_or_zero + step * (other.count / count),
            self.centred + other.centred + step * step * (self.count * (other.count / count)),
            self.sum + other.sum,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            infinite,
        )


def _with_infinite(state: MomentsState, infinite: int) -> MomentsState:
    if state.infinite == infinite:
        return state
    return MomentsState(
        state.count, state.mean_or_zero, state.centred, state.sum, state.lowest, state.highest, infinite
    )


def moments_of(values: Floats, counts: Ints | None = None) -> MomentsState:
    """Moments of finite `values`, each occurring `counts` times (once if None).

    >>> moments_of(np.array([1.0, 2.0, 2.0, 3.0, 5.0, 8.0, 13.0])).std_dev
    3.979539507766891
    """
    if not len(values):
        return MomentsState()
    if counts is not None:
        return _weighted(values, counts)
    found = MomentsState()
    for at in range(0, len(values), BLOCK):
        found = found.merge(_block(values[at : at + BLOCK]))
    return found


def _block(values: Floats) -> MomentsState:
    total = float(np.add.reduce(values))
    mean = total / len(values)
    apart = values - mean
    np.multiply(apart, apart, out=apart)
    return MomentsState(len(values), mean, float(np.add.reduce(apart)), total, float(values.min()), float(values.max()))


def _weighted(values: Floats, counts: Ints) -> MomentsState:
    count = int(counts.sum())
    total = float(np.add.reduce(values * counts))
    mean = total / count
    centred = float(np.add.reduce(counts * (values - mean) ** 2))
    return MomentsState(count, mean, centred, total, float(values.min()), float(values.max()))


@dataclass(frozen=True)
class Moments(Analyzer[MomentsState]):
    """Mean, sum, population standard deviation, minimum and maximum of the numbers in a column."""

    def start(self) -> MomentsState:
        """Nothing seen."""
        return MomentsState()

    def observe(self, state: MomentsState, cells: Cells) -> MomentsState:
        """With the cells' numbers added."""
        bins = cells.bins
        found = moments_of(cells.numbers) if bins is None else moments_of(bins.values, bins.counts)
        return state.merge(_with_infinite(found, cells.infinite))


@dataclass(frozen=True)
class Lengths(Analyzer[MomentsState]):
    """Moments of the lengths: characters of texts, bytes of binaries, elements of lists."""

    def start(self) -> MomentsState:
        """Nothing seen."""
        return MomentsState()

    def observe(self, state: MomentsState, cells: Cells) -> MomentsState:
        """With the lengths of the cells added."""
        tally = cells.tally if cells.form is Form.TEXT else None
        if tally is not None:
            return state.merge(moments_of(_lengths(tally.texts), tally.counts))
        return state.merge(moments_of(_lengths(cells.dense)))


def _lengths(values: pa.Array) -> Floats:
    if pa.types.is_string(values.type):
        data, offsets = bytes_of(values)
        if not len(data) or data.max() < 128:  # one byte a character
            return np.diff(offsets).astype(np.float64)
    measure: Any = pc.utf8_length if pa.types.is_string(values.type) else pc.list_value_length
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        measure = pc.binary_length
    lengths: Floats = values_of(measure(values)).astype(np.float64)
    return lengths
