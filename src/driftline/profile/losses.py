"""What each row's prediction cost, summed by the values of columns and of pairs of columns: where a model is worst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pyarrow as pa

from driftline.errors import Invalid
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.axes import Axis
from driftline.profile.columns import Floats, Ints
from driftline.profile.confusion import Confusion, Probability
from driftline.profile.outcomes import coded, column_of, labels_of, numbers_of, spelling

LIMIT = 24
"""So many values, and so many ranges of numbers, of a column are told apart."""

KINDS = ("error", "brier", "log_loss", "absolute", "squared")
"""Of a class: 1 if it is wrong, else 0. Of a probability p of the label y: (p - y)² or -ln. Of a number: |r| or r²."""


@dataclass(frozen=True)
class Cells:
    """Rows, and sums of losses and of their squares, by group of one column or, flat, by groups of two."""

    rows: Ints
    sums: Floats
    squares: Floats

    @classmethod
    def of(cls, places: Ints, losses: Floats, size: int) -> Cells:
        """The cells of rows that lie in these places."""
        if losses.dtype == np.bool_:  # right and wrong are counted at once, which takes a third of the time
            both = np.bincount(2 * places + losses, minlength=2 * size).reshape(-1, 2).astype(np.int64)
            wrong = both[:, 1].astype(np.float64)
            return cls(both.sum(axis=1), wrong, wrong)
        rows, sums, squares = (np.bincount(places, weights, size) for weights in (None, losses, losses * losses))
        return cls(rows.astype(np.int64), sums.astype(np.float64), squares.astype(np.float64))

    def moved(self, places: Ints, size: int) -> Cells:
        """The same rows where every cell has a new place, maybe together with others."""
        rows, sums, squares = (np.bincount(places, each, size) for each in (self.rows, self.sums, self.squares))
        return Cells(rows.astype(np.int64), sums.astype(np.float64), squares.astype(np.float64))

    def merge(self, other: Cells) -> Cells:
        """The sums of both, of the same groups."""
        return Cells(self.rows + other.rows, self.sums + other.sums, self.squares + other.squares)


@dataclass(frozen=True)
class LossesState:
    """The groups of each column, cells of each, and cells of each pair of columns in order ((0, 1), (0, 2), (1, 2), …).

    `unknown` counts the rows without prediction or label, which are in no cell. Groups are as in `Segments`.
    """

    axes: tuple[Axis, ...] = ()
    single: tuple[Cells, ...] = ()
    paired: tuple[Cells, ...] = ()
    unknown: int = 0

    def merge(self, other: LossesState) -> LossesState:
        """The sums of both."""
        mine, theirs = self.aligned(other)
        return LossesState(
            mine.axes,
            tuple(one.merge(two) for one, two in zip(mine.single, theirs.single, strict=True)),
            tuple(one.merge(two) for one, two in zip(mine.paired, theirs.paired, strict=True)),
            self.unknown + other.unknown,
        )

    def aligned(self, other: LossesState) -> tuple[LossesState, LossesState]:
        """Both with the same groups, so that they compare cell by cell."""
        unions = [
            one.union(two, mine.rows, theirs.rows)
            for one, two, mine, theirs in zip(self.axes, other.axes, self.single, other.single, strict=True)
        ]
        axes = tuple(axis for axis, _, _ in unions)
        return self._moved(axes, [mine for _, mine, _ in unions]), other._moved(axes, [to for _, _, to in unions])

    def _moved(self, axes: tuple[Axis, ...], places: list[Ints]) -> LossesState:
        single = tuple(cells.moved(to, len(axis)) for cells, to, axis in zip(self.single, places, axes, strict=True))
        paired = []
        for cells, (one, two) in zip(self.paired, pairs(len(axes)), strict=bool(self.paired)):
            to = (places[one][:, None] * len(axes[two]) + places[two]).reshape(-1)
            paired.append(cells.moved(to, len(axes[one]) * len(axes[two])))
        return LossesState(axes, single, tuple(paired), self.unknown)


def pairs(columns: int) -> Iterator[tuple[int, int]]:
    """The pairs of columns, in order."""
    return combinations(range(columns), 2)


@dataclass(frozen=True)
class Losses(JointAnalyzer[LossesState]):
    """How wrong predictions were, by the groups of `columns` and of pairs of them; the loss is one of `KINDS`.

    `prediction`, `probability`, `threshold`, `ground_truth`, `classes` and `positive` are as in `Confusion` and
    `Scores`. Groups of numbers are cut at `edges` (for each column a tuple, which may be empty), else they are as
    narrow as leaves `limit` of them. Without `paired` only single columns are looked at. Memory: 24 bytes a cell, about
    16 KB a pair.
    """

    columns: tuple[str, ...]
    loss: str
    ground_truth: str
    prediction: str | None = None
    probability: Probability | None = None
    threshold: float = 0.5
    positive: str = "1"
    edges: tuple[tuple[float, ...], ...] = ()
    paired: bool = True
    limit: int = field(default=LIMIT)
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises `Invalid` for settings that cannot be."""
        if self.loss not in KINDS:
            raise Invalid(what="loss", got=self.loss, expected=f"one of {', '.join(KINDS)}")
        if self.edges and len(self.edges) != len(self.columns):
            raise Invalid(what="edges", got=f"{len(self.edges)} tuples", expected=f"{len(self.columns)}, one a column")

    def start(self) -> LossesState:
        """Nothing seen."""
        nothing = pa.nulls(0, pa.string())
        return self._of([nothing] * len(self.columns), np.empty(0), 0)

    def observe(self, state: LossesState, batch: pa.RecordBatch) -> LossesState:
        """With the batch's rows added; raises `SchemaMismatch` if a column is missing."""
        losses = self.losses(batch)
        known = ~np.isnan(losses)
        columns = [column_of(each, batch) for each in self.columns]
        unknown = len(losses) - int(np.count_nonzero(known))
        if unknown:
            kept = pa.array(known)
            columns, losses = [column.filter(kept) for column in columns], losses[known]
        losses = losses.astype(np.bool_) if self.loss == "error" else losses
        return state.merge(self._of(columns, losses, unknown))

    def _of(self, columns: list[pa.Array], losses: Floats, unknown: int) -> LossesState:
        edges = self.edges or ((),) * len(columns)
        found = [Axis.of(values, cuts, self.limit) for values, cuts in zip(columns, edges, strict=True)]
        axes = tuple(axis for axis, _ in found)
        single = tuple(Cells.of(groups, losses, len(axis)) for axis, groups in found)
        paired = [
            Cells.of(found[one][1] * len(axes[two]) + found[two][1], losses, len(axes[one]) * len(axes[two]))
            for one, two in (pairs(len(axes)) if self.paired else ())
        ]
        return LossesState(axes, single, tuple(paired), unknown)

    def losses(self, batch: pa.RecordBatch) -> Floats:
        """The loss of each row; NaN without prediction or label."""
        truth = column_of(self.ground_truth, batch)
        if self.loss in ("absolute", "squared"):
            apart = numbers_of(column_of(self.prediction or "", batch)) - numbers_of(truth)
            apart[~np.isfinite(apart)] = np.nan
            found: Floats = np.abs(apart) if self.loss == "absolute" else apart * apart
            return found
        names, actual = coded(labels_of(truth))
        if self.loss == "error":
            asked = Confusion(self.prediction, self.probability, self.threshold, self.ground_truth, self.classes)
            guessed, predicted = asked.predictions(batch)
            known = {name: place for place, name in enumerate(names)}
            same = np.array([known.get(name, -2) for name in guessed] + [-3], dtype=np.int64)[predicted]
            return np.where((actual >= 0) & (predicted >= 0), (same != actual).astype(np.float64), np.nan)
        score = numbers_of(column_of(str(self.probability), batch))
        wanted = spelling(self.positive)
        chance = np.where(actual == (names.index(wanted) if wanted in names else -2), score, 1 - score)
        cost = (1 - chance) ** 2 if self.loss == "brier" else -np.log(np.clip(chance, 1e-15, 1.0))
        return np.where(actual >= 0, cost, np.nan)
