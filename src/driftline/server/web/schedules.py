"""SageMaker's monitoring schedules: listed, shown with what comes and what ran; made, changed, run and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError, model_validator

from driftline.cronwords import said
from driftline.errors import DriftlineError, Invalid
from driftline.server.aws.wire import Call
from driftline.server.rest import endpoints, executions, schedulenew, schedules
from driftline.server.rest.asked import (
    ExecutionStatus,
    ExecutionsWanted,
    Name,
    PageWanted,
    ResourcesWanted,
    SchedulesWanted,
)
from driftline.server.rest.callers import Reading
from driftline.server.rest.schedulenew import ScheduleValue, ScheduleWanted
from driftline.server.web.filters import given
from driftline.server.web.shown import Formed, Heading, Twin, page
from driftline.server.web.times import Coming

router = APIRouter(prefix="/console/schedules", include_in_schema=False)

_ACTIONS = {"start": schedules.start, "stop": schedules.stop}
_UP = (("Schedules", "/console/schedules"),)
_EXECUTIONS = 50
TYPES = {
    "DataQuality": "Data quality",
    "ModelQuality": "Model quality",
    "ModelBias": "Bias",
    "ModelExplainability": "Explainability",
}
CRONS = ("cron(0 * ? * * *)", "cron(0 0/6 ? * * *)", "cron(0 2 ? * * *)", "cron(0 6 ? * MON *)", "NOW")
_NEW = {"type": "DataQuality", "expression": CRONS[0], "source": "endpoint", "format": "csv"}
_WORDS = (
    ("ScheduleExpression", "expression"),
    ("ScheduleConfig", "expression"),
    ("minute of", "expression"),
    ("hour of", "expression"),
    ("day-of", "expression"),
    ("month of", "expression"),
    ("year of", "expression"),
    ("schedule", "name"),
    ("Endpoint ", "endpoint"),
)
"""How an error begins to say what it is about, and the field of it."""


class SchedulesShown(SchedulesWanted):
    """Which schedules are shown, and how."""

    format: Twin = None


class ScheduleShown(PageWanted):
    """Which executions of a schedule are shown, and how."""

    limit: Annotated[int, Query(ge=1, le=_EXECUTIONS)] = _EXECUTIONS
    status: Annotated[ExecutionStatus | None, Query(description="With this status.")] = None
    format: Twin = None
    _given = model_validator(mode="before")(given)


@router.get("")
def show_all(request: Request, call: Reading, wanted: Annotated[SchedulesShown, Query()]) -> Response:
    """A page of the schedules."""
    asked = SchedulesWanted(**{**wanted.model_dump(exclude={"format"}), "limit": min(max(wanted.limit, 50), 100)})
    found = schedules.list_schedules(call, asked)
    facts = {"schedules": found.items, "next_token": found.next_token}
    told = {each.name: _spoken(each.expression) for each in found.items}
    return page(request, call, "schedules.html", Heading("Schedules", "schedules"), facts, told=told)


@router.get("/new")
def show_new(request: Request, call: Reading) -> Response:
    """The form of a new schedule."""
    return _form(request, call, None, _NEW, {})


@router.post("/new")
def create(request: Request, form: Formed) -> Response:
    """The schedule with its job definition, or the form with what is wrong."""
    try:
        wanted = ScheduleWanted.model_validate({**_told(form.values), **_only(form.values, "name", "type")})
        return form.back(f"/console/schedules/{schedulenew.create(form.call, wanted).name}")
    except (DriftlineError, ValidationError) as error:
        return _form(request, form.call, None, form.values, _placed(error))


@router.get("/{name}")
def show(request: Request, call: Reading, name: Name, wanted: Annotated[ScheduleShown, Query()]) -> Response:
    """A schedule, its next times and the executions that it had."""
    found = schedules.show_schedule(call, name)
    asked = ExecutionsWanted(
        schedule=found.name, limit=_EXECUTIONS, token=wanted.token, status=wanted.status, descending=wanted.descending
    )
    ran = executions.list_executions(call, asked)
    facts = {"schedule": found, "executions": ran.items, "next_token": ran.next_token}
    drawn = {"told": _spoken(found.expression), "wanted": wanted, "is_editable": bool(found.definition)}
    return page(request, call, "schedule.html", Heading(found.name, "schedules", _UP), facts, **drawn)


@router.get("/{name}/edit")
def show_edit(request: Request, call: Reading, name: Name) -> Response:
    """The form of a schedule that is there."""
    return _form(request, call, name, _texts(schedulenew.show_settings(call, name)), {})


@router.post("/{name}/edit")
def change(request: Request, form: Formed, name: Name) -> Response:
    """Other settings from the next execution on, or the form with what is wrong."""
    try:
        found = schedulenew.change(form.call, name, ScheduleValue.model_validate(_told(form.values)))
        return form.back(f"/console/schedules/{found.name}")
    except (DriftlineError, ValidationError) as error:
        return _form(request, form.call, name, form.values, _placed(error))


@router.get("/{name}/delete")
def show_delete(request: Request, call: Reading, name: Name) -> Response:
    """What goes with the schedule, before it does."""
    found = schedules.show_schedule(call, name)
    facts = {
        "path": f"/console/schedules/{found.name}/delete", "back": f"/console/schedules/{found.name}",
        "action": "Delete the schedule",
        "goes": [f"The schedule {found.name} and its alert; what runs now is stopped."],
        "stays": ["Its executions with their logs, their files, its job definition and its baseline."],
    }  # fmt: skip
    up = (*_UP, (found.name, f"/console/schedules/{found.name}"))
    return page(request, call, "sure.html", Heading(f"Delete {found.name}?", "schedules", up), facts)


@router.post("/{name}/delete")
def delete(form: Formed, name: Name) -> Response:
    """Gone, and back to the others."""
    schedules.delete(form.call, name)
    return form.back("/console/schedules")


@router.post("/{name}/{action}")
def act(form: Formed, name: Name, action: Literal["run", "start", "stop"]) -> Response:
    """Run it now, start or stop it."""
    if action == "run":
        return form.back(f"/console/executions/{schedules.run(form.call, name).id}")
    return form.back(f"/console/schedules/{_ACTIONS[action](form.call, name).name}")


def _form(
    request: Request, call: Call, name: str | None, values: Mapping[str, str], errors: Mapping[str, str]
) -> Response:
    known = endpoints.list_endpoints(call, ResourcesWanted(limit=1000, sort_by="name", descending=False)).items
    type = values.get("type", "") if name is None else schedules.show_schedule(call, name).type
    facts = {"schedule": name, "values": {**{k: v for k, v in values.items() if k != "token"}, "type": type}}
    drawn = {
        "errors": errors, "types": TYPES, "crons": CRONS, "endpoints": [each.name for each in known],
        "coming": Coming.of(values.get("expression", ""), call.now),
        "back": "/console/schedules" if name is None else f"/console/schedules/{name}",
    }  # fmt: skip
    up = _UP if name is None else (*_UP, (name, f"/console/schedules/{name}"))
    title = "New schedule" if name is None else f"Change {name}"
    return page(request, call, "scheduleform.html", Heading(title, "schedules", up), facts, **drawn)


def _told(values: Mapping[str, str]) -> dict[str, Any]:
    """The members of `ScheduleValue` that were typed; of endpoint and batch the one that was chosen."""
    found: dict[str, Any] = {
        name: text for name in ScheduleValue.model_fields if (text := values.get(name, "").strip())
    }
    found.pop("batch" if values.get("source") == "endpoint" else "endpoint", None)
    return {**found, "header": values.get("header") == "yes"}


def _only(values: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: values.get(name, "") for name in names}


def _texts(found: ScheduleValue) -> dict[str, str]:
    """The fields of a schedule's form."""
    told = {name: str(value) for name, value in found.model_dump().items() if value is not None and name != "header"}
    return {**told, "header": "yes" if found.header else "no", "source": "batch" if found.batch else "endpoint"}


def _placed(error: DriftlineError | ValidationError) -> dict[str, str]:
    """The field that an error is about, as far as it says so; else it is told of the form as a whole."""
    if isinstance(error, ValidationError):
        told = error.errors()[0]
        return {str(told["loc"][0]) if told["loc"] else "": f"{told['msg']}, got {str(told.get('input'))[:80]!r}."}
    what = str(error.facts.get("what") or error)
    return {next((field for word, field in _WORDS if what.startswith(word)), ""): str(error)}


def _spoken(expression: str) -> str:
    """An expression in words; nothing for one that is none."""
    try:
        return said(expression)
    except Invalid:
        return ""
