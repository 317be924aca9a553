"""Monitors of bias and of explanations, whose images are SageMaker Clarify's."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Unpack

from driftline.sagemaker import baselining
from driftline.sagemaker.baselining import unique_name
from driftline.sagemaker.clarify import BiasAnalysisConfig, DataConfig, ExplainabilityAnalysisConfig, given
from driftline.sagemaker.inputs import with_attributes
from driftline.sagemaker.jobs import ClarifyBaseliningJob, ProcessingJob
from driftline.sagemaker.monitor import ModelMonitor
from driftline.sagemaker.options import AnalysisOptions, known

LOGGER = logging.getLogger(__name__)

CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
REPORT = {"report": {"name": "report", "title": "Analysis Report"}}
_TYPES = {"csv": "text/csv", "parquet": "application/x-parquet"}
_TYPES |= {"sagemakerCaptureJson": "application/sagemakercapturejson"}


@dataclass(frozen=True)
class Analysed:
    """What the latest baseline was told, which a schedule is told too unless it is told something else."""

    analysis_config: Any
    attributes: Mapping[str, Any]


@dataclass(eq=False)
class ModelBiasMonitor(ModelMonitor):
    """Bias: how differently groups fare."""

    image_uri: str | None = field(default=CLARIFY, init=False)
    entrypoint: Sequence[str] | None = field(default=None, init=False)
    latest_baselining_job_config: Analysed | None = field(default=None, init=False)

    KIND = "ModelBias"
    JOB = ClarifyBaseliningJob

    def suggest_baseline(  # type: ignore[override]
        self,
        data_config: Any = None,
        bias_config: Any = None,
        model_config: Any = None,
        model_predicted_label_config: Any = None,
        **options: Unpack[AnalysisOptions],
    ) -> ProcessingJob:
        """Make a baseline, of Clarify's configurations or of a data set, its format and an `analysis_config`."""
        told = known(options, AnalysisOptions, "suggest_baseline")
        if data_config is None:
            config, data = _short(self, told)
        else:
            config = BiasAnalysisConfig(bias_config, data_config.headers, data_config.label)
            data = data_config
        threshold, answer = (
            model_predicted_label_config.get_predictor_config() if model_predicted_label_config else (None, {})
        )
        predictor = {**(model_config.get_predictor_config() if model_config else {}), **answer}
        methods: dict[str, Any] = {"pre_training_bias": {"methods": "all"}}
        if predictor or data.predicted_label is not None:
            methods["post_training_bias"] = {"methods": "all"}
        analysis = {**data.get_config(), **config._to_dict(), "methods": {**methods, **REPORT}}
        analysis |= given({"predictor": predictor or None, "probability_threshold": threshold})
        attributes = {"inference_attribute": answer.get("label", data.predicted_label)}
        attributes |= {"probability_attribute": answer.get("probability"), "probability_threshold_attribute": threshold}
        self.latest_baselining_job_config = Analysed(config, given({**attributes, "features_attribute": data.features}))
        return _analyse(self, data, analysis, told)

    def run_baseline(self, *_: Any, **__: Any) -> NoReturn:
        """Always raises `NotImplementedError`."""
        raise NotImplementedError(_NO_RUN)

    def latest_monitoring_statistics(self, file_name: str = "") -> NoReturn:
        """Always raises `NotImplementedError`: there are none."""
        raise NotImplementedError(f"{type(self).__name__} doesn't support statistics.")

    def _completed(self, options: Mapping[str, Any]) -> dict[str, Any]:
        if not options.get("ground_truth_input"):
            LOGGER.warning("No ground_truth_input: bias that needs true labels is not measured.")
        return _completed(self, options, self.latest_baselining_job_config)


@dataclass(eq=False)
class ModelExplainabilityMonitor(ModelMonitor):
    """Explanations: which features decide, and how much."""

    image_uri: str | None = field(default=CLARIFY, init=False)
    entrypoint: Sequence[str] | None = field(default=None, init=False)
    latest_baselining_job_config: Analysed | None = field(default=None, init=False)

    KIND = "ModelExplainability"
    JOB = ClarifyBaseliningJob

    def suggest_baseline(  # type: ignore[override]
        self,
        data_config: Any = None,
        explainability_config: Any = None,
        model_config: Any = None,
        model_scores: Any = None,
        **options: Unpack[AnalysisOptions],
    ) -> ProcessingJob:
        """Make a baseline, of Clarify's configurations or of a data set, its format and an `analysis_config`."""
        told = known(options, AnalysisOptions, "suggest_baseline")
        if data_config is None:
            config, data = _short(self, told)
        else:
            headers = [name for name in data_config.headers or () if name != data_config.label] or None
            config = ExplainabilityAnalysisConfig(explainability_config, model_config, headers)
            data = data_config
        analysis = {**data.get_config(), **config._to_dict()}
        analysis |= given({"headers": data.headers}) | {"methods": {**analysis["methods"], **REPORT}}
        if model_scores is not None:
            scores = (
                model_scores.get_predictor_config()[1] if hasattr(model_scores, "label") else {"label": model_scores}
            )
            analysis["predictor"] = {**analysis["predictor"], **scores}
        attributes = {"features_attribute": data.features, "inference_attribute": analysis["predictor"].get("label")}
        self.latest_baselining_job_config = Analysed(config, given(attributes))
        return _analyse(self, data, analysis, told)

    def run_baseline(self, *_: Any, **__: Any) -> NoReturn:
        """Always raises `NotImplementedError`."""
        raise NotImplementedError(_NO_RUN)

    def latest_monitoring_statistics(self, file_name: str = "") -> NoReturn:
        """Always raises `NotImplementedError`: there are none."""
        raise NotImplementedError(f"{type(self).__name__} doesn't support statistics.")

    def _completed(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return _completed(self, options, self.latest_baselining_job_config)


_NO_RUN = "'.run_baseline()' is only allowed for ModelMonitor objects. Please use suggest_baseline instead."


def _short(monitor: ModelMonitor, options: Mapping[str, Any]) -> tuple[Any, DataConfig]:
    """The analysis and the data of a baseline that was asked for in the short form."""
    config, dataset = options.get("analysis_config"), options.get("baseline_dataset")
    if config is None or dataset is None:
        raise ValueError("Give data_config, or baseline_dataset and analysis_config.")
    name = options.get("job_name") or unique_name("baseline-suggestion-job")
    session = monitor.sagemaker_session
    output = options.get("output_s3_uri") or session.place("model-monitor", "baselining", name, "results")
    columns = {each: getattr(config, each, None) for each in ("label", "headers")}
    predicted = getattr(config, "predicted_label_name", None)
    kind = _dataset_type(options.get("dataset_format") or {"csv": {}})
    return config, DataConfig(dataset, output, dataset_type=kind, predicted_label=predicted, **columns)


def _dataset_type(given: Mapping[str, Any]) -> str:
    """Clarify's name of a format.

    >>> _dataset_type({"csv": {"header": True}}), _dataset_type({"json": {"lines": True}})
    ('text/csv', 'application/jsonlines')
    """
    name, options = next(iter(given.items()))
    if name == "json":
        return "application/jsonlines" if options.get("lines", options.get("line", True)) else "application/json"
    if name not in _TYPES:
        raise ValueError(f"dataset_format: got {name!r}, expected one of csv, json, parquet and sagemakerCaptureJson.")
    return _TYPES[name]


def _analyse(
    monitor: ModelMonitor, data: Any, analysis: Mapping[str, Any], options: Mapping[str, Any]
) -> ProcessingJob:
    name = monitor._baseline_name(options)
    place = data.s3_analysis_config_output_path or data.s3_output_path
    request = baselining.of_analysis(monitor, name, data, analysis, place)
    return monitor._run(request, options)


def _completed(monitor: ModelMonitor, options: Mapping[str, Any], before: Analysed | None) -> dict[str, Any]:
    """The options of a new schedule, with what the latest baseline was told where they do not say it."""
    found = {"enable_cloudwatch_metrics": True, **options}
    if found.get("analysis_config") is None:
        if before is None:
            raise ValueError("analysis_config is mandatory.")
        found["analysis_config"] = before.analysis_config
    if monitor.latest_baselining_job_name and "constraints" not in found:
        found["baselining_job_name"] = monitor.latest_baselining_job_name
    predicted = getattr(found["analysis_config"], "predicted_label_name", None)
    attributes = {"inference_attribute": predicted, **(before.attributes if before else {})}
    for name in ("endpoint_input", "batch_transform_input"):
        if name in found:
            found[name] = with_attributes(found[name], given(attributes))
    return found
