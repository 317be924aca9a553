"""Schedules: listed, shown with their next times, run now, back-filled, started, stopped, checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from driftline import schedules
from driftline.catalog import alerts, due, executions, resources
from driftline.catalog.resources import Resource, Search
from driftline.processing import preflight
from driftline.schedules import FAILURE, KIND, SCHEDULED, STOPPED, STOPPED_TIME, Plan
from driftline.server.aws import schedules as aws
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Execution, Page, Preflight, Schedule, ScheduleDetail, Step
from driftline.server.rest.asked import Name, Range, SchedulesWanted
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.executions import execution
from driftline.server.rest.hiding import shown_to
from driftline.storage.access import Access

router = APIRouter(tags=["schedules"])

_SHOWN = 5
"""Times that come and executions that went, as `show` has them."""
_LABELS = ("type", "endpoint", "definition")


@router.get("/schedules", summary="List schedules")
def list_schedules(call: Reading, wanted: Annotated[SchedulesWanted, Query()]) -> Page[Schedule]:
    """A page of the monitoring schedules."""
    given = wanted.model_dump()
    labels = {name: value for name in _LABELS if (value := given.pop(name))}
    with call.catalog.read() as tx:
        page = resources.search(tx, KIND, Search(**given, attributes=labels))
        items = [Schedule(**_shown(tx, each)) for each in page.items]
    return Page(items=items, next_token=page.token)


@router.get("/schedules/{name}", summary="Show a schedule")
def show_schedule(call: Reading, name: Name) -> ScheduleDetail:
    """The schedule, the next five times that it runs, its alert and its last five executions."""
    with call.catalog.read() as tx:
        return _detail(tx, resources.get(tx, KIND, name), call)


@router.post("/schedules/{name}/runs", summary="Run a schedule now", status_code=201)
def run(call: Writing, name: Name) -> Execution:
    """One more execution, over the last window of the schedule, or over the window that a NOW schedule names.

    Runs of one schedule go one after the other; a stopped schedule runs, too.
    """
    with call.catalog.begin() as tx:
        made = schedules.run_now(tx, name, call.now)
    wake(call)
    return execution(made)


@router.post("/schedules/{name}/backfills", summary="Run a schedule for past times", status_code=201)
def backfill(call: Writing, name: Name, wanted: Range) -> Page[Execution]:
    """An execution for each scheduled time in the range, in order, whether it ran before or not; at most 1,000."""
    with call.catalog.begin() as tx:
        made = schedules.backfill(tx, name, wanted.since, wanted.until, call.now)
    wake(call)
    return Page(items=[execution(each) for each in made])


@router.post("/schedules/{name}/start", summary="Start a schedule")
def start(call: Writing, name: Name) -> Schedule:
    """Plan again, from now on."""
    aws.start({"MonitoringScheduleName": name}, call)
    return _found(call, name)


@router.post("/schedules/{name}/stop", summary="Stop a schedule")
def stop(call: Writing, name: Name) -> Schedule:
    """Plan nothing more; what is queued does not run, what runs ends by itself."""
    aws.stop({"MonitoringScheduleName": name}, call)
    return _found(call, name)


@router.delete("/schedules/{name}", summary="Delete a schedule", status_code=204)
def delete(call: Writing, name: Name) -> None:
    """Forget the schedule; what runs is stopped, executions and their files are kept."""
    aws.delete({"MonitoringScheduleName": name}, call)


@router.post("/schedules/{name}/checks", summary="Check what a schedule needs")
def check(call: Writing, name: Name) -> Preflight:
    """Read its baseline and scripts, list and read its captured data, write and remove an object at its output.

    Each as this server may: workers on other machines may have other permissions. What is denied is named by the
    permission and the resource.
    """
    found = preflight.check(call.catalog, name, Access(), call.now)
    steps = [Step.model_validate(each, from_attributes=True) for each in found]
    return Preflight(ok=all(each.state != "failed" for each in steps), steps=steps)


def _found(call: Call, name: str) -> Schedule:
    with call.catalog.read() as tx:
        return Schedule(**_shown(tx, resources.get(tx, KIND, name)))


def _shown(tx: Connection, found: Resource) -> dict[str, Any]:
    stopped = found.body.get(STOPPED_TIME) if found.status == STOPPED else None
    return {
        "name": found.name,
        "arn": found.arn,
        "status": found.status,
        "type": found.labels.get("type", "DataQuality"),
        "endpoint": found.labels.get("endpoint"),
        "definition": found.labels.get("definition"),
        "expression": Plan.of(found.body["MonitoringScheduleConfig"]).expression,
        "next_run": due.find(tx, found.name) if found.status == SCHEDULED else None,
        "failure_reason": found.body.get(FAILURE),
        "stopped_since": None if stopped is None else datetime.fromtimestamp(stopped, UTC),
        "created": found.created,
        "modified": found.modified,
    }


def _detail(tx: Connection, found: Resource, call: Call) -> ScheduleDetail:
    config = found.body["MonitoringScheduleConfig"]
    alert = alerts.find(tx, found.name)
    is_on = found.status == SCHEDULED
    return ScheduleDetail(
        **_shown(tx, found),
        next_runs=Plan.of(config).next_times(_SHOWN, call.now) if is_on else [],
        alert=alert.status if alert else None,
        executions=[execution(each) for each in executions.last_of(tx, found.name, _SHOWN)],
        config=shown_to(call.principal, config),
    )
