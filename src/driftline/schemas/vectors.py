"""Columns of vectors and of lists of texts."""

from __future__ import annotations

from math import isfinite, prod
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.fields import ModelField
from driftline.schemas.kinds import VECTOR, is_list, is_number, is_text
from driftline.schemas.texts import read_lists

_TEXTS = pa.list_(pa.string())


def read_vectors(array: pa.Array, field: ModelField) -> pa.Array:
    """The vectors of a tensor, the innermost dimension first; null where one has another length or is no vector.

    Each number must be there and finite. Texts hold JSON, or numbers between spaces or commas.

    >>> from driftline.schemas.fields import Kind, Role
    >>> field = ModelField("v", Role.FEATURE, Kind.TENSOR, (2,))
    >>> read_vectors(pa.array([[1, 2], [1, None], [1], None]), field).to_pylist()
    [[1.0, 2.0], None, None, None]
    """
    size, kind = prod(field.dimensions), array.type
    if is_text(kind):
        return pa.array([_vector(found, size) for found in read_lists(array)], VECTOR)
    if not is_list(kind):
        return pa.nulls(len(array), VECTOR)
    if is_list(kind.value_type):
        return pa.array([_vector(found, size) for found in array.to_pylist()], VECTOR)
    if not is_number(kind.value_type):
        return pa.nulls(len(array), VECTOR)
    lists = array.cast(pa.list_(kind.value_type)).cast(VECTOR, safe=False)
    right = pc.equal(pc.list_value_length(lists), size)
    lists = _kept(lists, right)
    return _kept(lists, _unbroken(lists))


def read_lists_of_texts(array: pa.Array, _: ModelField) -> pa.Array:
    """The lists of a column with every element as text; null where there is no list.

    >>> from driftline.schemas.fields import Kind, Role
    >>> read_lists_of_texts(pa.array(['["a", 1]', "a"]), ModelField("v", Role.TAG, Kind.LIST)).to_pylist()
    [['a', '1'], None]
    """
    kind = array.type
    if is_text(kind):
        found = [each if text and text.strip().startswith("[") else None for each, text in _pairs(array)]
        return pa.array([None if each is None else [_text(one) for one in each] for each in found], _TEXTS)
    if not is_list(kind):
        return pa.nulls(len(array), _TEXTS)
    if pa.types.is_nested(kind.value_type) or pa.types.is_binary(kind.value_type):
        return pa.array([None if each is None else [_text(one) for one in each] for each in array.to_pylist()], _TEXTS)
    return array.cast(pa.list_(kind.value_type)).cast(_TEXTS)


def _pairs(array: pa.Array) -> Any:
    return zip(read_lists(array), array.to_pylist(), strict=True)


def _text(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None if value is None else str(value)


def _kept(lists: pa.Array, mask: pa.BooleanArray) -> pa.Array:
    """The lists where the mask is true, else null."""
    return lists if pc.all(mask).as_py() in (True, None) else pc.if_else(mask, lists, pa.scalar(None, VECTOR))


def _unbroken(lists: pa.Array) -> pa.BooleanArray:
    """Which lists have nothing but finite numbers."""
    flat = lists.flatten()
    broken = pc.invert(pc.fill_null(pc.is_finite(flat), False))
    whole = pa.repeat(pa.scalar(True), len(lists))
    if not pc.any(broken).as_py():
        return whole
    rows = pc.unique(pc.list_parent_indices(lists).filter(broken))
    places = pc.is_in(pa.array(range(len(lists)), rows.type), value_set=rows)
    return pc.invert(places)


def _vector(found: Any, size: int) -> list[float] | None:
    """The numbers of lists within lists, one after the other, if they are `size`."""
    numbers = list(_flat(found))
    right = len(numbers) == size and all(isinstance(each, int | float) and isfinite(each) for each in numbers)
    return [float(each) for each in numbers] if right else None


def _flat(found: Any) -> Any:
    if not isinstance(found, list):
        yield found
        return
    for each in found:
        yield from _flat(each)
