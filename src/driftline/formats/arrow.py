"""Arrow IPC: files (Feather version 2 is one), and streams; views and run-ends come in their plain forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import Unreadable
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.natives import batch_of, decoding, native, sliced, wanted

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
                for batch in sliced(batches):
                    yield plain(batch)


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


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same values in the layouts that all of Arrow's functions know.

    >>> plain(pa.record_batch({"a": pa.array(["x"], pa.string_view())})).schema.field("a").type
    DataType(string)
    """
    types = [plain_type(field.type) for field in batch.schema]
    if types == batch.schema.types:
        return batch
    columns = [_cast(column, new) for column, new in zip(batch.columns, types, strict=True)]
    return batch_of(columns, batch.schema.names, batch.num_rows)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The plain form of a type.

    >>> plain_type(pa.list_(pa.string_view())), plain_type(pa.run_end_encoded(pa.int32(), pa.int64()))
    (ListType(list<item: string>), DataType(int64))
    """
    types = pa.types
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return pa.string() if types.is_string_view(kind) else pa.binary()
    if types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, plain_type(kind.value_type), kind.ordered)
    if types.is_struct(kind):
        return pa.struct([field.with_type(plain_type(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type), kind.keys_sorted)
    return _plain_list(kind)


def _plain_list(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_fixed_size_list(kind):
        return pa.list_(_plain_field(kind), kind.list_size)
    if types.is_large_list(kind) or types.is_large_list_view(kind):
        return pa.large_list(_plain_field(kind))
    return pa.list_(_plain_field(kind)) if types.is_list(kind) or types.is_list_view(kind) else kind


def _plain_field(kind: pa.DataType) -> pa.Field:
    return kind.value_field.with_type(plain_type(kind.value_type))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if isinstance(column, pa.ExtensionArray):
        return _cast(column.storage, kind)
    types = pa.types
    if types.is_run_end_encoded(column.type):
        return _cast(pc.run_end_decode(column), kind)
    if types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices, _cast(column.dictionary, kind.value_type))
    if types.is_nested(column.type):
        # Arrow casts lists of views to arrays that are not valid (version 26), so nested ones take the long way.
        return pa.array(column.to_pylist(), kind)
    return column.cast(kind)
