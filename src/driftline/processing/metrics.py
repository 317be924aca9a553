"""A job's metrics in CloudWatch's shape: what a container wrote, or what the analysis found."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from driftline.monitors.model_quality import ModelQuality
from driftline.profile import Profile
from driftline.reports import Report

Metric = Mapping[str, Any]

ENDPOINTS, BATCH = "aws/sagemaker/Endpoints", "aws/sagemaker/ModelMonitoring"
_SPACES = {"MODEL_QUALITY": "model-metrics", "MODEL_BIAS": "bias-metrics"}
_SPACES |= {"MODEL_EXPLAINABILITY": "explainability-metrics"}


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


def of_run(current: Profile, report: Report | None, environment: Mapping[str, str]) -> tuple[Metric, ...]:
    """The metrics of a scheduled run: of data quality the values, completeness and drift of its columns."""
    names = {"Endpoint": "sagemaker_endpoint_name", "MonitoringSchedule": "sagemaker_monitoring_schedule_name"}
    told = {name: environment[variable] for name, variable in names.items() if environment.get(variable)}
    shared: dict[str, Any] = {"Dimensions": [{"Name": name, "Value": value} for name, value in told.items()]}
    if environment.get("metric_time"):
        shared["Timestamp"] = environment["metric_time"]
    if report is not None and isinstance(report.monitor, ModelQuality):
        found = list(_quality(report.monitor, current))
    else:
        found = [*_columns(current), *_drift(report)]
    return tuple({**metric, **shared} for metric in found)


def namespace(environment: Mapping[str, str]) -> str:
    """Where the metrics belong: an endpoint's, or a batch transform's."""
    whose = BATCH if environment.get("monitoring_input_type") == "BATCH_TRANSFORM_INPUT" else ENDPOINTS
    return f"{whose}/{_SPACES.get(environment.get('analysis_type', ''), 'data-metrics')}"


def _quality(monitor: ModelQuality, current: Profile) -> Iterator[dict[str, Any]]:
    """Every number of SageMaker's that is defined; curves and matrix are no metrics."""
    for figure in monitor.measure(current).compatible:
        if math.isfinite(figure.value):
            yield {"MetricName": figure.name, "Value": figure.value, "Unit": "None"}


def _columns(current: Profile) -> Iterator[dict[str, Any]]:
    for name in current.names:
        column = current.column(name)
        if column.rows:
            sample = {"SampleCount": column.rows, "Sum": column.present, "Minimum": 0 if column.missing else 1}
            yield {
                "MetricName": f"feature_non_null_{name}",
                "StatisticValues": {**sample, "Maximum": 1 if column.present else 0},
                "Unit": "None",
            }
        moments = column.moments
        if column.kinds.inferred in ("Integral", "Fractional") and math.isfinite(moments.sum) and column.present:
            values = {"SampleCount": column.present, "Sum": moments.sum}
            values |= {"Minimum": moments.minimum, "Maximum": moments.maximum}
            yield {"MetricName": f"feature_data_{name}", "StatisticValues": values, "Unit": "None"}


def _drift(report: Report | None) -> Iterator[dict[str, Any]]:
    for measure in report.measures if report else ():
        if measure.name == "baseline_drift" and math.isfinite(measure.value):
            yield {"MetricName": f"feature_baseline_drift_{measure.subject}", "Value": measure.value, "Unit": "None"}
