"""When each schedule runs next."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from driftline.catalog.resources import fold
from driftline.catalog.tables import due


def put(tx: Connection, schedule: str, at: datetime | None) -> None:
    """The schedule runs at this time next; None: never again."""
    found = tx.execute(update(due).where(due.c.schedule == fold(schedule)).values(at=at))  # waits for who has it locked
    if not found.rowcount:
        tx.execute(insert(due).values(schedule=fold(schedule), at=at))


def find(tx: Connection, schedule: str) -> datetime | None:
    """When the schedule runs next, if ever."""
    found: datetime | None = tx.execute(select(due.c.at).where(due.c.schedule == fold(schedule))).scalar()
    return found


def before(tx: Connection, now: datetime, limit: int) -> list[tuple[str, datetime]]:
    """Schedules (lower case) that are due, the longest overdue first; locked against other schedulers."""
    query = select(due.c.schedule, due.c.at).where(due.c.at <= now).order_by(due.c.at, due.c.schedule).limit(limit)
    return [(schedule, at) for schedule, at in tx.execute(query.with_for_update(skip_locked=True))]


def remove(tx: Connection, schedule: str) -> None:
    """Forget when it runs."""
    tx.execute(delete(due).where(due.c.schedule == fold(schedule)))
