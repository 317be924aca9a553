"""Deliveries: a message is sent to its channel, tried again while that is away, and noted when it was taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline.alerting import digests
from driftline.alerting.targets import channel_at
from driftline.catalog import Catalog, deliveries, work
from driftline.catalog.deliveries import FAILED, PENDING, SENT, Delivery, KeptChannel
from driftline.catalog.work import Work
from driftline.channels.channels import channel_of
from driftline.channels.message import Message
from driftline.errors import CallerError, Unavailable
from driftline.hosts import Reach
from driftline.settings import Settings
from driftline.storage import secrets

GIVEN_UP = timedelta(hours=24)
"""After so long a message is old news."""

_LONGEST_PAUSE_SECONDS = 300.0


def run(catalog: Catalog, held: Work, settings: Settings) -> str:
    """Send what the work's subject is, and end both in one transaction; says in a line how it went.

    Killed after the receiver took it and before that was noted, it is sent again with the same key. A channel that is
    away is tried again, later and later; one that refuses is not.
    """
    with catalog.read() as tx:
        found = deliveries.find(tx, held.subject)
        channel = None if found is None else _channel(tx, found)
        told = None if found is None else deliveries.message(tx, found.message)
    if found is None or found.status != PENDING:
        _end(catalog, held)
        return f"delivery {held.subject} is gone or has ended"
    if channel is None:
        return _end(catalog, held, FAILED, f"there is no channel {found.channel} any more")
    try:
        send(channel, message_of(told), settings)
    except Unavailable as error:
        return _later(catalog, held, str(error))
    except CallerError as error:
        return _end(catalog, held, FAILED, str(error))
    return _end(catalog, held, SENT)


def lost(tx: Connection, held: Work, reason: str, now: datetime) -> None:
    """Its worker ended too often while it sent it: it is tried again later, in its turn, or given up."""
    found = deliveries.find(tx, held.subject, lock=True)
    if found is None or found.status != PENDING:
        work.finish(tx, held)
        return
    attempts = found.attempts + 1
    if now - found.created >= GIVEN_UP:
        if work.finish(tx, held):
            deliveries.change(tx, found.id, status=FAILED, attempts=attempts, reason=reason, ended=now)
        return
    due = now + timedelta(seconds=pause_seconds(attempts))
    if work.give_back(tx, held, run_after=due, counts=False):
        deliveries.change(tx, found.id, attempts=attempts, reason=reason, due=due)


def _channel(tx: Connection, found: Delivery) -> KeptChannel | None:
    return channel_at(found.channel, found.created) or deliveries.find_channel(tx, found.channel)


def send(channel: KeptChannel, message: Message, settings: Settings) -> None:
    """Send a message now; raises `Unavailable` where it may be tried again, `CallerError` where not."""
    reach = Reach(settings.channel_hosts, near=settings.is_local)
    config = channel.body["config"]
    channel_of(channel.kind).send(message, config, lambda each: secrets.read(each, "secret"), reach=reach)


def message_of(row: Any) -> Message:
    """The message of a row of the catalog."""
    told = {**row.body, "lines": tuple(row.body["lines"])}
    return Message(key=row.id, state=row.state, model="" if row.model == digests.ALL else row.model, at=row.at, **told)


def pause_seconds(attempts: int) -> float:
    """How long to wait after so many attempts: twice as long each time, five minutes at most.

    >>> [pause_seconds(each) for each in (1, 2, 20)]
    [2.0, 4.0, 300.0]
    """
    return min(2.0 ** min(attempts, 10), _LONGEST_PAUSE_SECONDS)


def _later(catalog: Catalog, held: Work, reason: str) -> str:
    """Give it back to the queue, or give it up."""
    now = catalog.clock()
    with catalog.begin() as tx:
        found = deliveries.find(tx, held.subject, lock=True)
        if found is None or not work.holds(tx, held):
            return f"delivery {held.subject} belongs to another worker"
        attempts = found.attempts + 1
        if now - found.created >= GIVEN_UP:
            work.finish(tx, held)
            deliveries.change(tx, found.id, status=FAILED, attempts=attempts, reason=reason, ended=now)
            return f"{found.channel}: given up. {reason}"
        due = now + timedelta(seconds=pause_seconds(attempts))
        work.give_back(tx, held, run_after=due, counts=False)
        deliveries.change(tx, found.id, attempts=attempts, reason=reason, due=due)
    return f"{found.channel}: to be tried again at {due:%H:%M:%S} UTC. {reason}"


def _end(catalog: Catalog, held: Work, status: str | None = None, reason: str | None = None) -> str:
    now: datetime = catalog.clock()
    with catalog.begin() as tx:
        if not work.finish(tx, held):
            return f"delivery {held.subject} belongs to another worker"
        found = deliveries.find(tx, held.subject, lock=True)
        if found is not None and status is not None:
            deliveries.change(tx, found.id, status=status, attempts=found.attempts + 1, reason=reason, ended=now)
    return f"{held.subject}: {status}{'' if reason is None else f', {reason}'}"
