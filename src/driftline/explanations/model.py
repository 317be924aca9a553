"""What a model is here: a function from rows to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from driftline.errors import DataError, SchemaMismatch
from driftline.profile.arrow import values_of
from driftline.profile.columns import Floats
from driftline.profile.outcomes import numbers_of


class Model(Protocol):
    """Anything that answers a batch of rows, whose columns are the features, with one or several numbers a row."""

    def __call__(self, rows: pa.RecordBatch, /) -> Any:
        """Numbers (rows,) or (rows, outputs): an array, a list, or a column of Arrow."""
        ...


class NotApplicable(DataError):
    """The model cannot be explained: {reason}. {remedy}"""

    def __init__(self, *, reason: str, remedy: str = "") -> None:
        """`reason` says what it answered."""
        super().__init__(reason=reason.rstrip("."), remedy=remedy)


def ask(model: Model, rows: pa.RecordBatch) -> Floats:
    """The model's answers as (rows, outputs); raises `NotApplicable` unless it gives one number or several a row.

    >>> ask(lambda rows: [0.5] * rows.num_rows, pa.record_batch({"age": [30, 40]})).tolist()
    [[0.5], [0.5]]
    """
    found = numbers(model(rows))
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2 or len(found) != rows.num_rows or not found.shape[1]:
        raise NotApplicable(
            reason=f"it answered {rows.num_rows} rows with numbers of the shape {found.shape}",
            remedy="It must give one number a row, or as many for each.",
        )
    return found


def numbers(answer: Any) -> Floats:
    """An answer as an array of floats; raises `NotApplicable` for what is no number, such as names of classes."""
    if isinstance(answer, pa.Array | pa.ChunkedArray):
        answer = answer.combine_chunks() if isinstance(answer, pa.ChunkedArray) else answer
        answer = numbers_of(answer) if not pa.types.is_list(answer.type) else answer.to_pylist()
    try:
        return np.ascontiguousarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as error:
        shown = f"{type(answer).__name__} {str(answer)[:80]}"
        remedy = "Kernel SHAP needs probabilities or another number for each row, not the name of a class."
        raise NotApplicable(reason=f"its answer is no array of numbers ({shown})", remedy=remedy) from error


def matrix_of(rows: pa.RecordBatch) -> Floats:
    """The rows as (rows, features) floats, NaN where there is nothing; texts must read as numbers.

    Columns that lie one after the other in memory, as those of synthetic rows do, are not copied: do not write to it.
    Raises `SchemaMismatch` naming a column that holds other texts.

    >>> matrix_of(pa.record_batch({"a": [1, 2], "b": ["0.5", None]})).tolist()
    [[1.0, 0.5], [2.0, nan]]
    """
    found = _adjacent(rows)
    if found is not None:
        return found
    found = np.empty((rows.num_columns, rows.num_rows)).T  # column after column, as they come
    for place, (name, column) in enumerate(zip(rows.schema.names, rows.columns, strict=True)):
        plain = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        found[:, place] = values_of(column) if plain and not column.null_count else numbers_of(column)
        if not plain and np.count_nonzero(np.isnan(found[:, place])) > column.null_count:
            _refuse_texts(name, column, found[:, place])
    return found


def _adjacent(rows: pa.RecordBatch) -> Floats | None:
    """The rows as they lie in memory, if all columns are floats without nulls that follow one another there."""
    if not rows.num_rows or not rows.num_columns or any(kind != pa.float64() for kind in rows.schema.types):
        return None
    size = rows.num_rows * 8
    starts = [column.buffers()[1].address + column.offset * 8 for column in rows.columns]
    if starts != [starts[0] + place * size for place in range(len(starts))] or any(c.null_count for c in rows.columns):
        return None
    memory = pa.foreign_buffer(starts[0], size * len(starts), rows)
    found: Floats = np.frombuffer(memory, np.float64).reshape(len(starts), rows.num_rows).T
    return found


def _refuse_texts(name: str, column: pa.Array, found: Floats) -> None:
    known: Sequence[Any] = column.to_pylist()
    for text, number in zip(known, found.tolist(), strict=True):
        if isnan(number) and isinstance(text, str) and text.strip().lower() not in ("", "nan"):
            raise SchemaMismatch(
                column=name,
                reason=f"got {text[:40]!r}, and this model takes numbers alone",
                remedy="Give the model as module:function, which may encode texts.",
            )
