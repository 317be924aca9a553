"""What follows when an alarm changes its state: it is noted, and the topics of its actions are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import alarms, topics
from driftline.catalog.alarms import ACTED, ALARM, FLIPPED, INSUFFICIENT_DATA, OK, Alarm
from driftline.settings import Settings
from driftline.topics.publishing import Publication, publish

_ACTIONS = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT_DATA: "InsufficientDataActions"}
_SHOWN = ("OKActions", "AlarmActions", "InsufficientDataActions")


def change(
    tx: Connection, found: Alarm, state: str, reason: str, data: str, *, now: datetime, settings: Settings
) -> bool:
    """Set the state of an alarm, and perform the actions of the new one if it is another.

    False if the alarm changed meanwhile: then nothing is done. Publications are made in this transaction, so a change
    is told if it happened, and told once.
    """
    if not alarms.flip(tx, found, state, reason, data, now=now):
        return False
    if state == found.state:
        return True
    said = {"version": "1.0", "oldState": _state(found.state, found.reason, found.data)}
    said["newState"] = _state(state, reason, data)
    summary = f"Alarm updated from {found.state} to {state}"
    alarms.note(tx, found.name, FLIPPED, summary, json.dumps(said), now=now)
    if found.body.get("ActionsEnabled", True):
        message = json.dumps(_message(found, state, reason, now, settings))
        title = f'{state}: "{found.name}" in {settings.region}'
        for action in found.body.get(_ACTIONS[state]) or ():
            _act(tx, found, action, Publication(message, title[:100]), now)
    return True


def _act(tx: Connection, found: Alarm, action: str, told: Publication, now: datetime) -> None:
    """Tell a topic of ours; what anything else would do is not done here, and that is noted."""
    facts = {"stateUpdateTimestamp": stamp(now), "notificationResource": action}
    if topics.find(tx, action) is None:
        said = f"Failed to execute action {action}: there is no such topic on this server"
        alarms.note(tx, found.name, ACTED, said, json.dumps({"actionState": "Failed", **facts}), now=now)
        return
    publish(tx, action, told, now=now)
    facts |= {"publishedMessage": told.message}
    said = f"Successfully executed action {action}"
    alarms.note(tx, found.name, ACTED, said, json.dumps({"actionState": "Succeeded", **facts}), now=now)


def _state(state: str, reason: str, data: str) -> dict[str, Any]:
    found: dict[str, Any] = {"stateValue": state, "stateReason": reason}
    if data:
        try:
            found["stateReasonData"] = json.loads(data)
        except ValueError:  # whoever sets a state may give any text
            found["stateReasonData"] = data
    return found


def arn(name: str, settings: Settings) -> str:
    """The ARN of an alarm."""
    return f"arn:aws:cloudwatch:{settings.region}:{settings.account}:alarm:{name}"


def stamp(moment: datetime) -> str:
    """A time as CloudWatch writes it into texts.

    >>> stamp(datetime(2026, 3, 1, 12, 0, 5, 120_000, tzinfo=UTC))
    '2026-03-01T12:00:05.120+0000'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _message(found: Alarm, state: str, reason: str, now: datetime, settings: Settings) -> dict[str, Any]:
    """What CloudWatch publishes, with the keys that receivers of its messages read."""
    body = found.body
    return {
        "AlarmName": found.name,
        "AlarmDescription": body.get("AlarmDescription"),
        "AWSAccountId": settings.account,
        "AlarmConfigurationUpdatedTimestamp": stamp(found.modified),
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": stamp(now),
        "Region": settings.region,
        "AlarmArn": arn(found.name, settings),
        "OldStateValue": found.state,
        **{name: body.get(name) or [] for name in _SHOWN},
        "Trigger": _trigger(body),
    }


def _trigger(body: Any) -> dict[str, Any]:
    extended = body.get("ExtendedStatistic")
    return {
        "MetricName": body["MetricName"],
        "Namespace": body["Namespace"],
        "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        "Statistic": extended or body["Statistic"].upper(),
        "Unit": body.get("Unit"),
        "Dimensions": [{"value": each["Value"], "name": each["Name"]} for each in body["Dimensions"]],
        "Period": body["Period"],
        "EvaluationPeriods": body["EvaluationPeriods"],
        "DatapointsToAlarm": body.get("DatapointsToAlarm") or body["EvaluationPeriods"],
        "ComparisonOperator": body["ComparisonOperator"],
        "Threshold": body["Threshold"],
        "TreatMissingData": body.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": body.get("EvaluateLowSampleCountPercentile", ""),
    }
