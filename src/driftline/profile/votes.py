"""How probable each class was thought to be by the class that was predicted; several classes are estimated of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.errors import Invalid
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.columns import Floats, Ints
from driftline.profile.confusion import Confusion
from driftline.profile.outcomes import coded, column_of, labels_of, numbers_of, spelling

BINS = 100
LIMIT = 50
"""So many classes at most: the counts grow with their square."""

_NO_INTS: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class VotesState:
    """Counts of rows by predicted class, class, and bin of that class's probability; flat, in this order.

    A bin is one of `bins` equal parts of [0, 1]. `rows` are all rows with a prediction, `labelled` those with a label
    too, `hits` those whose label is the class. `sums` holds the sums of the probabilities of `rows`. `unpredicted`
    counts the rows without a prediction or with a probability that is none.
    """

    classes: int = 0
    bins: int = BINS
    rows: Ints = field(default_factory=lambda: _NO_INTS)
    labelled: Ints = field(default_factory=lambda: _NO_INTS)
    hits: Ints = field(default_factory=lambda: _NO_INTS)
    sums: Floats = field(default_factory=lambda: np.empty(0))
    unpredicted: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Predicted classes, classes, bins."""
        return self.classes, self.classes, self.bins

    @property
    def count(self) -> int:
        """Rows with a prediction."""
        return int(self.rows.reshape(self.shape)[:, 0].sum()) if self.classes else 0

    @property
    def predicted(self) -> Ints:
        """Rows predicted to be of each class."""
        found: Ints = self.rows.reshape(self.shape)[:, 0].sum(axis=1)
        return found

    def merge(self, other: VotesState) -> VotesState:
        """The counts of both."""
        return VotesState(
            self.classes,
            self.bins,
            self.rows + other.rows,
            self.labelled + other.labelled,
            self.hits + other.hits,
            self.sums + other.sums,
            self.unpredicted + other.unpredicted,
        )


@dataclass(frozen=True)
class Votes(JointAnalyzer[VotesState]):
    """The probabilities of several classes beside the predicted and the actual class.

    `probabilities` are the columns, one a class, given by name, place or path (`place_of`), `classes` their labels; if
    these are empty the names of the columns are. Without a `prediction` column the most probable class is predicted.
    """

    probabilities: tuple[str, ...]
    classes: tuple[str, ...] = ()
    prediction: str | None = None
    ground_truth: str | None = None
    bins: int = BINS

    def __post_init__(self) -> None:
        """Raises `Invalid` for fewer than two or too many classes, or labels that are not one a column."""
        count = len(self.probabilities)
        if not 2 <= count <= LIMIT:
            raise Invalid(what="probabilities", got=f"{count} columns", expected=f"2 to {LIMIT}, one a class")
        if self.classes and len(self.classes) != count:
            raise Invalid(what="classes", got=f"{len(self.classes)} labels", expected=f"{count}, one a column")

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the classes, as they are compared."""
        return tuple(spelling(each) for each in self.classes or self.probabilities)

    def start(self) -> VotesState:
        """Nothing seen."""
        count = len(self.probabilities)
        none = np.zeros(count * count * self.bins, dtype=np.int64)
        return VotesState(count, self.bins, none, none, none, np.zeros(len(none)))

    def observe(self, state: VotesState, batch: pa.RecordBatch) -> VotesState:
        """With the batch's rows counted; raises `SchemaMismatch` if a column is missing."""
        table = np.stack([numbers_of(column_of(each, batch)) for each in self.probabilities])
        asked = Confusion(self.prediction, self.probabilities, 0.5, "", self.labels)
        predicted = self._places(*asked.predictions(batch))
        actual = np.full(batch.num_rows, -1, dtype=np.int64)
        known = np.zeros(batch.num_rows, dtype=np.bool_)
        if self.ground_truth is not None:
            names, codes = coded(labels_of(column_of(self.ground_truth, batch)))
            known, actual = codes >= 0, self._places(names, codes)
        used = (predicted >= 0) & np.isfinite(table).all(axis=0)
        return state.merge(self._counted(table[:, used], predicted[used], actual[used], known[used], len(used)))

    def _places(self, names: list[str], codes: Ints) -> Ints:
        """For each row the place of its class; -1 for none of them."""
        known = {label: place for place, label in enumerate(self.labels)}
        return np.array([known.get(name, -1) for name in names] + [-1], dtype=np.int64)[codes]

    def _counted(
        self, table: Floats, predicted: Ints, actual: Ints, known: npt.NDArray[np.bool_], rows: int
    ) -> VotesState:
        count = len(self.probabilities)
        size = count * self.bins
        found = np.zeros((4, count, count, self.bins))
        places = np.clip((table * self.bins).astype(np.int64), 0, self.bins - 1)
        for at in range(count):
            cells = predicted * self.bins + places[at]
            for kind, weights in enumerate((None, known, actual == at, table[at])):
                found[kind, :, at] = np.bincount(cells, weights, size).reshape(count, self.bins)
        every, labelled, hits = (found[kind].reshape(-1).astype(np.int64) for kind in range(3))
        return VotesState(count, self.bins, every, labelled, hits, found[3].reshape(-1), rows - len(predicted))
