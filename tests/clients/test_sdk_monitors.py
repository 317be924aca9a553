"""Model quality, bias and explainability by the real SageMaker SDKs, 2.x and 3.x, with SageMaker's own figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import adult
import churn
import numpy as np
import pytest
from examples import figures, shared
from s3 import running_s3
from serving import Served, serving, until
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from surroundings import SDKS, Surroundings
from watching import cloudwatch

BUCKET = "monitored-bucket"
QUALITY_THRESHOLD = 0.8
EXPECTED_VALUE = 0.250623226
"""Of the model for the rounded mean row of the validation data, as SageMaker printed it."""


@dataclass(frozen=True)
class World:
    """A server that tells CloudWatch, what it was told, and the surroundings of its clients."""

    server: Served
    told: list[dict[str, Any]]
    churn: Surroundings
    adult: Surroundings

    def metrics(self, schedule: str, namespace: str) -> dict[str, float]:
        """What was told of a schedule: values by name."""
        found = {}
        for metric in list(self.told):
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            if (dimensions["MonitoringSchedule"], metric["Namespace"]) == (schedule, namespace):
                found[metric["MetricName"]] = metric["Value"]
        return found

    def kept(self, schedule: str, namespace: str) -> dict[str, float]:
        """What the server itself answers of a schedule, as CloudWatch: values by name."""
        keys = {name: self.server.environment[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
        client, now = self.server.client("cloudwatch", **keys), datetime.now(UTC)
        whose = [{"Name": "MonitoringSchedule", "Value": schedule}]
        listed = client.list_metrics(Namespace=namespace, Dimensions=whose)["Metrics"]
        queries = [
            {
                "Id": f"m{place}",
                "Label": each["MetricName"],
                "MetricStat": {"Metric": each, "Period": 60, "Stat": "Sum"},
            }
            for place, each in enumerate(listed)
        ]
        found = client.get_metric_data(
            MetricDataQueries=queries, StartTime=now - timedelta(days=2), EndTime=now + timedelta(hours=1)
        )
        return {each["Label"]: each["Values"][0] for each in found["MetricDataResults"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The server with both models."""
    folder = tmp_path_factory.mktemp("monitors")
    with (
        running_s3(folder / "s3") as store,
        churn.served(shared("data", "aws-churn", "xgb-churn.json")) as churning,
        adult.served(shared("data", "aws-adult", "model.json")) as earning,
        cloudwatch() as (url, told),
    ):
        store.bucket(BUCKET)
        settings = {"DRIFTLINE_ACCESS_KEY": store.access_key, "DRIFTLINE_SECRET_KEY": store.secret_key}
        settings |= {"DRIFTLINE_CLOUDWATCH": "true", "DRIFTLINE_CLOUDWATCH_URL": url}
        with serving(folder / "home", store.environment(), **settings) as server:
            models = (churning, earning)
            yield World(
                server, told, *(Surroundings.of(folder, server.url, store.environment(), model) for model in models)
            )


@pytest.mark.parametrize("venv", SDKS.values(), ids=SDKS)
def test_model_quality(world: World, venv: str) -> None:
    """BL-07, BL-10, G-01, G-11, MQ-01, MQ-03, MQ-05, MQ-06, MQ-07, FL-09, SC-16."""
    data = shared("data", "aws-churn", "validation.csv").parent
    found = world.churn.run(venv, "monitors.py", "quality", str(data), BUCKET, world.churn.model_url)
    golden = figures("churn-model-quality.json")
    statistics = found["statistics"]["binary_classification_metrics"]
    assert statistics["confusion_matrix"] == golden["confusion_matrix"]
    assert {name: statistics[name]["value"] for name in golden["metrics"]} == pytest.approx(golden["metrics"], abs=5e-7)
    assert found["constraints"]["binary_classification_constraints"] == {
        name: {"threshold": statistics[name]["value"], "comparison_operator": operator}
        for operator in ("LessThanThreshold", "GreaterThanThreshold")
        for name in golden["constraints"][operator]
    }
    check_live(found)
    merge, analysis = found["jobs"][-2:]
    assert merge.startswith("groundtruth-merge-")
    assert analysis == found["execution"]["ProcessingJobArn"].rpartition("/")[2]
    assert merge.rpartition("-")[2] == analysis.rpartition("-")[2]
    live = found["live"]["binary_classification_metrics"]
    told = until(lambda: world.metrics(found["schedule"], "aws/sagemaker/Endpoints/model-metrics"))
    assert told == {name: value["value"] for name, value in live.items() if "value" in value}
    assert world.kept(found["schedule"], "aws/sagemaker/Endpoints/model-metrics") == told


def check_live(found: dict[str, Any]) -> None:
    """The traffic's figures are those of scikit-learn, and the violations are as SageMaker words them."""
    labels, scores = np.array(found["labels"]), np.array(found["probabilities"])
    predicted = scores > QUALITY_THRESHOLD
    live = found["live"]["binary_classification_metrics"]
    assert found["live"]["dataset"]["item_count"] == len(labels) == 666
    assert live["accuracy"]["value"] == pytest.approx(accuracy_score(labels, predicted), abs=1e-12)
    assert live["recall"]["value"] == pytest.approx(recall_score(labels, predicted), abs=1e-12)
    assert live["auc"]["value"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert found["execution"]["MonitoringExecutionStatus"] == "CompletedWithViolations"
    named = {each["metric_name"]: each for each in found["violations"]}
    assert named.keys() == {"auc", "truePositiveRate", "f1", "accuracy", "falseNegativeRate", "recall", "f2", "f05"}
    auc = live["auc"]
    assert named["auc"] == {
        "constraint_check_type": "LessThanThreshold",
        "description": f"Metric auc with {auc['value']!r} +/- {auc['standard_deviation']!r} was LessThanThreshold "
        "'0.9395127993393898'",
        "metric_name": "auc",
    }


@pytest.mark.parametrize("venv", SDKS.values(), ids=SDKS)
def test_bias(world: World, venv: str) -> None:
    """BL-08, BL-11, BL-12, BI-01, BI-02, BI-04, BI-09, G-11, FL-07, FL-10."""
    data = shared("data", "aws-adult", "model.json").parent
    found = world.adult.run(venv, "monitors.py", "bias", str(data), BUCKET, world.adult.model_url)
    golden = figures("adult-bias.json")["metrics"]
    assert bias_metrics(found["constraints"]) == pytest.approx(golden, abs=1e-9)
    baseline, merge, analysis = found["jobs"][-3:]
    assert found["definition"]["ModelBiasBaselineConfig"] == {"BaseliningJobName": baseline}
    assert merge.startswith("groundtruth-merge-")
    assert analysis.startswith("model-bias-monitoring-")
    assert found["execution"]["MonitoringExecutionStatus"] == "CompletedWithViolations"
    told = until(lambda: world.metrics(found["schedule"], "aws/sagemaker/Endpoints/bias-metrics"))
    assert told.keys() == {f"bias_metric_{name}" for name in golden}
    assert told["bias_metric_AD"] == 0.0  # the labels of the traffic are the model's own predictions
    dimensions = [each for metric in list(world.told) for each in metric["Dimensions"]]
    assert {"Name": "Label", "Value": "Target"} in dimensions
    assert {"Name": "Label", "Value": "ground_truth"} not in dimensions
    named = {each["metric_name"]: each for each in found["violations"]}
    assert named.keys() == {"CDDL", "CDDPL", "DI", "JS", "KL"}
    value = told["bias_metric_CDDPL"]
    assert named["CDDPL"] == {
        "facet": "Sex",
        "facet_value": "0",
        "metric_name": "CDDPL",
        "constraint_check_type": "bias_drift_check",
        "description": f"Metric value {value!r} doesn't meet the baseline constraint requirement {golden['CDDPL']!r}",
    }


def bias_metrics(document: dict[str, Any]) -> dict[str, float]:
    """The metrics of an analysis with one facet."""
    stages = [document[f"{stage}_training_bias_metrics"] for stage in ("pre", "post")]
    assert [(stage["label"], stage["label_value_or_threshold"]) for stage in stages] == [("Target", "1")] * 2
    return {each["name"]: each["value"] for stage in stages for each in stage["facets"]["Sex"][0]["metrics"]}


@pytest.mark.parametrize("venv", SDKS.values(), ids=SDKS)
def test_explainability(world: World, venv: str) -> None:
    """BL-09, EX-01, EX-02, EX-03, EX-05, FL-08, FL-10."""
    data = shared("data", "aws-adult", "model.json").parent
    found = world.adult.run(venv, "monitors.py", "explainability", str(data), BUCKET, world.adult.model_url)
    explained = found["constraints"]["explanations"]["kernel_shap"]["label0"]
    assert explained["expected_value"] == pytest.approx(EXPECTED_VALUE, abs=1e-7)
    values = explained["global_shap_values"]
    assert sorted(values, key=values.__getitem__)[-2:] == ["Education-Num", "Capital Gain"]
    assert (found["execution"]["MonitoringExecutionStatus"], found["violations"]) == ("Completed", [])
    told = until(lambda: world.metrics(found["schedule"], "aws/sagemaker/Endpoints/explainability-metrics"))
    assert told.keys() == {*(f"feature_{name}" for name in values), "ExpectedValue"}
    assert found["other execution"]["MonitoringExecutionStatus"] == "CompletedWithViolations"
    (violation,) = found["other violations"]
    said = violation.pop("description")
    assert re.fullmatch(r"Feature attribution drift 0\.\d+ exceeds threshold 0\.9", said)
    check = "feature_attribution_drift_check"
    assert violation == {"label": "label0", "metric_name": "shap", "constraint_check_type": check}
