"""One column's answers in a profile, by the names people use."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Protocol, TypeVar

from driftline.profile.analyzer import Analyzer, State
from driftline.profile.count import Count
from driftline.profile.distinct import Distinct, DistinctState
from driftline.profile.frequent import Frequent, FrequentState
from driftline.profile.kinds import KindCounts, Kinds
from driftline.profile.moments import Lengths, Moments, MomentsState
from driftline.profile.quantiles import Quantiles, Sketch
from driftline.profile.vectors import Vectors, VectorState
from driftline.schema import Field, Form

S = TypeVar("S", bound=State)


class Answers(Protocol):
    """Whatever gives the state of an analyzer."""

    def __getitem__(self, analyzer: Analyzer[S], /) -> S:
        """The state."""
        ...


@dataclass(frozen=True)
class Column:
    """A view on a profile; holds nothing itself."""

    field: Field
    rows: int
    answers: Answers

    @property
    def name(self) -> str:
        """The column's name."""
        return self.field.name

    @property
    def form(self) -> Form:
        """How its values are laid out."""
        return self.field.form

    @property
    def present(self) -> int:
        """Rows with a value; null and NaN are none."""
        return self.answers[Count(self.name)].present

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.rows - self.present

    @property
    def nan(self) -> int:
        """Rows that held NaN; they are among the missing."""
        return self.answers[Count(self.name)].nan

    @property
    def completeness(self) -> float:
        """The ratio of rows with a value, in [0, 1]; NaN without rows."""
        return self.present / self.rows if self.rows else nan

    @property
    def kinds(self) -> KindCounts:
        """How many values are of which kind."""
        return self.answers[Kinds(self.name)]

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return self.form in (Form.NUMBER, Form.TEXT) and self.kinds.inferred in ("Integral", "Fractional")

    @property
    def moments(self) -> MomentsState:
        """Mean, standard deviation and so on of the finite numbers."""
        return self.answers[Moments(self.name)]

    @property
    def sketch(self) -> Sketch:
        """Quantiles of the finite numbers."""
        return self.answers[Quantiles(self.name)]

    @property
    def distinct(self) -> float:
        """How many different values; see `DistinctState` for the error."""
        return self.distinct_state.estimate

    @property
    def distinct_state(self) -> DistinctState:
        """The state behind `distinct`."""
        return self.answers[Distinct(self.name)]

    @property
    def frequent(self) -> FrequentState:
        """The most frequent values."""
        return self.answers[Frequent(self.name)]

    @property
    def lengths(self) -> MomentsState:
        """Lengths of texts or lists."""
        return self.answers[Lengths(self.name)]

    @property
    def vector(self) -> VectorState:
        """Norms and dimensions of vectors."""
        return self.answers[Vectors(self.name)]
