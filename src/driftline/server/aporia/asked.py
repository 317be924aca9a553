"""What Aporia's SDK 2.x sends, checked before anything is looked up."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from driftline.errors import Invalid
from driftline.server.rest.asked import Document, Text

ModelId = Annotated[Text, Path(min_length=1, max_length=128)]
VersionName = Annotated[Text, Path(min_length=1, max_length=128)]
DatasetName = Literal["training", "serving", "testing", "actuals"]

Fields = dict[Text, Text | Document]
"""Name of a field -> its type, or what else is known of it: `{"type": "tensor", "dimensions": [768]}`."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
Mapped = dict[Text, Text]
"""Name of a field -> the column that holds it."""


class Asked(BaseModel):
    """A request: no members but those that are known."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


M = TypeVar("M", bound=BaseModel)


def parsed(kind: type[M], what: str, given: Any) -> M:
    """What was given as a value of this kind; raises `Invalid`, which names the member and not what it holds.

    >>> parsed(TagsAsked, "tags", {"tags": {"a": 1}})
    Traceback (most recent call last):
    driftline.errors.Invalid: tags.tags.a: got 'int', expected Input should be a valid string.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, (what, *first["loc"])))
        raise Invalid(what=where, got=type(first["input"]).__name__, expected=first["msg"]) from error


class ModelAsked(Asked):
    """A model to be made."""

    id: Text
    name: Text
    description: Text | None = None
    owner: Text | None = None
    color: Text | None = None
    icon: Text | None = None
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
    feature_positions: dict[Text, int] | None = None


class VersionAsked(Asked):
    """A version to be made."""

    name: Text
    model_type: Text
    version_schema: SchemaAsked
    model_data_type: Text | None = None
    labels: list[Text] | None = None
    feature_importance: dict[Text, Finite] | None = None
    mapping: Mapped | None = None


class ImportanceAsked(Asked):
    """How much each feature matters."""

    feature_importance: dict[Text, Finite]


class SourceAsked(Asked):
    """Where rows come from: its sort, and what is said of it."""

    type: Text
    config: Document


class FilesAsked(BaseModel):
    """Files of a data source; members beside these are options of the reader."""

    model_config = ConfigDict(extra="allow")

    object_path: Text
    object_format: Text
    sample_size: float | None = None
    select_expr: list[Text] | None = None
    read_options: Document | None = None


class SyncAsked(Asked):
    """Whether new files are looked for, and how often: a cron expression of five fields."""

    enabled: bool = True
    environment: Text = "production"
    schedule: Text | None = None


class DatasetAsked(Asked):
    """A set of rows of a version."""

    name: DatasetName
    data_source: SourceAsked
    sync: Annotated[SyncAsked, Field(default_factory=SyncAsked)]
    id_column: Text | None = None
    timestamp_column: Text | None = None
    predictions: Mapped | None = None
    features: Mapped | None = None
    labels: Mapped | None = None
    raw_inputs: Mapped | None = None


class LoggedAsked(Asked):
    """A GraphQL request."""

    query: Text
    variables: Annotated[Document, Field(default_factory=dict)]


class RowAsked(BaseModel):
    """A row that is logged, or part of one."""

    id: Text | None = None
    occurredAt: Text | None = None
    features: Document | None = None
    predictions: Document | None = None
    rawInputs: Document | None = None
    metrics: Document | None = None
    actuals: Document | None = None
    confidence: Any = None


class RowsAsked(BaseModel):
    """What `logPredictions` is given."""

    modelId: Text
    modelVersion: Text
    environment: Text = "production"
    predictions: list[RowAsked]
