"""What is told of a metric, in CloudWatch's words, as a sample: one value, many, or their statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from driftline.catalog.metrics import Metric, Sample
from driftline.errors import Invalid

LARGEST = 2.0**360
"""CloudWatch takes no number beyond this."""
AHEAD = timedelta(hours=2)
"""How far in the future a sample may lie."""
_LONGEST_NAME, _LONGEST_DIMENSION = 255, 1024
_FORMS = ("Value", "Values", "StatisticValues")


def read(datum: Mapping[str, Any], namespace: str, *, now: datetime) -> tuple[Metric, Sample]:
    """The metric and the sample of a datum; raises `Invalid`.

    >>> moment = datetime(2026, 3, 1, tzinfo=UTC)
    >>> read({"MetricName": "m", "Values": [1.0, 3.0], "Counts": [2.0, 1.0]}, "n", now=moment)[1].sum
    5.0
    """
    given = [form for form in _FORMS if datum.get(form) is not None]
    if len(given) != 1:
        raise Invalid(what=f"the value of {datum['MetricName']}", got=given, expected=f"one of {', '.join(_FORMS)}")
    dimensions = {each["Name"]: each["Value"] for each in datum.get("Dimensions") or ()}
    _check(_LONGEST_NAME, namespace, datum["MetricName"])
    _check(_LONGEST_DIMENSION, *dimensions, *dimensions.values())
    time, unit = _time(datum, now), datum.get("Unit") or "None"
    metric = Metric(namespace, datum["MetricName"], dimensions)
    if given == ["StatisticValues"]:
        return metric, _of_statistics(datum, time, unit)
    values = datum["Values"] if given == ["Values"] else [datum["Value"]]
    return metric, _of_values(datum, values, time, unit)


def _check(longest: int, *texts: Any) -> None:
    for text in texts:
        if not isinstance(text, str) or not 0 < len(text) <= longest or not text.isprintable():
            expected = f"1 to {longest} printable characters"
            raise Invalid(what="name of a metric or dimension", got=text, expected=expected)


def _of_statistics(datum: Mapping[str, Any], time: datetime, unit: str) -> Sample:
    named = datum["StatisticValues"]
    wanted = ("SampleCount", "Sum", "Minimum", "Maximum")
    count, total, low, high = (_number(datum, named[name]) for name in wanted)
    if count <= 0 or low > high:
        raise Invalid(what=f"StatisticValues of {datum['MetricName']}", got=dict(named), expected="some samples")
    # values are known where they are all the same
    return Sample(time, count, total, low, high, unit, ((low, count),) if low == high else None)


def _of_values(datum: Mapping[str, Any], values: Any, time: datetime, unit: str) -> Sample:
    numbers = [_number(datum, value) for value in values]
    counts = [_number(datum, count) for count in datum.get("Counts") or [1.0] * len(numbers)]
    if not numbers or len(counts) != len(numbers) or min(counts) <= 0:
        expected = "as many Counts above 0 as Values, at least one"
        raise Invalid(what=f"Values and Counts of {datum['MetricName']}", got=len(counts), expected=expected)
    pairs = tuple(zip(numbers, counts, strict=True))
    total = math.fsum(value * count for value, count in pairs)
    return Sample(time, math.fsum(counts), total, min(numbers), max(numbers), unit, pairs)


def _time(datum: Mapping[str, Any], now: datetime) -> datetime:
    given = datum.get("Timestamp")
    if given is None:
        return now
    try:
        time = datetime.fromisoformat(given) if isinstance(given, str) else given
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    except (ValueError, AttributeError) as error:
        raise Invalid(what=f"Timestamp of {datum['MetricName']}", got=given, expected="a time") from error
    if time > now + AHEAD:
        expected = f"a time at most {AHEAD // timedelta(hours=1)} hours ahead"
        raise Invalid(what=f"Timestamp of {datum['MetricName']}", got=time.isoformat(), expected=expected)
    return time


def _number(datum: Mapping[str, Any], value: Any) -> float:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not -LARGEST <= value <= LARGEST:
        raise Invalid(what=f"a value of {datum['MetricName']}", got=value, expected="a number from -2^360 to 2^360")
    return float(value)
