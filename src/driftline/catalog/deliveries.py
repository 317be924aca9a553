"""Channels, the messages that they are told, each delivery of one to another, and maintenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from driftline.catalog import tokens
from driftline.catalog.alerttables import alert_message, channel, delivery, quiet
from driftline.catalog.tables import work
from driftline.errors import NotFound

PENDING, SENT, FAILED = "pending", "sent", "failed"
HELD, DIGESTED = "held", "digested"
"""Waits for a digest; is in one."""


@dataclass(frozen=True)
class KeptChannel:
    """A channel: its kind and configuration, in which secrets are references."""

    name: str
    kind: str
    body: Mapping[str, Any]
    created: datetime
    modified: datetime


@dataclass(frozen=True)
class Delivery:
    """A message to one channel."""

    id: str
    message: str
    channel: str
    created: datetime
    due: datetime
    status: str = PENDING
    attempts: int = 0
    reason: str | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Quiet:
    """Maintenance of one model, or of all, from `start` to just before `until`."""

    id: str
    model: str | None
    note: str
    start: datetime
    until: datetime
    created: datetime


@dataclass(frozen=True)
class Page:
    """Deliveries with their messages, the latest first, and the token of the page behind them."""

    items: Sequence[tuple[Delivery, Mapping[str, Any]]]
    token: str | None = None


def put_channel(tx: Connection, made: KeptChannel) -> None:
    """Keep a channel in the place of the one of its name."""
    changed = {"kind": made.kind, "body": dict(made.body), "modified": made.modified}
    if not tx.execute(update(channel).where(channel.c.name == made.name).values(**changed)).rowcount:
        tx.execute(insert(channel).values(name=made.name, created=made.created, **changed))


def channels(tx: Connection) -> list[KeptChannel]:
    """All channels by name."""
    return [KeptChannel(**row._asdict()) for row in tx.execute(select(channel).order_by(channel.c.name))]


def find_channel(tx: Connection, name: str) -> KeptChannel | None:
    """The channel, if there is one."""
    row = tx.execute(select(channel).where(channel.c.name == name)).first()
    return None if row is None else KeptChannel(**row._asdict())


def get_channel(tx: Connection, name: str) -> KeptChannel:
    """The channel; raises `NotFound`."""
    found = find_channel(tx, name)
    if found is None:
        known = ", ".join(each.name for each in channels(tx)[:8]) or "none"
        raise NotFound(what="channel", name=name, remedy=f"There is {known}.")
    return found


def remove_channel(tx: Connection, name: str) -> None:
    """Forget a channel; what waits for it is not sent."""
    tx.execute(delete(channel).where(channel.c.name == name))


def add_message(tx: Connection, identity: str, model: str, state: str, body: Mapping[str, Any], at: datetime) -> bool:
    """Keep a message; False if it is there."""
    try:
        with tx.begin_nested():
            tx.execute(insert(alert_message).values(id=identity, model=model, state=state, body=dict(body), at=at))
    except IntegrityError:
        return False
    return True


def message(tx: Connection, identity: str) -> Any:
    """The row of a message; raises `NotFound`."""
    row = tx.execute(select(alert_message).where(alert_message.c.id == identity)).first()
    if row is None:
        raise NotFound(what="message", name=identity)
    return row


def add(tx: Connection, made: Delivery) -> None:
    """Keep a delivery; one message goes to a channel once."""
    tx.execute(insert(delivery).values(**asdict(made)))


def find(tx: Connection, identity: str, *, lock: bool = False) -> Delivery | None:
    """The delivery, if there is one."""
    query = select(delivery).where(delivery.c.id == identity)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Delivery(**row._asdict())


def heard(tx: Connection, model: str, cause: str) -> set[str]:
    """The channels that were told that a cause fires, and not yet that it is over."""
    c, m = delivery.c, alert_message.c
    own = (m.model == model, m.body["cause"].as_string() == cause)
    over = tx.execute(select(func.max(m.at)).where(*own, m.state == "resolved")).scalar()
    query = select(c.channel).join(alert_message, m.id == c.message).where(*own, m.state.in_(("firing", "escalated")))
    return set(tx.execute((query if over is None else query.where(m.at >= over)).distinct()).scalars())


def hasten(tx: Connection, channel: str, now: datetime) -> None:
    """What waits for the channel's digest goes out in one that is due now."""
    c = delivery.c
    tx.execute(update(delivery).where(c.channel == channel, c.status == HELD, c.due > now).values(due=now))


def change(tx: Connection, identity: str, **values: Any) -> None:
    """Change columns of a delivery."""
    tx.execute(update(delivery).where(delivery.c.id == identity).values(**values))


def lost(tx: Connection, kind: str, before: datetime, limit: int = 100) -> list[Delivery]:
    """Deliveries due before a moment that are pending, and not in the queue as work of this kind."""
    c = delivery.c
    queued = select(work.c.id).where(work.c.kind == kind, work.c.subject == c.id).exists()
    query = select(delivery).where(c.status == PENDING, c.due <= before, ~queued).order_by(c.due, c.id).limit(limit)
    return [Delivery(**row._asdict()) for row in tx.execute(query)]


def digests_due(tx: Connection, now: datetime) -> list[str]:
    """The channels of which a digest is due."""
    c = delivery.c
    query = select(c.channel).where(c.status == HELD, c.due <= now).distinct().order_by(c.channel)
    return list(tx.execute(query).scalars())


def held(tx: Connection, channel: str, now: datetime, limit: int) -> list[tuple[Delivery, Any]]:
    """What the due digest of a channel has to say, each with its message, in order; locked."""
    c, m = delivery.c, alert_message.c
    query = select(delivery, m.model, m.state, m.body, m.at).join(alert_message, m.id == c.message)
    query = query.where(c.channel == channel, c.status == HELD, c.due <= now).order_by(c.created, c.id).limit(limit)
    return [(_of(row), row) for row in tx.execute(query.with_for_update(of=delivery))]


def digest(tx: Connection, found: Sequence[Delivery], message: str, now: datetime) -> None:
    """Note that these are in the digest with this id."""
    reason = f"in the digest {message}"
    for each in found:
        change(tx, each.id, status=DIGESTED, reason=reason, ended=now)


def page(tx: Connection, equal: Mapping[str, Any], limit: int, token: str | None) -> Page:
    """A page of the log of deliveries; raises `Invalid` for a token that is none."""
    c, m = delivery.c, alert_message.c
    query = select(delivery, m.model, m.state, m.body).join(alert_message, m.id == c.message)
    query = query.where(*((m if name == "model" else c)[name] == value for name, value in equal.items()))
    if token:
        moment, name = tokens.after(token, "created", is_time=True)
        query = query.where(or_(c.created < moment, (c.created == moment) & (c.id > name)))
    rows = tx.execute(query.order_by(c.created.desc(), c.id).limit(limit + 1)).all()
    items = [(_of(row), {**row.body, "model": row.model, "state": row.state}) for row in rows[:limit]]
    more = len(rows) > limit and bool(items)
    return Page(items, tokens.token("created", items[-1][0].created, items[-1][0].id) if more else None)


def _of(row: Any) -> Delivery:
    names = Delivery.__dataclass_fields__
    return Delivery(**{name: value for name, value in row._asdict().items() if name in names})


def add_quiet(tx: Connection, made: Quiet) -> None:
    """Keep a time of maintenance."""
    tx.execute(insert(quiet).values(**asdict(made)))


def quiets(tx: Connection, now: datetime) -> list[Quiet]:
    """Maintenance that is not over, in order."""
    query = select(quiet).where(quiet.c.until > now).order_by(quiet.c.start, quiet.c.id)
    return [Quiet(**row._asdict()) for row in tx.execute(query)]


def is_quiet(tx: Connection, model: str, now: datetime) -> bool:
    """Whether there is maintenance of the model."""
    c = quiet.c
    own = or_(c.model.is_(None), c.model == model)
    return tx.execute(select(c.id).where(own, c.start <= now, c.until > now).limit(1)).first() is not None


def remove_quiet(tx: Connection, identity: str) -> bool:
    """Forget a time of maintenance; False if there was none."""
    return bool(tx.execute(delete(quiet).where(quiet.c.id == identity)).rowcount)
