"""Fields as Aporia's clients declare them, as fields of a model version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from driftline.errors import Invalid
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role

TYPES = {
    "regression": ModelType.REGRESSION,
    "binary": ModelType.BINARY,
    "multiclass": ModelType.MULTICLASS,
    "multi-label": ModelType.MULTILABEL,
    "ranking": ModelType.RANKING,
}
"""Aporia's word for what a model predicts -> ours."""

KINDS = {
    "numeric": Kind.NUMERIC,
    "boolean": Kind.BOOLEAN,
    "string": Kind.STRING,
    "categorical": Kind.CATEGORICAL,
    "text": Kind.TEXT,
    "datetime": Kind.TIMESTAMP,
    "tensor": Kind.TENSOR,
    "vector": Kind.LIST,
    "array": Kind.LIST,
    "numeric_array": Kind.LIST,
    "embedding": Kind.LIST,
    "image_url": Kind.TEXT,
}
"""The word for a field's type -> our kind."""

_GROUP, _SCORE, _RELEVANCE = "batch_id_column_name", "relevance_column_name", "actual_relevance_column_name"
MAPPING = {_GROUP: "raw_inputs", _SCORE: "predictions", _RELEVANCE: "predictions"}
"""What `mapping` may name -> the section whose field it names; an actual is named as its prediction."""

_PROBABLE = re.compile(r"prob|score|confidence", re.IGNORECASE)


def type_of(said: str) -> ModelType:
    """What the model predicts; raises `Invalid`.

    >>> type_of("multi-label")
    <ModelType.MULTILABEL: 'multilabel'>
    """
    return TYPES[_known("model_type", said, TYPES)]


def kind_of(field: str, said: str) -> Kind:
    """Which values a field takes, by the word for its type; raises `Invalid`.

    >>> kind_of("at", "datetime")
    <Kind.TIMESTAMP: 'timestamp'>
    """
    return KINDS[_known(f"type of {field}", said, KINDS)]


def schema_of(
    type: ModelType, sections: Mapping[str, Mapping[str, Any] | None], mapping: Mapping[str, str] | None = None
) -> ModelSchema:
    """The fields of the sections `raw_inputs`, `features`, `predictions` and `metrics`; raises `Invalid`.

    Of a classifier numbers beside a label are scores, and so is a single number whose name says so. `mapping` names
    the fields of a ranking: its groups, its scores.

    >>> sections = {"features": {"age": "numeric"}, "predictions": {"buys": "boolean", "proba": "numeric"}}
    >>> [(each.name, str(each.role)) for each in schema_of(ModelType.BINARY, sections)]
    [('age', 'feature'), ('buys', 'prediction'), ('proba', 'score')]
    """
    given = dict(mapping or {})
    for key, name in given.items():
        section = MAPPING[_known("mapping", key, MAPPING)]
        _known(f"mapping.{key}", name, sections.get(section) or {})
    inputs = _section(sections, "raw_inputs", Role.RAW_INPUT)
    found = [replace(each, role=Role.GROUP) if each.name == given.get(_GROUP) else each for each in inputs]
    found += _section(sections, "features", Role.FEATURE)
    predictions = list(_section(sections, "predictions", Role.PREDICTION))
    found += _scored(type, predictions, given.get(_SCORE))
    found += _section(sections, "metrics", Role.TAG)
    return ModelSchema(tuple(found))


def actual_of(schema: ModelSchema, prediction: str, mapping: Mapping[str, str] | None = None) -> ModelField:
    """The field that holds the truth of a prediction; raises `Invalid` for one that is none of the version.

    >>> schema = ModelSchema((ModelField("buys", Role.PREDICTION, Kind.BOOLEAN),))
    >>> found = actual_of(schema, "buys")
    >>> found.name, str(found.role), found.of
    ('buys_actual', 'actual', 'buys')
    """
    known = {each.name: each for each in schema.having(Role.PREDICTION, Role.SCORE, Role.RANK)}
    of = known[_known("labels", prediction, known)]
    role = Role.RELEVANCE if prediction == (mapping or {}).get(_RELEVANCE) else Role.ACTUAL
    name, taken = f"{prediction}_actual", {each.name for each in schema.early}
    while name in taken:
        name += "_"
    return replace(of, name=name, role=role, of=prediction)


def columns_of(schema: ModelSchema, asked: Mapping[str, Mapping[str, str] | None]) -> dict[str, str]:
    """Field -> column, of the mappings of a dataset's sections, for those whose names differ; raises `Invalid`.

    >>> columns_of(ModelSchema((ModelField("age", Role.FEATURE, Kind.NUMERIC),)), {"features": {"age": "AGE"}})
    {'age': 'AGE'}
    """
    known = {each.name: each for each in schema.early}
    found = {}
    for section, mapped in asked.items():
        for name, column in (mapped or {}).items():
            found[_known(section, name, known)] = column
    return {name: column for name, column in found.items() if name != column}


def _section(sections: Mapping[str, Mapping[str, Any] | None], name: str, role: Role) -> Iterator[ModelField]:
    for field, said in (sections.get(name) or {}).items():
        about = {"type": said} if isinstance(said, str) else said
        if about.get("type") == "dict":
            remedy = "Make one field of each key, and select it from the files by select_expr: col.key AS key."
            raise Invalid(what=f"type of {field} in {name}", got="dict", expected=", ".join(KINDS), remedy=remedy)
        kind = kind_of(f"{field} in {name}", str(about.get("type")))
        yield ModelField(field, role, kind, _dimensions(field, about.get("dimensions", ())))


def _dimensions(field: str, said: Any) -> tuple[int, ...]:
    given = said if isinstance(said, list | tuple) else ()
    if said is None or (isinstance(said, list | tuple) and all(type(each) is int and each > 0 for each in given)):
        return tuple(given)
    raise Invalid(what=f"dimensions of {field}", got=said, expected="whole numbers over 0, such as [768]")


def _scored(type: ModelType, predictions: list[ModelField], relevance: str | None) -> Iterator[ModelField]:
    """The predictions, with the role of scores where they are such."""
    classifies = type in (ModelType.BINARY, ModelType.MULTICLASS, ModelType.MULTILABEL)
    has_label = any(each.kind is not Kind.NUMERIC for each in predictions)
    for each in predictions:
        is_probable = has_label or (len(predictions) == 1 and _PROBABLE.search(each.name))
        is_score = classifies and each.kind is Kind.NUMERIC and is_probable
        yield replace(each, role=Role.SCORE) if is_score or each.name == relevance else each


def _known(what: str, got: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    if got in known:
        return got
    near = get_close_matches(got, known, n=1)
    expected = ", ".join(list(known)[:20]) or "nothing: the version has no such fields"
    raise Invalid(what=what, got=got, expected=expected, remedy=f"Did you mean {near[0]!r}?" if near else "")
