"""The files of import jobs: listed, shown with what is wrong by row and column, read again, uploaded."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from driftline import registry
from driftline.catalog import imports as kept
from driftline.errors import Invalid
from driftline.imports import jobs, pushed
from driftline.imports import rejects as rejected
from driftline.imports.job import ImportFile
from driftline.inferences.tables import Tables
from driftline.schemas.columns import Columns
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Page
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.importasked import FileNumber, FilesWanted, JobId, RejectsWanted, UploadWanted
from driftline.server.rest.importing import File, Reject
from driftline.server.rest.registered import ModelId
from driftline.storage.access import Access

router = APIRouter(tags=["imports"])

Bytes = Annotated[bytes, Body(media_type="application/octet-stream", description="The file.")]


@router.get("/imports/{id}/files", summary="List the files of an import job")
def list_files(call: Reading, id: JobId, wanted: Annotated[FilesWanted, Query()]) -> Page[File]:
    """A page of the ledger: every object that the job ever saw, with attempts, rows, times and faults."""
    with call.catalog.read() as tx:
        found = jobs.files(
            tx, kept.beginning(tx, id), status=wanted.status, limit=wanted.limit + 1, after=int(wanted.token or 0)
        )
    shown = found[: wanted.limit]
    token = str(shown[-1].number) if len(found) > wanted.limit else None
    return Page(items=[file(each) for each in shown], next_token=token)


@router.get("/files/{number}", summary="Show a file of an import job")
def show_file(call: Reading, number: FileNumber) -> File:
    """The file: how often it was tried, how many rows it has, and what is wrong with it, by row and column."""
    with call.catalog.read() as tx:
        return file(jobs.file(tx, number))


@router.post("/files/{number}/retries", summary="Read a failed file again", status_code=202)
def retry_file(call: Writing, number: FileNumber) -> File:
    """The file waits again. 409 for one that has not failed, or whose job is deleted."""
    with call.catalog.begin() as tx:
        found = file(jobs.retry(tx, number, now=call.now))
    wake(call)
    return found


@router.get("/files/{number}/rejects", summary="Show the rejected rows of a file")
def show_rejects(call: Reading, number: FileNumber, wanted: Annotated[RejectsWanted, Query()]) -> Page[Reject]:
    """A page of the rows that were rejected, all columns as text, each with the first reason; 10,000 are kept."""
    with call.catalog.read() as tx:
        found = jobs.file(tx, number)
        model = jobs.get(tx, found.job).model
    offset = int(wanted.token or 0)
    rows = rejected.read(tables_of(call), model, number, offset=offset, limit=wanted.limit + 1)
    token = str(offset + wanted.limit) if len(rows) > wanted.limit else None
    return Page(items=[_reject(each) for each in rows[: wanted.limit]], next_token=token)


@router.post("/models/{model}/files", summary="Upload a file of a model", status_code=202)
def upload_file(call: Writing, model: ModelId, wanted: Annotated[UploadWanted, Query()], data: Bytes) -> File:
    """Keep a file and read it as files of import jobs are read, by the same rules.

    The same bytes for the same version, environment and columns again change nothing. The body is the file as it is,
    `Content-Type: application/octet-stream`.
    """
    with call.catalog.read() as tx:
        registry.get_version(tx, model, wanted.version)
    inbox = pushed.inbox_of(
        call.settings,
        model,
        wanted.version,
        format=wanted.format or _format_of(wanted.name),
        content=wanted.content,
        columns=wanted.columns.columns() if wanted.columns else Columns(),
        environment=wanted.environment,
    )
    name = f"{wanted.name.rpartition('.')[0][:64]}-{sha256(data).hexdigest()[:32]}"
    found = pushed.push(call.catalog, inbox, data, name, access=Access(), now=call.now)
    wake(call)
    return file(found)


def tables_of(call: Call) -> Tables:
    """The tables of this server."""
    return Tables(call.settings.tables_root, Access(), call.settings.home / "cache")


def file(found: ImportFile) -> File:
    """A file as answers show it."""
    return File.model_validate({**asdict(found), "faults": [asdict(each) for each in found.faults]})


def _reject(row: dict[str, Any]) -> Reject:
    told = {name: row.pop(name, None) for name in ("_row", "_code", "_reason")}
    return Reject(row=told["_row"], code=told["_code"] or "", reason=told["_reason"] or "", values=row)


def _format_of(name: str) -> str:
    """The format that a file's name tells; raises `Invalid`.

    >>> _format_of("today.csv"), _format_of("calls.jsonl")
    ('csv', 'jsonlines')
    """
    suffix = name.rpartition(".")[2].lower()
    known = {suffix: format for format, suffix in reversed(pushed.SUFFIXES.items())} | {"jsonl": "jsonlines"}
    if suffix not in known:
        expected = f"a name that ends in {', '.join(f'.{each}' for each in known)}"
        raise Invalid(what="name", got=name[:200], expected=expected, remedy="Or say the format.")
    return known[suffix]
