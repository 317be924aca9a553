"""Publications: a message becomes a notice to every subscription that was confirmed, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from driftline.catalog import topics, work
from driftline.catalog.topics import Subscription

WORK = "notice"
"""The kind of work that delivers a notice; its subject is the notice's id."""


@dataclass(frozen=True)
class Publication:
    """What is published: `by_protocol` has texts for some protocols, in place of the message."""

    message: str
    subject: str | None = None
    by_protocol: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def publish(tx: Connection, to: str, told: Publication, *, now: datetime) -> str:
    """Queue the message for everybody who confirmed a subscription to this topic; says its id."""
    made = str(uuid4())
    for each in topics.subscriptions(tx, to):
        if each.confirmed:
            body = {
                "Type": "Notification",
                "MessageId": made,
                "TopicArn": to,
                "Subject": told.subject,
                "Message": told.by_protocol.get(each.protocol, told.message),
                "Timestamp": _stamp(now),
                "MessageAttributes": dict(told.attributes) or None,
            }
            _queue(tx, each, body, now)
    return made


def ask(tx: Connection, asked: Subscription, link: str, *, now: datetime) -> None:
    """Queue a question to a new subscription: whether it wants to be told. `link` confirms it."""
    body = {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(uuid4()),
        "Token": asked.token,
        "TopicArn": asked.topic,
        "Message": f"You have chosen to subscribe to the topic {asked.topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": link,
        "Timestamp": _stamp(now),
    }
    _queue(tx, asked, body, now)


def _queue(tx: Connection, to: Subscription, body: Mapping[str, Any], now: datetime) -> None:
    """In the lane of the subscription: what is over is not told before it has begun."""
    kept = {name: value for name, value in body.items() if value is not None}
    lane = f"{WORK}:{to.arn.rpartition(':')[2]}"
    work.enqueue(tx, WORK, topics.send(tx, to.arn, kept, now=now), now=now, lane=lane)


def _stamp(now: datetime) -> str:
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
