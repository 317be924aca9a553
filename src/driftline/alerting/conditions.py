"""Conditions of rules: what must not be of a run, of several in a row, or of what failed to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import isfinite
from typing import Any, Literal

from driftline.errors import Invalid

ANY = "*"
"""As a subject: each that there is, with a state of its own."""
MOST_WINDOWS, LONGEST_HOURS = 100, 24.0 * 3660


class Missing(StrEnum):
    """What can fail to come."""

    DATA = "data"
    LABELS = "labels"
    RUN = "run"
    IMPORTS = "imports"
    SCHEDULE = "schedule"
    VERSION = "version"


class Season(StrEnum):
    """Which past windows a window is like."""

    NONE = "none"
    DAY = "day"
    WEEK = "week"

    @property
    def length(self) -> timedelta | None:
        """After how long it repeats itself; None: at once, the windows just before are its past.

        >>> Season.WEEK.length.days
        7
        """
        return {"none": None, "day": timedelta(days=1), "week": timedelta(days=7)}[self.value]


class Side(StrEnum):
    """Which side of what is expected hurts."""

    BOTH = "both"
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True)
class Threshold:
    """A measure of a run above or below a bound; one of the two where only one side hurts.

    `measure` is the name of a measure in the runs (`baseline_drift`, `accuracy`), `estimated:NAME` or
    `realised:NAME` of an estimate, `minimum`, `mean` or `maximum` of a column, or `rows`, `labelled`, `violations`.
    `subject` is a column, facet or label, or `*`.
    """

    measure: str
    subject: str = ANY
    above: float | None = None
    below: float | None = None
    kind: Literal["threshold"] = "threshold"

    def __post_init__(self) -> None:
        """Raises `Invalid` without a bound."""
        _one_of("threshold", above=self.above, below=self.below)


@dataclass(frozen=True)
class Change:
    """A measure that rose or fell by more than a bound against the mean of the `windows` before.

    Where it is `relative`, bounds are shares of that mean: a `fall` of 0.1 is ten per cent. With `to`, the name of
    another monitor of the model (of all traffic, of another segment or version), it is compared with the same window
    there instead.
    """

    measure: str
    subject: str = ANY
    rise: float | None = None
    fall: float | None = None
    relative: bool = False
    windows: int = 1
    to: str | None = None
    kind: Literal["change"] = "change"

    def __post_init__(self) -> None:
        """Raises `Invalid` without a bound, or for one below 0."""
        _one_of("change", rise=self.rise, fall=self.fall)
        if min(each for each in (self.rise, self.fall) if each is not None) < 0:
            raise Invalid(what="change", got=[self.rise, self.fall], expected="rise and fall of 0 or more")
        _windows("windows", self.windows, 1)


@dataclass(frozen=True)
class Anomaly:
    """A measure outside of what its own past of the same season expects.

    The past of a window are the `windows` before it of the same hour of the day or of the week (`season`; `none`: those
    just before it). It expects their median, give or take `deviations` times 1.4826 times the median of their distances
    from it (for normal values a standard deviation), and at least `margin`, a share of the median. With fewer than
    `least` of them nothing is said. `side` is the one that hurts.
    """

    measure: str
    subject: str = ANY
    season: Season = Season.WEEK
    side: Side = Side.BOTH
    deviations: float = 4.0
    margin: float = 0.05
    windows: int = 8
    least: int = 4
    kind: Literal["anomaly"] = "anomaly"

    def __post_init__(self) -> None:
        """Raises `Invalid` for a past that cannot be."""
        object.__setattr__(self, "season", member(Season, "season", self.season))
        object.__setattr__(self, "side", member(Side, "side", self.side))
        _windows("least", self.least, 2)
        _windows("windows", self.windows, self.least)
        for name in ("deviations", "margin"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise Invalid(what=name, got=getattr(self, name), expected="0 or more")


@dataclass(frozen=True)
class Violations:
    """A run with at least so many violations, of one `check` or of all; where `failed`, also one that failed."""

    least: int = 1
    failed: bool = False
    check: str = ANY
    kind: Literal["violations"] = "violations"

    def __post_init__(self) -> None:
        """Raises `Invalid` for a bound that every run reaches."""
        if self.least < 1:
            raise Invalid(what="least", got=self.least, expected="1 or more violations")


@dataclass(frozen=True)
class Partial:
    """A run that looked at less than this share of the rows of its environment that have come for its window by now.

    Counted are rows of all versions of the model, so a run misses what its version or segment leaves out, and what
    came after it looked. Windows that do not begin and end on the hour are not judged. Of a schedule: the share of the
    calls of its endpoint, as far as they came through a server of ours, that were captured.
    """

    below: float
    kind: Literal["partial"] = "partial"

    def __post_init__(self) -> None:
        """Raises `Invalid` for what is no share."""
        if not 0 < self.below <= 1:
            raise Invalid(what="below", got=self.below, expected="a share of the rows: above 0, at most 1")


@dataclass(frozen=True)
class Rejected:
    """An import job of which more than this share of the rows was rejected, of files read in the last `hours`."""

    above: float
    hours: float = 24.0
    kind: Literal["rejected"] = "rejected"

    def __post_init__(self) -> None:
        """Raises `Invalid` for what is no share."""
        if not 0 <= self.above < 1:
            raise Invalid(what="above", got=self.above, expected="a share of the rows: 0 or more, below 1")
        _hours(self.hours)


@dataclass(frozen=True)
class Absence:
    """Nothing of this kind for so many hours: rows, labels, runs that ended well, a new version of the model.

    Of imports: a job that cannot look for files, could not read some in the last hours, or has had some wait for so
    long. Of a schedule: a monitor, or a schedule of SageMaker, that has been stopped or cannot be planned for so long.
    """

    of: Missing
    hours: float
    kind: Literal["absence"] = "absence"

    def __post_init__(self) -> None:
        """Raises `Invalid` for what cannot be waited for."""
        object.__setattr__(self, "of", member(Missing, "of", self.of))
        _hours(self.hours)


@dataclass(frozen=True)
class InAlert:
    """A schedule whose own alert says InAlert: so many of the last executions failed or found violations.

    How many of how many is what SageMaker's UpdateMonitoringAlert has set.
    """

    kind: Literal["monitoring-alert"] = "monitoring-alert"


Condition = Threshold | Change | Anomaly | Violations | Partial | Rejected | Absence | InAlert
_ALL: tuple[type[Condition], ...] = (Threshold, Change, Anomaly, Violations, Partial, Rejected, Absence, InAlert)
CONDITIONS: dict[str, type[Condition]] = {each.kind: each for each in _ALL}


def condition_of(document: Mapping[str, Any]) -> Condition:
    """The condition of a JSON object; raises `Invalid` naming what is wrong.

    >>> condition_of({"kind": "absence", "of": "labels", "hours": 48})
    Absence(of=<Missing.LABELS: 'labels'>, hours=48, kind='absence')
    """
    made = CONDITIONS.get(str(document.get("kind")))
    if made is None:
        raise Invalid(what="condition", got=document.get("kind"), expected=f"one of {', '.join(CONDITIONS)}")
    try:
        return made(**document)
    except TypeError as error:
        names = ", ".join(made.__dataclass_fields__)
        raise Invalid(what="condition", got=sorted(document), expected=names, remedy=f"{error}.") from error


def member(of: type[StrEnum], what: str, given: Any) -> Any:
    """The member of this name; raises `Invalid`."""
    try:
        return of(given)
    except ValueError:
        raise Invalid(what=what, got=given, expected=f"one of {', '.join(of)}") from None


def _one_of(what: str, **bounds: float | None) -> None:
    given = [each for each in bounds.values() if each is not None]
    if not given or not all(isfinite(each) for each in given):
        raise Invalid(what=what, got=bounds, expected=f"{' or '.join(bounds)}, or both, as finite numbers")


def _windows(what: str, given: int, least: int) -> None:
    if not least <= given <= MOST_WINDOWS:
        raise Invalid(what=what, got=given, expected=f"{least} to {MOST_WINDOWS}")


def _hours(given: float) -> None:
    if not 0 < given <= LONGEST_HOURS:
        raise Invalid(what="hours", got=given, expected="more than 0, at most ten years")
