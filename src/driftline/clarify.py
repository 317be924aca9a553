"""The runs that a Clarify configuration asks for: how the data are read, and by which monitor they are judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from driftline.asking import PREDICTED, Asked
from driftline.documents.analysis_config import AnalysisConfig, bias
from driftline.documents.analysis_rules import FILE, JSON_TYPES
from driftline.errors import Invalid
from driftline.formats.payloads import is_row
from driftline.formats.truth import TRUTH
from driftline.manifest import Manifest
from driftline.monitors.attributions import MEAN_ABS
from driftline.monitors.explainability import EVERY, Explainability
from driftline.monitors.monitor import Monitor
from driftline.profile.attribution import LABEL
from driftline.profile.outcomes import dotted_name
from driftline.sources import read, resolve
from driftline.storage.access import Access

FORMATS = {
    "text/csv": "csv",
    "application/jsonlines": "jsonlines",
    "application/json": "json",
    "application/x-parquet": "parquet",
    "application/sagemakercapturejson": "capture",
}
"""How files of a dataset type are read."""


@dataclass(frozen=True)
class Given:
    """What is told beside the configuration, as by the input of a job definition; None leaves it to the configuration.

    `is_captured` are calls of an endpoint, whose columns are those of the request by `headers`, then the answer's;
    `is_labelled` if their ground truth is in the records. `model` is where the predictor's model is served, or a file
    or `module:function` in its place.
    """

    features: str | None = None
    inference: str | None = None
    probability: str | None = None
    threshold: float | None = None
    is_captured: bool = False
    is_labelled: bool = False
    model: str | None = None
    compatible: bool = True


def bias_run(config: AnalysisConfig, inputs: Sequence[str], given: Given) -> Manifest:
    """The run of the bias monitor; raises `Invalid` for what the configuration lacks."""
    if config.methods and not {"pre_training_bias", "post_training_bias"} & set(config.methods):
        expected = "pre_training_bias or post_training_bias among them"
        raise Invalid(what=f"{FILE}.methods", got=sorted(config.methods), expected=expected)
    run = reading(config, inputs, given)
    model = _predicting(config, given) if not given.is_captured else None
    if model is not None:
        is_label = config.predictor.get("label") is not None  # else a probability, of which a threshold makes one
        given = replace(given, inference=PREDICTED if is_label else None, probability=None if is_label else PREDICTED)
        run = replace(run, model=model)
    names = run.names or ()
    label = (TRUTH if given.is_labelled else None) if given.is_captured else config.label_column
    answers = len(_features(config)) if given.is_captured else 0
    inference = given.inference if given.is_captured else given.inference or config.column(config.predicted_label)
    probability = given.probability
    if given.is_captured and inference is None and probability is None:
        probability = "0"  # an endpoint that answers with one score
    told = (_answer(each, answers, names) for each in (inference, probability))
    inference, probability = told
    threshold = given.threshold
    monitor = bias(
        config,
        label=label,
        inference=inference,
        probability=probability,
        threshold=threshold,
        features=_features(config) if given.is_captured else (),
        compatible=given.compatible,
    )
    if given.is_captured and label is None:
        monitor = replace(monitor, ground_truth_attribute=None)
    return replace(run, monitor=monitor)


def explainability_run(config: AnalysisConfig, inputs: Sequence[str], given: Given) -> Manifest:
    """The run of the explainability monitor; raises `Invalid` for what the configuration lacks."""
    shap = config.methods.get("shap") or {}
    features = _features(config)
    labels = tuple(map(str, config.predictor.get("label_headers") or ())) or (LABEL,)
    monitor = Explainability(
        features or (EVERY,),
        labels,
        agg_method=str(shap.get("agg_method") or MEAN_ABS),
        compatible=given.compatible,
    )
    if given.model is None:
        remedy = "Name one that is served: methods.shap explains what a model answers."
        raise Invalid(what=f"{FILE}.predictor", got=dict(config.predictor), expected="a model", remedy=remedy)
    others = [config.label_column, config.column(config.predicted_label)]
    asked = Asked(given.model, features, tuple(each for each in others if each), config.predictor, shap)
    run = reading(config, inputs, given)
    # Of a call only the request is needed: the model is asked again.
    settings = {**run.settings, "side": "input"} if given.is_captured else run.settings
    return replace(run, monitor=monitor, model=asked, settings=settings)


def _predicting(config: AnalysisConfig, given: Given) -> Asked | None:
    """The model that is asked for predictions: where there are metrics of them, and no column that has them."""
    has_none = config.predicted_label is None and given.inference is None and given.probability is None
    if not (has_none and config.predictor and config.metrics("post_training_bias")):
        return None
    if given.model is None:
        remedy = "Is the model registered, and its URL known?"
        raise Invalid(what=f"{FILE}.predictor", got=dict(config.predictor), expected="a model", remedy=remedy)
    predictor = dict(config.predictor)
    if predictor.get("label") is not None:
        predictor.pop("probability", None)  # a label is taken as it is, and no threshold asked
    others = (config.label_column,)
    features = _features(config)
    return Asked(given.model, features, tuple(each for each in others if each), predictor)


def reading(config: AnalysisConfig, inputs: Sequence[str], given: Given, monitor: Monitor | None = None) -> Manifest:
    """How the data are read: names and places of columns as the configuration tells them.

    Raises `Invalid` for columns that lie in files of their own: without them the figures would be those of others.
    """
    for member in ("facet_dataset_uri", "predicted_label_dataset_uri"):
        if getattr(config, member) is not None:
            expected = "nothing: other files are not joined with the data set"
            remedy = "Put their columns into the data set."
            raise Invalid(what=f"{FILE}.{member}", got=getattr(config, member), expected=expected, remedy=remedy)
    known = Manifest(tuple(inputs)) if monitor is None else Manifest(tuple(inputs), monitor=monitor)
    kind = config.dataset_type
    path = given.features or config.features
    if given.is_captured:
        # Paths lead into JSON of any depth; that SageMaker reads flat objects only is true of its other monitors.
        settings: dict[str, Any] = {"output_columns_position": "END", "compatible": False}
        if path and is_row(path):
            path = None  # as it is read without being told
        select = _selected(path, _features(config), (), keep=True) if path else ()
        names = None if path else _features(config) or None
        return replace(known, settings=settings, names=names, select=select)
    if kind in JSON_TYPES:
        return replace(known, format=FORMATS[kind], select=_json(config, path))
    return replace(known, format=FORMATS.get(kind or ""), names=config.headers, exclude=_excluded(config))


def with_baseline(config: AnalysisConfig, access: Access) -> AnalysisConfig:
    """The configuration with the rows of its SHAP baseline, where it names a file of them."""
    shap = config.methods.get("shap") or {}
    given = shap.get("baseline")
    if not isinstance(given, str):
        return config
    return replace(config, methods={**config.methods, "shap": {**shap, "baseline": rows_at(given, access)}})


def rows_at(given: str, access: Access) -> list[Any]:
    """Background rows: those of a JSON text, or of a file, by place where it has no names.

    Raises `NotFound` and `Unreadable` as the file deserves.
    """
    if given.lstrip().startswith("["):
        try:
            return list(json.loads(given))
        except ValueError as error:
            raise Invalid(what="baseline of shap", got=given[:80], expected="rows as JSON, or a file") from error
    source = resolve([given], access)
    found: list[Any] = []
    for task in source.tasks:
        for item in read(task, source):
            if isinstance(item, pa.RecordBatch):
                found += item.to_pylist()
    if found and all(name.startswith("_c") for name in found[0]):
        return [list(row.values()) for row in found]
    return found


def _features(config: AnalysisConfig) -> tuple[str, ...]:
    """The headers that are inputs of the model: all but the label's."""
    label = config.label_column
    return tuple(name for name in config.headers or () if name != label)


def _answer(attribute: str | None, features: int, names: Sequence[str]) -> str | None:
    """The column of an endpoint's answer, whose values by place come after those of the request."""
    if attribute is None or not attribute.isdecimal() or not names:
        return attribute
    return f"_c{features + int(attribute)}"


def _json(config: AnalysisConfig, path: str | None) -> tuple[str, ...]:
    """Expressions that name what JMESPaths lead to; raises `Invalid` without headers, which name the features."""
    if path is None:
        return ()
    if not config.headers:
        raise Invalid(what=f"{FILE}.headers", got="nothing", expected="a name for each feature", remedy="Add them.")
    others = [(each, name) for each, name in ((config.label, config.label_column),) if isinstance(each, str) and name]
    if isinstance(config.predicted_label, str):
        others.append((config.predicted_label, config.predicted_label))
    return _selected(path, _features(config), others)


def _selected(
    path: str, names: Sequence[str], others: Sequence[tuple[str, str]], *, keep: bool = False
) -> tuple[str, ...]:
    """An expression for each feature in the list at `path`, then one for each other path."""
    found = [f"{_column(path)}[{place}] AS {_quoted(name)}" for place, name in enumerate(names)]
    found += [f"{_column(path)} AS {_quoted(name)}" for path, name in others]
    return (*found, "*") if keep else tuple(found)


def _column(path: str) -> str:
    """A JMESPath as SQL; what stands before `[*]` or `[0]` are the rows themselves.

    >>> _column("features"), _column("instances[*].features"), _column("a.b")
    ('`features`', '`features`', '`a`.`b`')
    """
    rows, _, rest = path.rpartition("]")
    return ".".join(_quoted(each) for each in dotted_name(rest or rows).split("."))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _excluded(config: AnalysisConfig) -> tuple[str, ...]:
    return tuple(name for each in config.excluded_columns if (name := config.column(each)) is not None)
