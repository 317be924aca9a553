"""What Aporia's SDK 2.x sends, checked before anything is looked up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

ModelId = Annotated[str, Path(min_length=1, max_length=128)]
VersionName = Annotated[str, Path(min_length=1, max_length=128)]
DatasetName = Literal["training", "serving", "testing", "actuals"]

Fields = dict[str, str | dict[str, Any]]
"""Name of a field -> its type, or what else is known of it: `{"type": "tensor", "dimensions": [768]}`."""
Mapped = dict[str, str]
"""Name of a field -> the column that holds it."""


class Asked(BaseModel):
    """A request: no members but those that are known."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class ModelAsked(Asked):
    """A model to be made."""

    id: str
    name: str
    description: str | None = None
    owner: str | None = None
    color: str | None = None
    icon: str | None = None
    tags: Mapped | None = None


class TagsAsked(Asked):
    """Tags to be added, or changed."""

    tags: Mapped


class SchemaAsked(Asked):
    """The fields of a version."""

    features: Fields
    predictions: Fields
    raw_inputs: Fields | None = None
    metrics: Fields | None = None
    feature_positions: dict[str, int] | None = None


class VersionAsked(Asked):
    """A version to be made."""

    name: str
    model_type: str
    version_schema: SchemaAsked
    model_data_type: str | None = None
    labels: list[str] | None = None
    feature_importance: dict[str, float] | None = None
    mapping: Mapped | None = None


class ImportanceAsked(Asked):
    """How much each feature matters."""

    feature_importance: dict[str, float]


class SourceAsked(Asked):
    """Where rows come from: its sort, and what is said of it."""

    type: str
    config: dict[str, Any]


class SyncAsked(Asked):
    """Whether new files are looked for, and how often: a cron expression of five fields."""

    enabled: bool = True
    environment: str = "production"
    schedule: str | None = None


class DatasetAsked(Asked):
    """A set of rows of a version."""

    name: DatasetName
    data_source: SourceAsked
    sync: Annotated[SyncAsked, Field(default_factory=SyncAsked)]
    id_column: str | None = None
    timestamp_column: str | None = None
    predictions: Mapped | None = None
    features: Mapped | None = None
    labels: Mapped | None = None
    raw_inputs: Mapped | None = None


class LoggedAsked(Asked):
    """A GraphQL request."""

    query: str
    variables: dict[str, Any] = {}
