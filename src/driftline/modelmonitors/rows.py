"""The rows behind a violation: a page of them, the worst first where there is a worse, or all of them as a file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import Conflict, EmptyWindow, Invalid, NotFound
from driftline.formats.format import Item
from driftline.formats.truth import TRUTH
from driftline.inferences.tables import Tables
from driftline.manifest import World
from driftline.modelmonitors.conditions import Every, Labelled
from driftline.modelmonitors.inputs import ID, manifest_of, rows_of
from driftline.modelmonitors.running import Asked
from driftline.modelmonitors.selection import Selection
from driftline.modelmonitors.watched import watched
from driftline.profile.arrow import mask_of
from driftline.reading import labelling, source_of
from driftline.sources import read

FILE, ROW, TIME, VERSION = "_file", "_row", "_time", "_version"
OWN = (FILE, ROW, ID, TIME)
FORMATS = ("csv", "parquet")

DEEPEST = 10_000
"""So many of the worst rows can be paged through; a download has all."""

_BADNESS = "_badness"


@dataclass(frozen=True)
class Found:
    """A row: where it came from, by the number of its file in the ledger and its place in it, and its values."""

    file: int
    row: int
    id: str
    time: datetime
    version: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class RowPage:
    """Some rows, and how many to pass over for the next ones; None at the end."""

    rows: Sequence[Found]
    after: int | None


def page(
    asked: Asked, selection: Selection, tables: Tables, world: World, *, limit: int = 50, after: int = 0
) -> RowPage:
    """Rows of a run as it saw them, from behind the first `after` on; raises `Conflict` where none can be shown."""
    batches = selected(asked, selection, tables, world)
    if isinstance(selection.condition, Labelled | Every):
        if after + limit > DEEPEST:
            remedy = "Download them all instead."
            raise Invalid(what="after", got=after, expected=f"at most the first {DEEPEST} rows", remedy=remedy)
        table = _worst(batches, after + limit + 1).slice(after)
    else:
        table = _next(batches, after, limit + 1)
    rows = [_found(each) for each in table.slice(0, limit).to_pylist()]
    return RowPage(rows, after + limit if table.num_rows > limit else None)


def download(
    asked: Asked, selection: Selection, tables: Tables, world: World, format: str, uris: Mapping[int, str]
) -> Iterator[bytes]:
    """All rows as the bytes of a file, piece by piece; `uris` are those of files by number."""
    if format not in FORMATS:
        raise Invalid(what="format", got=format, expected=" or ".join(FORMATS))
    batches = (_with_uris(each, uris) for each in selected(asked, selection, tables, world) if each.num_rows)
    return _csv(batches) if format == "csv" else _parquet(batches)


def selected(asked: Asked, selection: Selection, tables: Tables, world: World) -> Iterator[pa.RecordBatch]:
    """The rows of the selection, batch by batch, with a column that tells how bad each is where that is known."""
    condition = selection.condition
    if condition is None:
        name = f"{asked.run.monitor} of {asked.run.model}"
        raise Conflict(what="rows of", name=name, reason=selection.said.rstrip("."))
    for batch in read_rows(asked, tables, world):
        mask = mask_of(condition.mask(batch))
        if isinstance(condition, Labelled | Every):
            batch = batch.append_column(_BADNESS, pa.array(condition.weights(batch)))  # noqa: PLW2901
        yield batch.filter(mask)


def read_rows(asked: Asked, tables: Tables, world: World) -> Iterator[pa.RecordBatch]:
    """All rows that the run looked at, as they were known then: the monitor's columns, and where each came from."""
    seen = watched(asked.monitor, asked.versions[-1].type, [each.schema for each in asked.versions])
    names = tuple(dict.fromkeys((*OWN, *seen.columns)))
    for version in asked.versions:
        rows = rows_of(asked.monitor, (version.version,), asked.window, asked.run.as_of)
        manifest = replace(manifest_of(rows, seen, tables), columns=names)
        try:
            with labelling(manifest, world) as join:
                source = source_of(manifest, world)
                for task in source.tasks:
                    items: Iterator[Item] = read(task, source)
                    for item in items if join is None else join.joined(items):
                        if isinstance(item, pa.RecordBatch) and item.num_rows:
                            yield _versioned(item, version.version)
        except (NotFound, EmptyWindow):  # a version of which nothing was imported
            continue


def _versioned(batch: pa.RecordBatch, version: str) -> pa.RecordBatch:
    return batch.append_column(VERSION, pa.repeat(pa.scalar(version), batch.num_rows))


def _next(batches: Iterator[pa.RecordBatch], after: int, count: int) -> pa.Table:
    """So many rows behind the first ones; nothing is read beyond."""
    kept, passed, held = list[pa.RecordBatch](), 0, 0
    schema = pa.schema([])
    for batch in batches:
        schema = batch.schema
        rest = batch.slice(max(0, after - passed))
        passed += batch.num_rows
        rest = rest.slice(0, count - held)
        if rest.num_rows:
            kept.append(rest)
            held += rest.num_rows
        if held >= count:
            break
    tables = [pa.Table.from_batches([each]) for each in kept]
    return pa.concat_tables(tables, promote_options="permissive") if tables else schema.empty_table()


def _worst(batches: Iterator[pa.RecordBatch], count: int) -> pa.Table:
    """The worst rows, the worst first; equal ones in the order of files and rows."""
    order = [(_BADNESS, "descending"), (FILE, "ascending"), (ROW, "ascending")]
    kept: pa.Table | None = None
    for batch in batches:
        some = pa.Table.from_batches([batch])
        both = some if kept is None else pa.concat_tables([kept, some], promote_options="permissive")
        kept = both.take(pc.sort_indices(both, sort_keys=order)[:count])
    return pa.table({}) if kept is None else kept


def _found(row: dict[str, Any]) -> Found:
    values = {name: _shown(value) for name, value in row.items() if name not in (*OWN, VERSION, _BADNESS)}
    return Found(row[FILE], row[ROW], row[ID], row[TIME], row[VERSION], values)


def _shown(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _with_uris(batch: pa.RecordBatch, uris: Mapping[int, str]) -> pa.RecordBatch:
    """As a file has it: the URI in the place of the file's number, without what only sorts rows."""
    files = pa.array([uris.get(number) for number in batch[FILE].to_pylist()], pa.string())
    names = [name for name in batch.schema.names if name not in (*OWN, VERSION, _BADNESS, TRUTH)]
    names += [TRUTH] if TRUTH in batch.schema.names else []
    own = {"file": files, "row": batch[ROW], "id": batch[ID], "time": batch[TIME], "version": batch[VERSION]}
    own = {name if name not in names else f"_{name}": array for name, array in own.items()}
    return pa.RecordBatch.from_arrays([*own.values(), *(batch[name] for name in names)], names=[*own, *names])


def _csv(batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    from pyarrow import csv

    for place, batch in enumerate(batches):
        sink = io.BytesIO()
        csv.write_csv(_flat(batch), sink, csv.WriteOptions(include_header=place == 0))
        yield sink.getvalue()


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Lists, which CSV has not, as JSON; and nothing that a spreadsheet would compute."""
    columns = [
        pa.array([None if each is None else json.dumps(each) for each in column.to_pylist()], pa.string())
        if pa.types.is_nested(column.type)
        else _plain(column)
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain(column: pa.Array) -> pa.Array:
    """Texts that begin as a formula does, and are no numbers, with an apostrophe before them.

    >>> _plain(pa.array(["=1+1", "-12.5", None, "Rome"])).to_pylist()
    ["'=1+1", '-12.5', None, 'Rome']
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    is_number = pc.match_substring_regex(column, r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$")
    told = pc.replace_substring_regex(column, pattern=r"^([=+@\t\r\n＝＋－＠-])", replacement=r"'\1")
    return pc.if_else(is_number, column, told)


class _Sink(io.RawIOBase):
    """Takes what a writer writes, to be given on piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece."""
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """What was written since the last call."""
        found, self._pieces = b"".join(self._pieces), []
        return found


def _parquet(batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    first = next(batches, None)
    if first is None:
        return
    sink = _Sink()
    with pq.ParquetWriter(sink, first.schema) as writer:
        for batch in chain([first], batches):
            writer.write_batch(batch.cast(first.schema) if batch.schema != first.schema else batch)
            yield sink.taken()
    yield sink.taken()
