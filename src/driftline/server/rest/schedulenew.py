"""Schedules of SageMaker's kind made and changed in one step: the job definition and the schedule that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from driftline.catalog import resources
from driftline.errors import Conflict, DriftlineError
from driftline.schedules import KIND, definition_of
from driftline.server.aws import buckets
from driftline.server.aws.monitoring import Planned, planned_of
from driftline.server.aws.validation import parse
from driftline.server.aws.wire import OPERATIONS, Call
from driftline.server.rest.answers import Schedule
from driftline.server.rest.asked import Asked, Name, Text, Type
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.schedules import show_schedule

router = APIRouter(tags=["schedules"])

_NAMED = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
_LONGEST = 63
Uri = Annotated[Text, Field(min_length=1, max_length=1024)]
Attribute = Annotated[Text, Field(min_length=1, max_length=256)]


class ScheduleValue(Asked):
    """What a schedule monitors, how and when."""

    expression: Annotated[Text, Field(max_length=256, description="cron(...) in UTC, or NOW.")]
    output: Annotated[Uri, Field(description="Below it the files of executions are written.")]
    endpoint: Annotated[str | None, Field(pattern=_NAMED, description="Whose captured calls; else `batch`.")] = None
    batch: Annotated[Uri | None, Field(description="Where captured outputs of batch transforms lie.")] = None
    format: Annotated[Literal["csv", "json", "parquet"], Field(description="Of the batch.")] = "csv"
    header: Annotated[bool, Field(description="Whether CSV files of the batch have one.")] = False
    constraints: Annotated[Uri | None, Field(description="constraints.json, or analysis.json.")] = None
    statistics: Annotated[Uri | None, Field(description="statistics.json, of data quality.")] = None
    config: Annotated[Uri | None, Field(description="analysis_config.json, of bias and explainability.")] = None
    ground_truth: Annotated[Uri | None, Field(description="Labels, of model quality and bias.")] = None
    problem_type: Annotated[
        Literal["BinaryClassification", "MulticlassClassification", "Regression"] | None,
        Field(description="Of model quality."),
    ] = None
    features_attribute: Annotated[Attribute | None, Field(description="Where the features are.")] = None
    inference_attribute: Annotated[Attribute | None, Field(description="Where the prediction is.")] = None
    probability_attribute: Annotated[Attribute | None, Field(description="Where the probability is.")] = None
    probability_threshold: Annotated[
        float | None, Field(ge=0, le=1, description="Above it a prediction is positive.")
    ] = None
    start_offset: Annotated[Attribute | None, Field(description="Window from its scheduled time: -PT2H.")] = None
    end_offset: Annotated[Attribute | None, Field(description="The end of the window, likewise: -PT1H.")] = None
    preprocess: Annotated[Uri | None, Field(description="A script that makes rows of records.")] = None
    postprocess: Annotated[Uri | None, Field(description="A script that runs after the analysis.")] = None
    start: Annotated[Attribute | None, Field(description="Of NOW: where its window begins, as -PT1H.")] = None
    end: Annotated[Attribute | None, Field(description="Of NOW: where its window ends, as -PT0H.")] = None


class ScheduleWanted(ScheduleValue):
    """A schedule to be made."""

    name: Annotated[str, Field(pattern=_NAMED, description="What it is called.")]
    type: Annotated[Type, Field(description="Which of the four monitors.")]


@router.post("/schedules", summary="Make a schedule", status_code=201)
def create(call: Writing, wanted: ScheduleWanted) -> Schedule:
    """A job definition of this name and type, and the schedule that runs it; neither, if one of them is refused."""
    planned = _planned(wanted.type, wanted, {})
    name = wanted.name
    with call.catalog.read() as tx:
        if resources.find(tx, KIND, name) is not None:
            reason, remedy = "there is one of this name", "Choose another name, or change that one."
            raise Conflict(what="schedule", name=name, reason=reason, remedy=remedy)
    _with_definition(call, planned, name, "CreateMonitoringSchedule", name)
    return _listed(call, name)


@router.put("/schedules/{name}", summary="Change a schedule")
def change(call: Writing, name: Name, wanted: ScheduleValue) -> Schedule:
    """Another time, baseline, output: from the next execution on. The job definition of before stays as it is.

    409 for a schedule whose job definition is part of it: such ones are changed by SageMaker's own call.
    """
    before, definition = _before(call, name)
    kept = {"image": before.image, "role": before.role}
    planned = _planned(before.type, wanted, kept)
    if planned == before:
        return _listed(call, name)
    if _definitions(planned, call) == _definitions(before, call):
        _perform(call, "UpdateMonitoringSchedule", planned.schedule(name, definition))
        return _listed(call, name)
    made = f"{name[: _LONGEST - 15]}-{call.now:%Y%m%d%H%M%S}"
    _with_definition(call, planned, made, "UpdateMonitoringSchedule", name)
    return _listed(call, name)


@router.get("/schedules/{name}/settings", summary="Show the settings of a schedule")
def show_settings(call: Reading, name: Name) -> ScheduleValue:
    """As `PUT` takes them; 409 for a schedule whose job definition is part of it."""
    before, _ = _before(call, name)
    told = {each: getattr(before, each) for each in ScheduleValue.model_fields if hasattr(before, each)}
    return ScheduleValue(**{**told, **(before.attributes or {})})


def _planned(type: str, wanted: ScheduleValue, kept: Mapping[str, Any]) -> Planned:
    told = wanted.model_dump(exclude={"name", "type"})
    attributes = {each: told.pop(each) for each in _ATTRIBUTES}
    return Planned(type, **told, **kept, attributes={each: v for each, v in attributes.items() if v is not None})


_ATTRIBUTES = (
    "features_attribute", "inference_attribute", "probability_attribute", "probability_threshold", "start_offset",
    "end_offset",
)  # fmt: skip


def _before(call: Call, name: str) -> tuple[Planned, str]:
    """What a schedule says, and the name of its definition."""
    with call.catalog.read() as tx:
        found = resources.get(tx, KIND, name)
        config = found.body["MonitoringScheduleConfig"]
        definition = config.get("MonitoringJobDefinitionName")
        if not definition:
            reason, remedy = "its job definition is part of it", "Change it with UpdateMonitoringSchedule."
            raise Conflict(what="schedule", name=found.name, reason=reason, remedy=remedy)
        return planned_of(config, definition_of(tx, config)), definition


def _definitions(planned: Planned, call: Call) -> dict[str, Any]:
    return planned.definition("definition", call.settings.region, call.settings.account)


def _with_definition(call: Call, planned: Planned, definition: str, operation: str, name: str) -> None:
    """Make the definition, then perform the operation on the schedule; without the schedule no definition stays."""
    request = planned.definition(definition, call.settings.region, call.settings.account)
    _perform(call, f"Create{planned.type}JobDefinition", request)
    try:
        _perform(call, operation, planned.schedule(name, definition))
    except DriftlineError:
        with suppress(DriftlineError):
            _perform(call, f"Delete{planned.type}JobDefinition", {"JobDefinitionName": definition})
        raise


def _perform(call: Call, name: str, request: Mapping[str, Any]) -> None:
    """An operation of SageMaker's, its request checked as one from outside is."""
    found = OPERATIONS["sagemaker", name]
    buckets.refuse(dict(request), call.settings.allowed_buckets)
    found.perform(parse(found.model.input_shape, request), call)


def _listed(call: Call, name: str) -> Schedule:
    told = show_schedule(call, name).model_dump()
    return Schedule(**{each: told[each] for each in Schedule.model_fields})
