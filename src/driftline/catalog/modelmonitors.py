"""Monitors of models on imported data: what each watches, and when it is due next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
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


def add(tx: Connection, made: Kept) -> None:
    """Keep a new monitor; raises `Conflict` if the model has one of that name."""
    try:
        with tx.begin_nested():
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


def behind(tx: Connection, limit: int) -> list[tuple[str, str]]:
    """Active monitors (model, name) of models with batches that were committed since each was looked after."""
    c = model_monitor.c
    latest = (
        select(import_job.c.model, func.max(import_batch.c.committed).label("last"))
        .join(import_batch, import_batch.c.job == import_job.c.id)
        .group_by(import_job.c.model)
        .subquery()
    )
    query = select(c.model, c.name, c.body, latest.c.last).join(latest, latest.c.model == c.model)
    rows = tx.execute(query.where(c.status == "active").order_by(c.model, c.name))
    found = [(row.model, row.name) for row in rows if row.last is not None and _is_newer(row.last, row.body)]
    return found[:limit]


def _is_newer(last: datetime, body: Mapping[str, Any]) -> bool:
    looked = body.get("looked")
    return looked is None or last.isoformat() != looked


def touched(tx: Connection, model: str, after: Mapping[str, int]) -> dict[str, list[Touched]]:
    """What was committed for the model, by stream, behind the number in `after` of each stream, in order."""
    c = import_batch.c
    query = (
        select(import_batch, import_job.c.content)
        .join(import_job, import_job.c.id == c.job)
        .where(import_job.c.model == model, c.committed.is_not(None))
        .order_by(c.stream, c.number)
    )
    if len(after) == 1:  # the common case: one stream a model, whose past need not be read again
        [(stream, number)] = after.items()
        query = query.where((c.stream != stream) | (c.number > number))
    found: dict[str, list[Touched]] = {}
    for row in tx.execute(query):
        if row.number > after.get(row.stream, 0):
            hours = row.body.get("touched") or ()
            found.setdefault(row.stream, []).append(Touched(row.number, row.committed, row.content, hours))
    return found


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


def waiting_of_sets(tx: Connection, model: str, version: str, environment: str) -> int:
    """How many files wait in the jobs that bring a training or validation set."""
    f, j = import_file.c, import_job.c
    query = (
        select(func.count())
        .select_from(import_file)
        .join(import_job, j.id == f.job)
        .where(j.model == model, j.version == version, j.environment == environment)
        .where(j.status == "active", f.status == "pending")
    )
    return int(tx.execute(query).scalar_one())


def last_commit(tx: Connection, job: str) -> datetime | None:
    """When a batch of the job was committed last; None: never."""
    c = import_batch.c
    found: datetime | None = tx.execute(select(func.max(c.committed)).where(c.job == job)).scalar()
    return found


def files_meeting(tx: Connection, model: str, environment: str, start: datetime, end: datetime) -> Sequence[Any]:
    """The files of a model's jobs with rows between two moments."""
    f, j = import_file.c, import_job.c
    query = (
        select(import_file)
        .join(import_job, j.id == f.job)
        .where(j.model == model, j.environment == environment, f.first < end, f.last >= start)
    )
    return tx.execute(query.order_by(f.number)).all()
