"""Runs as rules of alerts judge them, of monitors and of schedules alike; and what has come for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, select

from driftline.catalog.modelruns import ModelRun
from driftline.catalog.resources import fold
from driftline.catalog.tables import execution, hour_part, import_batch, import_file, import_job, model_run
from driftline.catalog.tables import model_version as version

SCHEDULES = ""
"""In the place of a model: executions of schedules are asked for."""

_AT_ONCE = 400
"""Ends of windows in one statement."""

_e = execution.c
_executions = select(
    _e.id, literal("").label("model"), _e.name.label("monitor"), literal("").label("version"),
    literal("production").label("environment"), _e.window_start, _e.window_end, _e.modified.label("as_of"), _e.run,
    _e.created, _e.status, _e.failure_reason.label("reason"), _e.found.label("body"), _e.modified.label("ended"),
    _e.schedule, _e.endpoint,
).subquery()  # fmt: skip
"""Executions in the shape of a monitor's runs."""


@dataclass(frozen=True)
class Looks:
    """Which runs of a monitor (executions of a schedule, if there is no model) are asked for: those of these statuses.

    No monitor: those of all.
    """

    model: str
    monitor: str | None
    statuses: Sequence[str]

    @property
    def runs(self) -> Any:
        """The table that they are in."""
        return _executions if self.model == SCHEDULES else model_run

    def windows(self) -> Any:
        """Their windows, each once."""
        return select(self.runs.c.window_start, self.runs.c.window_end).where(*self.mine()).distinct()

    def mine(self) -> tuple[Any, ...]:
        """The condition of SQL."""
        c = self.runs.c
        if self.model != SCHEDULES:
            named = () if self.monitor is None else (c.monitor == self.monitor,)
            return c.model == self.model, *named, c.status.in_(self.statuses)
        named = () if self.monitor is None else (c.schedule == fold(self.monitor),)
        return *named, c.status.in_(self.statuses)


def next_window(tx: Connection, asked: Looks, after: datetime | None) -> datetime | None:
    """The end of the first window that ends after a moment; of the last window if no moment is given."""
    c = asked.runs.c
    query = select(func.max(c.window_end) if after is None else func.min(c.window_end)).where(*asked.mine())
    query = query if after is None else query.where(c.window_end > after)
    found: datetime | None = tx.execute(query).scalar()
    return found


def looks(tx: Connection, asked: Looks, since: datetime | None, until: datetime, limit: int) -> list[ModelRun]:
    """All looks at the last `limit` windows that end in (since, until], by window and look."""
    c = asked.runs.c
    within = [c.window_end <= until] if since is None else [c.window_end <= until, c.window_end > since]
    last = asked.windows().where(*within).order_by(c.window_end.desc(), c.window_start).limit(limit)
    ends = [row.window_end for row in tx.execute(last)]
    return _between(tx, asked, c.window_end >= min(ends), c.window_end <= until) if ends else []


def looks_at(tx: Connection, asked: Looks, ends: Collection[datetime]) -> list[ModelRun]:
    """All looks at the windows that end at one of these moments, by window and look."""
    c, ordered = asked.runs.c, sorted(ends)
    pieces = [ordered[at : at + _AT_ONCE] for at in range(0, len(ordered), _AT_ONCE)]
    return [each for piece in pieces for each in _between(tx, asked, c.window_end.in_(piece))]


def _between(tx: Connection, asked: Looks, *where: Any) -> list[ModelRun]:
    c = asked.runs.c
    rows = tx.execute(select(asked.runs).where(*asked.mine(), *where).order_by(c.window_end, c.window_start, c.run))
    return [_of(row) if asked.model == SCHEDULES else ModelRun(**row._asdict()) for row in rows]


def _of(row: Any) -> ModelRun:
    """An execution as a run of its schedule."""
    values = row._asdict()
    endpoint, found = values.pop("endpoint"), values.pop("body")
    del values["schedule"]
    body = {"asked": {}, **found, **({"endpoint": endpoint} if endpoint else {})}
    return ModelRun(**values, violations=found.get("violations", 0), body=body)


def ends_of_runs(tx: Connection, asked: Looks) -> list[datetime]:
    """When runs ended, in order."""
    c = asked.runs.c
    query = select(c.ended).where(*asked.mine(), c.ended.is_not(None)).order_by(c.ended)
    return list(tx.execute(query).scalars())


def last_runs(tx: Connection, asked: Looks) -> dict[str, datetime]:
    """When the last run of each monitor, or the last execution of each schedule (lower case), ended."""
    c = asked.runs.c
    name = c.schedule if asked.model == SCHEDULES else c.monitor
    query = select(name, func.max(c.ended)).where(*asked.mine(), c.ended.is_not(None)).group_by(name)
    return {row[0]: row[1] for row in tx.execute(query)}


def arrivals(tx: Connection, stream: str, contents: Sequence[str], limit: int) -> list[datetime]:
    """When the last batches were committed that brought rows with one of these contents, latest first."""
    c = import_batch.c
    query = select(c.committed, c.body).join(import_job, import_job.c.id == c.job)
    query = query.where(c.stream == stream, c.committed.is_not(None), import_job.c.content.in_(contents))
    query = query.where(import_job.c.environment == "production").order_by(c.number.desc()).limit(limit)
    return [row.committed for row in tx.execute(query) if row.body.get("touched")]


def failing_imports(tx: Connection, model: str, since: datetime) -> dict[str, str]:
    """The active jobs of a model that cannot look, or of which files have failed, or waited, since a moment: why."""
    c, f = import_job.c, import_file.c
    found = {
        row.id: row.trouble for row in tx.execute(select(c.id, c.trouble).where(c.model == model, c.status == "active"))
    }
    failed = select(f.job, func.count()).where(f.job.in_(found), f.status == "failed", f.ended >= since).group_by(f.job)
    waits = select(f.job, func.count()).where(f.job.in_(found), f.status == "pending", f.found < since).group_by(f.job)
    told = {job: f"{count} files wait since before {since:%Y-%m-%d %H:%M} UTC" for job, count in tx.execute(waits)}
    told |= {job: f"{count} files could not be read" for job, count in tx.execute(failed)}
    return {job: found[job] or told[job] for job in found if found[job] or job in told}


def rejected(tx: Connection, model: str, since: datetime) -> dict[str, tuple[int, int]]:
    """Of each job of a model: how many rows of the files read since a moment were rejected, and of how many."""
    j, f = import_job.c, import_file.c
    query = select(f.job, func.sum(f.rejected), func.sum(f.rows)).join(import_job, j.id == f.job)
    query = query.where(j.model == model, j.status != "deleted", f.ended >= since).group_by(f.job)
    return {job: (int(bad), int(rows)) for job, bad, rows in tx.execute(query) if rows}


def came(tx: Connection, model: str, environment: str, start: datetime, end: datetime) -> int:
    """How many rows of an environment, of all versions, there are in a window that begins and ends on the hour."""
    h = hour_part.c
    query = select(func.coalesce(func.sum(h.rows), 0)).where(h.model == model, h.environment == environment)
    return int(tx.execute(query.where(h.span == "part", h.hour >= start, h.hour < end)).scalar_one())


def last_version(tx: Connection, model: str) -> datetime | None:
    """When the latest version of a model was made."""
    found: datetime | None = tx.execute(select(func.max(version.c.created)).where(version.c.model == model)).scalar()
    return found


def modified_since(tx: Connection, since: datetime, statuses: Sequence[str]) -> Mapping[str, datetime]:
    """The schedules (lower case) of which an execution changed since a moment, and when."""
    query = select(_e.schedule, func.max(_e.modified)).where(_e.modified >= since, _e.status.in_(statuses))
    return {row[0]: row[1] for row in tx.execute(query.group_by(_e.schedule))}
