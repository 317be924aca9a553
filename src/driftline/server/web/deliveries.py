"""The log of deliveries in the console, and maintenance: when nobody is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, ValidationError, model_validator

from driftline.errors import CallerError
from driftline.server.aws.wire import Call
from driftline.server.rest import alerting as rest
from driftline.server.rest import models as registered
from driftline.server.rest.alerted import DeliveriesWanted, QuietId, QuietWanted
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelsWanted
from driftline.server.web import fields
from driftline.server.web.filters import given, here
from driftline.server.web.shown import Formed, Heading, Twin, page

router = APIRouter(prefix="/console/alerts", include_in_schema=False)

_UP = (("Alerts", "/console/alerts"),)
_QUIETS = "/console/alerts/maintenance"


class DeliveriesShown(DeliveriesWanted):
    """Which deliveries are shown, and how."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    format: Twin = None
    _given = model_validator(mode="before")(given)


@router.get("/deliveries")
def show_log(request: Request, call: Reading, wanted: Annotated[DeliveriesShown, Query()]) -> Response:
    """What was sent to which channel, the latest first: attempts, when it is tried again, and why it was not taken."""
    found = rest.list_deliveries(call, DeliveriesWanted(**wanted.model_dump(exclude={"format"})))
    facts = {"deliveries": found.items, "next_token": found.next_token}
    channels = [each.name for each in rest.list_channels(call).items]
    drawn = {"wanted": wanted, "channels": channels, "models": _models(call), "here": here(request)}
    return page(request, call, "deliveries.html", Heading("Deliveries", "alerts", _UP), facts, **drawn)


@router.get("/maintenance")
def show_quiets(request: Request, call: Reading) -> Response:
    """Times of maintenance that are not over, and the form of another."""
    return _quiets(request, call, _entries(call))


@router.post("/maintenance")
def add_quiet(request: Request, form: Formed) -> Response:
    """Plan one; the form again, with what is wrong where it stands."""
    entries = _entries(form.call)
    try:
        rest.add_quiet(form.call, QuietWanted.model_validate(fields.read(entries, form.values)))
    except ValidationError as error:
        errors = fields.errors_of(error, lambda loc: loc[0])
    except CallerError as error:
        what = str(error.facts.get("what"))
        errors = {what if what in {each.name for each in entries} else "until": str(error)}
    else:
        return form.back(_QUIETS)
    return _quiets(request, form.call, fields.typed(entries, form.values, errors))


@router.post("/maintenance/{id}/end")
def end_quiet(form: Formed, id: QuietId) -> Response:
    """End it now."""
    rest.end_quiet(form.call, id)
    return form.back(_QUIETS)


def _quiets(request: Request, call: Call, entries: list[fields.Field]) -> Response:
    found = rest.list_quiets(call).items
    errors = {each.name: each.error for each in entries if each.error}
    facts = {"maintenance": [{**each.model_dump(), "now": each.start <= call.now} for each in found], "errors": errors}
    return page(request, call, "maintenance.html", Heading("Maintenance", "alerts", _UP), facts, fields=entries)


def _entries(call: Call) -> list[fields.Field]:
    """Of a time of maintenance: two hours from now, of all models, unless something else is said."""
    found = {each.name: each for each in fields.fields_of(QuietWanted)}
    ends = {"value": f"{call.now + timedelta(hours=2):%Y-%m-%dT%H:%M}"}
    model = {"kind": "choice", "choices": tuple(_models(call)), "meaning": "All models, if none is chosen."}
    start = {"meaning": "UTC; now, if it is left empty."}
    offered = fields.offered(list(found.values()), until={**ends, "meaning": "UTC."}, start=start, model=model)
    order = ("model", "start", "until", "note")
    return sorted(offered, key=lambda each: order.index(each.name) if each.name in order else len(order))


def _models(call: Call) -> list[str]:
    return [each.id for each in registered.list_models(call, ModelsWanted(limit=1000, sort_by="name")).items]
