"""Any answer about predictions and labels, segment by segment of a column."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import Any, Generic, Self, TypeVar

import numpy as np
import pyarrow as pa

from driftline.errors import Invalid
from driftline.profile.analyzer import JointAnalyzer, State
from driftline.profile.arrow import places_of
from driftline.profile.axes import Axis
from driftline.profile.columns import Ints
from driftline.profile.confusion import Confusion, ConfusionState
from driftline.profile.misses import Misses, MissesState
from driftline.profile.outcomes import column_of
from driftline.profile.residuals import Residuals, ResidualsState
from driftline.profile.scores import Scores, ScoresState

LIMIT = 100
"""So many values, and so many ranges of numbers, are segments of their own."""

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class SegmentsState(Generic[S]):
    """For each group of `axis` its rows and the answer about them; all groups together are all rows.

    A group that is new in a merge joins those that its values have there; what is dropped goes to the rest. So the sum
    over all groups is exact, and so is each group while `axis.error` is 0; else up to so many rows of it are in the
    rest. Each kind of answer has a class of its own, so that what is saved says what it is.
    """

    axis: Axis = field(default_factory=Axis)
    rows: Ints = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    states: tuple[S, ...] = ()

    def merge(self, other: Self) -> Self:
        """The answers of both, group by group."""
        axis, mine, theirs = self.axis.union(other.axis, self.rows, other.rows)
        rows = np.zeros(len(axis), dtype=np.int64)
        np.add.at(rows, mine, self.rows)
        np.add.at(rows, theirs, other.rows)
        found: dict[int, S] = {}  # every group of the union is a group of one of them, so none stays empty
        for places, states in ((mine, self.states), (theirs, other.states)):
            for place, state in zip(places.tolist(), states, strict=True):
                found[place] = found[place].merge(state) if place in found else state
        return replace(self, axis=axis, rows=rows, states=tuple(found[place] for place in range(len(axis))))

    def named(self) -> dict[str, S]:
        """The answer for each group by its name, those without rows left out."""
        groups = zip(self.rows.tolist(), self.states, strict=True)
        return {self.axis.name(place): state for place, (rows, state) in enumerate(groups) if rows}


@dataclass(frozen=True)
class ConfusionSegments(SegmentsState[ConfusionState]):
    """Confusion matrices by segment."""

    states: tuple[ConfusionState, ...] = ()


@dataclass(frozen=True)
class ScoresSegments(SegmentsState[ScoresState]):
    """Histograms of scores by segment."""

    states: tuple[ScoresState, ...] = ()


@dataclass(frozen=True)
class ResidualsSegments(SegmentsState[ResidualsState]):
    """Moments of residuals by segment."""

    states: tuple[ResidualsState, ...] = ()


@dataclass(frozen=True)
class MissesSegments(SegmentsState[MissesState]):
    """Sizes of residuals by prediction, by segment."""

    states: tuple[MissesState, ...] = ()


QUALITY: dict[str, tuple[type[JointAnalyzer[Any]], type[SegmentsState[Any]]]] = {
    "confusion": (Confusion, ConfusionSegments),
    "scores": (Scores, ScoresSegments),
    "residuals": (Residuals, ResidualsSegments),
    "misses": (Misses, MissesSegments),
}
"""What can be asked by segment, with the state that holds the answers."""


@dataclass(frozen=True)
class Segments(JointAnalyzer[SegmentsState[Any]]):
    """A question (its name in `QUALITY` and its fields) asked of each segment of `column` by itself; see `by`.

    Segments are the distinct values of the column, or ranges of its numbers: up to each of `edges` if there are any,
    else as narrow as leaves at most `limit` (see `Axis`). An expression over several columns comes as a column.
    """

    column: str
    of: str
    asked: tuple[Any, ...]
    edges: tuple[float, ...] = ()
    limit: int = LIMIT

    @classmethod
    def by(
        cls, column: str, question: JointAnalyzer[Any], edges: tuple[float, ...] = (), limit: int = LIMIT
    ) -> Segments:
        """The question asked by segment of the column.

        >>> Segments.by("age", Scores("score", "label"), edges=(18.0, 65.0)).question
        Scores(probability='score', ground_truth='label', positive='1', limit=1048576)
        """
        names = {kind: name for name, (kind, _) in QUALITY.items()}
        if type(question) not in names:
            known = ", ".join(kind.__name__ for kind in names)
            raise Invalid(what="question by segment", got=type(question).__name__, expected=f"one of {known}")
        asked = tuple(getattr(question, member.name) for member in fields(question))
        return cls(column, names[type(question)], asked, edges, limit)

    @property
    def question(self) -> JointAnalyzer[Any]:
        """What is asked of each segment."""
        return QUALITY[self.of][0](*self.asked)

    def start(self) -> SegmentsState[Any]:
        """Nothing seen."""
        keys = np.array([-inf, *self.edges]) if self.edges else np.empty(0)
        axis = Axis(keys, edges=self.edges, limit=self.limit)
        empty = (self.question.start(),) * len(axis)
        return QUALITY[self.of][1](axis, np.zeros(len(axis), dtype=np.int64), empty)

    def observe(self, state: SegmentsState[Any], batch: pa.RecordBatch) -> SegmentsState[Any]:
        """With the batch's rows added to their segments; raises `SchemaMismatch` if a column is missing."""
        axis, groups = Axis.of(column_of(self.column, batch), self.edges, self.limit)
        question = self.question
        rows = np.bincount(groups, minlength=len(axis))
        ordered = batch.take(places_of(np.argsort(groups, kind="stable")))
        ends = np.cumsum(rows).tolist()
        states = tuple(
            question.observe(question.start(), ordered.slice(end - count, count)) if count else question.start()
            for end, count in zip(ends, rows.tolist(), strict=True)
        )
        return state.merge(replace(state, axis=axis, rows=rows, states=states))
