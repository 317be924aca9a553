"""Rules, alerts, channels and maintenance as users handle them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline import registry, schedules
from driftline.alerting import delivering, digests, states, telling
from driftline.alerting.rule import SCHEDULES, Rule, Severity
from driftline.catalog import alerting, deliveries, modelmonitors, resources
from driftline.catalog.alerting import KeptRule, State
from driftline.catalog.deliveries import KeptChannel, Quiet
from driftline.channels import channels
from driftline.channels.message import Message
from driftline.errors import Invalid, NotFound
from driftline.settings import Settings


def put(tx: Connection, made: Rule, *, now: datetime, settings: Settings) -> Rule:
    """Keep a rule in the place of the one of its name; what it fires for is judged anew if it watches other things.

    Where it begins, or ceases, to name its channels, it has messages of its own from now on: then who was told by the
    old one is told that it is over. Raises `NotFound` for a model, monitor or channel that is not there.
    """
    check(tx, made)
    for each in (*(made.channels or ()), *made.escalate_to):
        deliveries.get_channel(tx, each)
    locked = alerting.rules(tx, made.model, lock=True)  # nobody judges by it meanwhile
    kept = next((each for each in locked if each.name == made.name), None)
    cursor: Mapping[str, str] = {}
    if kept is not None:
        before = Rule.of(kept)
        moves = (before.channels is None) != (made.channels is None)
        same = before.watches == made.watches and not moves
        cursor = kept.cursor if same else {}
        if not same:
            states.close(tx, made.model, made.name, now, "the rule was changed")
        if moves:
            telling.tell(tx, made.model, now, settings)
            telling.forget(tx, made.model, made.name)
    created = now if kept is None else kept.created
    alerting.put_rule(tx, KeptRule(made.model, made.name, {"asked": made.asked()}, created, now, cursor))
    return replace(made, created=created, modified=now)


def check(tx: Connection, made: Rule) -> None:
    """Raises `NotFound` for a model, monitor, schedule or endpoint that is not there."""
    if made.model == SCHEDULES:
        for kind, name in ((schedules.KIND, made.schedule), ("endpoint", made.endpoint)):
            if name is not None:
                resources.get(tx, kind, name)
        return
    registry.get_model(tx, made.model)
    for each in (made.monitor, getattr(made.condition, "to", None)):
        if each is not None:
            modelmonitors.get(tx, made.model, each)


def get(tx: Connection, model: str, name: str) -> Rule:
    """The rule; raises `NotFound`."""
    return Rule.of(alerting.get_rule(tx, model, name))


def of_model(tx: Connection, model: str) -> list[Rule]:
    """The rules of a model, or of schedules, by name; raises `NotFound`."""
    if model != SCHEDULES:
        registry.get_model(tx, model)
    return [Rule.of(each) for each in alerting.rules(tx, model)]


def every(tx: Connection, model: str | None = None) -> list[Rule]:
    """The rules of all models, or of one, by model and name."""
    return [Rule.of(each) for each in alerting.rules(tx, model)]


def delete(tx: Connection, model: str, name: str, *, now: datetime, settings: Settings) -> None:
    """Forget a rule; who was told that it fires is told that it is over. Raises `NotFound`."""
    alerting.rules(tx, model, lock=True)  # nobody judges by it meanwhile
    alerting.get_rule(tx, model, name)
    states.close(tx, model, name, now, "the rule was deleted")
    telling.tell(tx, model, now, settings)
    alerting.remove_rule(tx, model, name)


def end(tx: Connection, model: str, *, now: datetime, settings: Settings) -> None:
    """The model is being deleted, and its rules with it: who was told that something fires is told that it is over."""
    for each in alerting.rules(tx, model, lock=True):
        states.close(tx, model, each.name, now, "the model was deleted")
    telling.tell(tx, model, now, settings)


def acknowledge(tx: Connection, start: str, by: str, *, now: datetime) -> State:
    """Note that somebody looks after an alert: it is not escalated. Ends with its next flip."""
    found = alerting.state_beginning(tx, start)
    alerting.change_state(tx, found.id, acknowledged=now, acknowledged_by=by[:256])
    return alerting.state_beginning(tx, found.id)


def snooze(tx: Connection, start: str, until: datetime | None, *, now: datetime) -> State:
    """Tell nobody of an alert until a moment, or, without one, from now on again."""
    if until is not None and until <= now:
        raise Invalid(what="until", got=until.isoformat(), expected="a time in the future")
    found = alerting.state_beginning(tx, start)
    alerting.change_state(tx, found.id, snoozed=until)
    return alerting.state_beginning(tx, found.id)


def silent(tx: Connection, rule: Rule) -> list[str]:
    """Of which monitors, or schedules, a rule could say nothing when it looked last, and why."""
    return list(alerting.get_rule(tx, rule.model, rule.name).body.get("silent", ()))


def put_channel(
    tx: Connection, name: str, kind: str, config: Mapping[str, Any], least: Severity = Severity.NOTE, *, now: datetime,
    digest: str | None = None,
) -> KeptChannel:  # fmt: skip
    """Keep a channel in the place of the one of its name; `least` is how bad must be what it is told.

    With a `digest` it is told once every hour or day what has been; what waits for another digest is told now. Raises
    `Invalid`, which names the member, for a configuration that cannot be.
    """
    channels.check(kind, config)
    digests.check(kind, digest)
    before = deliveries.find_channel(tx, name)
    if before is not None and before.body.get("digest") != digest:
        deliveries.hasten(tx, name, now)
    body = {"config": dict(config), "least": str(least), **({"digest": digest} if digest else {})}
    deliveries.put_channel(tx, KeptChannel(name, kind, body, now, now))
    return deliveries.get_channel(tx, name)


def delete_channel(tx: Connection, name: str) -> None:
    """Forget a channel; raises `NotFound`. Rules that name it go on, and tell the others."""
    deliveries.get_channel(tx, name)
    deliveries.remove_channel(tx, name)


def try_channel(found: KeptChannel, settings: Settings, *, now: datetime) -> None:
    """Send a test message now; raises what the channel raises."""
    text = f"If you read this, the channel {found.name} works."
    told = Message(str(uuid.uuid4()), "test", "info", "Driftline test", text, "", "test", settings.public_url, now)
    delivering.send(found, told, settings)


def add_quiet(
    tx: Connection, model: str | None, start: datetime, until: datetime, note: str, *, now: datetime
) -> Quiet:
    """Tell nobody of what begins to fire in [start, until), of a model or of all; raises `Invalid`, `NotFound`."""
    if not start < until or until <= now:
        raise Invalid(what="until", got=until.isoformat(), expected="a time in the future, after the start")
    if model is not None:
        registry.get_model(tx, model)
    made = Quiet(str(uuid.uuid4()), model, note, start, until, now)
    deliveries.add_quiet(tx, made)
    return made


def end_quiet(tx: Connection, identity: str) -> None:
    """Forget a time of maintenance; raises `NotFound`."""
    if not deliveries.remove_quiet(tx, identity):
        raise NotFound(what="maintenance", name=identity, remedy="`driftline alerts quiets` shows what there is.")


def known_rules(tx: Connection, found: Sequence[State]) -> dict[tuple[str, str], Rule]:
    """The rules of states, by model and name."""
    models = sorted({each.model for each in found})
    kept = [each for model in models for each in alerting.rules(tx, model)]
    return {(each.model, each.name): Rule.of(each) for each in kept}
