"""Alarms on both databases: judged on what was told, told once when they change, whoever judges them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url

from driftline.alarms import keeping, samples
from driftline.alarms.evaluating import evaluate
from driftline.catalog import Catalog, alarms, metrics, topics
from driftline.catalog.metrics import Metric
from driftline.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Settings(home=Path("unused"))
SPACE = "aws/sagemaker/Endpoints/data-metrics"
TOPIC = "arn:aws:sns:us-east-1:000000000000:alerts"
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    yield made
    made.close()


def body(**changed: Any) -> dict[str, Any]:
    """The configuration of an alarm: above 0.1 on average over a minute."""
    return {
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [TOPIC, "arn:aws:sns:us-east-1:000000000000:nobody"],
        "InsufficientDataActions": [],
        "Namespace": SPACE,
        "MetricName": "m",
        "Dimensions": [{"Name": "Endpoint", "Value": "e"}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0.1,
        "ComparisonOperator": "GreaterThanThreshold",
        **changed,
    }


def tell(catalog: Catalog, value: float, at: datetime, **more: Any) -> None:
    datum = {"MetricName": "m", "Value": value, "Timestamp": at, "Dimensions": [{"Name": "Endpoint", "Value": "e"}]}
    with catalog.begin() as tx:
        metrics.put(tx, [samples.read({**datum, **more}, SPACE, now=at)])


def put(catalog: Catalog, **changed: Any) -> None:
    with catalog.begin() as tx:
        topics.add(tx, TOPIC, {}, now=NOW)
        topics.subscribe(tx, TOPIC, "sqs", "http://127.0.0.1:9/q", {}, now=NOW)
        alarms.put(tx, "a", body(**changed), now=NOW)


def found(catalog: Catalog) -> alarms.Alarm:
    with catalog.read() as tx:
        alarm = alarms.find(tx, "a")
    assert alarm is not None
    return alarm


def told(catalog: Catalog) -> list[dict[str, Any]]:
    """What the topic's subscription is told."""
    with catalog.read() as tx:
        (to,) = topics.subscriptions(tx, TOPIC)
        return [json.loads(each.body["Message"]) for each in topics.notices(tx, to.arn)]


def test_an_alarm_goes_off_and_back_and_each_is_told_once(catalog: Catalog) -> None:
    """AL-07: metric, operator, period, statistic, threshold, dimensions; only flips are told."""
    put(catalog, OKActions=[TOPIC])
    assert evaluate(catalog, NOW, SETTINGS) == 0
    assert found(catalog).state == "INSUFFICIENT_DATA"
    tell(catalog, 0.3, NOW + timedelta(seconds=5))
    assert evaluate(catalog, NOW + timedelta(seconds=30), SETTINGS) == 0, "it is judged once a minute"
    assert evaluate(catalog, NOW + MINUTE, SETTINGS) == 1
    assert evaluate(catalog, NOW + MINUTE, SETTINGS) == 0
    alarm = found(catalog)
    assert alarm.state == "ALARM"
    assert alarm.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoint [0.3 (01/03/26 12:00:00)] was greater than the threshold "
        "(0.1) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert json.loads(alarm.data)["recentDatapoints"] == [0.3]
    assert evaluate(catalog, NOW + 2 * MINUTE, SETTINGS) == 0, "the same state is told no more"
    tell(catalog, 0.05, NOW + 2 * MINUTE)
    assert evaluate(catalog, NOW + 3 * MINUTE, SETTINGS) == 1
    assert [(each["NewStateValue"], each["OldStateValue"]) for each in told(catalog)] == [
        ("ALARM", "INSUFFICIENT_DATA"),
        ("OK", "ALARM"),
    ]
    assert told(catalog)[0]["Trigger"]["Dimensions"] == [{"value": "e", "name": "Endpoint"}]
    with catalog.read() as tx:
        said = [each.summary for each in alarms.events(tx, "a", descending=False)]
    assert said == [
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        f"Successfully executed action {TOPIC}",
        "Failed to execute action arn:aws:sns:us-east-1:000000000000:nobody: there is no such topic on this server",
        "Alarm updated from ALARM to OK",
        f"Successfully executed action {TOPIC}",
    ]


def test_workers_that_judge_at_once_tell_once(catalog: Catalog) -> None:
    put(catalog)
    tell(catalog, 0.3, NOW)
    with ThreadPoolExecutor(4) as pool:
        flips = pool.map(lambda _: evaluate(catalog, NOW + MINUTE, SETTINGS), range(4))
    assert sum(flips) == 1
    assert len(told(catalog)) == 1


def test_statistics_are_over_dimensions_units_and_periods(catalog: Catalog) -> None:
    put(catalog, Statistic="Sum", Threshold=9.0, ComparisonOperator="GreaterThanOrEqualToThreshold", Unit="Count")
    tell(catalog, 4.0, NOW, Unit="Count")
    tell(catalog, 5.0, NOW + timedelta(seconds=20), Unit="Count")
    tell(catalog, 100.0, NOW, Unit="Seconds")
    tell(catalog, 100.0, NOW, Unit="Count", Dimensions=[])
    evaluate(catalog, NOW + MINUTE, SETTINGS)
    assert "[9.0 " in found(catalog).reason


def test_data_that_stop_are_told_of_by_their_treatment(catalog: Catalog) -> None:
    """AL-11: absence; an alarm without data has insufficient data, or goes off where missing is breaching."""
    put(catalog, TreatMissingData="breaching")
    tell(catalog, 0.0, NOW)
    evaluate(catalog, NOW + MINUTE, SETTINGS)
    assert found(catalog).state == "OK"
    assert evaluate(catalog, NOW + 10 * MINUTE, SETTINGS) == 1
    assert "no datapoints were received for 1 datapoint" in found(catalog).reason
    with catalog.begin() as tx:
        alarms.put(tx, "a", body(), now=NOW + 11 * MINUTE)
    evaluate(catalog, NOW + 11 * MINUTE, SETTINGS)
    assert found(catalog).state == "INSUFFICIENT_DATA"


def test_percentiles_need_values(catalog: Catalog) -> None:
    put(catalog, Statistic=None, ExtendedStatistic="p90")
    tell(catalog, 0.0, NOW, Value=None, Values=[0.0, 5.0], Counts=[8.0, 2.0])
    evaluate(catalog, NOW + MINUTE, SETTINGS)
    assert "[5.0 " in found(catalog).reason


def test_an_alarm_whose_actions_are_off_only_changes(catalog: Catalog) -> None:
    put(catalog, ActionsEnabled=False)
    tell(catalog, 0.3, NOW)
    assert evaluate(catalog, NOW + MINUTE, SETTINGS) == 1
    assert told(catalog) == []


def test_what_is_old_is_forgotten(catalog: Catalog) -> None:
    tell(catalog, 1.0, NOW)
    tell(catalog, 1.0, NOW + timedelta(days=400), Dimensions=[])
    assert keeping.forget(catalog, NOW + timedelta(days=456), SETTINGS) == 1
    with catalog.read() as tx:
        assert [metric for _, metric in metrics.listed(tx)] == [Metric(SPACE, "m", {})]


def test_metrics_that_are_first_told_of_at_once_are_made_once(catalog: Catalog) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tell(catalog, 1.0, NOW), range(8)))
    with catalog.read() as tx:
        ((_, metric),) = metrics.listed(tx)
        assert len(metrics.samples(tx, metric, NOW, NOW + MINUTE)) == 8
