"""Datasets of Aporia's SDK 2.x as import jobs: connected, paused, and how far each is."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import imports
from driftline.catalog import models as kept
from driftline.errors import NotFound
from driftline.imports import jobs, making
from driftline.imports.job import Content, FileStatus, ImportJob, JobStatus
from driftline.imports.making import Wanted
from driftline.registry import ModelVersion
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment, ModelSchema, Role
from driftline.server.aporia.asked import DatasetAsked, DatasetName, ModelId, VersionName
from driftline.server.aporia.fields import actual_of, columns_of
from driftline.server.aporia.places import place_of, policies_of
from driftline.server.aporia.versions import digest_of, keep, locked, own_of
from driftline.server.aws import buckets
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import Reading, Writing
from driftline.storage.access import Access

router = APIRouter(prefix="/v1beta/models/{model}/versions/{version}")

_ENVIRONMENTS = {"training": Environment.TRAINING, "testing": Environment.VALIDATION}
_PRODUCTION = ("production", "prod")
_FAULTS = 5
"""Files that failed, and faults of each, as a status shows them."""


@router.post("/datasets")
def connect(call: Writing, model: ModelId, version: VersionName, asked: DatasetAsked) -> dict[str, Any]:
    """An import job for the dataset; the same again changes nothing, another definition takes the place of the first.

    Rows that came before stay, and are not imported twice.
    """
    said = digest_of(asked)
    with call.catalog.read() as tx:
        found = registry.get_version(tx, model, version)
        known = dataset_of(tx, found, asked.name)
    if known is None or known["said"] != said:
        job = placed(call, _job(found, _labelled(found, asked), asked))
        with call.catalog.begin() as tx:
            found = locked(tx, model, version)
            known = dataset_of(tx, found, asked.name)
            if known is None or known["said"] != said:
                known = put(call, tx, found, _labelled(found, asked), job, {"name": asked.name, "said": said})
        wake(call)
    return {"id": known["job"], "name": asked.name, "model_id": model, "model_version": version}


@router.post("/datasets_sync")
def set_sync(call: Writing, model: ModelId, version: VersionName, enabled: bool) -> dict[str, bool]:
    """Whether the version's datasets look for new files."""
    with call.catalog.begin() as tx:
        switch(call, tx, locked(tx, model, version), enabled=enabled)
    wake(call)
    return {"enabled": enabled}


@router.get("/sync_status/{dataset}")
def sync_status(call: Reading, model: ModelId, version: VersionName, dataset: DatasetName) -> dict[str, Any]:
    """How far the dataset is: files by status, rows by what became of them, and the first faults."""
    with call.catalog.read() as tx:
        found = registry.get_version(tx, model, version)
        known = dataset_of(tx, found, dataset)
        if known is None:
            there = ", ".join(name for name in own_of(found).get("datasets", {}) if dataset_of(tx, found, name))
            remedy = f"Connect it first: model.connect_{dataset}(...). Connected: {there or 'none'}."
            raise NotFound(what="dataset", name=f"{dataset} of {model}/{version}", remedy=remedy)
        return {"dataset": dataset, **status_of(tx, known["job"])}


def dataset_of(tx: Connection, version: ModelVersion, name: str) -> dict[str, Any] | None:
    """What is kept of a dataset whose import job was not deleted, by whomever."""
    known = own_of(version).get("datasets", {}).get(name)
    job = jobs.find(tx, known["job"]) if known else None
    return None if job is None or job.status is JobStatus.DELETED else dict(known)


def placed(call: Call, job: ImportJob) -> ImportJob:
    """The job with its place as it will be read; raises `Denied` for buckets and folders that may not be."""
    buckets.refuse(asdict(job.place), call.settings.allowed_buckets)
    wanted = Wanted(job, content=job.content)
    return making.placed(call.catalog, wanted, call.settings, Access(), now=call.now).job


def put(
    call: Call, tx: Connection, version: ModelVersion, schema: ModelSchema, job: ImportJob, about: dict[str, Any]
) -> dict[str, Any]:
    """Make the job of a dataset in the place of the one before; `about` it is kept with the version, by its name.

    The transaction must hold the version. Raises `Conflict` for fields that rows are there of, of another kind.
    """
    if schema != version.schema:
        version = registry.put_schema(tx, version.model, version.version, schema, now=call.now)
    datasets = dict(own_of(version).get("datasets", {}))
    before = dataset_of(tx, version, about["name"])
    if before is not None:
        jobs.delete(tx, before["job"], now=call.now)
    space = registry.get_model(tx, version.model).space
    datasets[about["name"]] = {**about, "job": jobs.create(tx, replace(job, space=space), now=call.now).id}
    keep(tx, version, {"datasets": datasets}, now=call.now)
    return dict(datasets[about["name"]])


def switch(call: Call, tx: Connection, version: ModelVersion, *, enabled: bool) -> None:
    """Start or pause the jobs of all datasets of a version."""
    for each in own_of(version).get("datasets", {}).values():
        job = jobs.find(tx, each["job"])
        status = job.status if job else JobStatus.DELETED
        if enabled and status is JobStatus.INACTIVE:
            jobs.start(tx, each["job"], now=call.now)
        elif not enabled and status is JobStatus.ACTIVE:
            jobs.pause(tx, each["job"], now=call.now)


def forget_version(call: Call, model: str, version: str) -> None:
    """End the imports into a version and forget it; rows that came stay until they are purged. Raises `NotFound`."""
    with call.catalog.begin() as tx:
        registry.get_version(tx, model, version)
        for job in kept.jobs_of(tx, model, version):
            jobs.delete(tx, job, now=call.now)
        registry.delete_version(tx, model, version)


def status_of(tx: Connection, job: str) -> dict[str, Any]:
    """How far an import job is, as these clients show it."""
    row = imports.get(tx, job)
    found, counts = jobs.of_row(row), jobs.counts(tx, job)
    failed = jobs.files(tx, job, status=FileStatus.FAILED, limit=_FAULTS)
    errors = [{"file": each.uri, **_told(fault)} for each in failed for fault in each.faults[:_FAULTS]]
    return {
        "status": _word(found, counts, row),
        "enabled": found.status is JobStatus.ACTIVE,
        "job": job,
        "source": found.place.uri,
        "last_looked": row.looked.isoformat() if row.looked else None,
        "trouble": row.trouble,
        "files": {status: getattr(counts, status) for status in ("pending", "done", "failed", "skipped")},
        "rows": {
            "read": counts.rows,
            **{each: getattr(counts, each) for each in ("accepted", "rejected", "duplicate")},
        },
        "errors": errors,
    }


def _word(job: ImportJob, counts: jobs.Counts, row: Any) -> str:
    """The status in one word; `waiting` as long as no file was found."""
    if job.status is not JobStatus.ACTIVE:
        return "disabled"
    if row.trouble:
        return "failed"
    if counts.pending:
        return "syncing"
    if not counts.done:
        return "failed" if counts.failed else "waiting"
    return "synced"


def _told(fault: Any) -> dict[str, Any]:
    told = {"code": fault.code, "message": fault.message, "row": fault.row, "column": fault.column}
    return {name: value for name, value in told.items() if value is not None}


def _labelled(version: ModelVersion, asked: DatasetAsked) -> ModelSchema:
    """The version's schema with the fields of the labels that the dataset brings."""
    mapping = own_of(version).get("mapping", {})
    return version.schema.with_fields(actual_of(version.schema, name, mapping) for name in _labels(version, asked))


def _labels(version: ModelVersion, asked: DatasetAsked) -> dict[str, str]:
    """Prediction -> the column of its label; a dataset of actuals that names none has them all, by the same name."""
    if asked.labels is not None or asked.name != "actuals":
        return asked.labels or {}
    return {each.name: each.name for each in version.schema.having(Role.PREDICTION)}


def _job(version: ModelVersion, schema: ModelSchema, asked: DatasetAsked) -> ImportJob:
    labels, mapping = _labels(version, asked), own_of(version).get("mapping", {})
    sections = {"predictions": asked.predictions, "features": asked.features, "raw_inputs": asked.raw_inputs}
    fields = columns_of(version.schema, sections)
    fields |= {actual_of(schema, name, mapping).name: column for name, column in labels.items()}
    environment, batch = _environment(asked)
    return ImportJob(
        id="",
        model=version.model,
        version=version.version,
        place=place_of(asked.data_source.type, asked.data_source.config),
        columns=Columns(id=asked.id_column, timestamp=asked.timestamp_column, fields=fields),
        content=_content(asked, labels),
        environment=environment,
        batch=batch,
        policies=policies_of(asked.sync.schedule),
        status=JobStatus.ACTIVE if asked.sync.enabled else JobStatus.INACTIVE,
    )


def _content(asked: DatasetAsked, labels: dict[str, str]) -> Content:
    if asked.name == "actuals":
        return Content.ACTUALS
    return Content.BOTH if labels else Content.PREDICTIONS


def _environment(asked: DatasetAsked) -> tuple[Environment, str | None]:
    """Where the rows belong; what serves elsewhere than in production is apart from it, as a batch of its name."""
    if asked.name in _ENVIRONMENTS:
        return _ENVIRONMENTS[asked.name], asked.name if asked.name == "testing" else None
    return served_in(asked.sync.environment)


def served_in(said: str) -> tuple[Environment, str | None]:
    """The environment and batch of rows that are served where a client says it is.

    >>> served_in("production"), served_in("staging")
    ((<Environment.PRODUCTION: 'production'>, None), (<Environment.VALIDATION: 'validation'>, 'staging'))
    """
    return (Environment.PRODUCTION, None) if said.lower() in _PRODUCTION else (Environment.VALIDATION, said)
