"""The background of explanations: rows that stand for what is usual, given by a user or chosen from the data.

Chosen rows are the centres of clusters: of numbers the mean, of texts the most frequent one (Huang, "Extensions to the
k-Means Algorithm for Clustering Large Data Sets with Categorical Values", 1998).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import Invalid, SchemaMismatch
from driftline.explanations.clusters import clustered
from driftline.profile.arrow import values_of
from driftline.profile.columns import Floats, Ints
from driftline.profile.outcomes import numbers_of

MOST_CLUSTERS = 12
"""SageMaker chooses at most so many by itself."""

_ROWS = 10_000
"""So many of the rows are clustered, evenly spread; more change little."""


def given(rows: Any, features: Sequence[str]) -> pa.RecordBatch:
    """The background that a user gave: lists of cells in the order of the features, objects, or a table.

    Raises `Invalid` for rows of another length and `SchemaMismatch` for a feature that lacks.

    >>> given([[40, "red"]], ["age", "colour"]).to_pylist() == given([{"colour": "red", "age": 40}], ["age", "colour"])\
.to_pylist()
    True
    """
    if isinstance(rows, pa.RecordBatch | pa.Table):
        return _features(rows, features)
    if not rows:
        raise Invalid(what="baseline of shap", got="no rows", expected="at least one row of features")
    lists = [_cells(row, features, place) for place, row in enumerate(rows)]
    columns = [pa.array([cells[place] for cells in lists]) for place in range(len(features))]
    return pa.RecordBatch.from_arrays(columns, names=list(features))


def _cells(row: Any, features: Sequence[str], place: int) -> list[Any]:
    where = f"baseline of shap, row {place}"
    if isinstance(row, Mapping) and list(row) == ["features"]:
        row = row["features"]  # records of JSON lines as SageMaker's examples write them
    if isinstance(row, Mapping):
        lacking = [name for name in features if name not in row]
        if lacking:
            raise Invalid(what=where, got=list(row), expected=f"the features, {', '.join(lacking[:8])} among them")
        return [row[name] for name in features]
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != len(features):
        size = len(row) if isinstance(row, Sequence) and not isinstance(row, str) else row
        raise Invalid(
            what=where,
            got=f"{size} cells" if isinstance(size, int) else size,
            expected=f"{len(features)} cells, one a feature",
            remedy="Leave out labels and predictions.",
        )
    return list(row)


def _features(rows: pa.RecordBatch | pa.Table, features: Sequence[str]) -> pa.RecordBatch:
    """The features of a table; one without their names must have as many columns."""
    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    if not set(features) <= set(table.column_names):
        if table.num_columns != len(features) or set(features) & set(table.column_names):
            lacking = next(name for name in features if name not in table.column_names)
            raise SchemaMismatch(column=lacking, reason="not among the columns of the baseline of shap")
        table = table.rename_columns(list(features))
    batches = table.select(list(features)).combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.select(list(features)).schema)


def alike(background: pa.RecordBatch, rows: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Both with the same types: those of the rows, but fractions where whole numbers meet them.

    Texts of numbers, as which the cells of captured calls are read, become numbers where they meet them; other texts
    make texts of what they meet.

    >>> some, many = pa.record_batch({"age": [40.5]}), pa.record_batch({"age": [30, 41]})
    >>> alike(some, many)[1].schema.field("age").type
    DataType(double)
    >>> alike(some, pa.record_batch({"age": ["30", "41"]}))[1].to_pylist()
    [{'age': 30.0}, {'age': 41.0}]
    """
    names = background.schema.names
    for name in names:
        if name not in rows.schema.names:
            shown = ", ".join(map(repr, rows.schema.names[:8]))
            raise SchemaMismatch(column=name, reason=f"a feature of the model is not among the columns {shown}")
    pairs = [_alike(name, background.column(name), rows.column(name)) for name in names]
    mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    return pa.RecordBatch.from_arrays(mine, names=names), pa.RecordBatch.from_arrays(theirs, names=names)


def _alike(name: str, mine: pa.Array, theirs: pa.Array) -> tuple[pa.Array, pa.Array]:
    theirs = theirs.dictionary_decode() if pa.types.is_dictionary(theirs.type) else theirs
    mine = mine.dictionary_decode() if pa.types.is_dictionary(mine.type) else mine
    if _is_number(mine) and pa.types.is_string(theirs.type):
        theirs = _numbers(theirs)
    wanted = theirs.type
    try:
        if pa.types.is_floating(mine.type) and pa.types.is_integer(wanted):
            wanted = wanted if bool(pc.all(pc.equal(pc.floor(mine), mine)).as_py()) else pa.float64()
        if pa.types.is_null(wanted):
            wanted = mine.type
        return mine.cast(wanted), theirs.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = f"{mine.type} in the baseline of shap, {theirs.type} in the rows ({error})"
        raise SchemaMismatch(column=name, reason=reason, remedy="Write both alike.") from error


def _numbers(texts: pa.Array) -> pa.Array:
    """Whole numbers if all texts are such, else fractions, else the texts as they are."""
    for kind in (pa.int64(), pa.float64()):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    return texts


def mean_row(rows: pa.RecordBatch, *, rounded: bool = False) -> pa.RecordBatch:
    """One row with the mean of every column of numbers, `rounded` to whole ones or not, and the most frequent text.

    >>> mean_row(pa.record_batch({"age": [30, 41], "sex": ["f", "f"]}), rounded=True).to_pylist()
    [{'age': 36.0, 'sex': 'f'}]
    """
    return _centres(rows, np.zeros(rows.num_rows, dtype=np.int64), rounded)


def chosen(rows: pa.RecordBatch, clusters: int | None = None, seed: int = 0) -> pa.RecordBatch:
    """Centres of clusters of the rows, `clusters` of them or, for None, as many as stand out, 1 to 12.

    Rows beyond 10,000 are left out, evenly. Raises `Invalid` without rows.
    """
    if not rows.num_rows:
        raise Invalid(what="rows to choose a baseline of shap from", got="none", expected="at least one")
    if rows.num_rows > _ROWS:
        places = np.arange(_ROWS) * rows.num_rows // _ROWS
        rows = rows.take(pa.array(places))
    numbers = [_standard(numbers_of(column)) for column in rows.columns if _is_number(column)]
    codes = [_codes(column) for column in rows.columns if not _is_number(column)]
    points = np.stack(numbers, axis=1) if numbers else np.empty((rows.num_rows, 0))
    texts = np.stack(codes, axis=1) if codes else np.empty((rows.num_rows, 0), dtype=np.int64)
    members = clustered(points, texts, clusters, MOST_CLUSTERS, seed)
    return _centres(rows, members, False)


def _is_number(column: pa.Array) -> bool:
    kind = column.type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _standard(values: Floats) -> Floats:
    """Values with mean 0 and deviation 1; what is missing lies at the mean."""
    present = values[np.isfinite(values)]
    if not len(present) or present.std() == 0:
        return np.zeros(len(values))
    found: Floats = np.where(np.isfinite(values), (values - present.mean()) / present.std(), 0.0)
    return found


def _codes(column: pa.Array) -> Ints:
    encoded = column if pa.types.is_dictionary(column.type) else _plain(column).dictionary_encode()
    return values_of(encoded.indices.cast(pa.int64()).fill_null(-1)).astype(np.int64)


def _plain(column: pa.Array) -> pa.Array:
    return pa.array([str(value) for value in column.to_pylist()]) if pa.types.is_nested(column.type) else column


def _centres(rows: pa.RecordBatch, members: Ints, rounded: bool) -> pa.RecordBatch:
    """A row for each cluster."""
    arrays = []
    for column in rows.columns:
        parts = [column.take(pa.array(np.flatnonzero(members == place))) for place in range(int(members.max()) + 1)]
        arrays.append(pa.array([_centre(part, rounded) for part in parts], _centre_type(column)))
    return pa.RecordBatch.from_arrays(arrays, names=rows.schema.names)


def _centre_type(column: pa.Array) -> pa.DataType:
    if _is_number(column):
        return pa.float64()
    return column.type.value_type if pa.types.is_dictionary(column.type) else column.type


def _centre(part: pa.Array, rounded: bool) -> Any:
    if _is_number(part):
        values = numbers_of(part)
        values = values[np.isfinite(values)]
        if not len(values):
            return None
        mean = float(values.mean())
        return float(np.round(mean)) if rounded else mean
    codes = _codes(part)
    values, first, counts = np.unique(codes, return_index=True, return_counts=True)
    most = np.flatnonzero(counts == counts.max())
    return part[int(first[most].min())].as_py()
