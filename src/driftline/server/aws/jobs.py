"""Processing jobs: created here, run by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import logs, resources, tags, work
from driftline.catalog.resources import Resource
from driftline.processing.jobs import KIND, WORK
from driftline.server.aws.lists import listed
from driftline.server.aws.tags import tags_of
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call, operation
from driftline.server.errors import AwsError

_RUNNING, _STOPPING, _STOPPED = "InProgress", "Stopping", "Stopped"


@operation("CreateProcessingJob")
def create(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A job, queued at once."""
    name, arn = request["ProcessingJobName"], call.arn(KIND, request["ProcessingJobName"])
    body = {member: value for member, value in request.items() if member not in ("ProcessingJobName", "Tags")}
    with call.catalog.begin() as tx:
        resources.create(tx, Resource(KIND, name, arn, body, _RUNNING, call.now, call.now))
        tags.put(tx, arn, tags_of(request))
        work.enqueue(tx, WORK, name, now=call.now)
    wake(call)
    return {"ProcessingJobArn": arn}


@operation("DescribeProcessingJob")
def describe(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The job, and how it ended."""
    with call.catalog.read() as tx:
        found = _found(tx, request)
    told = {
        "ProcessingJobName": found.name,
        "ProcessingJobArn": found.arn,
        "ProcessingJobStatus": found.status,
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
    }
    return {**found.body, **told}


@operation("ListProcessingJobs")
def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A page of the jobs."""
    return listed(call, KIND, request, _summary, "ProcessingJobSummaries")


@operation("StopProcessingJob")
def stop(request: Mapping[str, Any], call: Call) -> None:
    """End the job: at once if it is queued, else as soon as its worker sees it."""
    with call.catalog.begin() as tx:
        found = _found(tx, request, lock=True)
        if found.status not in (_RUNNING, _STOPPING):
            said = f"The job {found.name} is in status {found.status} and cannot be stopped."
            raise AwsError("ValidationException", said)
        is_queued = work.remove_queued(tx, WORK, found.name)
        body = {**found.body, "ProcessingEndTime": call.now.timestamp()} if is_queued else found.body
        status = _STOPPED if is_queued else _STOPPING
        resources.update(tx, KIND, found.name, now=call.now, status=status, body=body)


@operation("DeleteProcessingJob")
def delete(request: Mapping[str, Any], call: Call) -> None:
    """Forget a job that has ended, and its log."""
    with call.catalog.begin() as tx:
        found = _found(tx, request, lock=True)
        if found.status in (_RUNNING, _STOPPING):
            raise AwsError("ValidationException", f"The job {found.name} is in status {found.status}: stop it first.")
        resources.delete(tx, KIND, found.name)
        tags.remove(tx, found.arn)
        logs.remove(tx, found.name)


def _found(tx: Connection, request: Mapping[str, Any], *, lock: bool = False) -> Resource:
    name = request["ProcessingJobName"]
    found = resources.find(tx, KIND, name, lock=lock)
    if found is None:
        raise AwsError("ValidationException", f"Could not find requested job with name: {name}")
    return found


def _summary(found: Resource) -> dict[str, Any]:
    kept = ("ProcessingEndTime", "FailureReason", "ExitMessage")
    told = {member: found.body[member] for member in kept if member in found.body}
    return {
        **told,
        "ProcessingJobName": found.name,
        "ProcessingJobArn": found.arn,
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
        "ProcessingJobStatus": found.status,
    }
