"""The options that choose a monitor and tell it which columns hold predictions, labels and groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from driftline.asking import PREDICTED, Asked
from driftline.baselines import read_json
from driftline.clarify import Given, bias_run, explainability_run, rows_at, with_baseline
from driftline.commands.options import Flag, Options, Repeated, names
from driftline.documents import analysis_config
from driftline.errors import Invalid
from driftline.formats.truth import TRUTH
from driftline.localvalues import LocalValues
from driftline.manifest import Manifest
from driftline.monitors.bias import Bias
from driftline.monitors.explainability import EVERY, Explainability
from driftline.monitors.facets import Facet
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.predictions import EVERY as EVERY_COLUMN
from driftline.profile.attribution import PATTERN
from driftline.profile.matches import Value

_WHICH = Group("Which monitor")
_QUALITY = Group("Model quality")
_BIAS = Group("Bias and explainability")

Kind = Literal["data-quality", "model-quality", "bias", "explainability"]
Problem = Literal["BinaryClassification", "MulticlassClassification", "Regression", "Ranking"]


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
    query_attribute
        Of a ranking the column that tells which rows are ranked together.
    segment
        A column in whose values or ranges quality is measured, and the worst are sought; repeat it.
    segments
        auto seeks the worst segments among all columns that are no predictions and no labels.
    no_estimates
        Do not estimate quality before labels are there.
    ground_truth
        Where labels lie apart from the predictions, matched by inference id or event id; repeat it.
    analysis_config
        SageMaker Clarify's analysis_config.json, instead of the options below.
    label
        The column of labels, as --ground-truth-attribute.
    positive
        The labels that are positive, or the number above which they are, parted by commas; one for model quality.
    facet
        NAME, NAME=VALUE or NAME=VALUE,VALUE: a column that tells groups apart, and who is disadvantaged; repeat it.
        Of a numeric column one value is a threshold.
    group_variable
        The column that conditional disparities are conditioned on.
    confidence
        Judge by intervals of this confidence, such as 0.95, instead of by values.
    model
        A model to ask: the URL of its /invocations, module:function, file.py:function, or an .onnx, .json or .ubj file.
    shap_baseline
        The background rows: a CSV or JSON lines file, or a JSON list; chosen by clustering if not given.
    num_samples
        Coalitions that are tried for each row, at most.
    agg_method
        How attributions of all rows become one: mean_abs, median or mean_sq.
    use_logit
        Explain log-odds instead of probabilities.
    max_records
        Rows that the model is asked for at most; fewer rows are explained where that does not suffice.
    attributions
        Attributions that were logged with the predictions: what their columns begin with, or a pattern with {feature}.
    """

    monitor: Annotated[Kind | None, Parameter(name=["--monitor", "-m"], group=_WHICH)] = None
    problem_type: Annotated[Problem | None, Parameter(group=_QUALITY)] = None
    inference_attribute: Annotated[str | None, Parameter(group=_QUALITY)] = None
    probability_attribute: Annotated[Repeated, Parameter(group=_QUALITY)] = ()
    probability_threshold: Annotated[float, Parameter(group=_QUALITY)] = 0.5
    ground_truth_attribute: Annotated[str | None, Parameter(group=_QUALITY)] = None
    ground_truth: Annotated[Repeated, Parameter(group=_QUALITY)] = ()
    query_attribute: Annotated[str | None, Parameter(group=_QUALITY)] = None
    segment: Annotated[Repeated, Parameter(group=_QUALITY)] = ()
    segments: Annotated[Literal["auto"] | None, Parameter(group=_QUALITY)] = None
    no_estimates: Annotated[Flag, Parameter(group=_QUALITY)] = False

    analysis_config: Annotated[str | None, Parameter(group=_BIAS)] = None
    label: Annotated[str | None, Parameter(group=_BIAS)] = None
    positive: Annotated[Repeated, Parameter(group=_BIAS)] = ("1",)
    facet: Annotated[Repeated, Parameter(group=_BIAS)] = ()
    group_variable: Annotated[str | None, Parameter(group=_BIAS)] = None
    confidence: Annotated[float | None, Parameter(group=_BIAS)] = None

    model: Annotated[str | None, Parameter(group=_BIAS)] = None
    shap_baseline: Annotated[str | None, Parameter(group=_BIAS)] = None
    num_samples: Annotated[int | None, Parameter(group=_BIAS)] = None
    agg_method: Annotated[Literal["mean_abs", "median", "mean_sq"], Parameter(group=_BIAS)] = "mean_abs"
    use_logit: Annotated[Flag, Parameter(group=_BIAS)] = False
    max_records: Annotated[int | None, Parameter(group=_BIAS)] = None
    attributions: Annotated[str | None, Parameter(group=_BIAS)] = None

    def manifest(self, inputs: tuple[str, ...], options: Options) -> Manifest:
        """The run that the options ask for; its monitor is data quality unless another one is named."""
        if self.analysis_config is not None:
            if self.monitor not in ("bias", "explainability"):
                expected = "--monitor bias or --monitor explainability beside it"
                raise Invalid(what="--analysis-config", got=self.analysis_config, expected=expected)
            return self._configured(inputs, options)
        asked = options.manifest(inputs, self.made(options), labels=self.ground_truth)
        return asked if self.model is None else replace(asked, model=self._asked(options))

    def _asked(self, options: Options) -> Asked:
        """The model and how it is asked."""
        others = (self.label, self.ground_truth_attribute, self.inference_attribute, *names(self.probability_attribute))
        shap = {
            "baseline": None if self.shap_baseline is None else rows_at(self.shap_baseline, options.access),
            "num_samples": self.num_samples,
            "use_logit": self.use_logit,
        }
        given = {name: value for name, value in shap.items() if value is not None}
        if self.max_records is not None:
            given["max_records"] = self.max_records
        return Asked(self.model or "", (), tuple(each for each in others if each), {}, given)

    def _configured(self, inputs: tuple[str, ...], options: Options) -> Manifest:
        """The run of an analysis_config.json; what the options say of columns and of reading comes first."""
        config = analysis_config.read(read_json(self.analysis_config or "", options.access))
        given = Given(
            inference=self.inference_attribute,
            probability=self._probability if isinstance(self._probability, str) else None,
            model=self.model,
            compatible=options.compatible,
        )
        config = with_baseline(config, options.access)
        run = bias_run if self.monitor == "bias" else explainability_run
        told, asked = run(config, inputs, given), options.manifest(inputs, labels=self.ground_truth)
        chosen = {name: getattr(asked, name) or getattr(told, name) for name in _READING}
        return replace(asked, monitor=told.monitor, model=told.model, **chosen)

    def chosen(self, manifest: Manifest) -> Monitor | None:
        """The monitor that judges; None where the baseline says which, as of which features the model has."""
        told = self.monitor is not None and getattr(manifest.monitor, "features", None) != (EVERY,)
        return manifest.monitor if told else None

    @property
    def _probability(self) -> str | tuple[str, ...] | None:
        found = names(self.probability_attribute)
        return found[0] if len(found) == 1 else found or None

    @property
    def _guessless(self) -> bool:
        """Whether no column has the predictions, so that a model is asked."""
        return self.inference_attribute is None and self._probability is None

    def made(self, options: Options) -> Monitor | None:
        """The monitor that is asked for; None for data quality, or where the baseline says which."""
        if self.monitor == "model-quality":
            return self._model_quality(options)
        if self.monitor == "explainability":
            if self.attributions is None and self.model is None:
                expected = "a model to explain, or --attributions that were logged"
                raise Invalid(what="--model", got="nothing", expected=expected)
            columns = self.attributions or PATTERN
            return Explainability(attributions=columns, agg_method=self.agg_method, compatible=options.compatible)
        return self._bias(options) if self.monitor == "bias" else None

    def _model_quality(self, options: Options) -> ModelQuality:
        if self.problem_type is None:
            expected = "BinaryClassification, MulticlassClassification, Regression or Ranking"
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
            self.positive[0],
            compatible=options.compatible,
            estimates=not self.no_estimates,
            segments=names(self.segment),
            searched=(EVERY_COLUMN,) if self.segments else (),
            query_attribute=self.query_attribute,
        )

    def over(self, known: Monitor) -> Monitor:
        """The monitor that a baseline was learnt for, with what the options say of segments and estimates."""
        if not isinstance(known, ModelQuality):
            return known
        given: dict[str, Any] = {} if not self.segment else {"segments": names(self.segment)}
        given |= {"searched": (EVERY_COLUMN,)} if self.segments else {}
        given |= {"estimates": False} if self.no_estimates else {}
        return replace(known, **given)

    def _bias(self, options: Options) -> Bias:
        if not self.facet:
            remedy = "For example --facet Sex=0, or --analysis-config FILE."
            raise Invalid(what="--facet", got="nothing", expected="a column that tells groups apart", remedy=remedy)
        return Bias(
            tuple(_facet(each) for each in self.facet),
            _values(",".join(self.positive)),
            self.label or self.ground_truth_attribute or (TRUTH if self.ground_truth else None),
            self.inference_attribute,
            PREDICTED if self.model is not None and self._guessless else self._probability,
            self.probability_threshold,
            group_variable=self.group_variable,
            confidence=self.confidence,
            compatible=options.compatible,
        )


def local_of(manifest: Manifest) -> LocalValues | None:
    """What writes local attributions down, if the configuration wants them (`save_local_shap_values`)."""
    wanted = manifest.model is not None and manifest.model.shap.get("save_local_shap_values")
    return LocalValues() if wanted else None


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
