"""At whose runs a rule looks: monitors of its model, or schedules; and the runs that it needs to judge a window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from driftline import schedules
from driftline.alerting import judging
from driftline.alerting.conditions import MOST_WINDOWS, Change, Partial
from driftline.alerting.judging import Beside, Times
from driftline.alerting.rule import SCHEDULES, Rule
from driftline.catalog import looks, modelmonitors, resources, traffic
from driftline.catalog.alerting import State
from driftline.catalog.looks import Looks
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.resources import Resource, Search, fold
from driftline.modelmonitors.monitor import ModelMonitor, MonitorStatus
from driftline.window import Window

_MOST = 10_000
"""Schedules that rules look at."""


@dataclass(frozen=True)
class Stopped:
    """Since when, and why, no more windows are planned."""

    since: datetime
    why: str


@dataclass(frozen=True)
class Watched:
    """A monitor, or a schedule if `monitor` is None; `is_planned` unless it runs on demand only."""

    model: str
    name: str
    monitor: ModelMonitor | None = None
    stopped: Stopped | None = None
    is_planned: bool = True
    created: datetime | None = None

    def asked(self, rule: Rule) -> Looks:
        """Its runs by which the rule can judge."""
        return Looks(self.model, self.name, judging.statuses(rule))

    def own(self, runs: Iterable[ModelRun]) -> list[ModelRun]:
        """Of each of its windows the last look, in order; looks at other rows or other windows are left out."""
        by_window: dict[Times, ModelRun] = {}
        for each in runs:
            key = (each.window_end, each.window_start)
            is_later = key not in by_window or (each.as_of, each.run) >= (by_window[key].as_of, by_window[key].run)
            if is_later and self._is_own(each):
                by_window[key] = each
        return [by_window[key] for key in sorted(by_window)]

    def _is_own(self, run: ModelRun) -> bool:
        found = self.monitor
        if found is None:
            return True
        wanted = (found.version or "", str(found.environment), dict(found.where))
        if (run.version, run.environment, dict(run.body["asked"].get("where", {}))) != wanted:
            return False
        return found.cadence is None or found.window(run.window_end) == Window(run.window_start, run.window_end)


def watched(tx: Connection, rule: Rule) -> list[Watched]:
    """All at whose runs the rule looks, by name."""
    if rule.model == SCHEDULES:
        return [_schedule(each) for each in _schedules(tx, rule)]
    kept = [(each, ModelMonitor.of(each)) for each in modelmonitors.of_model(tx, rule.model)]
    return [_monitor(found, each.body.get("trouble")) for each, found in kept if _watches(rule, found)]


def trail(tx: Connection, rule: Rule, found: Watched, until: datetime, windows: int = 1) -> list[ModelRun]:
    """The runs by which the rule judges the last windows, so many, that end up to a moment; those last."""
    asked, deep = found.asked(rule), replace(rule, last=min(rule.last + windows - 1, MOST_WINDOWS))
    runs = found.own(looks.looks(tx, asked, None, until, 2 * judging.depth(deep)))
    return [*_before(tx, found, asked, judging.past(deep, runs), runs), *runs]


def beside(tx: Connection, rule: Rule, runs: Sequence[ModelRun]) -> Beside:
    """What these windows are held against beside their own past, if the rule does that."""
    condition = rule.condition
    if isinstance(condition, Partial):
        if rule.model == SCHEDULES:
            return _calls(tx, runs)
        times = {(each.window_start, each.window_end): each.environment for each in runs}
        fit = {each: place for each, place in times.items() if judging.is_on_hour(each)}
        return {each: {"model": float(looks.came(tx, rule.model, place, *each))} for each, place in fit.items()}
    if not isinstance(condition, Change) or condition.to is None:
        return {}
    kept = modelmonitors.find(tx, rule.model, condition.to)
    if kept is None:
        return {}
    other = _monitor(ModelMonitor.of(kept), None)
    there = other.own(looks.looks_at(tx, other.asked(rule), {each.window_end for each in runs}))
    return judging.values_of(rule, there)


def _calls(tx: Connection, runs: Sequence[ModelRun]) -> Beside:
    """The calls of the endpoints in these windows, and how many of them were captured."""
    found: dict[Times, dict[str, float]] = {}
    for each in runs:
        if each.body.get("endpoint"):
            told = traffic.between(tx, each.body["endpoint"], Window(each.window_start, each.window_end))
            counts = {judging.CALLS: float(told.calls), judging.CAPTURED: float(told.captured)}
            found[each.window_start, each.window_end] = counts
    return found


def _before(
    tx: Connection, found: Watched, asked: Looks, times: set[Times], runs: Sequence[ModelRun]
) -> list[ModelRun]:
    """The runs of these windows that are not among those known."""
    wanted = times - {(each.window_start, each.window_end) for each in runs}
    if not wanted:
        return []
    there = found.own(looks.looks_at(tx, asked, {end for _, end in wanted}))
    return [each for each in there if (each.window_start, each.window_end) in wanted]


def _watches(rule: Rule, found: ModelMonitor) -> bool:
    if rule.monitor not in (None, found.name) or rule.version not in (None, found.version):
        return False
    return rule.where is None or dict(rule.where) == dict(found.where)


def _monitor(found: ModelMonitor, trouble: str | None) -> Watched:
    stopped = None
    if found.modified is not None and found.status is MonitorStatus.PAUSED:
        stopped = Stopped(found.modified, "it is paused")
    elif found.modified is not None and found.cadence is not None and found.next is None:
        stopped = Stopped(found.modified, trouble or "it plans nothing more")
    return Watched(found.model, found.name, found, stopped, found.cadence is not None, found.created)


def _schedules(tx: Connection, rule: Rule) -> Sequence[Resource]:
    if rule.schedule is not None:
        found = resources.find(tx, schedules.KIND, rule.schedule)
        kept = [] if found is None else [found]
        return [
            each
            for each in kept
            if rule.endpoint is None or fold(each.labels.get("endpoint", "")) == fold(rule.endpoint)
        ]
    whose = {} if rule.endpoint is None else {"endpoint": rule.endpoint}
    return resources.search(
        tx, schedules.KIND, Search(attributes=whose, sort_by="name", descending=False, limit=_MOST)
    ).items


def _schedule(found: Resource) -> Watched:
    stopped = None
    if found.status == schedules.STOPPED:
        told = found.body.get(schedules.STOPPED_TIME)
        since = found.modified if told is None else datetime.fromtimestamp(told, UTC)
        stopped = Stopped(since, "it is stopped")
    elif found.status == schedules.FAILED:
        stopped = Stopped(found.modified, str(found.body.get(schedules.FAILURE, "it has failed")))
    is_planned = not schedules.Plan.of(found.body["MonitoringScheduleConfig"]).is_now
    return Watched(SCHEDULES, found.name, None, stopped, is_planned, found.created)


def schedule_of(found: State) -> str | None:
    """The schedule that an alert is of; None for one of a model."""
    if found.model != SCHEDULES:
        return None
    return found.cause if found.body.get("run") else str(found.body["about"])
