"""What a monitor says: measures, and the violations among them."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about one subject (a column, or the data set as a whole).

    `value` is NaN where the number is undefined, and `reason` then says why. `limit` is None where nothing was asked.
    """

    subject: str
    name: str
    value: float = nan
    limit: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A measure beyond its limit. `check` is SageMaker's `constraint_check_type`, `said` its wording."""

    subject: str
    check: str
    value: float
    limit: float
    said: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was measured, and what of it broke a constraint; in the order of the columns."""

    measures: tuple[Measure, ...] = ()
    violations: tuple[Violation, ...] = ()
