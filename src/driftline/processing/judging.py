"""The end of a monitoring execution, and what it says to the schedule's alert."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from driftline.catalog import alerts, executions
from driftline.catalog.executions import Execution
from driftline.processing.outcome import Outcome

_BAD = ("Failed", "CompletedWithViolations")
_ENDED = ("Completed", "CompletedWithViolations", "Failed")


def judge(tx: Connection, job: str, outcome: Outcome, now: datetime) -> None:
    """Note the end of the execution that the job belongs to, if there is one."""
    found = executions.of_job(tx, job)
    if found is not None:
        close(tx, found, outcome, now)


def close(tx: Connection, found: Execution, outcome: Outcome, now: datetime) -> None:
    """Note the end of an execution; its schedule's alert is judged anew."""
    status, reason = outcome.execution_status, outcome.failure_reason
    executions.update(tx, found.id, now=now, status=status, exit_message=outcome.exit_message, failure_reason=reason)
    alert = alerts.find(tx, found.schedule)
    if alert is None or status not in _ENDED:
        return
    latest = [each for each in executions.last_of(tx, found.schedule, 2 * alert.period + 8) if each.status in _ENDED]
    alerts.flip(tx, alert, alert.judge([each.status in _BAD for each in latest]), now=now)
