"""SageMaker's examples of the other three monitors as users of SDK 2.x and 3.x write them; prints what was found.

Arguments: the kind, folder of the example's data, bucket, URL of the served model.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from traffic import ROLE, Place, deploy, execution, invoke, job_names, label

try:
    from sagemaker.core.clarify import BiasConfig, DataConfig, ModelConfig, ModelPredictedLabelConfig, SHAPConfig
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.model_monitor import (
        Constraints,
        ConstraintViolations,
        CronExpressionGenerator,
        DataCaptureConfig,
        EndpointInput,
        ModelBiasMonitor,
        ModelExplainabilityMonitor,
        ModelQualityMonitor,
    )
    from sagemaker.core.model_monitor.dataset_format import DatasetFormat
    from sagemaker.core.resources import ProcessingJob

    NEW = True
except ModuleNotFoundError:
    from sagemaker import Session
    from sagemaker.clarify import BiasConfig, DataConfig, ModelConfig, ModelPredictedLabelConfig, SHAPConfig
    from sagemaker.model_monitor import (
        CronExpressionGenerator,
        DataCaptureConfig,
        EndpointInput,
        ModelBiasMonitor,
        ModelExplainabilityMonitor,
        ModelQualityMonitor,
    )
    from sagemaker.model_monitor.dataset_format import DatasetFormat

    NEW = False

INPUT = "/opt/ml/processing/input/endpoint"
LINES = "application/jsonlines"
NOW = {
    "schedule_cron_expression": CronExpressionGenerator.now(),
    "data_analysis_start_time": "-PT1H",
    "data_analysis_end_time": "-PT0H",
}
TOGETHER = 61
"""So many rows go in one call of some."""


def endpoint(session: Session, bucket: str, url: str, kind: str) -> Place:
    """The model, deployed with capture of CSV and JSON lines."""
    name = f"{kind}-{'v3' if NEW else 'v2'}-{time.time_ns()}"
    capture = DataCaptureConfig(
        True,
        100,
        f"s3://{bucket}/{name}/datacapture",
        csv_content_types=["text/csv"],
        json_content_types=[LINES],
        sagemaker_session=session,
    )
    return deploy(session, bucket, url, capture, name)


def quality(session: Session, data: Path, bucket: str, url: str) -> dict[str, Any]:
    """Baseline of validation data with predictions; labelled traffic; a schedule that runs at once."""
    place = endpoint(session, bucket, url, "quality")
    rows = list(csv.reader((data / "validation.csv").open()))
    lines, labels = [",".join(row[1:]) for row in rows], [row[0] for row in rows]
    singles = len(rows) - 6 * TOGETHER
    calls = [*((each, each + 1) for each in range(singles))]
    calls += [(start, start + TOGETHER) for start in range(singles, len(rows), TOGETHER)]
    answers = invoke(place, ["\n".join(lines[start:end]) for start, end in calls], "text/csv")
    truth = label(place, {str(each): "\n".join(labels[start:end]) for each, (start, end) in enumerate(calls)})
    monitor = ModelQualityMonitor(ROLE, max_runtime_in_seconds=1800, sagemaker_session=session)
    monitor.suggest_baseline(
        str(data / "validation_with_predictions.csv"),
        DatasetFormat.csv(header=True),
        output_s3_uri=f"{place.root}/baseline",
        problem_type="BinaryClassification",
        inference_attribute="prediction",
        probability_attribute="probability",
        ground_truth_attribute="label",
        wait=True,
        logs=False,
    )
    job = monitor.latest_baselining_job
    found: dict[str, Any] = {
        "statistics": job.baseline_statistics().body_dict,
        "constraints": job.suggested_constraints().body_dict,
    }
    given = {"probability_attribute": "0", "probability_threshold_attribute": 0.8}
    monitor.create_monitoring_schedule(
        EndpointInput(place.endpoint, INPUT, **given),
        ground_truth_input=truth,
        problem_type="BinaryClassification",
        output_s3_uri=f"{place.root}/reports",
        constraints=job.suggested_constraints(),
        **NOW,
    )
    found["execution"] = execution(monitor)
    found["violations"] = monitor.latest_monitoring_constraint_violations().body_dict["violations"]
    found["live"] = monitor.latest_monitoring_statistics().body_dict
    found["probabilities"] = [float(value) for answer in answers for value in answer.split()]
    found["labels"] = [int(each) for each in labels]
    return leave(end(found, place, monitor), place)


def suggest(monitor: Any, **given: Any) -> dict[str, Any]:
    """The constraints that a monitor of Clarify's suggests.

    3.x starts the job and then fails by itself, but the monitor knows the job's name and configuration by then.
    """
    if not NEW:
        monitor.suggest_baseline(**given, wait=True, logs=False)
        return dict(monitor.suggested_constraints().body_dict)
    try:
        monitor.suggest_baseline(**given)
    except AttributeError:
        ProcessingJob.get(monitor.latest_baselining_job_name).wait(poll=1)
    uri = f"{given['data_config'].s3_output_path}/analysis.json"
    return dict(Constraints.from_s3_uri(uri, sagemaker_session=monitor.sagemaker_session).body_dict)


def violations(monitor: Any) -> list[Any]:
    """The violations of the latest execution; 3.x cannot list those of Clarify's monitors, but it reads the file."""
    if not NEW:
        return list(monitor.latest_monitoring_constraint_violations().body_dict["violations"])
    name = execution(monitor)["ProcessingJobArn"].rpartition("/")[2]
    place = ProcessingJob.get(name).processing_output_config.outputs[0].s3_output.s3_uri
    uri = f"{place}/constraint_violations.json"
    return list(
        ConstraintViolations.from_s3_uri(uri, sagemaker_session=monitor.sagemaker_session).body_dict["violations"]
    )


def calls_of(data: Path) -> list[str]:
    """The rows of the test data as requests."""
    return (data / "test-dataset.jsonl").read_text().splitlines()


def adult(place: Place, data: Path, label: str | None) -> dict[str, Any]:
    """How the data and the model of the Adult example are told."""
    headers = json.loads((data / "model.json").read_text())["features"]
    headers += ["Target"] if label else []
    rows = place.put("validation/data.jsonl", (data / "validation-dataset.jsonl").read_text())
    told = {"label": label, "headers": headers, "features": "features", "dataset_type": LINES}
    model = {"content_type": LINES, "accept_type": LINES, "content_template": '{"features":$features}'}
    return {
        "data_config": DataConfig(rows, f"{place.root}/baseline", **told),
        "model_config": ModelConfig(place.endpoint, 1, "ml.m5.xlarge", **model),
    }


def bias(session: Session, data: Path, bucket: str, url: str) -> dict[str, Any]:
    """Baseline of the validation data by the model's predictions; labelled traffic; a schedule that runs at once."""
    place = endpoint(session, bucket, url, "bias")
    calls = calls_of(data)
    answers = [json.loads(answer)["predicted_label"] for answer in invoke(place, calls, LINES)]
    truth = label(place, {str(each): json.dumps({"label": value}) for each, value in enumerate(answers)}, "JSON")
    monitor = ModelBiasMonitor(ROLE, max_runtime_in_seconds=1800, sagemaker_session=session)
    facets = BiasConfig([1], facet_name="Sex", facet_values_or_threshold=[0], group_name="Age")
    found: dict[str, Any] = {
        "constraints": suggest(
            monitor,
            **adult(place, data, "label"),
            bias_config=facets,
            model_predicted_label_config=ModelPredictedLabelConfig(label="predicted_label"),
        )
    }
    monitor.create_monitoring_schedule(
        EndpointInput(place.endpoint, INPUT), ground_truth_input=truth, output_s3_uri=f"{place.root}/reports", **NOW
    )
    found["execution"] = execution(monitor)
    found["violations"] = violations(monitor)
    return leave(end(found, place, monitor), place)


def explainability(session: Session, data: Path, bucket: str, url: str) -> dict[str, Any]:
    """Baseline of the validation data by Kernel SHAP against the mean row; traffic; a schedule that runs at once."""
    place = endpoint(session, bucket, url, "explained")
    invoke(place, calls_of(data), LINES)
    rows = [json.loads(line)["features"] for line in (data / "validation-dataset.jsonl").read_text().splitlines()]
    mean = [round(sum(column) / len(column)) for column in zip(*rows, strict=True)]
    monitor = ModelExplainabilityMonitor(ROLE, max_runtime_in_seconds=1800, sagemaker_session=session)
    shap = SHAPConfig(
        baseline=[{"features": mean}], num_samples=100, agg_method="mean_abs", save_local_shap_values=False
    )
    constraints = suggest(monitor, **adult(place, data, None), explainability_config=shap, model_scores="score")
    given = {"endpoint_input": EndpointInput(place.endpoint, INPUT), "output_s3_uri": f"{place.root}/reports", **NOW}
    monitor.create_monitoring_schedule(**given)
    found: dict[str, Any] = {"constraints": constraints, "execution": execution(monitor)}
    found["violations"] = violations(monitor)
    end(found, place, monitor)
    uri = place.put("other/analysis.json", json.dumps(turned(constraints)))
    config = found["definition"]["ModelExplainabilityAppSpecification"]["ConfigUri"]
    given["endpoint_input"] = EndpointInput(
        place.endpoint, INPUT, features_attribute="features", inference_attribute="score"
    )
    other = ModelExplainabilityMonitor(ROLE, max_runtime_in_seconds=1800, sagemaker_session=session)
    other.create_monitoring_schedule(**given, constraints=uri, analysis_config=config)
    found |= {"other execution": execution(other), "other violations": violations(other)}
    end({}, place, other)
    return leave(found, place)


def turned(constraints: dict[str, Any]) -> dict[str, Any]:
    """The constraints of another model, to which the least feature matters most."""
    told = constraints["explanations"]["kernel_shap"]["label0"]
    values = told["global_shap_values"]
    most, least = sorted(values.values(), reverse=True), sorted(values, key=values.__getitem__)
    shap = {"label0": {**told, "global_shap_values": dict(zip(least, most, strict=True))}}
    return {**constraints, "explanations": {"kernel_shap": shap}}


def end(found: dict[str, Any], place: Place, monitor: Any) -> dict[str, Any]:
    """With what is known of the schedule, which is gone then."""
    found |= {"jobs": job_names(place), "schedule": monitor.monitoring_schedule_name, "endpoint": place.endpoint}
    kind = re.sub("(?<=[a-z])(?=[A-Z])", "_", monitor.monitoring_type()).lower()
    describe = getattr(place.session.sagemaker_client, f"describe_{kind}_job_definition")
    found["definition"] = describe(JobDefinitionName=monitor.job_definition_name)
    monitor.delete_monitoring_schedule()
    return found


def leave(found: dict[str, Any], place: Place) -> dict[str, Any]:
    """What was found, once the endpoint is gone."""
    place.session.sagemaker_client.delete_endpoint(EndpointName=place.endpoint)
    return found


KINDS = {"quality": quality, "bias": bias, "explainability": explainability}


if __name__ == "__main__":
    kind, data, bucket, url = sys.argv[1:]
    told = KINDS[kind](Session(default_bucket=bucket), Path(data), bucket, url)
    print(f"\n{json.dumps(told, default=str)}")  # the SDK leaves a line of dots open
