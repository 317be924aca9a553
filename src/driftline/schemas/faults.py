"""What is wrong with a file or its rows: told by code and column, counted, with the first rows word for word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

SHOWN = 10
"""So many rows of each fault are named; the rest are only counted."""

LONGEST = 80
"""Characters of a value that are quoted."""


@dataclass(frozen=True)
class Fault:
    """Why a file failed, or why rows were rejected or values left out: a stable code, words, and where.

    `row` (from 1), `value` and `rows` are of the first rows that show it, `count` is how many do. `field` is the one
    to edit in the schema or the columns of the job, which mends it.
    """

    code: str
    message: str
    row: int | None = None
    column: str | None = None
    value: str | None = None
    count: int = 1
    rows: tuple[int, ...] = ()
    field: str | None = None


@dataclass(frozen=True)
class Offence:
    """Rows of one column that break one rule: how many, and the first of them with their values, as text."""

    code: str
    column: str | None
    field: str | None
    wanted: str
    count: int
    rows: tuple[int, ...]
    values: tuple[str | None, ...]

    def merge(self, other: Offence) -> Offence:
        """Both; the rows with the lowest numbers stay."""
        pairs = sorted(
            (*zip(self.rows, self.values, strict=True), *zip(other.rows, other.values, strict=True)),
            key=lambda pair: pair[0],
        )[:SHOWN]
        rows, values = tuple(row for row, _ in pairs), tuple(value for _, value in pairs)
        wanted = self.wanted or other.wanted
        return Offence(self.code, self.column, self.field, wanted, self.count + other.count, rows, values)


@dataclass(frozen=True)
class Faults:
    """A commutative count of offences by code and column; merges like every state.

    >>> one = Offence("Invalid_Value", "age", "age", "a number", 1, (7,), ("abc",))
    >>> both = Faults.of([one]).merge(Faults.of([one]))
    >>> both.count, [each.count for each in both]
    (2, [2])
    """

    offences: Mapping[tuple[str, str], Offence] = field(default_factory=dict)

    @classmethod
    def of(cls, offences: Iterable[Offence]) -> Faults:
        """All of them, counted."""
        found: dict[tuple[str, str], Offence] = {}
        for each in offences:
            key = each.code, each.column or ""
            found[key] = found[key].merge(each) if key in found else each
        return cls(dict(sorted(found.items())))

    def __iter__(self) -> Iterator[Offence]:
        """The offences by code and column."""
        return iter(self.offences.values())

    @property
    def count(self) -> int:
        """How often anything was wrong; a row may count more than once."""
        return sum(each.count for each in self)

    def merge(self, other: Faults) -> Faults:
        """Both."""
        return Faults.of([*self, *other])
