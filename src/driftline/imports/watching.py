"""The sources of all active jobs, looked at in turn: what is new goes into the ledger, page by page."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from driftline.catalog import Catalog, imports
from driftline.errors import DriftlineError
from driftline.imports import jobs, polling, queues
from driftline.imports.credentials import access_of
from driftline.imports.job import ImportJob
from driftline.storage.access import Access

_LOOKERS = 8
"""Sources that are looked at at the same time: mostly waiting, and one that stalls must not hold up the others."""

_FIRST_SECONDS = 5.0
"""A first listing of very many objects goes on for so long, until its next turn."""


def look(catalog: Catalog, access: Access, now: datetime) -> int:
    """Look at every source whose turn it is; how many files wait because of that."""
    with catalog.read() as tx:
        due = [row for row in imports.active(tx) if jobs.is_due(row, now)]
    if not due:
        return 0
    with ThreadPoolExecutor(min(_LOOKERS, len(due))) as pool:
        return sum(pool.map(partial(look_at, catalog, access, now=now), due))


def look_at(catalog: Catalog, access: Access, row: Any, *, now: datetime) -> int:
    """Look at the source of one job (a row of the catalog); how many files wait. What went wrong is kept with it."""
    with catalog.begin() as tx:
        if not imports.take_turn(tx, row.id, row.looked, now):
            return 0  # another server did
    try:
        with catalog.read() as tx:
            reached = access_of(tx, row.body["place"].get("credentials"), access, row.space)
        waiting = _heard(catalog, row, reached, access, now) + _sweep(catalog, row, reached, now)
        trouble = None
    except DriftlineError as error:
        waiting, trouble = 0, str(error)
    with catalog.begin() as tx:
        if trouble != row.trouble:
            imports.change(tx, row.id, trouble=trouble)
        jobs.enqueue(tx, jobs.get(tx, row.id), now=now)
    return waiting


def look_through(catalog: Catalog, job: ImportJob, access: Access, *, now: datetime) -> int:
    """List all that lies below a job's path, from the beginning to the end; how many files wait because of that."""
    waiting, cursor, is_done = 0, dict[str, Any](), False
    while not is_done:
        for found in polling.look(job, cursor, access, now=now):
            waiting += _noted(catalog, job.id, found, now)
            cursor, is_done = dict(found.cursor), found.done
    return waiting


def _heard(catalog: Catalog, row: Any, reached: Access, default: Access, now: datetime) -> int:
    """What the store told of in a queue."""
    job = jobs.of_row(row)
    return queues.drain(catalog, job, reached, now=now, default=default) if queues.is_queue(job) else 0


def _sweep(catalog: Catalog, row: Any, access: Access, now: datetime) -> int:
    """All that is new, each page with the place up to which the source was seen; a first listing goes on a while."""
    waiting, cursor, is_done, began = 0, row.cursor, False, time.monotonic()
    while not is_done and time.monotonic() - began < _FIRST_SECONDS:
        for found in polling.look(jobs.of_row(row), cursor, access, now=now):
            waiting += _noted(catalog, row.id, found, now)
            cursor, is_done = found.cursor, found.done
    return waiting


def _noted(catalog: Catalog, job: str, found: polling.Look, now: datetime) -> int:
    with catalog.begin() as tx:
        waiting = jobs.discover(tx, job, found.objects, now=now)
        jobs.skip(tx, job, found.passed, now=now)
        imports.change(tx, job, cursor=dict(found.cursor))
    return waiting
