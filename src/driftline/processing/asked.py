"""The monitor that a job's environment asks for, in the words of SageMaker's analyzer image."""

from __future__ import annotations

from collections.abc import Mapping

from driftline.errors import Invalid
from driftline.formats.truth import TRUTH
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor

THRESHOLD = 0.5
"""SageMaker's, where none is given."""


def monitor_of(environment: Mapping[str, str]) -> Monitor:
    """The monitor; raises `Invalid` naming the variable that is wrong.

    >>> monitor_of({"analysis_type": "MODEL_QUALITY", "problem_type": "Regression", "inference_attribute": "0"}).kind
    'model-quality'
    """
    kind = environment.get("analysis_type") or "DATA_QUALITY"
    if kind not in _MAKERS:
        raise Invalid(what="analysis_type", got=kind, expected=f"one of {', '.join(_MAKERS)}")
    return _MAKERS[kind](environment)


def threshold_of(environment: Mapping[str, str]) -> float:
    """Above which probability a prediction is positive."""
    given = environment.get("probability_threshold_attribute") or str(THRESHOLD)
    try:
        return float(given)
    except ValueError as error:
        raise Invalid(what="probability_threshold_attribute", got=given, expected="a number") from error


def _data_quality(environment: Mapping[str, str]) -> Monitor:
    method = environment.get("categorical_drift_method") or None
    if method not in (None, "LInfinity", "ChiSquared"):
        raise Invalid(what="categorical_drift_method", got=method, expected="LInfinity or ChiSquared")
    return DataQuality(compatible=True, categorical_drift_method=method)


def _model_quality(environment: Mapping[str, str]) -> Monitor:
    return ModelQuality(
        environment.get("problem_type") or "",
        environment.get("ground_truth_attribute") or TRUTH,
        environment.get("inference_attribute") or None,
        environment.get("probability_attribute") or None,
        threshold_of(environment),
        compatible=True,
    )


_MAKERS = {"DATA_QUALITY": _data_quality, "MODEL_QUALITY": _model_quality}
