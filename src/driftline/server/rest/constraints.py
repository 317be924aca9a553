"""Constraints of monitors and schedules: shown, tried on the last window without reading its rows, and changed."""

from __future__ import annotations

from math import isfinite
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from driftline.limits import Limits
from driftline.modelmonitors import limits as of_monitors
from driftline.monitors.effects import Effect
from driftline.monitors.verdict import Violation as Broken
from driftline.processing import limits as of_schedules
from driftline.server.aws import buckets
from driftline.server.rest.answers import Violation
from driftline.server.rest.asked import Asked, Document, Name
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.monitoring import MonitorName
from driftline.server.rest.registered import ModelId
from driftline.storage.access import Access

router = APIRouter(tags=["constraints"])


class ConstraintsTried(Asked):
    """Constraints that are not kept yet."""

    document: Annotated[Document, Field(description="constraints.json, or analysis.json, of the kind of the monitor.")]


class ConstraintsWanted(ConstraintsTried):
    """Constraints that are to be kept."""

    mark: Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="That of the document which you changed.")]


class ConstraintsShown(BaseModel):
    """The constraints by which a monitor judges."""

    kind: str
    uri: Annotated[str, Field(description="Where they lie.")]
    mark: Annotated[str, Field(description="Changes with the document.")]
    earlier: Annotated[list[str], Field(description="Files with those of before, the latest first.")]
    document: dict[str, object]


class Changed(BaseModel):
    """What other constraints change about the violations of a window."""

    run: Annotated[str, Field(description="Id of the run, or execution, whose window it is.")]
    stays: Annotated[list[Violation], Field(description="As they are told then.")]
    gone: list[Violation]
    new: list[Violation]
    uncertain: Annotated[list[Violation], Field(description="What was kept of the window cannot judge them again.")]


@router.get("/models/{model}/monitors/{name}/constraints", summary="Show the constraints of a monitor")
def show_of_monitor(call: Reading, model: ModelId, name: MonitorName) -> ConstraintsShown:
    """The document by which its next window is judged. 409 while it has no baseline."""
    return shown(of_monitors.limits_of(call.catalog, model, name, Access()))


@router.put("/models/{model}/monitors/{name}/constraints", summary="Change the constraints of a monitor")
def change_of_monitor(call: Writing, model: ModelId, name: MonitorName, wanted: ConstraintsWanted) -> ConstraintsShown:
    """Judge by these from the next window on; those of before are kept. 409 if somebody else changed them meanwhile."""
    tables = tables_of(call)
    return shown(
        of_monitors.change(call.catalog, model, name, wanted.document, wanted.mark, tables=tables, now=call.now)
    )


@router.post("/models/{model}/monitors/{name}/constraints/trials", summary="Try constraints of a monitor")
def try_of_monitor(call: Writing, model: ModelId, name: MonitorName, wanted: ConstraintsTried) -> Changed:
    """What they would change about the violations of its last window. 409 where no window was judged yet."""
    run, effect = of_monitors.try_on(call.catalog, model, name, wanted.document, Access())
    return changed(run.id, effect)


@router.get("/schedules/{name}/constraints", summary="Show the constraints of a schedule")
def show_of_schedule(call: Reading, name: Name) -> ConstraintsShown:
    """The document that its next execution reads, and where. 409 for a schedule without constraints."""
    found = of_schedules.limits_of(call.catalog, name, Access())
    buckets.refuse([found.uri], call.settings.allowed_buckets)
    return shown(found)


@router.put("/schedules/{name}/constraints", summary="Change the constraints of a schedule")
def change_of_schedule(call: Writing, name: Name, wanted: ConstraintsWanted) -> ConstraintsShown:
    """Write them where the schedule reads them; the file of before is kept beside. 409 if it is not what you saw."""
    show_of_schedule(call, name)
    return shown(of_schedules.change(call.catalog, name, wanted.document, wanted.mark, Access()))


@router.post("/schedules/{name}/constraints/trials", summary="Try constraints of a schedule")
def try_of_schedule(call: Writing, name: Name, wanted: ConstraintsTried) -> Changed:
    """What they would change about its last execution, by the statistics it wrote. 409 where none has judged yet."""
    show_of_schedule(call, name)
    execution, effect = of_schedules.try_on(call.catalog, name, wanted.document, Access())
    return changed(execution.id, effect)


def shown(found: Limits) -> ConstraintsShown:
    """Constraints as answers show them."""
    return ConstraintsShown(
        kind=found.kind, uri=found.uri, mark=found.mark, earlier=list(found.earlier), document=found.document
    )


def changed(run: str, effect: Effect) -> Changed:
    """An effect as answers show it."""
    sides = {name: [_told(each) for each in getattr(effect, name)] for name in ("stays", "gone", "new", "uncertain")}
    return Changed(run=run, **sides)


def _told(found: Broken) -> Violation:
    value, limit = (number if isfinite(number) else None for number in (found.value, found.limit))
    return Violation(subject=found.subject, check=found.check, value=value, limit=limit, said=found.said)
