"""Import jobs and the ledger of their files: every object that was ever seen, and what became of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, String, cast, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from driftline.catalog import tokens
from driftline.catalog.tables import import_file, import_job
from driftline.errors import Conflict, NotFound

_SUMS = ("rows", "accepted", "rejected", "duplicate")
_AT_ONCE = 500
"""Rows of one statement: SQLite takes at most 32,766 values."""


@dataclass(frozen=True)
class Search:
    """What a list of jobs asks for: equalities by column, a part of the model's name or of the job's id."""

    equal: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    limit: int = 20
    token: str | None = None


@dataclass(frozen=True)
class Volume:
    """What the files of jobs brought that ended on a day: rows by what became of them."""

    day: date
    content: str
    environment: str
    files: int
    accepted: int
    rejected: int
    duplicate: int


@dataclass(frozen=True)
class Page:
    """Rows, and the token of the page behind them."""

    items: Sequence[Any]
    token: str | None = None


def create(tx: Connection, values: Mapping[str, Any]) -> None:
    """A row of a job."""
    tx.execute(insert(import_job).values(**values))


def find(tx: Connection, job: str) -> Any | None:
    """The row of a job, if there is one."""
    return tx.execute(select(import_job).where(import_job.c.id == job)).first()


def get(tx: Connection, job: str) -> Any:
    """The row of a job, deleted ones too; raises `NotFound`."""
    row = find(tx, job)
    if row is None:
        raise NotFound(what="import job", name=job, remedy="`driftline imports list` shows which there are.")
    return row


def beginning(tx: Connection, start: str) -> str:
    """The id of the job whose id begins so; raises `NotFound`, and `Conflict` if there are several."""
    c = import_job.c
    query = select(c.id).where(c.id.startswith(start, autoescape=True)).order_by(c.id).limit(2)
    found = list(tx.execute(query).scalars())
    if len(found) > 1 and start not in found:
        reason = f"{found[0]} and {found[1]} both begin so"
        raise Conflict(what="import job", name=start, reason=reason, remedy="Give more of the id.")
    return str(get(tx, found[0] if found else start).id)


def change(tx: Connection, job: str, **values: Any) -> None:
    """Change columns of a job."""
    tx.execute(update(import_job).where(import_job.c.id == job).values(**values))


def page(tx: Connection, wanted: Search) -> Page:
    """Jobs, the latest first."""
    c = import_job.c
    query = select(import_job).where(*(getattr(c, name) == value for name, value in wanted.equal.items()))
    if wanted.text:
        parts = (c.model, c.id, c.version)
        query = query.where(or_(*(func.lower(each).contains(wanted.text.lower(), autoescape=True) for each in parts)))
    if wanted.token:
        moment, name = tokens.after(wanted.token, "created", is_time=True)
        query = query.where(or_(c.created < moment, (c.created == moment) & (c.id < name)))
    rows = tx.execute(query.order_by(c.created.desc(), c.id.desc()).limit(wanted.limit + 1)).all()
    shown = rows[: wanted.limit]
    more = len(rows) > wanted.limit and bool(shown)
    return Page(shown, tokens.token("created", shown[-1].created, shown[-1].id) if more else None)


def of_model(tx: Connection, model: str) -> Sequence[Any]:
    """All jobs of a model, deleted ones too, the first one first."""
    c = import_job.c
    return tx.execute(select(import_job).where(c.model == model).order_by(c.created, c.id)).all()


def active(tx: Connection, looked_before: datetime | None = None) -> Sequence[Any]:
    """The jobs that look for files, those first that did not for longest."""
    c = import_job.c
    query = select(import_job).where(c.status == "active")
    if looked_before is not None:
        query = query.where(or_(c.looked.is_(None), c.looked <= looked_before))
    return tx.execute(query.order_by(c.looked.is_not(None), c.looked, c.id)).all()


def take_turn(tx: Connection, job: str, looked: datetime | None, now: datetime) -> bool:
    """Say that the job's source is looked at now; False if somebody did since `looked`."""
    c = import_job.c
    before = c.looked.is_(None) if looked is None else c.looked == looked
    return bool(tx.execute(update(import_job).where(c.id == job, before).values(looked=now)).rowcount)


def digest_of(uri: str) -> str:
    """By what an object is known: its URI may be longer than a database's index takes."""
    return sha256(uri.encode("utf-8", "surrogateescape")).hexdigest()


def seen(tx: Connection, job: str, uris: Iterable[str]) -> dict[str, list[Any]]:
    """The rows of these objects in the ledger of the job, by URI, in the order in which they were found."""
    digests = [digest_of(uri) for uri in uris]
    found: dict[str, list[Any]] = {}
    for at in range(0, len(digests), _AT_ONCE):
        some = digests[at : at + _AT_ONCE]
        query = select(import_file).where(import_file.c.job == job, import_file.c.digest.in_(some))
        for row in tx.execute(query.order_by(import_file.c.number)):
            found.setdefault(row.uri, []).append(row)
    return found


def add(tx: Connection, files: Sequence[Mapping[str, Any]]) -> None:
    """Rows of the ledger; those that are there in the same version already stay as they are."""
    made = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    for at in range(0, len(files), _AT_ONCE):
        rows = [{**each, "digest": digest_of(each["uri"])} for each in files[at : at + _AT_ONCE]]
        tx.execute(made(import_file).on_conflict_do_nothing(), rows)


def pending(tx: Connection, job: str, limit: int) -> Sequence[Any]:
    """The files that wait, in the order in which they were found."""
    c = import_file.c
    query = select(import_file).where(c.job == job, c.status == "pending")
    return tx.execute(query.order_by(c.number).limit(limit)).all()


def is_pending(tx: Connection, job: str) -> bool:
    """Whether a file waits."""
    c = import_file.c
    return tx.execute(select(c.number).where(c.job == job, c.status == "pending").limit(1)).first() is not None


def change_file(tx: Connection, number: int, **values: Any) -> None:
    """Change columns of a file."""
    tx.execute(update(import_file).where(import_file.c.number == number).values(**values))


def move_to_duplicate(tx: Connection, number: int, count: int) -> None:
    """Rows of a file that were accepted count as duplicates: later ones took their place."""
    c = import_file.c
    values = {"accepted": c.accepted - count, "duplicate": c.duplicate + count}
    tx.execute(update(import_file).where(c.number == number).values(**values))


def count_attempt(tx: Connection, numbers: Iterable[int]) -> None:
    """One more attempt at each of these files."""
    c = import_file.c
    tx.execute(update(import_file).where(c.number.in_(list(numbers))).values(attempts=c.attempts + 1))


def volumes(tx: Connection, since: datetime, *, model: str | None = None, job: str | None = None) -> list[Volume]:
    """What was read of the files of a model, or of a job, by the day on which that ended, in UTC, since a moment."""
    f, j = import_file.c, import_job.c
    day = func.date(func.timezone(literal_column("'UTC'"), f.ended) if tx.dialect.name == "postgresql" else f.ended)
    sums = [func.coalesce(func.sum(f[name]), 0) for name in ("accepted", "rejected", "duplicate")]
    query = select(cast(day, String), j.content, j.environment, func.count(), *sums)
    query = query.select_from(import_file.join(import_job, j.id == f.job))
    query = query.where(f.ended >= since, f.status.in_(("done", "failed")))
    query = query.where(j.model == model) if model is not None else query
    query = query.where(f.job == job) if job is not None else query
    rows = tx.execute(query.group_by(day, j.content, j.environment).order_by(day, j.content, j.environment))
    return [Volume(date.fromisoformat(row[0]), *row[1:4], *map(int, row[4:])) for row in rows]


def reset(tx: Connection, job: str, *, now: datetime, body: Mapping[str, Any]) -> None:
    """The job has found nothing yet; its files are still listed, passed over, in a version that no object has."""
    c = import_file.c
    told = {"etag": "purged:" + cast(c.number, String), "status": "skipped", "ended": now, "body": dict(body)}
    tx.execute(update(import_file).where(c.job == job).values(**told, **dict.fromkeys(_SUMS, 0)))
    change(tx, job, cursor={}, looked=None, trouble=None)


def file(tx: Connection, number: int) -> Any:
    """The row of a file; raises `NotFound`."""
    row = tx.execute(select(import_file).where(import_file.c.number == number)).first()
    if row is None:
        raise NotFound(what="file", name=str(number), remedy="`driftline imports files JOB` shows which there are.")
    return row


def files(tx: Connection, job: str, *, status: str | None = None, limit: int = 50, after: int = 0) -> Sequence[Any]:
    """The files of a job by number, from behind `after` on."""
    c = import_file.c
    query = select(import_file).where(c.job == job, c.number > after)
    query = query if status is None else query.where(c.status == status)
    return tx.execute(query.order_by(c.number).limit(limit)).all()


def counts(tx: Connection, jobs: Sequence[str]) -> dict[str, dict[str, dict[str, int]]]:
    """By job and status: how many files, and the sums of their rows; jobs without files are not there."""
    c = import_file.c
    sums = [func.coalesce(func.sum(c[name]), 0).label(name) for name in _SUMS]
    query = select(c.job, c.status, func.count().label("files"), *sums).where(c.job.in_(jobs))
    found: dict[str, dict[str, dict[str, int]]] = {}
    for row in tx.execute(query.group_by(c.job, c.status)):
        told = {"files": row.files, **{name: int(getattr(row, name)) for name in _SUMS}}
        found.setdefault(row.job, {})[row.status] = told
    return found
