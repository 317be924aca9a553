"""The queue: work is claimed under a lease, one piece at a time in each lane, and begun a bounded number of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from driftline.catalog.tables import work

PENDING, RUNNING = "PENDING", "RUNNING"


@dataclass(frozen=True)
class Work:
    """A piece of work that this owner may do until the lease ends; `attempt` fences out whoever had it before."""

    id: int
    kind: str
    subject: str
    attempt: int
    owner: str
    lane: str | None = None


def enqueue(
    tx: Connection,
    kind: str,
    subject: str,
    *,
    now: datetime,
    run_after: datetime | None = None,
    lane: str | None = None,
) -> None:
    """Add work; nothing happens if this subject is queued already. Work of one lane is done one after the other."""
    values = {"kind": kind, "subject": subject, "lane": lane, "state": PENDING, "attempt": 0}
    try:
        with tx.begin_nested():
            tx.execute(insert(work).values(**values, run_after=run_after or now))
    except IntegrityError:
        return


def claim(tx: Connection, owner: str, *, now: datetime, lease_seconds: float, kinds: Sequence[str] = ()) -> Work | None:
    """The next work that is due, of these kinds if any are named, leased to `owner`; None if there is none."""
    busy = select(work.c.lane).where(work.c.state == RUNNING, work.c.lane.is_not(None))
    earlier = work.alias()
    # also what another worker is just taking: it is locked, and would be skipped for the next of its lane
    waits = select(earlier.c.id).where(earlier.c.lane == work.c.lane, earlier.c.id < work.c.id).exists()
    query = (
        select(work)
        .where(work.c.state == PENDING, work.c.run_after <= now, work.c.kind.in_(kinds) if kinds else true())
        .where(work.c.lane.is_(None) | (work.c.lane.not_in(busy) & ~waits))
        .order_by(work.c.run_after, work.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.execute(query).first()
    if row is None:
        return None
    values = {"state": RUNNING, "attempt": row.attempt + 1, "owner": owner}
    until = now + timedelta(seconds=lease_seconds)
    try:
        with tx.begin_nested():
            tx.execute(update(work).where(work.c.id == row.id).values(**values, lease_until=until))
    except IntegrityError:  # another worker took work of this lane at the same moment
        return None
    return Work(row.id, row.kind, row.subject, row.attempt + 1, owner, row.lane)


def beat(tx: Connection, held: Work, *, now: datetime, lease_seconds: float) -> bool:
    """Prolong the lease; False if the work belongs to somebody else by now."""
    until = now + timedelta(seconds=lease_seconds)
    return bool(tx.execute(update(work).where(*_held(held)).values(lease_until=until)).rowcount)


def holds(tx: Connection, held: Work) -> bool:
    """Whether the work still belongs to its owner."""
    return tx.execute(select(work.c.id).where(*_held(held))).first() is not None


def is_there(tx: Connection, held: Work) -> bool:
    """Whether the work is still to be done, by whomever."""
    return tx.execute(select(work.c.id).where(work.c.id == held.id)).first() is not None


def is_queued(tx: Connection, kind: str, subject: str) -> bool:
    """Whether this is still to be done, waiting or begun."""
    return tx.execute(select(work.c.id).where(work.c.kind == kind, work.c.subject == subject)).first() is not None


def finish(tx: Connection, held: Work) -> bool:
    """The work is done; False if it belongs to somebody else by now, whose end alone counts."""
    return bool(tx.execute(delete(work).where(*_held(held))).rowcount)


def give_back(tx: Connection, held: Work, *, run_after: datetime, counts: bool = True) -> bool:
    """To be tried again at that time; False if it belongs to somebody else by now.

    Where it does not count, nothing went wrong: it may be begun as often as before it was claimed.
    """
    attempt = held.attempt if counts else held.attempt - 1
    values = {"state": PENDING, "owner": None, "lease_until": None, "run_after": run_after, "attempt": attempt}
    return bool(tx.execute(update(work).where(*_held(held)).values(**values)).rowcount)


def release(tx: Connection, owner: str, *, now: datetime) -> int:
    """All that this owner holds goes back to the queue, since the owner has just begun anew; says how much."""
    values = {"state": PENDING, "owner": None, "lease_until": None, "run_after": now}
    held = (work.c.owner == owner, work.c.state == RUNNING)
    return int(tx.execute(update(work).where(*held).values(**values)).rowcount)


def lapsed(tx: Connection, *, now: datetime) -> list[Work]:
    """Work whose owner has been silent for longer than the lease, oldest first."""
    query = select(work).where(work.c.state == RUNNING, work.c.lease_until < now).order_by(work.c.id)
    rows = tx.execute(query.with_for_update(skip_locked=True))
    return [Work(row.id, row.kind, row.subject, row.attempt, row.owner, row.lane) for row in rows]


def remove(tx: Connection, kind: str, subject: str) -> None:
    """Forget the work, whoever has it: its owner learns it at the next beat."""
    tx.execute(delete(work).where(work.c.kind == kind, work.c.subject == subject))


def remove_queued(tx: Connection, kind: str, subject: str) -> bool:
    """Forget the work if nobody has begun it; False if somebody has."""
    waiting = (work.c.kind == kind, work.c.subject == subject, work.c.state == PENDING)
    return bool(tx.execute(delete(work).where(*waiting)).rowcount)


def length(tx: Connection) -> int:
    """How much is queued or being done."""
    return len(tx.execute(select(work.c.id)).all())


def _held(held: Work) -> tuple[Any, ...]:
    return (
        work.c.id == held.id,
        work.c.attempt == held.attempt,
        work.c.owner == held.owner,
        work.c.state == RUNNING,
    )
