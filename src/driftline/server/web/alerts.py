"""Alerts in the console: what fires, one alert with its past, what fired before; taking one on, and silencing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, model_validator
from sqlalchemy import Connection

from driftline.alerting import register
from driftline.alerting.rule import Severity
from driftline.catalog import alerting
from driftline.errors import Invalid
from driftline.schemas.fields import Role
from driftline.server.aws.wire import Call
from driftline.server.rest import alerting as rest
from driftline.server.rest import alertpast, schedulealerts
from driftline.server.rest import models as registered
from driftline.server.rest.alerted import Alert, SnoozeWanted
from driftline.server.rest.alertpast import AlertValue, HistoryWanted
from driftline.server.rest.asked import Asked
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelsWanted
from driftline.server.rest.schedulealerts import ScheduleAlertsWanted
from driftline.server.web.charts import Held, held
from driftline.server.web.filters import given, here
from driftline.server.web.rulebooks import Book
from driftline.server.web.rules import says
from driftline.server.web.shown import Form, Formed, Heading, Twin, page

router = APIRouter(prefix="/console/alerts", include_in_schema=False)

AlertId = Annotated[str, Path(pattern=r"^[0-9a-f]{4,32}$", description="The alert's id.")]
HOURS = {
    "1": "an hour", "4": "4 hours", "8": "8 hours", "24": "a day", "72": "3 days", "168": "a week",
}  # fmt: skip
"""For how long an alert may be silenced."""
_UP = (("Alerts", "/console/alerts"),)
_MANY = 10
"""With more that fires for one cause, the data come first: messages say so likewise. So many are shown at first."""
_ROWS, _SCHEDULES = 150, 50


@dataclass(frozen=True)
class Firing:
    """An alert that fires: `about` what, and what is `said` of it; `run` is the run that says so, if one does."""

    id: str
    model: str
    rule: str
    severity: str
    about: str
    said: str
    text: str
    since: datetime
    run: str | None
    acknowledged_by: str | None
    snoozed: datetime | None


@dataclass(frozen=True)
class Group:
    """What fires for one cause, the worst first."""

    model: str
    cause: str
    severity: str
    alerts: Sequence[Alert]

    @property
    def is_flood(self) -> bool:
        """Whether so much moved at once that one thing is behind it."""
        return len(self.alerts) > _MANY

    @property
    def is_untaken(self) -> bool:
        """Whether there is one that nobody looks after."""
        return any(each.acknowledged_by is None for each in self.alerts)


class AlertsShown(Asked):
    """Which alerts are shown, and how."""

    model: Annotated[str | None, Field(max_length=256)] = None
    cause: Annotated[str | None, Field(max_length=256)] = None
    format: Twin = None

    @property
    def is_narrow(self) -> bool:
        """Whether those of one cause alone are shown."""
        return self.cause is not None

    def lets(self, found: Alert) -> bool:
        """Whether the alert is among them."""
        return self.model in (None, found.model) and self.cause in (None, found.cause)


class HistoryShown(HistoryWanted):
    """Which changes are shown, and how."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    format: Twin = None
    _given = model_validator(mode="before")(given)


def firing(tx: Connection, model: str | None = None) -> list[Firing]:
    """The alerts of a model, or of all, that fire: the severest first, of those the latest."""
    states = alerting.states(tx, model, state=alerting.FIRING)
    rules = register.known_rules(tx, states)
    pairs = [(each, rules[each.model, each.rule]) for each in states if (each.model, each.rule) in rules]
    pairs.sort(key=lambda pair: (-pair[1].severity.rank, -pair[0].since.timestamp()))
    return [
        Firing(
            each.id, each.model, each.rule, str(rule.severity), str(each.body.get("about", each.subject)),
            str(each.body.get("said", "")), rule.text, each.since, each.body.get("run"), each.acknowledged_by,
            each.snoozed,
        )
        for each, rule in pairs
    ]  # fmt: skip


@router.get("")
def show_all(request: Request, call: Reading, wanted: Annotated[AlertsShown, Query()]) -> Response:
    """What fires now, the worst first, by model and cause; all of one cause, if it is given."""
    found = [each for each in rest.list_alerts(call, None, "FIRING").items if wanted.lets(each)]
    groups = grouped(found)
    schedules = schedulealerts.list_alerts(call, ScheduleAlertsWanted(in_alert=True, limit=_SCHEDULES)).items
    facts = {
        "firing": [each.model_dump() for each in found],
        "counts": {each: sum(one.severity == each for one in found) for each in reversed(Severity)},
        "untaken": sum(each.acknowledged_by is None for each in found),
        "snoozed": sum(each.snoozed is not None and each.snoozed > call.now for each in found),
        "maintenance": [each.model_dump() for each in rest.list_quiets(call).items if each.start <= call.now],
        "schedules": [] if wanted.is_narrow else [each.model_dump() for each in schedules if each.shown],
    }
    heading = Heading("Alerts", "alerts", _UP if wanted.is_narrow else ())
    drawn = {"groups": groups, "hours": HOURS, "wanted": wanted, "most": _ROWS if wanted.is_narrow else _MANY}
    return page(request, call, "alerts.html", heading, facts, **drawn)


@router.post("/acknowledge")
def acknowledge_all(form: Formed) -> Response:
    """Whoever is signed in looks after all that fires for one cause."""
    wanted = AlertsShown(model=form.values.get("model", "")[:256], cause=form.values.get("cause", "")[:256])
    fires = rest.list_alerts(form.call, None, "FIRING").items
    found = [each for each in fires if wanted.lets(each) and each.acknowledged_by is None]
    with form.call.catalog.begin() as tx:
        for each in found:
            register.acknowledge(tx, each.id, form.who, now=form.call.now)
    return form.back("/console/alerts")


@router.get("/history")
def show_history(request: Request, call: Reading, wanted: Annotated[HistoryShown, Query()]) -> Response:
    """What began to fire and was over, the latest first."""
    found = alertpast.list_history(call, HistoryWanted(**wanted.model_dump(exclude={"format"})))
    models = [each.id for each in registered.list_models(call, ModelsWanted(limit=1000, sort_by="name")).items]
    facts = {"changes": found.items, "next_token": found.next_token}
    drawn = {"models": models, "wanted": wanted, "severities": list(Severity), "here": here(request)}
    return page(request, call, "alert-history.html", Heading("History of alerts", "alerts", _UP), facts, **drawn)


@router.get("/{id}")
def show(request: Request, call: Reading, id: AlertId) -> Response:
    """What it says, since when, what was measured before, what was sent, and who looks after it."""
    found = rest.show_alert(call, id)
    rule = Book(call, found.model).show(found.rule)
    values = alertpast.list_values(call, id).items
    facts = {
        "alert": found,
        "rule": rule,
        "values": values,
        "deliveries": alertpast.list_sent(call, id).items,
        "as_of": call.now,
    }
    drawn = {
        "drawing": held(found.subject, _held(values)),
        "says": says(rule),
        "hours": HOURS,
        "is_feature": _is_feature(call, found),
    }
    whose = found.model or found.schedule
    heading = Heading(f"{found.subject} of {whose}" if whose else found.subject, "alerts", _UP)
    return page(request, call, "alert.html", heading, facts, **drawn)


@router.post("/{id}/acknowledge")
def acknowledge(form: Formed, id: AlertId) -> Response:
    """Whoever is signed in looks after it: it is not escalated."""
    with form.call.catalog.begin() as tx:
        found = register.acknowledge(tx, id, form.who, now=form.call.now)
    return _back(form, found.id, f"/console/models/{found.model}")


@router.post("/{id}/snooze")
def snooze(form: Formed, id: AlertId) -> Response:
    """Nobody is told of it for so many hours; with none, from now on again."""
    hours = form.values.get("hours", "")
    if hours and hours not in HOURS:
        raise Invalid(what="hours", got=hours, expected=f"one of {', '.join(HOURS)}")
    until = form.call.now + timedelta(hours=int(hours)) if hours else None
    return _back(form, rest.snooze(form.call, id, SnoozeWanted(until=until)).id, "")


def grouped(found: Sequence[Alert]) -> list[Group]:
    """By model and cause, the worst first: by severity, then by how far the value is beyond its limit."""
    causes: dict[tuple[str, str], list[Alert]] = {}
    for each in sorted(found, key=_worst):
        causes.setdefault((each.model, each.cause), []).append(each)
    return [Group(*key, str(some[0].severity), some) for key, some in causes.items()]


def _worst(each: Alert) -> tuple[int, float, float]:
    far = 0.0 if each.value is None or each.limit is None else abs(each.value - each.limit) / (abs(each.limit) or 1.0)
    return -each.severity.rank, -far, -each.since.timestamp()


def _is_feature(call: Call, found: Alert) -> bool:
    """Whether there is a page of what it is about."""
    if not found.model:
        return False
    versions = registered.list_versions(call, found.model).items
    known = versions[-1].schema_.fields if versions else ()
    return any(each.name == found.subject and each.role == Role.FEATURE for each in known)


def _held(values: Sequence[AlertValue]) -> list[Held]:
    return [
        Held(each.window_end, each.value, each.limit, each.fires)
        for each in values
        if each.window_end is not None and each.value is not None
    ]


def _back(form: Form, id: str, otherwise: str) -> Response:
    """To the page that the form stands on: of all alerts, of this one, or another."""
    return form.back({"all": "/console/alerts", "one": f"/console/alerts/{id}"}.get(form.values.get("to", ""),
                     otherwise or f"/console/alerts/{id}"))  # fmt: skip
