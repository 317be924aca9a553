"""What schedules and baselines may be given, by keyword, whatever the kind of monitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from driftline.sagemaker.alerts import MonitoringAlertActions
from driftline.sagemaker.inputs import MonitoringOutput


class BaselineOptions(TypedDict, total=False):
    """How a baseline is made, beside its data."""

    output_s3_uri: str
    record_preprocessor_script: str
    post_analytics_processor_script: str
    wait: bool
    logs: bool
    job_name: str
    monitoring_config_override: Any


class QualityOptions(BaselineOptions, total=False):
    """How a baseline of predictions and labels is made: the columns, by name or together as `analysis_config`."""

    inference_attribute: str
    probability_attribute: str
    ground_truth_attribute: str
    probability_threshold_attribute: float | str
    analysis_config: Any


class AnalysisOptions(BaselineOptions, total=False):
    """How a baseline of bias or explanations is made in the short form: a data set and an `analysis_config`."""

    baseline_dataset: str
    dataset_format: Mapping[str, Any]
    analysis_config: Any
    kms_key: str


class ScheduleOptions(TypedDict, total=False):
    """What a schedule runs, on what, when.

    Scripts are local paths or URIs. `constraints` and `statistics` are URIs or files (`Constraints`, `Statistics`).
    `output` and `output_s3_uri` are two ways to say where results go.
    """

    endpoint_input: Any
    batch_transform_input: Any
    ground_truth_input: str
    problem_type: str
    analysis_config: Any
    record_preprocessor_script: str
    post_analytics_processor_script: str
    output: MonitoringOutput | None
    output_s3_uri: str
    constraints: Any
    statistics: Any
    schedule_cron_expression: str | None
    data_analysis_start_time: str | None
    data_analysis_end_time: str | None
    enable_cloudwatch_metrics: bool
    data_quality_monitoring_config: Any
    arguments: Sequence[str]
    alert_actions: MonitoringAlertActions | None


class UpdateOptions(ScheduleOptions, total=False):
    """What of a schedule shall change; what is not given stays."""

    role: str
    image_uri: str
    instance_count: int
    instance_type: str
    entrypoint: Sequence[str]
    volume_size_in_gb: int
    volume_kms_key: str
    output_kms_key: str
    max_runtime_in_seconds: int
    env: Mapping[str, str]
    network_config: Any


def known(options: Mapping[str, Any], kind: type, function: str) -> dict[str, Any]:
    """The options that are not None; raises `TypeError` for a name that is none of the kind's."""
    unknown = sorted(set(options) - set(kind.__annotations__))
    if unknown:
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown[0]!r}")
    return {name: value for name, value in options.items() if value is not None}


class DataQualityDistributionConstraints:
    """How categorical columns are compared: `ChiSquared` or `LInfinity`."""

    def __init__(self, categorical_drift_method: str | None = None) -> None:
        """The method, or None for the server's own choice."""
        self.categorical_drift_method = categorical_drift_method


class DataQualityMonitoringConfig:
    """Settings of a data-quality monitor that override those in its constraints."""

    def __init__(self, distribution_constraints: DataQualityDistributionConstraints | None = None) -> None:
        """The constraints of distributions, or None."""
        self.distribution_constraints = distribution_constraints


def drift_method(config: Any) -> str | None:
    """The method for categorical columns in a configuration or a mapping of its members, None if it names none.

    Raises the SDK's `RuntimeError` for any other method.

    >>> drift_method({"distribution_constraints": {"categorical_drift_method": "ChiSquared"}})
    'ChiSquared'
    """
    if config is None:
        return None
    constraints = _member(config, "distribution_constraints")
    method = None if constraints is None else _member(constraints, "categorical_drift_method")
    other = isinstance(config, Mapping) and set(config) - {"distribution_constraints"}
    if method not in (None, "", "ChiSquared", "LInfinity") or other:
        raise RuntimeError("Invalid value for monitoring_config_override.")
    return method or None


def _member(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, Mapping) else getattr(given, name, None)
