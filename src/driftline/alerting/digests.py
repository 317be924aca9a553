"""Digests: what a channel is told once an hour or a day instead of one by one, in one bounded message, worst first."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from driftline.alerting import wording
from driftline.alerting.rule import Severity
from driftline.catalog import Catalog, deliveries, work
from driftline.catalog.deliveries import Delivery, KeptChannel
from driftline.errors import Invalid
from driftline.settings import Settings

LINES = 20
"""So many causes are named in a digest, those that still fire first and the worst of them."""
MORNING = 7
"""A daily digest goes out at this hour of the day, in UTC."""
ALL = "*"
"""In the place of a model: a message is about several."""
SINGLY = ("pagerduty", "opsgenie", "cloudwatch")
"""Kinds of channel that open and close an incident for each cause, so that a digest says nothing to them."""

_MOST = 5000
_SPACE = uuid.UUID("0b2f4f0a-6f0f-4c39-9f0d-3f6c2b7de501")


class Every(StrEnum):
    """How often a digest is sent."""

    HOUR = "hour"
    DAY = "day"


def check(kind: str, every: str | None) -> None:
    """Raises `Invalid` for a kind of channel that cannot take digests, and for a time that is none."""
    if every is None:
        return
    if every not in list(Every):
        raise Invalid(what="digest", got=every, expected=f"one of {', '.join(Every)}")
    if kind in SINGLY:
        remedy = "It opens and closes an incident for each cause."
        raise Invalid(what="digest", got=kind, expected="a kind of channel that people read", remedy=remedy)


def due(found: KeptChannel, now: datetime) -> datetime | None:
    """When a channel's next digest goes out; None for one that is told at once.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    >>> due(KeptChannel("ops", "email", {"digest": "day"}, noon, noon), noon).isoformat()
    '2026-01-02T07:00:00+00:00'
    """
    every = found.body.get("digest")
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if every == Every.HOUR:
        return hour
    if every == Every.DAY:
        return hour + timedelta(hours=(MORNING - hour.hour) % 24)
    return None


def send_due(catalog: Catalog, now: datetime, settings: Settings) -> int:
    """Queue the digests that are due, each once; says how many."""
    with catalog.read() as tx:
        names = deliveries.digests_due(tx, now)
    made = 0
    for name in names:
        with catalog.begin() as tx:
            made += _queue(tx, name, now, settings)
    return made


def _queue(tx: Connection, channel: str, now: datetime, settings: Settings) -> int:
    found = deliveries.held(tx, channel, now, _MOST)
    if not found:
        return 0
    items = [each for each, _ in found]
    identity = str(uuid.uuid5(_SPACE, "\0".join(each.id for each in items)))
    deliveries.digest(tx, items, identity, now)
    deliveries.add_message(tx, identity, ALL, "digest", body([row for _, row in found], settings), now)
    made = Delivery(str(uuid.uuid5(_SPACE, identity)), identity, channel, now, now)
    deliveries.add(tx, made)
    work.enqueue(tx, "deliver", made.id, now=now, lane=f"deliver:{channel}/"[:256])
    return 1


def body(rows: Sequence[Any], settings: Settings) -> dict[str, Any]:
    """What the digest of these messages, in their order, says: of each cause what became of it last."""
    last = {(each.model, each.body["cause"]): each for each in rows}
    fires = [each for each in last.values() if each.state != "resolved"]
    order = [*_ranked(fires), *_ranked(each for each in last.values() if each.state == "resolved")]
    worst = max((_rank(each) for each in fires), default=0)
    counted = f"{len(fires)} of {len(last)} alerts still fire, {len(last) - len(fires)} are over"
    lines = [_line(each) for each in order[:LINES]]
    lines += [f"and {len(order) - LINES} more"] if len(order) > LINES else []
    text = [f"{counted}, since {rows[0].at:%Y-%m-%d %H:%M} UTC."]
    text += [wording.ADVICE] if len(fires) > wording.LINES else []
    return {
        "severity": str(list(Severity)[worst]),
        "title": f"{counted}: {order[0].body['title']}" if fires else f"All {len(last)} alerts are over",
        "text": "\n".join(text),
        "cause": "digest",
        "link": f"{wording.root(settings)}/console/",
        "lines": lines,
        "monitor": "",
        "endpoint": "",
        "report": "",
    }


def _ranked(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda each: (-_rank(each), each.at, each.body["title"]))


def _rank(row: Any) -> int:
    return Severity(row.body["severity"]).rank


def _line(row: Any) -> str:
    word = "over" if row.state == "resolved" else row.body["severity"]
    return f"[{word.upper()}] {row.body['title']} ({row.at:%Y-%m-%d %H:%M} UTC)"
