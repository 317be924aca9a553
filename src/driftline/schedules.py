"""Schedules: which windows are due, what each execution runs, and re-runs and back-fills by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import due, executions, resources, work
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource
from driftline.cron import NOW, Cron
from driftline.errors import CallerError, Conflict, Invalid
from driftline.settings import Settings
from driftline.window import Window, window_of

KIND = "monitoring-schedule"
WORK = "execution"
JOB = "processing-job"
SCHEDULED, STOPPED, FAILED = "Scheduled", "Stopped", "Failed"
FAILURE, STOPPED_TIME = "FailureReason", "StoppedTime"
"""Members of a schedule that says why it failed, and of one that says since when it is stopped."""
BATCH = 50
"""Schedules that are planned in one transaction."""
MOST = 1000
"""Executions that one back-fill makes: more than the hours of a month."""

_DAILY = "cron(0 0 ? * * *)"
"""What SageMaker would choose where there is no expression: once a day."""


@dataclass(frozen=True)
class Plan:
    """What a schedule's configuration says about time."""

    expression: str
    start: str | None = None
    end: str | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Plan:
        """The plan in a `MonitoringScheduleConfig`."""
        given = config.get("ScheduleConfig") or {}
        expression = given.get("ScheduleExpression") or _DAILY
        return cls(expression, given.get("DataAnalysisStartTime"), given.get("DataAnalysisEndTime"))

    @property
    def is_now(self) -> bool:
        """Whether it runs once, over a window that it names."""
        return self.expression.strip() == NOW

    def first(self, now: datetime) -> datetime | None:
        """When it runs first; raises `Invalid` for an expression that is none or a window that is missing."""
        if not self.is_now:
            return Cron.parse(self.expression).next_after(now)
        if self.start is None or self.end is None:
            expected = "DataAnalysisStartTime and DataAnalysisEndTime beside NOW"
            raise Invalid(what="ScheduleConfig", got=self.expression, expected=expected)
        self.window(now, None)
        return now

    @property
    def is_frequent(self) -> bool:
        """Whether it runs more often than hourly."""
        return not self.is_now and len(Cron.parse(self.expression).minutes) > 1

    def first_window(self, source: Mapping[str, Any]) -> Window | None:
        """The window of its first run from now on; raises `Invalid` where expression or offsets are wrong."""
        now = datetime(2026, 1, 1, tzinfo=UTC)
        first = self.first(now)
        return None if first is None else self.window(first, source)

    def after(self, moment: datetime) -> datetime | None:
        """When it runs next after that moment; None: never again."""
        return None if self.is_now else Cron.parse(self.expression).next_after(moment)

    def missed(self, at: datetime, now: datetime, most: int) -> list[datetime]:
        """The times from `at`, which is one, to `now`, in order; of many only the latest."""
        later = [] if self.is_now else Cron.parse(self.expression).last_times(most, at, now)
        return later if len(later) == most else [at, *later]

    def next_times(self, count: int, moment: datetime) -> list[datetime]:
        """The next times that it runs after that moment, at most `count`; none for NOW, which runs once."""
        return [] if self.is_now else Cron.parse(self.expression).next_times(count, moment)

    def window(self, scheduled: datetime, source: Mapping[str, Any] | None) -> Window:
        """The window of the run that is planned for `scheduled`; `source` is its input, which may have offsets."""
        offsets = source or {}
        start = self.start or offsets.get("StartTimeOffset")
        end = self.end or offsets.get("EndTimeOffset")
        return window_of(self.expression, scheduled, start, end)


def plan_due(tx: Connection, now: datetime, settings: Settings) -> int:
    """Make executions of all windows that are due, in order; at most the latest `catch_up`. Says how many."""
    made = 0
    for name, at in due.before(tx, now, BATCH):
        schedule = resources.find(tx, KIND, name)
        if schedule is None or schedule.status != SCHEDULED:
            due.remove(tx, name)
            continue
        try:
            with tx.begin_nested():
                made += _plan(tx, schedule, at, now, settings)
        except Conflict:  # somebody runs it by hand this very moment: planned at the next look
            continue
        except CallerError as error:  # one that cannot be planned must not keep the others from running
            _fail(tx, schedule, str(error), now)
    return made


def _plan(tx: Connection, schedule: Resource, at: datetime, now: datetime, settings: Settings) -> int:
    plan = Plan.of(schedule.body["MonitoringScheduleConfig"])
    made = 0
    for moment in plan.missed(at, now, max(settings.catch_up, 1)):
        after = None if plan.is_now else moment + timedelta(seconds=settings.delay_seconds)
        made += _add(tx, schedule, plan, moment, now, "schedule", after) is not None
    due.put(tx, schedule.name, plan.after(now))
    return made


def _fail(tx: Connection, schedule: Resource, reason: str, now: datetime) -> None:
    """The schedule plans nothing more, and says why, until it is updated or started."""
    body = {**schedule.body, FAILURE: reason}
    resources.update(tx, KIND, schedule.name, now=now, status=FAILED, body=body)
    due.put(tx, schedule.name, None)


def _between(plan: Plan, at: datetime, now: datetime) -> Iterator[datetime]:
    moment = plan.after(at)
    while moment is not None and moment <= now:
        yield moment
        moment = plan.after(moment)


def run_now(tx: Connection, name: str, now: datetime) -> Execution:
    """One more execution, over the last window of the schedule (or, for NOW, the window that it names)."""
    schedule = resources.get(tx, KIND, name)
    plan = Plan.of(schedule.body["MonitoringScheduleConfig"])
    return _again(tx, schedule, _last(plan, now), now, "now")


def sample(tx: Connection, name: str, now: datetime) -> Execution:
    """The execution that `run_now` would add; it is not kept."""
    schedule = resources.get(tx, KIND, name)
    plan = Plan.of(schedule.body["MonitoringScheduleConfig"])
    return _planned(tx, schedule, plan, _last(plan, now), now, "now")


def rerun(tx: Connection, identity: str, now: datetime, origin: str = "rerun") -> Execution:
    """The same window once more, with the baseline and settings that it had."""
    before = executions.get(tx, identity)
    run = _next_run(tx, before.schedule, before.scheduled, Plan.of(before.body["schedule"]))
    body = {name: value for name, value in before.body.items() if name not in (executions.MERGE, executions.LABELS)}
    kept = {"schedule": before.schedule, "scheduled": before.scheduled, "body": body}
    window = Window(before.window_start, before.window_end)
    labels = {"type": before.type, "endpoint": before.endpoint, "definition": before.definition}
    return _enqueue(tx, _made(window, now, run=run, origin=origin, **kept, **labels), now)


def backfill(tx: Connection, name: str, since: datetime, until: datetime, now: datetime) -> list[Execution]:
    """Executions for all scheduled times in [since, until), in order, whether they ran before or not.

    Raises `Invalid` for a range that is none, reaches into the future or holds more than `MOST` scheduled times.
    """
    schedule = resources.get(tx, KIND, name)
    plan = Plan.of(schedule.body["MonitoringScheduleConfig"])
    if plan.is_now:
        raise Invalid(what="schedule", got=name, expected="one with a cron expression")
    if until > now:
        raise Invalid(what="until", got=until.isoformat(), expected="a time in the past")
    if since >= until:
        raise Invalid(what="since", got=since.isoformat(), expected=f"a time before {until.isoformat()}")
    moments = list(islice(_between(plan, _before(since), _before(until)), MOST + 1))
    if len(moments) > MOST:
        got, expected = f"{since.isoformat()} to {until.isoformat()}", f"at most {MOST} scheduled times"
        raise Invalid(what="range", got=got, expected=expected, remedy="Fill it piece by piece.")
    return [_again(tx, schedule, moment, now, "backfill") for moment in moments]


def unplan(tx: Connection, name: str, now: datetime) -> None:
    """Plan nothing more; what is queued does not run."""
    due.put(tx, name, None)
    for found in executions.open_of(tx, name):
        if found.status == "Pending" and work.remove_queued(tx, WORK, found.id):
            executions.update(tx, found.id, now=now, status="Stopped")


def stop(tx: Connection, name: str, now: datetime) -> None:
    """Plan nothing more, and end what is queued or running: as when a schedule is deleted."""
    unplan(tx, name, now)
    for found in executions.open_of(tx, name):
        stop_execution(tx, found, now)


def stop_execution(tx: Connection, found: Execution, now: datetime) -> None:
    """End one execution: at once if it is queued, else as soon as its worker sees it. Nothing if it has ended."""
    if not found.is_open:
        return
    if found.status == "Pending" and work.remove_queued(tx, WORK, found.id):
        executions.update(tx, found.id, now=now, status="Stopped")
        return
    if found.running is not None:
        resources.find(tx, JOB, found.running, lock=True)  # before the execution, as whoever notes its end does
    try:
        stopping = executions.update(tx, found.id, now=now, expected=executions.OPEN, status="Stopping")
    except Conflict:  # it ended meanwhile
        return
    job = resources.find(tx, JOB, stopping.running) if stopping.running else None
    if job is not None and job.status == "InProgress":
        resources.update(tx, JOB, job.name, now=now, status="Stopping")


def source_of(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """The input of a job definition of any kind: its `EndpointInput` or `BatchTransformInput`."""
    for name, value in definition.items():
        if name.endswith("JobInput"):
            return value.get("EndpointInput") or value.get("BatchTransformInput") or {}
        if name == "MonitoringInputs":
            for each in value:
                return each.get("EndpointInput") or each.get("BatchTransformInput") or {}
    return {}


def definition_of(tx: Connection, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The job definition that a schedule runs, inline or by name; raises `NotFound`."""
    inline = config.get("MonitoringJobDefinition")
    if inline:
        return dict(inline)
    return resources.get(tx, definition_kind(config["MonitoringType"]), config["MonitoringJobDefinitionName"]).body


def definition_kind(monitoring_type: str) -> str:
    """The word for a job definition of this type in its ARN.

    >>> definition_kind("ModelBias")
    'model-bias-job-definition'
    """
    words = {
        "DataQuality": "data-quality",
        "ModelQuality": "model-quality",
        "ModelBias": "model-bias",
        "ModelExplainability": "model-explainability",
    }
    return f"{words[monitoring_type]}-job-definition"


def _again(tx: Connection, schedule: Resource, moment: datetime, now: datetime, origin: str) -> Execution:
    plan = Plan.of(schedule.body["MonitoringScheduleConfig"])
    made = _add(tx, schedule, plan, moment, now, origin)
    if made is None:
        raise Conflict(what="execution of", name=schedule.name, reason=f"{moment.isoformat()} was added meanwhile")
    return made


def _add(
    tx: Connection,
    schedule: Resource,
    plan: Plan,
    moment: datetime,
    now: datetime,
    origin: str,
    after: datetime | None = None,
) -> Execution | None:
    """An execution for this time, to begin `after` that one; None if it is known already and this is no repeat."""
    if origin == "schedule" and executions.find(tx, schedule.name, moment) is not None:
        return None
    return _enqueue(tx, _planned(tx, schedule, plan, moment, now, origin), now, after)


def _planned(tx: Connection, schedule: Resource, plan: Plan, moment: datetime, now: datetime, origin: str) -> Execution:
    config = schedule.body["MonitoringScheduleConfig"]
    definition = definition_of(tx, config)
    source = source_of(definition)
    return _made(
        plan.window(moment, source),
        now,
        run=0 if origin == "schedule" and not plan.is_now else _next_run(tx, schedule.name, moment, plan),
        origin=origin,
        schedule=schedule.name,
        scheduled=moment,
        body={"schedule": dict(config), "definition": dict(definition)},
        type=config.get("MonitoringType", "DataQuality"),
        endpoint=source.get("EndpointName"),
        definition=config.get("MonitoringJobDefinitionName"),
    )


def _next_run(tx: Connection, schedule: str, moment: datetime, plan: Plan) -> int:
    """Which repeat this is: runs of NOW are never planned for the same moment, but for the same folder of the hour."""
    return executions.next_run(tx, schedule, moment, of_hour=plan.is_now)


def _made(window: Window, now: datetime, **values: Any) -> Execution:
    return Execution(
        id=str(uuid.uuid4()), window_start=window.start, window_end=window.end, created=now, modified=now, **values
    )


def _enqueue(tx: Connection, made: Execution, now: datetime, after: datetime | None = None) -> Execution:
    if not executions.add(tx, made):
        reason = f"run {made.run} of {made.scheduled.isoformat()} was added meanwhile"
        raise Conflict(what="execution of", name=made.schedule, reason=reason, remedy="Try again.")
    work.enqueue(tx, WORK, made.id, now=now, run_after=after, lane=resources.fold(made.schedule))
    return made


def _last(plan: Plan, now: datetime) -> datetime:
    """The latest scheduled time that has passed; now for NOW."""
    if plan.is_now:
        return now
    cron = Cron.parse(plan.expression)
    last = cron.last_before(now)
    if last is None:
        raise Invalid(what="schedule", got=plan.expression, expected="one that has been due already")
    return last


def _before(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=1)
