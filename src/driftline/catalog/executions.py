"""Monitoring executions: one row for each time that a schedule ran, was re-run or back-filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from driftline.catalog import tokens
from driftline.catalog.resources import fold
from driftline.catalog.tables import execution
from driftline.errors import Conflict, NotFound

OPEN = ("Pending", "InProgress", "Stopping")

_NAMES = ("endpoint", "definition")
"""Columns with names of other resources, which are the same whatever their case."""

MERGE, LABELS = "merge", "labels"
"""Members of an execution's body: the job that merges its labels, and which labels there were (a fingerprint)."""


@dataclass(frozen=True)
class Execution:
    """One run of a schedule over the window [start, end); `run` counts repeats of the same scheduled time from 0.

    `found` is what it measured: `violations`, the `worst` of them, `figures`, and the `report` that it wrote.
    """

    id: str
    schedule: str
    scheduled: datetime
    window_start: datetime
    window_end: datetime
    created: datetime
    modified: datetime
    run: int = 0
    origin: str = "schedule"
    status: str = "Pending"
    job: str | None = None
    failure_reason: str | None = None
    exit_message: str | None = None
    type: str | None = None
    endpoint: str | None = None
    definition: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN

    @property
    def running(self) -> str | None:
        """The job that runs for it now, or ran last: the analysis, or the merge before it."""
        return self.job or self.body.get(MERGE)


@dataclass(frozen=True)
class Search:
    """What a list call asks for; equalities by column name, times are bounds (after: exclusive)."""

    equal: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, datetime] = field(default_factory=dict)
    before: Mapping[str, datetime] = field(default_factory=dict)
    sort_by: str = "created"
    descending: bool = True
    limit: int = 10
    token: str | None = None


@dataclass(frozen=True)
class Page:
    """Some of what was found, and the token of the rest; None at the end."""

    items: Sequence[Execution]
    token: str | None = None


def add(tx: Connection, made: Execution) -> bool:
    """Keep a new execution; False if this run of this scheduled time is known already."""
    values = {**asdict(made), "schedule": fold(made.schedule), "name": made.schedule}
    values |= {"body": dict(made.body), "found": dict(made.found)}
    try:
        with tx.begin_nested():
            tx.execute(insert(execution).values(**values))
    except IntegrityError:
        return False
    return True


def get(tx: Connection, identity: str, *, lock: bool = False) -> Execution:
    """The execution; locked, nobody else changes it until the transaction ends. Raises `NotFound`."""
    query = select(execution).where(execution.c.id == identity)
    row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(what="monitoring execution", name=identity)
    return _of(row)


def beginning(tx: Connection, start: str) -> Execution:
    """The execution whose id begins so; raises `NotFound`, and `Conflict` if there are several."""
    query = select(execution).where(execution.c.id.startswith(start, autoescape=True)).order_by(execution.c.id)
    rows = tx.execute(query.limit(2)).all()
    if not rows:
        raise NotFound(what="monitoring execution", name=start)
    if len(rows) > 1:
        reason = f"{rows[0].id} and {rows[1].id} both begin so"
        raise Conflict(what="monitoring execution", name=start, reason=reason, remedy="Give more of the id.")
    return _of(rows[0])


def find(tx: Connection, schedule: str, scheduled: datetime) -> Execution | None:
    """The first run of a scheduled time."""
    c = execution.c
    query = select(execution).where(c.schedule == fold(schedule), c.scheduled == scheduled).order_by(c.run)
    row = tx.execute(query).first()
    return None if row is None else _of(row)


def of_job(tx: Connection, job: str) -> Execution | None:
    """The execution that a processing job belongs to."""
    row = tx.execute(select(execution).where(execution.c.job == job)).first()
    return None if row is None else _of(row)


def update(tx: Connection, identity: str, *, now: datetime, expected: Sequence[str] = (), **changes: Any) -> Execution:
    """The execution with these columns changed; raises `Conflict` if its status is none of `expected`."""
    query = sql_update(execution).where(execution.c.id == identity).values(modified=now, **changes)
    if expected:
        query = query.where(execution.c.status.in_(expected))
    if not tx.execute(query).rowcount:
        found = get(tx, identity)
        reason = f"it is {found.status}, not {' or '.join(expected)}"
        raise Conflict(what="monitoring execution", name=identity, reason=reason)
    return get(tx, identity)


def open_of(tx: Connection, schedule: str) -> list[Execution]:
    """Those of the schedule that have not ended, oldest first."""
    c = execution.c
    query = select(execution).where(c.schedule == fold(schedule), c.status.in_(OPEN)).order_by(c.scheduled, c.run)
    return [_of(row) for row in tx.execute(query)]


def last_of(tx: Connection, schedule: str, count: int = 1) -> list[Execution]:
    """The latest of the schedule by scheduled time, latest first."""
    c = execution.c
    query = select(execution).where(c.schedule == fold(schedule)).order_by(c.scheduled.desc(), c.run.desc())
    return [_of(row) for row in tx.execute(query.limit(count))]


def labelled(tx: Connection, since: datetime, types: Sequence[str]) -> list[Execution]:
    """The last run of each scheduled time whose window ended after `since`, of these types; latest windows first."""
    c = execution.c
    query = select(execution).where(c.type.in_(types), c.window_end > since)
    found: dict[tuple[str, datetime], Execution] = {}
    for row in tx.execute(query.order_by(c.window_end.desc(), c.schedule, c.scheduled, c.run)):
        each = _of(row)
        found[each.schedule, each.scheduled] = each
    return list(found.values())


def next_run(tx: Connection, schedule: str, scheduled: datetime, *, of_hour: bool = False) -> int:
    """The number of the next run of this scheduled time, or of any in its hour."""
    c = execution.c
    query = select(func.max(c.run)).where(c.schedule == fold(schedule))
    if of_hour:
        hour = scheduled.replace(minute=0, second=0, microsecond=0)
        query = query.where(c.scheduled >= hour, c.scheduled < hour + timedelta(hours=1))
    else:
        query = query.where(c.scheduled == scheduled)
    last = tx.execute(query).scalar()
    return 0 if last is None else int(last) + 1


def search(tx: Connection, wanted: Search) -> Page:
    """A page of the executions that the search asks for; raises `Invalid` for a token that is none."""
    c = execution.c
    query = select(execution)
    for name, value in wanted.equal.items():
        if name in _NAMES:
            query = query.where(func.lower(c[name]) == fold(value))
        else:
            query = query.where(c[name] == (fold(value) if name == "schedule" else value))
    query = query.where(*(c[name] > moment for name, moment in wanted.after.items()))
    query = query.where(*(c[name] < moment for name, moment in wanted.before.items()))
    column = c[wanted.sort_by]
    if wanted.token:
        last, identity = tokens.after(wanted.token, wanted.sort_by, is_time=wanted.sort_by != "status")
        beyond = column < last if wanted.descending else column > last
        query = query.where(or_(beyond, and_(column == last, c.id > identity)))
    rows = tx.execute(
        query.order_by(column.desc() if wanted.descending else column, c.id).limit(wanted.limit + 1)
    ).all()
    shown = rows[: wanted.limit]
    items = [_of(row) for row in shown]
    if len(rows) <= wanted.limit or not shown:
        return Page(items)
    return Page(items, tokens.token(wanted.sort_by, getattr(shown[-1], wanted.sort_by), shown[-1].id))


def _of(row: Any) -> Execution:
    values = row._asdict()
    shown = values.pop("name")
    return Execution(**{**values, "schedule": shown})
