"""Arrow IPC: files (Feather version 2 is one), and streams; views and run-ends come in their plain forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.checked import checked
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.natives import batch_of, decoding, native, sliced, wanted
from driftline.formats.plain import plain
from driftline.problems import Problem

_FILE = b"ARROW1"
_OLD_FEATHER = b"FEA1"

WHOLE_ROWS = 131_072
"""A file of up to so many rows is one part."""

PART_BYTES = 32 << 20


@dataclass(frozen=True)
class Arrow:
    """Arrow IPC files and streams, compressed or not; `start`/`stop` of a part count record batches."""

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:  # noqa: ARG002
        """A file by runs of record batches of about `PART_BYTES`; a stream is one part, having no table of contents."""
        with opener(uri) as stream:
            if not _is_file(uri, stream):
                with decoding(uri, "Arrow"), native(stream) as source, pa.ipc.open_stream(source):
                    return (Part(uri, size=size),)
            with decoding(uri, "Arrow"), native(stream, mapped=True) as source:
                reader = pa.ipc.open_file(source)
                batches, rows = reader.num_record_batches, reader.count_rows()
        if rows <= WHOLE_ROWS or batches <= 1:
            return (Part(uri, 0, None, rows=rows, size=size),)
        step = max(1, batches * PART_BYTES // max(size, 1))
        starts = range(0, batches, step)
        return tuple(Part(uri, start, min(start + step, batches), size=size * step // batches) for start in starts)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """The record batches, those with too many rows cut; uncompressed local files are not copied into memory."""
        with opener(part.uri) as stream:
            is_file = _is_file(part.uri, stream)
            with decoding(part.uri, "Arrow"), native(stream, mapped=True) as source:
                batches = _of_file(source, part, options) if is_file else _of_stream(source, options)
                for batch in batches:
                    for item in checked(part.uri, batch):
                        yield from [item] if isinstance(item, Problem) else sliced([plain(item)])


def _is_file(uri: str, stream: BinaryIO) -> bool:
    """Whether it is an IPC file rather than a stream; refuses what Feather was before Arrow."""
    stream.seek(0)
    magic = stream.read(8)
    stream.seek(0)
    if magic.startswith(_OLD_FEATHER):
        reason = "Feather version 1 is not supported"
        remedy = "Write it as version 2: `pyarrow.feather.write_feather(table, path, version=2)`."
        raise Unreadable(uri=uri, reason=reason, remedy=remedy)
    return magic.startswith(_FILE)


def _of_file(source: Any, part: Part, options: ReadOptions) -> Iterator[pa.RecordBatch]:
    reader = pa.ipc.open_file(source, options=_only(pa.ipc.open_file(source).schema, options))
    stop = reader.num_record_batches if part.stop is None else part.stop
    if part.start >= stop:
        yield _empty(reader.schema)
    for place in range(part.start, stop):
        yield reader.get_batch(place)


def _of_stream(source: Any, options: ReadOptions) -> Iterator[pa.RecordBatch]:
    with pa.ipc.open_stream(source) as reader:
        choice = _only(reader.schema, options)
    source.seek(0)
    with pa.ipc.open_stream(source, options=choice) as reader:
        none = True
        for batch in reader:
            none = False
            yield batch
        if none:
            yield _empty(reader.schema)


def _only(schema: pa.Schema, options: ReadOptions) -> Any:
    """Arrow's reading options by which columns that nobody wants are passed over."""
    places = wanted(schema.names, options)
    # None means all; an empty list would too, so one column is kept for the number of rows.
    included = None if len(places) == len(schema) else places or [0]
    return pa.ipc.IpcReadOptions(included_fields=included, use_threads=False)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return batch_of([pa.nulls(0, field.type) for field in schema], schema.names, 0)
