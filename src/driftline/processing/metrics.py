"""A job's metrics in CloudWatch's shape: what a container wrote, or what the analysis found."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from driftline.monitors.attributions import Attributions
from driftline.monitors.bias import Bias
from driftline.monitors.disparities import POST_TRAINING, PRE_TRAINING, Disparities
from driftline.monitors.explainability import Explainability
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor
from driftline.profile import Profile
from driftline.reports import Report

Metric = Mapping[str, Any]

ENDPOINTS, BATCH = "aws/sagemaker/Endpoints", "aws/sagemaker/ModelMonitoring"
_SPACES = {"MODEL_QUALITY": "model-metrics", "MODEL_BIAS": "bias-metrics"}
_SPACES |= {"MODEL_EXPLAINABILITY": "explainability-metrics"}
_STAGES = {PRE_TRAINING: "Pre-training", POST_TRAINING: "Post-Training"}

_LARGEST = "distance"
"""What stands in the place of a column's name for the largest distance of all, unless a column has that name."""
INFINITE = 2.348543e108
"""What SageMaker publishes for an infinite value."""


def parsed(lines: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of a container's files, an object a line; a line that is none is left out.

    >>> parsed(['{"MetricName": "m", "Value": 1, "Dimensions": []}', "nonsense"])
    ({'MetricName': 'm', 'Value': 1, 'Dimensions': []},)
    """
    found = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "MetricName" in value and ("Value" in value) != ("StatisticValues" in value):
            found.append(value)
    return tuple(found)


def of_run(
    monitor: Monitor, current: Profile, report: Report | None, environment: Mapping[str, str]
) -> tuple[Metric, ...]:
    """The metrics of a scheduled run: of data quality the values, completeness and drift of its columns."""
    names = {"Endpoint": "sagemaker_endpoint_name", "MonitoringSchedule": "sagemaker_monitoring_schedule_name"}
    told = {name: environment[variable] for name, variable in names.items() if environment.get(variable)}
    found: Iterable[Metric] = [*_columns(current), *_drift(report)]
    if isinstance(monitor, ModelQuality):
        found = _quality(monitor, current)
    elif isinstance(monitor, Bias):
        found = _bias(monitor.measure(current, None if report is None else report.baseline.constraints))
    elif isinstance(monitor, Explainability):
        found = _explanations(monitor.measure(current))
    moment = {"Timestamp": environment["metric_time"]} if environment.get("metric_time") else {}
    return tuple({**metric, **moment, "Dimensions": _dimensions({**told, **metric["Dimensions"]})} for metric in found)


def _dimensions(told: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in told.items()]


def _value(name: str, value: float, dimensions: Mapping[str, str] | None = None) -> Metric:
    """One number as a metric; CloudWatch takes no infinity, so SageMaker publishes a large number for it."""
    bounded = math.copysign(INFINITE, value) if math.isinf(value) else value
    return {"MetricName": name, "Value": bounded, "Unit": "None", "Dimensions": dimensions or {}}


def namespace(environment: Mapping[str, str]) -> str:
    """Where the metrics belong: an endpoint's, or a batch transform's."""
    whose = BATCH if environment.get("monitoring_input_type") == "BATCH_TRANSFORM_INPUT" else ENDPOINTS
    return f"{whose}/{_SPACES.get(environment.get('analysis_type', ''), 'data-metrics')}"


def _quality(monitor: ModelQuality, current: Profile) -> Iterator[Metric]:
    """Every number of SageMaker's that is defined; curves and matrix are no metrics."""
    for figure in monitor.measure(current).compatible:
        if not math.isnan(figure.value):
            yield _value(figure.name, figure.value)


def _bias(found: Disparities) -> Iterator[Metric]:
    """Every metric of every group that is defined."""
    for name, stage in found.stages:
        told = {"BiasStage": _STAGES[name], "Label": stage.label, "LabelValue": stage.label_value}
        for group in stage.groups:
            whose = {**told, "Facet": group.facet, "FacetValue": group.value}
            for each in group.disparities:
                if not math.isnan(each.value):
                    yield _value(f"bias_metric_{each.name}", each.value, whose)


def _explanations(found: Attributions) -> Iterator[Metric]:
    """The global attribution of every feature, and what is expected of a row, for every label."""
    for each in found.labels:
        told = {"ExplainabilityMethod": "KernelShap", "Label": each.label}
        for feature, value in each.values.items():
            if not math.isnan(value):
                yield _value(f"feature_{feature}", value, {**told, "ValueType": "GlobalShapValues"})
        if not math.isnan(each.expected):
            yield _value("ExpectedValue", each.expected, {**told, "ValueType": "ExpectedValue"})


def _columns(current: Profile) -> Iterator[Metric]:
    for name in current.names:
        column = current.column(name)
        if column.rows:
            sample = {"SampleCount": column.rows, "Sum": column.present, "Minimum": 0 if column.missing else 1}
            yield {
                "MetricName": f"feature_non_null_{name}",
                "StatisticValues": {**sample, "Maximum": 1 if column.present else 0},
                "Unit": "None",
                "Dimensions": {},
            }
        moments = column.moments
        if column.kinds.inferred in ("Integral", "Fractional") and math.isfinite(moments.sum) and column.present:
            values = {"SampleCount": column.present, "Sum": moments.sum}
            values |= {"Minimum": moments.minimum, "Maximum": moments.maximum}
            yield {"MetricName": f"feature_data_{name}", "StatisticValues": values, "Unit": "None", "Dimensions": {}}


def _drift(report: Report | None) -> Iterator[Metric]:
    """The distance of every column, and the largest of them, on which one alarm can stand for all columns."""
    measures = report.measures if report else ()
    drifts = {each.subject: each.value for each in measures if each.name == "baseline_drift"}
    known = {subject: value for subject, value in drifts.items() if math.isfinite(value)}
    if known and _LARGEST not in known:
        known[_LARGEST] = max(known.values())
    for subject, value in known.items():
        yield _value(f"feature_baseline_drift_{subject}", value)
