"""One fixed 64-bit mix for numbers and texts, so that distinct counts merge across machines and versions.

Two rounds of xor-shift and multiply, of which the high bits count most; the constants are those of Murmur3's finisher
(Appleby, public domain). The numbers it works on are the bits of the float64, or the text in
words of eight bytes with its length. It must never change: stored profiles depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]

_A = np.uint64(0xFF51AFD7ED558CCD)
_B = np.uint64(0xC4CEB9FE1A85EC53)
_SEED = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: Hashes) -> Hashes:
    """Mix in place."""
    x ^= x >> np.uint64(32)
    x *= _A
    x ^= x >> np.uint64(29)
    x *= _B
    return x


def hash_numbers(values: npt.NDArray[np.float64]) -> Hashes:
    """Hashes of numbers; -0.0 is 0.0.

    >>> bool(hash_numbers(np.array([0.0]))[0] == hash_numbers(np.array([-0.0]))[0])
    True
    """
    return _mix((values + 0.0).view(np.uint64))


def hash_rows(columns: Sequence[npt.NDArray[np.float64]], rows: int) -> Hashes:
    """Hashes of rows of numbers, of which there are `rows`, given as columns; their order matters.

    >>> len(set(hash_rows([np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])], 3).tolist()))
    3
    """
    found = np.full(rows, _SEED)
    for values in columns:
        found ^= hash_numbers(values)
        _mix(found)
    return found


def hash_texts(texts: pa.Array) -> Hashes:
    """Hashes of the UTF-8 bytes of an array without nulls.

    >>> len(set(hash_texts(pa.array(["a", "b", "a longer text than eight bytes", ""])).tolist()))
    4

    The hash of a text does not depend on the texts beside it:

    >>> bool(hash_texts(pa.array(["8 bytes."]))[0] == hash_texts(pa.array(["8 bytes.", "9"]))[0])
    True
    """
    if not len(texts):
        return np.empty(0, np.uint64)
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    data = data_buffer if data_buffer is not None else pa.py_buffer(b"")
    lengths = np.diff(offsets)
    hashes = (lengths.astype(np.uint64) + np.uint64(1)) * _SEED
    longest, shortest = int(lengths.max()), int(lengths.min())
    if longest == shortest and longest % 8 == 0 and longest:
        words = np.frombuffer(data, np.uint8, longest * len(texts), int(offsets[0])).view(np.uint64)
        for column in words.reshape(len(texts), -1).T:
            hashes ^= column
            _mix(hashes)
        return _mix(hashes)
    return _hash_ragged(data, offsets[:-1], lengths, hashes)


def _hash_ragged(data: Any, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], hashes: Hashes) -> Hashes:
    """Texts of differing lengths: words are gathered at any byte, and cut to what is left of the text."""
    stop = int((starts + lengths).max())
    padded = np.zeros(stop + 8, np.uint8)
    padded[:stop] = np.frombuffer(data, np.uint8, stop)
    words = np.ndarray((stop + 1,), np.uint64, padded.data, strides=(1,))
    active = np.flatnonzero(lengths > 0)
    at = 0
    while len(active):
        left = np.minimum(lengths[active] - at, 8).astype(np.uint64)
        word = words[starts[active] + at] & (~np.uint64(0) >> (np.uint64(64) - left * np.uint64(8)))
        hashes[active] = _mix(hashes[active] ^ word)
        at += 8
        active = active[lengths[active] > at]
    return _mix(hashes)
