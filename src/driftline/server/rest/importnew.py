"""New import jobs: tried on some rows of a file, with nothing written, and made."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from driftline.imports import dryrun, making
from driftline.imports.making import Wanted
from driftline.server.aws import buckets
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import Writing
from driftline.server.rest.importasked import CreateWanted, ImportWanted, TryWanted
from driftline.server.rest.importing import DryRun, ImportDetail
from driftline.server.rest.imports import detail
from driftline.server.rest.registered import FieldValue, SchemaValue
from driftline.storage.access import Access

router = APIRouter(tags=["imports"])


@router.post("/imports/dry-run", summary="Try an import job")
def try_import(call: Writing, wanted: TryWanted) -> DryRun:
    """What the job would make of some rows of a file: which column becomes what, what is wrong, and what mends it.

    Nothing is written. Only some rows are tried, so that a file may still fail later; its page in the job says why.
    """
    told, tried = making.attempt(
        call.catalog, _placed(call, wanted), Access(), now=call.now, file=wanted.file, rows=wanted.rows
    )
    return shown(told, tried)


@router.post("/imports", summary="Make an import job", status_code=201)
def create_import(call: Writing, wanted: CreateWanted) -> ImportDetail:
    """A new job: every file below its path is read once, and every file that comes there from now on.

    A pasted path is enough: bucket, prefix and format are inferred, and where neither schema nor columns say so, the
    fields of a version without any. 422 if the dry run fails; a path without files is taken, since they may come.
    """
    placed = _placed(call, wanted)
    if wanted.check:
        placed, tried = making.attempt(call.catalog, placed, Access(), now=call.now)
        if tried.status != dryrun.PASSED and not tried.is_empty:
            raise making.Untried(tried)
    with call.catalog.begin() as tx:
        made = detail(tx, making.make(tx, placed, now=call.now), call)
    wake(call)
    return made


def _placed(call: Call, wanted: ImportWanted) -> Wanted:
    """As it is to be made, if this caller may read from there."""
    placed = making.placed(call.catalog, wanted.wanted(), call.settings, Access(), now=call.now)
    buckets.refuse(asdict(placed.job.place), call.settings.allowed_buckets)
    return placed


def shown(told: Wanted, tried: dryrun.DryRun) -> DryRun:
    """A dry run as answers show it."""
    mapped = tried.mapped
    names = ("status", "file", "format", "type", "rows", "accepted", "rejected", "seconds")
    return DryRun.model_validate(
        {
            **{name: getattr(tried, name) for name in names},
            "content": told.job.content,
            "columns": [asdict(each) for each in mapped.uses] if mapped else [],
            "missing": [FieldValue.shown(each) for each in mapped.missing] if mapped else [],
            "schema": SchemaValue.shown(told.schema) if told.schema else SchemaValue(fields=[]),
            "faults": [asdict(each) for each in tried.faults],
            "warnings": [asdict(each) for each in tried.warnings],
        }
    )
