"""What failed to come: rows, labels, runs, versions; what is stopped; and imports that fail or reject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline.alerting import judging, verdicts
from driftline.alerting.conditions import Absence, Missing, Rejected
from driftline.alerting.finding import Finding
from driftline.alerting.rule import Rule
from driftline.alerting.watching import Watched
from driftline.catalog import looks
from driftline.catalog.looks import Looks
from driftline.catalog.resources import fold
from driftline.imports import jobs
from driftline.imports.job import Content

CONTENTS = {
    Missing.DATA: (Content.PREDICTIONS, Content.BOTH),
    Missing.LABELS: (Content.ACTUALS, Content.BOTH),
}
_BATCHES = 200
"""So many of the last batches are looked at for one that brought rows."""


def judge(tx: Connection, rule: Rule, watched: Sequence[Watched], now: datetime) -> Iterator[Finding]:
    """What the rule says now: of rows and labels of the model, of runs of each monitor, of imports of each job.

    Nothing is missed before the rule was made.
    """
    condition, since = rule.condition, rule.created or now
    if isinstance(condition, Rejected):
        yield from _rejected(tx, rule, condition, now)
        return
    assert isinstance(condition, Absence)
    if condition.of is Missing.RUN:
        yield from _runs(tx, rule, condition, watched, since, now)
    elif condition.of is Missing.SCHEDULE:
        for each in watched:
            yield _stopped(condition, each, now)
    elif condition.of is Missing.IMPORTS:
        failing = looks.failing_imports(tx, rule.model, now - timedelta(hours=condition.hours))
        for job, reason in failing.items():
            yield Finding(job, True, f"import job {job[:8]} fails: {reason}", score=1.0)
    else:
        if condition.of is Missing.VERSION:
            last = looks.last_version(tx, rule.model)
            since = last or since  # a version is old, whenever the rule was made
        else:
            last = max(arrivals(tx, rule.model, condition.of, _BATCHES), default=None)
        what = "new version" if condition.of is Missing.VERSION else str(condition.of)
        yield _finding(condition, "model", f"no {what} came", max(last or since, since), last, now)


def arrivals(tx: Connection, model: str, of: Missing, limit: int) -> list[datetime]:
    """When rows, or labels, came."""
    return looks.arrivals(tx, jobs.lane_of(model), [str(each) for each in CONTENTS[of]], limit)


def _runs(
    tx: Connection, rule: Rule, condition: Absence, watched: Sequence[Watched], since: datetime, now: datetime
) -> Iterator[Finding]:
    last_runs = looks.last_runs(tx, Looks(rule.model, None, judging.statuses(rule)))
    for each in watched:
        if each.is_planned:
            last = last_runs.get(each.name if each.monitor else fold(each.name))
            begun = max(since, each.created or since)  # nor is a run missed before there was anything to run
            yield _finding(condition, each.name, f"{each.name} has not run", max(last or begun, begun), last, now)


def _stopped(condition: Absence, found: Watched, now: datetime) -> Finding:
    if found.stopped is None or not found.is_planned:
        return Finding(found.name, False, f"{found.name} is planned", 0.0, condition.hours)
    stopped = found.stopped
    return _finding(condition, found.name, f"{found.name}: {stopped.why}", stopped.since, stopped.since, now)


def _rejected(tx: Connection, rule: Rule, condition: Rejected, now: datetime) -> Iterator[Finding]:
    for job, (bad, rows) in looks.rejected(tx, rule.model, now - timedelta(hours=condition.hours)).items():
        share = bad / rows
        said = f"import job {job[:8]} rejected {bad} of {rows} rows ({100 * share:.1f} %) in {condition.hours:g} hours"
        fires = share > condition.above
        score = verdicts.far(share, condition.above) if fires else 0.0
        yield Finding(job, fires, said, round(share, 6), condition.above, score)


def _finding(
    condition: Absence, subject: str, said: str, since: datetime, last: datetime | None, now: datetime
) -> Finding:
    hours = (now - since).total_seconds() / 3600
    told = "ever" if last is None else f"since {last:%Y-%m-%d %H:%M} UTC"
    fires = hours > condition.hours
    return Finding(subject, fires, f"{said} {told}", round(hours, 2), condition.hours, hours / condition.hours)
