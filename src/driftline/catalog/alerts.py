"""Alerts: one for each schedule, and when its status changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import update as sql_update

from driftline.catalog.resources import fold
from driftline.catalog.tables import alert, alert_change
from driftline.errors import NotFound

OK, IN_ALERT = "OK", "InAlert"


@dataclass(frozen=True)
class Alert:
    """Says InAlert when `datapoints` of the last `period` executions failed or found violations."""

    schedule: str
    name: str
    created: datetime
    modified: datetime
    status: str = OK
    datapoints: int = 1
    period: int = 1

    def judge(self, bad: Sequence[bool]) -> str:
        """The status after executions of which the latest come first.

        >>> moment = datetime(2026, 1, 1)
        >>> Alert("s", "a", moment, moment, datapoints=2, period=3).judge([True, False, True, True])
        'InAlert'
        """
        return IN_ALERT if sum(bad[: self.period]) >= self.datapoints else OK


@dataclass(frozen=True)
class Change:
    """A new status of an alert; `body` says which execution brought it, and what that found."""

    schedule: str
    name: str
    status: str
    created: datetime
    id: int
    body: Mapping[str, Any]


def add(tx: Connection, made: Alert) -> None:
    """Keep the alert of a new schedule."""
    remove(tx, made.schedule)
    tx.execute(insert(alert).values(**{**asdict(made), "schedule": fold(made.schedule)}))


def find(tx: Connection, schedule: str, *, lock: bool = False) -> Alert | None:
    """The alert of a schedule; locked, nobody else judges it until the transaction ends."""
    query = select(alert).where(alert.c.schedule == fold(schedule))
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Alert(**{**row._asdict(), "schedule": schedule})


def update(tx: Connection, schedule: str, *, now: datetime, **changes: Any) -> Alert:
    """The alert with these members changed; raises `NotFound`."""
    tx.execute(sql_update(alert).where(alert.c.schedule == fold(schedule)).values(modified=now, **changes))
    found = find(tx, schedule)
    if found is None:
        raise NotFound(what="monitoring alert of schedule", name=schedule)
    return found


def flip(tx: Connection, found: Alert, status: str, *, now: datetime, body: Mapping[str, Any]) -> bool:
    """Note a new status; False if it is the old one, or somebody else noted it at the same moment."""
    if status == found.status:
        return False
    same = (alert.c.schedule == fold(found.schedule), alert.c.status == found.status)
    if not tx.execute(sql_update(alert).where(*same).values(status=status, modified=now)).rowcount:
        return False
    values = {"schedule": fold(found.schedule), "name": found.name, "status": status, "created": now}
    tx.execute(insert(alert_change).values(**values, body=dict(body)))
    return True


def changes(tx: Connection, schedule: str | None = None) -> list[Change]:
    """All changes, of one schedule or of all, latest first."""
    query = select(alert_change).order_by(alert_change.c.id.desc())
    if schedule is not None:
        query = query.where(alert_change.c.schedule == fold(schedule))
    return [_change(row) for row in tx.execute(query)]


def changes_after(tx: Connection, schedule: str, after: int | None, limit: int) -> list[Change]:
    """The changes of a schedule's alert behind the one with this id, in order; the last one alone if none is given."""
    c = alert_change.c
    query = select(alert_change).where(c.schedule == fold(schedule))
    query = query.order_by(c.id.desc()).limit(1) if after is None else query.where(c.id > after).order_by(c.id)
    return [_change(row) for row in tx.execute(query.limit(1 if after is None else limit))]


def untold(tx: Connection, schedule: str | None = None, limit: int = 1000) -> list[Change]:
    """The oldest changes that were not told, of one schedule or of all."""
    query = select(alert_change).where(alert_change.c.told.is_(None)).order_by(alert_change.c.id).limit(limit)
    if schedule is not None:
        query = query.where(alert_change.c.schedule == fold(schedule))
    return [_change(row) for row in tx.execute(query)]


def tell(tx: Connection, change: Change, *, now: datetime) -> bool:
    """Note that a change is told in this transaction; False if somebody else told it."""
    same = (alert_change.c.id == change.id, alert_change.c.told.is_(None))
    return bool(tx.execute(sql_update(alert_change).where(*same).values(told=now)).rowcount)


def _change(row: Any) -> Change:
    return Change(row.schedule, row.name, row.status, row.created, row.id, row.body)


def remove(tx: Connection, schedule: str) -> None:
    """Forget the alert; its changes are kept."""
    tx.execute(delete(alert).where(alert.c.schedule == fold(schedule)))
