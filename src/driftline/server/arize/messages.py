"""What Arize's SDKs say of the rows that they log: whose they are, and which column is what."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from driftline.errors import Invalid
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment, ModelType, Role
from driftline.schemas.roles import SUFFIX
from driftline.server.arize import mapping
from driftline.server.arize.protobuf import Message, message, messages, text, texts, whole

METADATA = b"arize-schema"
"""The key of a table's metadata under which the SDKs describe it."""

_ENVIRONMENTS = {1: Environment.TRAINING, 2: Environment.VALIDATION, 3: Environment.PRODUCTION}
_TYPES = {
    1: "binary_classification",
    2: "numeric",
    3: "categorical",
    4: "score_categorical",
    5: "ranking",
    6: "object_detection",
    7: "generative_llm",
    8: "multi_class",
}
_CONSTANTS, _COLUMNS = 1, 4
"""Members of the description: what is the same for all rows, and the columns."""
_SHAP, _EMBEDDINGS, _PREDICTED_BOXES, _ACTUAL_BOXES = 8, 17, 18, 19
_SINGLE = {
    1: "predictionId",
    3: "timestamp",
    4: "predictionLabel",
    5: "predictionScore",
    6: "actualLabel",
    7: "actualScore",
    13: "version",
    14: "batchId",
    15: "predictionGroupId",
    16: "rank",
    24: "thresholdScores",
}
"""Number of a member of the columns -> what it is called in the schema of an import job."""
_OTHERWISE = {
    ModelType.RANKING: {"predictionScore": "predictionScores", "actualScore": "relevanceScore"},
    ModelType.MULTICLASS: {"predictionScore": "predictionScores", "actualScore": "actualScores"},
}
_VECTOR = ("vectorCol", "rawDataCol", "linkToDataCol")


@dataclass(frozen=True)
class Logged:
    """Whose the rows are, and which column is what; `version` and `batch` None where they are not said."""

    model: str
    version: str | None
    batch: str | None
    environment: Environment
    said: str
    columns: Columns
    space: str = "default"

    @property
    def type(self) -> ModelType:
        """The type of the model."""
        return mapping.model_type(self.said)


def logged_table(metadata: Mapping[bytes, bytes]) -> Logged:
    """What the metadata of a table say; raises `Invalid` for a table without, and for what is no type of rows."""
    try:
        found = message(base64.b64decode(metadata.get(METADATA, b""), validate=True))
    except ValueError as error:
        raise Invalid(what="arize-schema", got=str(error), expected="base64 of a message") from error
    constants = next(iter(messages(found, _CONSTANTS)), None)
    columns = next(iter(messages(found, _COLUMNS)), None)
    if constants is None or columns is None or not text(constants, 1):
        remedy = "Log rows by `log(dataframe=..., schema=Schema(...))`."
        raise Invalid(what="arize-schema", got="nothing", expected="a model and its columns", remedy=remedy)
    environment = _ENVIRONMENTS.get(whole(constants, 4))
    if environment is None:
        raise Invalid(what="environment", got=whole(constants, 4), expected="training, validation or production")
    said = _TYPES.get(whole(constants, 5), "")
    batch = text(constants, 3) or None
    made = _columns(columns, mapping.model_type(said))
    return Logged(text(constants, 1), text(constants, 2) or None, batch, environment, said, made)


def _columns(given: Message, type: ModelType) -> Columns:
    names = _OTHERWISE.get(type, {})
    schema: dict[str, Any] = {names.get(name, name): text(given, number) for number, name in _SINGLE.items()}
    schema |= {"featuresList": texts(given, 2), "tagsList": texts(given, 9)}
    schema["embeddingFeatures"] = [
        {"featureName": text(each, 1), **_vector(next(iter(messages(each, 2)), {}))}
        for each in messages(given, _EMBEDDINGS)
    ]
    for number, name in ((_PREDICTED_BOXES, "predictionObjectDetection"), (_ACTUAL_BOXES, "actualObjectDetection")):
        for each in messages(given, number):
            schema[name] = {column: text(each, place) for place, column in enumerate(mapping.BOX_COLUMNS, 1)}
    columns = mapping.columns_of(schema, type)
    fields = {f"{Role.ATTRIBUTION}/{text(each, 1)}{SUFFIX}": text(each, 2) for each in messages(given, _SHAP)}
    return replace(columns, fields={**columns.fields, **fields})


def _vector(given: Message) -> dict[str, str]:
    return {name: text(given, place) for place, name in enumerate(_VECTOR, 1)}


ID, TIME = "prediction_id", "timestamp"
_PREFIXES = {Role.FEATURE: "feature/", Role.TAG: "tag/", Role.ATTRIBUTION: "shap/"}
_ROW = {
    "prediction": Role.PREDICTION,
    "prediction_score": Role.SCORE,
    "actual": Role.ACTUAL,
    "actual_score": Role.ACTUAL_SCORE,
}


def logged_row(sent: Mapping[str, Any]) -> tuple[Logged, dict[str, Any]]:
    """Whose row it is and how it is read, and the row as one flat object; raises `Invalid` for what is none.

    >>> logged, row = logged_row({"model_id": "m", "prediction_id": "a", "environment_params": {"production": {}},
    ...     "prediction": {"features": {"n": {"int": "3"}}, "prediction_label": {"numeric": 2.5}}})
    >>> row, str(logged.type)
    ({'prediction_id': 'a', 'feature/n': 3, 'prediction': 2.5}, 'regression')
    """
    early, late = _object(sent, "prediction"), _object(sent, "actual")
    if not sent.get("model_id") or not (early or late):
        expected = "model_id, and a prediction or an actual"
        raise Invalid(what="body", got=", ".join(sorted(sent)) or "nothing", expected=expected)
    said = "numeric"
    row: dict[str, Any] = {ID: sent.get(ID)} if sent.get(ID) else {}
    moment = early.get("timestamp") or late.get("timestamp")
    row |= {TIME: moment} if moment else {}
    for part in (early, late):
        for name, prefix in (("features", _PREFIXES[Role.FEATURE]), ("tags", _PREFIXES[Role.TAG])):
            row |= {prefix + key: _plain(value) for key, value in _object(part, name).items()}
    importances = _object(_object(sent, "feature_importances"), "feature_importances")
    row |= {_PREFIXES[Role.ATTRIBUTION] + key: value for key, value in importances.items()}
    for part, name, label in ((early, "prediction", "prediction_label"), (late, "actual", "actual_label")):
        if part.get(label):
            said, values = _label(_object(part, label), name)
            row |= values
    params = _object(sent, "environment_params")
    environment = next((each for each in Environment if each in params), Environment.PRODUCTION)
    batch = _object(params, "validation").get("batch_id")
    columns = Columns(
        id=ID if ID in row else None,
        timestamp=TIME if moment else None,
        prefixes={
            str(role): prefix for role, prefix in _PREFIXES.items() if any(name.startswith(prefix) for name in row)
        },
        lists={str(role): (name,) for name, role in _ROW.items() if name in row},
    )
    version = early.get("model_version") or late.get("model_version") or None
    return Logged(str(sent["model_id"]), version, batch, environment, said, columns), row


def _object(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise Invalid(what=name, got=found, expected="an object")
    return found or {}


def _plain(value: Any) -> Any:
    """A value by its kind: `{"int": "3"}`, `{"double": 1.5}`, `{"string": "a"}`, `{"multi_value": {"values": []}}`."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise Invalid(what="value", got=value, expected='one kind, such as {"double": 1.5}')
    ((kind, found),) = value.items()
    if kind == "int":
        return int(found)
    if kind == "multi_value":
        return list(_object(value, kind).get("values", ()))
    if kind == "embedding":
        return list(_object(value, kind).get("vector", ()))
    return found


def _label(given: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """The type of model that such a label is of, and its columns."""
    if "numeric" in given:
        return "numeric", {name: given["numeric"]}
    scored = given.get("score_categorical")
    if isinstance(scored, Mapping):
        label = scored.get("score_category") or scored.get("category") or {}
        score = {f"{name}_score": label["score"]} if "score" in label else {}
        return "score_categorical", {name: label.get("category"), **score}
    remedy = "Log tables with log(dataframe=...), or import files."
    raise Invalid(what=f"{name} label", got=", ".join(given), expected="numeric or score_categorical", remedy=remedy)
