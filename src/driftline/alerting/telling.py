"""Who is told of what flipped: one message for a model and a cause, the worst first, once to each channel."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline.alerting import digests, wording
from driftline.alerting.rule import Rule, Severity
from driftline.alerting.wording import Told
from driftline.catalog import alerting, deliveries, work
from driftline.catalog.alerting import ESCALATED, FIRING, OK, State
from driftline.catalog.deliveries import HELD, Delivery, KeptChannel
from driftline.settings import Settings

WORK = "deliver"
"""The kind of work in the queue; its subject is a delivery, its lane the channel and the model."""

_SPACE = uuid.UUID("7a1c6a0e-5a0c-4e58-9f0e-6b8f3a0b8a11")


def tell(tx: Connection, model: str, now: datetime, settings: Settings) -> int:
    """Queue a message for whatever flipped and was not told; says how many deliveries that makes.

    What begins to fire in maintenance, or while it is snoozed, is told when that is over and it still fires. What is
    over is told when nothing of its cause fires any more.
    """
    rules = {each.name: Rule.of(each) for each in alerting.rules(tx, model)}
    groups: dict[tuple[str, tuple[str, ...] | None], list[State]] = {}
    for each in alerting.states(tx, model):
        rule = rules[each.rule]
        cause = each.cause if rule.channels is None else f"{each.cause}: {rule.name}"
        groups.setdefault((cause, rule.channels), []).append(each)
    is_quiet, made = deliveries.is_quiet(tx, model, now), 0
    for (cause, channels), states in groups.items():
        for told in _due(cause, channels, states, rules, now, is_quiet):
            made += _queue(tx, model, told, rules, now, settings)
            for each in told.states:
                alerting.change_state(tx, each.id, told=_AFTER[told.state])
    return made


def enqueue(tx: Connection, found: Delivery, model: str, now: datetime) -> None:
    """Queue a delivery; those of a model to a channel arrive in their order."""
    lane = f"{WORK}:{found.channel}/{model}"[:256]
    work.enqueue(tx, WORK, found.id, now=now, run_after=max(found.due, now), lane=lane)


def forget(tx: Connection, model: str, rule: str) -> None:
    """Nothing of a rule counts as told: the messages that told it are not those that will tell it."""
    for each in alerting.states(tx, model, rule):
        alerting.change_state(tx, each.id, told=OK)


_AFTER = {"firing": FIRING, "resolved": OK, "escalated": ESCALATED}


def _due(
    cause: str, channels: tuple[str, ...] | None, states: Sequence[State], rules: Mapping[str, Rule], now: datetime,
    is_quiet: bool,
) -> Iterable[Told]:  # fmt: skip
    """What is to be told of one group."""
    fires = [each for each in states if each.state == FIRING]
    awake = [] if is_quiet else [each for each in fires if each.snoozed is None or each.snoozed <= now]
    fresh = [each for each in awake if each.told == OK]
    if fresh:
        yield Told("firing", cause, fresh, channels, len(fires) - len(fresh))
    over = [each for each in states if each.state == OK and each.told != OK]
    if over and not fires:
        escalated = {name for each in over if each.told == ESCALATED for name in rules[each.rule].escalate_to}
        heard = channels if channels is None else tuple(dict.fromkeys((*channels, *sorted(escalated))))
        yield Told("resolved", cause, over, heard)
    worse: dict[tuple[str, ...] | None, list[State]] = {}
    for each in awake:
        rule = rules[each.rule]
        if each.told == FIRING and _escalates(rule, each, now):
            worse.setdefault(rule.escalate_to or channels, []).append(each)
    for heard, found in worse.items():
        yield Told("escalated", cause, found, heard, len(fires) - len(found))


def _escalates(rule: Rule, found: State, now: datetime) -> bool:
    """Whether nobody has looked after it for too long, or it has got much worse."""
    hours, beyond = rule.escalate_hours, rule.escalate_beyond
    if beyond is not None and (found.body.get("score") or 0.0) >= beyond:
        return True
    return hours is not None and found.acknowledged is None and now - found.since >= timedelta(hours=hours)


def _queue(tx: Connection, model: str, told: Told, rules: Mapping[str, Rule], now: datetime, settings: Settings) -> int:
    """Keep the message and its deliveries; the same flips make the same message, which is kept once.

    What goes to a channel that takes digests waits for the next one.
    """
    flips = sorted(f"{each.rule}/{each.subject}/{each.number}/{each.since.isoformat()}" for each in told.states)
    identity = str(uuid.uuid5(_SPACE, "\0".join((model, told.cause, told.state, *flips))))
    # who was told that it fires is told that it is over, whatever became of the rule and the channel meanwhile
    open_at = deliveries.heard(tx, model, told.cause) if told.state == "resolved" else set()
    if not deliveries.add_message(tx, identity, model, told.state, wording.body(model, told, rules, settings), now):
        return 0
    severity = wording.severity_of(told, rules)
    known = deliveries.channels(tx)
    hearing = [each for each in known if each.name in open_at or _hears(each, told.channels, severity)]
    for each in hearing:
        due = digests.due(each, now)
        made = Delivery(str(uuid.uuid5(_SPACE, f"{identity}/{each.name}")), identity, each.name, now, due or now)
        deliveries.add(tx, made if due is None else replace(made, status=HELD))
        if due is None:
            enqueue(tx, made, model, now)
    return len(hearing)


def _hears(found: KeptChannel, named: tuple[str, ...] | None, severity: Severity) -> bool:
    """Whether a channel is told: it is named, or all are, and it is bad enough for it."""
    return (named is None or found.name in named) and severity.rank >= Severity(found.body["least"]).rank
