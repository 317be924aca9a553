"""What Aporia's SDK 3.x sends, checked before anything is looked up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field

from driftline.server.aporia.asked import Asked

ROOT = "/api/v1/{account}/{workspace}"
"""Below this all is that a workspace has."""

Workspace = Annotated[str, Path(min_length=1, max_length=128)]
Id = Annotated[str, Path(min_length=1, max_length=1024)]


class ModelAsked(Asked):
    """A model to be made."""

    name: Annotated[str, Field(min_length=1)]
    type: str
    description: str | None = None
    icon: str | None = None
    color: str | None = None
    owner: str | None = None
    aggregation_period: str | None = None


class ModelChange(Asked):
    """What of a model is to change."""

    name: str | None = None
    type: str | None = None
    model_type: str | None = None
    description: str | None = None
    icon: str | None = None
    color: str | None = None
    owner: str | None = None
    aggregation_period: str | None = None


class SourceAsked(Asked):
    """A data source to be made; what it connects by is not kept, but for the name of credentials."""

    name: Annotated[str, Field(min_length=1)]
    connection: dict[str, Any]


class SourceChange(Asked):
    """What of a data source is to change."""

    name: str | None = None
    data_source_type: str | None = None
    connection: dict[str, Any] | None = None
    connection_data: dict[str, Any] | None = None


class VersionAsked(Asked):
    """A version to be made."""

    name: Annotated[str, Field(min_length=1)]
    model_id: str
    is_active: bool = True


class VersionChange(Asked):
    """Whether the datasets of a version look for new files."""

    name: str | None = None
    is_active: bool | None = None


class FieldAsked(Asked):
    """A field; an actual says in its properties of which prediction it is the truth."""

    name: str
    type: str
    properties: dict[str, Any] | None = None


class SchemaAsked(Asked):
    """The fields of a dataset, and the columns of the rows' ids and times."""

    id_column: str | None = None
    timestamp_column: str | None = None
    order_by_column: str | None = None
    group_by_column: str | None = None
    group_order_sort: str | None = None
    raw_inputs: Annotated[list[FieldAsked], Field(default_factory=list)]
    features: Annotated[list[FieldAsked], Field(default_factory=list)]
    predictions: Annotated[list[FieldAsked], Field(default_factory=list)]
    actuals: Annotated[list[FieldAsked], Field(default_factory=list)]


class DatasetAsked(Asked):
    """A dataset to be made."""

    stage: Literal["serving", "training"]
    model_version_id: str
    model_id: str
    data_source_id: str
    config: dict[str, Any]
    schema_: Annotated[SchemaAsked, Field(alias="schema")]


class QueryChange(Asked):
    """Where the rows of a dataset are from now on, and which columns are their ids and times."""

    data_source_id: str | None = None
    config: dict[str, Any] | None = None
    id_column: str | None = None
    timestamp_column: str | None = None
