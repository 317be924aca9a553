"""Arrow's newer layouts and extension types made into the plain ones that all of its functions know."""

from __future__ import annotations

from binascii import hexlify

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats.natives import batch_of

_UUID_PLACES = np.r_[0:8, 9:13, 14:18, 19:23, 24:36]
"""Where the digits of a UUID stand among its 36 characters; the others are hyphens."""


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
        return pa.string() if isinstance(kind, pa.UuidType) else plain_type(kind.storage_type)
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
    if isinstance(column.type, pa.UuidType):
        return uuid_texts(column.storage)
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
    return _settled(column).cast(kind)


def _settled(column: pa.Array) -> pa.Array:
    """Views with nothing in the entries that are null: Arrow's check leaves those out, but its cast follows them."""
    if not column.null_count or not (pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type)):
        return column
    validity, entries, *data = column.buffers()
    views = np.frombuffer(entries, dtype=np.int32).reshape(-1, 4).copy()
    stop = column.offset + len(column)
    views[column.offset : stop][column.is_null().to_numpy(zero_copy_only=False)] = 0
    return pa.Array.from_buffers(
        column.type, len(column), [validity, pa.py_buffer(views), *data], column.null_count, column.offset
    )


def uuid_texts(column: pa.Array) -> pa.Array:
    """UUIDs of 16 bytes as text.

    >>> uuid_texts(pa.array([b"0123456789abcdef", None], pa.binary(16))).to_pylist()
    ['30313233-3435-3637-3839-616263646566', None]
    """
    rows = len(column)
    # Null entries have bytes too, whatever they are.
    data = memoryview(column.buffers()[1] or b"")[16 * column.offset : 16 * (column.offset + rows)]
    texts = np.full((rows, 36), ord("-"), dtype=np.uint8)
    texts[:, _UUID_PLACES] = np.frombuffer(hexlify(data), dtype=np.uint8).reshape(rows, 32)
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(36), rows, [None, pa.py_buffer(texts)])
    found = fixed.cast(pa.binary()).cast(pa.string())
    return pc.if_else(column.is_valid(), found, pa.scalar(None, pa.string()))
