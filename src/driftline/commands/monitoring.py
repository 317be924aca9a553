"""The options that choose a monitor and tell it which columns hold predictions, labels and groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from driftline.commands.options import Options, Repeated, names
from driftline.errors import Invalid
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor

_WHICH = Group("Which monitor")
_QUALITY = Group("Model quality")

Kind = Literal["data-quality", "model-quality", "bias", "explainability"]
Problem = Literal["BinaryClassification", "MulticlassClassification", "Regression"]


@Parameter(name="*")
@dataclass(frozen=True)
class Monitoring:
    """Options of the commands that learn and judge.

    Attributes
    ----------
    monitor
        What is watched: data-quality (the default), model-quality, bias or explainability.
    problem_type
        Which metrics there are.
    inference_attribute
        The column of predictions: a name, a place in digits, or a path in JSON.
    probability_attribute
        The column of probabilities; repeat it for several classes, of which the greatest wins.
    probability_threshold
        Above this probability the prediction is 1.
    ground_truth_attribute
        The column of labels, or the member of each label that is one.
    ground_truth
        Where labels lie apart from the predictions, matched by inference id or event id; repeat it.
    """

    monitor: Annotated[Kind | None, Parameter(name=["--monitor", "-m"], group=_WHICH)] = None
    problem_type: Annotated[Problem | None, Parameter(group=_QUALITY)] = None
    inference_attribute: Annotated[str | None, Parameter(group=_QUALITY)] = None
    probability_attribute: Annotated[Repeated, Parameter(group=_QUALITY)] = ()
    probability_threshold: Annotated[float, Parameter(group=_QUALITY)] = 0.5
    ground_truth_attribute: Annotated[str | None, Parameter(group=_QUALITY)] = None
    ground_truth: Annotated[Repeated, Parameter(group=_QUALITY)] = ()

    def made(self, options: Options) -> Monitor | None:
        """The monitor that is asked for; None for data quality, or where the baseline says which."""
        makers = {"model-quality": self._model_quality}
        return makers[self.monitor](options) if self.monitor in makers else None

    def _model_quality(self, options: Options) -> ModelQuality:
        if self.problem_type is None:
            expected = "BinaryClassification, MulticlassClassification or Regression"
            raise Invalid(what="--problem-type", got="nothing", expected=expected)
        probability = names(self.probability_attribute)
        truth = self.ground_truth_attribute or (GROUND_TRUTH if self.ground_truth else None)
        if truth is None:
            expected = "the column of labels"
            raise Invalid(what="--ground-truth-attribute", got="nothing", expected=expected, remedy=_LABELS_APART)
        return ModelQuality(
            self.problem_type,
            truth,
            self.inference_attribute,
            probability[0] if len(probability) == 1 else probability or None,
            self.probability_threshold,
            compatible=options.compatible,
        )


GROUND_TRUTH = "ground_truth"
"""The column that labels which lie apart are joined as."""

_LABELS_APART = "Labels that lie apart are named with --ground-truth."
