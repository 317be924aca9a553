"""Rows that come by a request: they become an object in the inbox below the tables, and are read as any other file."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from driftline import registry
from driftline.catalog import Catalog, imports
from driftline.errors import Invalid, NotFound
from driftline.imports import jobs
from driftline.imports.job import Content, ImportFile, ImportJob, JobStatus, Place, Policies
from driftline.inferences.tables import name_of
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

SUFFIXES = {
    "capture": "jsonl",
    "jsonlines": "jsonl",
    "json": "json",
    "csv": "csv",
    "parquet": "parquet",
    "avro": "avro",
    "arrow": "arrow",
    "ground_truth": "jsonl",
}
"""Format -> the suffix of its objects."""

POLL = 300.0
"""Seconds between two looks at an inbox: what is pushed is known at once, but for what a killed server left."""

_JOBS = uuid.UUID("6f8ef9d3-6f0c-4f5e-9d3c-2b9a0c8a7d11")


def push(catalog: Catalog, inbox: ImportJob, data: bytes, name: str, *, access: Access, now: datetime) -> ImportFile:
    """Keep `data` for good and put it into the ledger; the same `name` again changes nothing.

    `inbox` is the model's own job, as `inbox_of` makes it, in the space of the model. The name should be a digest of
    the bytes, or the id of the event that brought them. Raises `Invalid` for an unknown format, `NotFound` for the
    model, and `Denied` where the caller changes nothing in that space.
    """
    suffix = SUFFIXES.get(inbox.place.format or "")
    if suffix is None:
        raise Invalid(what="format", got=inbox.place.format, expected=f"one of {', '.join(SUFFIXES)}")
    with catalog.begin() as tx:
        space = registry.get_model(tx, inbox.model).space
        catalog.refuse_change(space)  # now, since the object alone would be found and read
        known = jobs.find(tx, inbox.id)
        if known is None:
            jobs.create(tx, replace(inbox, space=space), now=now)
        elif known.status is JobStatus.DELETED:  # with its model, which is there again
            imports.change(tx, inbox.id, status=str(JobStatus.ACTIVE), modified=now)
    uri = f"{inbox.place.uri}{name_of(name)}.{suffix}"
    storage = storage_for(uri, access)
    storage.put_if_absent(uri, data)
    objects = list(storage.list(uri))
    with catalog.begin() as tx:
        jobs.discover(tx, inbox.id, objects, now=now)
        found = jobs.find_file(tx, inbox.id, uri)
    if found is None:
        raise NotFound(what="file", name=uri, remedy="It was removed from the inbox meanwhile; send it again.")
    return found


def inbox_of(
    settings: Settings,
    model: str,
    version: str,
    *,
    format: str,
    content: Content = Content.PREDICTIONS,
    columns: Columns | None = None,
    environment: Environment = Environment.PRODUCTION,
    batch: str | None = None,
) -> ImportJob:
    """The job of a model that reads what is pushed to it in this format; always the same one."""
    columns = columns or Columns()
    said = f"{model}\n{version}\n{format}\n{content}\n{environment}\n{sorted(columns.to_dict().items())}"
    said += f"\n{batch}" if batch else ""
    identity = str(uuid.uuid5(_JOBS, said))
    place = Place(f"{_inbox(settings.tables_root, model)}{identity}/", format)
    return ImportJob(identity, model, version, place, columns, content, environment, batch, Policies(poll_seconds=POLL))


def is_inbox(job: ImportJob, root: str) -> bool:
    """Whether the job reads what is pushed to its model; `root` is that of the tables."""
    return job.place.uri.startswith(_inbox(root, job.model))


def _inbox(root: str, model: str) -> str:
    return f"{root.rstrip('/')}/{name_of(model)}/inbox/"
