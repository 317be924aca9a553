"""Batches of files: what each will be once it is committed is written first, so that whoever comes after can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from driftline.catalog.tables import import_batch


def next_number(tx: Connection, stream: str) -> int:
    """The number of the next batch of a stream, from 1."""
    query = select(func.coalesce(func.max(import_batch.c.number), 0)).where(import_batch.c.stream == stream)
    return int(tx.execute(query).scalar_one()) + 1


def begin(tx: Connection, stream: str, number: int, job: str, body: Mapping[str, Any], *, now: datetime) -> None:
    """Write down what the batch will be."""
    tx.execute(insert(import_batch).values(stream=stream, number=number, job=job, body=dict(body), created=now))


def open_batch(tx: Connection, stream: str) -> Any | None:
    """The batch that was begun and of which nobody said that it was committed."""
    c = import_batch.c
    return tx.execute(select(import_batch).where(c.stream == stream, c.committed.is_(None))).first()


def commit(tx: Connection, stream: str, number: int, *, now: datetime) -> bool:
    """The batch is committed; False if that was known."""
    c = import_batch.c
    told = update(import_batch).where(c.stream == stream, c.number == number, c.committed.is_(None))
    return bool(tx.execute(told.values(committed=now)).rowcount)


def change(tx: Connection, stream: str, number: int, body: Mapping[str, Any]) -> None:
    """Write down more of what the batch will be."""
    c = import_batch.c
    told = update(import_batch).where(c.stream == stream, c.number == number, c.committed.is_(None))
    tx.execute(told.values(body=dict(body)))


def undo(tx: Connection, stream: str, number: int, *, now: datetime) -> None:
    """The batch will never be committed; its number is not used again, lest a late commit be taken for another's."""
    c = import_batch.c
    told = update(import_batch).where(c.stream == stream, c.number == number, c.committed.is_(None))
    tx.execute(told.values(committed=now, body={"undone": True}))


def committed_since(tx: Connection, stream: str, since: datetime) -> Sequence[Any]:
    """The batches of a stream that were committed after a moment, in order; those that were undone say so."""
    c = import_batch.c
    query = select(import_batch).where(c.stream == stream, c.committed > since)
    return tx.execute(query.order_by(c.number)).all()
