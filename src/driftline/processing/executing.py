"""Monitoring executions in the queue: how one begins as a processing job, and what becomes of lost ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import Catalog, executions, resources, work
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource
from driftline.catalog.work import Work
from driftline.errors import CallerError, NotFound
from driftline.processing import jobs, judging
from driftline.processing.contract import Contract
from driftline.processing.monitoring import Hours, capture_prefixes, hours_of, job_body, job_name
from driftline.processing.outcome import COMPLETED, STOPPED, Outcome, shortened
from driftline.schedules import WORK, source_of
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window

__all__ = ["WORK", "NotYet", "baseline_of", "begin", "endpoint_config", "give_up", "reap"]


class NotYet(Exception):
    """The execution waits for something that is still being made."""


def begin(catalog: Catalog, claimed: Work, access: Access, settings: Settings) -> dict[str, Any] | None:
    """The processing job of the execution; None if there is nothing to run, which is noted.

    Raises `NotYet` while the baseline that it needs is still being learnt.
    """
    now = catalog.clock()
    with catalog.begin() as tx:
        found = executions.get(tx, claimed.subject)
        if not found.is_open or found.status == "Stopping":
            _stop(tx, found, claimed, now)
            return None
        if found.job is not None:
            job = resources.get(tx, jobs.KIND, found.job)
            return {"name": job.name, "body": job.body}
        try:
            config, baseline = endpoint_config(tx, found), baseline_of(tx, found)
        except NotFound as error:
            _close(tx, claimed, found, Outcome.failed(f"ClientError: {error}"), now)
            return None
        executions.update(tx, found.id, now=now, status="InProgress")
    try:
        hours = hours_of(capture_prefixes(found, config), Window(found.window_start, found.window_end), access)
    except CallerError as error:
        with catalog.begin() as tx:
            _close(tx, claimed, found, Outcome.failed(f"ClientError: {error}"), now)
        return None
    if not hours.found:
        _nothing(catalog, claimed, found, hours, completes=settings.empty_window_completes)
        return None
    return _with_job(catalog, found, job_body(found, hours, baseline, config), claimed)


def _stop(tx: Connection, found: Execution, claimed: Work, now: datetime) -> None:
    if found.is_open:
        _close(tx, claimed, found, Outcome(STOPPED), now)
    else:
        work.finish(tx, claimed)


def _nothing(catalog: Catalog, claimed: Work, found: Execution, hours: Hours, *, completes: bool) -> None:
    now = catalog.clock()
    outcome = Outcome(COMPLETED, shortened(f"Completed: {hours.reason}")) if completes else Outcome.failed(hours.reason)
    with catalog.begin() as tx:
        _close(tx, claimed, found, outcome, now)


def _close(tx: Connection, claimed: Work, found: Execution, outcome: Outcome, now: datetime) -> None:
    """Note how an execution ended that needs no job, unless it belongs to somebody else by now."""
    if work.finish(tx, claimed):
        judging.close(tx, found, outcome, now)


def _with_job(catalog: Catalog, found: Execution, body: Mapping[str, Any], claimed: Work) -> dict[str, Any] | None:
    """Make the execution's processing job; None if the work belongs to somebody else by now."""
    now = catalog.clock()
    name = job_name(found, found.scheduled)
    with catalog.begin() as tx:
        if not work.holds(tx, claimed):
            return None
        if executions.get(tx, found.id).status == "Stopping":
            _stop(tx, found, claimed, now)
            return None
        schedule = resources.find(tx, "monitoring-schedule", found.schedule)
        arn = schedule.arn if schedule else ""
        stem = arn.rpartition(":")[0] or "arn:aws:sagemaker:us-east-1:000000000000"
        told = {**body, "ProcessingJobName": name, "MonitoringScheduleArn": arn, "ProcessingStartTime": now.timestamp()}
        job = Resource(jobs.KIND, name, f"{stem}:processing-job/{name}", told, "InProgress", now, now)
        resources.create(tx, job)
        executions.update(tx, found.id, now=now, job=name)
    return {"name": name, "body": told}


def endpoint_config(tx: Connection, found: Execution) -> Mapping[str, Any] | None:
    """The configuration of the execution's endpoint; None for a batch transform. Raises `NotFound`."""
    name = source_of(found.body["definition"]).get("EndpointName")
    if not name:
        return None
    endpoint = resources.get(tx, "endpoint", name)
    config = resources.get(tx, "endpoint-config", endpoint.body["EndpointConfigName"])
    if not config.body.get("DataCaptureConfig"):
        remedy = f"Its configuration {config.name} has no DataCaptureConfig: update the endpoint with one that has."
        raise NotFound(what="data capture of endpoint", name=endpoint.name, remedy=remedy)
    return config.body


def baseline_of(tx: Connection, found: Execution) -> dict[str, str | None]:
    """The baseline's files: those named, else those that the baselining job wrote.

    Raises `NotYet` while that job runs, and `NotFound` if there is no such job.
    """
    definition = found.body["definition"]
    config: Mapping[str, Any] = next(
        (value for name, value in definition.items() if name.endswith("BaselineConfig")), {}
    )
    named: dict[str, str | None] = {
        "statistics": (config.get("StatisticsResource") or {}).get("S3Uri"),
        "constraints": (config.get("ConstraintsResource") or {}).get("S3Uri"),
    }
    job = config.get("BaseliningJobName")
    if not job or any(named.values()):
        return named
    learnt = resources.get(tx, jobs.KIND, job)
    if learnt.status in ("InProgress", "Stopping"):
        raise NotYet(f"baselining job {job} is {learnt.status}")
    folder = Contract.of(job, learnt.body).result()
    return {name: f"{folder}/{name}.json" for name in named}


def reap(tx: Connection, settings: Settings, now: datetime) -> None:
    """Work of workers that fell silent goes back to the queue, or fails when it was begun often enough."""
    for lost in work.lapsed(tx, now=now):
        if lost.attempt < settings.attempts:
            work.give_back(tx, lost, run_after=now)
        else:
            _fail(tx, lost, f"InternalServerError: its worker ended {lost.attempt} times while it ran", now)


def give_up(catalog: Catalog, claimed: Work, reason: str) -> None:
    """The work failed for good."""
    now = catalog.clock()
    with catalog.begin() as tx:
        _fail(tx, claimed, f"InternalServerError: {reason}", now)


def _fail(tx: Connection, lost: Work, reason: str, now: datetime) -> None:
    if not work.finish(tx, lost):
        return
    outcome = Outcome.failed(reason)
    if lost.kind == jobs.WORK:
        jobs.note(tx, lost.subject, outcome, now)
        return
    found = executions.get(tx, lost.subject)
    if found.job:
        jobs.note(tx, found.job, outcome, now)
    judging.close(tx, found, outcome, now)
