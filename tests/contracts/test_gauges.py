"""Metrics for machines on both databases: every family, bounded series, and what is left out (ME-04, ME-05)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from driftline import registry
from driftline.catalog import Catalog, alerting, alerts, deliveries, executions, modelruns, resources
from driftline.catalog.alerting import KeptRule, State
from driftline.catalog.executions import Execution
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.resources import Resource
from driftline.catalog.tables import import_file, import_job, model, model_monitor, model_run
from driftline.modelmonitors import register
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model
from driftline.server.gauges import SECONDS, Gauges
from driftline.server.measures import exposition
from driftline.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Settings(home=Path("unused"))

Points = dict[tuple[tuple[str, str], ...], float]


class Watch:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        """Those passed."""
        return self.now


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    yield made
    made.close()


def told(gauges: Gauges) -> dict[str, Points]:
    """What Prometheus' own parser reads of the page: labels -> value, by name."""
    return read(exposition(None, gauges).body.decode())


def read(text: str) -> dict[str, Points]:
    """The same of a text."""
    found: dict[str, Points] = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            points = found.setdefault(each.name, {})
            labels = tuple(sorted(each.labels.items()))
            assert labels not in points, (each.name, labels)
            points[labels] = each.value
    return found


def figure(subject: str, name: str, value: float | None, limit: float | None = None) -> dict[str, Any]:
    return {"subject": subject, "name": name, "value": value, "limit": limit}


def run(of: str, monitor: str, number: int = 1, **body: Any) -> ModelRun:
    """A run that found two violations."""
    day = timedelta(days=1)
    start, end = NOW - 2 * day, NOW - day
    identity = f"{of}-{monitor}-{number}"[:36]
    return ModelRun(
        identity,
        of,
        monitor,
        "",
        "production",
        start,
        end,
        NOW,
        number,
        NOW,
        "CompletedWithViolations",
        2,
        ended=NOW,
        body=body,
    )


def fill(catalog: Catalog) -> None:
    """A model with all that is told of one."""
    figures = [
        figure("age", "baseline_drift", 0.3, 0.1), figure("age", "completeness", 0.99, 0.9),
        figure("sex", "baseline_drift", 0.01, 0.1), figure("odd", "baseline_drift", None, 0.1),
        figure("model", "auc", 0.8), figure("gender=F", "DPL", 0.4),
    ]  # fmt: skip
    schedule = Resource("monitoring-schedule", "Watched", "arn:x", {}, "Scheduled", NOW, NOW, {})
    hour = timedelta(hours=1)
    ran = [
        Execution(f"e{at}", "Watched", NOW - at * hour, NOW - (at + 1) * hour, NOW - at * hour, NOW, NOW, status=status)
        for at, status in enumerate(("Completed", "Failed"))
    ]
    rule = KeptRule("churn", "moved", {"severity": "critical"}, NOW, NOW)
    state = State("churn", "moved", "age", "a" * 32, "OK", "OK", 0, "age", {}, NOW)
    with catalog.begin() as tx:
        registry.create_model(tx, Model("churn", "Churn"), now=NOW)
        for name in ("drift", "idle"):
            register.create(tx, ModelMonitor("churn", name, "data-quality"), now=NOW)
        modelruns.add(tx, replace(run("churn", "drift"), violations=9))
        modelruns.add(tx, run("churn", "drift", 2, rows=200, labelled=50, figures=figures))
        resources.create(tx, schedule)
        alerts.add(tx, alerts.Alert("watched", "watched", NOW, NOW, alerts.IN_ALERT))
        for each in ran:
            assert executions.add(tx, each)
        alerting.put_rule(tx, rule)
        alerting.flip(tx, state, alerting.FIRING, {}, NOW)
        deliveries.add(tx, deliveries.Delivery("d", "m", "ops", NOW, NOW))
        _files(tx, "done", "done", "failed")


def _files(tx: Any, *statuses: str) -> None:
    job = {"id": "j", "space": "default", "model": "churn", "version": "1", "environment": "production", "content": "x"}
    tx.execute(insert(import_job).values(**job, status="active", body={}, cursor={}, created=NOW, modified=NOW))
    for at, status in enumerate(statuses):
        found = {"job": "j", "digest": str(at), "uri": "u", "etag": "e", "size": 1, "status": status, "body": {}}
        tx.execute(insert(import_file).values(**found, found=NOW))


def test_every_family_is_told_as_prometheus_reads_it(catalog: Catalog) -> None:
    """ME-04: the last verdict, violations, age, rows, label coverage, alerts, files, deliveries, schedules."""
    fill(catalog)
    found = told(Gauges(catalog, SETTINGS, Watch()))
    own = (("model", "churn"), ("monitor", "drift"))

    def of(name: str, *labels: tuple[str, str]) -> float:
        return found[f"driftline_{name}"][tuple(sorted(labels))]

    assert of("models") == of("catalog_up") == 1.0
    assert found["driftline_monitor_verdict"] == {(*own, ("verdict", "CompletedWithViolations")): 1.0}
    assert of("monitor_violations", *own) == 2.0
    assert of("monitor_last_run_timestamp_seconds", *own) == NOW.timestamp()
    assert of("monitor_window_end_timestamp_seconds", *own) == (NOW - timedelta(days=1)).timestamp()
    assert (of("monitor_rows", *own), of("monitor_label_coverage_ratio", *own)) == (200.0, 0.25)
    assert of("monitor_measure", *own, ("measure", "auc")) == 0.8
    assert of("feature_measure", *own, ("feature", "age"), ("measure", "baseline_drift")) == 0.3
    assert {dict(labels)["feature"] for labels in found["driftline_feature_measure"]} == {"age", "sex"}
    assert of("features_left_out", ("model", "churn")) == 0.0
    assert of("schedule_execution_status", ("schedule", "Watched"), ("status", "Completed")) == 1.0
    assert of("schedule_in_alert", ("schedule", "Watched")) == 1.0
    assert of("schedule_window_end_timestamp_seconds", ("schedule", "Watched")) == NOW.timestamp()
    assert of("alerts_firing", ("model", "churn"), ("severity", "critical")) == 1.0
    assert of("import_files", ("model", "churn"), ("status", "done")) == 2.0
    assert of("import_files", ("model", "churn"), ("status", "failed")) == 1.0
    assert of("deliveries", ("channel", "ops"), ("status", "pending")) == 1.0


def test_what_was_read_is_kept_for_a_few_seconds(catalog: Catalog) -> None:
    """Whoever asks often makes the catalog no busier."""
    fill(catalog)
    watch = Watch()
    gauges = Gauges(catalog, SETTINGS, watch)
    told(gauges)
    with catalog.begin() as tx:
        modelruns.add(tx, replace(run("churn", "drift", 3), violations=7))
    watch.now = SECONDS / 2
    assert [*told(gauges)["driftline_monitor_violations"].values()] == [2.0]
    watch.now = 2 * SECONDS
    assert [*told(gauges)["driftline_monitor_violations"].values()] == [7.0]


def test_the_worst_features_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    """ME-05: 200 models of 500 features: bounded by model and in all, the page small, the read quick."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'many.sqlite'}")
    catalog.migrate()
    figures = [figure(f"feature_{at}", "baseline_drift", at / 1000, 0.1) for at in range(500)]
    figures += [figure(f"feature_{at}", "completeness", 1.0, 0.9) for at in range(500)]
    names = [f"model-{at:03}" for at in range(200)]
    body = {"rows": 10, "figures": figures}
    with catalog.begin() as tx:
        for name in names:
            dated = {"created": NOW, "modified": NOW}
            tx.execute(insert(model).values(id=name, name=name, space="default", body={}, **dated))
            kept = {"model": name, "name": "drift", "kind": "data-quality", "status": "active", "body": {}}
            tx.execute(insert(model_monitor).values(**kept, **dated))
            for number in (1, 2):
                made = vars(run(name, "drift", number)) | {"body": body if number == 2 else {}}
                tx.execute(insert(model_run).values(**made))
    settings = Settings(home=tmp_path, metric_features=30, metric_series=10_000)
    began = time.perf_counter()
    text = exposition(None, Gauges(catalog, settings, time.perf_counter)).body
    assert time.perf_counter() - began < 30.0  # only tells a read that hangs: it takes about a second
    assert len(text) < 3_000_000
    found = read(text.decode())
    features = found["driftline_feature_measure"]
    assert len(features) <= 10_000
    of_one = {dict(labels)["feature"] for labels in features if dict(labels)["model"] == "model-000"}
    assert "feature_499" in of_one and "feature_100" not in of_one and len(of_one) <= 30
    assert {dict(labels)["model"] for labels in features} == {*names}
    left = found["driftline_features_left_out"]
    assert sum(left.values()) + len(features) / 2 == 200 * 500
    catalog.close()


def test_without_a_database_the_process_still_tells_of_itself(tmp_path: Path) -> None:
    """What cannot be read is told as such, and requests are counted on."""
    away = Catalog(f"sqlite:///{tmp_path / 'nowhere' / 'a.sqlite'}")
    found = told(Gauges(away, SETTINGS, Watch()))
    assert found["driftline_catalog_up"] == {(): 0.0}
    assert "driftline_monitor_verdict" not in found
    assert "driftline_request_seconds_count" in found or "python_info" in found
