"""What the values of a column look like, value by value, by SageMaker's rules."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import pyarrow as pa

from driftline.profile.analyzer import Analyzer
from driftline.profile.columns import Cells
from driftline.schema import Form


@dataclass(frozen=True)
class KindCounts:
    """How many values are of each kind.

    >>> KindCounts(integral=9, fractional=1).inferred, KindCounts(integral=9, string=1).inferred
    ('Fractional', 'String')
    >>> KindCounts(integral=9, fractional=1).share("Integral")
    0.9
    """

    fractional: int = 0
    integral: int = 0
    boolean: int = 0
    string: int = 0

    @property
    def total(self) -> int:
        """All values, which are all that are present."""
        return self.fractional + self.integral + self.boolean + self.string

    @property
    def inferred(self) -> str:
        """`Integral`, `Fractional`, `String` or, with no value at all, `Unknown`; booleans are strings."""
        if not self.total:
            return "Unknown"
        if self.string or self.boolean:
            return "String"
        return "Fractional" if self.fractional else "Integral"

    def share(self, kind: str) -> float:
        """The ratio of values that are of `kind` (one of `inferred`'s words) in [0, 1]; NaN without values.

        Any text may be a string, "42" too: a column that infers as `String` is one wholly, and else not at all.

        >>> KindCounts(integral=9, string=1).share("String"), KindCounts(integral=10).share("String")
        (1.0, 0.0)
        """
        if not self.total:
            return nan
        if kind == "String":
            return float(self.inferred == "String")
        return {"Fractional": self.fractional, "Integral": self.integral}.get(kind, 0) / self.total

    def merge(self, other: KindCounts) -> KindCounts:
        """The sums."""
        return KindCounts(
            self.fractional + other.fractional,
            self.integral + other.integral,
            self.boolean + other.boolean,
            self.string + other.string,
        )


@dataclass(frozen=True)
class Kinds(Analyzer[KindCounts]):
    """How many values are fractional, integral, boolean or any other string (`sagemaker-formats` type inference)."""

    def start(self) -> KindCounts:
        """Nothing seen."""
        return KindCounts()

    def observe(self, state: KindCounts, cells: Cells) -> KindCounts:
        """With the kinds of the cells added."""
        return state.merge(_kinds_of(cells))


def _kinds_of(cells: Cells) -> KindCounts:
    if cells.form is Form.TEXT:
        read = cells.reading
        return KindCounts(read.fractional, read.integral, read.boolean, read.string)
    if cells.form is Form.BOOLEAN:
        return KindCounts(boolean=cells.present)
    if cells.form is Form.NUMBER:
        kind = cells.array.type
        whole = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)
        return KindCounts(integral=cells.present) if whole else KindCounts(fractional=cells.present)
    return KindCounts(string=cells.present)
