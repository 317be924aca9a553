"""Every alarm that is due is judged on its metric's samples, and what changed is told, once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline.alarms import acting
from driftline.alarms.statistics import by_period, floor, statistic, step
from driftline.alarms.verdict import BEYOND, COMPARISONS, judge
from driftline.catalog import Catalog, alarms, metrics
from driftline.catalog.alarms import INSUFFICIENT_DATA, OK, Alarm
from driftline.catalog.metrics import Metric
from driftline.settings import Settings

_AT_ONCE = 100


@dataclass(frozen=True)
class Verdict:
    """A state, why, and the same as JSON."""

    state: str
    reason: str
    data: str


def evaluate(catalog: Catalog, now: datetime, settings: Settings) -> int:
    """Judge the alarms that are due; says how many changed their state.

    Several may do this at once: the state of an alarm changes only from what was judged, so each change is told once.
    """
    flips = 0
    while True:
        with catalog.read() as tx:
            judged = [(found, verdict(tx, found, now)) for found in alarms.waiting(tx, now, _AT_ONCE)]
        if not judged:
            return flips
        with catalog.begin() as tx:
            for found, said in judged:
                if said.state != found.state:
                    flips += acting.change(tx, found, said.state, said.reason, said.data, now=now, settings=settings)
                seconds = step(found.body["Period"])
                alarms.put_off(tx, found, floor(now, seconds) + timedelta(seconds=seconds))


def verdict(tx: Connection, found: Alarm, now: datetime) -> Verdict:
    """What an alarm says at a moment: of the periods that end at the last whole minute, or more often if shorter."""
    body = found.body
    period, periods = body["Period"], body["EvaluationPeriods"]
    end = floor(now, step(period))
    start = end - timedelta(seconds=period) * (periods + BEYOND)
    metric = Metric(body["Namespace"], body["MetricName"], {each["Name"]: each["Value"] for each in body["Dimensions"]})
    samples = by_period(metrics.samples(tx, metric, start, end, unit=body.get("Unit")), start, period)
    name = body.get("Statistic") or body["ExtendedStatistic"]
    values = [statistic(name, samples.get(number, ())) for number in range(periods + BEYOND)]
    breaches = COMPARISONS[body["ComparisonOperator"]][0]
    points = [None if math.isnan(value) else breaches(value, body["Threshold"]) for value in values]
    needed = body.get("DatapointsToAlarm") or periods
    state = judge(points, needed, periods, body.get("TreatMissingData", "missing"), found.state)
    known = [
        (start + timedelta(seconds=period * number), value)
        for number, value in enumerate(values)
        if not math.isnan(value)
    ]
    return Verdict(state, _reason(body, known[-periods:], state, needed), _data(body, known[-periods:], now))


def _reason(body: Mapping[str, Any], known: Sequence[tuple[datetime, float]], state: str, needed: int) -> str:
    """Why, in CloudWatch's words."""
    periods = body["EvaluationPeriods"]
    absent = periods - len(known)
    if state == INSUFFICIENT_DATA:
        plural = "datapoint was" if absent == 1 else "datapoints were"
        return f"Insufficient Data: {absent} {plural} unknown."
    if not known:
        treated = "Breaching" if body.get("TreatMissingData") == "breaching" else "NonBreaching"
        plural = "datapoint" if absent == 1 else "datapoints"
        return (
            f"Threshold Crossed: no datapoints were received for {absent} {plural} and {absent} missing {plural} "
            + (f"{'was' if absent == 1 else 'were'} treated as [{treated}].")
        )
    breaches, words = COMPARISONS[body["ComparisonOperator"]]
    wanted = [(at, value) for at, value in known if breaches(value, body["Threshold"]) == (state != OK)] or known
    shown = ", ".join(f"{value} ({at:%d/%m/%y %H:%M:%S})" for at, value in reversed(wanted[-5:]))
    plural = "datapoint" if len(wanted) == 1 else "datapoints"
    verb = ("was" if len(wanted) == 1 else "were") + (" not" if state == OK else "")
    said = f"Threshold Crossed: {len(wanted)} out of the last {periods} {plural} [{shown}] {verb} {words} "
    minimum = needed if state != OK else periods - needed + 1
    turns = "OK -> ALARM" if state != OK else "ALARM -> OK"
    plural = "datapoint" if minimum == 1 else "datapoints"
    return f"{said}the threshold ({float(body['Threshold'])}) (minimum {minimum} {plural} for {turns} transition)."


def _data(body: Mapping[str, Any], known: Sequence[tuple[datetime, float]], now: datetime) -> str:
    """The same for programs."""
    facts = {
        "version": "1.0",
        "queryDate": acting.stamp(now),
        "startDate": acting.stamp(known[0][0]) if known else None,
        "statistic": body.get("Statistic") or body.get("ExtendedStatistic"),
        "period": body["Period"],
        "recentDatapoints": [value for _, value in known],
        "threshold": body["Threshold"],
        "evaluatedDatapoints": [{"timestamp": acting.stamp(at), "value": value} for at, value in reversed(known)],
    }
    return json.dumps({key: value for key, value in facts.items() if value is not None})
