"""The runs that a Clarify configuration asks for: how the data are read, and by which monitor they are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from driftline.documents.analysis_config import AnalysisConfig, bias
from driftline.documents.analysis_rules import FILE, JSON_TYPES
from driftline.errors import Invalid
from driftline.formats.truth import TRUTH
from driftline.monitors.monitor import Monitor
from driftline.profile.outcomes import dotted_name
from driftline.runs import Manifest

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
    `is_labelled` if their ground truth is in the records.
    """

    features: str | None = None
    inference: str | None = None
    probability: str | None = None
    threshold: float | None = None
    is_captured: bool = False
    is_labelled: bool = False
    compatible: bool = True


def bias_run(config: AnalysisConfig, inputs: Sequence[str], given: Given) -> Manifest:
    """The run of the bias monitor; raises `Invalid` for what the configuration lacks."""
    run = reading(config, inputs, given)
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


def reading(config: AnalysisConfig, inputs: Sequence[str], given: Given, monitor: Monitor | None = None) -> Manifest:
    """How the data are read: names and places of columns as the configuration tells them."""
    known = Manifest(tuple(inputs)) if monitor is None else Manifest(tuple(inputs), monitor=monitor)
    kind = config.dataset_type
    path = given.features or config.features
    if given.is_captured:
        settings: dict[str, Any] = {"output_columns_position": "END"}
        select = _selected(path, _features(config), (), keep=True) if path else ()
        names = None if path else _features(config) or None
        return replace(known, settings=settings, names=names, select=select)
    if kind in JSON_TYPES:
        return replace(known, format=FORMATS[kind], select=_json(config, path))
    return replace(known, format=FORMATS.get(kind or ""), names=config.headers, exclude=_excluded(config))


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
