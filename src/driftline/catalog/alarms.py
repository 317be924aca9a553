"""Alarms on metrics: how they are configured, their state, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from driftline.catalog.alerttables import alarm, alarm_event

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
CONFIGURED, FLIPPED, ACTED = "ConfigurationUpdate", "StateUpdate", "Action"


@dataclass(frozen=True)
class Alarm:
    """An alarm; `body` is its configuration in CloudWatch's words, `data` the reason of its state as JSON.

    `changed` is when state or reason were last set, `flipped` when the state became another, `modified` when it was
    configured, and `turn` counts all of these.
    """

    name: str
    body: Mapping[str, Any]
    state: str
    reason: str
    data: str
    turn: int
    changed: datetime
    flipped: datetime
    modified: datetime


@dataclass(frozen=True)
class Event:
    """What happened to an alarm; `id` grows, `kind` is one of `CONFIGURED`, `FLIPPED`, `ACTED`."""

    id: int
    alarm: str
    kind: str
    time: datetime
    summary: str
    data: str


def put(tx: Connection, name: str, body: Mapping[str, Any], *, now: datetime) -> Alarm | None:
    """Keep an alarm; says which it replaces. A new one has insufficient data, an old one keeps its state."""
    before = find(tx, name, lock=True)
    if before is None:
        state = {"state": INSUFFICIENT_DATA, "reason": "Unchecked: Initial alarm creation", "data": "", "turn": 1}
        times = {"changed": now, "flipped": now, "modified": now, "due": now}
        try:
            with tx.begin_nested():
                tx.execute(insert(alarm).values(name=name, body=body, **state, **times))
        except IntegrityError:  # somebody else has just made it
            before = find(tx, name, lock=True)
    if before is not None:
        values = {"body": body, "modified": now, "turn": before.turn + 1, "due": now}
        tx.execute(sql_update(alarm).where(alarm.c.name == name).values(**values))
    return before


def find(tx: Connection, name: str, *, lock: bool = False) -> Alarm | None:
    """The alarm of this name; locked, nobody else changes it until the transaction ends."""
    query = select(alarm).where(alarm.c.name == name)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _alarm(row)


def listed(
    tx: Connection, *, names: Sequence[str] = (), prefix: str = "", state: str | None = None, after: str = ""
) -> list[Alarm]:
    """Alarms in the order of their names, behind the name `after`; of these names, if any are given."""
    query = select(alarm).where(alarm.c.name > after).order_by(alarm.c.name)
    if names:
        query = query.where(alarm.c.name.in_(names))
    if prefix:
        query = query.where(alarm.c.name.startswith(prefix, autoescape=True))
    if state is not None:
        query = query.where(alarm.c.state == state)
    return [_alarm(row) for row in tx.execute(query)]


def waiting(tx: Connection, now: datetime, limit: int) -> list[Alarm]:
    """Alarms that have to be judged, those first that wait for longest."""
    query = select(alarm).where(alarm.c.due <= now).order_by(alarm.c.due, alarm.c.name).limit(limit)
    return [_alarm(row) for row in tx.execute(query)]


def put_off(tx: Connection, found: Alarm, until: datetime) -> None:
    """The alarm is judged at that time next, unless it was configured anew meanwhile."""
    same = (alarm.c.name == found.name, alarm.c.modified == found.modified)
    tx.execute(sql_update(alarm).where(*same).values(due=until))


def flip(tx: Connection, found: Alarm, state: str, reason: str, data: str, *, now: datetime) -> bool:
    """Set the state and its reason; False if the alarm changed meanwhile: then nobody may act on this."""
    values = {"state": state, "reason": reason, "data": data, "turn": found.turn + 1, "changed": now}
    values["flipped"] = found.flipped if state == found.state else now
    same = (alarm.c.name == found.name, alarm.c.turn == found.turn)
    return bool(tx.execute(sql_update(alarm).where(*same).values(**values)).rowcount)


def remove(tx: Connection, name: str) -> bool:
    """Forget the alarm; its events are kept. False if there is none."""
    return bool(tx.execute(sql_delete(alarm).where(alarm.c.name == name)).rowcount)


def note(tx: Connection, name: str, kind: str, summary: str, data: str, *, now: datetime) -> None:
    """Keep what happened to an alarm."""
    tx.execute(insert(alarm_event).values(alarm=name, kind=kind, summary=summary, data=data, time=now))


def events(
    tx: Connection,
    name: str | None = None,
    *,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    descending: bool = True,
) -> list[Event]:
    """What happened to an alarm, or to all, in the order of time."""
    columns = alarm_event.c
    query = select(alarm_event).order_by(columns.id.desc() if descending else columns.id)
    bounds = ((name, columns.alarm == name), (kind, columns.kind == kind))
    for given, condition in bounds:
        query = query if given is None else query.where(condition)
    if since is not None:
        query = query.where(columns.time >= since)
    if until is not None:
        query = query.where(columns.time <= until)
    return [Event(row.id, row.alarm, row.kind, row.time, row.summary, row.data) for row in tx.execute(query)]


def expire(tx: Connection, before: datetime) -> None:
    """Forget what happened before this."""
    tx.execute(sql_delete(alarm_event).where(alarm_event.c.time < before))


def _alarm(row: Any) -> Alarm:
    named = ("name", "body", "state", "reason", "data", "turn", "changed", "flipped", "modified")
    return Alarm(**{name: getattr(row, name) for name in named})
