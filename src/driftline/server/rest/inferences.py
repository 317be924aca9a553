"""The tables of a model: where they are, their rows and history; rows that go, and tables that are tidied."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Query

from driftline import registry
from driftline.catalog import imports as kept
from driftline.errors import Invalid
from driftline.formats.format import ReadOptions
from driftline.imports import clearing, jobs
from driftline.imports.clearing import Kind, Order
from driftline.inferences import upkeep
from driftline.inferences.log import stored
from driftline.inferences.tables import found
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Page
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.importasked import JobId
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.registered import ModelId
from driftline.server.rest.tabling import (
    Clearing,
    ForgetWanted,
    HistoryWanted,
    OrderId,
    RetainWanted,
    Snapshot,
    TableRow,
    TableRowsWanted,
    TableShown,
)
from driftline.sources import resolve, strictly

router = APIRouter(tags=["tables"])

_DEEPEST = 10_000
"""Rows of a selection that can be paged through; more are read from the table itself."""


@router.get("/models/{model}/tables", summary="Show the tables of a model")
def show_tables(call: Reading, model: ModelId) -> Page[TableShown]:
    """Where the model's tables are: one of inferences for each version, one of actuals for all."""
    tables = tables_of(call)
    return Page(
        items=[
            _shown(uri, version, found(tables, uri))
            for version, uri in clearing.uris_of(call.catalog, tables, model).items()
        ]
    )


@router.get("/models/{model}/tables/history", summary="Show the history of a table")
def show_history(call: Reading, model: ModelId, wanted: Annotated[HistoryWanted, Query()]) -> Page[Snapshot]:
    """The versions of a table, the latest first: batches of imports, and what else was done with it."""
    tables = tables_of(call)
    with call.catalog.read() as tx:
        registry.get_model(tx, model)
    uri = tables.actuals_uri(model) if wanted.version is None else tables.inferences_uri(model, wanted.version)
    versions = upkeep.history(tables, uri, wanted.limit)
    items = [
        Snapshot(snapshot=each.version, made=each.made, operation=each.operation, told=dict(each.said))
        for each in versions
    ]
    return Page(items=items)


@router.get("/models/{model}/rows", summary="Show imported rows")
def show_rows(call: Reading, model: ModelId, wanted: Annotated[TableRowsWanted, Query()]) -> Page[TableRow]:
    """A page of the rows of a version, as they are in its table, each with the file and row that it came from."""
    with call.catalog.read() as tx:
        registry.get_version(tx, model, wanted.version)
    tables, offset = tables_of(call), int(wanted.token or 0)
    if offset + wanted.limit > _DEEPEST:
        remedy = "Ask for less time, or read the table itself."
        raise Invalid(what="token", got=offset, expected=f"one of the first {_DEEPEST} rows", remedy=remedy)
    uri = tables.inferences_uri(model, wanted.version)
    if found(tables, uri) is None:
        return Page(items=[])
    source = resolve([uri], tables.access, "delta", ReadOptions(settings=_selection(wanted)))
    rows = list(_some(strictly(source), offset, wanted.limit + 1))
    token = str(offset + wanted.limit) if len(rows) > wanted.limit else None
    return Page(items=[_row(each) for each in rows[: wanted.limit]], next_token=token)


@router.post("/models/{model}/forgets", summary="Remove the rows of a subject", status_code=202)
def forget(call: Writing, model: ModelId, wanted: ForgetWanted) -> Clearing:
    """Remove all rows with these ids for good: from tables, their earlier versions, profiles, and rejected rows, and
    from what was pushed to the server.

    Files that they were imported from are their owner's, and stay.
    """
    return _given(call, Order("", model, Kind.FORGET, call.now, ids=tuple(wanted.ids)))


@router.post("/models/{model}/retentions", summary="Remove old rows", status_code=202)
def retain(call: Writing, model: ModelId, wanted: RetainWanted) -> Clearing:
    """Remove the rows of days before a day; the profiles of their hours, which hold no rows, stay."""
    return _given(call, Order("", model, Kind.RETAIN, call.now, before=wanted.before))


@router.post("/models/{model}/compactions", summary="Tidy the tables of a model", status_code=202)
def compact(call: Writing, model: ModelId) -> Clearing:
    """Make large files of many small ones, and remove files that no reader has needed for a week."""
    return _given(call, Order("", model, Kind.COMPACT, call.now))


@router.post("/imports/{id}/purges", summary="Remove the rows of a deleted import job", status_code=202)
def purge(call: Writing, id: JobId) -> Clearing:
    """Remove the rows that the job brought, from tables and profiles, for good. 409 for a job that is not deleted."""
    with call.catalog.read() as tx:
        job = jobs.get(tx, kept.beginning(tx, id))
    given = clearing.give(call.catalog, tables_of(call), Order("", job.model, Kind.PURGE, call.now, job=job.id))
    wake(call)
    return _clearing(given)


@router.get("/models/{model}/clearings/{id}", summary="Show what became of an order")
def show_clearing(call: Reading, model: ModelId, id: OrderId) -> Clearing:
    """A purge, retention, compaction, or the removal of a subject's rows: whether it ended, and how much went."""
    return _clearing(clearing.outcome(call.catalog, tables_of(call), model, id, now=call.now))


def _given(call: Call, order: Order) -> Clearing:
    with call.catalog.read() as tx:
        registry.get_model(tx, order.model)
    given = clearing.give(call.catalog, tables_of(call), order)
    wake(call)
    return _clearing(given)


def _clearing(order: Order) -> Clearing:
    told = asdict(order)
    return Clearing(**{name: told[name] for name in Clearing.model_fields})


def _shown(uri: str, version: str | None, table: Any) -> TableShown:
    files = [] if table is None else list(stored(table, uri))
    return TableShown(
        kind="actuals" if version is None else "inferences",
        version=version,
        uri=uri,
        snapshot=None if table is None else table.version(),
        files=len(files),
        bytes=sum(each.size for each in files),
    )


def _selection(wanted: TableRowsWanted) -> dict[str, Any]:
    where: dict[str, Any] = {"_environment": str(wanted.environment)}
    where |= {} if wanted.id is None else {"_id": wanted.id}
    where |= {} if wanted.file is None else {"_file": wanted.file}
    bounds = {"since": wanted.since, "until": wanted.until}
    return {"where": where, **{name: moment.isoformat() for name, moment in bounds.items() if moment is not None}}


def _some(items: Iterator[Any], offset: int, count: int) -> Iterator[dict[str, Any]]:
    """So many rows behind the first ones; nothing is read beyond."""
    for batch in items:
        if not isinstance(batch, pa.RecordBatch):
            continue
        part = batch.slice(min(offset, batch.num_rows), count)
        offset = max(0, offset - batch.num_rows)
        count -= part.num_rows
        yield from part.to_pylist()
        if count <= 0:
            return


def _row(row: dict[str, Any]) -> TableRow:
    values = {name: _plain(value) for name, value in row.items() if not name.startswith("_")}
    return TableRow(id=row["_id"], time=row["_time"], file=row["_file"], row=row["_row"], values=values)


def _plain(value: Any) -> Any:
    """The value as JSON has it: what is no number is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
