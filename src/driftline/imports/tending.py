"""What the tables of a model need now and then: large files instead of many small ones, days and months of hours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from driftline.catalog import Catalog, batches, hours, work
from driftline.catalog.work import Work
from driftline.imports import hourparts
from driftline.imports.clearing import uris_of
from driftline.imports.jobs import lane_of
from driftline.imports.running import World, recover, tables_of
from driftline.inferences import rollups, upkeep
from driftline.scripts.sandbox import Log
from driftline.settings import Settings
from driftline.storage.access import Access

WORK = "tend"
"""The kind of work in the queue; its subject is a model, its lane that of the model's imports."""

EVERY = 20
"""After so many batches."""


def plan(tx: Connection, model: str, before: int, *, now: datetime) -> bool:
    """Queue it if the model's stream has come past a multiple of `EVERY` since batch `before` was its next."""
    due = batches.next_number(tx, lane_of(model)) // EVERY > before // EVERY
    if due:
        work.enqueue(tx, WORK, model, now=now, lane=lane_of(model))
    return due


def run(catalog: Catalog, held: Work, settings: Settings, access: Access, log: Log) -> str:
    """Compact the tables and remove what nobody reads any more, merge hours of days and months that have ended.

    Done again after a kill, it changes nothing more.
    """
    tables, model = tables_of(settings, access), held.subject
    recover(World(catalog, tables, access, held, settings, log), lane_of(model))
    files = 0
    for uri in uris_of(catalog, tables, model).values():
        files += upkeep.compact(tables, uri)
        upkeep.vacuum(tables, uri)
    with catalog.read() as tx:
        subjects = hours.subjects(tx, model)
    made, now = 0, catalog.clock()
    for subject in subjects:
        folder = hourparts.folder_of(tables, subject)
        made += rollups.roll_up(catalog, subject, folder, tables.access, until=now)
    with catalog.begin() as tx:
        work.finish(tx, held)
    return f"{model}: {files} small files merged, {made} days and months of profiles made"
