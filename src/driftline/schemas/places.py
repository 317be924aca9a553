"""In which column of a file a declared field is: the one that is said, that of its role's prefix, that of its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa

from driftline.schemas.classes import has_scores
from driftline.schemas.columns import Columns
from driftline.schemas.fields import LATE, ModelField, Role
from driftline.schemas.roles import SUFFIX


def is_looked_for(field: ModelField, content: str | None) -> bool:
    """Whether a field is looked for in files of this content: `predictions`, `actuals`, or all fields.

    >>> from driftline.schemas.fields import Kind
    >>> is_looked_for(ModelField("age", Role.FEATURE, Kind.NUMERIC), "actuals")
    False
    """
    late = field.role in LATE
    return not (late and content == "predictions") and (late or content != "actuals")


def places_of(
    columns: Columns, looked: Collection[ModelField], there: Mapping[str, pa.DataType]
) -> dict[ModelField, str]:
    """The column of each field, those that are said first; one column is two fields only where that is said."""
    usable = {name for name in there if name not in columns.exclude}
    usable |= {
        name for each in looked for listed, name in _by_class(columns, each) if has_scores(there.get(listed, pa.null()))
    }
    early = {each.name for each in looked if each.role not in LATE}
    said = {each: said_of(columns, each, early) for each in looked}
    places = {each: name for each, name in said.items() if name is not None and name in usable}
    free = usable - set(places.values())
    for each in looked:
        name = next((name for name in names_of(columns, each) if name in free), None) if said[each] is None else None
        if name is not None:
            places[each] = name
            free.discard(name)
    return {each: places[each] for each in looked if each in places}


def said_of(columns: Columns, field: ModelField, early: Collection[str] = ()) -> str | None:
    """The column that is said to be the field; of two fields of one name, those in `early`, the early one has it.

    >>> from driftline.schemas.fields import Kind
    >>> truth = ModelField("y", Role.ACTUAL, Kind.STRING)
    >>> said_of(Columns(fields={"y": "label"}), truth), said_of(Columns(fields={"y": "label"}), truth, {"y"})
    ('label', None)
    """
    exact = columns.fields.get(f"{field.role}/{field.name}")
    if exact is not None or (field.role in LATE and field.name in early):
        return exact
    return columns.fields.get(field.name)


def names_of(columns: Columns, field: ModelField) -> Iterator[str]:
    """The names under which a field is looked for, the most exact first.

    >>> from driftline.schemas.fields import Kind
    >>> list(names_of(Columns(prefixes={"feature": "f/"}), ModelField("age", Role.FEATURE, Kind.NUMERIC)))
    ['f/age', 'age']
    """
    yield from (name for _, name in _by_class(columns, field))
    prefix = columns.prefixes.get(field.role)
    bare = field.name.removesuffix(SUFFIX) if field.role is Role.ATTRIBUTION else field.name
    if prefix is not None:
        yield prefix + bare
        if field.of is not None:
            yield prefix + field.of
    yield field.name


def _by_class(columns: Columns, field: ModelField) -> Iterator[tuple[str, str]]:
    """Columns that are listed for scores, and the score of the field's class as their member."""
    if field.of is not None and field.role in (Role.SCORE, Role.ACTUAL_SCORE):
        yield from ((listed, f"{listed}.{field.of}") for listed in columns.lists.get(field.role, ()))
