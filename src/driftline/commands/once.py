"""`driftline imports once`: files become rows of tables on this machine, in this process, without a server."""

from __future__ import annotations

import hashlib
import sys
import uuid
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from driftline.catalog import Catalog
from driftline.catalog.acting import acting
from driftline.commands.acting import account
from driftline.commands.importing import Doubtful, Flag, Reading, Which, Whose, placed
from driftline.commands.importshown import fault_lines, said_counts, tried
from driftline.commands.showing import Facts, show
from driftline.errors import Conflict
from driftline.imports import dryrun, jobs, making, running, watching
from driftline.imports.credentials import access_of
from driftline.imports.job import Content, FileStatus, ImportJob, JobStatus, Place, Policies
from driftline.imports.making import Wanted
from driftline.schemas.columns import Columns
from driftline.schemas.fields import ModelSchema
from driftline.server.rest.importnew import shown
from driftline.settings import Settings
from driftline.storage.access import Access

_FAULTS = 20
"""So many faults of files are shown."""


def once(
    path: str,
    *,
    whose: Whose,
    which: Which | None = None,
    reading: Reading | None = None,
    doubtful: Doubtful | None = None,
    tables: str | None = None,
    json: Flag = False,
) -> int:
    """Import the files below a path once, on this machine, without a server; model and version are made.

    What was imported stays in DRIFTLINE_HOME, where `driftline serve` finds it. The same command again reads only
    files that are new.

    Parameters
    ----------
    path
        Where the files are: s3://bucket/prefix/, the address of a bucket in a browser, a folder, a file.
    tables
        Folder or URI of the tables of inferences; DRIFTLINE_TABLES works too.
    json
        Print JSON for machines.
    """
    given: dict[str, Any] = {} if tables is None else {"tables": placed(tables)}
    settings = Settings(**given)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalog, access = Catalog(settings.url), Access()
    catalog.migrate()
    asked = _wanted(placed(path), whose, which or Which(), reading or Reading(), doubtful or Doubtful())
    try:
        asked = making.placed(catalog, asked, settings, access, now=catalog.clock())
        with catalog.read() as tx:
            reached = access_of(tx, asked.job.place.credentials, access)
        with acting(account("imports once", catalog.clock())):
            job = _job(catalog, asked, access, as_json=json)
        watching.look_through(catalog, job, reached, now=catalog.clock())
        running.drain(catalog, settings, access, None if json else partial(print, file=sys.stderr, flush=True))
        with catalog.begin() as tx:
            jobs.pause(tx, job.id, now=catalog.clock())
        return _ended(catalog, job, settings, as_json=json)
    finally:
        catalog.close()


def _wanted(uri: str, whose: Whose, which: Which, reading: Reading, doubtful: Doubtful) -> Wanted:
    body: dict[str, Any] = whose.body()
    read: dict[str, Any] = {
        name: tuple(told) if isinstance(told, list) else told for name, told in reading.body().items()
    }
    place = Place(uri, **read)
    job = ImportJob(
        "",
        whose.model,
        whose.version,
        place,
        Columns.of(which.body()),
        environment=whose.environment,
        batch=whose.batch,
        policies=replace(Policies(), **doubtful.body()),
    )
    schema = ModelSchema.of(body["schema"]) if "schema" in body else None
    return Wanted(job, whose.content, True, whose.type, schema)


def _job(catalog: Catalog, wanted: Wanted, access: Access, *, as_json: bool) -> ImportJob:
    """The job, tried and made; that of the same path and model, if there was one, with what it is told now.

    Raises `Untried` where a new one would import nothing.
    """
    job = replace(wanted.job, id=_id(wanted.job))
    with catalog.read() as tx:
        before = jobs.find(tx, job.id)
    if before is not None and before.status is not JobStatus.DELETED:
        with catalog.begin() as tx:
            jobs.edit(tx, job.id, columns=job.columns, policies=job.policies, place=job.place, now=catalog.clock())
            return jobs.start(tx, job.id, now=catalog.clock())
    if before is not None:
        raise Conflict(what="import job", name=job.id, reason="is deleted", remedy="Use another version of the model.")
    ready, dry = making.attempt(catalog, replace(wanted, job=job), access, now=catalog.clock())
    if dry.status != dryrun.PASSED:
        found = shown(ready, dry).model_dump(mode="json", by_alias=True)
        show(found, tried(found), as_json=as_json)
        raise making.Untried(dry)
    with catalog.begin() as tx:
        return making.make(tx, ready, now=catalog.clock())


def _id(job: ImportJob) -> str:
    """Of the same path and model always the same."""
    said = "\n".join((job.place.uri, job.model, job.version, job.environment, job.batch or ""))
    return str(uuid.UUID(bytes=hashlib.sha256(said.encode()).digest()[:16]))


def _ended(catalog: Catalog, job: ImportJob, settings: Settings, *, as_json: bool) -> int:
    """Show what was imported and where it lies; the exit status that this deserves."""
    tables = running.tables_of(settings, Access())
    with catalog.read() as tx:
        counts = asdict(jobs.counts(tx, job.id))
        failed = [asdict(each) for each in jobs.files(tx, job.id, status=FileStatus.FAILED, limit=_FAULTS)]
    uris = {"inferences": tables.inferences_uri(job.model, job.version), "actuals": tables.actuals_uri(job.model)}
    if job.content is not Content.BOTH:
        uris.pop("inferences" if job.content is Content.ACTUALS else "actuals")
    pairs = [("model", f"{job.model} {job.version}"), ("reads", job.place.uri), *said_counts(counts), *uris.items()]
    below = [line for each in failed for line in fault_lines(each["faults"], "error")]
    document = {"id": job.id, "model": job.model, "version": job.version, "counts": counts, "tables": uris}
    show(document, Facts(pairs, below), as_json=as_json)
    return int(bool(counts["failed"] or counts["rejected"]))
