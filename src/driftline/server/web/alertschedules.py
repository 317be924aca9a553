"""The alerts of SageMaker's schedules in the console: which say so, when one does, and who is told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, ValidationError, model_validator

from driftline.errors import Invalid
from driftline.server.aws.wire import Call
from driftline.server.rest import schedulealerts as rest
from driftline.server.rest.asked import Name
from driftline.server.rest.callers import Reading
from driftline.server.rest.schedulealerts import ScheduleAlertsWanted, ScheduleAlertWanted
from driftline.server.web import fields
from driftline.server.web.filters import given, here
from driftline.server.web.shown import Formed, Heading, Twin, page

router = APIRouter(prefix="/console/alerts/schedules", include_in_schema=False)

_ALERTS = ("Alerts", "/console/alerts")


class AlertsShown(ScheduleAlertsWanted):
    """Whose alerts are shown, and how."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    format: Twin = None
    _given = model_validator(mode="before")(given)


@router.get("")
def show_all(request: Request, call: Reading, wanted: Annotated[AlertsShown, Query()]) -> Response:
    """A page of the schedules with their alerts."""
    found = rest.list_alerts(call, ScheduleAlertsWanted(**wanted.model_dump(exclude={"format"})))
    facts = {"alerts": found.items, "next_token": found.next_token}
    heading = Heading("Alerts of schedules", "alerts", (_ALERTS,))
    return page(request, call, "schedule-alerts.html", heading, facts, here=here(request), wanted=wanted)


@router.get("/{name}")
def show(request: Request, call: Reading, name: Name) -> Response:
    """One: when it says so, who is told, and when it did."""
    found = rest.show_alert(call, name)
    return _one(request, call, name, fields.filled(_entries(), found.model_dump()))


@router.post("/{name}")
def save(request: Request, form: Formed, name: Name) -> Response:
    """Change it; the form again, with what is wrong where it stands."""
    entries = _entries()
    try:
        rest.put_alert(form.call, name, ScheduleAlertWanted.model_validate(fields.read(entries, form.values)))
    except ValidationError as error:
        errors = fields.errors_of(error, lambda loc: loc[0])
    except Invalid as error:
        errors = {_at(error): str(error)}
    else:
        return form.back(f"/console/alerts/schedules/{name}")
    return _one(request, form.call, name, fields.typed(entries, form.values, errors))


def _one(request: Request, call: Call, name: str, entries: list[fields.Field]) -> Response:
    facts = {
        "alert": rest.show_alert(call, name),
        "errors": {each.name: each.error for each in entries if each.error},
    }
    up = (_ALERTS, ("Schedules", "/console/alerts/schedules"))
    return page(request, call, "schedule-alert.html", Heading(f"Alert of {name}", "alerts", up), facts, fields=entries)


def _entries() -> list[fields.Field]:
    return fields.fields_of(ScheduleAlertWanted)


def _at(error: Invalid) -> str:
    """The entry that an error is about: those of tags name the kind."""
    what = str(error.facts["what"])
    kinds = {"sns": "topics", "lambda": "functions", "cloudwatch-alarm": "alarms", "severity": "severity"}
    return next((name for kind, name in kinds.items() if what.endswith(kind)), "datapoints")
