"""SageMaker's monitoring schedules: listed, shown with what comes and what ran; executions with their log."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from driftline.server.rest import executions, schedules
from driftline.server.rest.asked import ExecutionsWanted, Name, SchedulesWanted
from driftline.server.rest.callers import Reading
from driftline.server.web.shown import Formed, Heading, Twin, page

router = APIRouter(prefix="/console", include_in_schema=False)

_LINES = 500
_ACTIONS = {"start": schedules.start, "stop": schedules.stop}


class SchedulesShown(SchedulesWanted):
    """Which schedules are shown, and how."""

    format: Twin = None


@router.get("/schedules")
def show_all(request: Request, call: Reading, wanted: Annotated[SchedulesShown, Query()]) -> Response:
    """A page of the schedules."""
    asked = SchedulesWanted(**{**wanted.model_dump(exclude={"format"}), "limit": min(max(wanted.limit, 50), 100)})
    found = schedules.list_schedules(call, asked)
    facts = {"schedules": found.items, "next_token": found.next_token}
    return page(request, call, "schedules.html", Heading("Schedules", "schedules"), facts)


@router.get("/schedules/{name}")
def show(request: Request, call: Reading, name: Name) -> Response:
    """A schedule, its next times and the executions that it had."""
    found = schedules.show_schedule(call, name)
    ran = executions.list_executions(call, ExecutionsWanted(schedule=found.name, limit=50))
    facts = {"schedule": found, "executions": ran.items}
    up = (("Schedules", "/console/schedules"),)
    return page(request, call, "schedule.html", Heading(found.name, "schedules", up), facts)


@router.post("/schedules/{name}/{action}")
def act(form: Formed, name: Name, action: Literal["run", "start", "stop"]) -> Response:
    """Run it now, start or stop it."""
    if action == "run":
        return form.back(f"/console/executions/{schedules.run(form.call, name).id}")
    return form.back(f"/console/schedules/{_ACTIONS[action](form.call, name).name}")
