"""Texts read as numbers and booleans: all at once where every one is plain, else the few that are not one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_FLOAT, _WHOLE = r"^-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$", r"^-?\d{1,18}$"


def trimmed(text: str) -> str:
    """Without spaces around it."""
    return text.strip()


def read_floats(texts: pa.Array) -> pa.Array:
    """The numbers that the texts are, null for those that are none.

    >>> read_floats(pa.array(["1.5", " -2e3 ", "inf", "abc", "1_000", None])).to_pylist()
    [1.5, -2000.0, inf, None, None, None]
    """
    return _read(texts, pa.float64(), _FLOAT, _float)


def read_integers(texts: pa.Array) -> pa.Array:
    """The whole numbers that the texts are, null for those that are none.

    >>> read_integers(pa.array(["7", "7.0", "7.5", "9007199254740993"])).to_pylist()
    [7, 7, None, 9007199254740993]
    """
    return _read(texts, pa.int64(), _WHOLE, _integer)


def read_booleans(texts: pa.Array) -> pa.Array:
    """True and false as people and programs write them, null for anything else.

    >>> read_booleans(pa.array(["True", "no", "1", "2"])).to_pylist()
    [True, False, True, None]
    """
    return _read(texts, pa.bool_(), "^(?i:true|false|0|1)$", _boolean)


def read_lists(texts: pa.Array) -> list[list[Any] | None]:
    """The lists that texts hold as JSON, or numbers between spaces or commas; None for those that hold none.

    >>> read_lists(pa.array(['["a", 1]', "0.5 1", "0.5;x", None]))
    [['a', 1], [0.5, 1.0], None, None]
    """
    return [None if text is None else _list(text) for text in texts.to_pylist()]


def each(texts: pa.Array, found: pa.Array, read: Callable[[str], Any]) -> pa.Array:
    """`found`, and in its gaps what `read` makes of the text there."""
    gaps = pc.and_(pc.is_valid(texts), pc.is_null(found))
    left = texts.filter(gaps)
    if not len(left):
        return found
    known = left.dictionary_encode()  # what is wrong is often the same text again and again
    values = pa.array([read(text) for text in known.dictionary.to_pylist()], found.type)
    return pc.replace_with_mask(found, gaps, values.take(known.indices))


def _read(texts: pa.Array, kind: pa.DataType, plain: str, read: Callable[[str], Any]) -> pa.Array:
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        quick = pc.if_else(pc.match_substring_regex(texts, plain), texts, pa.scalar(None, pa.string())).cast(kind)
        return each(texts, quick, read)


def _float(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _integer(text: str) -> int | None:
    text = trimmed(text)
    try:
        number = int(text, 16) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        number_of = _float(text)
        if number_of is None or not number_of.is_integer():
            return None
        number = int(number_of)
    return number if -(2**63) <= number < 2**63 and "_" not in text else None


def _boolean(text: str) -> bool | None:
    word = trimmed(text).lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _list(text: str) -> list[Any] | None:
    text = trimmed(text)
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            return None
        return found if isinstance(found, list) else None
    numbers = [_float(part) for part in text.replace(",", " ").split()]
    return None if not numbers or None in numbers else numbers
