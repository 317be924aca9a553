"""Import jobs as Arize's clients make and see them; a model and its version are made where there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import models as kept
from driftline.errors import Invalid
from driftline.imports import jobs
from driftline.imports.dryrun import DryRun
from driftline.imports.job import ImportJob, Place
from driftline.imports.making import Wanted, attempt, make, placed
from driftline.registry import Model, Search
from driftline.schemas.fields import Environment, ModelType
from driftline.server.arize import mapping
from driftline.server.aws import buckets
from driftline.server.aws.wire import Call
from driftline.storage.access import Access


@dataclass(frozen=True)
class Asked:
    """A job that is to be made, in our words: of a model by its name, which may not be there yet.

    `said` is Arize's type of the model, `file` the one that a dry run is to try.
    """

    name: str
    said: str
    wanted: Wanted
    file: str | None = None
    is_dry: bool = False


def asked(given: Mapping[str, Any]) -> Asked:
    """What `createFileImportJob` asks for; raises `Invalid` naming the member that is wrong."""
    for name in ("modelName", "modelType", "blobStore", "bucketName", "schema"):
        if not given.get(name):
            raise Invalid(what=name, got=given.get(name), expected="a value", remedy="It is needed for an import job.")
    type, schema = mapping.model_type(given["modelType"]), given["schema"]
    if not isinstance(schema, Mapping):
        raise Invalid(what="schema", got=schema, expected="which column is what, such as predictionId")
    columns = mapping.columns_of(schema, type)
    environment = mapping.environment(given.get("modelEnvironmentName"))
    batch = str(given["batchId"]) if given.get("batchId") else None
    if environment is Environment.VALIDATION and not (batch or columns.batch):
        remedy = "Validation rows belong to a batch: say batchId, or in schema.batchId the column that has it."
        raise Invalid(what="batchId", got=batch, expected="a text that is not empty", remedy=remedy)
    prefix = str(given.get("prefix") or "")
    job = ImportJob(
        id="",
        model=mapping.model_id(str(given["modelName"])),
        version=str(given.get("modelVersion") or mapping.NO_VERSION),
        place=Place(mapping.uri_of(given["blobStore"], str(given["bucketName"]), prefix)),
        columns=columns,
        environment=environment,
        batch=batch,
        space=str(given.get("spaceId") or "default"),
    )
    wanted = Wanted(job, mapping.content_of(columns), True, None if type is ModelType.BINARY else type)
    return Asked(
        str(given["modelName"]), str(given["modelType"]), wanted, _file(given, prefix), bool(given.get("dryRun"))
    )


def _file(given: Mapping[str, Any], prefix: str) -> str | None:
    """The file that a dry run is to try: said with its prefix, or below it."""
    name = given.get("fileName")
    if not name:
        return None
    key = str(name) if str(name).startswith(prefix) else f"{prefix.rstrip('/')}/{name}"
    return mapping.uri_of(given["blobStore"], str(given["bucketName"]), key)


def find_model(tx: Connection, name: str, space: str) -> Model | None:
    """The model of a space that Arize knows by this name: by its id, else by what people call it."""
    for id in mapping.ids_of(name, space):
        found = registry.find_model(tx, id)
        if found is not None and found.space == space:
            return found
    alike = registry.search(tx, Search(space=space, contains=name, limit=100)).items
    return next((each for each in alike if each.name == name), None)


def free_id(tx: Connection, name: str, space: str) -> str:
    """The id of a new model of this name: with its space where another one's model has the plain one."""
    plain, long = mapping.ids_of(name, space)
    return long if kept.is_taken(tx, plain, space) else plain


def tried(asked: Asked, call: Call) -> tuple[Asked, DryRun]:
    """What the job would make of its first file, or of the one that is named; nothing is written.

    Raises `Denied` for a bucket that the settings do not allow, or whose owner has not shown that it may be read.
    """
    wanted = asked.wanted
    with call.catalog.read() as tx:
        model = find_model(tx, asked.name, wanted.job.space)
        id = model.id if model else free_id(tx, asked.name, wanted.job.space)
    wanted = replace(wanted, job=replace(wanted.job, model=id))
    wanted = placed(call.catalog, wanted, call.settings, Access(), now=call.now)
    buckets.refuse(asdict(wanted.job.place), call.settings.allowed_buckets)
    found, dry = attempt(call.catalog, wanted, Access(), now=call.now, file=asked.file)
    if wanted.type is None:  # a classifier, of two classes unless the file has more
        found = replace(found, type=found.type if found.type is ModelType.MULTICLASS else ModelType.BINARY)
    return replace(asked, wanted=found), dry


def create(tx: Connection, asked: Asked, call: Call) -> ImportJob:
    """The job, with its model and version if they were not there."""
    job = asked.wanted.job
    if registry.find_model(tx, job.model) is None:
        registry.create_model(tx, Model(job.model, asked.name, job.space), now=call.now)
    made = make(tx, asked.wanted, now=call.now)
    version = registry.get_version(tx, made.model, made.version)
    if "arize" not in version.body:
        registry.annotate(tx, version, {"arize": {"modelType": asked.said}}, now=call.now)
    return made


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


def dry_record(asked: Asked) -> dict[str, Any]:
    """The record of a job that was tried and not made."""
    none = {f"totalFiles{each}Count": 0 for each in ("Pending", "Success", "Failed", "Skipped")}
    tried = {"id": "dry-run", "jobId": "dry-run", "jobStatus": None, "modelName": asked.name, "modelType": asked.said}
    environment = str(asked.wanted.job.environment)
    return {"__typename": "FileImportJob", **tried, "modelEnvironmentName": environment, **none}


def validation(dry: DryRun) -> dict[str, Any]:
    """What a dry run found: the first thing that is wrong, with its row."""
    fault = next(iter(dry.faults), None)
    error = {"code": fault.code, "message": fault.message, "row": fault.row} if fault else None
    return {"validationStatus": dry.status, "filePath": dry.file, "error": error}
