"""Columns that stand in a path or in a table's log, and not in the rows, added to the batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa


def with_constants(batch: pa.RecordBatch, constants: Mapping[str, Any]) -> pa.RecordBatch:
    """The batch with one column for each constant, behind its own; a column of the same name is replaced.

    Values are Python values or Arrow scalars; None is a null text.

    >>> with_constants(pa.record_batch({"a": [1, 2]}), {"day": "2024-01-02", "n": 3}).to_pydict()
    {'a': [1, 2], 'day': ['2024-01-02', '2024-01-02'], 'n': [3, 3]}
    """
    if not constants:
        return batch
    added = {name: _repeated(value, batch.num_rows) for name, value in constants.items()}
    names = [*batch.schema.names, *(name for name in added if name not in batch.schema.names)]
    arrays = [added.get(name, array) for name, array in zip(batch.schema.names, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays([*arrays, *(added[name] for name in names[len(arrays) :])], names=names)


def _repeated(value: Any, rows: int) -> pa.Array:
    """Text is repeated as indices into a dictionary of one entry, which the profile counts at once."""
    scalar = value if isinstance(value, pa.Scalar) else pa.scalar(value, pa.string() if value is None else None)
    if scalar.is_valid and pa.types.is_string(scalar.type):
        indices = pa.array(np.zeros(rows, dtype=np.int32))
        return pa.DictionaryArray.from_arrays(indices, pa.array([scalar.as_py()], pa.string()))
    return pa.repeat(scalar, rows)
