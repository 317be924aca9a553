"""Rows in memory: the table of anything that speaks Arrow's C stream or the dataframe interchange protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from driftline.errors import Invalid

_MIXED = (pa.ArrowException, OverflowError, TypeError, ValueError)
"""What Arrow raises at values that have no type in common."""

_EXPECTED = "a path, a list of paths, or a table (pandas, polars, pyarrow, DuckDB)"


def table_of(data: Any) -> pa.Table:
    """The rows of a data frame or table; an index of pandas without a name is no column.

    Raises `Invalid` for what is no table, and for columns that cannot be told apart or taken over.

    >>> table_of({"age": [30, 40]}).column_names
    ['age']
    """
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "__arrow_c_stream__"):
        table = _streamed(data)
    elif hasattr(data, "__dataframe__"):
        from pyarrow.interchange import from_dataframe

        table = from_dataframe(data)
    elif isinstance(data, Mapping):
        table = _columns(data)
    else:
        remedy = "Collect it first: data.collect()." if hasattr(data, "collect") else "Make a data frame of it."
        raise Invalid(what="data", got=type(data).__name__, expected=_EXPECTED, remedy=remedy)
    return table.select([name for name in table.column_names if not name.startswith("__index_level_")])


def _columns(data: Mapping[Any, Any]) -> pa.Table:
    try:
        return pa.table({str(name): _column(values) for name, values in data.items()})
    except (TypeError, pa.ArrowInvalid) as error:
        expected = "columns: a name and as many values for each"
        raise Invalid(what="data", got=type(data).__name__, expected=expected, remedy=f"{error}.") from error


def _streamed(data: Any) -> pa.Table:
    try:
        return pa.RecordBatchReader.from_stream(_unmixed(data) if hasattr(data, "iloc") else data).read_all()
    except pa.ArrowInvalid as error:
        remedy = f"Arrow says: {error}. A single column becomes a table by to_frame()."
        raise Invalid(what="data", got=type(data).__name__, expected=_EXPECTED, remedy=remedy) from error


def _unmixed(frame: Any) -> Any:
    """A frame of pandas with its columns of several types as text, as they would stand in a file.

    Arrow takes one type a column, and would refuse the whole frame for a single one.
    """
    columns = [*getattr(frame, "columns", ())]
    twice = next((name for name, times in Counter(map(str, columns)).items() if times > 1), None)
    if twice is not None:
        raise Invalid(what="data", got=f"two columns {twice!r}", expected="each name once", remedy="Rename one.")
    mixed = [name for name in columns if frame[name].dtype == object and not _has_one_type(frame[name])]
    if mixed:
        frame = frame.copy(deep=False)
        for name in mixed:
            values = frame[name]
            frame[name] = [None if gone else _text(value) for value, gone in zip(values, values.isna(), strict=True)]
    return frame


def _has_one_type(values: Any) -> bool:
    try:
        pa.array(values, from_pandas=True)
    except _MIXED:
        return False
    return True


def _column(values: Any) -> pa.Array:
    """The values of a mapping's member, each as text where Arrow finds no type for all of them."""
    try:
        return pa.array(values)
    except _MIXED:
        return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
