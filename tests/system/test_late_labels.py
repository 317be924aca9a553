"""Model quality on a schedule: the merge before the analysis, no labels yet, labels that come late, and metrics."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from databases import postgres_url
from monitored import ARN, HOURLY, hours_ago

import driftline
from driftline.catalog import Catalog, due, executions, resources
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource
from driftline.processing import preflight
from driftline.processing.latecomers import Latecomers
from driftline.schedules import Plan
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

NAME = "churn"
IMAGE = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
ROWS = 200


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    url = f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url()
    made = Catalog(url)
    made.migrate()
    yield made
    made.close()


@contextmanager
def working(catalog: Catalog, **settings: Any) -> Iterator[None]:
    """A worker for the length of a block, which looks for late labels several times a second."""
    made = Worker(catalog, Settings(workers=1, poll_seconds=0.05, label_poll_seconds=0.3, **settings), Access())
    made.start()
    try:
        yield
    finally:
        made.stop()


def until(found: Callable[[], list[Execution]], seconds: float = 60.0) -> list[Execution]:
    """What `found` returns as soon as there is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError("never true")


def ended(catalog: Catalog, count: int) -> list[Execution]:
    """The executions, oldest first, once so many have ended and none is open."""
    with catalog.read() as tx:
        found = executions.last_of(tx, NAME, 100)
    return found[::-1] if len(found) >= count and not any(each.is_open for each in found) else []


def probability(place: int) -> float:
    """The score of a call; rows whose number is a multiple of three are positive."""
    return (0.9 if place % 3 == 0 else 0.1) + place / 10_000


def capture(folder: Path, hour: datetime) -> None:
    """An hour of calls with ids of the caller's."""
    place = folder / "capture" / NAME / "AllTraffic" / f"{hour:%Y/%m/%d/%H}"
    place.mkdir(parents=True)
    lines = []
    for row in range(ROWS):
        sides = {"endpointInput": (f"{row},1", "INPUT"), "endpointOutput": (f"{probability(row)}", "OUTPUT")}
        data = {
            name: {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}
            for name, (text, mode) in sides.items()
        }
        meta = {"eventId": f"e{row}", "inferenceId": f"order-{row}", "inferenceTime": f"{hour:%Y-%m-%dT%H:10:00Z}"}
        lines.append(json.dumps({"captureData": data, "eventMetadata": meta, "eventVersion": "0"}))
    (place / "10-00-000-a.jsonl").write_text("\n".join(lines) + "\n")


def label(folder: Path, hour: datetime, name: str, rows: range, *, wrong: bool = False) -> None:
    """Ground truth of some calls, collected in an hour."""
    place = folder / "truth" / f"{hour:%Y/%m/%d/%H}"
    place.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({
            "groundTruthData": {"data": str(int((row % 3 == 0) != wrong)), "encoding": "CSV"},
            "eventMetadata": {"eventId": f"order-{row}"},
            "eventVersion": "0",
        })
        for row in rows
    ]  # fmt: skip
    (place / name).write_text("\n".join(lines) + "\n")


def learn(folder: Path) -> None:
    """The baseline of predictions that were right but for a few."""
    rows = [*range(ROWS)] * 5
    labels = [int(row % 3 == 0 or row == 1) for row in rows]
    table = {"score": [probability(row) for row in rows], "label": labels}
    monitor = driftline.ModelQuality("BinaryClassification", "label", probability_attribute="score")
    driftline.baseline(pa.table(table), monitor=monitor).save(str(folder / "baseline"))


def monitored(catalog: Catalog, folder: Path, now: datetime) -> None:
    """An endpoint with a model-quality schedule."""
    captured = {"EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": f"{folder}/capture"}
    captured["CaptureOptions"] = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
    config = {"ProductionVariants": [{"VariantName": "AllTraffic"}], "DataCaptureConfig": captured}
    given = {"EndpointName": NAME, "LocalPath": "/opt/ml/processing/input_data", "ProbabilityAttribute": "0"}
    output = {"S3Output": {"S3Uri": f"{folder}/reports", "LocalPath": "/opt/ml/processing/output"}}
    definition = {
        "ModelQualityAppSpecification": {"ImageUri": IMAGE, "ProblemType": "BinaryClassification"},
        "ModelQualityBaselineConfig": {"ConstraintsResource": {"S3Uri": f"{folder}/baseline/constraints.json"}},
        "ModelQualityJobInput": {
            "EndpointInput": {**given, "ProbabilityThresholdAttribute": 0.5},
            "GroundTruthS3Input": {"S3Uri": f"{folder}/truth"},
        },
        "ModelQualityJobOutputConfig": {"MonitoringOutputs": [output]},
        "JobResources": {"ClusterConfig": {"InstanceCount": 1}},
    }
    schedule = {
        "MonitoringJobDefinitionName": NAME,
        "MonitoringType": "ModelQuality",
        "ScheduleConfig": {"ScheduleExpression": HOURLY},
    }
    made: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("endpoint-config", config, {}),
        ("endpoint", {"EndpointConfigName": NAME}, {}),
        ("model-quality-job-definition", definition, {}),
        ("monitoring-schedule", {"MonitoringScheduleConfig": schedule}, {"endpoint": NAME, "type": "ModelQuality"}),
    ]
    with catalog.begin() as tx:
        for kind, body, labels in made:
            status = "Scheduled" if kind == "monitoring-schedule" else "InService"
            resources.create(tx, Resource(kind, NAME, f"{ARN}:{kind}/{NAME}", body, status, now, now, labels))
        due.put(tx, NAME, Plan.of(schedule).first(now))


def test_labels_come_late(catalog: Catalog, tmp_path: Path) -> None:
    """G-01, G-07, G-08, G-09, G-10, G-11, MQ-06, E-02: no labels is an outcome; each time more come, it runs again."""
    learn(tmp_path)
    capture(tmp_path, hours_ago(1))
    monitored(catalog, tmp_path, hours_ago(1) + timedelta(minutes=5))
    with working(catalog):
        (first,) = until(lambda: ended(catalog, 1))
        assert (first.status, first.job) == ("Completed", None)
        assert (first.exit_message or "").startswith("Completed: No ground truth yet. Searched the hours from ")
        label(tmp_path, hours_ago(0), "0000.jsonl", range(1, 150))
        _, second = until(lambda: ended(catalog, 2))
        assert second.status == "Completed", second.failure_reason
        label(tmp_path, hours_ago(0), "3000.jsonl", range(100, 200), wrong=True)
        *_, third = until(lambda: ended(catalog, 3))
    assert third.status == "CompletedWithViolations", third.failure_reason
    assert [each.origin for each in (first, second, third)] == ["schedule", "labels", "labels"]
    assert len({each.scheduled for each in (first, second, third)}) == 1
    folder = tmp_path / "reports" / NAME / NAME / f"{hours_ago(0):%Y/%m/%d/%H}"
    figures = json.loads((folder / "run-2" / "statistics.json").read_text())["binary_classification_metrics"]
    assert figures["confusion_matrix"] == {"0": {"0": 66, "1": 33}, "1": {"0": 67, "1": 33}}
    assert figures["accuracy"] == {"value": 99 / 199, "standard_deviation": "NaN"}
    violations = json.loads((folder / "run-2" / "constraint_violations.json").read_text())["violations"]
    assert {"accuracy", "auc", "recall"} <= {each["metric_name"] for each in violations}
    assert json.loads((folder / "run-1" / "constraint_violations.json").read_text()) == {"violations": []}
    _, job = jobs_of(catalog)[-2:]
    assert job.name.startswith(f"model-quality-monitoring-{hours_ago(0):%Y%m%d%H%M}-")
    assert job.body["Environment"]["probability_threshold_attribute"] == "0.500000"


def biased(catalog: Catalog, folder: Path, now: datetime) -> None:
    """The schedule as one of bias: its definition and type in the place of those of model quality."""
    monitored(catalog, folder, now)
    config = {
        "version": "1.0",
        "headers": ["place", "one", "label"],
        "label": "label",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "place", "value_or_threshold": [99]}],
    }
    (folder / "analysis_config.json").write_text(json.dumps(config))
    image = IMAGE.replace("model-monitor-analyzer", "clarify-processing:1.0")
    with catalog.begin() as tx:
        before = resources.get(tx, "model-quality-job-definition", NAME).body
        body = {
            "ModelBiasAppSpecification": {"ImageUri": image, "ConfigUri": f"{folder}/analysis_config.json"},
            "ModelBiasJobInput": before["ModelQualityJobInput"],
            "ModelBiasJobOutputConfig": before["ModelQualityJobOutputConfig"],
            "JobResources": before["JobResources"],
        }
        kind = "model-bias-job-definition"
        resources.create(tx, Resource(kind, NAME, f"{ARN}:{kind}/{NAME}", body, "InService", now, now, {}))
        schedule = resources.get(tx, "monitoring-schedule", NAME)
        told = {"MonitoringScheduleConfig": schedule.body["MonitoringScheduleConfig"] | {"MonitoringType": "ModelBias"}}
        labels = {"endpoint": NAME, "type": "ModelBias"}
        resources.update(tx, "monitoring-schedule", NAME, now=now, body=told, labels=labels)


def test_bias_is_measured_again_when_labels_come(catalog: Catalog, tmp_path: Path) -> None:
    """BI-06, G-10: what needs no label is measured at once, all of it when there are labels; then nothing more."""
    capture(tmp_path, hours_ago(1))
    biased(catalog, tmp_path, hours_ago(1) + timedelta(minutes=5))
    with working(catalog):
        (first,) = until(lambda: ended(catalog, 1))
        assert first.job and first.status == "Completed", first.failure_reason
        label(tmp_path, hours_ago(0), "0000.jsonl", range(ROWS))
        _, second = until(lambda: ended(catalog, 2))
        time.sleep(1.5)  # long enough for another look
        assert len(ended(catalog, 2)) == 2
    assert (second.status, second.origin) == ("Completed", "labels"), second.failure_reason
    folder = tmp_path / "reports" / NAME / NAME / f"{hours_ago(0):%Y/%m/%d/%H}"
    for place, known in ((folder, False), (folder / "run-1", True)):
        figures = json.loads((place / "analysis.json").read_text())["post_training_bias_metrics"]["facets"]["place"]
        values = {each["name"]: each["value"] for each in figures[0]["metrics"]}
        assert values["DPPL"] is not None
        assert (values["AD"] is not None) == known


def test_a_window_that_was_run_often_is_looked_after(catalog: Catalog, tmp_path: Path) -> None:
    """G-10: the pause between looks does not grow without end."""
    capture(tmp_path, hours_ago(1))
    monitored(catalog, tmp_path, hours_ago(1) + timedelta(minutes=5))
    with working(catalog, label_days=0):
        (found,) = until(lambda: ended(catalog, 1))
    with catalog.begin() as tx:
        executions.update(tx, found.id, now=catalog.clock(), run=5000)
    label(tmp_path, hours_ago(0), "0000.jsonl", range(9))
    assert Latecomers(catalog, Access(), Settings(label_poll_seconds=0.3)).look(catalog.clock()) == 0
    assert Latecomers(catalog, Access(), Settings(label_poll_seconds=1e-9)).look(catalog.clock()) == 1


def test_the_merge_is_a_job_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    """G-11, Q-01: the merged records lie where SageMaker puts them, and both jobs have one suffix."""
    learn(tmp_path)
    capture(tmp_path, hours_ago(1))
    label(tmp_path, hours_ago(1), "0000.jsonl", range(ROWS))
    monitored(catalog, tmp_path, hours_ago(1) + timedelta(minutes=5))
    with working(catalog, label_days=0):
        (found,) = until(lambda: ended(catalog, 1))
    assert found.status == "Completed", found.failure_reason
    merge, analysis = jobs_of(catalog)
    assert merge.name.startswith("groundtruth-merge-")
    assert merge.name.rpartition("-")[2] == analysis.name.rpartition("-")[2]
    assert merge.body["Merged"]["coverage"]["ratio"] == 1.0
    (part,) = (tmp_path / "reports" / "merge" / NAME / "AllTraffic" / f"{hours_ago(1):%Y/%m/%d/%H}").iterdir()
    record = json.loads(part.read_text().splitlines()[0])
    assert list(record) == ["eventVersion", "groundTruthData", "captureData", "eventMetadata"]
    assert record["groundTruthData"] == {"data": "1", "encoding": "CSV"}


def test_the_labels_are_looked_for_beforehand(catalog: Catalog, tmp_path: Path) -> None:
    """SE-03, G-09: a check of the schedule says where labels were looked for, and where they are."""
    learn(tmp_path)
    capture(tmp_path, hours_ago(1))
    monitored(catalog, tmp_path, hours_ago(1) + timedelta(minutes=5))
    now = datetime.now(UTC)
    steps = {each.resource: each for each in preflight.check(catalog, NAME, Access(), now)}
    assert steps[f"{tmp_path}/truth"].state == "warning"
    assert "No ground truth yet" in steps[f"{tmp_path}/truth"].said
    label(tmp_path, hours_ago(0), "0000.jsonl", range(9))
    steps = {each.resource: each for each in preflight.check(catalog, NAME, Access(), now)}
    assert steps[f"{tmp_path}/truth"].state == "ok"


def jobs_of(catalog: Catalog) -> list[Resource]:
    """All processing jobs, in the order in which they were made."""
    with catalog.read() as tx:
        return list(resources.search(tx, "processing-job", resources.Search(descending=False, limit=100)).items)
