"""Arrow arrays as numpy arrays and back, sharing memory.

pyarrow's own conversions import pandas where it is installed, which takes longer than profiling a small file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def values_of(array: pa.Array) -> npt.NDArray[Any]:
    """The values of a primitive array without nulls.

    >>> values_of(pa.array([1, 2, 3])[1:]).tolist()
    [2, 3]
    >>> values_of(pa.array([True, False, True])).tolist()
    [True, False, True]
    """
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.empty(0, _dtype(array.type))
    if pa.types.is_boolean(array.type):
        bits = np.frombuffer(data, np.uint8)
        return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :].view(np.bool_)
    found: npt.NDArray[Any] = np.frombuffer(data, _dtype(array.type), array.offset + len(array))[array.offset :]
    return found


def _dtype(kind: pa.DataType) -> np.dtype[Any]:
    if pa.types.is_boolean(kind):
        return np.dtype(np.bool_)
    letter = "f" if pa.types.is_floating(kind) else "u" if pa.types.is_unsigned_integer(kind) else "i"
    return np.dtype(f"{letter}{kind.bit_width // 8}")


def mask_of(mask: npt.NDArray[np.bool_]) -> pa.Array:
    """A boolean array.

    >>> mask_of(np.array([True, False])).to_pylist()
    [True, False]
    """
    bits = np.packbits(mask, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, pa.py_buffer(bits)])


def places_of(places: npt.NDArray[Any]) -> pa.Array:
    """An array of indices, to take by."""
    indices = np.ascontiguousarray(places, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(indices), [None, pa.py_buffer(indices)])


def texts_of(texts: list[str]) -> pa.Array:
    """A string array.

    >>> texts_of(["true", "é", ""]).to_pylist()
    ['true', 'é', '']
    """
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    )
