"""Monitoring alerts: one for each schedule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from driftline.alerting import actions
from driftline.catalog import alerts, resources
from driftline.catalog.alerts import Alert
from driftline.errors import Invalid, NotFound
from driftline.schedules import KIND
from driftline.server.aws.wire import Call, operation

_PAGE = 100


@operation("ListMonitoringAlerts")
def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The alert of a schedule."""
    with call.catalog.read() as tx:
        found = _found(tx, request["MonitoringScheduleName"])
        wanted = actions.targets_of(tx, resources.get(tx, KIND, found.schedule).arn)
    return {"MonitoringAlertSummaries": [_summary(found, wanted.shown)]}


@operation("UpdateMonitoringAlert")
def update(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Other numbers of executions for the alert."""
    datapoints, period = request["DatapointsToAlert"], request["EvaluationPeriod"]
    if datapoints > period:
        raise Invalid(what="DatapointsToAlert", got=datapoints, expected=f"at most EvaluationPeriod ({period})")
    with call.catalog.begin() as tx:
        found = _found(tx, request["MonitoringScheduleName"])
        if found.name != request["MonitoringAlertName"]:
            raise NotFound(what="Monitoring Alert", name=request["MonitoringAlertName"])
        alerts.update(tx, found.schedule, now=call.now, datapoints=datapoints, period=period)
        schedule = resources.get(tx, KIND, found.schedule)
    return {"MonitoringScheduleArn": schedule.arn, "MonitoringAlertName": found.name}


@operation("ListMonitoringAlertHistory")
def history(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """When alerts changed, latest first; the token is the place to go on from."""
    with call.catalog.read() as tx:
        changes = alerts.changes(tx, request.get("MonitoringScheduleName"))
    found = [
        {
            "MonitoringScheduleName": change.body.get("schedule", change.schedule),
            "MonitoringAlertName": change.name,
            "CreationTime": change.created,
            "AlertStatus": change.status,
        }
        for change in changes
    ]
    kept = [each for each in found if _is_wanted(each, request)]
    if request.get("SortBy") == "Status":
        kept.sort(key=lambda each: str(each["AlertStatus"]), reverse=True)
    if request.get("SortOrder") == "Ascending":
        kept.reverse()
    return _page(kept, request)


def _is_wanted(each: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    before, after = request.get("CreationTimeBefore"), request.get("CreationTimeAfter")
    return (
        (before is None or each["CreationTime"] < before)
        and (after is None or each["CreationTime"] > after)
        and request.get("StatusEquals") in (None, each["AlertStatus"])
        and request.get("MonitoringAlertName") in (None, each["MonitoringAlertName"])
    )


def _page(kept: Sequence[Mapping[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    token, limit = request.get("NextToken", "0"), request.get("MaxResults") or _PAGE
    if not re.fullmatch("[0-9]{1,18}", token):
        raise Invalid(what="NextToken", got=token, expected="the token of the page before")
    start = int(token)
    page: dict[str, Any] = {"MonitoringAlertHistory": kept[start : start + limit]}
    return {**page, "NextToken": str(start + limit)} if len(kept) > start + limit else page


def _found(tx: Connection, schedule: str) -> Alert:
    found = alerts.find(tx, schedule)
    if found is None:
        raise NotFound(what="Monitoring Schedule", name=schedule)
    return found


def _summary(found: Alert, shown: bool) -> dict[str, Any]:
    return {
        "MonitoringAlertName": found.name,
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
        "AlertStatus": found.status,
        "DatapointsToAlert": found.datapoints,
        "EvaluationPeriod": found.period,
        "Actions": {"ModelDashboardIndicator": {"Enabled": shown}},
    }
