"""The options that say what a monitor on imported rows watches, when, and against what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from driftline.commands.importing import Flag, Repeated
from driftline.commands.options import names
from driftline.commands.showing import asked_moment
from driftline.errors import Invalid
from driftline.window import duration

_WHAT, _WHEN, _AGAINST = Group("What is watched"), Group("When"), Group("Against what")
Basis = Literal["training", "validation", "files", "window", "rolling"]
Environment = Literal["production", "validation", "training"]


@Parameter(name="*")
@dataclass(frozen=True)
class Watching:
    """Options that say what is watched.

    Attributes
    ----------
    version
        The model version; all of them if none is named.
    environment
        Whose rows: production unless told otherwise.
    where
        FIELD=VALUE: only the segment of rows with this value; repeat it.
    columns
        Fields that are watched, parted by commas; all of the model's data by default.
    label
        The actual that is the truth, where there are several.
    facet
        Of bias: NAME, NAME=VALUE or NAME=VALUE,VALUE: a field that tells groups apart; repeat it.
    segment
        Of model quality: a field in whose values or ranges quality is measured, too; repeat it.
    setting
        NAME=VALUE: any other setting of the kind, a value in JSON or a word; repeat it.
    threshold
        NAME=VALUE in the place of what the baseline suggests: comparison_threshold, f1, FIELD.comparison_threshold.
    """

    version: Annotated[str | None, Parameter(group=_WHAT)] = None
    environment: Annotated[Environment | None, Parameter(group=_WHAT)] = None
    where: Annotated[Repeated, Parameter(group=_WHAT)] = ()
    columns: Annotated[Repeated, Parameter(group=_WHAT)] = ()
    label: Annotated[str | None, Parameter(group=_WHAT)] = None
    facet: Annotated[Repeated, Parameter(group=_WHAT)] = ()
    segment: Annotated[Repeated, Parameter(group=_WHAT)] = ()
    setting: Annotated[Repeated, Parameter(group=_WHAT)] = ()
    threshold: Annotated[Repeated, Parameter(group=_WHAT)] = ()

    def body(self) -> dict[str, Any]:
        """As requests say it; raises `Invalid`."""
        settings = pairs("--setting", self.setting)
        settings |= {"facets": [_facet(each) for each in self.facet]} if self.facet else {}
        settings |= {"segments": names(self.segment)} if self.segment else {}
        told: dict[str, Any] = {
            "version": self.version,
            "environment": self.environment,
            "where": pairs("--where", self.where),
            "columns": names(self.columns),
            "label": self.label,
            "settings": settings,
            "thresholds": _nested(pairs("--threshold", self.threshold)),
        }
        return {name: value for name, value in told.items() if value}


@Parameter(name="*")
@dataclass(frozen=True)
class Timed:
    """Options that say when it runs.

    Attributes
    ----------
    every
        rate(1 day), rate(1 hour) or cron(...): how often; without it only on demand.
    window
        How long a window is, as P1D or PT6H; as long as the time between two runs by default.
    delay
        How long after the end of its window a run begins, as PT1H, so that late rows are in it.
    since
        Windows of the past are looked at from here on, as 2026-11-01.
    lookback_days
        Rows and labels that come so late are looked at in a run of their own; 30 by default.
    """

    every: Annotated[str | None, Parameter(group=_WHEN)] = None
    window: Annotated[str | None, Parameter(group=_WHEN)] = None
    delay: Annotated[str | None, Parameter(group=_WHEN)] = None
    since: Annotated[str | None, Parameter(group=_WHEN)] = None
    lookback_days: Annotated[float | None, Parameter(group=_WHEN)] = None

    def body(self) -> dict[str, Any]:
        """As requests say it; raises `Invalid`."""
        told: dict[str, Any] = {
            "cadence": self.every,
            "window_seconds": None if self.window is None else duration(self.window).total_seconds(),
            "delay_seconds": None if self.delay is None else duration(self.delay).total_seconds(),
            "since": None if self.since is None else asked_moment("--since", self.since),
            "lookback_days": self.lookback_days,
        }
        return {name: value for name, value in told.items() if value is not None}


@Parameter(name="*")
@dataclass(frozen=True)
class Baselined:
    """Options that name the baseline.

    Attributes
    ----------
    against
        The training set (the default) or a validation set that was imported, files, or a window, fixed or rolling.
    baseline_version
        Of a set: another version's.
    baseline_batch
        Of a validation set: its batch.
    baseline_start
        Of a fixed window: its first moment.
    baseline_end
        Of a fixed window: the moment behind its last.
    baseline_days
        Of a window that rolls: how long it is; 7 by default.
    baseline_gap_days
        Of a window that rolls: how long before the one that is looked at it ends.
    statistics
        Of files: the URI of statistics.json, or of a saved profile.
    constraints
        The URI of constraints.json, for any baseline.
    """

    against: Annotated[Basis | None, Parameter(group=_AGAINST)] = None
    baseline_version: Annotated[str | None, Parameter(group=_AGAINST)] = None
    baseline_batch: Annotated[str | None, Parameter(group=_AGAINST)] = None
    baseline_start: Annotated[str | None, Parameter(group=_AGAINST)] = None
    baseline_end: Annotated[str | None, Parameter(group=_AGAINST)] = None
    baseline_days: Annotated[float | None, Parameter(group=_AGAINST)] = None
    baseline_gap_days: Annotated[float | None, Parameter(group=_AGAINST)] = None
    statistics: Annotated[str | None, Parameter(group=_AGAINST)] = None
    constraints: Annotated[str | None, Parameter(group=_AGAINST)] = None

    def body(self) -> dict[str, Any]:
        """As requests say it; raises `Invalid`."""
        told: dict[str, Any] = {
            "version": self.baseline_version,
            "batch": self.baseline_batch,
            "start": self.baseline_start and asked_moment("--baseline-start", self.baseline_start),
            "end": self.baseline_end and asked_moment("--baseline-end", self.baseline_end),
            "days": self.baseline_days,
            "gap_days": self.baseline_gap_days,
            "statistics": self.statistics,
            "constraints": self.constraints,
        }
        given = {name: value for name, value in told.items() if value is not None}
        if not given and self.against is None:
            return {}
        return {"against": {"basis": self.against or ("files" if self.statistics else "training"), **given}}


@Parameter(name="*")
@dataclass(frozen=True)
class Looked:
    """Options that say what a run looks at.

    Attributes
    ----------
    start
        The window's first moment; UTC unless it has a zone.
    end
        The moment behind its last.
    version
        Another version than the monitor's.
    environment
        Another environment.
    where
        FIELD=VALUE: another segment; repeat it.
    as_of
        As it was known at this moment.
    """

    start: str | None = None
    end: str | None = None
    version: str | None = None
    environment: Environment | None = None
    where: Repeated = ()
    as_of: str | None = None

    def body(self) -> dict[str, Any]:
        """As requests say it; raises `Invalid`."""
        times = {"start": self.start, "end": self.end, "as_of": self.as_of}
        told: dict[str, Any] = {"version": self.version, "environment": self.environment}
        told |= {"where": pairs("--where", self.where)}
        told |= {name: asked_moment(f"--{name}", text) for name, text in times.items() if text is not None}
        return {name: value for name, value in told.items() if value}


@Parameter(name="*")
@dataclass(frozen=True)
class Waited:
    """Options that say what becomes of the runs that were queued.

    Attributes
    ----------
    wait
        Wait until they have ended; exit with 2 if they did not end well.
    fail_on_violations
        With --wait: exit with 1 if there are violations.
    """

    wait: Flag = False
    fail_on_violations: Flag = False


def pairs(option: str, given: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE, values in JSON, or else words; raises `Invalid`.

    >>> pairs("--setting", ("threshold=0.9", "agg_method=median"))
    {'threshold': 0.9, 'agg_method': 'median'}
    """
    found = {}
    for each in given:
        name, is_pair, value = each.partition("=")
        if not is_pair or not name:
            raise Invalid(what=option, got=each, expected="NAME=VALUE")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Thresholds, those of one field below its name.

    >>> _nested({"comparison_threshold": 0.1, "age.comparison_threshold": 0.2})
    {'comparison_threshold': 0.1, 'age': {'comparison_threshold': 0.2}}
    """
    found: dict[str, Any] = {}
    for name, value in flat.items():
        field, _, member = name.rpartition(".")
        if field:
            found.setdefault(field, {})[member] = value
        else:
            found[name] = value
    return found


def _facet(given: str) -> dict[str, Any]:
    """A facet as requests say it.

    >>> _facet("Sex=0,1"), _facet("City")
    ({'columns': ['Sex'], 'values': [[0, 1]]}, {'columns': ['City'], 'values': []})
    """
    name, _, values = given.partition("=")
    return {"columns": [name], "values": [[_value(each) for each in values.split(",")]] if values else []}
