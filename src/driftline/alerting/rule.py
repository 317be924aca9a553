"""A rule as a value: what must not be, how bad it is, and who is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any, Literal

from driftline.catalog.alerting import KeptRule
from driftline.errors import Invalid

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
ANY = "*"
"""As a subject: each that there is, with a state of its own."""
_MOST_WINDOWS, _LONGEST_HOURS = 100, 24.0 * 3660


class Severity(StrEnum):
    """How bad it is, the least first."""

    NOTE = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least.

        >>> Severity.CRITICAL.rank
        2
        """
        return list(Severity).index(self)


class Missing(StrEnum):
    """What can fail to come."""

    DATA = "data"
    LABELS = "labels"
    RUN = "run"
    IMPORTS = "imports"


@dataclass(frozen=True)
class Threshold:
    """A measure of a run above or below a bound; one of the two where only one side hurts.

    `measure` is the name of a measure in the runs (`baseline_drift`, `accuracy`), `estimated:NAME` or
    `realised:NAME` of an estimate, or `rows`, `labelled`, `violations`. `subject` is a column, facet or label, or `*`.
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

    Where it is `relative`, bounds are shares of that mean: a `fall` of 0.1 is ten per cent.
    """

    measure: str
    subject: str = ANY
    rise: float | None = None
    fall: float | None = None
    relative: bool = False
    windows: int = 1
    kind: Literal["change"] = "change"

    def __post_init__(self) -> None:
        """Raises `Invalid` without a bound, or for one below 0."""
        _one_of("change", rise=self.rise, fall=self.fall)
        if min(each for each in (self.rise, self.fall) if each is not None) < 0:
            raise Invalid(what="change", got=[self.rise, self.fall], expected="rise and fall of 0 or more")
        if not 1 <= self.windows <= _MOST_WINDOWS:
            raise Invalid(what="windows", got=self.windows, expected=f"1 to {_MOST_WINDOWS}")


@dataclass(frozen=True)
class Violations:
    """A run with at least so many violations; where `failed`, also one that failed."""

    least: int = 1
    failed: bool = False
    kind: Literal["violations"] = "violations"

    def __post_init__(self) -> None:
        """Raises `Invalid` for a bound that every run reaches."""
        if self.least < 1:
            raise Invalid(what="least", got=self.least, expected="1 or more violations")


@dataclass(frozen=True)
class Absence:
    """Nothing of this kind for so many hours: rows, labels, runs that ended well.

    Of imports: a job that cannot look for files, or could not read some in the last hours.
    """

    of: Missing
    hours: float
    kind: Literal["absence"] = "absence"

    def __post_init__(self) -> None:
        """Raises `Invalid` for what cannot be waited for."""
        object.__setattr__(self, "of", _member(Missing, "of", self.of))
        if not 0 < self.hours <= _LONGEST_HOURS:
            raise Invalid(what="hours", got=self.hours, expected="more than 0, at most ten years")


Condition = Threshold | Change | Violations | Absence
CONDITIONS: dict[str, type[Condition]] = {each.kind: each for each in (Threshold, Change, Violations, Absence)}


@dataclass(frozen=True)
class Rule:
    """What is not to be in a model's runs: it fires when `count` of the `last` windows that can be judged are bad.

    Runs are those of `monitor` (each monitor of the model, if None) that look at `version` and `where`, if given.
    `channels` are told (all of the installation, if None), `escalate_to` too if it fires for `escalate_hours` and
    nobody has acknowledged it.
    """

    model: str
    name: str
    condition: Condition
    monitor: str | None = None
    version: str | None = None
    where: Mapping[str, Any] | None = None
    count: int = 1
    last: int = 1
    severity: Severity = Severity.WARNING
    owner: str = ""
    text: str = ""
    channels: tuple[str, ...] | None = None
    escalate_hours: float | None = None
    escalate_to: tuple[str, ...] = ()
    enabled: bool = True
    created: datetime | None = field(default=None, compare=False)
    modified: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raises `Invalid` for what cannot be."""
        if not re.fullmatch(NAME, self.name):
            raise Invalid(what="rule", got=self.name[:80], expected="1 to 63 letters and digits, with - in between")
        if isinstance(self.condition, Mapping):
            object.__setattr__(self, "condition", condition_of(self.condition))
        object.__setattr__(self, "severity", _member(Severity, "severity", self.severity))
        for name in ("channels", "escalate_to"):
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else tuple(given))
        if not 1 <= self.count <= self.last <= _MOST_WINDOWS:
            got, expected = f"{self.count} of {self.last}", f"1 <= count <= last <= {_MOST_WINDOWS}"
            raise Invalid(what="windows", got=got, expected=expected)
        if (self.escalate_hours is None) != (not self.escalate_to):
            raise Invalid(what="escalation", got="one half", expected="escalate_hours and escalate_to, or neither")
        if self.escalate_hours is not None and not 0 < self.escalate_hours <= _LONGEST_HOURS:
            raise Invalid(what="escalate_hours", got=self.escalate_hours, expected="more than 0, at most ten years")

    @property
    def watches(self) -> tuple[Any, ...]:
        """What states depend on: with another of these they begin anew."""
        return self.condition, self.monitor, self.version, self.where, self.count, self.last, self.enabled

    def asked(self) -> dict[str, Any]:
        """What its user asked of it, as JSON has it."""
        left = ("model", "name", "created", "modified")
        return {name: value for name, value in asdict(self).items() if name not in left}

    @classmethod
    def of(cls, kept: KeptRule) -> Rule:
        """The rule of a row of the catalog."""
        return cls(kept.model, kept.name, **kept.body["asked"], created=kept.created, modified=kept.modified)


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


def _one_of(what: str, **bounds: float | None) -> None:
    given = [each for each in bounds.values() if each is not None]
    if not given or not all(isfinite(each) for each in given):
        raise Invalid(what=what, got=bounds, expected=f"{' or '.join(bounds)}, or both, as finite numbers")


def _member(of: type[StrEnum], what: str, given: Any) -> Any:
    try:
        return of(given)
    except ValueError:
        raise Invalid(what=what, got=given, expected=f"one of {', '.join(of)}") from None
