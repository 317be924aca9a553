"""Arthur's attributes and our fields: stages are roles, value types are kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from driftline.errors import Invalid
from driftline.schemas.fields import LATE, Kind, ModelField, ModelSchema, ModelType, Role
from driftline.schemas.rules import ARTHUR

_INPUT, _OTHER, _PREDICTED = "PIPELINE_INPUT", "NON_INPUT_DATA", "PREDICTED_VALUE"
_TRUTH, _TRUTH_CLASS = "GROUND_TRUTH", "GROUND_TRUTH_CLASS"
_STAGES = (_PREDICTED, _INPUT, "PREDICT_FUNCTION_INPUT", _OTHER, _TRUTH, _TRUTH_CLASS)
"""In the order in which captured calls have their values: what the model answered, then what it was asked."""

_KINDS = {
    "STRING": Kind.STRING,
    "INTEGER": Kind.NUMERIC,
    "FLOAT": Kind.NUMERIC,
    "BOOLEAN": Kind.BOOLEAN,
    "TIMESTAMP": Kind.TIMESTAMP,
    "UNSTRUCTURED_TEXT": Kind.TEXT,
    "IMAGE": Kind.STRING,
    "BOUNDING_BOX": Kind.LIST,
    "TOKENS": Kind.LIST,
    "TOKEN_LIKELIHOODS": Kind.LIST,
    "RANKED_LIST": Kind.LIST,
    "TIME_SERIES": Kind.LIST,
    "ARRAY(STRING)": Kind.LIST,
}
_VALUE_TYPES = {
    Kind.NUMERIC: "FLOAT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TEXT: "UNSTRUCTURED_TEXT",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.LIST: "ARRAY(STRING)",
    Kind.TENSOR: "ARRAY(STRING)",
}
_TYPES = {
    "REGRESSION": ModelType.REGRESSION,
    "MULTICLASS": ModelType.MULTICLASS,
    "MULTILABEL": ModelType.MULTILABEL,
    "OBJECT_DETECTION": ModelType.OBJECT_DETECTION,
    "TOKEN_SEQUENCE": ModelType.GENERATIVE,
    "RANKED_LIST": ModelType.RANKING,
}
_OUTPUTS = {kind: said for said, kind in _TYPES.items()} | {ModelType.BINARY: "MULTICLASS"}


def type_of(output: object, attributes: Sequence[Mapping[str, Any]]) -> ModelType:
    """The type of a model by its output; a classifier of two classes is binary. Raises `Invalid`.

    >>> str(type_of("MULTICLASS", [{"stage": "PREDICTED_VALUE"}] * 2))
    'binary'
    """
    found = _TYPES.get(str(output))
    if found is None:
        raise Invalid(what="output_type", got=output, expected=", ".join(_TYPES))
    predicted = sum(each.get("stage") == _PREDICTED for each in attributes)
    return ModelType.BINARY if found is ModelType.MULTICLASS and predicted <= 2 else found


def schema_of(attributes: Sequence[Mapping[str, Any]], type: ModelType) -> ModelSchema:
    """The fields that the attributes are, in the order of captured calls; raises `Invalid` for names and types.

    >>> given = [{"name": "age", "stage": "PIPELINE_INPUT", "value_type": "INTEGER", "position": 0},
    ...          {"name": "p", "stage": "PREDICTED_VALUE", "value_type": "FLOAT", "position": 0}]
    >>> [(each.name, str(each.role)) for each in schema_of(given, ModelType.REGRESSION)]
    [('p', 'prediction'), ('age', 'feature')]
    """
    for each in attributes:
        _check(each)
    ordered = sorted(attributes, key=lambda each: (_STAGES.index(each["stage"]), each.get("position") or 0))
    inputs = {each["name"] for each in attributes if each["stage"] == _INPUT}
    kept = [each for each in ordered if each["stage"] != "PREDICT_FUNCTION_INPUT" or each["name"] not in inputs]
    return ModelSchema(tuple(_field(each, type) for each in kept if not each.get("implicit")))


def _check(attribute: Mapping[str, Any]) -> None:
    name, stage, value = (attribute.get(each) for each in ("name", "stage", "value_type"))
    if not isinstance(name, str) or not name:
        raise Invalid(what="attribute", got=name, expected="a name")
    if name in ARTHUR:
        remedy = "Captured JSON has the rows by these words; rename the attribute."
        raise Invalid(what="attribute", got=name, expected=f"none of {', '.join(ARTHUR)}", remedy=remedy)
    if stage not in _STAGES:
        raise Invalid(what=f"stage of attribute {name}", got=stage, expected=", ".join(_STAGES))
    if value not in _KINDS:
        raise Invalid(what=f"value_type of attribute {name}", got=value, expected=", ".join(_KINDS))


def _field(attribute: Mapping[str, Any], type: ModelType) -> ModelField:
    stage, value = attribute["stage"], attribute["value_type"]
    is_number = _KINDS[value] is Kind.NUMERIC
    role, of = Role.FEATURE, None
    if stage == _OTHER:
        role = Role.TAG
    elif stage == _PREDICTED:
        of = attribute.get("gt_class_link")
        is_score = is_number and type is not ModelType.REGRESSION
        role = Role.SCORE if is_score else Role.PREDICTION
    elif stage in (_TRUTH, _TRUTH_CLASS):
        role, of = Role.ACTUAL, attribute.get("attribute_link")
    is_class = stage == _TRUTH_CLASS or (attribute.get("categorical") and value in ("STRING", "INTEGER"))
    kind = Kind.CATEGORICAL if is_class else _KINDS[value]
    return ModelField(attribute["name"], role, kind, of=of, whole=value == "INTEGER" and kind is Kind.NUMERIC)


def output_of(type: ModelType) -> str:
    """Arthur's output type of a model that its client did not make."""
    return _OUTPUTS[type]


def attributes_of(fields: Iterable[ModelField]) -> list[dict[str, Any]]:
    """The attributes that the fields of a model are that Arthur's client did not make."""
    found, positions = list[dict[str, Any]](), dict[str, int]()
    for each in fields:
        stage = _stage(each)
        positions[stage] = positions.get(stage, -1) + 1
        found.append(
            {
                "name": each.name,
                "stage": stage,
                "value_type": "INTEGER" if each.whole else _VALUE_TYPES.get(each.kind, "STRING"),
                "position": positions[stage],
                "categorical": each.kind in (Kind.CATEGORICAL, Kind.STRING, Kind.BOOLEAN),
            }
        )
    return found


def _stage(field: ModelField) -> str:
    if field.role in LATE:
        return _TRUTH
    if field.role in (Role.PREDICTION, Role.SCORE, Role.RANK):
        return _PREDICTED
    return _INPUT if field.role in (Role.FEATURE, Role.RAW_INPUT) else _OTHER
