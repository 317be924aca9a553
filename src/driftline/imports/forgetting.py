"""What is kept of a subject's rows beside the tables: copies of what was pushed, rejected rows, words of faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from driftline.catalog import Catalog, imports
from driftline.errors import NotFound
from driftline.formats.captured import METADATA
from driftline.imports import jobs, rejects
from driftline.imports.contents import MALFORMED
from driftline.imports.job import FileStatus, ImportFile, ImportJob, JobStatus
from driftline.imports.pushed import is_inbox
from driftline.imports.redacting import Sought, without
from driftline.inferences.tables import Tables, name_of
from driftline.schemas.faults import Fault
from driftline.storage.storages import storage_for

PURGED = "Purged"

_PAGE = 1000
_REMOVED = "its words were removed with the rows of a subject"


def awaited(catalog: Catalog, tables: Tables, model: str, asked: datetime) -> list[ImportJob]:
    """The inbox jobs that have still to read what was pushed before `asked`: its rows are in no table yet."""
    with catalog.read() as tx:
        found = [each for each in _inboxes(catalog, tables, model) if each.status is JobStatus.ACTIVE]
        first = {each.id: imports.pending(tx, each.id, 1) for each in found}
    return [each for each in found if first[each.id] and first[each.id][0].found <= asked]


def clear_inbox(catalog: Catalog, tables: Tables, model: str, ids: Sequence[str]) -> int:
    """Take rows with these ids out of what was pushed and has been read; how many objects were changed.

    An object that cannot be taken apart goes as a whole. None of them is read again because of it.
    """
    changed = 0
    for job in _inboxes(catalog, tables, model):
        for each in _files(catalog, job):
            if each.status is not FileStatus.PENDING or job.status is not JobStatus.ACTIVE:
                changed += _clear(catalog, tables, job, each, ids)
    return changed


def clear_rejects(catalog: Catalog, tables: Tables, model: str, ids: Sequence[str]) -> int:
    """Take rows with these ids out of the rejected ones that are kept, with what is quoted of them; how many went."""
    gone, prefix = 0, f"{tables.root.rstrip('/')}/{name_of(model)}/rejects/"
    storage = storage_for(prefix, tables.access)
    for each in storage.list(prefix):
        number = int(each.uri.rpartition("/")[2].partition(".")[0])
        with catalog.read() as tx:
            column = jobs.get(tx, jobs.file(tx, number).job).columns.id or METADATA[0]
        table = rejects.opened(each.uri, tables)
        mask = _meant(table, column, ids)
        count = pc.sum(mask).as_py() or 0
        if count:
            _unquote(catalog, number, set(table["_row"].filter(mask).to_pylist()))
            written = BytesIO()
            pq.write_table(table.filter(pc.invert(mask)), written, compression="zstd")
            storage.put(each.uri, written.getvalue())
            gone += count
    return gone


def reset(catalog: Catalog, tables: Tables, job: ImportJob, now: datetime) -> None:
    """The job was purged: no file counts as read any more, and what was pushed to it is gone."""
    if is_inbox(job, tables.root):
        storage = storage_for(job.place.uri, tables.access)
        for each in list(storage.list(job.place.uri)):
            storage.delete(each.uri)
    with catalog.begin() as tx:
        imports.reset(tx, job.id, now=now, body={"faults": [asdict(Fault(PURGED, "its rows were purged"))]})


def _meant(table: pa.Table, column: str, ids: Sequence[str]) -> pa.Array:
    """Which rejected rows are those of the ids; of those that could not be read, which name one."""
    sought = Sought(frozenset(ids))
    mask = pa.array([code == MALFORMED and sought.is_within(reason or "") for code, reason in zip(
        table["_code"].to_pylist(), table["_reason"].to_pylist(), strict=True
    )], pa.bool_())  # fmt: skip
    if column not in table.column_names:
        return mask
    named = pc.is_in(table[column].combine_chunks().cast(pa.string()), pa.array(list(ids), pa.string()))
    return pc.or_(mask, named)


def _unquote(catalog: Catalog, number: int, rows: set[int]) -> None:
    """Take the words of these rows out of what is told of a file."""
    with catalog.begin() as tx:
        row = imports.file(tx, number)
        faults = [asdict(_unquoted(each, rows)) for each in jobs.file_of(row).faults]
        imports.change_file(tx, number, body={**row.body, "faults": faults})


def _unquoted(fault: Fault, rows: set[int]) -> Fault:
    is_quoted = fault.row in rows or (fault.code == MALFORMED and bool(rows & {*fault.rows}))
    return replace(fault, value=None, message=_REMOVED) if is_quoted else fault


def _inboxes(catalog: Catalog, tables: Tables, model: str) -> list[ImportJob]:
    with catalog.read() as tx:
        found = [jobs.of_row(row) for row in imports.of_model(tx, model)]
    return [each for each in found if is_inbox(each, tables.root)]


def _files(catalog: Catalog, job: ImportJob) -> Iterator[ImportFile]:
    after = 0
    while True:
        with catalog.read() as tx:
            page = jobs.files(tx, job.id, limit=_PAGE, after=after)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].number


def _clear(catalog: Catalog, tables: Tables, job: ImportJob, file: ImportFile, ids: Sequence[str]) -> int:
    """Rewrite one object; meanwhile the ledger knows it in any version, so that nobody takes it for another file."""
    storage = storage_for(file.uri, tables.access)
    try:
        with storage.open(file.uri) as stream:
            data = stream.read()
    except NotFound:
        return 0
    left = _left(job, file, data, ids)
    if left == data and file.etag:
        return 0
    with catalog.begin() as tx:
        imports.change_file(tx, file.number, etag="")
    if left is None:
        storage.delete(file.uri)
        return 1
    if left != data:
        storage.put(file.uri, left)
    found = next(each for each in storage.list(file.uri) if each.uri == file.uri)
    with catalog.begin() as tx:
        imports.change_file(tx, file.number, etag=jobs.etag_of(found.etag), size=found.size)
    return int(left != data)


def _left(job: ImportJob, file: ImportFile, data: bytes, ids: Sequence[str]) -> bytes | None:
    """What stays of an object; None of one that is to go: its rows have no ids but such as were made of its name."""
    column, format = job.columns.id, job.place.format or ""
    if column is None and format not in ("capture", "ground_truth"):
        name = file.uri.rpartition("/")[2]
        return None if any(each.startswith(f"{name}-") for each in ids) else data
    return without(data, format, Sought(frozenset(ids), column))
