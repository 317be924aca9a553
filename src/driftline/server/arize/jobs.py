"""Import jobs as Arize's clients make and see them; a model and its version are made where there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from driftline import registry
from driftline.errors import Invalid
from driftline.imports import jobs
from driftline.imports.job import ImportJob, Place
from driftline.registry import Model, ModelVersion, Search
from driftline.schemas.fields import Environment, ModelSchema, ModelType
from driftline.server.arize import mapping
from driftline.server.aws.wire import Call


@dataclass(frozen=True)
class Asked:
    """A job that is to be made, in our words: of a model by its name, which may not be there yet."""

    name: str
    type: ModelType
    job: ImportJob
    body: Mapping[str, Any]


def asked(given: Mapping[str, Any]) -> Asked:
    """What `createFileImportJob` asks for; raises `Invalid` naming the member that is wrong."""
    for name in ("modelName", "modelType", "blobStore", "bucketName", "schema"):
        if not given.get(name):
            raise Invalid(what=name, got=given.get(name), expected="a value", remedy="It is needed for an import job.")
    type = mapping.model_type(given["modelType"])
    schema = given["schema"]
    if not isinstance(schema, Mapping):
        raise Invalid(what="schema", got=schema, expected="which column is what, such as predictionId")
    columns = mapping.columns_of(schema, type)
    environment = mapping.environment(given.get("modelEnvironmentName"))
    batch = str(given["batchId"]) if given.get("batchId") else None
    if environment is Environment.VALIDATION and not (batch or columns.batch):
        remedy = "Validation rows belong to a batch: say batchId, or in schema.batchId the column that has it."
        raise Invalid(what="batchId", got=batch, expected="a text that is not empty", remedy=remedy)
    uri = mapping.uri_of(given["blobStore"], str(given["bucketName"]), str(given.get("prefix") or ""))
    job = ImportJob(
        id="",
        model=mapping.model_id(str(given["modelName"])),
        version=str(given.get("modelVersion") or mapping.NO_VERSION),
        place=Place(uri),
        columns=columns,
        content=mapping.content_of(columns),
        environment=environment,
        batch=batch,
        space=str(given.get("spaceId") or "default"),
    )
    return Asked(str(given["modelName"]), type, job, {"arize": {"modelType": str(given["modelType"])}})


def find_model(tx: Connection, name: str) -> Model | None:
    """The model that Arize knows by this name: by its id, else by what people call it."""
    found = registry.find_model(tx, mapping.model_id(name))
    if found is not None:
        return found
    alike = registry.search(tx, Search(contains=name, limit=100)).items
    return next((each for each in alike if each.name == name), None)


def register(tx: Connection, wanted: Asked, call: Call) -> ImportJob:
    """The job as it is asked for, of a model and version that are there now; not yet made itself."""
    job = wanted.job
    model = find_model(tx, wanted.name)
    if model is None:
        model = registry.create_model(tx, Model(job.model, wanted.name, job.space), now=call.now)
    if registry.find_version(tx, model.id, job.version) is None:
        made = ModelVersion(model.id, job.version, wanted.type, ModelSchema(), wanted.body)
        registry.create_version(tx, made, now=call.now)
    return replace(job, model=model.id)


def record(tx: Connection, job: ImportJob) -> dict[str, Any]:
    """The job's record, all of it, since the toolkit asks for less than it then wants to see."""
    model, version = registry.find_model(tx, job.model), registry.find_version(tx, job.model, job.version)
    type = version.type if version else ModelType.BINARY
    counts = jobs.counts(tx, job.id)
    return {
        "__typename": "FileImportJob",
        "id": job.id,
        "jobId": job.id,
        "jobStatus": str(job.status),
        "totalFilesPendingCount": counts.pending,
        "totalFilesSuccessCount": counts.done,
        "totalFilesFailedCount": counts.failed,
        "totalFilesSkippedCount": counts.skipped,
        "createdAt": job.created.isoformat() if job.created else None,
        "modelName": model.name if model else job.model,
        "modelId": job.model,
        "modelVersion": None if job.version == mapping.NO_VERSION else job.version,
        "modelType": mapping.type_said(type, version.body if version else {}),
        "modelEnvironmentName": str(job.environment),
        "batchId": job.batch,
        "schema": mapping.schema_said(job.columns, type),
        **(mapping.place_said(job.place.uri) or {"blobStore": None, "bucketName": None, "prefix": job.place.uri}),
    }


def dry_record(wanted: Asked) -> dict[str, Any]:
    """The record of a job that was tried and not made."""
    return {
        "__typename": "FileImportJob",
        "id": "dry-run",
        "jobId": "dry-run",
        "jobStatus": None,
        "totalFilesPendingCount": 0,
        "totalFilesSuccessCount": 0,
        "totalFilesFailedCount": 0,
        "modelName": wanted.name,
        "modelType": wanted.body["arize"]["modelType"],
        "modelEnvironmentName": str(wanted.job.environment),
    }
