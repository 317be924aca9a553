"""Monitoring schedules: made, changed, started, stopped, shown; the worker does what they plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline import schedules
from driftline.alerting import actions
from driftline.catalog import alerts, due, executions, resources, tags
from driftline.catalog.alerts import Alert
from driftline.catalog.resources import Resource
from driftline.errors import NotFound
from driftline.schedules import FAILED, FAILURE, KIND, SCHEDULED, STOPPED, STOPPED_TIME, Plan, definition_of, source_of
from driftline.server.aws.executions import summary as execution_summary
from driftline.server.aws.lists import listed
from driftline.server.aws.tags import put_tags, tags_of
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call, operation
from driftline.server.errors import AwsError

_LONGEST_STEM = 57
"""Characters of a schedule's name in that of its alert, which has 63 at most."""


@operation("CreateMonitoringSchedule")
def create(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A new schedule, planned at once."""
    name, arn = request["MonitoringScheduleName"], call.arn(KIND, request["MonitoringScheduleName"])
    with call.catalog.begin() as tx:
        config = _checked(tx, request["MonitoringScheduleConfig"])
        if resources.count(tx, KIND) >= call.settings.schedules:
            said = f"The account-level service limit 'Monitoring schedules' is {call.settings.schedules} schedules."
            raise AwsError("ResourceLimitExceeded", f"{said} DRIFTLINE_SCHEDULES raises it.")
        first = Plan.of(config).first(call.now)
        body = {"MonitoringScheduleConfig": config}
        made = Resource(KIND, name, arn, body, SCHEDULED, call.now, call.now, _labels(tx, config))
        resources.create(tx, made)
        put_tags(tx, made, tags_of(request), call)
        due.put(tx, name, first)
        alerts.add(tx, Alert(name, f"{name[:_LONGEST_STEM].rstrip('-')}-alert", call.now, call.now))
    wake(call)
    return {"MonitoringScheduleArn": arn}


@operation("UpdateMonitoringSchedule")
def update(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Another definition or expression; what the request leaves out stays."""
    with call.catalog.begin() as tx:
        found = _found(tx, request)
        before = found.body["MonitoringScheduleConfig"]
        given = dict(request["MonitoringScheduleConfig"])
        if not given.get("ScheduleConfig") and before.get("ScheduleConfig"):
            given["ScheduleConfig"] = before["ScheduleConfig"]
        config = _checked(tx, given)
        first = Plan.of(config).first(call.now)
        body = {**_mended(found), "MonitoringScheduleConfig": config}
        status = SCHEDULED if found.status == FAILED else found.status
        labels = _labels(tx, config)
        resources.update(tx, KIND, found.name, now=call.now, body=body, labels=labels, status=status)
        if status == SCHEDULED:
            due.put(tx, found.name, first)
    wake(call)
    return {"MonitoringScheduleArn": found.arn}


@operation("DescribeMonitoringSchedule")
def describe(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The schedule and its last execution."""
    with call.catalog.read() as tx:
        found = _found(tx, request)
        last = executions.last_of(tx, found.name)
    told = _shown(found)
    told["MonitoringScheduleConfig"] = found.body["MonitoringScheduleConfig"]
    if found.body.get(FAILURE):
        told[FAILURE] = found.body[FAILURE]
    return {**told, "LastMonitoringExecutionSummary": execution_summary(last[0], call)} if last else told


@operation("ListMonitoringSchedules")
def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A page of the schedules."""
    labels = {"EndpointName": "endpoint", "MonitoringJobDefinitionName": "definition", "MonitoringTypeEquals": "type"}
    return listed(call, KIND, request, _summary, "MonitoringScheduleSummaries", attributes=labels)


@operation("StartMonitoringSchedule")
def start(request: Mapping[str, Any], call: Call) -> None:
    """Plan again, from now on."""
    with call.catalog.begin() as tx:
        found = _found(tx, request)
        if found.status == SCHEDULED:
            return
        body = {member: value for member, value in _mended(found).items() if member != STOPPED_TIME}
        resources.update(tx, KIND, found.name, now=call.now, status=SCHEDULED, body=body)
        due.put(tx, found.name, Plan.of(found.body["MonitoringScheduleConfig"]).after(call.now))
    wake(call)


@operation("StopMonitoringSchedule")
def stop(request: Mapping[str, Any], call: Call) -> None:
    """Plan nothing more; what is queued does not run, what runs ends by itself."""
    with call.catalog.begin() as tx:
        found = _found(tx, request)
        since = found.body.get(STOPPED_TIME) or call.now.timestamp()
        body = {**found.body, STOPPED_TIME: since}
        resources.update(tx, KIND, found.name, now=call.now, status=STOPPED, body=body)
        schedules.unplan(tx, found.name, call.now)


@operation("DeleteMonitoringSchedule")
def delete(request: Mapping[str, Any], call: Call) -> None:
    """Forget the schedule; what runs is stopped, the history is kept."""
    with call.catalog.begin() as tx:
        found = _found(tx, request)
        schedules.stop(tx, found.name, call.now)
        actions.end(tx, found, call.now, call.settings)
        resources.delete(tx, KIND, found.name)
        tags.remove(tx, found.arn)
        alerts.remove(tx, found.name)
        due.remove(tx, found.name)


def _checked(tx: Connection, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with its type; raises where it does not say which job to run, or names none."""
    inline, name = config.get("MonitoringJobDefinition"), config.get("MonitoringJobDefinitionName")
    if bool(inline) == bool(name):
        said = "Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must be given"
        raise AwsError("ValidationException", f"{said} in MonitoringScheduleConfig.")
    if name and not config.get("MonitoringType"):
        raise AwsError("ValidationException", "MonitoringType must be given with MonitoringJobDefinitionName.")
    try:
        definition = definition_of(tx, config)
    except NotFound as error:
        said = f"Could not find {config['MonitoringType']} job definition with name: {name}"
        raise AwsError("ResourceNotFound", said) from error
    checked = {"MonitoringType": "DataQuality", **config}
    Plan.of(checked).first_window(source_of(definition))
    return checked


def _labels(tx: Connection, config: Mapping[str, Any]) -> dict[str, str]:
    source = source_of(definition_of(tx, config))
    found = {
        "type": config.get("MonitoringType"),
        "definition": config.get("MonitoringJobDefinitionName"),
        "endpoint": source.get("EndpointName"),
    }
    return {name: value for name, value in found.items() if value}


def _found(tx: Connection, request: Mapping[str, Any]) -> Resource:
    name = request["MonitoringScheduleName"]
    found = resources.find(tx, KIND, name)
    if found is None:
        raise NotFound(what="Monitoring Schedule", name=name)
    return found


def _mended(found: Resource) -> dict[str, Any]:
    """The body without the reason for which it could not be planned."""
    return {member: value for member, value in found.body.items() if member != FAILURE}


def _shown(found: Resource) -> dict[str, Any]:
    told: dict[str, Any] = {
        "MonitoringScheduleArn": found.arn,
        "MonitoringScheduleName": found.name,
        "MonitoringScheduleStatus": found.status,
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
        "MonitoringType": found.labels.get("type", "DataQuality"),
    }
    return {**told, "EndpointName": found.labels["endpoint"]} if "endpoint" in found.labels else told


def _summary(found: Resource) -> dict[str, Any]:
    told = _shown(found)
    if "definition" in found.labels:
        told["MonitoringJobDefinitionName"] = found.labels["definition"]
    return told
