"""Names of columns: members of structs by dotted names, and which name was perhaps meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.classes import has_scores, score_of


def columns_of(found: pa.Schema) -> dict[str, pa.DataType]:
    """Every column and, in place of a struct, its members by dotted names; each name once.

    >>> columns_of(pa.schema([("a", pa.struct([("b", pa.int64())])), ("c", pa.string())]))
    {'a.b': DataType(int64), 'c': DataType(string)}
    """
    names: dict[str, pa.DataType] = {}
    plain = {field.name: field.type for field in reversed(list(found)) if not pa.types.is_struct(field.type)}
    for field in found:
        for name, kind in _members(field.name, field.type):
            names.setdefault(name, plain.get(name, kind))
    return names


def _members(name: str, kind: pa.DataType) -> Iterable[tuple[str, pa.DataType]]:
    if not pa.types.is_struct(kind):
        yield name, kind
        return
    for member in kind:
        yield from _members(f"{name}.{member.name}", member.type)


def column(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    """The column of a name, or the member of a struct by its dotted name; None where the batch has none.

    Classes that have scores in one column (`classes.has_scores`) are its members.

    >>> column(pa.record_batch({"a": [{"b": 1}, None]}), "a.b").to_pylist()
    [1, None]
    """
    found = batch.schema.get_field_index(name)
    if found >= 0:
        return batch.column(found)
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        place = batch.schema.get_field_index(".".join(parts[:cut]))
        inner = _member(batch.column(place), ".".join(parts[cut:])) if place >= 0 else None
        if inner is not None:
            return inner
    return None


def _member(array: pa.Array, name: str) -> pa.Array | None:
    if has_scores(array.type):
        return score_of(array, name)
    if not pa.types.is_struct(array.type):
        return None
    place = array.type.get_field_index(name)
    if place >= 0:
        return pc.struct_field(array, [place])
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        place = array.type.get_field_index(".".join(parts[:cut]))
        inner = _member(pc.struct_field(array, [place]), ".".join(parts[cut:])) if place >= 0 else None
        if inner is not None:
            return inner
    return None


def repeated(found: pa.Schema) -> list[str]:
    """Names that more than one column has.

    >>> repeated(pa.schema([("a", pa.int64()), ("b", pa.int64()), ("a", pa.string())]))
    ['a']
    """
    return [name for name, count in Counter(found.names).items() if count > 1]


def near(name: str, among: Iterable[str]) -> str | None:
    """The name that was perhaps meant: but for case, spaces, and signs between words, or nearly the same.

    >>> near("creditScore", ["age", "credit_score"]), near("age", ["income"])
    ('credit_score', None)
    """
    known = {_bare(each): each for each in among}
    bare = _bare(name)
    if bare in known:
        return known[bare]
    close = get_close_matches(bare, known, n=1, cutoff=0.75)
    if close:
        return known[close[0]]
    inside = [each for each in known if len(bare) > 3 and each.endswith(bare)]
    return known[inside[0]] if len(inside) == 1 else None


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
