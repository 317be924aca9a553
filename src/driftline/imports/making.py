"""Making an import job of what a caller says: its path, its model if wanted, the schema that a sample suggests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import Catalog
from driftline.errors import Invalid
from driftline.imports import jobs
from driftline.imports.credentials import access_of
from driftline.imports.dryrun import DryRun, dry_run
from driftline.imports.job import Content, ImportJob, Place
from driftline.imports.places import place_of
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import LATE, Environment, ModelSchema, ModelType, Role
from driftline.storage.access import Access

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


def attempt(
    catalog: Catalog, wanted: Wanted, access: Access, *, now: datetime, file: str | None = None, rows: int = 1000
) -> tuple[Wanted, DryRun]:
    """What the job would make of some rows of a file, and the job with what was told from them; nothing is written.

    Raises `Invalid` for a path that is none, `NotFound` for a model or version that is not there and not to be made.
    """
    job = replace(wanted.job, place=_placed(wanted.job.place))
    with catalog.read() as tx:
        version = registry.find_version(tx, job.model, job.version)
        if version is None and not wanted.creates:
            registry.get_version(tx, job.model, job.version)
        reached = access_of(tx, job.place.credentials, access)
    known = version.schema if version is not None and version.schema.fields else wanted.schema
    tried = dry_run(replace(job, content=wanted.content or Content.BOTH), known, reached, now=now, file=file, rows=rows)
    content = wanted.content or _content(tried, job)
    if content is not wanted.content and content is Content.ACTUALS and tried.file is not None:
        tried = dry_run(replace(job, content=content), known, reached, now=now, file=tried.file, rows=rows)
    schema = _schema(known or ModelSchema(), tried, content)
    return replace(wanted, job=replace(job, content=content), type=wanted.type or tried.type, schema=schema), tried


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


def _placed(given: Place) -> Place:
    """The place with bucket and prefix inferred from the path; globs in the path are added to those that were said."""
    found = place_of(given.uri)
    return replace(given, uri=found.uri, include=(*given.include, *found.include))


def _content(tried: DryRun, job: ImportJob) -> Content:
    """What the files hold: labels alone are actuals in production, sets to learn from have all in one file."""
    if tried.mapped is None:
        roles = {*job.columns.lists, *job.columns.prefixes}
    else:
        roles = {str(each.role) for each, _ in tried.mapped.columns}
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
