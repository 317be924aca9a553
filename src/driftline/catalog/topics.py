"""Topics, who subscribed to them, and what is on its way to each subscription."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from driftline.catalog.alerttables import notice, subscription, topic

PENDING, SENT, FAILED = "PENDING", "SENT", "FAILED"


@dataclass(frozen=True)
class Topic:
    """What is published to; `attributes` are SNS's, such as DisplayName."""

    arn: str
    attributes: Mapping[str, str]
    created: datetime


@dataclass(frozen=True)
class Subscription:
    """Who is told, by e-mail, http, https or sqs; `token` is what its owner confirms it with."""

    arn: str
    topic: str
    protocol: str
    endpoint: str
    token: str = field(repr=False)
    confirmed: bool
    attributes: Mapping[str, str]
    created: datetime


@dataclass(frozen=True)
class Notice:
    """One message on its way to one subscription; `body` is what is sent, before the protocol shapes it."""

    id: str
    subscription: str
    status: str
    attempts: int
    body: Mapping[str, Any]
    created: datetime
    reason: str | None = None
    ended: datetime | None = None


def add(tx: Connection, arn: str, attributes: Mapping[str, str], *, now: datetime) -> bool:
    """Keep a new topic; False if it is there."""
    try:
        with tx.begin_nested():
            tx.execute(insert(topic).values(arn=arn, body=dict(attributes), created=now))
    except IntegrityError:
        return False
    return True


def find(tx: Connection, arn: str) -> Topic | None:
    """The topic of this ARN."""
    row = tx.execute(select(topic).where(topic.c.arn == arn)).first()
    return None if row is None else Topic(row.arn, row.body, row.created)


def change(tx: Connection, arn: str, attributes: Mapping[str, str]) -> None:
    """Other attributes of a topic."""
    tx.execute(sql_update(topic).where(topic.c.arn == arn).values(body=dict(attributes)))


def listed(tx: Connection, *, after: str = "", limit: int = 101) -> list[Topic]:
    """Topics in the order of their ARNs, behind `after`."""
    query = select(topic).where(topic.c.arn > after).order_by(topic.c.arn).limit(limit)
    return [Topic(row.arn, row.body, row.created) for row in tx.execute(query)]


def remove(tx: Connection, arn: str) -> None:
    """Forget a topic, its subscriptions and what is on its way to them."""
    tx.execute(sql_delete(topic).where(topic.c.arn == arn))


def subscribe(
    tx: Connection, to: str, protocol: str, endpoint: str, attributes: Mapping[str, str], *, now: datetime
) -> tuple[Subscription, bool]:
    """The subscription of this endpoint, and whether it is new; one to a queue is confirmed at once."""
    digest = hashlib.sha256(endpoint.encode()).hexdigest()
    same = (subscription.c.topic == to, subscription.c.protocol == protocol, subscription.c.digest == digest)
    values: dict[str, Any] = {"arn": f"{to}:{uuid4()}", "topic": to, "protocol": protocol, "endpoint": endpoint}
    values |= {"digest": digest, "token": token_hex(32), "body": dict(attributes), "created": now}
    made = False
    if tx.execute(select(subscription.c.arn).where(*same)).first() is None:
        try:
            with tx.begin_nested():
                tx.execute(insert(subscription).values(**values, confirmed=int(protocol == "sqs")))
            made = True
        except IntegrityError:
            made = False  # somebody else has just made it
    return _subscription(tx.execute(select(subscription).where(*same)).one()), made


def subscription_of(tx: Connection, arn: str) -> Subscription | None:
    """The subscription of this ARN."""
    row = tx.execute(select(subscription).where(subscription.c.arn == arn)).first()
    return None if row is None else _subscription(row)


def subscriptions(
    tx: Connection, to: str | None = None, *, after: str = "", limit: int | None = None
) -> list[Subscription]:
    """Subscriptions in the order of their ARNs, behind `after`; of one topic if it is given."""
    query = select(subscription).where(subscription.c.arn > after).order_by(subscription.c.arn)
    if to is not None:
        query = query.where(subscription.c.topic == to)
    if limit is not None:
        query = query.limit(limit)
    return [_subscription(row) for row in tx.execute(query)]


def confirm(tx: Connection, to: str, token: str) -> Subscription | None:
    """The subscription of this token, confirmed from now on; None if the topic has none such."""
    same = (subscription.c.topic == to, subscription.c.token == token)
    if not tx.execute(sql_update(subscription).where(*same).values(confirmed=1)).rowcount:
        return None
    return _subscription(tx.execute(select(subscription).where(*same)).one())


def configure(tx: Connection, arn: str, attributes: Mapping[str, str]) -> None:
    """Other attributes of a subscription."""
    tx.execute(sql_update(subscription).where(subscription.c.arn == arn).values(body=dict(attributes)))


def unsubscribe(tx: Connection, arn: str) -> bool:
    """Forget a subscription and what is on its way to it; False if there is none."""
    return bool(tx.execute(sql_delete(subscription).where(subscription.c.arn == arn)).rowcount)


def send(tx: Connection, to: str, body: Mapping[str, Any], *, now: datetime) -> str:
    """Keep a message to a subscription; says the id of its notice."""
    made = str(uuid4())
    values = {"id": made, "subscription": to, "status": PENDING, "attempts": 0, "body": body, "created": now}
    tx.execute(insert(notice).values(**values))
    return made


def notice_of(tx: Connection, id: str) -> Notice | None:
    """The notice of this id."""
    row = tx.execute(select(notice).where(notice.c.id == id)).first()
    return None if row is None else _notice(row)


def notices(tx: Connection, to: str) -> list[Notice]:
    """What was sent to a subscription, or will be, in the order in which it came up."""
    query = select(notice).where(notice.c.subscription == to).order_by(notice.c.created, notice.c.id)
    return [_notice(row) for row in tx.execute(query)]


def end(tx: Connection, id: str, status: str, *, attempts: int, reason: str | None, now: datetime) -> None:
    """Note how far a notice is; one that is pending is tried again."""
    values = {"status": status, "attempts": attempts, "reason": reason, "ended": None if status == PENDING else now}
    tx.execute(sql_update(notice).where(notice.c.id == id).values(**values))


def expire(tx: Connection, before: datetime) -> None:
    """Forget what was published before this."""
    tx.execute(sql_delete(notice).where(notice.c.created < before))


def _subscription(row: Any) -> Subscription:
    named = ("arn", "topic", "protocol", "endpoint", "token")
    found = {name: getattr(row, name) for name in named}
    return Subscription(**found, confirmed=bool(row.confirmed), attributes=row.body, created=row.created)


def _notice(row: Any) -> Notice:
    named = ("id", "subscription", "status", "attempts", "body", "created", "reason", "ended")
    return Notice(**{name: getattr(row, name) for name in named})
