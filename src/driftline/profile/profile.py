"""The profile: the answers to all questions about a data set, as one mergeable value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from driftline.errors import NotFound
from driftline.profile.analyzer import Analyzer, JointAnalyzer, State
from driftline.profile.analyzers import FORMS
from driftline.profile.column import Column
from driftline.profile.columns import Cells, cells_of
from driftline.schema import Field

S = TypeVar("S", bound=State)

Asked = Analyzer[Any] | JointAnalyzer[Any]
Questions = Sequence[JointAnalyzer[Any]]

_MENDABLE = (pa.ArrowException, ValueError, TypeError, ArithmeticError, IndexError, NotImplementedError)
"""What odd values of one column may raise; the column is then reported as failed and the others go on."""


@dataclass(frozen=True)
class Profile:
    """What is known of `rows` rows: for each analyzer its state.

    A product of commutative monoids: `merge` with identity `Profile()`. `fields` are the columns in order of first
    appearance; a column that some rows lacked is missing there. `failures` tells of columns that could not be
    analysed and why.

    >>> jan, feb = (Profile.of(pa.table({"age": ages})) for ages in ([30, 40], [50, None]))
    >>> year = jan.merge(feb)
    >>> year.rows, year.column("age").missing, year.column("age").moments.mean
    (4, 1, 40.0)
    """

    rows: int = 0
    fields: tuple[Field, ...] = ()
    states: Mapping[Asked, Any] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Its size alone: the states are long.

        >>> Profile.of(pa.table({"age": [30, 40]}))
        <Profile of 2 rows, columns: age>
        """
        names = ", ".join(self.names[:8]) + (", …" if len(self.names) > 8 else "")
        return f"<Profile of {self.rows:,} row{'' if self.rows == 1 else 's'}, columns: {names}>"

    @classmethod
    def of(cls, data: pa.RecordBatch | pa.Table | Iterable[pa.RecordBatch], questions: Questions = ()) -> Profile:
        """The profile of all rows, in order, with the answers to `questions` about several columns at once."""
        batches = (
            [data] if isinstance(data, pa.RecordBatch) else data.to_batches() if isinstance(data, pa.Table) else data
        )
        found = cls()
        if isinstance(data, pa.Table) and not data.num_rows:
            found = found.observe(pa.RecordBatch.from_pylist([], schema=data.schema), questions)
        for batch in batches:
            found = found.observe(batch, questions)
        return found

    @classmethod
    def from_states(cls, rows: int, fields: Iterable[Field], states: Mapping[Any, Any]) -> Profile:
        """The profile that has these answers, as read from a document."""
        return cls(rows, tuple(fields), dict(states))

    def observe(self, batch: pa.RecordBatch, questions: Questions = ()) -> Profile:
        """With one more batch seen; the states are continued, so one sequence of batches gives one exact answer.

        `questions` are about several columns at once; every column is asked those of its form in any case.
        """
        fields = {known.name: known for known in self.fields}
        states, failures = dict(self.states), dict(self.failures)
        for found, array in cells_of(batch):
            fields.setdefault(found.name, found)
            if found.name in failures:
                continue
            try:
                with np.errstate(all="ignore"):  # sums of huge numbers overflow to infinity, which is then the answer
                    states.update(_observe(states, Cells(found, array)))
            except _MENDABLE as error:
                failures[found.name] = f"{type(error).__name__}: {error}"
        for question in questions:
            try:
                with np.errstate(all="ignore"):
                    states[question] = question.observe(states.get(question, question.start()), batch)
            except _MENDABLE as error:
                failures[question.subject] = f"{type(error).__name__}: {error}"
        return Profile(self.rows + batch.num_rows, tuple(fields.values()), states, failures)

    def merge(self, other: Profile) -> Profile:
        """The profile of both sets of rows."""
        if not other.rows and not other.fields:
            return self
        if not self.rows and not self.fields:
            return other
        fields = {known.name: known for known in (*other.fields, *self.fields)}
        order = dict.fromkeys([known.name for known in (*self.fields, *other.fields)])
        states = dict(self.states)
        with np.errstate(all="ignore"):
            for analyzer, state in other.states.items():
                states[analyzer] = states[analyzer].merge(state) if analyzer in states else state
        rows = self.rows + other.rows
        return Profile(rows, tuple(fields[name] for name in order), states, {**other.failures, **self.failures})

    def __getitem__(self, analyzer: Analyzer[S] | JointAnalyzer[S]) -> S:
        """The answer to a question, which is that for no rows if it was never asked."""
        found: S | None = self.states.get(analyzer)
        return analyzer.start() if found is None else found

    def __contains__(self, name: object) -> bool:
        """Whether there is a column of that name."""
        return name in self.names

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in order."""
        return tuple(known.name for known in self.fields)

    def column(self, name: str) -> Column:
        """One column's answers; `NotFound` names those that are nearly alike."""
        for known in self.fields:
            if known.name == name:
                return Column(known, self.rows, self)
        near = get_close_matches(name, self.names, 3) or list(self.names[:3])
        raise NotFound(what="column", name=repr(name), remedy=f"Did you mean {', '.join(map(repr, near))}?")

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns' answers in order."""
        return tuple(Column(known, self.rows, self) for known in self.fields)


def _observe(states: Mapping[Asked, Any], cells: Cells) -> dict[Asked, Any]:
    found: dict[Asked, Any] = {}
    for question in FORMS[cells.form]:
        analyzer = question(cells.field.name)
        state = states.get(analyzer)
        found[analyzer] = analyzer.observe(analyzer.start() if state is None else state, cells)
    return found
