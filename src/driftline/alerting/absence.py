"""What failed to come: rows, labels, runs; and imports that fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline.alerting import judging
from driftline.alerting.judging import Finding
from driftline.alerting.rule import Absence, Missing, Rule
from driftline.catalog import alerting
from driftline.catalog.alerting import Looks
from driftline.imports import jobs
from driftline.imports.job import Content
from driftline.modelmonitors.monitor import ModelMonitor

_CONTENTS = {
    Missing.DATA: (Content.PREDICTIONS, Content.BOTH),
    Missing.LABELS: (Content.ACTUALS, Content.BOTH),
}
_BATCHES = 200
"""So many of the last batches are looked at for one that brought rows."""


def judge(tx: Connection, rule: Rule, watched: Sequence[ModelMonitor], now: datetime) -> Iterator[Finding]:
    """What the rule says now: of rows and labels of the model, of runs of each monitor, of imports of each job.

    Nothing is missed before the rule was made.
    """
    condition = rule.condition
    assert isinstance(condition, Absence)
    since = rule.created or now
    if condition.of is Missing.RUN:
        for each in watched:
            asked = Looks(rule.model, each.name, judging.statuses(rule))
            last = alerting.last_run(tx, asked)
            yield _finding(condition, each.name, f"{each.name} has not run", max(last or since, since), last, now)
    elif condition.of is Missing.IMPORTS:
        yield from _imports(tx, rule, condition, now)
    else:
        came = arrivals(tx, rule.model, condition.of, _BATCHES)
        last = max(came, default=None)
        yield _finding(condition, "model", f"no {condition.of} came", max(last or since, since), last, now)


def arrivals(tx: Connection, model: str, of: Missing, limit: int) -> list[datetime]:
    """When rows, or labels, came."""
    return alerting.arrivals(tx, jobs.lane_of(model), [str(each) for each in _CONTENTS[of]], limit)


def _imports(tx: Connection, rule: Rule, condition: Absence, now: datetime) -> Iterator[Finding]:
    """A job fails while it cannot look, or has files of the last hours that could not be read."""
    failing = alerting.failing_imports(tx, rule.model, now - timedelta(hours=condition.hours))
    for job, reason in failing.items():
        yield Finding(job, True, f"import job {job[:8]} fails: {reason}", score=1.0)


def _finding(
    condition: Absence, subject: str, said: str, since: datetime, last: datetime | None, now: datetime
) -> Finding:
    hours = (now - since).total_seconds() / 3600
    told = "ever" if last is None else f"since {last:%Y-%m-%d %H:%M} UTC"
    fires = hours > condition.hours
    return Finding(subject, fires, f"{said} {told}", round(hours, 2), condition.hours, hours / condition.hours)
