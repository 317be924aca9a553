"""What requests say of rules of alerts, of channels and maintenance, and what the answers show of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

from driftline.alerting.digests import Every
from driftline.alerting.rule import NAME, Severity
from driftline.server.rest.asked import Asked, Document, Moment, PageWanted, Text
from driftline.server.rest.conditioned import (
    AnyConditionValue,
    ConditionValue,
    Hours,
    Number,
    ScheduleConditionValue,
    Windows,
)
from driftline.server.rest.registered import Named

RuleName = Annotated[str, Path(pattern=NAME, description="The rule's name, among the model's.")]
AlertId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{4,32}$", description="The alert's id, or at least the first four digits of it.")
]
ChannelName = Annotated[str, Path(pattern=NAME, description="The channel's name.")]
QuietId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="Its id.")]
OfModel = Annotated[str | None, Query(pattern=r"^[^\x00-\x1f/]{1,256}$", description="Of this model.")]
InState = Annotated[Literal["FIRING", "OK"] | None, Query(description="In this state.")]

ChannelNames = Annotated[list[Annotated[str, Field(pattern=NAME)]], Field(max_length=50)]


class RuleParts(Asked):
    """When a rule fires, how bad that is, and who is told."""

    count: Annotated[Windows, Field(description="It fires when so many windows are bad ...")] = 1
    last: Annotated[Windows, Field(description="... of the last ones.")] = 1
    severity: Annotated[Severity, Field(description="How bad it is.")] = Severity.WARNING
    owner: Annotated[Text, Field(max_length=256, description="Who looks after it.")] = ""
    text: Annotated[Text, Field(max_length=4000, description="What to do; it goes with the message.")] = ""
    channels: Annotated[ChannelNames | None, Field(description="Who is told; all channels if null.")] = None
    escalate_hours: Annotated[
        Hours | None, Field(description="Tell once more if it fires so long and nobody acknowledged it.")
    ] = None
    escalate_beyond: Annotated[
        Number | None, Field(gt=0, description="Tell once more if a value is so many limits beyond its limit.")
    ] = None
    escalate_to: Annotated[
        ChannelNames, Field(default_factory=list, description="Tell these then; those of the rule if empty.")
    ]
    enabled: Annotated[bool, Field(description="Whether it is looked at.")] = True


class OfMonitors(Asked):
    """At whose runs a rule of a model looks."""

    monitor: Annotated[str | None, Field(pattern=NAME, description="Whose runs; those of each monitor if null.")] = None
    version: Annotated[Named | None, Field(description="Only monitors of this version.")] = None
    where: Annotated[Document | None, Field(description="Only monitors of this segment.")] = None


class OfSchedules(Asked):
    """At whose executions a rule of schedules looks."""

    schedule: Annotated[
        str | None, Field(pattern=NAME, description="Whose executions; those of each schedule if null.")
    ] = None
    endpoint: Annotated[str | None, Field(pattern=NAME, description="Only schedules of this endpoint.")] = None


class RuleWanted(RuleParts, OfMonitors):
    """A rule: what must not be, how bad it is, and who is told."""

    condition: ConditionValue


class ScheduleRuleWanted(RuleParts, OfSchedules):
    """A rule of schedules: what must not be, how bad it is, and who is told."""

    condition: ScheduleConditionValue


class RuleValue(RuleParts, OfMonitors, OfSchedules):
    """A rule under its name."""

    condition: AnyConditionValue
    model: Annotated[str, Field(description="The model that it is of; empty for a rule of schedules.")]
    name: str
    created: datetime | None
    modified: datetime | None


class RuleDetail(RuleValue):
    """A rule, and of what it can say nothing yet."""

    silent: Annotated[list[str], Field(description="Of which monitors nothing could be said the last time, and why.")]


class TrialWanted(Asked):
    """A rule to be tried on what was."""

    rule: RuleWanted
    since: Annotated[Moment | None, Field(description="Windows that end later; all if null.")] = None
    until: Annotated[Moment | None, Field(description="Windows that end up to here; now if null.")] = None


class ScheduleTrialWanted(Asked):
    """A rule of schedules to be tried on what was."""

    rule: ScheduleRuleWanted
    since: Annotated[Moment | None, Field(description="Windows that end later; all if null.")] = None
    until: Annotated[Moment | None, Field(description="Windows that end up to here; now if null.")] = None


class WouldFlip(BaseModel):
    """A state that would have changed."""

    at: Annotated[datetime, Field(description="The end of the window, or when the silence was noticed or ended.")]
    subject: str
    state: Annotated[str, Field(description="FIRING or OK.")]
    said: str


class TrialResult(BaseModel):
    """When a rule would have fired."""

    flips: list[WouldFlip]
    windows: Annotated[int, Field(description="How many windows were looked at.")]
    measures: Annotated[list[str], Field(description="What can be measured in them.")]
    silent: Annotated[
        list[str], Field(description="Of which monitors nothing can be said after the last window, and why.")
    ]


class Alert(BaseModel):
    """What a rule says of one subject now."""

    id: str
    model: Annotated[str, Field(description="Empty for an alert of a schedule.")]
    schedule: Annotated[str | None, Field(description="The schedule that it is of.")]
    endpoint: Annotated[str | None, Field(description="The schedule's endpoint.")]
    rule: str
    subject: str
    state: Annotated[str, Field(description="FIRING or OK.")]
    escalated: Annotated[bool, Field(description="Whether it was told as escalated.")]
    severity: Severity
    owner: str
    cause: Annotated[str, Field(description="The monitor, or what is absent.")]
    since: datetime
    said: str
    value: float | None
    limit: float | None
    run: Annotated[str | None, Field(description="The run, or the execution, with the value.")]
    report: Annotated[str | None, Field(description="Where the violations of that run are.")]
    window_end: datetime | None
    acknowledged: datetime | None
    acknowledged_by: str | None
    snoozed: Annotated[datetime | None, Field(description="Nobody is told until then.")]


class AlertFlip(BaseModel):
    """A change of an alert's state."""

    number: int
    state: str
    at: datetime
    said: str
    value: float | None
    run: str | None


class AlertDetail(Alert):
    """An alert and its last changes, latest first."""

    flips: list[AlertFlip]


class SnoozeWanted(Asked):
    """How long nobody is told of an alert."""

    until: Annotated[Moment | None, Field(description="Until then; null ends it.")]


class ChannelWanted(Asked):
    """Where people are told; secrets are named where the server has them."""

    kind: Annotated[Text, Field(max_length=32, description="Which kind: webhook, email, slack, ...")]
    config: Annotated[Document, Field(default_factory=dict, description="Its members, see the reference of channels.")]
    least: Annotated[Severity, Field(description="How bad must be what it is told.")] = Severity.NOTE
    digest: Annotated[
        Every | None, Field(description="Told once every hour or day, in one message; at once if null.")
    ] = None


class ChannelValue(ChannelWanted):
    """A channel under its name."""

    name: str
    created: datetime
    modified: datetime


class Tested(BaseModel):
    """A test message that was taken."""

    sent: bool


class DeliveriesWanted(PageWanted):
    """Which deliveries are listed."""

    model: Annotated[Named | None, Field(description="Of this model.")] = None
    channel: Annotated[str | None, Field(pattern=NAME, description="To this channel.")] = None
    status: Annotated[
        Literal["pending", "sent", "failed", "held", "digested"] | None, Field(description="With this status.")
    ] = None


class DeliveryValue(BaseModel):
    """A message to one channel."""

    id: str
    channel: str
    model: Annotated[str, Field(description="Empty for one of schedules, and for a digest.")]
    state: Annotated[str, Field(description="firing, resolved, escalated or digest.")]
    severity: str
    title: str
    status: Annotated[str, Field(description="pending, sent or failed; held for a digest, or digested.")]
    attempts: int
    reason: Annotated[str | None, Field(description="What the last attempt met.")]
    created: datetime
    due: Annotated[datetime, Field(description="When it is tried, or was to be tried last.")]
    ended: datetime | None


class QuietWanted(Asked):
    """Maintenance: nobody is told of what begins to fire in it."""

    until: Annotated[Moment, Field(description="Its end.")]
    start: Annotated[Moment | None, Field(description="Its start; now if null.")] = None
    model: Annotated[Named | None, Field(description="Of this model; of all if null.")] = None
    note: Annotated[Text, Field(max_length=1000, description="Why.")] = ""


class QuietValue(BaseModel):
    """A time of maintenance."""

    id: str
    model: str | None
    note: str
    start: datetime
    until: datetime
