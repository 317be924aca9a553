"""The end of a monitoring execution, and what it says to the schedule's alert."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import alerts, executions, resources
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource
from driftline.documents import violations
from driftline.processing.contract import Contract
from driftline.processing.figures import figures_of
from driftline.processing.outcome import Outcome
from driftline.schedules import JOB

_BAD = ("Failed", "CompletedWithViolations")
_REPORTED = ("Completed", "CompletedWithViolations")
_ENDED = ("Completed", "CompletedWithViolations", "Failed")


def judge(tx: Connection, job: str, outcome: Outcome, now: datetime) -> None:
    """Note the end of the execution that the job belongs to, if there is one."""
    found = executions.of_job(tx, job)
    if found is not None:
        close(tx, found, outcome, now)


def close(tx: Connection, found: Execution, outcome: Outcome, now: datetime) -> None:
    """Note the end of an execution; its schedule's alert is judged anew."""
    status, reason = outcome.execution_status, outcome.failure_reason
    said: dict[str, Any] = {"exit_message": outcome.exit_message, "failure_reason": reason}
    executions.update(tx, found.id, now=now, status=status, **said, found=_found(tx, found, outcome))
    alert = alerts.find(tx, found.schedule, lock=True)  # who ends another execution now sees this one
    if alert is None or status not in _ENDED:
        return
    latest = [each for each in executions.last_of(tx, found.schedule, 2 * alert.period + 8) if each.status in _ENDED]
    bad = [each.status in _BAD for each in latest]
    counts = {"bad": sum(bad[: alert.period]), "of": len(bad[: alert.period])}
    alerts.flip(tx, alert, alert.judge(bad), now=now, body={**_told(tx, found, outcome), **counts})


def report_of(job: Resource, status: str) -> str | None:
    """Where the violations of an execution are that ended so; None if it wrote none."""
    outputs = Contract.of(job.name, job.body).outputs
    return f"{outputs[0].uri}/{violations.FILE}" if outputs and status in _REPORTED else None


def _found(tx: Connection, found: Execution, outcome: Outcome) -> Mapping[str, Any]:
    """What rules of alerts look at."""
    job = resources.find(tx, JOB, found.job) if found.job else None
    report = report_of(job, outcome.execution_status) if job else None
    told = {"violations": outcome.violations or 0, "worst": list(outcome.worst), "report": report}
    return {**told, "figures": figures_of(outcome.metrics)}


def _told(tx: Connection, found: Execution, outcome: Outcome) -> Mapping[str, Any]:
    """What a flip that this execution brings is told with."""
    status = outcome.execution_status
    job = resources.find(tx, JOB, found.job) if found.job else None
    return {
        "execution": found.id,
        "schedule": found.schedule,
        "endpoint": found.endpoint,
        "status": status,
        "report": report_of(job, status) if job else None,
        "said": outcome.failure_reason or outcome.exit_message or status,
        "violations": outcome.violations,
        "worst": list(outcome.worst),
    }
