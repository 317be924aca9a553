"""One batch's columns as the analyzers see them: dense values and counts, each computed once and shared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.arrow import places_of, values_of
from driftline.profile.texts import Reading, read_texts
from driftline.schema import Field, Form

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK = 65_536
"""Values that are sorted, hashed and summed together: half a megabyte, which stays in the cache."""

_ONES: Ints = np.ones(BLOCK, dtype=np.int64)

_RANGE = 65_536
"""Integers spread over fewer values than this are counted instead of sorted."""

_SAMPLE = 4_096
"""So many texts are looked at to tell whether a column repeats itself enough to be worth encoding."""


@dataclass(frozen=True)
class Runs:
    """Ascending distinct numbers and how often each occurs; a sorted block in short form."""

    values: Floats
    counts: Ints
    total: int


@dataclass(frozen=True)
class Tally:
    """Distinct texts and how often each occurs."""

    texts: pa.Array
    counts: Ints


class Cells:
    """The cells of one column in one batch.

    `numbers` are the finite numbers in the order of the rows; `infinite` and `nan` count the others. Text that reads
    as a number by SageMaker's rules is a number here.
    """

    def __init__(self, field: Field, array: pa.Array) -> None:
        self.field = field
        self.form = field.form
        self.rows = len(array)
        self.array = array
        self.nan = 0
        self.infinite = 0
        if self.form is Form.TEXT:
            self.infinite = self.reading.infinite
        elif self.form is Form.NUMBER:
            self.numbers, self.nan, self.infinite = _finite(self._dense)
        elif self.form is Form.TIME:
            self.numbers = _seconds(self._dense)

    @property
    def present(self) -> int:
        """Rows that hold a value; NaN is none."""
        return self.rows - int(self.array.null_count) - self.nan

    @cached_property
    def _dense(self) -> pa.Array:
        return self.array.drop_null() if self.array.null_count else self.array

    @property
    def dense(self) -> pa.Array:
        """The values without nulls, as Arrow has them."""
        return self._dense

    @cached_property
    def elements(self) -> Cells:
        """The cells of a list column's elements; these cells themselves for any other column."""
        if self.form is not Form.LIST:
            return self
        values = self._dense.flatten()
        return Cells(Field(self.field.name, Form.of(values.type)), values)

    @cached_property
    def numbers(self) -> Floats:
        """Finite numbers in the order of the rows."""
        if self.form is not Form.TEXT:
            return np.empty(0)
        if self._encoded is None:
            return self.reading.numbers
        parsed, numeric = self._parsed
        values: Floats = parsed[self._encoded[1]]
        return values if numeric else values[np.isfinite(values)]

    @cached_property
    def reading(self) -> Reading:
        """Kinds and numbers of the texts; of each distinct text once where the column repeats itself."""
        if self._encoded is None:
            return read_texts(self._dense, None)
        tally = self.tally
        assert tally is not None
        return read_texts(tally.texts, tally.counts)

    @cached_property
    def _encoded(self) -> tuple[pa.Array, npt.NDArray[Any]] | None:
        dense = self._dense
        if not pa.types.is_dictionary(dense.type):
            head = dense[:_SAMPLE]
            if len(dense) > _SAMPLE and pc.count_distinct(head).as_py() > _SAMPLE // 4:
                return None
            dense = dense.dictionary_encode()
        if len(dense.dictionary) > max(_SAMPLE, len(dense) // 4):
            self._dense = dense.dictionary_decode()
            return None
        return dense.dictionary, values_of(dense.indices)

    @cached_property
    def _parsed(self) -> tuple[Floats, bool]:
        """The number each entry of the dictionary reads as, NaN for none; and whether all are numbers."""
        assert self._encoded is not None
        every = read_texts(self._encoded[0], None)
        parsed = np.full(len(self._encoded[0]), np.nan)
        parsed[every.numeric] = every.parsed
        return parsed, bool(every.numeric.all() and np.isfinite(parsed).all())

    @cached_property
    def tally(self) -> Tally | None:
        """Each distinct text with its count, or None where there are too many to count."""
        if self.form is not Form.TEXT or self._encoded is None:
            return None
        dictionary, indices = self._encoded
        counts = np.bincount(indices, minlength=len(dictionary))
        used = np.flatnonzero(counts)
        texts = dictionary if len(used) == len(dictionary) else dictionary.take(places_of(used))
        return Tally(texts, counts[used].astype(np.int64))

    @cached_property
    def bins(self) -> Runs | None:
        """All numbers as one run list, where they are few enough to be counted without sorting."""
        if self.form is Form.TEXT:
            return self._bins_of_texts() if self._encoded is not None else None
        if self.form is not Form.NUMBER or not pa.types.is_integer(self.array.type) or not len(self.numbers):
            return None
        values = values_of(self._dense)
        low, high = int(values.min()), int(values.max())
        if high - low >= min(_RANGE, 4 * len(values) + 1_024):
            return None
        # in the width of the values a difference or a sum may not fit: -128 and 127 are 255 apart
        wide = np.uint64 if values.dtype == np.uint64 else np.int64
        counts = np.bincount((values - wide(low)).astype(np.int64, copy=False))
        seen = np.flatnonzero(counts)
        return Runs((seen.astype(wide) + wide(low)).astype(np.float64), counts[seen].astype(np.int64), len(values))

    def _bins_of_texts(self) -> Runs:
        reading, tally = self.reading, self.tally
        assert tally is not None
        finite = np.isfinite(reading.parsed)
        values, places = np.unique(reading.parsed[finite], return_inverse=True)
        counts = np.bincount(places, weights=tally.counts[reading.numeric][finite], minlength=len(values))
        return Runs(values, counts.astype(np.int64), int(counts.sum()))

    @cached_property
    def sorted_blocks(self) -> tuple[Floats, ...]:
        """The numbers in blocks of at most `BLOCK`, each sorted."""
        return tuple(np.sort(self.numbers[at : at + BLOCK]) for at in range(0, len(self.numbers), BLOCK))

    @cached_property
    def runs(self) -> tuple[Runs, ...]:
        """The numbers as run lists, one a block."""
        if self.bins is not None:
            return (self.bins,)
        return tuple(run_lengths(block) for block in self.sorted_blocks)


def run_lengths(block: Floats) -> Runs:
    """Distinct values and counts of a sorted block."""
    changes = block[1:] != block[:-1]
    if np.count_nonzero(changes) == len(block) - 1:
        return Runs(block, _ONES[: len(block)], len(block))
    edges = np.concatenate(([0], np.flatnonzero(changes) + 1, [len(block)]))
    return Runs(block[edges[:-1]], np.diff(edges), len(block))


def _finite(dense: pa.Array) -> tuple[Floats, int, int]:
    """Finite values as float64, and how many were NaN and infinite."""
    if pa.types.is_decimal(dense.type):
        dense = dense.cast(pa.float64())
    raw = values_of(dense)
    values: Floats = raw if raw.dtype == np.float64 else raw.astype(np.float64)
    with np.errstate(all="ignore"):
        if raw.dtype.kind != "f" or np.isfinite(np.add.reduce(values)):
            return values, 0, 0
    unknown = np.isnan(values)
    nan = int(np.count_nonzero(unknown))
    finite = values[~unknown] if nan else values
    mask = np.isfinite(finite)
    infinite = len(finite) - int(np.count_nonzero(mask))
    return (finite[mask] if infinite else finite), nan, infinite


_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def _seconds(dense: pa.Array) -> Floats:
    """Seconds since the epoch (dates, timestamps), since midnight (times), or of duration."""
    kind = dense.type
    if pa.types.is_interval(kind):
        return np.empty(0)
    if pa.types.is_date32(kind):
        days: Floats = values_of(dense.view(pa.int32())).astype(np.float64)
        return days * 86_400.0
    unit = "ms" if pa.types.is_date64(kind) else kind.unit
    bits = pa.int32() if pa.types.is_time32(kind) else pa.int64()
    values: Floats = values_of(dense.view(bits)).astype(np.float64)
    return values if unit == "s" else np.divide(values, _PER_SECOND[unit], out=values)


def cells_of(batch: pa.RecordBatch) -> Iterator[tuple[Field, pa.Array]]:
    """The columns of a batch with structs unfolded: member `b` of struct `a` is the column `a.b`.

    A name that comes a second time is numbered: two columns must never be counted as one.

    >>> twice = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    >>> [field.name for field, _ in cells_of(twice)]
    ['a', 'a_1']
    """
    taken: set[str] = set()
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        for field, values in _unfold(name, array):
            fresh = field if field.name not in taken else replace(field, name=_another(field.name, taken))
            taken.add(fresh.name)
            yield fresh, values


def _another(name: str, taken: set[str]) -> str:
    return next(each for each in (f"{name}_{number}" for number in count(1)) if each not in taken)


def _unfold(name: str, array: pa.Array) -> Iterator[tuple[Field, pa.Array]]:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_run_end_encoded(array.type):
        array = pc.run_end_decode(array)
    if pa.types.is_struct(array.type):
        for member, values in zip(array.type, array.flatten(), strict=True):
            yield from _unfold(f"{name}.{member.name}", values)
        return
    form = Form.of(array.type)
    if form is Form.TEXT:
        array = _plain_text(array)
    elif pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    yield Field(name, form), array


def _plain_text(array: pa.Array) -> pa.Array:
    """Text as `string` or dictionary of `string`, whatever its width was."""
    if pa.types.is_dictionary(array.type):
        if array.dictionary.null_count or array.type.value_type != pa.string():
            return array.dictionary_decode().cast(pa.string())
        return array
    return array if pa.types.is_string(array.type) else array.cast(pa.string())
