"""Rules of alerts, the state of each thing that they watch, and every flip of a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from driftline.catalog import tokens
from driftline.catalog.alerttables import alert_flip, alert_rule, alert_state
from driftline.catalog.looks import SCHEDULES
from driftline.catalog.tables import execution, model_run
from driftline.errors import Conflict, NotFound

OK, FIRING, ESCALATED = "OK", "FIRING", "ESCALATED"


@dataclass(frozen=True)
class KeptRule:
    """A rule as the catalog has it; `cursor` is the end of the last window judged, by monitor."""

    model: str
    name: str
    body: Mapping[str, Any]
    created: datetime
    modified: datetime
    cursor: Mapping[str, str] = field(default_factory=dict)
    looked: datetime | None = None


@dataclass(frozen=True)
class State:
    """What a rule says of one subject; `number` counts its flips, `told` is the state that was told last."""

    model: str
    rule: str
    subject: str
    id: str
    state: str
    told: str
    number: int
    cause: str
    body: Mapping[str, Any]
    since: datetime
    acknowledged_by: str | None = None
    acknowledged: datetime | None = None
    snoozed: datetime | None = None


@dataclass(frozen=True)
class Flip:
    """A state that changed."""

    model: str
    rule: str
    subject: str
    number: int
    state: str
    body: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class Page:
    """States, and the token of the page behind them."""

    items: Sequence[State]
    token: str | None = None


def put_rule(tx: Connection, made: KeptRule) -> None:
    """Keep a rule in the place of the one of its name, whose states stay; it is looked at next."""
    c = alert_rule.c
    changed = {"body": dict(made.body), "cursor": dict(made.cursor), "looked": None, "modified": made.modified}
    own = (c.model == made.model, c.name == made.name)
    if not tx.execute(update(alert_rule).where(*own).values(**changed)).rowcount:
        tx.execute(insert(alert_rule).values(model=made.model, name=made.name, created=made.created, **changed))


def rules(tx: Connection, model: str | None = None, *, lock: bool = False) -> list[KeptRule]:
    """The rules of a model, or of all; locked, nobody else judges by them until the transaction ends.

    `SCHEDULES` in the place of a model: those of schedules.
    """
    c = alert_rule.c
    query = select(alert_rule).order_by(c.model, c.name)
    query = query if model is None else query.where(c.model == model)
    return [KeptRule(**row._asdict()) for row in tx.execute(query.with_for_update() if lock else query)]


def get_rule(tx: Connection, model: str, name: str) -> KeptRule:
    """The rule; raises `NotFound`."""
    found = find_rule(tx, model, name)
    if found is None:
        raise NotFound(what=f"rule of {model}", name=name, remedy="`driftline alerts rules` shows which there are.")
    return found


def find_rule(tx: Connection, model: str, name: str) -> KeptRule | None:
    """The rule, if there is one."""
    c = alert_rule.c
    row = tx.execute(select(alert_rule).where(c.model == model, c.name == name)).first()
    return None if row is None else KeptRule(**row._asdict())


def remove_rule(tx: Connection, model: str, name: str) -> None:
    """Forget a rule, its states and flips."""
    c = alert_rule.c
    tx.execute(delete(alert_rule).where(c.model == model, c.name == name))


def looked(
    tx: Connection, rule: KeptRule, at: datetime | None, cursor: Mapping[str, str], silent: Sequence[str] = ()
) -> None:
    """Note how far a rule has judged, and of what it can say nothing yet; no time: there is more to judge at once."""
    c = alert_rule.c
    own = (c.model == rule.model, c.name == rule.name)
    told = {"asked": rule.body["asked"], "silent": list(silent)}
    tx.execute(update(alert_rule).where(*own).values(looked=at, cursor=dict(cursor), body=told))


def due(tx: Connection, before: datetime, now: datetime) -> list[str]:
    """The models with a rule that was not looked at since `before`, or for which a run has ended since.

    A rule that was looked at after `now` is due, too: the clock has been set back.

    Among them is `SCHEDULES` for executions of schedules.
    """
    c, run, ran = alert_rule.c, model_run.c, execution.c
    ended = select(run.id).where(run.model == c.model, run.ended >= c.looked).exists()
    changed = (c.model == SCHEDULES) & select(ran.id).where(ran.modified >= c.looked).exists()
    query = (
        select(c.model)
        .where(or_(c.looked.is_(None), c.looked <= before, c.looked > now, ended, changed))
        .distinct()
        .order_by(c.model)
    )
    return list(tx.execute(query).scalars())


def states(tx: Connection, model: str | None = None, rule: str | None = None, state: str | None = None) -> list[State]:
    """States of a model and a rule, or of all, those first that changed last; `state` is FIRING or OK."""
    c = alert_state.c
    asked = {"model": model, "rule": rule, "state": state}
    query = select(alert_state).where(*(c[name] == value for name, value in asked.items() if value is not None))
    return [State(**row._asdict()) for row in tx.execute(query.order_by(c.since.desc(), c.model, c.rule, c.subject))]


def page(tx: Connection, model: str | None, state: str | None, limit: int, token: str | None) -> Page:
    """A page of states, those first that changed last; raises `Invalid` for a token that is none."""
    c = alert_state.c
    asked = {"model": model, "state": state}
    query = select(alert_state).where(*(c[name] == value for name, value in asked.items() if value is not None))
    if token:
        moment, identity = tokens.after(token, "since", is_time=True)
        query = query.where(or_(c.since < moment, (c.since == moment) & (c.id > identity)))
    rows = tx.execute(query.order_by(c.since.desc(), c.id).limit(limit + 1)).all()
    items = [State(**row._asdict()) for row in rows[:limit]]
    more = len(rows) > limit and bool(items)
    return Page(items, tokens.token("since", items[-1].since, items[-1].id) if more else None)


def state_beginning(tx: Connection, start: str) -> State:
    """The state whose id begins so; raises `NotFound`, and `Conflict` if there are several."""
    c = alert_state.c
    rows = tx.execute(select(alert_state).where(c.id.startswith(start, autoescape=True)).order_by(c.id).limit(2)).all()
    if not rows:
        raise NotFound(what="alert", name=start, remedy="`driftline alerts list` shows which there are.")
    if len(rows) > 1:
        reason = f"{rows[0].id} and {rows[1].id} both begin so"
        raise Conflict(what="alert", name=start, reason=reason, remedy="Give more of the id.")
    return State(**rows[0]._asdict())


def flip(tx: Connection, before: State, state: str, body: Mapping[str, Any], now: datetime) -> State:
    """The state after it changed, as kept with its flip; whoever acknowledged it did not mean the new one.

    A snooze lasts until its end: what comes and goes wakes nobody. Of a state that is new `number` is 0. The key of
    the flip keeps two from writing it.
    """
    snoozed = before.snoozed if before.snoozed is not None and before.snoozed > now else None
    made = replace(
        before, state=state, number=before.number + 1, body=body, since=now,
        acknowledged=None, acknowledged_by=None, snoozed=snoozed,
    )  # fmt: skip
    flipped = {"number": made.number, "state": state, "body": dict(body), "at": now}
    tx.execute(insert(alert_flip).values(model=made.model, rule=made.rule, subject=made.subject, **flipped))
    values = {**asdict(made), "body": dict(body)}
    if before.number == 0:
        tx.execute(insert(alert_state).values(**values))
    else:
        tx.execute(update(alert_state).where(alert_state.c.id == made.id).values(**values))
    return made


def change_state(tx: Connection, identity: str, **values: Any) -> None:
    """Change columns of a state without a flip."""
    tx.execute(update(alert_state).where(alert_state.c.id == identity).values(**values))


def flips(tx: Connection, found: State, limit: int = 100) -> list[Flip]:
    """The flips of a state, latest first."""
    c = alert_flip.c
    query = select(alert_flip).where(c.model == found.model, c.rule == found.rule, c.subject == found.subject)
    return [Flip(**row._asdict()) for row in tx.execute(query.order_by(c.number.desc()).limit(limit))]
