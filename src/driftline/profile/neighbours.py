"""Rows of both groups for the flip test, which compares rows with their nearest: all while they are few, else a sample.

Which rows are kept depends on their content alone: those with the smallest hashes, so many of each group. So samples
of parts merge to the sample of the whole in any order, and rows that are equal are kept or left out together, with
their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.errors import SchemaMismatch
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.columns import Floats, Ints
from driftline.profile.confusion import Probability
from driftline.profile.contingency import Axis, Mark, axis_of
from driftline.profile.hashing import Hashes, hash_rows
from driftline.profile.matches import MISSING, Matches, Value, predicted_matches
from driftline.profile.outcomes import column_of, numbers_of, place_of

LIMIT = 5_000
"""So many distinct rows of each group are kept."""

MOST_STRATA = 50
"""So many distinct values of a facet are told apart here."""

Marks = tuple[Mark, ...]


def _no_hashes() -> Hashes:
    return np.empty(0, dtype=np.uint64)


@dataclass(frozen=True)
class Sample:
    """Distinct rows of one group in the order of their hashes, the smallest that there are.

    `features` are the rows one after another, `predictions` what they are to the wanted label (`matches.py`), `counts`
    how often each row occurs; `total` counts all rows of the group, kept or not.
    """

    hashes: Hashes = field(default_factory=_no_hashes)
    features: Floats = field(default_factory=lambda: np.empty(0))
    predictions: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    counts: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    total: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether no row was left out."""
        return int(self.counts.sum()) == self.total

    @property
    def table(self) -> Floats:
        """The features, a row each."""
        return self.features.reshape(len(self.hashes), -1) if len(self.hashes) else np.empty((0, 0))

    def below(self, bound: np.uint64) -> Sample:
        """The rows alone whose hashes are at most `bound`."""
        kept = int(np.searchsorted(self.hashes, bound, side="right"))
        features = self.table[:kept].reshape(-1)
        return Sample(self.hashes[:kept], features, self.predictions[:kept], self.counts[:kept], self.total)

    def joined(self, other: Sample, limit: int) -> Sample:
        """The rows of both, the `limit` with the smallest hashes."""
        total = self.total + other.total
        if not len(self.hashes) or not len(other.hashes):
            kept = self if len(self.hashes) else other
            return Sample(kept.hashes, kept.features, kept.predictions, kept.counts, total)
        hashes, first, place = np.unique(
            np.concatenate((self.hashes, other.hashes)), return_index=True, return_inverse=True
        )
        counts = np.bincount(place, np.concatenate((self.counts, other.counts)), len(hashes)).astype(np.int64)
        first = first[:limit]
        features = np.concatenate((self.table, other.table))[first].reshape(-1)
        predictions = np.concatenate((self.predictions, other.predictions))[first]
        return Sample(hashes[:limit], features, predictions, counts[:limit], total)


@dataclass(frozen=True)
class NeighboursState:
    """A sample of each group by its marks.

    `names` are the features; `texts` those among them that held something other than numbers, so that rows have no
    distance. `incomplete` rows lack a feature, the facet or the prediction. `crowded`: more distinct values of the
    facet than are told apart.
    """

    samples: Mapping[Marks, Sample] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    incomplete: int = 0
    crowded: bool = False
    limit: int = LIMIT
    strata: int = MOST_STRATA

    def merge(self, other: NeighboursState) -> NeighboursState:
        """The samples of both; raises `SchemaMismatch` if their features are not the same."""
        if self.names and other.names and self.names != other.names:
            odd = sorted(set(self.names) ^ set(other.names)) or list(self.names)
            raise SchemaMismatch(column=odd[0], reason="not a feature of all rows", remedy="Name the features.")
        samples = dict(self.samples)
        for marks, sample in other.samples.items():
            samples[marks] = samples[marks].joined(sample, self.limit) if marks in samples else sample
        crowded = self.crowded or other.crowded or len(samples) > self.strata
        return NeighboursState(
            {} if crowded else dict(sorted(samples.items())),
            self.names or other.names,
            tuple(sorted({*self.texts, *other.texts})),
            self.incomplete + other.incomplete,
            crowded,
            self.limit,
            self.strata,
        )


@dataclass(frozen=True)
class Neighbours(JointAnalyzer[NeighboursState]):
    """Rows of a facet's groups with their features and predictions, for the flip test.

    `columns`, `values`, `positives` and the predictions are as in `Contingency`. `features` are the columns by which
    rows are near; if empty, all but `excluded`, the facet's and those of predictions.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[Value, ...], ...]
    positives: tuple[Value, ...]
    prediction: str | None = None
    probability: Probability | None = None
    threshold: float = 0.5
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    limit: int = LIMIT
    strata: int = MOST_STRATA

    def start(self) -> NeighboursState:
        """Nothing seen."""
        return NeighboursState(limit=self.limit, strata=self.strata)

    def observe(self, state: NeighboursState, batch: pa.RecordBatch) -> NeighboursState:
        """With the batch's rows added; raises `SchemaMismatch` if a column is missing."""
        names = self._names(batch)
        axes = [
            axis_of(column_of(name, batch), values, 16 * self.strata)
            for name, values in zip(self.columns, self.values, strict=True)
        ]
        crowded = None in axes
        strata, places = _strata([axis for axis in axes if axis is not None], batch.num_rows)
        predicted = predicted_matches(
            batch, self.prediction, self.probability, self.threshold, self.positives, self.classes
        )
        arrays = [column_of(name, batch) for name in names]
        numbers = [numbers_of(array) for array in arrays]
        texts = tuple(sorted(name for name, a, b in zip(names, arrays, numbers, strict=True) if _has_texts(a, b)))
        usable = (predicted != MISSING) & (places >= 0)
        for column in numbers:
            usable &= np.isfinite(column)
        samples = {} if crowded else dict(self._samples(state, strata, places, predicted, numbers, usable))
        incomplete = batch.num_rows - int(np.count_nonzero(usable))
        return state.merge(NeighboursState(samples, names, texts, incomplete, crowded, self.limit, self.strata))

    def _names(self, batch: pa.RecordBatch) -> tuple[str, ...]:
        if self.features:
            return self.features
        several = (self.probability,) if isinstance(self.probability, str) else self.probability or ()
        used = [*self.columns, *self.excluded, *several, *([self.prediction] if self.prediction is not None else [])]
        apart = {place_of(name, batch.schema.names) for name in used}
        return tuple(name for place, name in enumerate(batch.schema.names) if place not in apart)

    def _samples(
        self,
        state: NeighboursState,
        strata: list[Marks],
        places: Ints,
        predicted: Matches,
        numbers: list[Floats],
        usable: npt.NDArray[np.bool_],
    ) -> Iterator[tuple[Marks, Sample]]:
        hashes = hash_rows([*numbers, predicted.astype(np.float64)], len(places))
        for place, marks in enumerate(strata):
            rows = np.flatnonzero(usable & (places == place))
            if not len(rows):
                continue
            total, known = len(rows), state.samples.get(marks)
            if known is not None and len(known.hashes) >= self.limit:
                rows = rows[hashes[rows] <= known.hashes[-1]]
            found, first, counts = np.unique(hashes[rows], return_index=True, return_counts=True)
            kept = rows[first[: self.limit]]
            table = np.stack([column[kept] for column in numbers], axis=1) if numbers else np.empty((len(kept), 0))
            outcome, counted = predicted[kept].astype(np.int64), counts[: self.limit].astype(np.int64)
            yield marks, Sample(found[: self.limit], table.reshape(-1), outcome, counted, total)


def _strata(axes: list[Axis], rows: int) -> tuple[list[Marks], Ints]:
    """The marks that there may be, and for each row which of them it has; -1 if any of them is missing."""
    strata: list[Marks] = [()]
    places: Ints = np.zeros(rows, dtype=np.int64)
    for names, codes in axes:
        known = [place for place, name in enumerate(names) if name not in ("", MISSING)]
        order = np.full(len(names), -1)
        order[known] = np.arange(len(known))
        found = order[codes] if codes is not None else np.full(rows, -1)
        places = np.where((places < 0) | (found < 0), -1, places * len(known) + found)
        strata = [(*before, names[place]) for before in strata for place in known]
    return strata, places


def _has_texts(array: pa.Array, numbers: Floats) -> bool:
    """Whether a value is there that is no number."""
    unread = int(np.count_nonzero(np.isnan(numbers))) - array.null_count
    return unread > 0 and not pa.types.is_floating(array.type)
