"""What the names in an expression mean: columns, members of structs, values of maps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from driftline.formats.sql.casts import family_of
from driftline.formats.sql.translator import Translator, quoted, text_literal


def path_of(node: Any) -> list[str]:
    """The names of a column with its members: `a.b.c`."""
    return [part.name for part in node.parts]


def column(t: Translator, node: Any) -> str:
    """A column or a lambda's variable with the members behind it; NULL for a column that these rows lack."""
    names = path_of(node)
    if type(node.this).__name__ == "Star":
        raise t.expression.fault(None, f"{'.'.join(names)} inside an expression", "it by itself")
    if names[0].lower() in t.variables:
        return _members(t, t.variables[names[0].lower()], names[1:])
    for count in range(len(names), 0, -1):  # a column may itself be called `a.b`
        name = ".".join(names[:count]).lower()
        if name in t.columns:
            return _members(t, plain(t, t.columns[name]), names[count:])
    return "NULL"  # this file lacks the column; whether all do is checked elsewhere


def plain(t: Translator, name: str) -> str:
    """A column, in one of the types Spark would have read it as."""
    sql = quoted(name)
    kind = t.type_of(sql)
    if kind in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
        return f"(CAST({sql} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    if kind.startswith("TIMESTAMP_"):
        return f"CAST({sql} AS TIMESTAMP)"
    if kind == "UBIGINT":
        return f"CAST({sql} AS DECIMAL(20, 0))"
    if kind in ("UTINYINT", "USMALLINT", "UINTEGER"):
        return f"CAST({sql} AS BIGINT)"
    fixed = re.fullmatch(r"(.*)\[\d+\]", kind)
    return f"CAST({sql} AS {fixed.group(1)}[])" if fixed else sql


def _members(t: Translator, sql: str, names: Sequence[str]) -> str:
    for name in names:
        sql = member(t, sql, name)
    return sql


def member(t: Translator, sql: str, name: str) -> str:
    """A member of a struct or of each struct in a list, or a map's value; NULL where there is none of that name."""
    kind = t.type_of(sql)
    family = family_of(kind)
    if family == "struct":
        found = {each.lower(): each for each in struct_names(kind)}.get(name.lower())
        return f"struct_extract({sql}, '{found.replace(chr(39), chr(39) * 2)}')" if found is not None else "NULL"
    if family == "map":
        return f"map_extract_value({sql}, {text_literal(name)})"
    if family == "list" and kind.startswith("STRUCT"):
        found = {each.lower(): each for each in struct_names(kind[:-2])}.get(name.lower())
        escaped = (found or "").replace("'", "''")
        return f"list_transform({sql}, lambda e: struct_extract(e, '{escaped}'))" if found is not None else "NULL"
    if family == "null":
        return "NULL"
    raise t.expression.fault(name, f".{name} of a value of type {kind.lower()}", "a struct, a map or a list of structs")


def struct_names(kind: str) -> list[str]:
    """The names of the members of a DuckDB struct type.

    >>> struct_names('STRUCT(x INTEGER, "y z" STRUCT(u INTEGER, v VARCHAR)[], w DECIMAL(4,2))')
    ['x', 'y z', 'w']
    """
    names: list[str] = []
    depth, start = 0, True
    for token in re.findall(r'"(?:[^"]|"")*"|[(),]|[^(),\s"]+|\s+', kind[len("STRUCT") :]):
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        elif token == "," and depth == 1:
            start = True
        elif start and depth == 1 and token.strip():
            names.append(token[1:-1].replace('""', '"') if token.startswith('"') else token)
            start = False
    return names
