"""What metrics for machines need of all models: a few statements that find each last row by an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from driftline.catalog.alerttables import alert_rule, alert_state, delivery
from driftline.catalog.tables import (
    alert,
    execution,
    import_file,
    import_job,
    model,
    model_monitor,
    model_run,
    resource,
)

SCHEDULE = "monitoring-schedule"
_AT_ONCE = 50


@dataclass(frozen=True)
class Last:
    """The last run of a monitor that has ended, on its latest window."""

    id: str
    model: str
    monitor: str
    status: str
    violations: int
    ended: datetime
    window_end: datetime


@dataclass(frozen=True)
class LastExecution:
    """A monitoring schedule, its last execution and the status of its alert."""

    schedule: str
    alert: str | None
    status: str
    window_end: datetime


def models(tx: Connection) -> int:
    """How many there are."""
    return tx.execute(select(func.count()).select_from(model)).scalar_one()


def last_runs(tx: Connection) -> list[Last]:
    """Of each monitor; however many runs there are, one is looked up for each."""
    c, m = model_run.c, model_monitor.c
    own = and_(c.model == m.model, c.monitor == m.name, c.ended.is_not(None))
    order = (c.window_start.desc(), c.window_end.desc(), c.run.desc())
    last = select(c.id).where(own).order_by(*order).limit(1).correlate(model_monitor).scalar_subquery()
    found = select(last.label("id")).select_from(model_monitor).subquery()
    names = [c[name] for name in Last.__dataclass_fields__]
    return [Last(*row) for row in tx.execute(select(*names).join(found, found.c.id == c.id))]


def bodies(tx: Connection, runs: Sequence[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """What these runs found, by id; only a few of them are in memory at a time."""
    for start in range(0, len(runs), _AT_ONCE):
        query = select(model_run.c.id, model_run.c.body).where(model_run.c.id.in_(runs[start : start + _AT_ONCE]))
        for row in tx.execute(query):
            yield row.id, row.body


def last_executions(tx: Connection) -> list[LastExecution]:
    """Of each of SageMaker's schedules that has run, by name."""
    c, r = execution.c, resource.c
    order = (c.scheduled.desc(), c.run.desc())
    last = select(c.id).where(c.schedule == r.folded).order_by(*order).limit(1).correlate(resource).scalar_subquery()
    query = select(r.name, alert.c.status.label("alert"), c.status, c.window_end)
    query = query.select_from(resource).join(execution, c.id == last).outerjoin(alert, alert.c.schedule == r.folded)
    query = query.where(r.kind == SCHEDULE)
    return [LastExecution(*row) for row in tx.execute(query.order_by(r.name))]


def firing(tx: Connection, state: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Model, and the rule, of each alert in this state."""
    s, r = alert_state.c, alert_rule.c
    query = select(s.model, r.body).join(alert_rule, and_(r.model == s.model, r.name == s.rule))
    return [(row.model, row.body) for row in tx.execute(query.where(s.state == state))]


def files(tx: Connection) -> list[tuple[str, str, int]]:
    """Model, status and number of the files of import jobs."""
    f, j = import_file.c, import_job.c
    each = select(f.job, f.status, func.count().label("files")).group_by(f.job, f.status).subquery()
    query = select(j.model, each.c.status, func.sum(each.c.files)).join(each, each.c.job == j.id)
    return [(row[0], row[1], int(row[2])) for row in tx.execute(query.group_by(j.model, each.c.status))]


def deliveries(tx: Connection) -> list[tuple[str, str, int]]:
    """Channel, status and number of messages to it."""
    c = delivery.c
    query = select(c.channel, c.status, func.count()).group_by(c.channel, c.status)
    return [(row[0], row[1], int(row[2])) for row in tx.execute(query)]
