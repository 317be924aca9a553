"""What an execution read, and the rows behind its violations, as far as its manifest tells."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, Field

from driftline.catalog import executions
from driftline.processing import evidence
from driftline.server.aws import buckets
from driftline.server.rest.asked import Identity
from driftline.server.rest.callers import Reading
from driftline.server.rest.monitoring import MovedGroup, Place
from driftline.storage.access import Access

router = APIRouter(tags=["executions"])

RowCount = Annotated[int, Query(ge=1, le=1000, description="How many rows at most.")]


class InputFile(BaseModel):
    """An object that was read."""

    uri: str
    size: Annotated[int, Field(description="In bytes.")]


class Inputs(BaseModel):
    """What an execution read."""

    folders: Annotated[list[str], Field(description="Hours, or objects, as the job names them.")]
    files: Annotated[list[InputFile], Field(description="The first 200.")]
    count: Annotated[int, Field(description="How many files there were; 0 where no manifest was kept.")]
    size: Annotated[int, Field(description="Bytes of all of them.")]
    rows: Annotated[int | None, Field(description="Null where its log does not tell.")]
    problems: Annotated[int | None, Field(description="Rows and files that could not be used.")]


class CapturedRow(BaseModel):
    """A row behind a violation."""

    uri: Annotated[str, Field(description="Its file.")]
    place: Annotated[int, Field(description="Its place among the rows of the file, from 1.")]
    values: dict[str, Any]


class CapturedRows(BaseModel):
    """Rows behind a violation of an execution."""

    said: str
    columns: Annotated[list[str], Field(description="Those to look at.")]
    groups: Annotated[list[MovedGroup], Field(description="Of a drift: what moved, most of all first.")]
    items: list[CapturedRow]
    complete: Annotated[bool, Field(description="Whether there are no others.")]


@router.get("/executions/{id}/inputs", summary="Show what an execution read")
def show_inputs(call: Reading, id: Identity) -> Inputs:
    """Folders, files with their sizes, rows and problems."""
    with call.catalog.read() as tx:
        found = executions.beginning(tx, id)
    told = evidence.inputs_of(call.catalog, found)
    files = [InputFile(uri=uri, size=size) for uri, size in told.files]
    return Inputs(
        folders=list(told.folders), files=files, count=told.count, size=told.size, rows=told.rows,
        problems=told.problems,
    )  # fmt: skip


@router.get("/executions/{id}/violations/{place}/rows", summary="Show the rows behind a violation of an execution")
def show_captured(call: Reading, id: Identity, place: Place, limit: RowCount = 50) -> CapturedRows:
    """The first of them, from the objects that the execution read. 409 where no rows, or no manifest, are known."""
    buckets.refuse(show_inputs(call, id).folders, call.settings.allowed_buckets)
    found = evidence.rows_behind(call.catalog, id, place, Access(), limit=limit)
    items = [CapturedRow(uri=each.uri, place=each.place, values=jsonable_encoder(each.values)) for each in found.rows]
    return CapturedRows(
        said=found.selection.said, columns=list(found.selection.columns),
        groups=[MovedGroup(**each.to_dict()) for each in found.selection.groups], items=items,
        complete=found.complete,
    )  # fmt: skip
