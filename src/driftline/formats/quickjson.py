"""JSON lines by pyarrow's parser, several times faster than any other, where its types lose nothing.

It tells integers from fractions for a whole column only, and takes texts like dates for times. So whole numbers in a
column of fractions are looked up as they were written, and columns taken for times are read again as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.formats import records
from driftline.formats.natives import batch_of
from driftline.profile.arrow import values_of

_MOST_LOOKED_UP = 0.02
"""A larger share of rows that would have to be looked up is left to the exact reader."""

_LINE_END = 10


class Inexact(Exception):
    """The block has to be read by the exact reader."""


class QuickJson:
    """Reads blocks of one part; remembers which columns are texts that look like times.

    With `plain` numbers a whole number among fractions is a fraction: how it was written is not looked up.
    """

    def __init__(self, *, plain: bool = False) -> None:
        """Nothing is known yet."""
        self.plain = plain
        self._texts: dict[str, pa.DataType] = {}

    def rows(self, data: bytes | memoryview) -> pa.RecordBatch:
        """Newline-delimited objects as a batch; raises `Inexact`."""
        table = self._parse(data)
        times = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
        if times:
            self._texts.update(dict.fromkeys(times, pa.string()))
            table = self._parse(data)
        if not table.num_columns and table.num_rows:
            return batch_of([], [], table.num_rows)
        batches = table.combine_chunks().to_batches()
        if not batches:
            raise Inexact("no rows")
        batch = batches[0]
        if any(_is_inexact(field.type) for field in batch.schema):
            raise Inexact("nested members")
        return batch if self.plain else with_kinds(batch, _Lines(data, batch.num_rows).record)

    def _parse(self, data: bytes | memoryview) -> pa.Table:
        from pyarrow import json

        reading = json.ReadOptions(use_threads=False, block_size=len(data) + 1)
        schema = pa.schema(list(self._texts.items())) if self._texts else None
        try:
            return json.read_json(pa.BufferReader(data), reading, json.ParseOptions(explicit_schema=schema))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise Inexact(str(error)) from error


def _is_inexact(kind: pa.DataType) -> bool:
    """Whether the numbers in it could have been written in either way, and cannot be looked up."""
    if pa.types.is_list(kind):
        return not (_is_number(kind.value_type) or pa.types.is_string(kind.value_type) or _is_flat(kind.value_type))
    return bool(pa.types.is_struct(kind) or pa.types.is_temporal(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_flat(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind)) and not any(pa.types.is_nested(member.type) for member in kind)


def with_kinds(batch: pa.RecordBatch, written: Callable[[int], Mapping[str, Any]]) -> pa.RecordBatch:
    """The batch, columns of fractions that hold integers too as text; `written` gives a row as it was written."""
    doubles = [place for place, kind in enumerate(batch.schema.types) if pa.types.is_float64(kind)]
    whole = {place: _whole(batch.column(place)) for place in doubles}
    looked_up = np.unique(np.concatenate([np.empty(0, np.int64), *whole.values()]))
    if len(looked_up) > max(64, _MOST_LOOKED_UP * batch.num_rows):
        raise Inexact("many whole numbers among fractions")
    found = {int(row): written(int(row)) for row in looked_up}
    columns: list[Any] = list(batch.columns)
    for place, rows in whole.items():
        values = {int(row): found[int(row)].get(batch.schema.names[place]) for row in rows}
        if any(isinstance(value, bool | str) for value in values.values()):
            raise Inexact("a member of another type")
        integers = {row: str(value) for row, value in values.items() if isinstance(value, int)}
        if integers:
            columns[place] = _mixed(batch.column(place), integers)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


class _Lines:
    """The lines of a block, cut only when one is asked for."""

    def __init__(self, data: bytes | memoryview, rows: int) -> None:
        self._data, self._rows = data, rows
        self._ends: np.ndarray[Any, np.dtype[np.int64]] | None = None

    def record(self, row: int) -> Any:
        """The object on a line; raises `Inexact` where rows and lines are not the same."""
        if self._ends is None:
            self._ends = np.flatnonzero(np.frombuffer(self._data, np.uint8) == _LINE_END)
            if len(self._ends) + (self._data[-1] != _LINE_END) != self._rows:
                raise Inexact("blank lines")
        start = self._ends[row - 1] + 1 if row else 0
        stop = self._ends[row] if row < len(self._ends) else len(self._data)
        return records.load(bytes(self._data[start:stop]))


def _whole(column: pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows that hold a whole number."""
    values = values_of(column.fill_null(0.5))
    return np.flatnonzero(values == np.floor(values))


def _mixed(column: pa.Array, integers: Mapping[int, str]) -> pa.Array:
    """The column as text, these rows as they were written."""
    texts = [None if value is None else repr(value) for value in column.to_pylist()]
    for row, text in integers.items():
        texts[row] = text
    return pa.array(texts, pa.string())
