"""Models: made, listed, shown, changed and deleted, with their versions and schemas."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from driftline import registry
from driftline.alerting import register
from driftline.catalog.models import jobs_of
from driftline.registry import ModelVersion, Search
from driftline.server.rest.answers import Page
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.registered import (
    Model,
    ModelChange,
    ModelDetail,
    ModelId,
    ModelsWanted,
    ModelWanted,
    SchemaValue,
    Version,
    VersionName,
    VersionRow,
    VersionWanted,
)

router = APIRouter(tags=["models"])


@router.get("/models", summary="List models")
def list_models(call: Reading, wanted: Annotated[ModelsWanted, Query()]) -> Page[Model]:
    """A page of the models."""
    with call.catalog.read() as tx:
        page = registry.search(tx, Search(**wanted.model_dump()))
    return Page(items=[_shown(each) for each in page.items], next_token=page.token)


@router.post("/models", summary="Make a model", status_code=201)
def create_model(call: Writing, wanted: ModelWanted) -> Model:
    """A new model, without versions yet. 409 if the id is taken."""
    made = registry.Model(**{**wanted.model_dump(), "name": wanted.name or wanted.id})
    with call.catalog.begin() as tx:
        return _shown(registry.create_model(tx, made, now=call.now))


@router.get("/models/{model}", summary="Show a model")
def show_model(call: Reading, model: ModelId) -> ModelDetail:
    """The model, its versions, oldest first, and the import jobs that feed it."""
    with call.catalog.read() as tx:
        found = _shown(registry.get_model(tx, model))
        versions = [_row(each) for each in registry.versions(tx, model)]
        return ModelDetail(**found.model_dump(), versions=versions, imports=jobs_of(tx, model))


@router.patch("/models/{model}", summary="Change a model")
def change_model(call: Writing, model: ModelId, wanted: ModelChange) -> Model:
    """The model with what is given changed; its id and space stay."""
    changes = {name: value for name, value in wanted.model_dump(exclude_unset=True).items() if value is not None}
    with call.catalog.begin() as tx:
        return _shown(registry.change_model(tx, model, now=call.now, **changes))


@router.delete("/models/{model}", summary="Delete a model", status_code=204)
def delete_model(call: Writing, model: ModelId) -> None:
    """Forget the model, its versions and monitors; rows that were imported stay. 409 while import jobs feed it."""
    with call.catalog.begin() as tx:
        register.end(tx, model, now=call.now, settings=call.settings)
        registry.delete_model(tx, model)


@router.get("/models/{model}/versions", summary="List the versions of a model")
def list_versions(call: Reading, model: ModelId) -> Page[Version]:
    """All versions of the model with their schemas, oldest first."""
    with call.catalog.read() as tx:
        return Page(items=[version(each) for each in registry.versions(tx, model)])


@router.post("/models/{model}/versions", summary="Make a version of a model", status_code=201)
def create_version(call: Writing, model: ModelId, wanted: VersionWanted) -> Version:
    """A new version. Without a schema, the first import says which fields it has. 409 if the model has it."""
    made = ModelVersion(model, wanted.version, wanted.type, wanted.schema_.schema_(), wanted.body)
    with call.catalog.begin() as tx:
        return version(registry.create_version(tx, made, now=call.now))


@router.get("/models/{model}/versions/{version_name}", summary="Show a version of a model")
def show_version(call: Reading, model: ModelId, version_name: VersionName) -> Version:
    """The version and its schema."""
    with call.catalog.read() as tx:
        return version(registry.get_version(tx, model, version_name))


@router.put("/models/{model}/versions/{version_name}/schema", summary="Change the schema of a version")
def put_schema(call: Writing, model: ModelId, version_name: VersionName, wanted: SchemaValue) -> Version:
    """The version with this schema in the place of the one that it had, for rows that come from now on.

    Fields may be added and left out at any time. 409 where a field that has rows would take another kind of values.
    """
    with call.catalog.begin() as tx:
        return version(registry.put_schema(tx, model, version_name, wanted.schema_(), now=call.now))


@router.delete("/models/{model}/versions/{version_name}", summary="Delete a version of a model", status_code=204)
def delete_version(call: Writing, model: ModelId, version_name: VersionName) -> None:
    """Forget the version; rows that were imported stay. 409 while import jobs feed it."""
    with call.catalog.begin() as tx:
        registry.delete_version(tx, model, version_name)


def version(found: ModelVersion) -> Version:
    """A version as answers show it."""
    told = {name: getattr(found, name) for name in ("model", "version", "type", "body", "created", "modified")}
    return Version.model_validate({**told, "schema": SchemaValue.shown(found.schema)})


def _shown(found: registry.Model) -> Model:
    return Model.model_validate(found, from_attributes=True)


def _row(found: ModelVersion) -> VersionRow:
    assert found.created is not None
    return VersionRow(version=found.version, type=found.type, fields=len(found.schema.fields), created=found.created)
