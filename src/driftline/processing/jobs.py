"""Processing jobs in the catalog: how one begins and how its end is noted, exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import Catalog, logs, resources, work
from driftline.catalog.resources import Resource
from driftline.catalog.work import Work
from driftline.errors import Conflict
from driftline.processing import judging, recording
from driftline.processing.outcome import STOPPED, Outcome

KIND = "processing-job"
WORK = "processing-job"


def begin(catalog: Catalog, claimed: Work, *_: object) -> dict[str, Any] | None:
    """The job to run; None if it was stopped meanwhile. Raises `NotFound` if it was deleted."""
    now = catalog.clock()
    with catalog.begin() as tx:
        job = resources.get(tx, KIND, claimed.subject)
        if job.status == "Stopping":
            note(tx, job.name, Outcome(STOPPED), now)
            work.finish(tx, claimed)
            return None
        body = {**job.body, "ProcessingStartTime": job.body.get("ProcessingStartTime") or now.timestamp()}
        resources.update(tx, KIND, job.name, now=now, body=body)
    return {"name": job.name, "body": body}


def replay(tx: Connection, name: str, now: datetime) -> Resource:
    """A job, queued, that runs the manifest of an ended one again and writes below that one's result.

    Its files are the same to the byte while the objects that the manifest names are the same; it says which are not,
    and fails if one is gone. Raises `NotFound`, and `Conflict` for a job that kept no manifest.
    """
    before = resources.get(tx, KIND, name)
    if not before.body.get("Manifest"):
        reason = "it kept no manifest: only analyses of Driftline that completed do"
        raise Conflict(what="job", name=before.name, reason=reason, remedy="Run the schedule again.")
    made = f"replay-{now:%Y%m%d%H%M%S}-{token_hex(6)}"
    body = {member: before.body[member] for member in _ASKED if member in before.body}
    outputs = body["ProcessingOutputConfig"]
    moved = [{**each, "S3Output": _below(each["S3Output"], made)} for each in outputs["Outputs"] if "S3Output" in each]
    body["ProcessingOutputConfig"] = {**outputs, "Outputs": moved}
    body["Environment"] = {**(body.get("Environment") or {}), "publish_cloudwatch_metrics": "Disabled"}
    body |= {"Replay": before.body["Manifest"], "ReplayOf": before.name}
    arn = f"{before.arn.rpartition('/')[0]}/{made}"
    found = Resource(KIND, made, arn, body, "InProgress", now, now, {"replay": before.name})
    resources.create(tx, found)
    work.enqueue(tx, WORK, made, now=now)
    return found


_ASKED = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "AppSpecification",
    "Environment",
    "StoppingCondition",
    "RoleArn",
    "NetworkConfig",
)
"""Members of a job's description that it was made with."""


def _below(place: Mapping[str, Any], folder: str) -> dict[str, Any]:
    return {**place, "S3Uri": f"{place['S3Uri'].rstrip('/')}/{folder}"}


def seconds_of(body: Mapping[str, Any]) -> float:
    """How long the job may take."""
    return float((body.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds") or 86_400)


def end(catalog: Catalog, claimed: Work, name: str, outcome: Outcome, lines: Sequence[str]) -> bool:
    """Note how the job ended, and its execution with it; False if the work belongs to somebody else by now."""
    now = catalog.clock()
    with catalog.begin() as tx:
        if not work.finish(tx, claimed):
            return False
        logs.append(tx, name, lines, now=now)
        note(tx, name, outcome, now)
        judging.judge(tx, name, outcome, now)
        if outcome.metrics:
            job = resources.find(tx, KIND, name)
            recording.record(tx, ((job.body if job else {}).get("Environment") or {}), outcome.metrics, now)
    return True


def note(tx: Connection, name: str, outcome: Outcome, now: datetime) -> None:
    """Note how the job ended in its description."""
    job = resources.find(tx, KIND, name)
    if job is None:
        return
    found = {"ExitMessage": outcome.exit_message, "FailureReason": outcome.failure_reason}
    body = {**job.body, **{key: value for key, value in found.items() if value}}
    body |= {"ProcessingEndTime": now.timestamp()}
    if outcome.violations is not None:
        body["Violations"] = outcome.violations
    if outcome.manifest:
        body["Manifest"] = dict(outcome.manifest)
    if outcome.merged:
        body["Merged"] = dict(outcome.merged)
    resources.update(tx, KIND, name, now=now, body=body, status=outcome.status)
