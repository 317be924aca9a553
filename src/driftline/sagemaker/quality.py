"""Monitors of data quality and of model quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Unpack

from driftline.sagemaker.inputs import with_attributes
from driftline.sagemaker.jobs import ProcessingJob
from driftline.sagemaker.monitor import ModelMonitor
from driftline.sagemaker.options import QualityOptions, known

ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
"""The image by which the server knows its own analyses."""

_PREDICTED = ("inference_attribute", "probability_attribute", "probability_threshold_attribute")

PROBLEM_TYPES = ("BinaryClassification", "MulticlassClassification", "Regression")


@dataclass(eq=False)
class DefaultModelMonitor(ModelMonitor):
    """Data quality: types, missing values, ranges, categories, and drift of distributions."""

    image_uri: str | None = field(default=ANALYZER, init=False)
    entrypoint: Sequence[str] | None = field(default=None, init=False)

    KIND = "DataQuality"

    def run_baseline(self, *_: Any, **__: Any) -> NoReturn:
        """Always raises `NotImplementedError`."""
        said = (
            "'.run_baseline()' is only allowed for ModelMonitor objects. Please use suggest_baseline for {} objects, "
        )
        raise NotImplementedError(f"{said}instead.".format(type(self).__name__))


@dataclass(eq=False)
class ModelQualityMonitor(ModelMonitor):
    """Model quality: what the model said against what was true."""

    image_uri: str | None = field(default=ANALYZER, init=False)
    entrypoint: Sequence[str] | None = field(default=None, init=False)

    _learnt: Mapping[str, Any] = field(default_factory=dict, init=False, repr=False)

    KIND = "ModelQuality"

    def suggest_baseline(
        self,
        baseline_dataset: str,
        dataset_format: Mapping[str, Any],
        problem_type: str | None = None,
        **options: Unpack[QualityOptions],
    ) -> ProcessingJob:
        """Make a baseline of predictions and labels.

        The problem and the columns are given by name, or together as `analysis_config`, a mapping of those names.
        Raises `ValueError` for a problem that is none of `PROBLEM_TYPES`.
        """
        given = known(options, QualityOptions, "suggest_baseline")
        together = given.pop("analysis_config", {})
        found = {**(together if isinstance(together, Mapping) else vars(together)), **given}
        found["problem_type"] = _problem(problem_type or found.get("problem_type"))
        self._learnt = {name: found[name] for name in _PREDICTED if found.get(name) is not None}
        return self._suggest(baseline_dataset, dataset_format, found)

    def run_baseline(self, *_: Any, **__: Any) -> NoReturn:
        """Always raises `NotImplementedError`."""
        raise NotImplementedError("'.run_baseline()' is only allowed for ModelMonitor objects.")

    def _check(self, options: Mapping[str, Any]) -> None:
        if not options.get("ground_truth_input"):
            raise ValueError("ground_truth_input can not be None.")
        _problem(options.get("problem_type"))

    def _completed(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Where predictions are is what the latest baseline was told, unless the input names any of it."""
        found = super()._completed(options)
        for name in ("endpoint_input", "batch_transform_input"):
            if name in found and not any(getattr(found[name], each, None) is not None for each in _PREDICTED):
                found[name] = with_attributes(found[name], self._learnt)
        return found


def _problem(given: str | None) -> str:
    if not given:
        raise ValueError("problem_type can not be None.")
    if given not in PROBLEM_TYPES:
        raise ValueError(f"problem_type: got {given!r}, expected one of {', '.join(PROBLEM_TYPES)}.")
    return given
