"""What Aporia's SDK 3.x sends, checked before anything is looked up."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from driftline.server.aporia.asked import Asked
from driftline.server.rest.asked import Document, Text

ROOT = "/api/v1/{account}/{workspace}"
"""Below this all is that a workspace has."""

Workspace = Annotated[Text, Path(min_length=1, max_length=128)]
Id = Annotated[Text, Path(min_length=1, max_length=1024)]


class ModelAsked(Asked):
    """A model to be made."""

    name: Annotated[Text, Field(min_length=1)]
    type: Text
    description: Text | None = None
    icon: Text | None = None
    color: Text | None = None
    owner: Text | None = None
    aggregation_period: Text | None = None


class ModelChange(Asked):
    """What of a model is to change."""

    name: Text | None = None
    type: Text | None = None
    model_type: Text | None = None
    description: Text | None = None
    icon: Text | None = None
    color: Text | None = None
    owner: Text | None = None
    aggregation_period: Text | None = None


class SourceAsked(Asked):
    """A data source to be made; what it connects by is not kept, but for the name of credentials."""

    name: Annotated[Text, Field(min_length=1)]
    connection: Document


class SourceChange(Asked):
    """What of a data source is to change."""

    name: Text | None = None
    data_source_type: Text | None = None
    connection: Document | None = None
    connection_data: Document | None = None


class VersionAsked(Asked):
    """A version to be made."""

    name: Annotated[Text, Field(min_length=1)]
    model_id: Text
    is_active: bool = True


class VersionChange(Asked):
    """Whether the datasets of a version look for new files."""

    name: Text | None = None
    is_active: bool | None = None


class FieldAsked(Asked):
    """A field; an actual says in its properties of which prediction it is the truth."""

    name: Text
    type: Text
    properties: Document | None = None


class SchemaAsked(Asked):
    """The fields of a dataset, and the columns of the rows' ids and times."""

    id_column: Text | None = None
    timestamp_column: Text | None = None
    order_by_column: Text | None = None
    group_by_column: Text | None = None
    group_order_sort: Text | None = None
    raw_inputs: Annotated[list[FieldAsked], Field(default_factory=list)]
    features: Annotated[list[FieldAsked], Field(default_factory=list)]
    predictions: Annotated[list[FieldAsked], Field(default_factory=list)]
    actuals: Annotated[list[FieldAsked], Field(default_factory=list)]


class DatasetAsked(Asked):
    """A dataset to be made."""

    stage: Literal["serving", "training"]
    model_version_id: Text
    model_id: Text
    data_source_id: Text
    config: Document
    schema_: Annotated[SchemaAsked, Field(alias="schema")]


class QueryChange(Asked):
    """Where the rows of a dataset are from now on, and which columns are their ids and times."""

    data_source_id: Text | None = None
    config: Document | None = None
    id_column: Text | None = None
    timestamp_column: Text | None = None
