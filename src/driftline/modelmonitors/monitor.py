"""A monitor of a model as a value: what it watches, how often, and against what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from driftline.catalog.modelmonitors import Kept
from driftline.errors import Invalid
from driftline.modelmonitors.cadence import Cadence
from driftline.monitors.monitors import MONITORS
from driftline.schemas.fields import Environment
from driftline.window import Window

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
LOOKBACK_DAYS = 30.0
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=3660)


class Basis(StrEnum):
    """What a monitor compares with."""

    TRAINING = "training"
    VALIDATION = "validation"
    FILES = "files"
    WINDOW = "window"
    ROLLING = "rolling"


class MonitorStatus(StrEnum):
    """Whether windows are planned."""

    ACTIVE = "active"
    PAUSED = "paused"


@dataclass(frozen=True)
class Against:
    """The baseline: a set that was imported, files of statistics and constraints, or a window of production.

    Of a set, `version` is another one than the monitor's, if given, and `batch` the batch of a validation set. A
    window is fixed (`start`, `end`), or rolls before that which is looked at: it is `days` long and ends `gap_days`
    before it. `constraints` may be given in all cases; without it those count that the rows suggest.
    """

    basis: Basis = Basis.TRAINING
    version: str | None = None
    batch: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    days: float = 7.0
    gap_days: float = 0.0
    statistics: str | None = None
    constraints: str | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid` for a baseline that cannot be."""
        object.__setattr__(self, "basis", _basis(self.basis))
        for name in ("start", "end"):
            given = getattr(self, name)
            object.__setattr__(self, name, _moment(name, given) if isinstance(given, str) else given)
        if self.basis is Basis.FILES and not (self.statistics or self.constraints):
            raise Invalid(what="baseline", got="files", expected="statistics or constraints, or both")
        if self.basis is Basis.WINDOW:
            if self.start is None or self.end is None:
                raise Invalid(what="baseline", got="window", expected="start and end")
            Window(self.start, self.end)
        if not 0 < self.days <= _LONGEST.days or not 0 <= self.gap_days <= _LONGEST.days:
            raise Invalid(what="days of the baseline", got=self.days, expected="more than 0 days, no gap below 0")

    def window(self, of: Window) -> Window | None:
        """Whose rows it is made of, for a run on the window `of`; None where all of a set are.

        >>> from datetime import UTC
        >>> week = Window(datetime(2026, 1, 8, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC))
        >>> str(Against(Basis.ROLLING, days=7).window(week).start)
        '2026-01-01 00:00:00+00:00'
        """
        if self.basis is Basis.WINDOW and self.start is not None and self.end is not None:
            return Window(self.start, self.end)
        if self.basis is not Basis.ROLLING:
            return None
        end = of.start - timedelta(days=self.gap_days)
        return Window(end - timedelta(days=self.days), end)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}


@dataclass(frozen=True)
class ModelMonitor:
    """What is watched of a model, by one of the four monitors.

    `settings` are those of the monitor of this `kind`; what they leave out follows from the schema. Rows are those of
    `version` (all versions, if None) and `environment` whose fields have the values in `where`. A run that is
    scheduled at a time T looks at the `window_seconds` before T (as long as the cadence, if None), `delay_seconds`
    after T; without a `cadence` it runs only on demand. Times before it was made are planned from `since` on.
    `thresholds` take the place of those the baseline suggests. A window is looked at again for rows and labels that
    come within `lookback_days`.
    """

    model: str
    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None
    environment: Environment = Environment.PRODUCTION
    where: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    label: str | None = None
    cadence: str | None = None
    window_seconds: float | None = None
    delay_seconds: float = 0.0
    since: datetime | None = None
    against: Against = field(default_factory=Against)
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    lookback_days: float = LOOKBACK_DAYS
    status: MonitorStatus = MonitorStatus.ACTIVE
    created: datetime | None = None
    modified: datetime | None = None
    next: datetime | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid` for what cannot be."""
        if not re.fullmatch(NAME, self.name):
            raise Invalid(what="monitor", got=self.name[:80], expected="1 to 63 letters and digits, with - in between")
        if self.kind not in MONITORS:
            raise Invalid(what="kind", got=self.kind, expected=f"one of {', '.join(MONITORS)}")
        object.__setattr__(self, "environment", Environment(self.environment))
        object.__setattr__(self, "status", MonitorStatus(self.status))
        object.__setattr__(self, "columns", None if self.columns is None else tuple(self.columns))
        if isinstance(self.since, str):
            object.__setattr__(self, "since", _moment("since", self.since))
        if isinstance(self.against, Mapping):
            object.__setattr__(self, "against", against_of(self.against))
        if self.cadence is not None:
            Cadence.parse(self.cadence)
        if self.window_seconds is not None and not _SHORTEST <= _length(self.window_seconds) <= _LONGEST:
            raise Invalid(what="window", got=self.window_seconds, expected="one minute to ten years, in seconds")
        if not 0 <= self.delay_seconds <= _LONGEST.total_seconds() or not 0 <= self.lookback_days <= _LONGEST.days:
            raise Invalid(what="delay and look-back", got=self.delay_seconds, expected="0 to ten years")

    def window(self, scheduled: datetime) -> Window:
        """What the run looks at that is scheduled for this time; raises `Invalid` without cadence and length."""
        if self.window_seconds is not None:
            return Window(scheduled - _length(self.window_seconds), scheduled)
        if self.cadence is None:
            remedy = "Name the window: --start and --end."
            raise Invalid(what=f"monitor {self.name}", got="neither cadence nor window", expected="one", remedy=remedy)
        return Window(scheduled - Cadence.parse(self.cadence).period(scheduled), scheduled)

    @property
    def wants_labels(self) -> bool:
        """Whether its word depends on labels, so that it speaks again when they come."""
        return self.kind in ("model-quality", "bias")

    def asked(self) -> dict[str, Any]:
        """What its user asked of it, as JSON has it; a run keeps it as it was."""
        named = ("settings", "version", "environment", "where", "columns", "label", "cadence", "window_seconds")
        more = ("delay_seconds", "since", "thresholds", "lookback_days")
        found = {name: getattr(self, name) for name in (*named, *more)}
        found["since"] = None if self.since is None else self.since.isoformat()
        found |= {"environment": str(self.environment), "against": self.against.to_dict()}
        found["columns"] = None if self.columns is None else list(self.columns)
        return {name: value for name, value in found.items() if value not in (None, {}, ())}

    @classmethod
    def of(cls, kept: Kept) -> ModelMonitor:
        """The monitor of a row of the catalog."""
        return cls(
            model=kept.model, name=kept.name, kind=kept.kind, status=MonitorStatus(kept.status),
            created=kept.created, modified=kept.modified, next=kept.next, **kept.body["asked"],
        )  # fmt: skip

    def only(self, **narrowed: Any) -> ModelMonitor:
        """The monitor on another version, environment or segment; what is None stays."""
        return replace(self, **{name: value for name, value in narrowed.items() if value is not None})


def against_of(document: Mapping[str, Any]) -> Against:
    """The baseline that `to_dict` made; raises `Invalid` for what is none."""
    try:
        return Against(**document)
    except TypeError as error:
        expected = "basis, version, batch, start, end, days, gap_days, statistics, constraints"
        raise Invalid(what="baseline", got=sorted(document), expected=expected, remedy=str(error)) from error


def _basis(given: str) -> Basis:
    try:
        return Basis(given)
    except ValueError:
        raise Invalid(what="baseline", got=given, expected=f"one of {', '.join(Basis)}") from None


def _moment(what: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(what=what, got=text, expected="a time such as 2026-11-21T13:00:00Z") from None
    if found.tzinfo is None:
        raise Invalid(what=what, got=text, expected="a time with a zone, such as 2026-11-21T13:00:00Z")
    return found


def _length(seconds: float) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise Invalid(what="window", got=seconds, expected="one minute to ten years, in seconds") from None
