"""Alerts: rules and their trials, what fires, who is told, and maintenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from driftline.alerting import digests, register, trying
from driftline.alerting.rule import Rule
from driftline.alerting.trying import Trial
from driftline.alerting.watching import schedule_of
from driftline.catalog import alerting, deliveries
from driftline.catalog.alerting import ESCALATED, FIRING, State
from driftline.catalog.deliveries import Delivery, KeptChannel, Quiet
from driftline.catalog.keys import EVERYWHERE
from driftline.server.aws.waking import wake
from driftline.server.rest.alerted import (
    Alert,
    AlertDetail,
    AlertFlip,
    AlertId,
    ChannelName,
    ChannelValue,
    ChannelWanted,
    DeliveriesWanted,
    DeliveryValue,
    InState,
    OfModel,
    QuietId,
    QuietValue,
    QuietWanted,
    RuleDetail,
    RuleName,
    RuleValue,
    RuleWanted,
    SnoozeWanted,
    Tested,
    TrialResult,
    TrialWanted,
    WouldFlip,
)
from driftline.server.rest.answers import Page
from driftline.server.rest.callers import Administering, Reading, Writing
from driftline.server.rest.registered import ModelId

router = APIRouter(tags=["alerts"])

MOST_ALERTS = 500
Alerts = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Token = Annotated[str | None, Query(max_length=2048, description="The token of the page before.")]


@router.get("/models/{model}/rules", summary="List the rules of a model's alerts")
def list_rules(call: Reading, model: ModelId) -> Page[RuleValue]:
    """All rules of the model, by name."""
    with call.catalog.read() as tx:
        return Page(items=[rule_value(each) for each in register.of_model(tx, model)])


@router.get("/models/{model}/rules/{name}", summary="Show a rule")
def show_rule(call: Reading, model: ModelId, name: RuleName) -> RuleDetail:
    """What must not be, how bad it is, and who is told; and of which monitors it can say nothing yet."""
    with call.catalog.read() as tx:
        return rule_detail(tx, register.get(tx, model, name))


@router.put("/models/{model}/rules/{name}", summary="Keep a rule")
def put_rule(call: Writing, model: ModelId, name: RuleName, wanted: RuleWanted) -> RuleValue:
    """Keep a rule in the place of the one of its name; what fires is judged anew if it watches other things."""
    made = Rule(model, name, **wanted.model_dump(mode="json"))
    with call.catalog.begin() as tx:
        found = rule_value(register.put(tx, made, now=call.now, settings=call.settings))
    wake(call)
    return found


@router.delete("/models/{model}/rules/{name}", summary="Delete a rule", status_code=204)
def delete_rule(call: Writing, model: ModelId, name: RuleName) -> None:
    """Forget a rule; who was told that it fires is told that it is over."""
    with call.catalog.begin() as tx:
        register.delete(tx, model, name, now=call.now, settings=call.settings)
    wake(call)


@router.post("/models/{model}/rule-trials", summary="Try a rule on what was")
def try_rule(call: Writing, model: ModelId, wanted: TrialWanted) -> TrialResult:
    """When it would have fired and been over, window by window, with what is known by now; nothing is kept."""
    made = Rule(model, "trial", **wanted.rule.model_dump(mode="json"))
    with call.catalog.read() as tx:
        register.check(tx, made)
        return trial(trying.dry_run(tx, made, wanted.since, wanted.until or call.now))


@router.get("/alerts", summary="List alerts")
def list_alerts(
    call: Reading, model: OfModel = None, state: InState = None, limit: Alerts = MOST_ALERTS, token: Token = None
) -> Page[Alert]:
    """What fires, and what has fired once and is OK, those first that changed last."""
    with call.catalog.read() as tx:
        page = alerting.page(tx, model, state, limit, token)
        rules = register.known_rules(tx, page.items)
    known = [(each, rules.get((each.model, each.rule))) for each in page.items]
    items = [Alert(**_told(each, rule)) for each, rule in known if rule is not None]  # it is deleted just now
    return Page(items=items, next_token=page.token)


@router.get("/alerts/{id}", summary="Show an alert")
def show_alert(call: Reading, id: AlertId) -> AlertDetail:
    """The alert, and when its state changed."""
    with call.catalog.read() as tx:
        return _detail(tx, alerting.state_beginning(tx, id))


@router.post("/alerts/{id}/acknowledgement", summary="Acknowledge an alert")
def acknowledge(call: Writing, id: AlertId) -> AlertDetail:
    """Say that you look after it: it is not escalated until it fires anew."""
    with call.catalog.begin() as tx:
        return _detail(tx, register.acknowledge(tx, id, call.principal.name, now=call.now))


@router.post("/alerts/{id}/snooze", summary="Snooze an alert")
def snooze(call: Writing, id: AlertId, wanted: SnoozeWanted) -> AlertDetail:
    """Tell nobody of it until a moment; what still fires then is told."""
    with call.catalog.begin() as tx:
        return _detail(tx, register.snooze(tx, id, wanted.until, now=call.now))


@router.get("/channels", summary="List channels")
def list_channels(call: Reading) -> Page[ChannelValue]:
    """All channels by name; secrets are not in them."""
    with call.catalog.read() as tx:
        return Page(items=[_channel(each) for each in deliveries.channels(tx)])


@router.put("/channels/{name}", summary="Keep a channel")
def put_channel(call: Administering, name: ChannelName, wanted: ChannelWanted) -> ChannelValue:
    """Keep a channel in the place of the one of its name.

    Administrators only: whoever names a file or a variable of the server can have it sent to an address.
    """
    call.principal.require("admin", EVERYWHERE)
    with call.catalog.begin() as tx:
        made = register.put_channel(
            tx, name, wanted.kind, wanted.config, wanted.least, now=call.now, digest=wanted.digest
        )
    return _channel(made)


@router.post("/channels/{name}/test", summary="Test a channel")
def try_channel(call: Writing, name: ChannelName) -> Tested:
    """Send a test message now. The error tells what the channel said: 400 it refuses, 503 it does not answer."""
    with call.catalog.read() as tx:
        found = deliveries.get_channel(tx, name)
    register.try_channel(found, call.settings, now=call.now)
    return Tested(sent=True)


@router.delete("/channels/{name}", summary="Delete a channel", status_code=204)
def delete_channel(call: Administering, name: ChannelName) -> None:
    """Forget a channel: what waits for it is not sent."""
    call.principal.require("admin", EVERYWHERE)
    with call.catalog.begin() as tx:
        register.delete_channel(tx, name)


@router.get("/deliveries", summary="List deliveries")
def list_deliveries(call: Reading, wanted: Annotated[DeliveriesWanted, Query()]) -> Page[DeliveryValue]:
    """The log of what was sent to which channel, the latest first: attempts, and what the last one met."""
    equal = {name: value for name in ("model", "channel", "status") if (value := getattr(wanted, name)) is not None}
    with call.catalog.read() as tx:
        page = deliveries.page(tx, equal, wanted.limit, wanted.token)
    return Page(items=[delivery_value(found, told) for found, told in page.items], next_token=page.token)


@router.get("/maintenance", summary="List maintenance")
def list_quiets(call: Reading) -> Page[QuietValue]:
    """Times of maintenance that are not over, in order."""
    with call.catalog.read() as tx:
        return Page(items=[_quiet(each) for each in deliveries.quiets(tx, call.now)])


@router.post("/maintenance", summary="Plan maintenance", status_code=201)
def add_quiet(call: Writing, wanted: QuietWanted) -> QuietValue:
    """Tell nobody of what begins to fire in a time; what still fires at its end is told."""
    start = wanted.start or call.now
    with call.catalog.begin() as tx:
        return _quiet(register.add_quiet(tx, wanted.model, start, wanted.until, wanted.note, now=call.now))


@router.delete("/maintenance/{id}", summary="End maintenance", status_code=204)
def end_quiet(call: Writing, id: QuietId) -> None:
    """Forget a time of maintenance."""
    with call.catalog.begin() as tx:
        register.end_quiet(tx, id)


def rule_value(found: Rule) -> RuleValue:
    """A rule as it is shown."""
    return RuleValue(**_members(found))


def rule_detail(tx: Connection, found: Rule) -> RuleDetail:
    """A rule, and of what it can say nothing yet."""
    return RuleDetail(**_members(found), silent=register.silent(tx, found))


def trial(found: Trial) -> TrialResult:
    """A trial as it is shown."""
    flips = [WouldFlip(**asdict(each)) for each in found.flips]
    return TrialResult(flips=flips, windows=found.windows, measures=found.measures, silent=found.silent)


def _members(found: Rule) -> dict[str, Any]:
    own = {"model": found.model, "name": found.name, "created": found.created, "modified": found.modified}
    return {**found.asked(), **own}


def delivery_value(found: Delivery, told: Mapping[str, Any]) -> DeliveryValue:
    """A delivery and its message as they are shown."""
    names = ("id", "channel", "status", "attempts", "reason", "created", "due", "ended")
    own = {name: getattr(found, name) for name in names}
    model = "" if told["model"] == digests.ALL else told["model"]
    return DeliveryValue(**own, model=model, **{name: told[name] for name in ("state", "severity", "title")})


def _told(found: State, rule: Rule) -> dict[str, Any]:
    names = ("id", "model", "rule", "state", "cause", "since", "acknowledged", "acknowledged_by", "snoozed")
    told = ("said", "value", "limit", "run", "window_end", "report", "endpoint")
    body = {name: found.body.get(name) for name in told}
    own = {name: getattr(found, name) for name in names}
    own |= {"escalated": found.state == FIRING and found.told == ESCALATED, "schedule": schedule_of(found)}
    return {**own, **body, "subject": found.body["about"], "severity": rule.severity, "owner": rule.owner}


def _detail(tx: Any, found: State) -> AlertDetail:
    rule = register.get(tx, found.model, found.rule)
    flips = [
        AlertFlip(
            number=each.number, state=each.state, at=each.at, **{k: each.body[k] for k in ("said", "value", "run")}
        )
        for each in alerting.flips(tx, found)
    ]
    return AlertDetail(**_told(found, rule), flips=flips)


def _channel(found: KeptChannel) -> ChannelValue:
    return ChannelValue(
        name=found.name, kind=found.kind, created=found.created, modified=found.modified, **found.body
    )  # fmt: skip


def _quiet(found: Quiet) -> QuietValue:
    return QuietValue(id=found.id, model=found.model, note=found.note, start=found.start, until=found.until)
