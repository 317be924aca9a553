"""What requests say of models and versions, and what the answers show of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from driftline.registry import NAME
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.server.rest.asked import Asked, Document, PageWanted, Text

ModelId = Annotated[str, Path(pattern=NAME, description="The model's id.")]
VersionName = Annotated[str, Path(pattern=NAME, description="The version's name.")]
Named = Annotated[str, Field(pattern=NAME)]
Risk = Literal["Low", "Medium", "High", "Unknown"]
Tags = Annotated[dict[Text, Text], Field(max_length=50, description="Names and values of your own.")]


class FieldValue(Asked):
    """A field of a version's schema."""

    name: Annotated[Text, Field(min_length=1, max_length=512, description="Its name; none begins with _.")]
    role: Annotated[Role, Field(description="What it is to the model.")]
    kind: Annotated[Kind, Field(description="Which values it takes.")]
    dimensions: Annotated[
        list[Annotated[int, Field(ge=1, le=1 << 24)]] | None, Field(max_length=8, description="Those of a tensor.")
    ] = None
    of: Annotated[
        Text | None,
        Field(
            max_length=512,
            description="Of a score the class, of an actual its prediction, of an attribution the feature.",
        ),
    ] = None

    whole: Annotated[bool, Field(description="Of numbers: only whole ones.")] = False
    required: Annotated[bool, Field(description="Rows without a value are rejected.")] = False

    def field(self) -> ModelField:
        """As it is kept; raises `Invalid`."""
        dimensions = tuple(self.dimensions or ())
        return ModelField(self.name, self.role, self.kind, dimensions, self.of, self.whole, self.required)

    @classmethod
    def shown(cls, kept: ModelField) -> FieldValue:
        """As it is shown."""
        return cls.model_validate({**asdict(kept), "dimensions": list(kept.dimensions) or None})


class SchemaValue(Asked):
    """The fields of a version, in the order in which the model takes them."""

    fields: Annotated[list[FieldValue], Field(max_length=10_000)]

    def schema_(self) -> ModelSchema:
        """As it is kept; raises `Invalid` for two fields of one name."""
        return ModelSchema(tuple(each.field() for each in self.fields))

    @classmethod
    def shown(cls, kept: ModelSchema) -> SchemaValue:
        """As it is shown."""
        return cls(fields=[FieldValue.shown(each) for each in kept.fields])


class ModelWanted(Asked):
    """A model to be made."""

    id: Annotated[Named, Field(description="What programs call it.")]
    name: Annotated[Text | None, Field(max_length=256, description="What people call it; its id if not given.")] = None
    space: Annotated[Named, Field(description="The space that it belongs to.")] = "default"
    owner: Annotated[Text | None, Field(max_length=256, description="Who answers for it.")] = None
    risk: Annotated[Risk, Field(description="How much depends on it.")] = "Unknown"
    description: Annotated[Text, Field(max_length=2000)] = ""
    tags: Annotated[Tags, Field(default_factory=dict)]


class ModelChange(Asked):
    """What of a model is to change; what is left out stays."""

    name: Annotated[Text | None, Field(min_length=1, max_length=256)] = None
    owner: Annotated[Text | None, Field(max_length=256)] = None
    risk: Risk | None = None
    description: Annotated[Text | None, Field(max_length=2000)] = None
    tags: Tags | None = None


class ModelsWanted(PageWanted):
    """Which models are listed."""

    contains: Annotated[Text | None, Field(max_length=128, description="Part of the id or name.")] = None
    space: Annotated[Named | None, Field(description="Of this space.")] = None
    owner: Annotated[Text | None, Field(max_length=256, description="Of this owner.")] = None
    sort_by: Annotated[Literal["created", "modified", "name"], Field(description="Order.")] = "created"


class VersionWanted(Asked):
    """A version to be made; without a schema its first files say what it is."""

    version: Annotated[Named, Field(description="Its name, such as v1.")]
    type: Annotated[ModelType, Field(description="What the model predicts.")]
    schema_: Annotated[SchemaValue, Field(alias="schema")] = SchemaValue(fields=[])
    body: Annotated[Document, Field(default_factory=dict, description="Whatever else is to be kept with it.")]


class Model(BaseModel):
    """A model."""

    id: str
    name: str
    space: str
    owner: str | None
    risk: Annotated[str, Field(description="Low, Medium, High or Unknown.")]
    description: str
    tags: dict[str, str]
    created: datetime
    modified: datetime


class Version(BaseModel):
    """A version of a model."""

    model: str
    version: str
    type: ModelType
    schema_: Annotated[SchemaValue, Field(alias="schema")]
    body: dict[str, object]
    created: datetime
    modified: datetime


class VersionRow(BaseModel):
    """A version as a model shows it."""

    version: str
    type: ModelType
    fields: Annotated[int, Field(description="How many its schema has.")]
    created: datetime


class ModelDetail(Model):
    """A model with its versions and the jobs that feed it."""

    versions: list[VersionRow]
    imports: Annotated[list[str], Field(description="Ids of its import jobs that are not deleted.")]
