"""Predictions and labels as columns hold them: found by name, place or path, and read so that spelling is no matter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from math import isnan

import numpy as np
import pyarrow as pa

from driftline.errors import SchemaMismatch
from driftline.profile.arrow import mask_of, texts_of, values_of
from driftline.profile.columns import Floats, Ints, cells_of
from driftline.profile.frequent import number_text

_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_INDEX = re.compile(r"\[\s*(?:'([^']*)'|\"([^\"]*)\"|([0-9]+))\s*\]")
_MISSING = frozenset({"", "nan", "null", "none"})
_BOOLEANS = {"true": "1", "false": "0"}


def place_of(attribute: str, names: Sequence[str]) -> int:
    """The place of the column that `attribute` means: its name, its place in digits, or a path in a JSON object.

    Raises `SchemaMismatch` naming the columns there are.

    >>> place_of("label", ["score", "label"]), place_of("0", ["score", "label"])
    (1, 0)
    >>> place_of("$.predictions[0].score", ["label", "predictions.0.score"])
    1
    """
    if attribute in names:
        return list(names).index(attribute)
    dotted = dotted_name(attribute)
    if dotted in names:
        return list(names).index(dotted)
    if dotted.isdecimal() and int(dotted) < len(names):
        return int(dotted)
    near = get_close_matches(attribute, names, 3)
    shown = ", ".join(map(repr, near or names[:8])) + (", …" if not near and len(names) > 8 else "")
    remedy = f"Did you mean {shown}?" if near else f"There are {shown}." if names else "There are no columns."
    raise SchemaMismatch(column=attribute, reason=f"not among the {len(names)} columns", remedy=remedy)


def dotted_name(path: str) -> str:
    """The name of the column that holds what a JSONPath or JMESPath leads to.

    >>> dotted_name("$.a.b"), dotted_name("predictions[0].score"), dotted_name("$['a']['b']"), dotted_name("[1]")
    ('a.b', 'predictions.0.score', 'a.b', '1')
    """
    bare = path.strip().removeprefix("$")
    return _INDEX.sub(lambda found: f".{found[1] or found[2] or found[3] or ''}", bare).strip(".")


def column_of(attribute: str, batch: pa.RecordBatch) -> pa.Array:
    """The column of a batch that `attribute` means; members of structs are columns of their own (`a.b`), and a path may
    end in the place of an element of a list (`scores[1]`).

    >>> lists = pa.record_batch({"scores": [[0.1, 0.9], [0.4]], "label": [1, 0]})
    >>> column_of("$.scores[1]", lists).to_pylist()
    [0.9, None]
    """
    nested = any(pa.types.is_struct(kind) for kind in batch.schema.types)
    if attribute in batch.schema.names:
        return batch.column(batch.schema.names.index(attribute))
    columns = list(cells_of(batch)) if nested else []
    names = [field.name for field, _ in columns] if nested else batch.schema.names
    arrays = [array for _, array in columns] if nested else batch.columns
    whole, _, place = dotted_name(attribute).rpartition(".")
    if place.isdecimal() and whole in names and dotted_name(attribute) not in names:
        array = arrays[names.index(whole)]
        if is_list(array.type):
            return element_of(array, int(place))
    return arrays[place_of(attribute, names)]


def has_column(attribute: str, batch: pa.RecordBatch) -> bool:
    """Whether `column_of` finds one.

    >>> has_column("label", pa.record_batch({"score": [0.5]}))
    False
    """
    try:
        column_of(attribute, batch)
    except SchemaMismatch:
        return False
    return True


def is_list(kind: pa.DataType) -> bool:
    """Whether values are lists, of any width or of one."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def element_of(lists: pa.Array, place: int) -> pa.Array:
    """The element at a place of each list, null where the list is missing or shorter.

    >>> element_of(pa.array([[1, 2], None, [3], [4, 5]]), 1).to_pylist()
    [2, None, None, 5]
    """
    size = lists.type.list_size if pa.types.is_fixed_size_list(lists.type) else None
    if size is None:
        starts = values_of(lists.offsets)[:-1].astype(np.int64)
        lengths = np.diff(values_of(lists.offsets))
    else:
        starts = (np.arange(len(lists), dtype=np.int64) + lists.offset) * size
        lengths = np.full(len(lists), size)
    there = lengths > place
    if lists.null_count:
        there &= ~values_of(lists.is_null())
    present = mask_of(there).buffers()[1]
    indices = np.where(there, starts + place, 0)
    return lists.values.take(pa.Array.from_buffers(pa.int64(), len(lists), [present, pa.py_buffer(indices)]))


def labels_of(array: pa.Array) -> pa.DictionaryArray:
    """The labels as a dictionary array of distinct texts, null where there is none.

    Equal labels are equal texts whatever the type of the column: 1, 1.0, "1", "1.0" and true are "1". Texts "true" and
    "false", in any case, are what a boolean is, and empty texts and "NaN" are missing, since files without types
    write them so. A number with leading zeros is a text of its own.

    >>> labels_of(pa.array(["1.0", "yes", "", "True", None, "007"])).to_pylist()
    ['1', 'yes', None, '1', None, '007']
    >>> labels_of(pa.array([1.0, float("nan"), 2.5])).to_pylist()
    ['1', None, '2.5']
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    texts = [_label(value) for value in encoded.dictionary.to_pylist()]
    known = {text: place for place, text in enumerate(dict.fromkeys(text for text in texts if text is not None))}
    codes = np.array([-1 if text is None else known[text] for text in texts] + [-1], dtype=np.int32)
    indices = encoded.indices.cast(pa.int32()) if encoded.indices.type != pa.int32() else encoded.indices
    found = codes[values_of(indices.fill_null(len(texts)) if indices.null_count else indices)]
    present = mask_of(found >= 0).buffers()[1] if (found < 0).any() else None
    places = pa.Array.from_buffers(pa.int32(), len(found), [present, pa.py_buffer(found)])
    return pa.DictionaryArray.from_arrays(places, texts_of(list(known)))


def coded(labels: pa.DictionaryArray) -> tuple[list[str], Ints]:
    """The distinct texts, and for each row which of them it is; -1 where there is none.

    >>> names, codes = coded(labels_of(pa.array([1, None, 0])))
    >>> names, codes.tolist()
    (['1', '0'], [0, -1, 1])
    """
    indices = labels.indices.fill_null(-1) if labels.null_count else labels.indices
    return labels.dictionary.to_pylist(), values_of(indices).astype(np.int64)


def spelling(label: str) -> str:
    """A label as `labels_of` spells it.

    >>> spelling("1.0"), spelling("True"), spelling("yes")
    ('1', '1', 'yes')
    """
    found: str | None = labels_of(texts_of([label])).to_pylist()[0]
    return label if found is None else found


def _label(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return None if isnan(value) else _number_label(value)
    text = str(value).strip()
    if text.lower() in _MISSING:
        return None
    if _WHOLE.fullmatch(text):
        return str(int(text)) if len(text) < 4_000 else text
    return _number_label(float(text)) if _DECIMAL.fullmatch(text) else _BOOLEANS.get(text.lower(), text)


def _number_label(value: float) -> str:
    if abs(value) == float("inf"):
        return str(value)
    return str(int(value)) if value == int(value) else number_text(value)


def numbers_of(array: pa.Array) -> Floats:
    """The numbers of a column, one a row; NaN where there is none or the text is no number.

    >>> numbers_of(pa.array(["0.5", "x", None, "1e-3", "-2"])).tolist()
    [0.5, nan, nan, 0.001, -2.0]
    >>> numbers_of(pa.array([1, None])).tolist()
    [1.0, nan]
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if array.null_count == len(array):
        return np.full(len(array), np.nan)
    if pa.types.is_dictionary(array.type):
        places, known = array.indices, numbers_of(array.dictionary)
        codes = values_of(places.fill_null(len(known)) if places.null_count else places)
        spread: Floats = np.append(known, np.nan)[codes]
        return spread
    if _is_text(array.type):
        return _numbers_of_texts(array)
    if not (pa.types.is_floating(array.type) or pa.types.is_integer(array.type)):
        array = (
            array.cast(pa.int8()).cast(pa.float64()) if pa.types.is_boolean(array.type) else array.cast(pa.float64())
        )
    found: Floats = values_of(array).astype(np.float64, copy=False)
    if array.null_count:
        found = np.where(values_of(array.is_null()), np.nan, found)
    return found


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _numbers_of_texts(texts: pa.Array) -> Floats:
    """Texts as Arrow reads numbers; only if one is none, each by itself."""
    try:
        return numbers_of(texts.cast(pa.float64()))
    except pa.ArrowInvalid:
        encoded = texts.dictionary_encode()
        known = np.array([*map(_number, encoded.dictionary.to_pylist()), np.nan])
        places = encoded.indices.fill_null(len(known) - 1) if texts.null_count else encoded.indices
        found: Floats = known[values_of(places)]
        return found


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else float("nan")
    except ValueError:
        return float("nan")
