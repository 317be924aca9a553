"""Rules over executions of SageMaker's schedules on SQLite and on PostgreSQL, up to the message that is sent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from alerted import HOUR, NOW, SETTINGS, Board, look, put

from driftline.alerting import past, register, trying
from driftline.alerting.rule import SCHEDULES, Absence, InAlert, Missing, Partial, Rule, Threshold, Violations
from driftline.alerting.watching import schedule_of
from driftline.catalog import Catalog, alerting, alerts, executions, resources, traffic
from driftline.catalog.alerting import FIRING, OK
from driftline.catalog.alerts import Alert
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource
from driftline.catalog.traffic import Traffic
from driftline.channels.message import event
from driftline.errors import NotFound
from driftline.processing import judging
from driftline.processing.outcome import Outcome
from driftline.schedules import FAILURE, JOB, KIND, STOPPED, STOPPED_TIME

CONFIG = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}}


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """The catalog with two schedules of one endpoint, and one of another."""
    with catalog.begin() as tx:
        resources.create(tx, Resource("endpoint", "Churn", "arn:churn", {}, "InService", NOW, NOW))
        for name, endpoint in (("Hourly", "Churn"), ("bias", "Churn"), ("other", "fraud")):
            body = {"MonitoringScheduleConfig": CONFIG}
            labels = {"type": "DataQuality", "endpoint": endpoint}
            arn = f"arn:aws:sagemaker:us-west-2:000000000000:monitoring-schedule/{name}"
            resources.create(tx, Resource(KIND, name, arn, body, "Scheduled", NOW, NOW, labels=labels))
            alerts.add(tx, Alert(name, f"{name}-alert", NOW, NOW, datapoints=2, period=3))
    return catalog


def ran(catalog: Catalog, hour: int, schedule: str = "Hourly", violations: int = 0, fails: bool = False,
        metrics: Sequence[Any] = ()) -> str:  # fmt: skip
    """An execution over the hour that ends so many hours after noon, as a worker ends it."""
    end, identity = NOW.replace(minute=0) + hour * HOUR, str(uuid.uuid4())
    job = f"job-{identity[:8]}"
    place = {"S3Uri": f"s3://out/{hour}", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "Continuous"}
    output = {"Outputs": [{"OutputName": "result", "S3Output": place}]}
    with catalog.begin() as tx:
        if not fails:
            told = {"ProcessingOutputConfig": output, "AppSpecification": {"ImageUri": "i"}}
            resources.create(tx, Resource(JOB, job, f"arn:{job}", told, "Completed", end, end))
        made = Execution(
            identity, schedule, end, end - HOUR, end, end, end, status="InProgress", job=None if fails else job,
            endpoint="Churn", body={"schedule": CONFIG, "definition": {}},
        )  # fmt: skip
        executions.add(tx, made)
        said = "CompletedWithViolations: some" if violations else "Completed: none"
        outcome = Outcome.failed("out of memory") if fails else Outcome(
            "Completed", said, violations=violations, metrics=metrics,
            worst=[f"c{place}: drifts" for place in range(min(violations, 10))],
        )  # fmt: skip
        judging.close(tx, made, outcome, end + timedelta(minutes=5))
    return identity


def of_schedules(condition: Any, name: str = "r", **more: Any) -> Rule:
    """A rule of schedules."""
    return Rule(SCHEDULES, name, condition, **more)


def test_the_alert_of_a_schedule_reaches_channels(catalog: Catalog, board: Board) -> None:
    """AL-01, AL-04: each flip of N of the last M once, with the keys that functions of SageMaker's users read."""
    put(catalog, of_schedules(InAlert(), schedule="Hourly"))
    assert look(catalog, -1) == 0
    for hour, violations in enumerate((3, 0, 25, 0)):
        identity = ran(catalog, hour, violations=violations)
        ran(catalog, hour, "bias", violations=1)
        if hour == 2:
            bad = identity
    look(catalog, 4)
    ran(catalog, 4)
    look(catalog, 5)
    assert [each.state for each in board.told] == ["firing", "resolved"]
    told = event(board.told[0])
    assert (told["monitoringScheduleName"], told["endpointName"]) == ("Hourly", "Churn")
    assert told["violationReport"] == "s3://out/2/constraint_violations.json"
    assert told["link"] == f"https://drift.example/console/executions/{bad}"
    assert "Hourly-alert is InAlert" in told["title"]
    assert (told["lines"][1], told["model"]) == ("c0: drifts", "")
    assert len(told["lines"]) == 10


def test_each_schedule_of_an_endpoint(catalog: Catalog, board: Board) -> None:
    """AL-07: violations of each, a figure of each column, failed executions; of the endpoint's schedules alone."""
    put(
        catalog,
        of_schedules(Violations(failed=True), "violated", endpoint="churn"),
        of_schedules(Threshold("baseline_drift", above=0.2), "drift", schedule="Hourly"),
    )
    metrics = [{"MetricName": f"feature_baseline_drift_{name}", "Value": value} for name, value in
               (("age", 0.9), ("pay", 0.1), ("distance", 0.9))]  # fmt: skip
    metrics.append({"MetricName": "feature_non_null_age", "StatisticValues": {"Sum": 9, "SampleCount": 10}})
    ran(catalog, 1, violations=12, metrics=metrics)
    ran(catalog, 1, "bias", fails=True)
    ran(catalog, 1, "other", violations=1)
    look(catalog, 1.5)
    by_cause = {each.cause: each for each in board.told}
    assert set(by_cause) == {"Hourly", "bias"}
    hourly = by_cause["Hourly"]
    assert hourly.title == "Hourly: 12 violations and 1 more"
    assert hourly.lines[-2:] == ("and 3 more violations", "and 1 more")
    assert "consider retraining" in hourly.text
    assert by_cause["bias"].title == "bias: the run failed"
    with catalog.read() as tx:
        found = alerting.states(tx, SCHEDULES, state=FIRING)
        assert {(each.subject, schedule_of(each)) for each in found} == {
            ("Hourly/model", "Hourly"), ("bias/model", "bias"), ("age", "Hourly")
        }  # fmt: skip
        age = next(each for each in found if each.subject == "age")
        values = past.values(tx, age, register.get(tx, SCHEDULES, "drift"), NOW + 9 * HOUR)
    assert [each.value for each in values] == [0.9]
    ran(catalog, 2)
    ran(catalog, 2, "bias")
    look(catalog, 2.5)
    assert sorted(each.cause for each in board.told if each.state == "resolved") == ["bias"]
    with catalog.begin() as tx:
        resources.delete(tx, KIND, "Hourly")
    look(catalog, 4)
    assert board.told[-1].state == "resolved"
    with catalog.begin() as tx, pytest.raises(NotFound):
        register.put(tx, of_schedules(Violations(), schedule="Hourly"), now=NOW, settings=SETTINGS)


def test_schedules_that_fall_silent(catalog: Catalog, board: Board) -> None:
    """AL-11: no execution for so long, and schedules that were stopped, or have failed."""
    put(catalog, of_schedules(Absence(Missing.RUN, 2), "run"), of_schedules(Absence(Missing.SCHEDULE, 2), "stopped"))
    for hour in range(3):
        for name in ("Hourly", "bias"):
            ran(catalog, hour, name)
    look(catalog, 2)
    assert board.told == []
    with catalog.begin() as tx:
        body = {"MonitoringScheduleConfig": CONFIG}
        since = (NOW + 2 * HOUR).timestamp()
        resources.update(tx, KIND, "bias", now=NOW, body={**body, STOPPED_TIME: since}, status=STOPPED)
        resources.update(tx, KIND, "other", now=NOW, body={**body, FAILURE: "no such endpoint"}, status="Failed")
    look(catalog, 3)
    assert {each.cause: each.title for each in board.told} == {
        "no run": "Schedules: other has not run ever",
        "no schedule": "Schedules: other: no such endpoint since 2026-01-10 12:30 UTC",
    }
    look(catalog, 5)
    told = {line for each in board.told[2:] for line in each.lines}
    assert "bias: it is stopped since 2026-01-10 14:30 UTC" in told
    assert "Hourly has not run since 2026-01-10 14:05 UTC" in told
    with catalog.read() as tx:
        tried = trying.dry_run(tx, of_schedules(Absence(Missing.RUN, 2), schedule="Hourly"), None, NOW + 9 * HOUR)
    assert [each.state for each in tried.flips] == [FIRING]


def test_calls_that_were_not_captured(catalog: Catalog, board: Board) -> None:
    """AL-11: a monitor that sees a part of the traffic only, whether its execution ended well or not."""
    put(catalog, of_schedules(Partial(0.9), schedule="Hourly"))
    start = NOW.replace(minute=0)
    with catalog.begin() as tx:
        counts = (Traffic(100, 95), Traffic(100, 20, 80, "full"), Traffic(50, 50))
        traffic.add(tx, {("churn", start + place * HOUR): each for place, each in enumerate(counts)})
    for hour in (1, 2, 3, 4):
        ran(catalog, hour, fails=hour == 2)
        look(catalog, hour + 0.2)
    assert [each.state for each in board.told] == ["firing", "resolved"]
    assert board.told[0].title == "Hourly: looked at 20 of 100 calls (20.0 %)"


def test_a_rule_of_schedules_tried_on_what_was(catalog: Catalog) -> None:
    """When it would have fired, execution by execution."""
    for hour, violations in enumerate((0, 1, 1, 0)):
        ran(catalog, hour, violations=violations)
    with catalog.read() as tx:
        found = trying.dry_run(tx, of_schedules(Violations(), count=2, last=2), None, NOW + 9 * HOUR)
    assert [(each.subject, each.at.hour, each.state) for each in found.flips] == [
        ("Hourly/model", 14, FIRING), ("Hourly/model", 15, OK)
    ]  # fmt: skip
    assert found.windows == 4
