"""CloudWatch's alarms on our own address: configured, shown, and set for a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline.alarms import acting
from driftline.alarms.statistics import refuse
from driftline.alarms.verdict import COMPARISONS, MISSING
from driftline.catalog import alarms, tags
from driftline.catalog.alarms import CONFIGURED, Alarm, Event
from driftline.errors import Invalid, NotFound
from driftline.server.aws.cloudwatch import API, metric_of, refuse_period, token_of
from driftline.server.aws.tags import tags_of
from driftline.server.aws.wire import Call, operation

_DAY, _WEEK = 86_400, 604_800
_PAGE, _EVENTS = 50, 100
_KEPT = (
    "AlarmDescription",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
)
_LISTS = ("OKActions", "AlarmActions", "InsufficientDataActions", "Dimensions")
_NEEDED = ("Period", "EvaluationPeriods", "Threshold", "ComparisonOperator")
_KNOWN = {*_KEPT, "AlarmName", "ActionsEnabled", "Tags"}


@operation("PutMetricAlarm", api=API)
def put(request: Mapping[str, Any], call: Call) -> None:
    """Make an alarm, or configure it anew; it is judged at once."""
    name, body = request["AlarmName"], _body(request)
    with call.catalog.begin() as tx:
        before = alarms.put(tx, name, body, now=call.now)
        if before is None and request.get("Tags"):
            tags.put(tx, acting.arn(name, call.settings), tags_of(request))
        word = "Create" if before is None else "Update"
        said = {"version": "1.0", "type": word, f"{word.lower()}dAlarm": {"alarmName": name, **body}}
        alarms.note(tx, name, CONFIGURED, f'Alarm "{name}" {word.lower()}d', json.dumps(said), now=call.now)


def _body(request: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of an alarm on one metric; raises `Invalid` for any other."""
    for member in request:
        if member not in _KNOWN:
            raise Invalid(what=member, got="a value", expected="an alarm on one metric and a threshold")
    metric_of(request)
    for member in _NEEDED:
        if request.get(member) is None:
            raise Invalid(what=member, got="nothing", expected="a value, which every alarm needs")
    named = [request[each] for each in ("Statistic", "ExtendedStatistic") if request.get(each)]
    if len(named) != 1:
        raise Invalid(what="Statistic", got=named, expected="either Statistic or ExtendedStatistic")
    refuse(named[0])
    _check_periods(request)
    if request["ComparisonOperator"] not in COMPARISONS:
        expected = f"one of {', '.join(COMPARISONS)}"
        raise Invalid(what="ComparisonOperator", got=request["ComparisonOperator"], expected=expected)
    if request.get("TreatMissingData", MISSING[0]) not in MISSING:
        raise Invalid(what="TreatMissingData", got=request["TreatMissingData"], expected=f"one of {', '.join(MISSING)}")
    if request.get("EvaluateLowSampleCountPercentile", "evaluate") != "evaluate":
        got = request["EvaluateLowSampleCountPercentile"]
        raise Invalid(what="EvaluateLowSampleCountPercentile", got=got, expected="evaluate")
    kept = {member: request[member] for member in _KEPT if request.get(member) is not None}
    return {"ActionsEnabled": request.get("ActionsEnabled", True), **{member: [] for member in _LISTS}, **kept}


def _check_periods(request: Mapping[str, Any]) -> None:
    period, periods = request["Period"], request["EvaluationPeriods"]
    refuse_period(period)
    most = _WEEK if period >= 3600 else _DAY
    if period < 10 or period * periods > most:
        expected = f"a Period of at least 10 seconds, and {most} seconds at most in all EvaluationPeriods"
        raise Invalid(what="Period", got=f"{period} seconds, {periods} times", expected=expected)
    needed = request.get("DatapointsToAlarm") or periods
    if needed > periods:
        raise Invalid(what="DatapointsToAlarm", got=needed, expected=f"at most EvaluationPeriods ({periods})")


@operation("DescribeAlarms", api=API)
def describe(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Alarms in the order of their names; the token is the name of the last one."""
    if request.get("AlarmNames") and request.get("AlarmNamePrefix"):
        raise Invalid(what="AlarmNamePrefix", got=request["AlarmNamePrefix"], expected="AlarmNames or a prefix")
    answer: dict[str, Any] = {"MetricAlarms": [], "CompositeAlarms": []}
    family = request.get("ChildrenOfAlarmName") or request.get("ParentsOfAlarmName")
    if family or "MetricAlarm" not in (request.get("AlarmTypes") or ["MetricAlarm"]):
        return answer  # there are no composite alarms here
    with call.catalog.read() as tx:
        found = alarms.listed(
            tx,
            names=request.get("AlarmNames") or (),
            prefix=request.get("AlarmNamePrefix") or "",
            state=request.get("StateValue"),
            after=request.get("NextToken") or "",
        )
    prefix = request.get("ActionPrefix") or ""
    kept = [each for each in found if not prefix or any(one.startswith(prefix) for one in _actions(each))]
    limit = request.get("MaxRecords") or _PAGE
    answer["MetricAlarms"] = [_shown(each, call) for each in kept[:limit]]
    return {**answer, "NextToken": kept[limit - 1].name} if len(kept) > limit else answer


def _actions(found: Alarm) -> list[str]:
    return [one for member in _LISTS[:3] for one in found.body[member]]


def _shown(found: Alarm, call: Call) -> dict[str, Any]:
    return {
        **found.body,
        "AlarmName": found.name,
        "AlarmArn": acting.arn(found.name, call.settings),
        "AlarmConfigurationUpdatedTimestamp": found.modified,
        "StateValue": found.state,
        "StateReason": found.reason,
        "StateReasonData": found.data or None,
        "StateUpdatedTimestamp": found.changed,
        "StateTransitionedTimestamp": found.flipped,
    }


@operation("DeleteAlarms", api=API)
def delete(request: Mapping[str, Any], call: Call) -> None:
    """Forget alarms, all of them or none; their history stays."""
    with call.catalog.begin() as tx:
        for name in request["AlarmNames"]:
            if not alarms.remove(tx, name):
                raise NotFound(what="Alarm", name=name)
            tags.remove(tx, acting.arn(name, call.settings))
            said = json.dumps({"version": "1.0", "type": "Delete", "deletedAlarm": {"alarmName": name}})
            alarms.note(tx, name, CONFIGURED, f'Alarm "{name}" deleted', said, now=call.now)


@operation("SetAlarmState", api=API)
def set_state(request: Mapping[str, Any], call: Call) -> None:
    """Set the state for a trial, with the actions of the new one; the next judgement sets it right."""
    data = request.get("StateReasonData") or ""
    with call.catalog.begin() as tx:
        found = _locked(tx, request["AlarmName"])
        reason = request["StateReason"]
        acting.change(tx, found, request["StateValue"], reason, data, now=call.now, settings=call.settings)


@operation("EnableAlarmActions", api=API)
def enable(request: Mapping[str, Any], call: Call) -> None:
    """From now on alarms act when their state changes."""
    _switch(request, call, True)


@operation("DisableAlarmActions", api=API)
def disable(request: Mapping[str, Any], call: Call) -> None:
    """From now on alarms do nothing when their state changes."""
    _switch(request, call, False)


def _switch(request: Mapping[str, Any], call: Call, enabled: bool) -> None:
    with call.catalog.begin() as tx:
        for name in request["AlarmNames"]:
            found = alarms.find(tx, name, lock=True)
            if found is not None:  # CloudWatch passes over those that are not there
                alarms.put(tx, name, {**found.body, "ActionsEnabled": enabled}, now=call.now)


def _locked(tx: Connection, name: str) -> Alarm:
    found = alarms.find(tx, name, lock=True)
    if found is None:
        raise NotFound(what="Alarm", name=name)
    return found


@operation("DescribeAlarmHistory", api=API)
def history(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """What happened to an alarm, or to all; the latest first unless asked otherwise."""
    place, limit = token_of(request), request.get("MaxRecords") or _EVENTS
    with call.catalog.read() as tx:
        found = alarms.events(
            tx,
            request.get("AlarmName"),
            kind=request.get("HistoryItemType"),
            since=request.get("StartDate"),
            until=request.get("EndDate"),
            descending=request.get("ScanBy") != "TimestampAscending",
        )
    items = [_item(each) for each in found[place : place + limit]]
    return {"AlarmHistoryItems": items, **({"NextToken": str(place + limit)} if len(found) > place + limit else {})}


def _item(found: Event) -> dict[str, Any]:
    return {
        "AlarmName": found.alarm,
        "AlarmType": "MetricAlarm",
        "Timestamp": found.time,
        "HistoryItemType": found.kind,
        "HistorySummary": found.summary,
        "HistoryData": found.data,
    }


@operation("ListTagsForResource", api=API)
def list_tags(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The tags of an alarm."""
    with call.catalog.read() as tx:
        found = tags.of(tx, _known(tx, request["ResourceARN"], call))
    return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}


@operation("TagResource", api=API)
def tag(request: Mapping[str, Any], call: Call) -> None:
    """Add tags to an alarm, or change their values."""
    with call.catalog.begin() as tx:
        tags.put(tx, _known(tx, request["ResourceARN"], call), tags_of(request))


@operation("UntagResource", api=API)
def untag(request: Mapping[str, Any], call: Call) -> None:
    """Remove tags of an alarm."""
    with call.catalog.begin() as tx:
        tags.remove(tx, _known(tx, request["ResourceARN"], call), request["TagKeys"])


def _known(tx: Connection, arn: str, call: Call) -> str:
    name = arn.partition(":alarm:")[2]
    if acting.arn(name, call.settings) != arn or alarms.find(tx, name) is None:
        raise NotFound(what="Resource", name=arn)
    return arn
