"""A rule as a value: what must not be, how bad it is, and who is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any

from driftline.alerting.conditions import (
    LONGEST_HOURS,
    MOST_WINDOWS,
    Absence,
    Anomaly,
    Change,
    Condition,
    InAlert,
    Missing,
    Partial,
    Rejected,
    Threshold,
    Violations,
    condition_of,
    member,
)
from driftline.catalog.alerting import KeptRule
from driftline.errors import Invalid

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
SCHEDULES = ""
"""In the place of a model: the rule is about SageMaker's monitoring schedules."""

_OF_SCHEDULES = (Threshold, Change, Anomaly, Violations, Partial, InAlert)
_MISSED_BY_SCHEDULES = (Missing.RUN, Missing.SCHEDULE)


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


@dataclass(frozen=True)
class Rule:
    """What is not to be in a model's runs: it fires when `count` of the `last` windows that can be judged are bad.

    Runs are those of `monitor` (each monitor of the model, if None) that look at `version` and `where`, if given. A
    rule of no model is about executions: those of `schedule`, or of all schedules of `endpoint`, or of each schedule.

    `channels` are told (all of the installation, if None). It is told once more, as escalated, if it fires for
    `escalate_hours` and nobody has acknowledged it, or when a value gets so much worse that it is `escalate_beyond`
    times its limit beyond the limit; then `escalate_to` hear of it (`channels`, if there are none).
    """

    model: str
    name: str
    condition: Condition
    monitor: str | None = None
    version: str | None = None
    where: Mapping[str, Any] | None = None
    schedule: str | None = None
    endpoint: str | None = None
    count: int = 1
    last: int = 1
    severity: Severity = Severity.WARNING
    owner: str = ""
    text: str = ""
    channels: tuple[str, ...] | None = None
    escalate_hours: float | None = None
    escalate_beyond: float | None = None
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
        object.__setattr__(self, "severity", member(Severity, "severity", self.severity))
        for name in ("channels", "escalate_to"):
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else tuple(given))
        if not 1 <= self.count <= self.last <= MOST_WINDOWS:
            got, expected = f"{self.count} of {self.last}", f"1 <= count <= last <= {MOST_WINDOWS}"
            raise Invalid(what="windows", got=got, expected=expected)
        self._check_escalation()
        self._check_subject()

    def _check_escalation(self) -> None:
        if self.escalate_to and self.escalate_hours is None and self.escalate_beyond is None:
            expected = "escalate_hours or escalate_beyond beside escalate_to"
            raise Invalid(what="escalation", got="neither", expected=expected)
        if self.escalate_hours is not None and not 0 < self.escalate_hours <= LONGEST_HOURS:
            raise Invalid(what="escalate_hours", got=self.escalate_hours, expected="more than 0, at most ten years")
        if self.escalate_beyond is not None and not (isfinite(self.escalate_beyond) and self.escalate_beyond > 0):
            raise Invalid(what="escalate_beyond", got=self.escalate_beyond, expected="more than 0 limits")

    def _check_subject(self) -> None:
        """Raises `Invalid` where it asks of schedules what only monitors have, or the other way round."""
        of_model = [name for name in ("monitor", "version", "where") if getattr(self, name) is not None]
        of_schedule = [name for name in ("schedule", "endpoint") if getattr(self, name) is not None]
        condition = self.condition
        if self.model != SCHEDULES:
            if of_schedule or isinstance(condition, InAlert):
                got = ", ".join(of_schedule) or condition.kind
                raise Invalid(what="rule of a model", got=got, expected="a rule of schedules for it")
            return
        fits = isinstance(condition, _OF_SCHEDULES) or _fits_schedules(condition)
        if of_model or not fits or getattr(condition, "to", None) is not None:
            kinds = ", ".join(each.kind for each in _OF_SCHEDULES)
            got = ", ".join(of_model) or f"{condition.kind} {getattr(condition, 'of', '')}".strip()
            expected = f"one of {kinds}, absence of run or schedule; schedule and endpoint to say whose"
            raise Invalid(what="rule of schedules", got=got, expected=expected)
        if isinstance(condition, InAlert) and self.last > 1:
            remedy = "How many of how many is set by UpdateMonitoringAlert."
            raise Invalid(what="windows", got=f"{self.count} of {self.last}", expected="1 of 1", remedy=remedy)

    @property
    def watches(self) -> tuple[Any, ...]:
        """What states depend on: with another of these they begin anew."""
        whose = (self.monitor, self.version, self.where, self.schedule, self.endpoint)
        return self.condition, *whose, self.count, self.last, self.enabled

    @property
    def is_of_windows(self) -> bool:
        """Whether it judges window by window; else it looks at what there is now."""
        return not isinstance(self.condition, Absence | Rejected)

    def asked(self) -> dict[str, Any]:
        """What its user asked of it, as JSON has it."""
        left = ("model", "name", "created", "modified")
        return {name: value for name, value in asdict(self).items() if name not in left}

    @classmethod
    def of(cls, kept: KeptRule) -> Rule:
        """The rule of a row of the catalog."""
        return cls(kept.model, kept.name, **kept.body["asked"], created=kept.created, modified=kept.modified)


def _fits_schedules(condition: Condition) -> bool:
    return isinstance(condition, Absence) and condition.of in _MISSED_BY_SCHEDULES


__all__ = [
    "NAME",
    "SCHEDULES",
    "Absence",
    "Anomaly",
    "Change",
    "Condition",
    "InAlert",
    "Missing",
    "Partial",
    "Rejected",
    "Rule",
    "Severity",
    "Threshold",
    "Violations",
]
