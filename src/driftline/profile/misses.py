"""How far predictions were off, by the size of the prediction: what an error of rows without labels is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.axes import coarsened, truncated
from driftline.profile.columns import Floats, Ints
from driftline.profile.outcomes import column_of, numbers_of

LIMIT = 4096
"""So many different predictions are told apart."""

_NO_FLOATS: Floats = np.empty(0)
_NO_INTS: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class MissesState:
    """Sums by prediction; parallel arrays, ascending in `values`.

    Predictions are themselves while there are at most `limit` different ones, then those that are alike when their
    lowest `dropped` bits are cleared, which does not depend on the order of the rows. Of each there are the `rows`, the
    sum of their predictions, and of the rows with a finite label (`labelled`) the sums of |r|, r, r² and r⁴ with the
    residual r = prediction - label. `unpredicted` counts the rows without a finite prediction.
    """

    values: Floats = field(default_factory=lambda: _NO_FLOATS)
    rows: Ints = field(default_factory=lambda: _NO_INTS)
    predicted: Floats = field(default_factory=lambda: _NO_FLOATS)
    labelled: Ints = field(default_factory=lambda: _NO_INTS)
    absolute: Floats = field(default_factory=lambda: _NO_FLOATS)
    signed: Floats = field(default_factory=lambda: _NO_FLOATS)
    squared: Floats = field(default_factory=lambda: _NO_FLOATS)
    fourth: Floats = field(default_factory=lambda: _NO_FLOATS)
    unpredicted: int = 0
    dropped: int = 0
    limit: int = LIMIT

    @property
    def count(self) -> int:
        """Rows with a prediction."""
        return int(self.rows.sum())

    @property
    def labelled_count(self) -> int:
        """Rows with a prediction and a label."""
        return int(self.labelled.sum())

    def merge(self, other: MissesState) -> MissesState:
        """The sums of both."""
        values = np.concatenate((self.values, other.values))
        kept, dropped = coarsened(values, max(self.dropped, other.dropped), self.limit)
        places = np.searchsorted(kept, truncated(values, dropped))
        counts, sums = (
            [_summed(places, np.concatenate(pair), len(kept)) for pair in zip(mine, theirs, strict=True)]
            for mine, theirs in zip(self._sums, other._sums, strict=True)
        )
        return _state(kept, counts, sums, self.unpredicted + other.unpredicted, dropped, self.limit)

    @property
    def _sums(self) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
        """What is counted and what is summed."""
        counts = (self.rows.astype(np.float64), self.labelled.astype(np.float64))
        return counts, (self.predicted, self.absolute, self.signed, self.squared, self.fourth)

    def grouped(self, starts: Ints) -> MissesState:
        """With neighbours joined: a group begins at each of `starts`, the first of which is 0."""
        counts, sums = ([np.add.reduceat(each, starts) for each in kind] for kind in self._sums)
        return _state(self.values[starts], counts, sums, self.unpredicted, self.dropped, self.limit)


def _summed(places: npt.NDArray[np.intp], weights: Floats, groups: int) -> Floats:
    return np.bincount(places, weights, groups).astype(np.float64)


def _state(
    values: Floats, counts: Sequence[Floats], sums: Sequence[Floats], unpredicted: int, dropped: int, limit: int
) -> MissesState:
    rows, labelled = (each.astype(np.int64) for each in counts)
    predicted, absolute, signed, squared, fourth = sums
    return MissesState(
        values, rows, predicted, labelled, absolute, signed, squared, fourth, unpredicted, dropped, limit
    )


@dataclass(frozen=True)
class Misses(JointAnalyzer[MissesState]):
    """How far `prediction` is from `ground_truth` for which predictions; without ground truth only the predictions.

    Columns are given by name, place or path (`place_of`).
    """

    prediction: str
    ground_truth: str | None = None
    limit: int = LIMIT

    def start(self) -> MissesState:
        """Nothing seen."""
        return MissesState(limit=self.limit)

    def observe(self, state: MissesState, batch: pa.RecordBatch) -> MissesState:
        """With the batch's rows added; raises `SchemaMismatch` if a column is missing."""
        predicted = numbers_of(column_of(self.prediction, batch))
        known = np.isfinite(predicted)
        truth = np.full(len(predicted), np.nan)
        if self.ground_truth is not None:
            truth = numbers_of(column_of(self.ground_truth, batch))
        predicted, truth = predicted[known], truth[known]
        labelled = np.isfinite(truth)
        residual = np.where(labelled, predicted - np.where(labelled, truth, 0.0), 0.0)
        square = residual * residual
        kept, dropped = coarsened(predicted, state.dropped, self.limit)
        places = np.searchsorted(kept, truncated(predicted, dropped))
        counted = (np.ones(len(places)), labelled.astype(np.float64))
        summed = (predicted, np.abs(residual), residual, square, square * square)
        counts, sums = ([_summed(places, each, len(kept)) for each in kind] for kind in (counted, summed))
        unpredicted = len(known) - int(np.count_nonzero(known))
        return state.merge(_state(kept, counts, sums, unpredicted, dropped, self.limit))
