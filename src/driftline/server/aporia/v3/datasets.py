"""Datasets of Aporia's SDK 3.x as import jobs; their fields become those of the version."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection

from driftline import registry
from driftline.errors import Conflict, Invalid, NotFound
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob, JobStatus
from driftline.registry import ModelVersion
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment, ModelField, ModelSchema, ModelType, Role
from driftline.server.aporia import identities
from driftline.server.aporia.datasets import dataset_of, placed, put, status_of
from driftline.server.aporia.fields import kind_of, schema_of
from driftline.server.aporia.places import place_of
from driftline.server.aporia.v3.asked import ROOT, DatasetAsked, FieldAsked, Id, QueryChange, SchemaAsked, Workspace
from driftline.server.aporia.v3.models import model_of
from driftline.server.aporia.v3.sources import source_of
from driftline.server.aporia.v3.workspaces import space_of
from driftline.server.aporia.versions import keep, locked, own_of
from driftline.server.aws.waking import wake
from driftline.server.rest.callers import Reading, Writing

router = APIRouter()

_STAGES = {"serving": Environment.PRODUCTION, "training": Environment.TRAINING}


@router.get(ROOT + "/datasets")
def list_datasets(
    call: Reading,
    workspace: Workspace,
    model_version_id: str | None = None,
) -> list[dict[str, Any]]:
    """The datasets of a version, or of all versions of the workspace."""
    with call.catalog.read() as tx:
        if model_version_id:
            model, version = identities.parts(model_version_id, 2)
            model_of(tx, workspace, model)
            found = [registry.get_version(tx, model, version)]
        else:
            models = registry.models(tx, space_of(workspace))
            found = [each for model in models for each in registry.versions(tx, model.id)]
        return [dataset_said(tx, each, name) for each in found for name in _names(tx, each)]


@router.post(ROOT + "/datasets")
def create_dataset(call: Writing, workspace: Workspace, asked: DatasetAsked) -> dict[str, Any]:
    """The dataset, whose rows are imported from now on; 409 if the version has one of its stage."""
    model, version = identities.parts(asked.model_version_id, 2)
    with call.catalog.read() as tx:
        model_of(tx, workspace, model)
        job = _job(tx, workspace, registry.get_version(tx, model, version), asked)
    job = placed(call, job)
    about = {"name": asked.stage, "said": "", "data_source_id": asked.data_source_id}
    about |= asked.model_dump(by_alias=True, include={"config", "schema_"})
    with call.catalog.begin() as tx:
        found = locked(tx, model, version)
        if dataset_of(tx, found, asked.stage) is not None:
            name, remedy = f"{asked.stage} of {model}/{version}", "Delete it first, or change where its rows are."
            raise Conflict(what="dataset", name=name, reason="it exists already", remedy=remedy)
        put(call, tx, found, _merged(found, asked.schema_), job, about)
        said = dataset_said(tx, registry.get_version(tx, model, version), asked.stage)
    wake(call)
    return said


@router.get(ROOT + "/datasets/{id}")
def show_dataset(call: Reading, workspace: Workspace, id: Id) -> dict[str, Any]:
    """One dataset, with how far its import is."""
    with call.catalog.read() as tx:
        found, name = _dataset(tx, workspace, id)
        return dataset_said(tx, found, name)


@router.put("/v1/crud-service/{account}/{workspace}/datasets/{id}/change-query")
def change_query(call: Writing, workspace: Workspace, id: Id, asked: QueryChange) -> dict[str, Any]:
    """The dataset with its rows from elsewhere, or with other columns of ids and times."""
    with call.catalog.read() as tx:
        found, name = _dataset(tx, workspace, id)
        known = own_of(found)["datasets"][name]
        told = asked.model_dump(exclude_none=True)
        columns = {each: told.pop(each) for each in ("id_column", "timestamp_column") if each in told}
        schema = SchemaAsked.model_validate({**known["schema"], **columns})
        about = {**known, **told, "schema": schema.model_dump()}
        whole = {each: about[each] for each in ("config", "schema", "data_source_id")}
        whole |= {"stage": name, "model_id": found.model, "model_version_id": identities.of(*_names_of(found))}
        job = _job(tx, workspace, found, DatasetAsked.model_validate(whole))
    job = placed(call, job)
    with call.catalog.begin() as tx:
        found = locked(tx, *_names_of(found))
        put(call, tx, found, found.schema, job, about)
        said = dataset_said(tx, registry.get_version(tx, *_names_of(found)), name)
    wake(call)
    return {**said, "id_column": schema.id_column, "timestamp_column": schema.timestamp_column}


@router.delete(ROOT + "/datasets/{id}")
def delete_dataset(call: Writing, workspace: Workspace, id: Id) -> dict[str, str]:
    """End the dataset's import; rows that came stay until they are purged."""
    with call.catalog.begin() as tx:
        found, name = _dataset(tx, workspace, id)
        found = locked(tx, found.model, found.version)
        datasets = dict(own_of(found)["datasets"])
        jobs.delete(tx, datasets.pop(name)["job"], now=call.now)
        keep(tx, found, {"datasets": datasets}, now=call.now)
    return {"id": id}


def dataset_said(tx: Connection, version: ModelVersion, name: str) -> dict[str, Any]:
    """A dataset with all that these clients read, and how far it is."""
    known = own_of(version)["datasets"][name]
    return {
        "id": identities.of(version.model, version.version, name),
        "stage": name,
        "model_id": version.model,
        "model_version_id": identities.of(version.model, version.version),
        "data_source_id": known["data_source_id"],
        "config": known["config"],
        "schema": known["schema"],
        "sync": status_of(tx, known["job"]),
    }


def _names_of(version: ModelVersion) -> tuple[str, str]:
    return version.model, version.version


def _names(tx: Connection, version: ModelVersion) -> list[str]:
    """The datasets that this SDK made and that are there; those of the older one have no schema of their own."""
    found = {name: dataset_of(tx, version, name) for name in own_of(version).get("datasets", {})}
    return [name for name, known in found.items() if known is not None and "schema" in known]


def _dataset(tx: Connection, workspace: str, id: str) -> tuple[ModelVersion, str]:
    model, version, name = identities.parts(id, 3)
    model_of(tx, workspace, model)
    found = registry.get_version(tx, model, version)
    if name not in _names(tx, found):
        raise NotFound(what="dataset", name=f"{name} of {model}/{version}", remedy="It was deleted, or never made.")
    return found, name


def _merged(version: ModelVersion, asked: SchemaAsked) -> ModelSchema:
    """The version's fields with those of a dataset."""
    sections = {
        name: {each.name: each.type for each in getattr(asked, name)}
        for name in ("raw_inputs", "features", "predictions")
    }
    found = schema_of(version.type, sections)
    found = version.schema.with_fields(_grouped(found, asked.group_by_column, version.type))
    predictions = {each.name for each in found.having(Role.PREDICTION, Role.SCORE, Role.RANK)}
    return found.with_fields(_actual(each, predictions) for each in asked.actuals)


def _grouped(schema: ModelSchema, group: str | None, type: ModelType) -> list[ModelField]:
    """The fields, that which tells the groups of a ranking as such."""
    is_group = {group} if group and type is ModelType.RANKING else set()
    return [replace(each, role=Role.GROUP) if each.name in is_group else each for each in schema]


def _actual(said: FieldAsked, predictions: set[str]) -> ModelField:
    of = (said.properties or {}).get("prediction")
    if of not in predictions:
        what = f"prediction of the actual {said.name}"
        raise Invalid(what=what, got=of, expected=", ".join(sorted(predictions)) or "a prediction of the dataset")
    return ModelField(said.name, Role.ACTUAL, kind_of(said.name, said.type), of=of)


def _job(tx: Connection, workspace: str, version: ModelVersion, asked: DatasetAsked) -> ImportJob:
    source = source_of(tx, workspace, asked.data_source_id).body
    place = place_of(source["type"], asked.config)
    known = registry.get_model(tx, version.model)
    return ImportJob(
        id="",
        model=version.model,
        version=version.version,
        place=replace(place, credentials=place.credentials or source.get("credentials")),
        columns=Columns(id=asked.schema_.id_column, timestamp=asked.schema_.timestamp_column),
        content=Content.BOTH if asked.schema_.actuals else Content.PREDICTIONS,
        environment=_STAGES[asked.stage],
        space=known.space,
        status=JobStatus.ACTIVE if own_of(version).get("active", True) else JobStatus.INACTIVE,
    )
