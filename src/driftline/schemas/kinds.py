"""Kinds of fields and Arrow's types: how a field is kept, and which kind a column seems to be of."""

from __future__ import annotations

import pyarrow as pa

from driftline.schemas.fields import Kind, ModelField

TIME = pa.timestamp("us", "UTC")
"""Every time is kept so."""

VECTOR = pa.list_(pa.float32())
"""Vectors of all dimensions are kept so, since the tables know no lists of one length."""

_TYPES = {
    Kind.NUMERIC: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.STRING: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.CATEGORICAL: pa.string(),
    Kind.TIMESTAMP: TIME,
    Kind.TENSOR: VECTOR,
    Kind.LIST: pa.list_(pa.string()),
}


def arrow_type(field: ModelField) -> pa.DataType:
    """How the values of a field are kept, whatever the file has.

    >>> from driftline.schemas.fields import Role
    >>> arrow_type(ModelField("age", Role.FEATURE, Kind.NUMERIC, whole=True))
    DataType(int64)
    """
    return pa.int64() if field.whole else _TYPES[field.kind]


def is_text(kind: pa.DataType) -> bool:
    """Whether it is text in one of Arrow's forms."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_number(kind: pa.DataType) -> bool:
    """Whether it is a number; booleans are none."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_list(kind: pa.DataType) -> bool:
    """Whether it is a list, of one length or not."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def inner_type(kind: pa.DataType) -> pa.DataType:
    """What a dictionary or an extension is made of, else the type itself.

    >>> inner_type(pa.dictionary(pa.int32(), pa.string()))
    DataType(string)
    """
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return inner_type(kind.value_type)
    return inner_type(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else kind


def kind_of(given: pa.DataType) -> Kind:
    """The kind that columns of a type are of, as far as the type tells it.

    >>> kind_of(pa.decimal128(5, 2)), kind_of(pa.date32()), kind_of(pa.list_(pa.float32(), 3))
    (<Kind.NUMERIC: 'numeric'>, <Kind.TIMESTAMP: 'timestamp'>, <Kind.TENSOR: 'tensor'>)
    """
    kind = inner_type(given)
    if is_number(kind):
        return Kind.NUMERIC
    if pa.types.is_boolean(kind):
        return Kind.BOOLEAN
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Kind.TIMESTAMP
    if is_list(kind) and not pa.types.is_struct(kind.value_type):
        return Kind.TENSOR if dimensions_of(kind) else Kind.LIST
    return Kind.STRING


def dimensions_of(given: pa.DataType) -> tuple[int, ...]:
    """The dimensions of nested lists of numbers whose lengths the type tells; empty for anything else.

    >>> dimensions_of(pa.list_(pa.list_(pa.float32(), 3), 2)), dimensions_of(pa.list_(pa.float32()))
    ((2, 3), ())
    """
    kind, found = inner_type(given), []
    while pa.types.is_fixed_size_list(kind):
        found.append(kind.list_size)
        kind = kind.value_type
    return tuple(found) if is_number(kind) else ()


def is_whole(given: pa.DataType) -> bool:
    """Whether it holds nothing but whole numbers that fit 64 bits."""
    kind = inner_type(given)
    return bool(pa.types.is_integer(kind) and kind != pa.uint64())
