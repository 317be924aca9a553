"""Scores of several classes in one column: lists of names with scores, or maps, as multi-class models write them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.kinds import inner_type, is_list, is_number, is_text


def has_scores(given: pa.DataType) -> bool:
    """Whether each value holds scores by class: a list of a text and a number each, or a map of such.

    >>> has_scores(pa.list_(pa.struct([("class_name", pa.string()), ("score", pa.float64())])))
    True
    >>> has_scores(pa.map_(pa.string(), pa.int64())), has_scores(pa.list_(pa.float64()))
    (True, False)
    """
    kind = inner_type(given)
    if pa.types.is_map(kind):
        return is_text(kind.key_type) and is_number(kind.item_type)
    if not is_list(kind) or not pa.types.is_struct(kind.value_type) or kind.value_type.num_fields != 2:
        return False
    name, score = (field.type for field in kind.value_type)
    return is_text(name) and is_number(score)


def classes_of(array: pa.Array) -> list[str]:
    """The classes that have scores in a column, in the order of their names.

    >>> column = pa.array([[("b", 0.2), ("a", 0.8)], None], pa.map_(pa.string(), pa.float64()))
    >>> classes_of(column)
    ['a', 'b']
    """
    names, _, _ = _parts(array)
    return sorted(pc.unique(names).drop_null().to_pylist())


def score_of(array: pa.Array, name: str) -> pa.Array:
    """The score of one class in each row, null where it has none.

    >>> column = pa.array([[("b", 0.2), ("a", 0.8)], None, [("b", 1.0)]], pa.map_(pa.string(), pa.float64()))
    >>> score_of(column, "a").to_pylist()
    [0.8, None, None]
    """
    names, scores, rows = _parts(array)
    wanted = pc.fill_null(pc.equal(names, name), False)
    return scores.filter(wanted).take(_first(rows.filter(wanted), len(array)))


def top_of(array: pa.Array) -> pa.StringArray:
    """The class with the highest score in each row, the first of equal ones; null where there is no score.

    >>> column = pa.array([[("b", 0.2), ("a", 0.8)], None, []], pa.map_(pa.string(), pa.float64()))
    >>> top_of(column).to_pylist()
    ['a', None, None]
    """
    names, scores, rows = _parts(array)
    known = pc.and_(pc.is_valid(scores), pc.is_valid(names))
    table = pa.table({"row": rows.filter(known), "score": scores.filter(known).cast(pa.float64())})
    table = table.append_column("place", pa.array(range(table.num_rows), pa.int64()))
    order = table.sort_by([("row", "ascending"), ("score", "descending"), ("place", "ascending")])
    best = names.filter(known).take(order["place"].combine_chunks())
    return best.take(_first(order["row"].combine_chunks(), len(array))).cast(pa.string())


def _first(rows: pa.Array, count: int) -> pa.Array:
    """Where in `rows` each row from 0 to `count` comes first, null where it does not."""
    return pc.index_in(pa.array(range(count), rows.type), value_set=rows)


def _parts(array: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Names, scores and rows of all elements of a column."""
    if pa.types.is_map(array.type):
        kind = array.type
        array = array.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
    elements = array.flatten()
    names, scores = elements.flatten()
    return names.cast(pa.string()), scores, pc.list_parent_indices(array).cast(pa.int64())
