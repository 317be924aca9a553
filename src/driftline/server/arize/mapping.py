"""Arize's words for import jobs and ours: schemas, types of models, environments, stores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from driftline.errors import Invalid
from driftline.imports.job import Content
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment, ModelType, Role
from driftline.schemas.roles import qualified

NO_VERSION = "no_version"
"""What rows belong to whose version is not told."""

MODEL_TYPES = {
    "numeric": ModelType.REGRESSION,
    "regression": ModelType.REGRESSION,
    "score_categorical": ModelType.BINARY,
    "categorical": ModelType.BINARY,
    "binary_classification": ModelType.BINARY,
    "multi_class": ModelType.MULTICLASS,
    "ranking": ModelType.RANKING,
    "object_detection": ModelType.OBJECT_DETECTION,
    "generative_llm": ModelType.GENERATIVE,
}
"""Arize's type of a model, in small letters -> ours."""
_TYPES_BACK = {
    ModelType.REGRESSION: "numeric",
    ModelType.BINARY: "score_categorical",
    ModelType.MULTICLASS: "multi_class",
    ModelType.MULTILABEL: "multi_class",
    ModelType.RANKING: "ranking",
    ModelType.OBJECT_DETECTION: "object_detection",
    ModelType.GENERATIVE: "generative_llm",
}

_STORES = {"s3": "s3", "gcs": "gs", "azure": "az"}
_STORES_BACK = {"s3": "S3", "gs": "GCS", "az": "Azure"}

_PREFIXES = {"features": Role.FEATURE, "tags": Role.TAG, "shapValues": Role.ATTRIBUTION}
_LISTS = {"featuresList": Role.FEATURE, "tagsList": Role.TAG}
_SINGLE = {
    "predictionLabel": Role.PREDICTION,
    "predictionScores": Role.SCORE,
    "actualLabel": Role.ACTUAL,
    "actualScores": Role.ACTUAL_SCORE,
    "predictionGroupId": Role.GROUP,
    "rank": Role.RANK,
    "relevanceScore": Role.RELEVANCE,
    "relevanceLabel": Role.ACTUAL,
    "thresholdScores": Role.TAG,
}
"""Members of Arize's schema that name one column -> what is in it, whatever the type of the model."""
_SCORES = {"predictionScore": (Role.PREDICTION, Role.SCORE), "actualScore": (Role.ACTUAL, Role.ACTUAL_SCORE)}
"""What a score is: of a numeric model its prediction, of others the score of the label."""
_BOXES = {"predictionObjectDetection": Role.PREDICTION, "actualObjectDetection": Role.ACTUAL}
BOX_COLUMNS = (
    "boundingBoxesCoordinatesColumnName",
    "boundingBoxesCategoriesColumnName",
    "boundingBoxesScoresColumnName",
)
_OWN = ("predictionId", "timestamp", "version", "batchId", "exclude", "embeddingFeatures", "changeTimestamp")
_KNOWN = (*_OWN, *_PREFIXES, *_LISTS, *_SINGLE, *_SCORES, *_BOXES)
_MANY_SCORES = (ModelType.MULTICLASS, ModelType.RANKING)
"""Types whose scores are many, in one column: `predictionScores` and not `predictionScore`."""
_RAW, _LINK = " raw data", " link to data"
"""What the columns beside a vector are called: its field's name and this."""
_ILLEGAL = re.compile(r"[^A-Za-z0-9_ .:@+()-]+")


def model_id(name: str) -> str:
    """The id of a model that Arize knows by its name: the name, as far as ids may hold it; raises `Invalid`.

    >>> model_id("Click-thru rate"), model_id("fraud/eu")
    ('Click-thru rate', 'fraud-eu')
    """
    found = _ILLEGAL.sub("-", name).strip(" -")[:128].rstrip(" ")
    if not found or not (found[0].isalnum() or found[0] == "_"):
        raise Invalid(what="modelName", got=name, expected="a name that begins with a letter or a digit")
    return found


def ids_of(name: str, space: str) -> tuple[str, str]:
    """The ids that a model of a space may have: by its name alone, or, where that is taken, with the space.

    >>> ids_of("click", "risk")
    ('click', 'click@risk')
    """
    return model_id(name), model_id(f"{name}@{space}")


def model_type(said: object) -> ModelType:
    """The type of a model; raises `Invalid`.

    >>> str(model_type("score_categorical")), str(model_type("MULTI_CLASS"))
    ('binary', 'multiclass')
    """
    found = MODEL_TYPES.get(str(said).lower())
    if found is None:
        raise Invalid(what="modelType", got=said, expected=", ".join(MODEL_TYPES))
    return found


def type_said(type: ModelType, body: Mapping[str, Any]) -> str:
    """How Arize calls the type of a model version: as its client said, or what is nearest."""
    said = body.get("arize", {}).get("modelType")
    return str(said) if said else _TYPES_BACK[type]


def environment(said: object) -> Environment:
    """Where rows come from; raises `Invalid` for traces, which are none."""
    try:
        return Environment(str(said or "production").lower())
    except ValueError as error:
        expected = ", ".join(Environment)
        raise Invalid(what="modelEnvironmentName", got=said, expected=expected) from error


def uri_of(store: object, bucket: str, prefix: str) -> str:
    """Where the files are; raises `Invalid`.

    >>> uri_of("S3", "logs", "/click/v1/"), uri_of("GCS", "logs", "")
    ('s3://logs/click/v1/', 'gs://logs/')
    """
    scheme = _STORES.get(str(store).lower())
    if scheme is None:
        raise Invalid(what="blobStore", got=store, expected="S3, GCS or Azure")
    if not bucket:
        raise Invalid(what="bucketName", got=bucket, expected="the name of a bucket")
    return f"{scheme}://{bucket}/{prefix.lstrip('/')}"


def place_said(uri: str) -> dict[str, str] | None:
    """Store, bucket and prefix of a URI; None for what Arize does not know, such as folders.

    >>> place_said("gs://logs/a/b"), place_said("/data/a")
    ({'blobStore': 'GCS', 'bucketName': 'logs', 'prefix': 'a/b'}, None)
    """
    scheme, _, rest = uri.partition("://")
    if scheme not in _STORES_BACK:
        return None
    bucket, _, prefix = rest.partition("/")
    return {"blobStore": _STORES_BACK[scheme], "bucketName": bucket, "prefix": prefix}


def columns_of(schema: Mapping[str, Any], type: ModelType) -> Columns:
    """Which column is what, by Arize's schema of a file; raises `Invalid` for members that it does not have.

    >>> columns_of({"predictionId": "id", "features": "feature/", "predictionScore": "p"}, ModelType.REGRESSION).lists
    {'prediction': ('p',)}
    """
    unknown = sorted(name for name, value in schema.items() if name not in _KNOWN and value not in (None, [], ""))
    if unknown:
        raise Invalid(what="schema", got=", ".join(unknown), expected=", ".join(sorted(_KNOWN)))
    given = {name: value for name, value in schema.items() if value not in (None, [], "", {})}
    lists = dict[str, list[str]]()
    for name, role in _SINGLE.items():
        if name in given:
            lists.setdefault(role, []).append(str(given[name]))
    for name, (numeric, other) in _SCORES.items():
        if name in given:
            lists.setdefault(numeric if type is ModelType.REGRESSION else other, []).append(str(given[name]))
    for name, role in _LISTS.items():
        lists.setdefault(role, []).extend(map(str, given.get(name, ())))
    for name, role in _BOXES.items():
        boxes = given.get(name, {})
        lists.setdefault(role, []).extend(str(boxes[column]) for column in BOX_COLUMNS if boxes.get(column))
    excluded = [str(each) for each in given.get("exclude", ())]
    return Columns(
        id=given.get("predictionId"),
        timestamp=given.get("timestamp"),
        version=given.get("version"),
        batch=given.get("batchId"),
        fields=_embedded(given.get("embeddingFeatures", ())),
        prefixes={str(role): str(given[name]) for name, role in _PREFIXES.items() if name in given},
        lists={str(role): tuple(dict.fromkeys(names)) for role, names in lists.items() if names},
        exclude=(*excluded, *([str(given["changeTimestamp"])] if "changeTimestamp" in given else [])),
    )


def _embedded(said: object) -> dict[str, str]:
    """Field -> column: a vector is a feature by its own name, its raw data and the link to them are tags."""
    every: Sequence[Any] = said if isinstance(said, Sequence) else [said]
    fields = {}
    for each in every:
        if not isinstance(each, Mapping) or not each.get("featureName") or not each.get("vectorCol"):
            raise Invalid(what="embeddingFeatures", got=each, expected="featureName and vectorCol")
        name = str(each["featureName"])
        fields[name] = str(each["vectorCol"])
        beside = {name + _RAW: each.get("rawDataCol"), name + _LINK: each.get("linkToDataCol")}
        fields |= {f"{Role.TAG}/{key}": str(column) for key, column in beside.items() if column}
    return fields


def schema_said(columns: Columns, type: ModelType) -> dict[str, Any]:
    """Arize's schema of a file that has these columns: what `columns_of` was made of, or would be.

    >>> schema = {"predictionId": "id", "tagsList": ["a"], "actualLabel": "y", "embeddingFeatures":
    ...           [{"featureName": "e", "vectorCol": "v", "rawDataCol": "t", "linkToDataCol": ""}]}
    >>> found = schema_said(columns_of(schema, ModelType.BINARY), ModelType.BINARY)
    >>> {name: value for name, value in found.items() if value} == schema
    True
    """
    found: dict[str, Any] = {
        "predictionId": columns.id,
        "timestamp": columns.timestamp,
        "version": columns.version,
        "batchId": columns.batch,
        "exclude": list(columns.exclude) or None,
        "changeTimestamp": None,
    }
    left: dict[str, list[str]] = {role: list(names) for role, names in columns.lists.items()}
    found["embeddingFeatures"] = _embeddings(columns.fields) or None
    for key, column in columns.fields.items():
        role, name = qualified(key)
        if role is not Role.FEATURE and not name.endswith((_RAW, _LINK)):
            left.setdefault(role, []).append(column)
    if type is ModelType.OBJECT_DETECTION:
        found |= {name: _boxes(left.pop(role, [])) for name, role in _BOXES.items()}
    if type not in _MANY_SCORES:
        for name, (numeric, other) in _SCORES.items():
            found[name] = _popped(left, numeric if type is ModelType.REGRESSION else other)
    for name, role in _SINGLE.items():
        if role is not Role.TAG and not (type is ModelType.RANKING and name == "actualLabel"):
            found[name] = _popped(left, role)
    for name, role in _LISTS.items():
        found[name] = left.get(role) or None
    return found | {name: columns.prefixes.get(role) for name, role in _PREFIXES.items()}


def _popped(left: dict[str, list[str]], role: Role) -> str | None:
    names = left.get(role)
    return names.pop(0) if names else None


def _embeddings(fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Features whose columns have other names, which Arize says of vectors only."""
    found = []
    for key, column in fields.items():
        role, name = qualified(key)
        if role is Role.FEATURE:
            raw, link = (fields.get(f"{Role.TAG}/{name}{more}", "") for more in (_RAW, _LINK))
            found.append({"featureName": name, "vectorCol": column, "rawDataCol": raw, "linkToDataCol": link})
    return found


def _boxes(columns: Sequence[str]) -> dict[str, str] | None:
    return dict(zip(BOX_COLUMNS, columns, strict=False)) if len(columns) > 1 else None


def content_of(columns: Columns) -> Content:
    """What the files of a job hold, by the columns that its schema names.

    >>> str(content_of(Columns(id="id", lists={"actual": ("y",)})))
    'actuals'
    """
    named = {*columns.lists, *columns.prefixes}
    late = bool(named & {Role.ACTUAL, Role.ACTUAL_SCORE, Role.RELEVANCE})
    early = bool(named - {Role.ACTUAL, Role.ACTUAL_SCORE, Role.RELEVANCE, Role.TAG})
    if late and not early:
        return Content.ACTUALS
    return Content.BOTH if late else Content.PREDICTIONS
