"""CloudWatch's metrics on our own address: told, listed, and asked for their statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline.alarms import samples
from driftline.alarms.statistics import by_period, floor, refuse, statistic, step
from driftline.catalog import metrics
from driftline.catalog.metrics import Metric, Sample
from driftline.errors import Invalid
from driftline.server.aws.wire import Call, operation

API = "cloudwatch"
PERIODS = (1, 5, 10, 20, 30)
"""Periods in seconds that are no whole minutes."""

_DATA, _POINTS, _PAGE, _ALL_POINTS = 1000, 1440, 500, 100_800
"""CloudWatch's limits: metrics in a request, datapoints of an answer, metrics in a page, datapoints of all queries."""
_LATELY = timedelta(hours=3)


@operation("PutMetricData", api=API)
def put(request: Mapping[str, Any], call: Call) -> None:
    """Keep what is told of metrics, all of it or nothing."""
    data = list(request.get("MetricData") or ())
    for entity in request.get("EntityMetricData") or ():
        data += entity.get("MetricData") or ()
    if not 0 < len(data) <= _DATA:
        raise Invalid(what="MetricData", got=f"{len(data)} metrics", expected=f"1 to {_DATA}")
    told = [samples.read(each, request["Namespace"], now=call.now) for each in data]
    with call.catalog.begin() as tx:
        metrics.put(tx, told)


@operation("ListMetrics", api=API)
def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Metrics, 500 a page, in the order in which they were first told of."""
    since = call.now - _LATELY if request.get("RecentlyActive") else None
    wanted = [(each["Name"], each.get("Value")) for each in request.get("Dimensions") or ()]
    named = (request.get("Namespace"), request.get("MetricName"))
    after, rest = token_of(request), True
    found: list[tuple[int, Metric]] = []
    with call.catalog.read() as tx:
        while rest and len(found) <= _PAGE:
            page = metrics.listed(tx, *named, since=since, after=after, limit=_PAGE)
            found += [(number, each) for number, each in page if _has(each, wanted)]
            after, rest = (page[-1][0] if page else after), len(page) == _PAGE
    answer: dict[str, Any] = {"Metrics": [_named(each) for _, each in found[:_PAGE]]}
    return {**answer, "NextToken": str(found[_PAGE - 1][0])} if len(found) > _PAGE else answer


def token_of(request: Mapping[str, Any]) -> int:
    """The number behind which a page begins; raises `Invalid` for what is no token."""
    token = request.get("NextToken") or "0"
    if not (token.isascii() and token.isdecimal() and len(token) < 19):
        raise Invalid(what="NextToken", got=token, expected="the token of the page before")
    return int(token)


def _has(found: Metric, wanted: Sequence[tuple[str, str | None]]) -> bool:
    return all(name in found.dimensions and value in (None, found.dimensions[name]) for name, value in wanted)


def _named(found: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in found.dimensions.items()]
    return {"Namespace": found.namespace, "MetricName": found.name, "Dimensions": dimensions}


@operation("GetMetricStatistics", api=API)
def statistics(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Some statistics of one metric, period by period."""
    plain, extended = request.get("Statistics") or (), request.get("ExtendedStatistics") or ()
    if not plain and not extended:
        raise Invalid(what="Statistics", got="none", expected="Statistics or ExtendedStatistics")
    for name in (*plain, *extended):
        refuse(name)
    start, period = _span(request, request["Period"], _POINTS)
    metric = metric_of(request)
    with call.catalog.read() as tx:
        found = metrics.samples(tx, metric, start, request["EndTime"], unit=request.get("Unit"))
    points = [
        {
            "Timestamp": start + timedelta(seconds=period * number),
            "Unit": held[0].unit,
            **{name: statistic(name, held) for name in plain},
            **_extended(extended, held),
        }
        for number, held in by_period(found, start, period).items()
    ]
    return {"Label": metric.name, "Datapoints": points}


def _extended(names: Sequence[str], held: Sequence[Sample]) -> dict[str, Any]:
    found = {name: statistic(name, held) for name in names}
    known = {name: value for name, value in found.items() if not math.isnan(value)}
    return {"ExtendedStatistics": known} if known else {}


def metric_of(named: Mapping[str, Any]) -> Metric:
    """The metric that a request names; raises `Invalid`."""
    for member in ("Namespace", "MetricName"):
        if not named.get(member):
            raise Invalid(what=member, got="nothing", expected="the name of a metric and its namespace")
    dimensions = {each["Name"]: each["Value"] for each in named.get("Dimensions") or ()}
    return Metric(named["Namespace"], named["MetricName"], dimensions)


def _span(request: Mapping[str, Any], period: int, most: int) -> tuple[datetime, int]:
    """The start of the first period and the length of each; raises `Invalid`."""
    refuse_period(period)
    start = floor(request["StartTime"], step(period))
    if start >= request["EndTime"]:
        raise Invalid(what="StartTime", got=start.isoformat(), expected="a time before EndTime")
    points = math.ceil((request["EndTime"] - start) / timedelta(seconds=period))
    if points > most:
        remedy = "Ask for a shorter time or a longer period."
        raise Invalid(what="datapoints", got=points, expected=f"at most {most}", remedy=remedy)
    return start, period


def refuse_period(period: int) -> None:
    """Raise `Invalid` for a period that CloudWatch has not."""
    if period not in PERIODS and (period % 60 or not period):
        shown = ", ".join(map(str, PERIODS))
        raise Invalid(what="Period", got=period, expected=f"{shown} or a multiple of 60 seconds")


@operation("GetMetricData", api=API)
def data(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A statistic of each of several metrics, period by period."""
    with call.catalog.read() as tx:
        return {"MetricDataResults": list(_results(tx, request)), "Messages": []}


def _results(tx: Connection, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for query in request["MetricDataQueries"]:
        asked = query.get("MetricStat")
        if not asked:
            remedy = "Expressions are not computed here: ask for the metrics, and compute."
            raise Invalid(what=f"query {query['Id']}", got="no MetricStat", expected="MetricStat", remedy=remedy)
        refuse(asked["Stat"])
        start, period = _span(request, asked["Period"], _ALL_POINTS // len(request["MetricDataQueries"]))
        if query.get("ReturnData", True):
            metric = metric_of(asked["Metric"])
            found = metrics.samples(tx, metric, start, request["EndTime"], unit=asked.get("Unit"))
            values = {
                number: statistic(asked["Stat"], held) for number, held in by_period(found, start, period).items()
            }
            points = [(number, value) for number, value in values.items() if not math.isnan(value)]
            if request.get("ScanBy") != "TimestampAscending":
                points.reverse()
            yield {
                "Id": query["Id"],
                "Label": query.get("Label") or metric.name,
                "Timestamps": [start + timedelta(seconds=period * number) for number, _ in points],
                "Values": [value for _, value in points],
                "StatusCode": "Complete",
            }
