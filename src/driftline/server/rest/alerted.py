"""What requests say of rules of alerts, of channels and maintenance, and what the answers show of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

from driftline.alerting.rule import NAME, Missing, Severity
from driftline.server.rest.asked import Asked, Document, Moment, PageWanted, Text
from driftline.server.rest.registered import Named

RuleName = Annotated[str, Path(pattern=NAME, description="The rule's name, among the model's.")]
AlertId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{4,32}$", description="The alert's id, or at least the first four digits of it.")
]
ChannelName = Annotated[str, Path(pattern=NAME, description="The channel's name.")]
QuietId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="Its id.")]
OfModel = Annotated[str | None, Query(pattern=r"^[^\x00-\x1f/]{1,256}$", description="Of this model.")]
InState = Annotated[Literal["FIRING", "OK"] | None, Query(description="In this state.")]

Number = Annotated[float, Field(allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24 * 3660, allow_inf_nan=False)]
Windows = Annotated[int, Field(ge=1, le=100)]
Measure = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=256,
        description="A measure of the runs, estimated:NAME or realised:NAME, or rows, labelled, violations.",
    ),
]
Subject = Annotated[Text, Field(min_length=1, max_length=512, description="A column, facet or label; * is each.")]
ChannelNames = Annotated[list[Annotated[str, Field(pattern=NAME)]], Field(max_length=50)]


class ThresholdValue(Asked):
    """A measure above or below a bound."""

    kind: Literal["threshold"]
    measure: Measure
    subject: Subject = "*"
    above: Annotated[Number | None, Field(description="More than this is bad.")] = None
    below: Annotated[Number | None, Field(description="Less than this is bad.")] = None


class ChangeValue(Asked):
    """A measure that rose or fell against the mean of the windows before."""

    kind: Literal["change"]
    measure: Measure
    subject: Subject = "*"
    rise: Annotated[Number | None, Field(ge=0, description="A rise by more than this is bad.")] = None
    fall: Annotated[Number | None, Field(ge=0, description="A fall by more than this is bad.")] = None
    relative: Annotated[bool, Field(description="Bounds are shares of that mean.")] = False
    windows: Annotated[Windows, Field(description="How many windows before.")] = 1


class ViolationsValue(Asked):
    """A run with violations."""

    kind: Literal["violations"]
    least: Annotated[int, Field(ge=1, le=1 << 31, description="So many violations.")] = 1
    failed: Annotated[bool, Field(description="A run that failed is bad, too.")] = False


class AbsenceValue(Asked):
    """Nothing for so long."""

    kind: Literal["absence"]
    of: Annotated[Missing, Field(description="Rows, labels, runs that ended well; or imports that fail.")]
    hours: Annotated[Hours, Field(description="So long.")]


ConditionValue = Annotated[ThresholdValue | ChangeValue | ViolationsValue | AbsenceValue, Field(discriminator="kind")]


class RuleWanted(Asked):
    """A rule: what must not be, how bad it is, and who is told."""

    condition: ConditionValue
    monitor: Annotated[str | None, Field(pattern=NAME, description="Whose runs; those of each monitor if null.")] = None
    version: Annotated[Named | None, Field(description="Only monitors of this version.")] = None
    where: Annotated[Document | None, Field(description="Only monitors of this segment.")] = None
    count: Annotated[Windows, Field(description="It fires when so many windows are bad ...")] = 1
    last: Annotated[Windows, Field(description="... of the last ones.")] = 1
    severity: Annotated[Severity, Field(description="How bad it is.")] = Severity.WARNING
    owner: Annotated[Text, Field(max_length=256, description="Who looks after it.")] = ""
    text: Annotated[Text, Field(max_length=4000, description="What to do; it goes with the message.")] = ""
    channels: Annotated[ChannelNames | None, Field(description="Who is told; all channels if null.")] = None
    escalate_hours: Annotated[
        Hours | None, Field(description="Tell others if it fires so long and nobody acknowledged it.")
    ] = None
    escalate_to: Annotated[ChannelNames, Field(default_factory=list, description="These others.")]
    enabled: Annotated[bool, Field(description="Whether it is looked at.")] = True


class RuleValue(RuleWanted):
    """A rule under its name."""

    model: str
    name: str
    created: datetime | None
    modified: datetime | None


class TrialWanted(Asked):
    """A rule to be tried on what was."""

    rule: RuleWanted
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


class Alert(BaseModel):
    """What a rule says of one subject now."""

    id: str
    model: str
    rule: str
    subject: str
    state: Annotated[str, Field(description="FIRING or OK.")]
    severity: Severity
    owner: str
    cause: Annotated[str, Field(description="The monitor, or what is absent.")]
    since: datetime
    said: str
    value: float | None
    limit: float | None
    run: Annotated[str | None, Field(description="The run with the value.")]
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
    status: Annotated[Literal["pending", "sent", "failed"] | None, Field(description="With this status.")] = None


class DeliveryValue(BaseModel):
    """A message to one channel."""

    id: str
    channel: str
    model: str
    state: Annotated[str, Field(description="firing, resolved or escalated.")]
    severity: str
    title: str
    status: Annotated[str, Field(description="pending, sent or failed.")]
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
