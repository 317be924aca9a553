"""Who is told of what flipped: one message for a model and a cause, the worst first, once to each channel."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline.alerting.rule import Rule, Severity
from driftline.catalog import alerting, deliveries, work
from driftline.catalog.alerting import ESCALATED, FIRING, OK, State
from driftline.catalog.deliveries import Delivery, KeptChannel
from driftline.settings import Settings

WORK = "deliver"
"""The kind of work in the queue; its subject is a delivery, its lane the channel and the model."""

LINES = 10
"""So many things are named in a message, the worst first; of the rest it is said how many there are."""

_SPACE = uuid.UUID("7a1c6a0e-5a0c-4e58-9f0e-6b8f3a0b8a11")


@dataclass(frozen=True)
class Told:
    """A message to be: of these states, what has become of them, and which channels hear of it (None: all)."""

    state: str
    cause: str
    states: Sequence[State]
    channels: tuple[str, ...] | None
    still: int = 0


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
    for each in awake:
        rule = rules[each.rule]
        waits = each.told == FIRING and each.acknowledged is None and rule.escalate_hours is not None
        if waits and now - each.since >= timedelta(hours=rule.escalate_hours or 0):
            yield Told("escalated", cause, [each], rule.escalate_to, len(fires) - 1)


def _queue(tx: Connection, model: str, told: Told, rules: Mapping[str, Rule], now: datetime, settings: Settings) -> int:
    """Keep the message and its deliveries; the same flips make the same message, which is kept once."""
    flips = sorted(f"{each.rule}/{each.subject}/{each.number}/{each.since.isoformat()}" for each in told.states)
    identity = str(uuid.uuid5(_SPACE, "\0".join((model, told.cause, told.state, *flips))))
    severity = max((rules[each.rule].severity for each in told.states), key=lambda each: each.rank)
    body = _body(model, told, rules, severity, settings)
    if not deliveries.add_message(tx, identity, model, told.state, body, now):
        return 0
    hearing = [each for each in deliveries.channels(tx) if _hears(each, told.channels, severity)]
    for each in hearing:
        made = Delivery(str(uuid.uuid5(_SPACE, f"{identity}/{each.name}")), identity, each.name, now, now)
        deliveries.add(tx, made)
        enqueue(tx, made, model, now)
    return len(hearing)


def _hears(found: KeptChannel, named: tuple[str, ...] | None, severity: Severity) -> bool:
    """Whether a channel is told: it is named, or all are, and it is bad enough for it."""
    return (named is None or found.name in named) and severity.rank >= Severity(found.body["least"]).rank


def _body(model: str, told: Told, rules: Mapping[str, Rule], severity: Severity, settings: Settings) -> dict[str, Any]:
    """What the message says."""
    order = sorted(told.states, key=lambda each: (-rules[each.rule].severity.rank, -(each.body.get("score") or 0.0)))
    worst = order[0]
    lines = [f"{each.body['about']}: {each.body['said']}{_since(each)}" for each in order[:LINES]]
    lines += [f"and {len(order) - LINES} more"] if len(order) > LINES else []
    lines += [f"{told.still} of the same cause fired before and still do"] if told.still else []
    used = [rules[name] for name in dict.fromkeys(each.rule for each in order)]
    more = f" and {len(order) - 1} more" if len(order) > 1 else ""
    said = "is back to normal" if told.state == "resolved" else worst.body["said"]
    text = [each.text for each in used if each.text]
    text += (
        [f"Owner: {', '.join(dict.fromkeys(each.owner for each in used if each.owner))}"]
        if any(each.owner for each in used)
        else []
    )
    if len(order) > LINES and told.state != "resolved":
        text.append("Much has moved at once: look at what the data come from first, then consider retraining.")
    run = worst.body.get("run")
    return {
        "severity": str(severity),
        "title": f"{model}: {worst.body['about']} {said}{more}",
        "text": "\n".join(text),
        "cause": told.cause,
        "link": f"{root(settings)}/console/{f'runs/{run}' if run else f'models/{model}'}",
        "lines": lines,
        "monitor": worst.cause if run else "",
    }


def _since(found: State) -> str:
    end = found.body.get("window_end")
    return f" (window until {datetime.fromisoformat(end):%Y-%m-%d %H:%M} UTC)" if end else ""


def root(settings: Settings) -> str:
    """Where people reach the server."""
    return settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
