"""Making an import job of what a caller says: its path, its model if wanted, the schema that a sample suggests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import Catalog, imports, spaces
from driftline.errors import CallerError, DataError, Invalid
from driftline.imports import deltas, jobs
from driftline.imports.chosen import root_of
from driftline.imports.credentials import access_of
from driftline.imports.dryrun import DryRun, dry_run
from driftline.imports.job import Content, ImportJob, Place
from driftline.imports.ownership import is_asked, refuse_unproved
from driftline.imports.places import place_of, refuse_folder, refuse_queue
from driftline.imports.triggers import doubled
from driftline.registry import Model, ModelVersion
from driftline.schemas.faults import Fault
from driftline.schemas.fields import LATE, Environment, ModelSchema, ModelType, Role
from driftline.schemas.mapped import Mapped
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.storage.storages import storage_for
from driftline.storage.uris import scheme_of

_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.RANK)


@dataclass(frozen=True)
class Wanted:
    """A job to be made, its id empty and its path as it was pasted.

    `content` None is told from a sample. With `creates` model and version are made if they are not there, of `type` or
    of what the sample suggests. `schema` is that of a version that has none yet, None: as the sample suggests.
    """

    job: ImportJob
    content: Content | None = None
    creates: bool = False
    type: ModelType | None = None
    schema: ModelSchema | None = None


class Untried(DataError):
    """the dry run failed: {reason}. {remedy}"""

    def __init__(self, tried: DryRun) -> None:
        """Why; nothing was made."""
        reason = "; ".join(each.message.rstrip(".") for each in tried.faults[:3])
        super().__init__(reason=reason, remedy="Nothing was made.")


def placed(catalog: Catalog, wanted: Wanted, settings: Settings, access: Access, *, now: datetime) -> Wanted:
    """The job with bucket and prefix inferred from its path; globs in the path are added to those that were said.

    Raises `Invalid` for a path that is none, `Denied` for a folder that may not be read, a queue on a host that may not
    be called, a space in which the caller changes nothing, and for a bucket whose owner has not shown, where the
    settings ask for that, that the space may read it.
    """
    given = wanted.job.place
    found = place_of(given.uri)
    place = replace(given, uri=found.uri, include=(*given.include, *found.include))
    if scheme_of(place.uri) == "" and not Path(place.uri).is_absolute():
        raise Invalid(what="path", got=given.uri, expected="s3://bucket/prefix/, or a folder by its whole path")
    refuse_folder(place, settings.allowed_folders, anywhere=settings.is_local)
    with catalog.read() as tx:
        model = registry.find_model(tx, wanted.job.model)
    space = model.space if model else wanted.job.space
    catalog.refuse_change(space)  # its credentials and buckets are read for those alone who work in it
    if is_asked(settings):
        with catalog.begin() as tx:
            key = spaces.ingestion_key(tx, space, now=now)
            reached = access_of(tx, place.credentials, access, space)
        refuse_unproved(place, reached, key)
    if place.events is not None and place.events != "webhook":
        refuse_queue(place.events, settings.allowed_hosts)
    content = wanted.content or _content(None, wanted.job)
    return replace(wanted, job=replace(wanted.job, place=place, content=content))


def attempt(
    catalog: Catalog, wanted: Wanted, access: Access, *, now: datetime, file: str | None = None, rows: int = 1000
) -> tuple[Wanted, DryRun]:
    """What the job would make of some rows of a file, and the job with what was told from them; nothing is written.

    `file` is the name of one below the job's path. A path that is a Delta table is read as one, unless a format was
    said. Raises `Invalid` for a file elsewhere, `NotFound` for a model or
    version that is not there and not to be made.
    """
    job = wanted.job
    file = None if file is None else _below(job.place, file)
    with catalog.read() as tx:
        model, version = registry.find_model(tx, job.model), registry.find_version(tx, job.model, job.version)
        if version is None and not wanted.creates:
            registry.get_version(tx, job.model, job.version)
        reached = access_of(tx, job.place.credentials, access, model.space if model else job.space)
        others = [jobs.of_row(row) for row in imports.active(tx)]
    if job.place.format is None and _is_table(job.place, reached):
        job = replace(job, place=replace(job.place, format=deltas.FORMAT))
    known = version.schema if version is not None and version.schema.fields else wanted.schema
    tried = dry_run(replace(job, content=wanted.content or Content.BOTH), known, reached, now=now, file=file, rows=rows)
    content = wanted.content or _content(tried.mapped, job)
    if content is not wanted.content and content is Content.ACTUALS and tried.file is not None:
        tried = dry_run(replace(job, content=content), known, reached, now=now, file=tried.file, rows=rows)
    job = replace(job, content=content)
    again = tuple(Fault("Overlapping_Jobs", said) for said in doubled(job, others))
    tried = replace(tried, warnings=(*tried.warnings, *again))
    schema = _schema(known or ModelSchema(), tried, content)
    return replace(wanted, job=job, type=wanted.type or tried.type, schema=schema), tried


def _is_table(place: Place, access: Access) -> bool:
    """Whether a Delta table lies there; its files alone would tell of rows that it has removed, too."""
    try:
        log = f"{root_of(place)}_delta_log/"
        return any(storage_for(place.uri, access).scan(log))
    except (CallerError, DataError):
        return False  # which the dry run tells


def make(tx: Connection, wanted: Wanted, *, now: datetime) -> ImportJob:
    """The job, which looks for files from now on, with its model, version and schema; raises as `registry` does."""
    job, schema = wanted.job, wanted.schema or ModelSchema()
    if wanted.creates and registry.find_model(tx, job.model) is None:
        registry.create_model(tx, Model(job.model, job.model, job.space), now=now)
    version = registry.find_version(tx, job.model, job.version)
    if version is None and wanted.creates:
        made = ModelVersion(job.model, job.version, _type(wanted), schema)
        registry.create_version(tx, made, now=now)
    elif registry.get_version(tx, job.model, job.version).schema != schema and schema.fields:
        registry.put_schema(tx, job.model, job.version, schema, now=now)
    return jobs.create(tx, replace(job, space=registry.get_model(tx, job.model).space), now=now)


def _below(place: Place, file: str) -> str:
    """The URI of a file, which may be said by its name below the path.

    >>> _below(Place("s3://logs/churn/"), "2026/a.csv")
    's3://logs/churn/2026/a.csv'
    """
    uri = file if file.startswith(place.uri) else place.uri + file
    if "://" in file.removeprefix(place.uri) or (file.startswith("/") and uri != file) or ".." in uri.split("/"):
        raise Invalid(what="file", got=file, expected=f"one below {place.uri}")
    return uri


def _content(mapped: Mapped | None, job: ImportJob) -> Content:
    """What the files hold: labels alone are actuals in production, sets to learn from have all in one file."""
    if mapped is None:
        roles = {*job.columns.lists, *job.columns.prefixes}
    else:
        roles = {str(each.role) for each, _ in mapped.columns}
    if not roles & {str(role) for role in LATE}:
        return Content.PREDICTIONS
    alone = not roles & {str(role) for role in _ANSWERS}
    return Content.ACTUALS if alone and job.environment is Environment.PRODUCTION else Content.BOTH


def _schema(known: ModelSchema, tried: DryRun, content: Content) -> ModelSchema:
    """What is known, and what the sample adds that belongs to such files; an only actual is of the only prediction."""
    if tried.mapped is None:
        return known
    there = {(each.name, each.role in LATE) for each in known}
    sides = {Content.PREDICTIONS: (False,), Content.ACTUALS: (True,), Content.BOTH: (False, True)}[content]
    new = [each for each in tried.schema if (each.role in LATE) in sides]
    schema = known.with_fields(each for each in new if (each.name, each.role in LATE) not in there)
    predictions, actuals = schema.having(Role.PREDICTION), schema.having(Role.ACTUAL)
    if len(predictions) == 1 and len(actuals) == 1 and actuals[0].of is None:
        return schema.with_fields([replace(actuals[0], of=predictions[0].name)])
    return schema


def _type(wanted: Wanted) -> ModelType:
    if wanted.type is None:
        remedy = "There are no files yet that would tell it."
        raise Invalid(what="type", got="nothing", expected=", ".join(ModelType), remedy=remedy)
    return wanted.type
