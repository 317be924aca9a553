"""What jobs print, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from driftline.catalog.tables import log


@dataclass(frozen=True)
class Line:
    """A line and when it was printed; `id` grows."""

    id: int
    time: datetime
    text: str


def append(tx: Connection, job: str, lines: Iterable[str], *, now: datetime) -> None:
    """Keep lines of a job."""
    rows = [{"job": job, "time": now, "line": line} for line in lines]
    if rows:
        tx.execute(insert(log), rows)


def read(tx: Connection, job: str, *, after: int = 0, limit: int = 10_000) -> list[Line]:
    """Lines of a job in order, behind the line `after`."""
    query = select(log).where(log.c.job == job, log.c.id > after).order_by(log.c.id).limit(limit)
    return [Line(row.id, row.time, row.line) for row in tx.execute(query)]


def remove(tx: Connection, job: str) -> None:
    """Forget what a job printed."""
    tx.execute(delete(log).where(log.c.job == job))
