"""Monitors of data quality and of model quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Unpack

from driftline.sagemaker.jobs import ProcessingJob
from driftline.sagemaker.monitor import ModelMonitor
from driftline.sagemaker.options import QualityOptions, known

ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
"""The image by which the server knows its own analyses."""

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
        return self._suggest(baseline_dataset, dataset_format, found)

    def run_baseline(self, *_: Any, **__: Any) -> NoReturn:
        """Always raises `NotImplementedError`."""
        raise NotImplementedError("'.run_baseline()' is only allowed for ModelMonitor objects.")

    def _check(self, options: Mapping[str, Any]) -> None:
        if not options.get("ground_truth_input"):
            raise ValueError("ground_truth_input can not be None.")
        _problem(options.get("problem_type"))


def _problem(given: str | None) -> str:
    if not given:
        raise ValueError("problem_type can not be None.")
    if given not in PROBLEM_TYPES:
        raise ValueError(f"problem_type: got {given!r}, expected one of {', '.join(PROBLEM_TYPES)}.")
    return given
