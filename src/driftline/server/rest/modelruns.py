"""Runs of monitors on imported data: what each found, its report, the rows behind its violations, a file's alarms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, StreamingResponse

from driftline.catalog import modelruns
from driftline.catalog.modelruns import Search
from driftline.imports import jobs
from driftline.manifest import World
from driftline.modelmonitors import evidence, queueing, results, rows, running
from driftline.modelmonitors.running import Asked
from driftline.modelmonitors.written import MANIFEST, PAGE
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Page
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.hiding import shown_to
from driftline.server.rest.importasked import FileNumber
from driftline.server.rest.importfiles import file, tables_of
from driftline.server.rest.importing import File
from driftline.server.rest.modelmonitors import broken, detail, run
from driftline.server.rest.monitoring import (
    DownloadWanted,
    Every,
    FileAlarm,
    ModelRun,
    ModelRunDetail,
    MovedGroup,
    Place,
    Row,
    Rows,
    RowsWanted,
    RunId,
    RunsWanted,
)
from driftline.storage.access import Access

router = APIRouter(tags=["monitors"])

_FILES = 200
_ALONE = {
    "content-security-policy": "sandbox allow-scripts allow-downloads allow-modals allow-popups",
    "x-content-type-options": "nosniff",
}
"""A report is a file that lies elsewhere: whatever somebody made of it has no part in this site and its sessions."""
_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


@router.get("/model-runs", summary="List runs of monitors on imported data")
def list_runs(call: Reading, wanted: Annotated[RunsWanted, Query()]) -> Page[ModelRun]:
    """A page of the runs, the latest made first."""
    equal = {name: value for name in ("model", "monitor", "status") if (value := getattr(wanted, name)) is not None}
    asked = Search(equal, wanted.since, wanted.until, wanted.limit, wanted.token)
    with call.catalog.read() as tx:
        page = modelruns.search(tx, asked)
    return Page(items=[run(each) for each in page.items], next_token=page.token)


@router.get("/model-runs/{id}", summary="Show a run of a monitor")
def show_run(call: Reading, id: RunId) -> ModelRunDetail:
    """The run: its window, what was known, its violations, figures, and estimates beside what labels showed."""
    with call.catalog.read() as tx:
        return detail(modelruns.beginning(tx, id))


@router.post("/model-runs/{id}/reruns", summary="Run a monitor again", status_code=201)
def rerun(call: Writing, id: RunId) -> ModelRun:
    """The same window once more with the settings it had, and what is known by now; the result of before stays."""
    with call.catalog.begin() as tx:
        made = queueing.rerun(tx, modelruns.beginning(tx, id), call.now)
    wake(call)
    return run(made)


@router.get("/model-runs/{id}/report", summary="Read the report of a run", response_class=HTMLResponse)
def read_report(call: Reading, id: RunId) -> HTMLResponse:
    """The report for people, one HTML page. 409 for a run that wrote none."""
    with call.catalog.read() as tx:
        found = modelruns.beginning(tx, id)
    return HTMLResponse(evidence.read_file(found, PAGE, Access()), headers=_ALONE)


@router.get("/model-runs/{id}/files", summary="Show the files of a run")
def show_files(call: Reading, id: RunId) -> Page[File]:
    """The imported files whose rows may be in the run's window, at most 200."""
    with call.catalog.read() as tx:
        found = results.files_of(tx, modelruns.beginning(tx, id))
    return Page(items=[file(each) for each in found[:_FILES]])


@router.get("/model-runs/{id}/manifest", summary="Show the manifest of a run")
def show_manifest(call: Reading, id: RunId) -> dict[str, Any]:
    """All that decided what the run read and said; 409 for one that wrote no files."""
    with call.catalog.read() as tx:
        found = modelruns.beginning(tx, id)
    return dict(shown_to(call.principal, json.loads(evidence.read_file(found, MANIFEST, Access()))))


@router.get("/model-runs/{id}/violations/{place}/rows", summary="Show the rows behind a violation")
def show_rows(call: Reading, id: RunId, place: Place, wanted: Annotated[RowsWanted, Query()]) -> Rows:
    """A page of rows: file, row number, id, time and values, as the run saw them.

    Of a drift also what moved, with its shares of the baseline and of the window. 409 where no rows are to blame.
    """
    asked, world = _asked(call, id), World()
    found = evidence.selection_of(asked, place, world, wanted.group)
    page = rows.page(asked, found, tables_of(call), world, limit=wanted.limit, after=wanted.after)
    uris = _uris(call, {each.file for each in page.rows})
    items = [
        Row(
            file=each.file, uri=uris.get(each.file), row=each.row, id=each.id, time=each.time, version=each.version,
            values=dict(each.values),
        )
        for each in page.rows
    ]  # fmt: skip
    groups = [MovedGroup(**each.to_dict()) for each in found.groups]
    return Rows(
        violation=broken(place, asked.run),
        said=found.said,
        columns=list(found.columns),
        groups=groups,
        items=items,
        next_after=page.after,
    )


@router.get(
    "/model-runs/{id}/violations/{place}/download",
    summary="Download the rows behind a violation",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {} for kind in _TYPES.values()}, "description": "The rows, as a file"}},
)
def download_rows(
    call: Reading, id: RunId, place: Place, wanted: Annotated[DownloadWanted, Query()]
) -> StreamingResponse:
    """All rows behind the violation as one CSV or Parquet file."""
    asked, world = _asked(call, id), World()
    found = evidence.selection_of(asked, place, world, wanted.group)
    with call.catalog.read() as tx:
        uris = {each.number: each.uri for each in results.files_of(tx, asked.run)}
    pieces = rows.download(asked, found, tables_of(call), world, wanted.format, uris)
    name = f"{asked.run.monitor}-{asked.run.id[:8]}-{place}.{wanted.format}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_begun(pieces), media_type=_TYPES[wanted.format], headers=headers)


@router.get("/files/{number}/alarms", summary="Show the alarms that a file took part in")
def show_alarms(call: Reading, number: FileNumber, every: Every = False) -> Page[FileAlarm]:
    """The runs with violations whose window and rows the file had part in, latest windows first."""
    with call.catalog.read() as tx:
        _, found = results.alarms_of(tx, number, every=every)
    return Page(items=[FileAlarm(run=run(each.run), is_latest=each.is_latest) for each in found])


def _asked(call: Call, id: str) -> Asked:
    with call.catalog.read() as tx:
        return running.asked_of(tx, modelruns.beginning(tx, id))


def _uris(call: Call, numbers: set[int]) -> dict[int, str]:
    with call.catalog.read() as tx:
        return {number: jobs.file(tx, number).uri for number in numbers}


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, the first of which is made now: what is wrong is answered as an error, not within the file."""
    first = next(pieces, b"")
    return chain([first], pieces)
