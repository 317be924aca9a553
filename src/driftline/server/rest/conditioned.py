"""What requests say of the conditions of rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from driftline.alerting.conditions import Season, Side
from driftline.alerting.rule import NAME, Missing
from driftline.server.rest.asked import Asked, Text

Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
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


class ThresholdValue(Asked):
    """A measure above or below a bound."""

    kind: Literal["threshold"]
    measure: Measure
    subject: Subject = "*"
    above: Annotated[Number | None, Field(description="More than this is bad.")] = None
    below: Annotated[Number | None, Field(description="Less than this is bad.")] = None


class ChangeValue(Asked):
    """A measure that rose or fell against the mean of the windows before, or against another monitor."""

    kind: Literal["change"]
    measure: Measure
    subject: Subject = "*"
    rise: Annotated[Number | None, Field(ge=0, description="A rise by more than this is bad.")] = None
    fall: Annotated[Number | None, Field(ge=0, description="A fall by more than this is bad.")] = None
    relative: Annotated[bool, Field(description="Bounds are shares of that mean.")] = False
    windows: Annotated[Windows, Field(description="How many windows before.")] = 1
    to: Annotated[
        str | None,
        Field(pattern=NAME, description="A monitor of all traffic, or another segment: its same window instead."),
    ] = None


class AnomalyValue(Asked):
    """A measure that is not what its own past of the same season expects."""

    kind: Literal["anomaly"]
    measure: Measure
    subject: Subject = "*"
    season: Annotated[
        Season, Field(description="Past windows of the same hour of the week, of the day, or none: just those before.")
    ] = Season.WEEK
    side: Annotated[Side, Field(description="Which side of what is expected is bad.")] = Side.BOTH
    deviations: Annotated[
        Number, Field(ge=0, description="How far from the median, in robust standard deviations (1.4826 MAD).")
    ] = 4.0
    margin: Annotated[Number, Field(ge=0, description="How far at least, as a share of the median.")] = 0.05
    windows: Annotated[Windows, Field(ge=2, description="How many past windows.")] = 8
    least: Annotated[Windows, Field(ge=2, description="With fewer of them nothing is said.")] = 4


class ViolationsValue(Asked):
    """A run with violations."""

    kind: Literal["violations"]
    least: Annotated[int, Field(ge=1, le=1 << 31, description="So many violations.")] = 1
    failed: Annotated[bool, Field(description="A run that failed is bad, too.")] = False
    check: Annotated[
        Text, Field(min_length=1, max_length=128, description="Of this check only, such as categorical_values_check.")
    ] = "*"


class PartialValue(Asked):
    """A run that looked at a part of the rows only, or calls of an endpoint that were not captured."""

    kind: Literal["partial"]
    below: Annotated[Share, Field(gt=0, description="Less than this share of what has come is bad.")]


class RejectedValue(Asked):
    """Rows that imports reject."""

    kind: Literal["rejected"]
    above: Annotated[Share, Field(lt=1, description="More than this share of a job's rows is bad.")]
    hours: Annotated[Hours, Field(description="Of files that were read in these last hours.")] = 24.0


class AbsenceValue(Asked):
    """Nothing for so long."""

    kind: Literal["absence"]
    of: Annotated[
        Missing,
        Field(description="Rows, labels, runs that ended well, a new version; imports that fail; what is stopped."),
    ]
    hours: Annotated[Hours, Field(description="So long.")]


class InAlertValue(Asked):
    """A schedule whose own alert says InAlert."""

    kind: Literal["monitoring-alert"]


ConditionValue = Annotated[
    ThresholdValue | ChangeValue | AnomalyValue | ViolationsValue | PartialValue | RejectedValue | AbsenceValue,
    Field(discriminator="kind"),
]
ScheduleConditionValue = Annotated[
    ThresholdValue | ChangeValue | AnomalyValue | ViolationsValue | PartialValue | AbsenceValue | InAlertValue,
    Field(discriminator="kind"),
]
AnyConditionValue = Annotated[
    ThresholdValue
    | ChangeValue
    | AnomalyValue
    | ViolationsValue
    | PartialValue
    | RejectedValue
    | AbsenceValue
    | InAlertValue,
    Field(discriminator="kind"),
]
