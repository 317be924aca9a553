"""Models, their tags and versions: made, described, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from typing import Any, TypedDict, Unpack

from driftline.aporia.connection import AporiaError, connection, only, path, told
from driftline.aporia.model import Model

Fields = Mapping[str, str | Mapping[str, Any]]
"""Name of a field -> its type: numeric, boolean, string, categorical, text, datetime, vector, or a description such as
`{"type": "tensor", "dimensions": [768]}`."""


class ModelColor(Enum):
    """Colours of models."""

    BLUE = "blue"
    ARCTIC_BLUE = "arctic_blue"
    GREEN = "green"
    TURQUOISE = "turquoise"
    PINK = "pink"
    PURPLE = "purple"
    YELLOW = "yellow"
    RED = "red"


class ModelIcon(Enum):
    """Icons of models."""

    GENERAL = "general"
    CHURN_AND_RETENTION = "churn-and-retention"
    CONVERSION_PREDICT = "conversion-predict"
    ANOMALY = "anomaly"
    DYNAMIC_PRICING = "dynamic-pricing"
    EMAIL_FILTERING = "email-filtering"
    DEMAND_FORECASTING = "demand-forecasting"
    LTV = "ltv"
    PERSONALIZATION = "personalization"
    FRAUD_DETECTION = "fraud-detection"
    CREDIT_RISK = "credit-risk"
    RECOMMENDATIONS = "recommendations"


class VersionOptions(TypedDict, total=False):
    """What else may be said of a version."""

    model_data_type: str | None
    labels: Sequence[str] | None
    multiclass_labels: Sequence[str] | None
    feature_importance: Mapping[str, float] | None
    mapping: Mapping[str, str] | None


@told("Creating model")
def create_model(
    model_id: str,
    name: str,
    description: str | None = None,
    owner: str | None = None,
    color: ModelColor | str | None = None,
    icon: ModelIcon | str | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Make a model and return its id; one that is there already stays as it is."""
    body = {"id": model_id, "name": name, "description": description, "owner": owner, "tags": tags}
    look = {"color": ModelColor(color or "blue").value, "icon": ModelIcon(icon or "general").value}
    try:
        return str(connection().call("POST", path("models"), {**body, **look})["id"])
    except AporiaError as error:
        if error.http_status is HTTPStatus.CONFLICT:
            return model_id
        raise


@told("Creating model version")
def create_model_version(
    model_id: str,
    model_version: str,
    model_type: str,
    features: Fields,
    predictions: Fields,
    raw_inputs: Fields | None = None,
    metrics: Mapping[str, str] | None = None,
    **options: Unpack[VersionOptions],
) -> Model:
    """Make a version with its fields and return it; the same again changes nothing.

    `model_type` is regression, binary, multiclass, multi-label or ranking. `mapping` names the fields of a ranking:
    batch_id_column_name, relevance_column_name, actual_relevance_column_name.
    """
    only(options, VersionOptions)
    schema = {"features": features, "predictions": predictions, "raw_inputs": raw_inputs, "metrics": metrics}
    body = {
        "name": model_version,
        "model_type": model_type,
        "version_schema": {**schema, "feature_positions": {name: place for place, name in enumerate(features)}},
        "model_data_type": options.get("model_data_type"),
        "labels": options.get("labels") or options.get("multiclass_labels"),
        "feature_importance": options.get("feature_importance"),
        "mapping": options.get("mapping"),
    }
    connection().call("POST", path("models", model_id, "versions"), body)
    return Model(model_id, model_version)


@told("Deleting model")
def delete_model(model_id: str) -> None:
    """Forget a model and end its imports; rows that came stay until they are purged."""
    connection().call("DELETE", path("models", model_id))


@told("Creating model tags")
def add_model_tags(model_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a model, or change those that are there; their names are in lower case."""
    connection().call("POST", path("models", model_id, "tags"), {"tags": tags})


@told("Deleting model tag")
def delete_model_tag(model_id: str, tag_key: str) -> None:
    """The tag is not there any more, whether it was or not."""
    connection().call("DELETE", path("models", model_id, "tags", tag_key))


@told("Fetching model tags")
def get_model_tags(model_id: str) -> dict[str, str]:
    """The tags of a model."""
    return dict(connection().call("GET", path("models", model_id, "tags")))
