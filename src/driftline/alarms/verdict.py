"""The state of an alarm: what its last datapoints, and those that are missing, say of it.

Amazon CloudWatch, "Using Amazon CloudWatch alarms", sections "Evaluating an alarm" and "Configuring how CloudWatch
alarms treat missing data", https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from driftline.catalog.alarms import ALARM, INSUFFICIENT_DATA, OK

BEYOND = 2
"""So many periods before those of the evaluation are looked at too, should some datapoints be missing."""

COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
"""Comparison operator -> whether a value breaches a threshold, and how that is said."""
MISSING = ("missing", "ignore", "breaching", "notBreaching")


def judge(points: Sequence[bool | None], needed: int, periods: int, missing: str, state: str) -> str:
    """The state after datapoints in the order of time: breaching, not breaching, or missing (None).

    `needed` of the last `periods` have to breach; there are `BEYOND` more points than periods. `state` is the one that
    is kept where missing data are ignored.

    >>> judge([None, None, True, True, True], 3, 3, "missing", "OK")
    'ALARM'
    >>> judge([None, None, None, None, None], 3, 3, "missing", "OK")
    'INSUFFICIENT_DATA'
    """
    real = [point for point in points if point is not None]
    breaching, absent = sum(real[-periods:]), max(periods - len(real), 0)
    if missing == "breaching":
        breaching += absent
    if breaching >= needed:
        return ALARM
    if not absent or missing in ("breaching", "notBreaching") or not all(real):
        return OK
    if missing == "ignore":
        return state
    # only breaching ones, and too few: enough if the oldest of them breached long enough ago
    return ALARM if real and len(points) - points.index(True) >= needed else INSUFFICIENT_DATA
