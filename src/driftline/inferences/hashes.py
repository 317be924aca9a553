"""By what rows are known again: two hashes of an id in its environment and batch, and one of a row's values.

They are kept in tables and indexes, so they must never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.arrow import places_of, values_of
from driftline.profile.hashing import Hashes
from driftline.schemas.fields import Environment

ENVIRONMENTS = tuple(Environment)
"""An environment is kept as its place here; new ones must come behind."""

_A = np.uint64(0xBF58476D1CE4E5B9)
_B = np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_SEED = np.uint64(0x9E3779B97F4A7C15)
_ALL = ~np.uint64(0)
_BLOCK = 1 << 14
"""Rows that are hashed together stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Identities:
    """Of each row: `first` is a hash of its id, `second` one of its id, environment and batch; 128 bits together."""

    first: Hashes
    second: Hashes

    def __len__(self) -> int:
        """How many rows."""
        return len(self.first)

    def take(self, places: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Identities:
        """Those at these places, or where the mask is true."""
        return Identities(self.first[places], self.second[places])


def mixed(values: Hashes) -> Hashes:
    """Each bit of the answer hangs on each of the value: the finisher of SplitMix64 (Steele et al. 2014)."""
    values = values ^ (values >> _SHIFTS[0])
    values *= _A
    values ^= values >> _SHIFTS[1]
    values *= _B
    values ^= values >> _SHIFTS[2]
    return values


def identities(ids: pa.Array, batches: pa.Array | None, environment: str) -> Identities:
    """The hashes of rows with these ids; the id of a null is the empty text.

    >>> one = identities(pa.array(["a", "a"]), None, "production")
    >>> two = identities(pa.array(["a", "a"]), pa.array(["x", None]), "production")
    >>> bool(one.second[0] == two.second[1]), bool(one.second[0] == two.second[0]), bool((one.first == two.first).all())
    (True, False, True)
    """
    first, second = _pair(ids)
    second ^= mixed(np.full(1, ENVIRONMENTS.index(Environment(environment)) + 1, np.uint64))
    if batches is not None and batches.null_count < len(batches):
        named = mixed(texts_hashed(batches) + np.uint64(1))
        named[values_of(pc.or_kleene(pc.is_null(batches), pc.equal(batches, "")).fill_null(True))] = 0
        second ^= named
    return Identities(first, second)


def texts_hashed(texts: pa.Array) -> Hashes:
    """The hashes of texts, dictionaries of texts too; a null is the empty text."""
    if pa.types.is_dictionary(texts.type):
        if not len(texts.dictionary):
            return np.repeat(_pair(pa.array([""]))[0], len(texts))
        known = np.append(texts_hashed(texts.dictionary), _pair(pa.array([""]))[0])
        places = texts.indices.cast(pa.int64()).fill_null(len(texts.dictionary))
        found: Hashes = known[values_of(places)]
        return found
    return _pair(texts)[0]


def _pair(texts: pa.Array) -> tuple[Hashes, Hashes]:
    """Two hashes of each text that have nothing to do with one another; nulls are empty texts."""
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    texts = texts.cast(pa.string())
    texts = texts.fill_null("") if texts.null_count else texts
    first, second = np.empty(len(texts), np.uint64), np.empty(len(texts), np.uint64)
    for start in range(0, len(texts), _BLOCK):
        block = slice(start, start + _BLOCK)
        first[block], second[block] = _pair_of_block(texts.slice(start, _BLOCK))
    return first, second


def _pair_of_block(texts: pa.Array) -> tuple[Hashes, Hashes]:
    """The words of eight bytes, mixed by their place and summed; and one after the other multiplied in."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    size = int(offsets[-1] - offsets[0])
    padded = np.zeros(size + 8, np.uint8)
    if size:
        padded[:size] = np.frombuffer(texts.buffers()[2], np.uint8, size, int(offsets[0]))
    words = np.ndarray((size + 1,), np.uint64, padded.data, strides=(1,))
    first = lengths.astype(np.uint64) * _B
    second = first ^ _SEED
    for at in range(0, int(lengths.max()), 8):
        left = lengths - at
        rows = slice(None) if int(left.min()) > 0 else np.flatnonzero(left > 0)
        word = words[starts[rows] + at]
        if int(left[rows].min()) < 8:
            unused = np.maximum(8 - left[rows], 0).astype(np.uint64) * np.uint64(8)
            word &= _ALL >> unused
        first[rows] += mixed(word + np.uint64((at + 1) * int(_SEED) & int(_ALL)))
        chained = (second[rows] ^ word) * _A
        second[rows] = chained ^ (chained >> _SHIFTS[1])
    return mixed(first), mixed(second)


def contents(batch: pa.RecordBatch, names: Sequence[str]) -> Hashes:
    """A hash of each row's values in these columns, whatever their order; nulls count as if the column were not there.

    So a column that comes later does not change the hashes of earlier rows.

    >>> batch = pa.record_batch({"a": [1, 1], "b": ["x", None]})
    >>> bool(contents(batch, ["a", "b"])[1] == contents(batch, ["a"])[1])
    True
    """
    found = np.zeros(batch.num_rows, np.uint64)
    seeds = texts_hashed(pa.array(list(names), pa.string()))
    for name, seed in zip(names, seeds, strict=True):
        column = batch.column(name)
        if column.null_count == len(column):
            continue
        values = _bits(column)
        known = None if not column.null_count else values_of(column.is_valid())
        for start in range(0, len(found), _BLOCK):
            block = slice(start, start + _BLOCK)
            hashed = mixed(values[block] ^ seed)
            if known is not None:
                hashed[~known[block]] = 0
            found[block] += hashed
    return found


def _bits(column: pa.Array) -> Hashes:
    """64 bits of each value; whatever for nulls."""
    kind = column.type
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return texts_hashed(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists(column)
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        if column.null_count:
            column = column.fill_null(0.0)
        bits: Hashes = (values_of(column) + 0.0).view(np.uint64)
        return bits
    if pa.types.is_temporal(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        column = column.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(kind) else column.cast(pa.int64())
        if column.null_count:
            column = column.fill_null(0)
        return values_of(column).view(np.uint64)
    return texts_hashed(column.cast(pa.string()))


def _lists(column: pa.Array) -> Hashes:
    """Sums over the elements, each mixed with its place in the list."""
    lengths = values_of(pc.list_value_length(column).cast(pa.int64()).fill_null(0))
    flat = column.flatten()
    found = mixed(lengths.astype(np.uint64))
    if not len(flat):
        return found
    ends = np.cumsum(lengths)
    places = np.arange(len(flat), dtype=np.uint64) - np.repeat((ends - lengths).astype(np.uint64), lengths)
    hashed = mixed(_bits(flat) ^ mixed(places + np.uint64(1)))
    if flat.null_count:
        hashed[values_of(flat.is_null())] = 0
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashed, dtype=np.uint64)])
    total: Hashes = found + sums[ends] - sums[ends - lengths]
    return total


def hours_of(times: pa.Array) -> npt.NDArray[np.int32]:
    """The hours of times without nulls, counted from 1970."""
    micros = values_of(times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
    hours: npt.NDArray[np.int32] = (micros // 3_600_000_000).astype(np.int32)
    return hours


def taken(batch: pa.RecordBatch, mask: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    """The rows where the mask is true."""
    return batch if bool(mask.all()) else batch.take(places_of(np.flatnonzero(mask)))
