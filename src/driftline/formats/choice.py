"""Which columns are kept: `columns` and `exclude` by name, members of structs by dotted names."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from driftline.errors import Invalid


def names_of(schema: pa.Schema) -> Iterator[str]:
    """The name of every column, and behind a struct those of its members: `a`, `a.b`.

    >>> list(names_of(pa.schema([("a", pa.struct([("b", pa.int64())])), ("c", pa.string())])))
    ['a', 'a.b', 'c']
    """
    for field in schema:
        yield from _names(field.name, field.type)


def _names(name: str, kind: pa.DataType) -> Iterator[str]:
    yield name
    if pa.types.is_struct(kind):
        for member in kind:
            yield from _names(f"{name}.{member.name}", member.type)


def choose(batch: pa.RecordBatch, columns: Collection[str] | None, exclude: Collection[str]) -> pa.RecordBatch:
    """The columns that were asked for, in the order of the data; those that this batch lacks are left out.

    Raises `Invalid` if `exclude` leaves none.

    >>> batch = pa.record_batch({"a": [{"b": 1, "c": 2}], "d": [3]})
    >>> choose(batch, None, ["a.c"]).to_pylist(), choose(batch, ["d"], []).to_pylist()
    ([{'a': {'b': 1}, 'd': 3}], [{'d': 3}])
    """
    if (columns is None and not exclude) or not batch.num_columns:
        return batch
    kept = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        found = _kept(name, array, columns, exclude)
        if found is not None:
            kept.append((name, found))
    if not kept and columns is None:
        expected = "at least one column that is left"
        raise Invalid(what="exclude", got=", ".join(exclude), expected=expected, remedy="Exclude fewer columns.")
    if not kept:  # a batch without columns would lose its number of rows
        return pa.record_batch([pa.nulls(batch.num_rows, pa.string())], names=[next(iter(columns or ()))])
    return pa.RecordBatch.from_arrays([array for _, array in kept], names=[name for name, _ in kept])


def _kept(name: str, array: pa.Array, columns: Collection[str] | None, exclude: Collection[str]) -> pa.Array | None:
    """The column, or the part of it that is kept, or None."""
    if name in exclude:
        return None
    below = name + "."
    asked = columns is None or name in columns
    inside = any(each.startswith(below) for each in (*exclude, *(columns or ())))
    if not inside or not pa.types.is_struct(array.type):
        return array if asked else None
    members = [
        (member.name, _kept(below + member.name, values, None if asked else columns, exclude))
        for member, values in zip(array.type, array.flatten(), strict=True)
    ]
    left = [(each, values) for each, values in members if values is not None]
    if not left:
        return None
    return pa.StructArray.from_arrays([values for _, values in left], [each for each, _ in left])
