"""Which column is which field where no schema says so: by lists, by prefixes, by names; the rest are features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from driftline.errors import Invalid
from driftline.schemas.columns import Columns
from driftline.schemas.fields import LATE, RESERVED, Kind, ModelField, Role
from driftline.schemas.kinds import dimensions_of, is_whole, kind_of

SUFFIX = "_shap"
"""The names of attributions end so, as those of no feature or tag may."""

CHOSEN = (Role.FEATURE, Role.RAW_INPUT)
"""With a prefix or a list for one of these, other columns are no features."""


T = TypeVar("T")
_ROLES = {str(role): role for role in Role}


def roles_by_name(given: Mapping[str, T], what: str) -> dict[Role, T]:
    """The same by role; raises `Invalid` for what is none.

    >>> roles_by_name({"feature": "feature/"}, "prefixes")
    {<Role.FEATURE: 'feature'>: 'feature/'}
    """
    wrong = next((name for name in given if name not in _ROLES), None)
    if wrong is not None:
        raise Invalid(what=f"role in {what}", got=wrong, expected=", ".join(_ROLES))
    return {Role(name): value for name, value in given.items()}


def own_columns(columns: Columns) -> dict[str, str]:
    """What the columns of the rows themselves are: column -> id, timestamp, version or batch.

    >>> own_columns(Columns(id="uuid", timestamp="at"))
    {'uuid': 'id', 'at': 'timestamp'}
    """
    uses = {"id": columns.id, "timestamp": columns.timestamp, "version": columns.version, "batch": columns.batch}
    return {name: use for use, name in uses.items() if name is not None}


def guessed(columns: Columns, found: Mapping[str, pa.DataType]) -> dict[str, ModelField]:
    """The field of each column by the job's columns and its type; columns that are none are left out.

    Later columns whose names are taken keep their whole names, with their prefixes; raises `Invalid` for a role that
    does not exist.

    >>> found = {"feature/age": pa.int64(), "label": pa.string(), "note": pa.string()}
    >>> named = Columns(prefixes={"feature": "feature/"}, lists={"prediction": ["label"]})
    >>> [(column, field.name, str(field.role)) for column, field in guessed(named, found).items()]
    [('feature/age', 'age', 'feature'), ('label', 'label', 'prediction')]
    """
    taken: set[tuple[str, bool]] = set()
    fields: dict[str, ModelField] = {}
    for column, role, name in _assigned(columns, found):
        for chosen in (name, column):
            if chosen and not chosen.startswith(RESERVED) and (chosen, role in LATE) not in taken:
                taken.add((chosen, role in LATE))
                fields[column] = typed(ModelField(chosen, role, Kind.STRING, of=_of(role, name)), found[column])
                break
    return _with_truths(fields)


def typed(field: ModelField, found: pa.DataType) -> ModelField:
    """With the kind that the column's type tells."""
    kind = Kind.STRING if field.role is Role.GROUP else kind_of(found)
    dimensions = dimensions_of(found) if kind is Kind.TENSOR else ()
    return replace(field, kind=kind, dimensions=dimensions, whole=kind is Kind.NUMERIC and is_whole(found))


def _assigned(columns: Columns, found: Mapping[str, object]) -> Iterator[tuple[str, Role, str]]:
    """Column, role and name of each field; of what is said about a column the most exact counts."""
    named = {column: key for key, column in columns.fields.items()}
    lists = roles_by_name(columns.lists, "lists")
    listed = {column: role for role, names in lists.items() for column in names}
    prefixes = roles_by_name(columns.prefixes, "prefixes")
    closed = any(role in prefixes or role in lists for role in CHOSEN)
    own = own_columns(columns)
    for column in found:
        if column in own or column in columns.exclude:
            continue
        if column in named:
            yield (column, *qualified(named[column]))
        elif column in listed:
            role = listed[column]
            yield column, role, _named(role, column.removesuffix(SUFFIX) if role is Role.ATTRIBUTION else column)
        elif column.rpartition(".")[0] in listed:
            outer, _, name = column.rpartition(".")
            yield column, listed[outer], name
        else:
            yield from _by_prefix(column, prefixes)
            if not closed and not any(column.startswith(prefix) for prefix in prefixes.values()):
                yield column, Role.FEATURE, column


def _by_prefix(column: str, prefixes: Mapping[Role, str]) -> Iterator[tuple[str, Role, str]]:
    """By the longest prefix that the column begins with."""
    fitting = [(len(prefix), role) for role, prefix in prefixes.items() if column.startswith(prefix)]
    if fitting:
        length, role = max(fitting)
        yield column, role, _named(role, column[length:])


def qualified(key: str) -> tuple[Role, str]:
    """Role and name of a key of `Columns.fields`, which without a role is a feature.

    >>> qualified("prediction/label"), qualified("age")
    ((<Role.PREDICTION: 'prediction'>, 'label'), (<Role.FEATURE: 'feature'>, 'age'))
    """
    role, _, name = key.partition("/")
    if name and role in _ROLES:
        return _ROLES[role], name
    return (_ROLES[key], key) if key in _ROLES else (Role.FEATURE, key)


def _named(role: Role, rest: str) -> str:
    return rest + SUFFIX if role is Role.ATTRIBUTION and rest else rest


def _of(role: Role, name: str) -> str | None:
    return name.removesuffix(SUFFIX) if role is Role.ATTRIBUTION else None


def _with_truths(fields: dict[str, ModelField]) -> dict[str, ModelField]:
    """An only actual is the truth of an only prediction; several scores of one role are each of a class."""
    by_role = {role: [each for each in fields.values() if each.role is role] for role in Role}
    truth = by_role[Role.PREDICTION]
    alone = len(truth) == 1 and len(by_role[Role.ACTUAL]) == 1
    changed = {}
    for column, each in fields.items():
        if each.role is Role.ACTUAL and alone:
            changed[column] = replace(each, of=truth[0].name)
        elif each.role in (Role.SCORE, Role.ACTUAL_SCORE) and len(by_role[each.role]) > 2:
            changed[column] = replace(each, of=each.name)
    return fields | changed
