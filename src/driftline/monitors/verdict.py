"""What a monitor says: measures, and the violations among them."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan


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


@dataclass(frozen=True)
class Compared:
    """An estimate with its interval, beside the realised value of the `labelled` rows; NaN where there is none."""

    name: str
    value: float
    low: float
    high: float
    realised: float = nan
    labelled: int = 0
    reason: str = ""

    @property
    def held(self) -> bool | None:
        """Whether the realised value lies in the interval; None while either is unknown."""
        return None if isnan(self.realised) or isnan(self.value) else self.low <= self.realised <= self.high


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was measured, and what of it broke a constraint; in the order of the columns.

    `estimates` are what a monitor of model quality expects of rows without labels, as its method alone says, which the
    next checks learn from. `notes` say in words what no number does.
    """

    measures: tuple[Measure, ...] = ()
    violations: tuple[Violation, ...] = ()
    estimates: tuple[Compared, ...] = ()
    notes: tuple[str, ...] = ()
