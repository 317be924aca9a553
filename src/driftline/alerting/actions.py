"""What follows when the alert of a schedule flips: its topics and functions are told, its alarms are set, once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from driftline.alarms import acting
from driftline.alerting import targets, telling, wording
from driftline.alerting.targets import Targets
from driftline.catalog import Catalog, alarms, alerts, deliveries, resources, tags, topics
from driftline.catalog.alarms import ALARM, CONFIGURED, OK, Alarm
from driftline.catalog.alerts import IN_ALERT, Change
from driftline.catalog.deliveries import Delivery
from driftline.catalog.resources import Resource
from driftline.channels import sns
from driftline.channels.message import Message, cut
from driftline.schedules import KIND
from driftline.settings import Settings
from driftline.topics.publishing import Publication, publish

_SPACE = uuid.UUID("b0b6d2f4-27a5-4f0e-8f3e-5c1d5b1a9d02")
_MANY, _DELETED = 10, "Deleted"
_ADVICE = "Much has moved at once: look at what the data come from first, then consider retraining."
_WATCHES = {
    "Namespace": "driftline/alerts",
    "MetricName": "InAlert",
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "ignore",
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
}
"""An alarm that is made for an alert: nobody puts its metric, so it says what the alert said last."""


def act(catalog: Catalog, now: datetime, settings: Settings) -> int:
    """Do what follows from flips that nobody followed yet; says how many were.

    Each in one transaction that claims the flip, so several workers, and one that starts again, follow each once. What
    is sent elsewhere is queued in it.
    """
    with catalog.read() as tx:
        waiting = sorted(alerts.untold(tx), key=lambda each: (each.schedule, each.id))
    made = 0
    for _, found in groupby(waiting, key=lambda each: each.schedule):
        with catalog.begin() as tx:
            made += _follow(tx, list(found), now, settings)
    return made


def targets_of(tx: Connection, arn: str) -> Targets:
    """Whom the alert of the schedule with this ARN tells."""
    return Targets.of(tags.of(tx, arn))


def prepare(tx: Connection, arn: str, schedule: str, *, now: datetime) -> None:
    """Make those alarms of the schedule that are not there, so that they can be seen before the alert flips."""
    for name in targets_of(tx, arn).alarms:
        _alarm(tx, name, schedule, now)


def end(tx: Connection, schedule: Resource, now: datetime, settings: Settings) -> None:
    """The schedule is being deleted: whoever was told that its alert is raised is told that this is over."""
    alert = alerts.find(tx, schedule.name, lock=True)
    if alert is not None and alert.status == IN_ALERT:
        body = {**alerts.changes(tx, schedule.name)[0].body, "status": _DELETED, "said": "the schedule was deleted"}
        alerts.flip(tx, alert, alerts.OK, now=now, body=body)
    found = alerts.untold(tx, schedule.name)
    if found:  # also what nobody has followed yet: soon there are no tags that say whom to tell
        _follow(tx, found, now, settings)


def _follow(tx: Connection, found: Sequence[Change], now: datetime, settings: Settings) -> int:
    """Follow the flips of one schedule; what begins in maintenance waits, and what also ends in it is not told."""
    schedule = resources.find(tx, KIND, found[0].schedule)
    if deliveries.is_quiet(tx, _about(found[0]), now):
        found = _after_maintenance(tx, found, now)
    mine = [each for each in found if alerts.tell(tx, each, now=now)]
    if schedule is None:  # deleted, and its tags with it
        return 0
    wanted = targets_of(tx, schedule.arn)
    for each in mine:
        _tell(tx, wanted, _message(each, wanted.severity, settings), now)
        for name in sorted(wanted.alarms):  # in one order, so that two who set several do not wait for one another
            _set(tx, name, each, now, settings)
    return len(mine)


def _after_maintenance(tx: Connection, found: Sequence[Change], now: datetime) -> Sequence[Change]:
    """What is told in spite of maintenance: the end of what was told before."""
    if found[0].status != IN_ALERT:
        return found[:1]
    for each in found if found[-1].status != IN_ALERT else found[:-1]:
        alerts.tell(tx, each, now=now)
    return ()


def _about(change: Change) -> str:
    """What people know the watched model by: its endpoint, or else the schedule."""
    return str(change.body["endpoint"] or change.body["schedule"])


def _message(change: Change, severity: str, settings: Settings) -> Message:
    body = change.body
    schedule, count = str(body["schedule"]), body["violations"] or 0
    text = [] if body["of"] < 2 else [f"{body['bad']} of the last {body['of']} executions failed or found violations."]
    if change.status == IN_ALERT:
        failed = body["status"] == "Failed"
        said = "failed" if failed else f"found {count} violation{'' if count == 1 else 's'}"
        text += [str(body["said"])] if failed else []
        text += [_ADVICE] if count >= _MANY else []
    else:
        said = "was deleted" if body["status"] == _DELETED else "is back to normal"
    lines = tuple(body["worst"]) if change.status == IN_ALERT else ()
    return Message(
        key=str(uuid.uuid5(_SPACE, f"{schedule}/{change.id}/{change.created.isoformat()}")),
        state="firing" if change.status == IN_ALERT else "resolved",
        severity=severity,
        title=cut(f"{schedule} {said}", 200),
        text="\n".join(text),
        model=_about(change),
        cause=f"schedule {schedule}",
        link=f"{wording.root(settings)}/console/executions/{body['execution']}",
        at=change.created,
        lines=(*lines, f"and {count - len(lines)} more") if lines and count > len(lines) else lines,
        monitor=schedule,
        endpoint=body["endpoint"] or "",
        report=body["report"] or "",
    )


def _tell(tx: Connection, wanted: Targets, told: Message, now: datetime) -> None:
    """Topics of ours are published to; functions, and topics at AWS, are sent to by the delivery queue."""
    elsewhere = list(wanted.functions)
    attributes = {name: {"Type": "String", "Value": value} for name, value in sns.attributes(told).items()}
    forms = sns.forms(told)
    for each in wanted.topics:
        if topics.find(tx, each) is None:
            elsewhere.append(each)
        else:
            publish(tx, each, Publication(forms["default"], sns.subject(told), forms, attributes), now=now)
    if not elsewhere:
        return
    kept = {name: value for name, value in asdict(told).items() if name not in ("key", "state", "model", "at")}
    deliveries.add_message(tx, told.key, told.model, told.state, {**kept, "lines": list(told.lines)}, told.at)
    for each in elsewhere:
        made = Delivery(str(uuid.uuid5(_SPACE, f"{told.key}/{each}")), told.key, each, now, now)
        deliveries.add(tx, made)
        telling.enqueue(tx, made, told.model, now)


def _set(tx: Connection, name: str, change: Change, now: datetime, settings: Settings) -> None:
    """Set an alarm of ours as `SetAlarmState` does: its actions follow if that is another state.

    An alarm of several schedules is over when none of their alerts is raised any more.
    """
    body: Mapping[str, Any] = change.body
    reason = f"The alert {change.name} of the schedule {body['schedule']} is {change.status}: {body['said']}"
    facts = {"schedule": body["schedule"], "execution": body["execution"], "violationReport": body["report"]}
    state = ALARM if change.status == IN_ALERT or _is_raised(tx, name) else OK
    found = _alarm(tx, name, str(body["schedule"]), now)
    acting.change(tx, found, state, reason[:1023], json.dumps(facts), now=now, settings=settings)


def _is_raised(tx: Connection, name: str) -> bool:
    """Whether the alert of any schedule that names the alarm is raised."""
    schedules = [each.rpartition("/")[2] for each in tags.arns(tx, targets.ALARM, name)]
    found = [alerts.find(tx, each) for each in schedules]
    return any(each is not None and each.status == IN_ALERT for each in found)


def _alarm(tx: Connection, name: str, schedule: str, now: datetime) -> Alarm:
    """The alarm of this name, locked; made if there is none."""
    found = alarms.find(tx, name, lock=True)
    if found is not None:
        return found
    described = f"Set by the alert of the monitoring schedule {schedule}."
    body = {
        **_WATCHES,
        "AlarmDescription": described,
        "Dimensions": [{"Name": "MonitoringSchedule", "Value": schedule}],
    }
    alarms.put(tx, name, body, now=now)
    said = {"version": "1.0", "type": "Create", "createdAlarm": {"alarmName": name, **body}}
    alarms.note(tx, name, CONFIGURED, f'Alarm "{name}" created', json.dumps(said), now=now)
    made = alarms.find(tx, name, lock=True)
    assert made is not None  # it is locked since it was put
    return made
