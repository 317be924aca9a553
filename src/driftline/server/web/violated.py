"""A violation as pages tell it: what, how much, how much was allowed, why, and how far beyond its limit it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import Protocol

from driftline.monitors.verdict import Violation
from driftline.pages import svg, words
from driftline.pages.terminal import rounded


class Broken(Protocol):
    """A violation as answers have it; what is not known is None."""

    @property
    def subject(self) -> str:
        """The column, or what else was looked at."""
        ...

    @property
    def check(self) -> str:
        """SageMaker's `constraint_check_type`."""
        ...

    @property
    def value(self) -> float | None:
        """What was found."""
        ...

    @property
    def limit(self) -> float | None:
        """What was allowed."""
        ...

    @property
    def said(self) -> str:
        """SageMaker's description."""
        ...


@dataclass(frozen=True)
class Told:
    """A violation in words; `of` is its column as it is called, and `excess` that by which violations are ranked."""

    place: int
    of: str
    subject: str
    title: str
    check: str
    value: str
    limit: str
    why: str
    said: str
    meter: str
    excess: float


def told_of(place: int, found: Broken) -> Told:
    """The violation at this place of a run."""
    number, bound = (nan if each is None else each for each in (found.value, found.limit))
    violation = Violation(found.subject, found.check, number, bound, found.said)
    return Told(
        place,
        found.subject,
        words.name_of(found.subject),
        words.check_title(found.check),
        found.check,
        words.amount(violation, number),
        words.amount(violation, bound),
        words.why(violation),
        rounded(found.said),
        svg.meter(number, bound, True),
        excess_of(number, bound),
    )


def excess_of(value: float, limit: float) -> float:
    """How far a value is from its limit, as a share of the limit; 0 where that cannot be told.

    >>> excess_of(0.3, 0.1) > excess_of(0.5, 1.0), excess_of(2.0, 0.0)
    (True, 0.0)
    """
    return abs(value - limit) / abs(limit) if isfinite(value) and isfinite(limit) and limit else 0.0
