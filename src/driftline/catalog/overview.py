"""What an overview needs of all models and schedules at once: a statement each, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal_column, select

from driftline.catalog.tables import alert, execution, hour_part, import_file, import_job, model_run, model_version


@dataclass(frozen=True)
class LastRun:
    """How the run of the latest window of a monitor ended."""

    id: str
    model: str
    monitor: str
    status: str
    violations: int
    reason: str | None
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True)
class Feed:
    """An import job, as far as something may be amiss with it, and how many rows of what it brought, until when."""

    id: str
    model: str
    status: str
    trouble: str | None
    content: str
    environment: str
    failed: int
    accepted: int
    until: datetime | None


@dataclass(frozen=True)
class LastExecution:
    """How a schedule's execution of the latest time ended."""

    id: str
    schedule: str
    status: str
    scheduled: datetime


def last_runs(tx: Connection, model: str | None = None) -> list[LastRun]:
    """Of each monitor, or of those of a model, the last run of the latest window that has ended."""
    c = model_run.c
    order = (c.window_end.desc(), c.window_start.desc(), c.run.desc())
    place = func.row_number().over(partition_by=(c.model, c.monitor), order_by=order).label("place")
    names = [c[name] for name in LastRun.__dataclass_fields__]
    inner = select(*names, place).where(c.ended.is_not(None), *([] if model is None else [c.model == model])).subquery()
    return [LastRun(*row[:-1]) for row in tx.execute(select(inner).where(inner.c.place == 1))]


def last_hours(tx: Connection) -> dict[str, datetime]:
    """Of each model that has rows of production: the latest hour that has some."""
    v, h = model_version.c, hour_part.c
    whose = and_(h.model == v.model, h.version == v.version, h.environment == "production", h.span == "part")
    latest = select(func.max(h.hour)).where(whose).scalar_subquery()
    found: dict[str, datetime] = {}
    for row in tx.execute(select(v.model, latest.label("hour"))):
        if row.hour is not None:
            found[row.model] = max(found.get(row.model, row.hour), row.hour)
    return found


def feeds(tx: Connection, model: str | None = None) -> list[Feed]:
    """The import jobs of a model, or of all: how many files of each failed, the rows of the others, their last time.

    Those that are deleted are among them, as their rows stay until they are purged.
    """
    j, f = import_job.c, import_file.c
    failed = func.sum(case((f.status == "failed", 1), else_=0)).label("failed")
    sums = (failed, func.sum(f.accepted).label("accepted"), func.max(f.last).label("until"))
    files = select(f.job, *sums).group_by(f.job).subquery()
    told = (func.coalesce(files.c.failed, 0), func.coalesce(files.c.accepted, 0), files.c.until)
    query = select(j.id, j.model, j.status, j.trouble, j.content, j.environment, *told)
    query = query.outerjoin(files, files.c.job == j.id).order_by(j.created)
    rows = tx.execute(query if model is None else query.where(j.model == model))
    return [Feed(*row[:-3], int(row[-3]), int(row[-2]), row[-1]) for row in rows]


def traffic(tx: Connection, since: datetime) -> dict[str, dict[date, int]]:
    """Of each model the rows of production by the day of their time in UTC, since a moment; empty days are left out."""
    h = hour_part.c
    hour = func.timezone(literal_column("'UTC'"), h.hour) if tx.dialect.name == "postgresql" else h.hour
    day = func.date(hour).label("day")
    query = select(h.model, day, func.sum(h.rows)).group_by(h.model, day)
    query = query.where(h.environment == "production", h.span == "part", h.hour >= since)
    found: dict[str, dict[date, int]] = {}
    for model, day_of, rows in tx.execute(query):
        at = day_of if isinstance(day_of, date) else date.fromisoformat(day_of)
        found.setdefault(model, {})[at] = int(rows)
    return found


def last_executions(tx: Connection) -> dict[str, LastExecution]:
    """By the folded name of a schedule: the execution of its latest time."""
    c = execution.c
    order = (c.scheduled.desc(), c.run.desc())
    place = func.row_number().over(partition_by=c.schedule, order_by=order).label("place")
    inner = select(c.id, c.schedule, c.status, c.scheduled, place).subquery()
    rows: Any = tx.execute(select(inner).where(inner.c.place == 1))
    return {row.schedule: LastExecution(*row[:-1]) for row in rows}


def alerts(tx: Connection) -> dict[str, str]:
    """By the folded name of a schedule: the status of its alert."""
    return {row.schedule: row.status for row in tx.execute(select(alert.c.schedule, alert.c.status))}
