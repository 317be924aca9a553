"""`analysis_config.json`: what SageMaker Clarify is told of the data, the model and the analyses, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from driftline.documents.analysis_rules import FACET, FILE, JSON_TYPES, MEMBERS, PREDICTOR, check, check_methods
from driftline.errors import Invalid
from driftline.metrics.bias_post import POST
from driftline.metrics.bias_pre import PRE
from driftline.monitors.bias import Bias
from driftline.monitors.facets import Facet
from driftline.profile.matches import Value

Name = str | int


@dataclass(frozen=True)
class AnalysisConfig:
    """All that an analysis is told.

    Columns are told by name or, as whole numbers, by place; in JSON by JMESPath. What is None was not told. `methods`
    and `predictor` are as they stand in the file, their members checked.
    """

    dataset_type: str | None = None
    headers: tuple[str, ...] | None = None
    label: Name | None = None
    predicted_label: Name | None = None
    features: str | None = None
    label_values_or_threshold: tuple[Value, ...] | None = None
    probability_threshold: float | None = None
    facets: tuple[Facet, ...] = ()
    group_variable: Name | None = None
    excluded_columns: tuple[Name, ...] = ()
    joinsource: Name | None = None
    dataset_uri: str | None = None
    facet_dataset_uri: str | None = None
    facet_headers: tuple[str, ...] | None = None
    predicted_label_dataset_uri: str | None = None
    predicted_label_headers: tuple[str, ...] | None = None
    methods: Mapping[str, Any] = field(default_factory=dict)
    predictor: Mapping[str, Any] = field(default_factory=dict)

    def column(self, name: Name | None) -> str | None:
        """The column that a name or place means.

        >>> AnalysisConfig(headers=("age", "sex")).column(1), AnalysisConfig().column(1)
        ('sex', '1')
        """
        if isinstance(name, int) and self.headers is not None and 0 <= name < len(self.headers):
            return self.headers[name]
        return None if name is None else str(name)

    @property
    def label_column(self) -> str | None:
        """The column of labels: in JSON `label` is a path, and the last header names what it leads to.

        The configuration of a monitor does not say of what type its data are.

        >>> AnalysisConfig(headers=("age", "income"), label="truth.label").label_column
        'income'
        """
        path = isinstance(self.label, str) and self.dataset_type in (None, *JSON_TYPES)
        if path and self.headers and self.label not in self.headers:
            return self.headers[-1]
        return self.column(self.label)

    def metrics(self, stage: str) -> tuple[str, ...]:
        """The bias metrics that are asked for; `stage` is `pre_training_bias` or `post_training_bias`.

        A monitor's configuration has no methods: it asks for all.

        >>> AnalysisConfig(methods={"pre_training_bias": {"methods": ["CI"]}}).metrics("pre_training_bias")
        ('CI',)
        """
        every = PRE if stage == "pre_training_bias" else POST
        if not self.methods:
            return every
        chosen = (self.methods.get(stage) or {}).get("methods", ())
        return every if chosen == "all" else tuple(name for name in every if name in chosen)


def read(document: Any) -> AnalysisConfig:
    """The configuration of a document; raises `Invalid` naming the member that is wrong.

    >>> read({"label": "y", "facet": [{"name_or_index": "sex", "value_or_threshold": [0]}]}).facets[0].values
    ((0,),)
    """
    if not isinstance(document, Mapping):
        raise Invalid(what=FILE, got=document, expected="an object", remedy="Is this the right file?")
    check(document, MEMBERS, FILE)
    methods, predictor = document.get("methods") or {}, document.get("predictor") or {}
    check_methods(methods)
    check(predictor, PREDICTOR, f"{FILE}.predictor")
    threshold, kind = document.get("probability_threshold"), document.get("dataset_type")
    texts = {
        name: None if document.get(name) is None else tuple(document[name])
        for name in ("headers", "facet_headers", "predicted_label_headers")
    }
    return AnalysisConfig(
        dataset_type=None if kind is None else kind.lower(),
        headers=texts["headers"],
        label=document.get("label"),
        predicted_label=document.get("predicted_label"),
        features=document.get("features"),
        label_values_or_threshold=_values(document.get("label_values_or_threshold")),
        probability_threshold=None if threshold is None else float(threshold),
        facets=tuple(_facet(each, place, document) for place, each in enumerate(_facets(document))),
        group_variable=document.get("group_variable"),
        excluded_columns=tuple(document.get("excluded_columns") or ()),
        joinsource=document.get("joinsource_name_or_index"),
        dataset_uri=document.get("dataset_uri"),
        facet_dataset_uri=document.get("facet_dataset_uri"),
        facet_headers=texts["facet_headers"],
        predicted_label_dataset_uri=document.get("predicted_label_dataset_uri"),
        predicted_label_headers=texts["predicted_label_headers"],
        methods=methods,
        predictor=predictor,
    )


def bias(
    config: AnalysisConfig,
    *,
    label: str | None = None,
    inference: str | None = None,
    probability: str | tuple[str, ...] | None = None,
    threshold: float | None = None,
    features: Sequence[str] = (),
    compatible: bool = True,
) -> Bias:
    """The bias monitor that a configuration asks for; what is given beside it, as by a job definition, comes first.

    Raises `Invalid` if it names no facet, or no positive labels.

    >>> told = {"label": "y", "label_values_or_threshold": [1], "facet": [{"name_or_index": "sex"}]}
    >>> bias(read(told), inference="p").ground_truth_attribute
    'y'
    """
    for name, value in (("facet", config.facets), ("label_values_or_threshold", config.label_values_or_threshold)):
        if not value:
            raise Invalid(what=f"{FILE}.{name}", got="nothing", expected="what to compare", remedy="Add it.")
    guess = inference if inference is not None or probability is not None else config.column(config.predicted_label)
    chosen = config.probability_threshold if threshold is None else threshold
    return Bias(
        facets=config.facets,
        label_values_or_threshold=config.label_values_or_threshold or (),
        ground_truth_attribute=config.label_column if label is None else label,
        inference_attribute=guess,
        probability_attribute=probability,
        probability_threshold=0.5 if chosen is None else chosen,
        classes=tuple(map(str, config.predictor.get("label_headers") or ())),
        group_variable=config.column(config.group_variable),
        features=tuple(features),
        pre_training=config.metrics("pre_training_bias"),
        post_training=config.metrics("post_training_bias"),
        compatible=compatible,
    )


def _facets(document: Mapping[str, Any]) -> list[Any]:
    found = document.get("facet") or []
    return found if isinstance(found, list) else [found]


def _facet(value: Any, place: int, document: Mapping[str, Any]) -> Facet:
    where = f"{FILE}.facet[{place}]"
    check(value, FACET, where)
    if value.get("name_or_index") is None:
        raise Invalid(what=where, got="no name_or_index", expected="a column", remedy="Name it.")
    names, values = value["name_or_index"], value.get("value_or_threshold")
    known = AnalysisConfig(headers=tuple(document["headers"]) if document.get("headers") else None)
    several = names if isinstance(names, list) else [names]
    columns = tuple(known.column(name) or "" for name in several)
    if values is None:
        return Facet(columns)
    if not isinstance(names, list):
        return Facet(columns, (_values(values) or (),))
    if not isinstance(values, list) or len(values) != len(several):
        raise Invalid(what=f"{where}.value_or_threshold", got=values, expected="a list for each column of the facet")
    return Facet(columns, tuple(_values(each) or () for each in values))


def _values(value: Any) -> tuple[Value, ...] | None:
    if value is None:
        return None
    return tuple(value) if isinstance(value, list) else (value,)
