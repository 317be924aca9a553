"""Processing jobs: listed, shown with their log, stopped, deleted, replayed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from driftline.catalog import executions, logs, resources
from driftline.catalog.resources import Resource, Search
from driftline.errors import Conflict
from driftline.processing import jobs
from driftline.processing.contract import Contract
from driftline.server.aws import jobs as aws
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Job, JobDetail, Log, LogLine, Page, Transfer
from driftline.server.rest.asked import JobsWanted, Line, Lines, Name
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.hiding import shown_to

router = APIRouter(tags=["jobs"])

_RUNNING = ("InProgress", "Stopping")


@router.get("/jobs", summary="List processing jobs")
def list_jobs(call: Reading, wanted: Annotated[JobsWanted, Query()]) -> Page[Job]:
    """A page of the processing jobs: baselines, runs of schedules, replays."""
    with call.catalog.read() as tx:
        page = resources.search(tx, jobs.KIND, Search(**wanted.model_dump()))
    return Page(items=[job(each) for each in page.items], next_token=page.token)


@router.get("/jobs/{name}", summary="Show a processing job")
def show_job(call: Reading, name: Name) -> JobDetail:
    """The job, what it read and wrote, and the manifest with which it can be replayed.

    Values of its environment are shown to keys with the scope `admin`, to others the names alone.
    """
    with call.catalog.read() as tx:
        found = resources.get(tx, jobs.KIND, name)
        execution = executions.of_job(tx, found.name)
    contract = Contract.of(found.name, found.body)
    return JobDetail(
        **job(found).model_dump(),
        inputs=[Transfer(name=each.name, uri=each.uri, path=each.path) for each in contract.inputs],
        outputs=[Transfer(name=each.name, uri=each.uri, path=each.path) for each in contract.outputs],
        execution=execution.id if execution else None,
        manifest=shown_to(call.principal, found.body.get("Manifest")),
    )


@router.get("/jobs/{name}/log", summary="Read what a job printed")
def read_log(call: Reading, name: Name, after: Line = 0, limit: Lines = 1000) -> Log:
    """Lines of the job's log, in order; ask again behind the last one until the log has ended."""
    return log_of(call, name, after, limit)


@router.post("/jobs/{name}/stop", summary="Stop a processing job", status_code=202)
def stop_job(call: Writing, name: Name) -> Job:
    """End the job: at once if it is queued, else as soon as its worker sees it. 409 if it has ended."""
    found = _found(call, name)
    if found.status not in _RUNNING:
        raise Conflict(what="job", name=found.name, reason=f"it has ended: {found.status}")
    aws.stop({"ProcessingJobName": found.name}, call)
    return job(_found(call, name))


@router.delete("/jobs/{name}", summary="Delete a processing job", status_code=204)
def delete_job(call: Writing, name: Name) -> None:
    """Forget a job that has ended, and its log; what it wrote stays where it is. 409 while it runs."""
    found = _found(call, name)
    if found.status in _RUNNING:
        raise Conflict(what="job", name=found.name, reason=f"it is {found.status}", remedy="Stop it first.")
    aws.delete({"ProcessingJobName": found.name}, call)


@router.post("/jobs/{name}/replays", summary="Replay a job from its manifest", status_code=201)
def replay_job(call: Writing, name: Name) -> Job:
    """A new job that runs the manifest of an ended one again and writes below its result.

    It reads what the manifest names: the same objects give the same files. Objects that changed since are named in its
    exit message; if one is gone, it fails and says which. 409 for a job without a manifest.
    """
    with call.catalog.begin() as tx:
        made = jobs.replay(tx, name, call.now)
    wake(call)
    return job(made)


def job(found: Resource) -> Job:
    """A job as lists show it."""
    body = found.body
    schedule = str(body.get("MonitoringScheduleArn") or "").rpartition("/")[2]
    return Job(
        name=found.name,
        arn=found.arn,
        status=found.status,
        image=body.get("AppSpecification", {}).get("ImageUri", ""),
        schedule=schedule or None,
        created=found.created,
        started=_time(body.get("ProcessingStartTime")),
        ended=_time(body.get("ProcessingEndTime")),
        violations=body.get("Violations"),
        exit_message=body.get("ExitMessage"),
        failure_reason=body.get("FailureReason"),
        replay_of=body.get("ReplayOf"),
    )


def log_of(call: Call, name: str, after: int, limit: int) -> Log:
    """Lines of a job's log; raises `NotFound` if there is no such job."""
    with call.catalog.read() as tx:
        found = resources.get(tx, jobs.KIND, name)
        lines = logs.read(tx, found.name, after=after, limit=limit)
    shown = [LogLine(id=each.id, time=each.time, text=each.text) for each in lines]
    return Log(lines=shown, ended=found.status not in _RUNNING and len(lines) < limit)


def _found(call: Call, name: str) -> Resource:
    with call.catalog.read() as tx:
        return resources.get(tx, jobs.KIND, name)


def _time(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
