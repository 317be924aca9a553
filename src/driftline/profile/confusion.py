"""Which class was predicted for rows of which class: the confusion matrix as a mergeable count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa

from driftline.errors import Invalid, SchemaMismatch
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.arrow import mask_of, values_of
from driftline.profile.columns import Floats, Ints
from driftline.profile.outcomes import coded, column_of, is_list, labels_of, numbers_of, spelling

LIMIT = 1000
"""So many classes are told apart."""

Probability = str | tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: `counts[i, j]` rows of class `labels[i]` were predicted to be `labels[j]`.

    `positive` is the class that binary metrics are about; it need not occur.
    """

    labels: tuple[str, ...]
    counts: Ints
    positive: str = "1"

    @property
    def total(self) -> int:
        """All rows."""
        return int(self.counts.sum())

    @property
    def actual(self) -> Ints:
        """Rows of each class."""
        found: Ints = self.counts.sum(axis=1)
        return found

    @property
    def predicted(self) -> Ints:
        """Rows predicted to be of each class."""
        found: Ints = self.counts.sum(axis=0)
        return found

    @property
    def correct(self) -> Ints:
        """Rows of each class that were predicted to be of it."""
        return np.diagonal(self.counts)

    def binary(self) -> tuple[int, int, int, int]:
        """True positives, false negatives, false positives and true negatives; every other class is negative.

        >>> Matrix(("0", "1"), np.array([[5, 1], [2, 3]])).binary()
        (3, 2, 1, 5)
        """
        if self.positive not in self.labels:
            return 0, 0, 0, self.total
        at = self.labels.index(self.positive)
        hits = int(self.counts[at, at])
        missed, false = int(self.counts[at].sum()) - hits, int(self.counts[:, at].sum()) - hits
        return hits, missed, false, self.total - hits - missed - false

    def binarised(self, negative: str) -> Matrix:
        """Of two classes, every other one than the positive joined as `negative`.

        >>> Matrix(("a", "b", "c"), np.array([[5, 1, 0], [2, 3, 1], [0, 0, 4]]), "b").binarised("not b").counts.tolist()
        [[3, 3], [1, 9]]
        """
        hits, missed, false, right = self.binary()
        found = np.array([[right, false], [missed, hits]], dtype=np.int64)
        if _order(negative) < _order(self.positive):
            return Matrix((negative, self.positive), found, self.positive)
        return Matrix((self.positive, negative), np.ascontiguousarray(found[::-1, ::-1]), self.positive)

    def constant(self) -> Matrix:
        """As if the most frequent class had always been predicted: the best classifier that looks at nothing.

        >>> Matrix(("0", "1"), np.array([[5, 1], [2, 3]])).constant().counts.tolist()
        [[6, 0], [5, 0]]
        """
        counts = np.zeros_like(self.counts)
        if len(counts):
            counts[:, int(np.argmax(self.actual))] = self.actual
        return Matrix(self.labels, counts, self.positive)

    def with_counts(self, counts: Ints) -> Matrix:
        """The same classes with other counts."""
        return Matrix(self.labels, counts, self.positive)


@dataclass(frozen=True)
class ConfusionState:
    """Counts by (actual, predicted) class of the rows that have both, and by predicted class in `awaiting` of those
    that have no label yet.

    `labelled` rows have both, `agreeing` ones of them the same; `unlabelled` ones have no label, `unpredicted` ones a
    label alone. Beyond `limit` classes (is it a regression?) the classes are no longer told apart: `counts` and
    `awaiting` are then empty for good, the four numbers stay exact.
    """

    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    awaiting: Mapping[str, int] = field(default_factory=dict)
    labelled: int = 0
    agreeing: int = 0
    unlabelled: int = 0
    unpredicted: int = 0
    overflown: bool = False
    limit: int = LIMIT

    @property
    def rows(self) -> int:
        """All rows seen."""
        return self.labelled + self.unlabelled + self.unpredicted

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that occur, in order: numbers by value, then texts.

        >>> ConfusionState({("10", "9"): 1, ("b", "9"): 1}).labels
        ('9', '10', 'b')
        """
        return tuple(sorted({label for pair in self.counts for label in pair}, key=_order))

    def matrix(self, positive: str = "1") -> Matrix:
        """The counts as a matrix of the classes that occur."""
        labels = self.labels
        places = {label: place for place, label in enumerate(labels)}
        found = np.zeros((len(labels), len(labels)), dtype=np.int64)
        for (actual, predicted), count in self.counts.items():
            found[places[actual], places[predicted]] = count
        return Matrix(labels, found, spelling(positive))

    def merge(self, other: ConfusionState) -> ConfusionState:
        """The counts of both."""
        counts, awaiting = _added(self.counts, other.counts), _added(self.awaiting, other.awaiting)
        classes = {each for pair in counts for each in pair} | awaiting.keys()
        over = self.overflown or other.overflown or len(classes) > self.limit
        return ConfusionState(
            {} if over else counts,
            {} if over else awaiting,
            self.labelled + other.labelled,
            self.agreeing + other.agreeing,
            self.unlabelled + other.unlabelled,
            self.unpredicted + other.unpredicted,
            over,
            self.limit,
        )


K = TypeVar("K", str, tuple[str, str])


def _added(mine: Mapping[K, int], theirs: Mapping[K, int]) -> dict[K, int]:
    found = dict(mine)
    for key, count in theirs.items():
        found[key] = found.get(key, 0) + count
    return dict(sorted(found.items()))


def _order(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


@dataclass(frozen=True)
class Confusion(JointAnalyzer[ConfusionState]):
    """How often rows of a class were predicted to be of a class.

    The prediction is the column `prediction`; without one it is the second of two `classes` where the column
    `probability` is above `threshold` and else the first (1 and 0 if there are no `classes`), or, of several columns of
    probabilities (or a column of lists), the class of the greatest. Then `classes` names all of these; if it is empty,
    the columns' own names do, and places from 0 in lists. Of equals the first wins.
    Columns are given by name, place or path (`place_of`).
    """

    prediction: str | None
    probability: Probability | None
    threshold: float
    ground_truth: str
    classes: tuple[str, ...] = ()
    limit: int = LIMIT

    def start(self) -> ConfusionState:
        """Nothing seen."""
        return ConfusionState(limit=self.limit)

    def observe(self, state: ConfusionState, batch: pa.RecordBatch) -> ConfusionState:
        """With the batch's rows counted; raises `SchemaMismatch` if a column is missing."""
        names, actual = coded(labels_of(column_of(self.ground_truth, batch)))
        guessed, predicted = self.predictions(batch)
        unlabelled = int(np.count_nonzero(actual < 0))
        both = (actual >= 0) & (predicted >= 0)
        unpredicted = len(actual) - unlabelled - int(np.count_nonzero(both))
        width = max(len(guessed), 1)
        pairs, counts = _counted((actual * width + predicted)[both], len(names) * width)
        found = {
            (names[pair // width], guessed[pair % width]): count
            for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True)
        }
        waiting, waits = _counted(predicted[(actual < 0) & (predicted >= 0)], width)
        awaiting = {guessed[each]: count for each, count in zip(waiting.tolist(), waits.tolist(), strict=True)}
        agreeing = sum(count for (one, other), count in found.items() if one == other)
        labelled = sum(found.values())
        return state.merge(
            ConfusionState(found, awaiting, labelled, agreeing, unlabelled, unpredicted, limit=self.limit)
        )

    def predictions(self, batch: pa.RecordBatch) -> tuple[list[str], Ints]:
        """The classes predicted, and for each row which of them; -1 where there is no prediction."""
        if self.prediction is not None:
            return coded(labels_of(column_of(self.prediction, batch)))
        if self.probability is None:
            raise Invalid(what="prediction", got=None, expected="the column of predictions or of probabilities")
        if isinstance(self.probability, str):
            column = column_of(self.probability, batch)
            if not is_list(column.type):
                scores = numbers_of(column)
                classes = self.classes if len(self.classes) == 2 else ("0", "1")
                return [spelling(each) for each in classes], np.where(
                    np.isnan(scores), -1, scores > self.threshold
                ).astype(np.int64)
            table = _of_lists(column)
            names = tuple(map(str, range(table.shape[1])))
        else:
            table = np.stack([numbers_of(column_of(each, batch)) for each in self.probability], axis=1)
            names = self.probability
        return self._greatest(table, names)

    def _greatest(self, table: Floats, names: tuple[str, ...]) -> tuple[list[str], Ints]:
        classes = self.classes or names
        if len(classes) != table.shape[1] and len(table):
            reason = f"{table.shape[1]} probabilities for {len(classes)} classes"
            raise SchemaMismatch(column=str(self.probability), reason=reason, remedy="Name a class for each.")
        known = ~np.isnan(table).any(axis=1) if table.shape[1] else np.zeros(len(table), dtype=np.bool_)
        best = np.full(len(table), -1, dtype=np.int64)
        best[known] = np.argmax(table[known], axis=1) if known.any() else -1
        return [spelling(each) for each in classes], best


def _counted(pairs: Ints, span: int) -> tuple[Ints, Ints]:
    """Distinct codes below `span` and how often each occurs."""
    if span > 4 * len(pairs) + 1_024:
        return np.unique(pairs, return_counts=True)
    counts = np.bincount(pairs, minlength=1)
    seen = np.flatnonzero(counts)
    return seen.astype(np.int64), counts[seen].astype(np.int64)


def _of_lists(column: pa.Array) -> Floats:
    """A row for each list, NaN where the list is missing; lists of another length than the first are missing too."""
    present = ~values_of(column.is_null()) if column.null_count else np.ones(len(column), dtype=np.bool_)
    lengths = values_of(column.value_lengths().fill_null(0)) if len(column) else np.empty(0, dtype=np.int64)
    if pa.types.is_fixed_size_list(column.type):
        lengths = np.full(len(column), column.type.list_size)
    size = int(lengths[present][0]) if present.any() else 0
    fits = present & (lengths == size)
    table = np.full((len(column), size), np.nan)
    kept = column.filter(mask_of(fits))
    table[fits] = numbers_of(kept.flatten()).reshape(-1, size)
    return table
