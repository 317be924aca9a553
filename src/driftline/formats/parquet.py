"""Parquet: a part is a row group, read whole unless it is huge; repetitive text comes as dictionaries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, BinaryIO

import pyarrow as pa

from driftline.formats.checked import checked
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.natives import MOST_ROWS, batch_of, decoding, native, version_of, wanted
from driftline.formats.plain import plain, plain_type
from driftline.problems import Problem

MOST_BYTES = 256 << 20
"""A row group that takes more than this, as encoded but not compressed, is read in pieces."""

PIECE_BYTES = 64 << 20

BYTES_PER_VALUE = 4.0
"""Up to this the footer shows that a text column repeats itself: mere indices, and few texts in the dictionary."""

_LOOKED_AT = 4
"""So many row groups, evenly spread, tell whether a text column repeats itself."""

KEPT_BYTES = 16 << 20
"""So many bytes of footers are kept, as they are in the files; in memory they take several times as much."""


@dataclass(frozen=True)
class Footer:
    """A file's metadata, the text columns that are read as dictionaries, and whether all types are plain."""

    metadata: Any
    repetitive: tuple[str, ...]
    plain: bool


@dataclass(frozen=True)
class Parquet:
    """Parquet files, with Arrow's types where they were written by Arrow."""

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:  # noqa: ARG002
        """One part for each row group; one without rows for a file without rows, since it still has columns."""
        with opener(uri) as stream:
            metadata = footer_of(uri, stream).metadata
        groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
        whole = sum(group.total_byte_size for group in groups) or 1
        if not metadata.num_rows:
            return (Part(uri, 0, 0, rows=0, size=size),)
        return tuple(
            Part(uri, place, place + 1, rows=group.num_rows, size=size * group.total_byte_size // whole)
            for place, group in enumerate(groups)
        )

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """The rows of its row groups, each as one batch if it is not huge."""
        with opener(part.uri) as stream:
            footer = footer_of(part.uri, stream)
            with decoding(part.uri, "Parquet"), native(stream) as source:
                yield from _read(part, footer, source, options)


def footer_of(uri: str, stream: BinaryIO) -> Footer:
    """The footer of the file behind `stream`, parsed once for as long as the file stays the same."""
    version = version_of(stream)
    found = _footers.get((uri, version)) if version else None
    if found is None:
        found = _parse(uri, stream)
        if version:
            _footers.keep((uri, version), found)
    return found


class Footers:
    """The footers used last, for all threads: every row group of a file is a part, and parsing may take long."""

    def __init__(self, most: int) -> None:
        """`most` bytes are kept at most, but always the last one."""
        self._most = most
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str | None], Footer] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, str | None]) -> Footer | None:
        """What is kept under `key`."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: tuple[str, str | None], footer: Footer) -> None:
        """Keep it, and forget those not used for the longest time."""
        with self._lock:
            if key not in self._kept:
                self._bytes += footer.metadata.serialized_size
            self._kept[key] = footer
            while self._bytes > self._most and len(self._kept) > 1:
                _, old = self._kept.popitem(last=False)
                self._bytes -= old.metadata.serialized_size


_footers = Footers(KEPT_BYTES)


def _parse(uri: str, stream: BinaryIO) -> Footer:
    from pyarrow.parquet import ParquetFile

    with decoding(uri, "Parquet"):
        file = ParquetFile(pa.PythonFile(stream, mode="r"))
        schema = file.schema_arrow
        is_plain = all(plain_type(kind) == kind for kind in schema.types)
        return Footer(file.metadata, repetitive(file.metadata, schema), is_plain)


def repetitive(metadata: Any, schema: pa.Schema) -> tuple[str, ...]:
    """The text columns, not nested, that are cheaper read as dictionaries: the footer shows few bytes a value."""
    texts = {field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)}
    groups = metadata.num_row_groups
    looked = sorted({groups * each // _LOOKED_AT for each in range(_LOOKED_AT)}) if groups else []
    columns = metadata.schema
    leaves = [place for place in range(len(columns)) if texts and columns.column(place).path in texts]
    return tuple(
        columns.column(leaf).path
        for leaf in leaves
        if looked and all(_is_repetitive(metadata.row_group(group).column(leaf)) for group in looked)
    )


def _is_repetitive(chunk: Any) -> bool:
    encoded = {"RLE_DICTIONARY", "PLAIN_DICTIONARY"} & set(chunk.encodings)
    return bool(encoded) and chunk.total_uncompressed_size <= BYTES_PER_VALUE * chunk.num_values + 1024


def _read(part: Part, footer: Footer, source: Any, options: ReadOptions) -> Iterator[Item]:
    from pyarrow.parquet import ParquetFile

    metadata = footer.metadata
    groups = range(part.start, metadata.num_row_groups if part.stop is None else part.stop)
    huge = any(_is_huge(metadata.row_group(group)) for group in groups)
    # All the bytes of a row group by few requests, but not of a huge one, of which only pages are held.
    fetching = {"pre_buffer": False, "buffer_size": 1 << 20} if huge else {"pre_buffer": True}
    file = ParquetFile(source, metadata=metadata, read_dictionary=list(footer.repetitive), **fetching)
    names = file.schema_arrow.names
    places = wanted(names, options)
    chosen = None if len(places) == len(names) else [names[place] for place in places]
    if not groups:
        yield plain(_empty(file.schema_arrow, places))
    for group in groups:
        for batch in _rows_of(file, group, chosen):
            for item in checked(part.uri, batch):
                yield item if footer.plain or isinstance(item, Problem) else plain(item)


def _rows_of(file: Any, group: int, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    """The rows of one row group; threads are for the caller, who reads several parts at once."""
    about = file.metadata.row_group(group)
    if _is_huge(about):
        rows = max(1024, min(MOST_ROWS // 8, about.num_rows * PIECE_BYTES // max(1, about.total_byte_size)))
        yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=columns, use_threads=False)
        return
    table = file.read_row_group(group, columns=columns, use_threads=False)
    if table.num_columns:
        yield from table.combine_chunks().to_batches(max_chunksize=MOST_ROWS)
    else:
        yield batch_of([], [], table.num_rows)


def _is_huge(group: Any) -> bool:
    return bool(group.num_rows > MOST_ROWS or group.total_byte_size > MOST_BYTES)


def _empty(schema: pa.Schema, places: Sequence[int]) -> pa.RecordBatch:
    fields = [schema.field(place) for place in places]
    return batch_of([pa.nulls(0, field.type) for field in fields], [field.name for field in fields], 0)
