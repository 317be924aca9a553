"""Monitors of models on imported data: what each watches, and when it is due next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from driftline.catalog.tables import import_batch, import_file, import_job, model_monitor, model_run
from driftline.errors import Conflict, NotFound


@dataclass(frozen=True)
class Kept:
    """A monitor as the catalog has it; `next` is the scheduled time that is planned next, None: never again."""

    model: str
    name: str
    kind: str
    status: str
    created: datetime
    modified: datetime
    body: Mapping[str, Any] = field(default_factory=dict)
    next: datetime | None = None


@dataclass(frozen=True)
class Touched:
    """A batch that was committed: the hours [version, environment, hour] whose rows or labels it changed."""

    number: int
    committed: datetime
    content: str
    hours: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Set:
    """A training or validation set as a job brought it: of which version, in which batch, and when last."""

    job: str
    model: str
    version: str
    environment: str
    batch: str | None
    last: datetime


def add(tx: Connection, made: Kept) -> None:
    """Keep a new monitor, without runs that one of its name had before; raises `Conflict` if the name is taken."""
    run = model_run.c
    try:
        with tx.begin_nested():
            tx.execute(delete(model_run).where(run.model == made.model, run.monitor == made.name))
            tx.execute(insert(model_monitor).values(**{**asdict(made), "body": dict(made.body)}))
    except IntegrityError:
        remedy = "Choose another name, or delete that one."
        reason = f"{made.model} has one of this name"
        raise Conflict(what="monitor", name=made.name, reason=reason, remedy=remedy) from None


def find(tx: Connection, model: str, name: str, *, lock: bool = False) -> Kept | None:
    """The monitor, if there is one; locked, nobody else changes it until the transaction ends."""
    c = model_monitor.c
    query = select(model_monitor).where(c.model == model, c.name == name)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Kept(**row._asdict())


def get(tx: Connection, model: str, name: str, *, lock: bool = False) -> Kept:
    """The monitor; raises `NotFound`, which names the one that was probably meant."""
    found = find(tx, model, name, lock=lock)
    if found is None:
        known = [each.name for each in of_model(tx, model)]
        near = get_close_matches(name, known, 1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(known[:8]) or 'none'}."
        raise NotFound(what=f"monitor of {model}", name=name, remedy=remedy)
    return found


def of_model(tx: Connection, model: str | None = None) -> list[Kept]:
    """The monitors of a model, or of all models, by name."""
    c = model_monitor.c
    query = select(model_monitor).order_by(c.model, c.name)
    rows = tx.execute(query if model is None else query.where(c.model == model))
    return [Kept(**row._asdict()) for row in rows]


def change(tx: Connection, model: str, name: str, *, now: datetime, **values: Any) -> None:
    """Change columns of a monitor."""
    c = model_monitor.c
    tx.execute(update(model_monitor).where(c.model == model, c.name == name).values(modified=now, **values))


def put(tx: Connection, model: str, name: str, **values: Any) -> None:
    """Note how far a monitor is; what its user asked of it stays, and so does the time of the last change of that."""
    c = model_monitor.c
    tx.execute(update(model_monitor).where(c.model == model, c.name == name).values(**values))


def remove(tx: Connection, model: str, name: str) -> None:
    """Forget a monitor and what it said."""
    c, run = model_monitor.c, model_run.c
    tx.execute(delete(model_run).where(run.model == model, run.monitor == name))
    tx.execute(delete(model_monitor).where(c.model == model, c.name == name))


def due(tx: Connection, now: datetime, limit: int) -> list[Kept]:
    """Active monitors whose next time has come, the longest due first, locked; without those others hold."""
    c = model_monitor.c
    query = select(model_monitor).where(c.status == "active", c.next <= now).order_by(c.next, c.model, c.name)
    return [Kept(**row._asdict()) for row in tx.execute(query.limit(limit).with_for_update(skip_locked=True))]


def is_due(tx: Connection, now: datetime) -> bool:
    """Whether an active monitor's next time has come."""
    c = model_monitor.c
    return tx.execute(select(c.name).where(c.status == "active", c.next <= now).limit(1)).first() is not None


def behind(tx: Connection, prefix: str, limit: int) -> list[tuple[str, str]]:
    """Active monitors (model, name) of models for which a batch was committed since they were looked after.

    The stream of a model is called `prefix` and its id.
    """
    c, b = model_monitor.c, import_batch.c
    latest = select(b.number).where(b.stream == literal(prefix) + c.model, b.committed.is_not(None))
    last = latest.order_by(b.number.desc()).limit(1).scalar_subquery()
    query = select(c.model, c.name, c.body, last.label("last")).where(c.status == "active").order_by(c.model, c.name)
    rows = (row for row in tx.execute(query) if row.last is not None and row.last > row.body.get("seen", 0))
    return [(row.model, row.name) for row in islice(rows, limit)]


def last_batch(tx: Connection, stream: str) -> int:
    """The number of the last batch that was committed in a stream; 0 if there is none."""
    c = import_batch.c
    query = select(c.number).where(c.stream == stream, c.committed.is_not(None)).order_by(c.number.desc()).limit(1)
    return int(tx.execute(query).scalar() or 0)


def touched(tx: Connection, stream: str, after: int) -> list[Touched]:
    """What was committed in a stream behind the number `after`, in order."""
    c = import_batch.c
    query = select(import_batch, import_job.c.content).join(import_job, import_job.c.id == c.job)
    query = query.where(c.stream == stream, c.number > after, c.committed.is_not(None))
    return [
        Touched(row.number, row.committed, row.content, row.body.get("touched") or ())
        for row in tx.execute(query.order_by(c.number))
    ]


def waiting(tx: Connection, model: str, found_before: datetime) -> int:
    """How many files of the model's active jobs wait that were found up to a moment."""
    f, j = import_file.c, import_job.c
    query = (
        select(func.count())
        .select_from(import_file)
        .join(import_job, j.id == f.job)
        .where(j.model == model, j.status == "active", f.status == "pending", f.found <= found_before)
    )
    return int(tx.execute(query).scalar_one())


def sets(tx: Connection, job: str | None = None) -> list[Set]:
    """The jobs, or this one, that brought rows of a training or validation set, all of their files read."""
    b, j, f = import_batch.c, import_job.c, import_file.c
    waits = select(f.number).where(f.job == j.id, f.status == "pending").exists()
    query = (
        select(j.id, j.model, j.version, j.environment, j.body, func.max(b.committed).label("last"))
        .join(import_batch, b.job == j.id)
        .where(j.environment != "production", b.committed.is_not(None), ~((j.status == "active") & waits))
        .group_by(j.id, j.model, j.version, j.environment, j.body)
    )
    rows = tx.execute(query if job is None else query.where(j.id == job))
    return [Set(row.id, row.model, row.version, row.environment, row.body.get("batch"), row.last) for row in rows]


def files_meeting(tx: Connection, model: str, environment: str, start: datetime, end: datetime) -> Sequence[Any]:
    """The files of a model's jobs with rows between two moments."""
    f, j = import_file.c, import_job.c
    query = (
        select(import_file)
        .join(import_job, j.id == f.job)
        .where(j.model == model, j.environment == environment, f.first < end, f.last >= start)
    )
    return tx.execute(query.order_by(f.number)).all()
