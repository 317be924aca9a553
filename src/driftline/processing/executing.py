"""Monitoring executions in the queue: how one begins as a processing job, and what becomes of lost ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from driftline.alerting import delivering, telling
from driftline.catalog import Catalog, executions, logs, resources, traffic, work
from driftline.catalog.endpoints import config_of
from driftline.catalog.executions import LABELS, MERGE, Execution
from driftline.catalog.resources import Resource
from driftline.catalog.traffic import Traffic
from driftline.catalog.work import Work
from driftline.errors import CallerError, NotFound
from driftline.modelmonitors import running as modelmonitors
from driftline.processing import jobs, judging, truth
from driftline.processing.contract import Contract
from driftline.processing.monitoring import Hours, capture_prefixes, hours_of, job_body, job_name
from driftline.processing.outcome import COMPLETED, STOPPED, Outcome, shortened
from driftline.processing.silence import gap_in, silence_of
from driftline.schedules import WORK, source_of
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.topics import delivering as notices
from driftline.topics import publishing
from driftline.window import Window

__all__ = [
    "WORK",
    "NotYet",
    "baseline_in",
    "baseline_of",
    "begin",
    "endpoint_config",
    "give_up",
    "nothing",
    "proceed",
    "reap",
    "traffic_of",
]


CLARIFY_TYPES = ("ModelBias", "ModelExplainability")
"""Their baseline is the `analysis.json` that the baselining job wrote."""


class NotYet(Exception):
    """The execution waits for something that is still being made."""


def begin(catalog: Catalog, claimed: Work, access: Access, settings: Settings) -> dict[str, Any] | None:
    """The processing job of the execution; None if there is nothing to run, which is noted.

    Raises `NotYet` while the baseline that it needs is still being learnt.
    """
    now = catalog.clock()
    with catalog.begin() as tx:
        found = executions.get(tx, claimed.subject, lock=True)
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
        window = Window(found.window_start, found.window_end)
        hours = hours_of(capture_prefixes(found, config), window, access)
        if not hours.found:
            _end(catalog, claimed, found, _silent(catalog, found, hours, config, settings))
            return None
        prefix = truth.prefix_of(found.body["definition"])
        labels = None if prefix is None else truth.truth_of(prefix, window, now, access)
    except CallerError as error:
        _end(catalog, claimed, found, Outcome.failed(f"ClientError: {error}"))
        return None
    body = partial(job_body, found, baseline=baseline, config=config)
    if labels is None:
        return _with_job(catalog, found, claimed, job_name(found), body(hours.found))
    return _with_labels(catalog, claimed, found, hours, labels, body)


def _with_labels(
    catalog: Catalog,
    claimed: Work,
    found: Execution,
    hours: Hours,
    labels: truth.Truth,
    body: Callable[..., dict[str, Any]],
) -> dict[str, Any] | None:
    """The merge of the labels, or once it has run the analysis; None if there is nothing to run."""
    merge = _merge_of(catalog, found)
    if merge is not None and merge.status != COMPLETED:
        return {"name": merge.name, "body": merge.body, "is_step": True}
    step = truth.next_step(found, hours, labels, merge.body["Merged"] if merge else None)
    if isinstance(step, truth.Missing):
        _end(catalog, claimed, found, nothing(step.reason, completes=True), labels.fingerprint)
        return None
    if isinstance(step, truth.Merge):
        known = {LABELS: labels.fingerprint}
        made = _with_job(catalog, found, claimed, truth.merge_name(found), step.body, known, is_merge=True)
        return made and {**made, "is_step": True}
    suffix = merge.name.rpartition("-")[2] if merge else None
    # What the merge saw is known; where there was nothing to merge, that too, so that labels that come are noticed.
    known = {} if merge else {LABELS: labels.fingerprint}
    return _with_job(catalog, found, claimed, job_name(found, suffix), body(step.data, merged=step.merged), known)


def proceed(catalog: Catalog, claimed: Work, name: str, outcome: Outcome, lines: Sequence[str]) -> bool:
    """Note how the step before the analysis ended; whether the analysis follows. A failed step fails the execution."""
    now = catalog.clock()
    with catalog.begin() as tx:
        if not work.holds(tx, claimed):
            return False
        logs.append(tx, name, lines, now=now)
        jobs.note(tx, name, outcome, now)
        if outcome.status == COMPLETED:
            return True
        _close(tx, claimed, executions.get(tx, claimed.subject), outcome, now)
        return False


def _silent(
    catalog: Catalog, found: Execution, hours: Hours, config: Mapping[str, Any] | None, settings: Settings
) -> Outcome:
    """A window without data; traffic that was not captured is a failure even where a quiet hour is none."""
    with catalog.read() as tx:
        silence = silence_of(found.endpoint, config, traffic_of(tx, found))
    completes = settings.empty_window_completes and not silence.is_gap
    return nothing(hours.reason(silence.said), completes=completes)


def traffic_of(tx: Connection, found: Execution) -> Traffic:
    """The calls of the execution's endpoint in its window, as far as they came through a server of ours."""
    window = Window(found.window_start, found.window_end)
    return traffic.between(tx, found.endpoint, window) if found.endpoint else Traffic()


def _merge_of(catalog: Catalog, found: Execution) -> Resource | None:
    """The job that merges the execution's labels, if it was made already."""
    name = found.body.get(MERGE)
    if name is None:
        return None
    with catalog.read() as tx:
        return resources.get(tx, jobs.KIND, name)


def _stop(tx: Connection, found: Execution, claimed: Work, now: datetime) -> None:
    if found.is_open:
        _close(tx, claimed, found, Outcome(STOPPED), now)
    else:
        work.finish(tx, claimed)


def nothing(reason: str, *, completes: bool) -> Outcome:
    """The outcome of a window in which there is nothing to analyse."""
    return Outcome(COMPLETED, shortened(f"Completed: {reason}")) if completes else Outcome.failed(reason)


def _end(catalog: Catalog, claimed: Work, found: Execution, outcome: Outcome, labels: str | None = None) -> None:
    """The execution ends without a job; `labels` tells which there were, to know when others come."""
    now = catalog.clock()
    with catalog.begin() as tx:
        if labels is not None:
            executions.update(tx, found.id, now=now, body={**found.body, LABELS: labels})
        _close(tx, claimed, found, outcome, now)


def _close(tx: Connection, claimed: Work, found: Execution, outcome: Outcome, now: datetime) -> None:
    """Note how an execution ended that needs no job, unless it belongs to somebody else by now."""
    if work.finish(tx, claimed):
        judging.close(tx, found, outcome, now)


def _with_job(
    catalog: Catalog,
    found: Execution,
    claimed: Work,
    name: str,
    body: Mapping[str, Any],
    known: Mapping[str, str] | None = None,
    *,
    is_merge: bool = False,
) -> dict[str, Any] | None:
    """Make a processing job of the execution; None if the work belongs to somebody else by now.

    It merges labels, or else analyses. `known` is noted with the execution: the fingerprint of the labels.
    """
    now = catalog.clock()
    with catalog.begin() as tx:
        if not work.holds(tx, claimed):
            return None
        if executions.get(tx, found.id, lock=True).status == "Stopping":
            _stop(tx, found, claimed, now)
            return None
        schedule = resources.find(tx, "monitoring-schedule", found.schedule)
        arn = schedule.arn if schedule else ""
        stem = arn.rpartition(":")[0] or "arn:aws:sagemaker:us-east-1:000000000000"
        told = {**body, "ProcessingJobName": name, "MonitoringScheduleArn": arn, "ProcessingStartTime": now.timestamp()}
        job = Resource(jobs.KIND, name, f"{stem}:processing-job/{name}", told, "InProgress", now, now)
        resources.create(tx, job)
        noted = {**found.body, **(known or {})}
        if is_merge:
            executions.update(tx, found.id, now=now, body={**noted, MERGE: name})
        else:
            gap = gap_in(traffic_of(tx, found))
            logs.append(tx, name, [f"Capture has a gap: {gap}"] if gap else [], now=now)
            executions.update(tx, found.id, now=now, job=name, body=noted)
    return {"name": name, "body": told}


def endpoint_config(tx: Connection, found: Execution) -> Mapping[str, Any] | None:
    """The configuration of the execution's endpoint, and its name; None for a batch transform. Raises `NotFound`."""
    name = source_of(found.body["definition"]).get("EndpointName")
    if not name:
        return None
    endpoint = resources.get(tx, "endpoint", name)
    config = config_of(tx, endpoint)
    if not config.get("DataCaptureConfig"):
        config_name = endpoint.body["EndpointConfigName"]
        remedy = f"Its configuration {config_name} has no DataCaptureConfig: update the endpoint with one that has."
        raise NotFound(what="data capture of endpoint", name=endpoint.name, remedy=remedy)
    return {**config, "EndpointName": endpoint.name}


def baseline_of(tx: Connection, found: Execution) -> dict[str, str | None]:
    """The files of the execution's baseline, as `baseline_in` has them."""
    return baseline_in(tx, found.body["definition"], found.type)


def baseline_in(tx: Connection, definition: Mapping[str, Any], type: str | None) -> dict[str, str | None]:
    """The baseline's files: those that the definition names, else those that its baselining job wrote.

    Raises `NotYet` while that job runs, and `NotFound` if there is no such job.
    """
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
    if type in CLARIFY_TYPES:
        return {"statistics": None, "constraints": f"{folder}/analysis.json"}
    return {name: f"{folder}/{name}.json" for name in named}


_TOLD: Mapping[str, Callable[[Connection, Work, str, datetime], None]] = {
    telling.WORK: delivering.lost,
    publishing.WORK: notices.lost,
}
"""What is told keeps its place in the queue however often its worker ended, until it is given up in its own time."""


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
        _fail(tx, claimed, reason, now)


def _fail(tx: Connection, lost: Work, reason: str, now: datetime) -> None:
    if lost.kind in _TOLD:
        _TOLD[lost.kind](tx, lost, reason, now)
        return
    if not work.finish(tx, lost):
        return
    outcome = Outcome.failed(reason)
    if lost.kind == modelmonitors.WORK:
        modelmonitors.lost(tx, lost, reason, now)
        return
    if lost.kind not in (jobs.WORK, WORK):  # files wait: whoever plans queues them again
        return
    if lost.kind == jobs.WORK:
        jobs.note(tx, lost.subject, outcome, now)
        return
    found = executions.get(tx, lost.subject)
    if found.running:
        jobs.note(tx, found.running, outcome, now)
    judging.close(tx, found, outcome, now)
