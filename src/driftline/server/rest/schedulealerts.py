"""The alert of a SageMaker schedule: how many of the last executions make it say so, and who is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from driftline.alerting import targets
from driftline.alerting.targets import PREFIX, Targets
from driftline.catalog import alerts, overview, resources, tags
from driftline.catalog.alerts import Change
from driftline.catalog.resources import Resource, Search
from driftline.errors import Invalid, NotFound
from driftline.schedules import KIND
from driftline.server.aws.tags import put_tags
from driftline.server.rest.answers import Page
from driftline.server.rest.asked import Asked, Name, SchedulesWanted, Text
from driftline.server.rest.callers import Reading, Writing

router = APIRouter(tags=["schedules"])

Executions = Annotated[int, Field(ge=1, le=100)]
Arns = Annotated[list[Annotated[Text, Field(min_length=1, max_length=256)]], Field(max_length=10)]
_HISTORY = 100
_LABELS = ("type", "endpoint", "definition")


class ScheduleAlertWanted(Asked):
    """When the alert of a schedule says so, and who is told of it."""

    datapoints: Annotated[Executions, Field(description="So many executions failed or found violations ...")]
    period: Annotated[Executions, Field(description="... of the last ones.")]
    severity: Annotated[
        Literal["info", "warning", "error", "critical"], Field(description="How bad it is.")
    ] = "warning"  # fmt: skip
    topics: Annotated[
        Arns, Field(default_factory=list, description="ARNs of SNS topics, here or at AWS, that are told.")
    ]
    functions: Annotated[Arns, Field(default_factory=list, description="ARNs of Lambda functions that are called.")]
    alarms: Annotated[Arns, Field(default_factory=list, description="Names of CloudWatch alarms that are set.")]
    shown: Annotated[bool, Field(description="Whether lists and the console show it.")] = True


class ScheduleAlertsWanted(SchedulesWanted):
    """Whose alerts are listed."""

    in_alert: Annotated[bool, Field(description="Only those that say InAlert, all on one page, by name.")] = False


class ScheduleAlertChange(BaseModel):
    """A change of the alert's status."""

    status: Annotated[str, Field(description="OK or InAlert.")]
    at: datetime


class ScheduleAlert(ScheduleAlertWanted):
    """The alert of a schedule, and its last changes, latest first."""

    schedule: str
    type: str | None
    endpoint: str | None
    name: str
    status: Annotated[str, Field(description="OK or InAlert.")]
    modified: datetime
    history: list[ScheduleAlertChange]


@router.get("/schedule-alerts", summary="List the alerts of schedules")
def list_alerts(call: Reading, wanted: Annotated[ScheduleAlertsWanted, Query()]) -> Page[ScheduleAlert]:
    """A page of the schedules' alerts, each with its last change."""
    given = wanted.model_dump(exclude={"in_alert"})
    labels = {name: value for name in _LABELS if (value := given.pop(name))}
    with call.catalog.read() as tx:
        if wanted.in_alert:
            return Page(items=_in_alert(tx, wanted.limit))
        found = resources.search(tx, KIND, Search(**given, attributes=labels))
        items = [_shown(tx, each, alerts.changes_after(tx, each.name, None, 1)) for each in found.items]
    return Page(items=items, next_token=found.token)


@router.get("/schedules/{name}/alert", summary="Show the alert of a schedule")
def show_alert(call: Reading, name: Name) -> ScheduleAlert:
    """How many of how many executions make it say InAlert, who is told, and when it changed."""
    with call.catalog.read() as tx:
        found = resources.get(tx, KIND, name)
        return _shown(tx, found, alerts.changes(tx, found.name)[:_HISTORY])


@router.put("/schedules/{name}/alert", summary="Change the alert of a schedule")
def put_alert(call: Writing, name: Name, wanted: ScheduleAlertWanted) -> ScheduleAlert:
    """The numbers are those of `UpdateMonitoringAlert`; whom it tells is kept in the schedule's tags.

    It counts from the next execution on.
    """
    if wanted.datapoints > wanted.period:
        raise Invalid(what="datapoints", got=wanted.datapoints, expected=f"at most the period ({wanted.period})")
    told = Targets(
        tuple(wanted.topics), tuple(wanted.functions), tuple(wanted.alarms), wanted.severity, wanted.shown
    ).tags()  # fmt: skip
    targets.check(told)
    with call.catalog.begin() as tx:
        found = resources.get(tx, KIND, name)
        alerts.update(tx, found.name, now=call.now, datapoints=wanted.datapoints, period=wanted.period)
        tags.remove(tx, found.arn, _ours(tags.of(tx, found.arn)))
        put_tags(tx, found, told, call)
        return _shown(tx, found, alerts.changes(tx, found.name)[:_HISTORY])


def _in_alert(tx: Connection, limit: int) -> list[ScheduleAlert]:
    names = sorted(name for name, status in overview.alerts(tx).items() if status == alerts.IN_ALERT)
    found = [resources.find(tx, KIND, name) for name in names[:limit]]
    return [_shown(tx, each, alerts.changes_after(tx, each.name, None, 1)) for each in found if each is not None]


def _ours(found: Mapping[str, str]) -> list[str]:
    return [each for each in found if each.startswith(PREFIX)]


def _shown(tx: Connection, found: Resource, changes: Sequence[Change]) -> ScheduleAlert:
    alert = alerts.find(tx, found.name)
    if alert is None:
        raise NotFound(what="alert of schedule", name=found.name)
    told = Targets.of(tags.of(tx, found.arn))
    return ScheduleAlert(
        schedule=found.name,
        type=found.labels.get("type"),
        endpoint=found.labels.get("endpoint"),
        name=alert.name,
        status=alert.status,
        modified=alert.modified,
        datapoints=alert.datapoints,
        period=alert.period,
        severity=told.severity,  # type: ignore[arg-type]  # it is one of SEVERITIES
        topics=list(told.topics),
        functions=list(told.functions),
        alarms=list(told.alarms),
        shown=told.shown,
        history=[ScheduleAlertChange(status=each.status, at=each.created) for each in changes],
    )
