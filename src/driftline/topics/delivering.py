"""Notices are sent to their subscriptions: by e-mail, to a web address, into a queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import Catalog, deliveries, topics, work
from driftline.catalog.deliveries import KeptChannel
from driftline.catalog.topics import FAILED, PENDING, SENT, Notice, Subscription
from driftline.catalog.work import Work
from driftline.channels.channel import ChannelUnavailable
from driftline.channels.channels import CHANNELS
from driftline.channels.members import SECONDS, Given
from driftline.channels.message import Message
from driftline.channels.posting import Post, target_of
from driftline.errors import CallerError, Unavailable
from driftline.hosts import Reach
from driftline.settings import Settings
from driftline.storage import queues, secrets
from driftline.storage.access import Access

GIVEN_UP = timedelta(hours=24)
"""After so long a message is old news."""
EMAIL = "email"
"""The kind of channel through which topics write letters."""

_LONGEST_PAUSE_SECONDS = 300.0
_MEMBERS = (SECONDS,)


def run(catalog: Catalog, held: Work, settings: Settings, access: Access, _log: Callable[[str], None]) -> str:
    """Send the notice that is the work's subject, and end both in one transaction; says in a line how it went.

    Killed between the sending and the noting it is sent again, with the same MessageId. A receiver that is away is
    tried again, later and later, for a day; one that refuses is not.
    """
    with catalog.read() as tx:
        told = topics.notice_of(tx, held.subject)
        to = None if told is None else topics.subscription_of(tx, told.subscription)
        post = None if told is None else _post_office(tx)
    if told is None or to is None or told.status != PENDING:
        with catalog.begin() as tx:
            work.finish(tx, held)
        return f"notice {held.subject} is gone or was sent"
    try:
        _send(told, to, post, settings, access)
    except Unavailable as error:
        return _later(catalog, held, told, str(error))
    except CallerError as error:
        return _end(catalog, held, told, FAILED, str(error))
    return _end(catalog, held, told, SENT, None)


def lost(tx: Connection, held: Work, reason: str, now: datetime) -> None:
    """Its worker ended too often while it sent it: it is tried again later, or given up."""
    told = topics.notice_of(tx, held.subject)
    if told is None or told.status != PENDING:
        work.finish(tx, held)
        return
    attempts, is_old = told.attempts + 1, now - told.created >= GIVEN_UP
    after = now + timedelta(seconds=pause_seconds(attempts))
    if work.finish(tx, held) if is_old else work.give_back(tx, held, run_after=after, counts=False):
        topics.end(tx, told.id, FAILED if is_old else PENDING, attempts=attempts, reason=reason, now=now)


def _post_office(tx: Connection) -> KeptChannel | None:
    """The channel of the installation that writes letters: the first of its kind, by name."""
    return next((each for each in deliveries.channels(tx) if each.kind == EMAIL), None)


def _send(told: Notice, to: Subscription, post: KeptChannel | None, settings: Settings, access: Access) -> None:
    if to.protocol == "sqs":
        _enqueue(told, to, settings, access)
    elif to.protocol.startswith("email"):
        _write(told, to, post, settings)
    else:
        _post(settings).send(to.endpoint, _text(told, to).encode(), _headers(told, to))


def _post(settings: Settings) -> Post:
    return Post("subscription", Given(_MEMBERS, {}, _secret), _reach(settings))


def _reach(settings: Settings) -> Reach:
    return Reach(settings.channel_hosts, near=settings.is_local)


def _enqueue(told: Notice, to: Subscription, settings: Settings, access: Access) -> None:
    """Into a queue: Amazon's, or one on a host that may be told."""
    url = queues.url_of(to.endpoint)
    if queues.arn_of(url) == url:
        _post(settings).addresses(target_of(url))
    queues.send(url, access, _text(told, to))


def _text(told: Notice, to: Subscription) -> str:
    """What machines receive: the message with all about it, or the message alone where that was asked for."""
    if told.body["Type"] == "Notification" and to.attributes.get("RawMessageDelivery") == "true":
        return str(told.body["Message"])
    return json.dumps(told.body)


def _headers(told: Notice, to: Subscription) -> dict[str, str]:
    return {
        "content-type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": told.body["Type"],
        "x-amz-sns-message-id": told.body["MessageId"],
        "x-amz-sns-topic-arn": to.topic,
        "x-amz-sns-subscription-arn": to.arn,
    }


def _write(told: Notice, to: Subscription, post: KeptChannel | None, settings: Settings) -> None:
    """A letter through the channel of the installation, to the address that subscribed."""
    if post is None:
        raise ChannelUnavailable(channel="e-mail", reason=f"there is no channel of the kind {EMAIL} to write through")
    config = {**post.body["config"], "to": [to.endpoint]}
    letter = _letter(told.body, told, to)
    CHANNELS[EMAIL].send(letter, config, _secret, reach=_reach(settings))


def _letter(body: Mapping[str, Any], told: Notice, to: Subscription) -> Message:
    name = to.topic.rpartition(":")[2]
    asks = body["Type"] != "Notification"
    title = f"Confirm your subscription to {name}" if asks else body.get("Subject") or f"Notification of {name}"
    return Message(
        key=told.id,
        state="firing",
        severity="",
        title=title,
        text=body["Message"],
        model="",
        cause=to.topic,
        link=body.get("SubscribeURL", ""),
        at=told.created,
    )


def _secret(reference: str) -> str:
    return secrets.read(reference, "secret")


def _later(catalog: Catalog, held: Work, told: Notice, reason: str) -> str:
    """Give it back to the queue, or give it up."""
    now = catalog.clock()
    if now - told.created >= GIVEN_UP:
        return _end(catalog, held, told, FAILED, reason)
    due = now + timedelta(seconds=pause_seconds(told.attempts + 1))
    with catalog.begin() as tx:
        if work.give_back(tx, held, run_after=due, counts=False):
            topics.end(tx, told.id, PENDING, attempts=told.attempts + 1, reason=reason, now=now)
    return f"{told.id}: to be tried again at {due:%H:%M:%S} UTC. {reason}"


def pause_seconds(attempts: int) -> float:
    """How long to wait after so many attempts: twice as long each time, five minutes at most.

    >>> [pause_seconds(each) for each in (1, 2, 20)]
    [2.0, 4.0, 300.0]
    """
    return min(2.0 ** min(attempts, 10), _LONGEST_PAUSE_SECONDS)


def _end(catalog: Catalog, held: Work, told: Notice, status: str, reason: str | None) -> str:
    now: datetime = catalog.clock()
    with catalog.begin() as tx:
        if not work.finish(tx, held):
            return f"notice {told.id} belongs to another worker"
        topics.end(tx, told.id, status, attempts=told.attempts + 1, reason=reason, now=now)
    return f"notice {told.id}: {status}{'' if reason is None else f', {reason}'}"
