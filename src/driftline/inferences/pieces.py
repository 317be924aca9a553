"""Rows on their way into a table: written as Parquet files by partition, in row groups of bounded size."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftline.inferences.known import flushed
from driftline.inferences.tables import PARTITIONS, Tables
from driftline.storage.storages import storage_for
from driftline.storage.uris import scheme_of

GROUP_ROWS = 131_072
FILE_BYTES = 128 << 20
WAITING_BYTES = 192 << 20
"""So much waits in memory for its row group to be full, of all partitions together."""

COMPRESSION = "zstd"
_SAMPLE = 4096
_TOLD = ("_time", "_ingested", "_file", "_row")
"""Columns whose least and greatest values stand in the log, by which readers pass over files."""

_EPOCH = date(1970, 1, 1)

Day = tuple[str, int]
"""An environment and a day, counted from 1970: a partition."""


@dataclass(frozen=True)
class Piece:
    """A finished Parquet file: its path below the table's root, and what the log tells of it."""

    path: str
    day: Day
    size: int
    stats: Mapping[str, Any]

    def action(self) -> Any:
        """What delta-rs commits."""
        from deltalake.transaction import AddAction

        values = {"_environment": self.day[0], "_day": str(_EPOCH + timedelta(days=self.day[1]))}
        return AddAction(self.path, self.size, values, int(time.time() * 1000), True, json.dumps(self.stats))


@dataclass
class _Open:
    """A partition that is being written."""

    day: Day
    path: str = ""
    local: Path | None = None
    writer: Any = None
    schema: pa.Schema | None = None
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    told: list[Any] = field(default_factory=list)


class Pieces:
    """Takes rows, gives Parquet files; what a file is finished with is where the table lies, before any commit."""

    def __init__(self, tables: Tables, uri: str, schema: pa.Schema, folder: Path) -> None:
        """`schema` is the table's; `folder` takes files on their way to a store."""
        self._tables, self._uri = tables, uri.rstrip("/")
        self._schema = pa.schema([each for each in schema if each.name not in PARTITIONS])
        self._folder, self._mark = folder, secrets.token_hex(8)
        self._here = scheme_of(uri) in ("", "file")
        self._open: dict[Day, _Open] = {}
        self._waiting = self._count = 0
        self.done: list[Piece] = []

    def add(self, batch: pa.RecordBatch, day: Day) -> None:
        """Rows of one partition, with the columns of the table but for the partition's own; missing ones are null."""
        part = self._open.setdefault(day, _Open(day))
        batch = self._shaped(batch, part)
        part.waiting.append(batch)
        part.rows += batch.num_rows
        part.size += batch.nbytes
        self._waiting += batch.nbytes
        if part.rows >= GROUP_ROWS:
            self._flush(part)
        while self._waiting > WAITING_BYTES:
            self._flush(max(self._open.values(), key=lambda each: each.size))

    def finish(self) -> Sequence[Piece]:
        """All files, finished."""
        for part in list(self._open.values()):
            self._flush(part)
            self._close(part)
        self._open.clear()
        return self.done

    def discard(self, pieces: Sequence[Piece] | None = None) -> None:
        """Remove files that will not be committed: these, or all."""
        for part in self._open.values() if pieces is None else ():
            if part.writer is not None:
                part.writer.close()
            if part.local is not None:
                part.local.unlink(missing_ok=True)
        storage = storage_for(self._uri, self._tables.access)
        for piece in list(self.done if pieces is None else pieces):
            storage.delete(f"{self._uri}/{piece.path}")
            with suppress(ValueError):
                self.done.remove(piece)

    def _shaped(self, batch: pa.RecordBatch, part: _Open) -> pa.RecordBatch:
        """With the columns of the file in their order and types; texts that repeat stay dictionaries."""
        if part.schema is None:
            fields = []
            for each in self._schema:
                place = batch.schema.get_field_index(each.name)
                kind = batch.schema.field(place).type if place >= 0 else each.type
                plain = pa.dictionary(pa.int32(), pa.string()) if pa.types.is_dictionary(kind) else each.type
                fields.append(pa.field(each.name, plain))
            part.schema = pa.schema(fields)
        columns = [_as(batch, each) for each in part.schema]
        return pa.RecordBatch.from_arrays(columns, schema=part.schema)

    def _flush(self, part: _Open) -> None:
        """Write what waits as row groups."""
        if not part.waiting or part.schema is None:
            return
        rows = pa.Table.from_batches(part.waiting).unify_dictionaries()
        if part.writer is None:
            part.writer = self._writer(part, rows)
        part.writer.write_table(rows, row_group_size=GROUP_ROWS)
        self._waiting -= part.size
        part.waiting, part.rows, part.size = [], 0, 0
        assert part.local is not None
        if part.local.stat().st_size >= FILE_BYTES:
            self._close(part)

    def _writer(self, part: _Open, rows: pa.Table) -> Any:
        from pyarrow.parquet import ParquetWriter

        environment, day = part.day
        name = f"part-{self._count:05d}-{self._mark}.parquet"
        self._count += 1
        part.path = f"_environment={environment}/_day={_EPOCH + timedelta(days=day)}/{name}"
        root = Path(self._uri.removeprefix("file://"))
        part.local = root / part.path if self._here else self._folder / name
        part.local.parent.mkdir(parents=True, exist_ok=True)
        return ParquetWriter(
            str(part.local),
            rows.schema,
            compression=COMPRESSION,
            use_dictionary=_repetitive(rows),
            write_statistics=[each.name for each in rows.schema if not pa.types.is_nested(each.type)],
            store_schema=False,
            metadata_collector=part.told,
        )

    def _close(self, part: _Open) -> None:
        """Finish the file and bring it to where the table lies."""
        if part.writer is None or part.local is None:
            return
        part.writer.close()
        size = part.local.stat().st_size
        if self._here:
            flushed(part.local)
        else:
            storage_for(self._uri, self._tables.access).put(f"{self._uri}/{part.path}", part.local.read_bytes())
            part.local.unlink()
        self.done.append(Piece(part.path, part.day, size, _stats(part.told.pop())))
        part.writer = part.local = part.schema = None


def _as(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    """A column in the type of the file."""
    place = batch.schema.get_field_index(field.name)
    if place < 0:
        return pa.nulls(batch.num_rows, field.type)
    column = batch.column(place)
    if column.type == field.type:
        return column
    if pa.types.is_dictionary(field.type):
        column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        return column.cast(pa.string()).dictionary_encode()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(field.type)


def _repetitive(rows: pa.Table) -> list[str]:
    """Columns for which a dictionary costs less than it saves, as the first rows show."""
    found = []
    for each in rows.schema:
        if pa.types.is_nested(each.type) or pa.types.is_boolean(each.type) or each.name in ("_row", "_content"):
            continue
        sample = rows.column(each.name).slice(0, _SAMPLE)
        if pa.types.is_dictionary(each.type) or 4 * pc.count_distinct(sample, mode="all").as_py() <= len(sample):
            found.append(each.name)
    return found


def _stats(metadata: Any) -> dict[str, Any]:
    """What the log tells of a file, by its footer."""
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    names = {metadata.schema.column(place).path: place for place in range(len(metadata.schema))}
    least, greatest, nulls = dict[str, Any](), dict[str, Any](), dict[str, int]()
    for name in _TOLD:
        stats = [group.column(names[name]).statistics for group in groups]
        known = [each for each in stats if each is not None and each.has_min_max]
        nulls[name] = sum(each.null_count for each in stats if each is not None)
        if known:
            least[name] = _told(min(each.min for each in known))
            greatest[name] = _told(max(each.max for each in known), up=True)
    return {"numRecords": metadata.num_rows, "minValues": least, "maxValues": greatest, "nullCount": nulls}


def _told(value: Any, *, up: bool = False) -> Any:
    """A value as the log has it: times to the millisecond, bounds never inside what they bound."""
    if not isinstance(value, datetime):
        return value
    value = value.astimezone(UTC)
    rest = value.microsecond % 1000
    value += timedelta(microseconds=(1000 - rest) if up and rest else -rest)
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
