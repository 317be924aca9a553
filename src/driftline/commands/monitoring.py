"""The options that choose a monitor and tell it which columns hold predictions, labels and groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from driftline.baselines import read_json
from driftline.clarify import Given, bias_run
from driftline.commands.options import Options, Repeated, names
from driftline.documents import analysis_config
from driftline.errors import Invalid
from driftline.formats.truth import TRUTH
from driftline.monitors.bias import Bias
from driftline.monitors.facets import Facet
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor
from driftline.profile.matches import Value
from driftline.runs import Manifest

_WHICH = Group("Which monitor")
_QUALITY = Group("Model quality")
_BIAS = Group("Bias and explainability")

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
    analysis_config
        SageMaker Clarify's analysis_config.json, instead of the options below.
    label
        The column of labels, as --ground-truth-attribute.
    positive
        The labels that are positive, or the number above which they are, parted by commas.
    facet
        NAME, NAME=VALUE or NAME=VALUE,VALUE: a column that tells groups apart, and who is disadvantaged; repeat it.
        Of a numeric column one value is a threshold.
    group_variable
        The column that conditional disparities are conditioned on.
    confidence
        Judge by intervals of this confidence, such as 0.95, instead of by values.
    """

    monitor: Annotated[Kind | None, Parameter(name=["--monitor", "-m"], group=_WHICH)] = None
    problem_type: Annotated[Problem | None, Parameter(group=_QUALITY)] = None
    inference_attribute: Annotated[str | None, Parameter(group=_QUALITY)] = None
    probability_attribute: Annotated[Repeated, Parameter(group=_QUALITY)] = ()
    probability_threshold: Annotated[float, Parameter(group=_QUALITY)] = 0.5
    ground_truth_attribute: Annotated[str | None, Parameter(group=_QUALITY)] = None
    ground_truth: Annotated[Repeated, Parameter(group=_QUALITY)] = ()

    analysis_config: Annotated[str | None, Parameter(group=_BIAS)] = None
    label: Annotated[str | None, Parameter(group=_BIAS)] = None
    positive: Annotated[Repeated, Parameter(group=_BIAS)] = ("1",)
    facet: Annotated[Repeated, Parameter(group=_BIAS)] = ()
    group_variable: Annotated[str | None, Parameter(group=_BIAS)] = None
    confidence: Annotated[float | None, Parameter(group=_BIAS)] = None

    def manifest(self, inputs: tuple[str, ...], options: Options) -> Manifest:
        """The run that the options ask for; its monitor is data quality unless another one is named."""
        if self.monitor == "bias" and self.analysis_config is not None:
            return self._configured(inputs, options)
        return options.manifest(inputs, self.made(options), labels=self.ground_truth)

    def _configured(self, inputs: tuple[str, ...], options: Options) -> Manifest:
        """The run of an analysis_config.json; what the options say of columns and of reading comes first."""
        config = analysis_config.read(read_json(self.analysis_config or "", options.access))
        given = Given(
            inference=self.inference_attribute,
            probability=self._probability if isinstance(self._probability, str) else None,
            compatible=options.compatible,
        )
        told, asked = bias_run(config, inputs, given), options.manifest(inputs, labels=self.ground_truth)
        chosen = {name: getattr(asked, name) or getattr(told, name) for name in _READING}
        return replace(asked, monitor=told.monitor, **chosen)

    @property
    def _probability(self) -> str | tuple[str, ...] | None:
        found = names(self.probability_attribute)
        return found[0] if len(found) == 1 else found or None

    def made(self, options: Options) -> Monitor | None:
        """The monitor that is asked for; None for data quality, or where the baseline says which."""
        if self.monitor == "model-quality":
            return self._model_quality(options)
        return self._bias(options) if self.monitor == "bias" else None

    def _model_quality(self, options: Options) -> ModelQuality:
        if self.problem_type is None:
            expected = "BinaryClassification, MulticlassClassification or Regression"
            raise Invalid(what="--problem-type", got="nothing", expected=expected)
        truth = self.ground_truth_attribute or (TRUTH if self.ground_truth else None)
        if truth is None:
            expected = "the column of labels"
            raise Invalid(what="--ground-truth-attribute", got="nothing", expected=expected, remedy=_LABELS_APART)
        return ModelQuality(
            self.problem_type,
            truth,
            self.inference_attribute,
            self._probability,
            self.probability_threshold,
            compatible=options.compatible,
        )

    def _bias(self, options: Options) -> Bias:
        if not self.facet:
            remedy = "For example --facet Sex=0, or --analysis-config FILE."
            raise Invalid(what="--facet", got="nothing", expected="a column that tells groups apart", remedy=remedy)
        return Bias(
            tuple(_facet(each) for each in self.facet),
            _values(",".join(self.positive)),
            self.label or self.ground_truth_attribute or (TRUTH if self.ground_truth else None),
            self.inference_attribute,
            self._probability,
            self.probability_threshold,
            group_variable=self.group_variable,
            confidence=self.confidence,
            compatible=options.compatible,
        )


_READING = ("format", "select", "exclude", "names")
"""Members of a run that a configuration may set."""


def _facet(given: str) -> Facet:
    """NAME, NAME=VALUE or NAME=VALUE,VALUE.

    >>> _facet("Sex=0"), _facet("City=Paris,Rome"), _facet("Age")
    (Facet(columns=('Sex',), values=((0,),)), Facet(columns=('City',), values=(('Paris', 'Rome'),)), ...)
    """
    name, _, values = given.partition("=")
    return Facet((name,), (_values(values),) if values else ())


def _values(given: str) -> tuple[Value, ...]:
    """Values parted by commas; what reads as a number is one."""
    return tuple(_value(each) for each in names((given,)))


def _value(text: str) -> Value:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


_LABELS_APART = "Labels that lie apart are named with --ground-truth."
