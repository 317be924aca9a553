"""The seed's code of its other three monitors, its imports changed, over a server that really runs their jobs."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import seed
from answering import answering
from examples import figures, shared
from s3 import running_s3
from serving import serving, until

from driftline.sagemaker import (
    DataCaptureConfig,
    EndpointInput,
    ModelBiasMonitor,
    ModelExplainabilityMonitor,
)

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
NOW: dict[str, Any] = {
    "schedule_cron_expression": "NOW",
    "data_analysis_start_time": "-PT1H",
    "data_analysis_end_time": "-PT0H",
}
WEIGHTS = (0.4, 0.3, -0.2, 0.1)


def answer(text: str) -> str:
    """A model of four numbers as the text configures it: CSV in, JSON out."""
    rows = [[float(cell) for cell in row] for row in csv.reader(text.splitlines()) if row]
    return json.dumps([sum(weight * cell for weight, cell in zip(WEIGHTS, row, strict=True)) for row in rows])


def hiring(rows: int, biased: float) -> list[dict[str, int]]:
    """People whose gender decides with a probability."""
    draws, found = random.Random(5), []
    for _ in range(rows):
        gender, skill = draws.randint(0, 1), draws.randint(0, 9)
        label = int(skill + draws.randint(-2, 2) > 4)
        prediction = 0 if gender == 0 and draws.random() < biased else label
        found.append({"gender": gender, "skill": skill, "prediction": prediction})
    return found


@pytest.fixture(scope="module", autouse=True)
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server, the buckets of the text with its data, its model and its endpoint."""
    folder = tmp_path_factory.mktemp("seed")
    with (
        running_s3(folder / "s3") as store,
        answering(answer, "application/json") as url,
        pytest.MonkeyPatch.context() as at,
    ):
        settings = {"DRIFTLINE_ACCESS_KEY": store.access_key, "DRIFTLINE_SECRET_KEY": store.secret_key}
        with serving(folder / "home", store.environment(), **settings) as server:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                at.delenv(name)
            variables = {**store.environment(), "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "us-east-1"}
            for name, value in variables.items():
                at.setenv(name, value)
            for bucket in ("my-bucket", "bucket"):
                store.bucket(bucket)
            _deploy(url)
            yield


def _deploy(url: str) -> None:
    client = boto3.client("sagemaker")
    container = {"Image": "model:1", "Environment": {"DRIFTLINE_MODEL_URL": url}}
    client.create_model(ModelName="my-model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    capture = DataCaptureConfig(True, destination_s3_uri="s3://bucket/captured")
    client.create_endpoint_config(
        EndpointConfigName="my-endpoint",
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": "my-model", "InitialInstanceCount": 1}],
        DataCaptureConfig=capture._to_request_dict(),
    )
    for name in ("my-endpoint", "explained"):
        client.create_endpoint(EndpointName=name, EndpointConfigName="my-endpoint")


def put(bucket: str, key: str, text: str) -> None:
    """A file of the text's."""
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())


def document(bucket: str, key: str) -> Any:
    """A JSON file of a bucket."""
    return json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def table(rows: list[dict[str, int]]) -> str:
    """The rows as CSV with a header."""
    return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n"


def capture(endpoint: str, rows: list[tuple[str, str]], kind: str, encoding: str) -> None:
    """Calls of a moment ago as they would be captured."""
    lines, moment = [], datetime.now(UTC) - timedelta(seconds=5)
    for place, pair in enumerate(rows):
        sides = {
            side: {"observedContentType": kind, "mode": side[8:].upper(), "data": data, "encoding": encoding}
            for side, data in zip(("endpointInput", "endpointOutput"), pair, strict=True)
        }
        meta = {"eventId": f"{endpoint}{place}", "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        lines.append(json.dumps({"captureData": sides, "eventMetadata": meta, "eventVersion": "0"}))
    key = f"captured/{endpoint}/AllTraffic/{moment:%Y/%m/%d/%H}/00-00-000-a.jsonl"
    put("bucket", key, "\n".join(lines))


def ended(monitor: Any) -> dict[str, Any]:
    """The summary of the schedule's execution, as soon as it has ended."""
    client = boto3.client("sagemaker")

    def last() -> Any:
        listed = client.list_monitoring_executions(MonitoringScheduleName=monitor.monitoring_schedule_name)
        done = ("Completed", "CompletedWithViolations", "Failed")
        found = listed["MonitoringExecutionSummaries"]
        return [each for each in found if each["MonitoringExecutionStatus"] in done]

    (found,) = until(last)
    assert isinstance(found, dict)
    return found


def test_model_quality() -> None:
    """IA-01, BL-07, MQ-01, MQ-07: SageMaker's figures by the text's own code."""
    text = shared("data", "aws-churn", "validation_with_predictions.csv").read_text()
    put("my-bucket", "validation-with-predictions.csv", text)
    monitor = seed.run("model quality")["quality_monitor"]
    golden = figures("churn-model-quality.json")
    found = monitor.baseline_statistics().body_dict["binary_classification_metrics"]
    assert {name: found[name]["value"] for name in golden["metrics"]} == pytest.approx(golden["metrics"], abs=5e-7)
    suggested = monitor.suggested_constraints().body_dict["binary_classification_constraints"]
    assert list(suggested) == [name for name in found if name in suggested]


def test_bias() -> None:
    """IA-01, BI-01, BI-06, BL-08: the text names no label, so what is measured is what predictions tell."""
    put("my-bucket", "training-data.csv", table(hiring(400, 0.1)))
    names = seed.run("bias")
    found = document("my-bucket", "bias-baseline/analysis.json")
    (group,) = found["post_training_bias_metrics"]["facets"]["gender"]
    values = {each["name"]: each["value"] for each in group["metrics"]}
    assert group["value_or_threshold"] == "0"
    assert 0 < values["DPPL"] < 0.2
    assert 0.5 < values["DI"] < 1
    calls = [(json.dumps({k: row[k] for k in ("gender", "skill")}), row["prediction"]) for row in hiring(200, 0.9)]
    capture("my-endpoint", [(a, json.dumps({"prediction": b})) for a, b in calls], "application/json", "JSON")
    monitor = ModelBiasMonitor(role=ROLE)
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput("my-endpoint", "/opt/ml/processing/input", inference_attribute="prediction"),
        ground_truth_input="s3://my-bucket/ground-truth/",
        analysis_config=names["bias_config"],
        output_s3_uri="s3://my-bucket/bias-monitoring",
        constraints="s3://my-bucket/bias-baseline/constraints.json",
        **NOW,
    )
    summary = ended(monitor)
    assert summary["MonitoringExecutionStatus"] == "CompletedWithViolations", summary.get("FailureReason")
    violations = monitor.latest_monitoring_constraint_violations()
    assert violations is not None
    assert {"DPPL", "DI"} <= {each["metric_name"] for each in violations.body_dict["violations"]}


def test_explainability() -> None:
    """IA-01, EX-01, EX-02, EX-03, BL-09: the text's background row, its model and its data without header."""
    draws = random.Random(7)
    lines = [",".join(f"{draws.random():.3f}" for _ in WEIGHTS) for _ in range(50)]
    put("bucket", "baseline.csv", "\n".join(lines) + "\n")
    names = seed.run("explainability")
    (found,) = document("bucket", "explainability-baseline/analysis.json")["explanations"]["kernel_shap"].values()
    background = [float(cell) for cell in names["baseline_config"].shap_baseline.split(",")]
    assert found["expected_value"] == pytest.approx(sum(map(lambda a, b: a * b, WEIGHTS, background)))
    rows = [[float(cell) for cell in line.split(",")] for line in lines]
    expected = [
        sum(abs(weight * (row[place] - background[place])) for row in rows) / len(rows)
        for place, weight in enumerate(WEIGHTS)
    ]
    assert list(found["global_shap_values"].values()) == pytest.approx(expected, abs=1e-9)
    moved = [[1 - 2 * row[0] / 10, row[1] / 10, 9 * row[2], 9 * row[3]] for row in rows]
    capture("explained", [(",".join(map(str, row)), "0.5") for row in moved], "text/csv", "CSV")
    monitor = ModelExplainabilityMonitor(role=ROLE)
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput("explained", "/opt/ml/processing/input"),
        analysis_config=names["explainability_config"],
        output_s3_uri="s3://bucket/explainability-monitoring",
        constraints="s3://bucket/explainability-baseline/constraints.json",
        **NOW,
    )
    summary = ended(monitor)
    assert summary["MonitoringExecutionStatus"] == "CompletedWithViolations", summary.get("FailureReason")
    violations = monitor.latest_monitoring_constraint_violations()
    assert violations is not None
    (violation,) = violations.body_dict["violations"]
    assert violation["constraint_check_type"] == "feature_attribution_drift_check"
