"""Import jobs: listed, shown with their counts and files, edited, paused, started, deleted; files read again."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import imports as kept
from driftline.errors import Conflict
from driftline.imports import jobs, polling
from driftline.imports.job import ImportJob, JobStatus
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Page
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.hiding import shown_to
from driftline.server.rest.importasked import ImportChange, ImportsWanted, JobId, PoliciesValue
from driftline.server.rest.importing import Counts, Import, ImportDetail

router = APIRouter(tags=["imports"])

_EQUAL = ("model", "space", "status", "environment")


@router.get("/imports", summary="List import jobs")
def list_imports(call: Reading, wanted: Annotated[ImportsWanted, Query()]) -> Page[Import]:
    """A page of the import jobs, the latest first, deleted ones too, each with its counts."""
    equal = {name: str(value) for name in _EQUAL if (value := getattr(wanted, name))}
    with call.catalog.read() as tx:
        page = jobs.page(tx, kept.Search(equal, wanted.search, wanted.limit, wanted.token))
        counted = jobs.counts_of(tx, [each.id for each in page.items])
    items = [Import(**_told(each, counted[each.id])) for each in page.items]
    return Page(items=items, next_token=page.token)


@router.get("/imports/{id}", summary="Show an import job")
def show_import(call: Reading, id: JobId) -> ImportDetail:
    """The job: how its files are read, which column is what, how many files and rows, and what is amiss."""
    with call.catalog.read() as tx:
        return detail(tx, jobs.get(tx, kept.beginning(tx, id)), call)


@router.patch("/imports/{id}", summary="Edit an import job")
def edit_import(call: Writing, id: JobId, wanted: ImportChange) -> ImportDetail:
    """The job with other columns, policies or ways of reading, for files that are read from now on.

    Columns take the place of those before; of policies and ways of reading what is not given stays as it is. Path,
    model and environment stay: for others make another job. 409 for a deleted one.
    """
    with call.catalog.begin() as tx:
        found = jobs.get(tx, kept.beginning(tx, id))
        reading = wanted.reading
        told = {} if reading is None else reading.model_dump(exclude_unset=True)
        place = replace(found.place, **{**told, **{name: tuple(told[name]) for name in _LISTS if name in told}})
        edited = jobs.edit(
            tx,
            found.id,
            columns=None if wanted.columns is None else wanted.columns.columns(),
            policies=None if wanted.policies is None else wanted.policies.policies(found.policies),
            place=place,
            now=call.now,
        )
        return detail(tx, edited, call)


_LISTS = ("select", "include")


@router.post("/imports/{id}/pause", summary="Pause an import job")
def pause_import(call: Writing, id: JobId) -> Import:
    """Look for nothing more until it is started; a file that is being read is finished. 409 for a deleted job."""
    with call.catalog.begin() as tx:
        return Import(**_shown(tx, jobs.pause(tx, kept.beginning(tx, id), now=call.now)))


@router.post("/imports/{id}/start", summary="Start an import job")
def start_import(call: Writing, id: JobId) -> Import:
    """Look for files again, at once. 409 for a deleted job."""
    with call.catalog.begin() as tx:
        shown = Import(**_shown(tx, jobs.start(tx, kept.beginning(tx, id), now=call.now)))
    wake(call)
    return shown


@router.post("/imports/{id}/looks", summary="Look for files now", status_code=202)
def look_now(call: Writing, id: JobId) -> Import:
    """List the job's path at once, not at its next turn. 409 for a job that is paused or deleted."""
    with call.catalog.begin() as tx:
        found = jobs.get(tx, kept.beginning(tx, id))
        if found.status is not JobStatus.ACTIVE:
            reason = f"it is {found.status}"
            raise Conflict(what="import job", name=id, reason=reason, remedy="Start it first, unless it is deleted.")
        shown = Import(**_shown(tx, jobs.start(tx, found.id, now=call.now)))
    wake(call)
    return shown


@router.delete("/imports/{id}", summary="Delete an import job")
def delete_import(call: Writing, id: JobId) -> Import:
    """Read nothing more. The job is still listed, as deleted, and the rows that it brought stay until it is purged."""
    with call.catalog.begin() as tx:
        return Import(**_shown(tx, jobs.delete(tx, kept.beginning(tx, id), now=call.now)))


def detail(tx: Connection, found: ImportJob, call: Call) -> ImportDetail:
    """A job as it is shown alone."""
    row, version = kept.get(tx, found.id), registry.find_version(tx, found.model, found.version)
    place = {**asdict(found.place), "settings": shown_to(call.principal, found.place.settings)}
    place |= {name: list(place[name]) for name in _LISTS}
    return ImportDetail(
        **{**place, **_shown(tx, found)},
        type=version.type if version else None,
        columns=found.columns.to_dict(),
        policies=PoliciesValue(**asdict(found.policies)),
        looked=row.looked,
        listed=row.looked is not None and polling.is_listed(row.cursor),
        trouble=row.trouble,
    )


def _shown(tx: Connection, found: ImportJob) -> dict[str, Any]:
    return _told(found, jobs.counts(tx, found.id))


def _told(found: ImportJob, counted: jobs.Counts) -> dict[str, Any]:
    names = ("id", "model", "version", "space", "content", "environment", "batch", "status", "created", "modified")
    counts = Counts.model_validate(counted, from_attributes=True)
    return {**{name: getattr(found, name) for name in names}, "uri": found.place.uri, "counts": counts}
