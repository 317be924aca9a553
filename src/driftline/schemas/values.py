"""Columns as files have them, made the values that a field keeps; what cannot be is null, and told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.classes import has_scores, top_of
from driftline.schemas.fields import Kind, ModelField, Role
from driftline.schemas.kinds import arrow_type, is_number, is_text
from driftline.schemas.texts import read_booleans, read_floats, read_integers
from driftline.schemas.times import read_times
from driftline.schemas.vectors import read_lists_of_texts, read_vectors

_MOST_EXACT = 2.0**63
"""Floats below it fit 64 bits."""

EXACT = 2.0**53
"""Whole numbers below it are floats of their own."""


def convert(array: pa.Array, field: ModelField) -> tuple[pa.Array, pa.BooleanArray | None]:
    """The column as the field keeps it, and which of its values could not be kept (None: all could be).

    Values that fit already are shared, not copied. Nulls, NaN and, but for texts, empty texts are no values.

    >>> from driftline.schemas.fields import Role
    >>> values, bad = convert(pa.array(["1.5", "abc", "", None]), ModelField("age", Role.FEATURE, Kind.NUMERIC))
    >>> values.to_pylist(), bad.to_pylist()
    ([1.5, None, None, None], [False, True, False, False])
    """
    array = plain(array)
    if pa.types.is_dictionary(array.type):
        return _by_entries(array, field)
    given = present(array, field.kind)
    values = _READ[field.kind](given, field)
    if values.null_count == given.null_count:
        return values, None
    return values, pc.and_(pc.is_valid(given), pc.is_null(values))


def plain(array: pa.Array) -> pa.Array:
    """Without extensions, runs and views.

    >>> plain(pa.array(["{}"], pa.json_())).type
    DataType(string)
    """
    if isinstance(array.type, pa.BaseExtensionType):
        return plain(array.storage)
    if pa.types.is_run_end_encoded(array.type):
        return plain(pc.run_end_decode(array))
    wanted = _settled(array.type)
    if pa.types.is_list_view(array.type):  # casts of these have offsets too few, as of pyarrow 26
        return pa.array(array.to_pylist(), wanted)
    return array if wanted == array.type else array.cast(wanted)


def _settled(kind: pa.DataType) -> pa.DataType:
    """The type without views, for which few of Arrow's functions are there."""
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list(kind) or pa.types.is_list_view(kind):
        return pa.list_(_settled(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_settled(field.type)) for field in kind])
    return kind


def present(array: pa.Array, kind: Kind) -> pa.Array:
    """With nulls in place of NaN, and of empty texts where no text is wanted."""
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float32()) if pa.types.is_float16(array.type) else array
        return _without(array, pc.is_nan(array))
    if is_text(array.type):
        array = array.cast(pa.string())
        if kind not in TEXTS:
            return _without(array, pc.equal(array, ""))
    return array


def texts_of(array: pa.Array) -> pa.Array:
    """Any column as text, to be read by people and to be kept as a category; nested values as JSON.

    Whole numbers are written alike whether they come as integers or not.

    >>> texts_of(pa.array([1.0, 2.5, None])).to_pylist(), texts_of(pa.array([[1, 2]])).to_pylist()
    (['1', '2.5', None], ['[1, 2]'])
    """
    array = plain(array)
    kind = array.type
    if kind == pa.string():
        return array
    if pa.types.is_dictionary(kind):
        return texts_of(array.dictionary).take(array.indices)
    if pa.types.is_nested(kind):
        return pa.array([None if each is None else json.dumps(each, default=str) for each in array.to_pylist()])
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if each is None else each.decode("utf-8", "replace") for each in array.to_pylist()])
    if pa.types.is_floating(kind):
        return _texts_of_floats(array.cast(pa.float32()) if kind == pa.float16() else array)
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(array.cast(pa.string()), r"\.0+$", "")
    return array.cast(pa.string())


def _texts_of_floats(array: pa.Array) -> pa.StringArray:
    """Whole ones as integers are written, which Arrow does only up to ten thousand million."""
    exact = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), EXACT))
    whole = pc.if_else(exact, array, pa.scalar(None, array.type)).cast(pa.int64())
    return pc.coalesce(whole.cast(pa.string()), array.cast(pa.string()))


def _without(array: pa.Array, mask: pa.BooleanArray) -> pa.Array:
    return pc.if_else(mask, pa.scalar(None, array.type), array) if pc.any(mask).as_py() else array


def _by_entries(array: pa.DictionaryArray, field: ModelField) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Each entry of the dictionary once."""
    values, bad = convert(array.dictionary, field)
    if bad is not None:
        bad = pc.fill_null(bad.take(array.indices), False)
    return values.take(array.indices), bad if bad is not None and pc.any(bad).as_py() else None


def _numbers(array: pa.Array, field: ModelField) -> pa.Array:
    wanted, kind = arrow_type(field), array.type
    if kind == wanted:
        return array
    if is_text(kind):
        return read_integers(array) if field.whole else read_floats(array)
    if pa.types.is_boolean(kind):
        return array.cast(pa.int8()).cast(wanted)
    if not is_number(kind):
        return pa.nulls(len(array), wanted)
    if not field.whole:
        return array.cast(wanted, safe=False)
    return _whole(array)


def _whole(array: pa.Array) -> pa.Array:
    kind, none = array.type, pa.scalar(None, array.type)
    if pa.types.is_integer(kind):
        fits = pc.less_equal(array, pa.scalar(2**63 - 1, pa.uint64())) if kind == pa.uint64() else None
        return (array if fits is None else pc.if_else(fits, array, none)).cast(pa.int64())
    values = array.cast(pa.float64(), safe=False)
    held = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), _MOST_EXACT))
    return pc.if_else(held, values, pa.scalar(None, pa.float64())).cast(pa.int64())


def _booleans(array: pa.Array, _: ModelField) -> pa.Array:
    kind = array.type
    if pa.types.is_boolean(kind):
        return array
    if is_text(kind):
        return read_booleans(array)
    if not is_number(kind):
        return pa.nulls(len(array), pa.bool_())
    values = array.cast(pa.float64(), safe=False)
    known = pc.or_(pc.equal(values, 0.0), pc.equal(values, 1.0))
    return pc.if_else(known, pc.equal(values, 1.0), pa.scalar(None, pa.bool_()))


def _texts(array: pa.Array, field: ModelField) -> pa.Array:
    if field.role in (Role.PREDICTION, Role.ACTUAL) and has_scores(array.type):
        return top_of(array)
    return texts_of(array)


def _times(array: pa.Array, _: ModelField) -> pa.Array:
    return read_times(array)


_READ: Mapping[Kind, Callable[[pa.Array, ModelField], pa.Array]] = {
    Kind.NUMERIC: _numbers,
    Kind.BOOLEAN: _booleans,
    Kind.STRING: _texts,
    Kind.TEXT: _texts,
    Kind.CATEGORICAL: _texts,
    Kind.TIMESTAMP: _times,
    Kind.TENSOR: read_vectors,
    Kind.LIST: read_lists_of_texts,
}

TEXTS = (Kind.STRING, Kind.TEXT, Kind.CATEGORICAL)
"""Kinds of which an empty text is a value."""
