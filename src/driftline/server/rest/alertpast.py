"""What became of alerts: when they fired and were over, what was measured, what was sent; and all rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline import registry
from driftline.alerting import measurable, past, register
from driftline.alerting.rule import NAME, Severity
from driftline.catalog import alerting, alertpast
from driftline.catalog.alertpast import Past, Search
from driftline.server.rest.alerted import AlertId, DeliveryValue, OfModel, RuleValue
from driftline.server.rest.alerting import delivery_value, rule_value
from driftline.server.rest.answers import Page
from driftline.server.rest.asked import Moment, PageWanted
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId, Named

router = APIRouter(tags=["alerts"])


class HistoryWanted(PageWanted):
    """Which changes of alerts are listed."""

    model: Annotated[Named | None, Field(description="Of this model.")] = None
    rule: Annotated[str | None, Field(pattern=NAME, description="Of rules of this name.")] = None
    state: Annotated[Literal["FIRING", "OK"] | None, Field(description="What began to fire, or was over.")] = None
    severity: Annotated[Severity | None, Field(description="Of rules as bad as this.")] = None
    since: Annotated[Moment | None, Field(description="At this time or later.")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None


class AlertChange(BaseModel):
    """A change of the state of an alert."""

    id: Annotated[str, Field(description="The alert's id.")]
    model: str
    rule: str
    subject: str
    cause: Annotated[str, Field(description="The monitor, or what is absent.")]
    severity: Severity
    owner: str
    state: Annotated[str, Field(description="FIRING or OK.")]
    at: datetime
    said: str
    value: float | None
    limit: float | None
    run: str | None


class AlertValue(BaseModel):
    """What an alert's rule says of a window."""

    window_end: datetime | None
    value: float | None
    limit: float | None
    fires: bool
    said: str
    run: str | None


class Measured(BaseModel):
    """What rules of a model can be about."""

    measures: Annotated[list[str], Field(description="What was measured in the last window of each monitor.")]
    subjects: Annotated[list[str], Field(description="The columns, facets and labels that it was measured of.")]


@router.get("/models/{model}/measures", summary="List what rules of a model can be about")
def list_measures(call: Reading, model: ModelId) -> Measured:
    """The measures in the last window of each monitor, and their subjects."""
    with call.catalog.read() as tx:
        registry.get_model(tx, model)
        measures, subjects = measurable.measured(tx, model, call.now)
    return Measured(measures=measures, subjects=subjects)


@router.get("/rules", summary="List the rules of all models")
def list_all_rules(call: Reading, model: OfModel = None) -> Page[RuleValue]:
    """All rules, by model and name."""
    with call.catalog.read() as tx:
        return Page(items=[rule_value(each) for each in register.every(tx, model)])


@router.get("/alert-history", summary="List changes of alerts")
def list_history(call: Reading, wanted: Annotated[HistoryWanted, Query()]) -> Page[AlertChange]:
    """When alerts began to fire and were over, the latest first."""
    asked = wanted.model_dump(exclude={"descending"})
    with call.catalog.read() as tx:
        page = alertpast.history(tx, Search(**asked))
    return Page(items=[_change(each) for each in page.items], next_token=page.token)


@router.get("/alerts/{id}/values", summary="List what was measured of an alert")
def list_values(call: Reading, id: AlertId) -> Page[AlertValue]:
    """What its rule says of the last 60 windows as they are known now, in order; nothing for what failed to come."""
    with call.catalog.read() as tx:
        found = alerting.state_beginning(tx, id)
        said = past.values(tx, found, register.get(tx, found.model, found.rule), call.now)
    names = ("window_end", "value", "limit", "fires", "said", "run")
    return Page(items=[AlertValue(**{name: getattr(each, name) for name in names}) for each in said])


@router.get("/alerts/{id}/deliveries", summary="List what was sent of an alert")
def list_sent(call: Reading, id: AlertId) -> Page[DeliveryValue]:
    """The last 20 deliveries of messages about the alert's model and cause, the latest first."""
    with call.catalog.read() as tx:
        found = alertpast.sent(tx, alerting.state_beginning(tx, id))
    return Page(items=[delivery_value(each, told) for each, told in found])


def _change(found: Past) -> AlertChange:
    flip, body = found.flip, found.flip.body
    told: dict[str, Any] = {name: body.get(name) for name in ("said", "value", "limit", "run")}
    own: dict[str, Any] = {name: getattr(found, name) for name in ("id", "cause", "severity", "owner")}
    return AlertChange(
        model=flip.model, rule=flip.rule, subject=body.get("about", flip.subject), state=flip.state, at=flip.at,
        **own, **told,
    )  # fmt: skip
