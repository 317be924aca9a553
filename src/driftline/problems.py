"""Rows and files that could not be used: values that are counted and capped, never exceptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

SHOWN = 20
"""How many problems are kept word for word; the rest are only counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in the input that could not be used, where it is and how to mend it.

    `line` counts from 1. `rows` is how many rows were lost by it: 1 for a malformed line, 0 for a file that could
    not be opened (how many rows it held is not known) and for a mere warning. `before` is how many rows of the batch
    that follows stand before it in the file: readers tell the problems of a block first.
    """

    uri: str
    reason: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    remedy: str = ""
    rows: int = 1
    before: int = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        """One line: file, line, column, value, reason, remedy.

        >>> str(Problem("a.csv", "expected 3 values, got 2", line=7, value="1,2", remedy="Quote the separator."))
        "a.csv line 7: expected 3 values, got 2 (value '1,2'). Quote the separator."
        """
        where = self.uri + (f" line {self.line}" if self.line is not None else "")
        where += f" column {self.column!r}" if self.column is not None else ""
        value = f" (value {self.value[:80]!r})" if self.value is not None else ""
        return f"{where}: {self.reason.rstrip('.')}{value}. {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Problems:
    """A commutative count of problems with the first few kept; merges like every state.

    >>> some = Problems.of([Problem("a.csv", "bad line", line=2)]).merge(Problems())
    >>> some.count, some.rows
    (1, 1)
    """

    count: int = 0
    rows: int = 0
    examples: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Problems:
        """All of `problems`, counted."""
        found = cls()
        for problem in problems:
            found = found.add(problem)
        return found

    def add(self, problem: Problem) -> Problems:
        """With one more problem."""
        examples = (*self.examples, problem) if len(self.examples) < SHOWN else self.examples
        return replace(self, count=self.count + 1, rows=self.rows + problem.rows, examples=examples)

    def merge(self, other: Problems) -> Problems:
        """Both; the first `SHOWN` examples stay."""
        examples = (self.examples + other.examples)[:SHOWN]
        return Problems(self.count + other.count, self.rows + other.rows, examples)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        examples = [asdict(found) for found in self.examples]
        for each in examples:
            del each["before"]  # of a batch that nobody has any more
        return {"count": self.count, "rows": self.rows, "examples": examples}
