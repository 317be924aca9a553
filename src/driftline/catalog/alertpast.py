"""What became of alerts: the flips of all rules by time, and what was sent of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from driftline.catalog import tokens
from driftline.catalog.alerting import Flip, State
from driftline.catalog.alerttables import alert_flip, alert_message, alert_rule, alert_state, delivery
from driftline.catalog.deliveries import Delivery


@dataclass(frozen=True)
class Search:
    """Which flips are asked for: those in [since, until), the latest first."""

    model: str | None = None
    rule: str | None = None
    state: str | None = None
    severity: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    token: str | None = None


@dataclass(frozen=True)
class Past:
    """A flip, and the alert that it was of; `severity` and `owner` are those that the rule has now."""

    id: str
    cause: str
    severity: str
    owner: str
    flip: Flip


@dataclass(frozen=True)
class Page:
    """Flips, the latest first, and the token of the page behind them."""

    items: Sequence[Past]
    token: str | None = None


def history(tx: Connection, asked: Search) -> Page:
    """A page of what flipped; raises `Invalid` for a token that is none."""
    f, s, r = alert_flip.c, alert_state.c, alert_rule.c
    own = and_(s.model == f.model, s.rule == f.rule, s.subject == f.subject)
    query = select(alert_flip, s.id, s.cause, r.body["asked"].label("asked")).join(alert_state, own)
    query = query.join(alert_rule, and_(r.model == f.model, r.name == f.rule)).where(*_wanted(asked))
    if asked.token:
        query = query.where(_behind(asked.token))
    rows = tx.execute(query.order_by(f.at.desc(), s.id, f.number.desc()).limit(asked.limit + 1)).all()
    found = [_past(row) for row in rows[: asked.limit]]
    if len(rows) <= asked.limit:
        return Page(found)
    last = found[-1]
    return Page(found, tokens.token("at", last.flip.at, f"{last.id}:{last.flip.number}"))


def sent(tx: Connection, found: State, limit: int = 20) -> list[tuple[Delivery, Any]]:
    """The last deliveries of what was told of an alert, or of others of its model and cause; each with its message."""
    c, m = delivery.c, alert_message.c
    causes = (found.cause, f"{found.cause}: {found.rule}")
    query = select(delivery, m.model, m.state, m.body).join(alert_message, m.id == c.message)
    query = query.where(m.model == found.model, m.body["cause"].as_string().in_(causes))
    names = Delivery.__dataclass_fields__
    return [
        (Delivery(**{name: row._mapping[name] for name in names}), _message(row))
        for row in tx.execute(query.order_by(c.created.desc(), c.id).limit(limit))
    ]


def _wanted(asked: Search) -> list[Any]:
    f = alert_flip.c
    found = [f[name] == value for name in ("model", "rule", "state") if (value := getattr(asked, name)) is not None]
    if asked.severity is not None:
        found.append(alert_rule.c.body["asked"]["severity"].as_string() == asked.severity)
    found += [] if asked.since is None else [f.at >= asked.since]
    return found + ([] if asked.until is None else [f.at < asked.until])


def _behind(token: str) -> Any:
    """The condition of what comes behind a page."""
    f, s = alert_flip.c, alert_state.c
    moment, name = tokens.after(token, "at", is_time=True)
    identity, _, number = name.partition(":")
    before = int(number) if number.isdecimal() else 0
    return or_(f.at < moment, and_(f.at == moment, or_(s.id > identity, and_(s.id == identity, f.number < before))))


def _past(row: Any) -> Past:
    flip = Flip(**{name: row._mapping[name] for name in Flip.__dataclass_fields__})
    return Past(row.id, row.cause, row.asked["severity"], row.asked["owner"], flip)


def _message(row: Any) -> dict[str, Any]:
    return {**row.body, "model": row.model, "state": row.state}
