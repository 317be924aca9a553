"""The state of a translation: what the names of one expression mean, and of which type its parts are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from driftline.formats.sql.casts import convert, family_of, is_number, text_of
from driftline.formats.sql.expressions import Expression
from driftline.formats.sql.functions import REFUSED

Ask = Callable[[str, str], str]
"""The DuckDB type of an SQL expression over a relation."""

_LONGEST_SQL = 400_000


@dataclass(frozen=True)
class Translator:
    """Translates the parts of one expression over columns `columns` (Spark's name in lower case -> the column's).

    `relation` is what types are asked of: the rows, with lambda variables in scope as further columns.
    """

    expression: Expression
    columns: Mapping[str, str]
    ask: Ask
    nodes: Mapping[str, Callable[[Translator, Any], str]]
    relation: str = "rows"
    variables: Mapping[str, str] = field(default_factory=dict)

    def sql(self, node: Any) -> str:
        """The SQL of a node; raises `Invalid` for everything that is not allowed."""
        translate = self.nodes.get(type(node).__name__)
        if translate is None:
            raise self.refusal(node)
        return translate(self, node)

    def type_of(self, sql: str) -> str:
        """DuckDB's type of some SQL."""
        if len(sql) > _LONGEST_SQL:
            raise self.expression.fault(None, "too many nested functions", "a simpler expression", "Cut it in two.")
        return self.ask(sql, self.relation)

    def family(self, sql: str) -> str:
        """The family of the type of some SQL."""
        return family_of(self.type_of(sql))

    def given(self, node: Any, kind: str) -> str:
        """The SQL of an argument, cast as Spark casts arguments of that kind."""
        return self.coerce(self.sql(node), kind, node)

    def coerce(self, sql: str, kind: str, node: Any) -> str:
        """Some SQL as that kind; raises `Invalid` naming the cast that is needed."""
        if kind == "any":
            return sql
        found = self.type_of(sql)
        if kind == "text" and family_of(found) == "list" and family_of(found[:-2]) == "text":
            raise self.misfit(node, found, kind)  # concat_ws and the like take lists in Spark: not here
        changed = _COERCIONS[kind](sql, found)
        if changed is None:
            raise self.misfit(node, found, kind)
        return changed

    def misfit(self, node: Any, found: str, kind: str) -> Exception:
        """The error for an operand of the wrong type."""
        expected = _MEANT.get(kind, kind)
        target = {"boolean": "boolean", "number": "double", "double": "double", "whole": "bigint"}.get(kind, "string")
        remedy = "Use get_json_object, to_json or a.b to reach a single value."
        if family_of(found) not in ("list", "map", "struct"):
            remedy = f"Say what is meant by cast(... as {target})."
        return self.expression.fault(node, f"{node.sql('spark')} of type {found.lower()}", expected, remedy)

    def refusal(self, node: Any) -> Exception:
        """The error for a construct that has no place in an expression."""
        name = type(node).__name__
        what = {"Window": "a window", "Select": "a query", "Subquery": "a query", "Exists": "a query"}.get(name)
        reason = REFUSED.get(re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), "")
        remedy = reason or "An expression works on the columns of one row; docs/reference/select-expr.md lists it all."
        return self.expression.fault(node, what or node.sql("spark"), "what this reference lists", remedy)

    def comparable(self, left: Any, right: Any) -> tuple[str, str]:
        """Both sides of a comparison: text is cast to the type of the other side, as Spark does."""
        first, second = self.sql(left), self.sql(right)
        kinds = self.type_of(first), self.type_of(second)
        return _met(first, kinds[0], kinds[1]), _met(second, kinds[1], kinds[0])

    def alike(self, nodes: Sequence[Any]) -> list[str]:
        """Alternatives of one value: text beside other types makes text of all, as Spark does."""
        found = [self.sql(node) for node in nodes]
        kinds = [self.type_of(sql) for sql in found]
        families = {_GROUPS.get(family_of(kind), kind) for kind in kinds} - {"null"}
        if "text" not in families:
            if len(families) > 1:
                told = (f"{node.sql('spark')} of type {kind.lower()}" for node, kind in zip(nodes, kinds, strict=True))
                raise self.expression.fault(nodes[0], ", ".join(told), "values of one type", "Cast them.")
            return found
        texts = [text_of(sql, kind) for sql, kind in zip(found, kinds, strict=True)]
        for node, text, kind in zip(nodes, texts, kinds, strict=True):
            if text is None:
                raise self.misfit(node, kind, "text")
        return [text for text in texts if text is not None]

    def within(self, node: Any, elements: Sequence[str]) -> tuple[Translator, list[str]]:
        """The translator for a lambda's body, its variables standing for values such as `elements`; and their names."""
        names = [str(each.name) for each in node.expressions]
        if len(names) > len(elements):
            raise self.expression.fault(node, f"{len(names)} variables", f"at most {len(elements)}")
        fresh = [f"_driftline_{len(self.variables) + place}" for place in range(len(names))]
        samples = ", ".join(f"{element} AS {name}" for element, name in zip(elements, fresh, strict=False))
        meant = dict(zip((name.lower() for name in names), fresh, strict=True))
        relation = f"(SELECT *, {samples} FROM {self.relation})"
        return replace(self, relation=relation, variables={**self.variables, **meant}), fresh


_GROUPS = {
    "whole": "number", "decimal": "number", "float": "number", "date": "time", "time": "time", "boolean": "boolean",
    "text": "text", "null": "null", "list": "list", "map": "map", "struct": "struct",
}  # fmt: skip
"""Families whose values may stand beside each other as alternatives."""


def _number(sql: str, kind: str) -> str | None:
    family = family_of(kind)
    if family in ("text", "null"):
        return convert(sql, kind, "DOUBLE")
    return sql if is_number(family) else None


def _whole(sql: str, kind: str) -> str | None:
    return sql if family_of(kind) == "whole" else convert(sql, kind, "BIGINT")


def _boolean(sql: str, kind: str) -> str | None:
    return sql if family_of(kind) in ("boolean", "null") else None


def _double(sql: str, kind: str) -> str | None:
    return convert(sql, kind, "DOUBLE") if family_of(kind) not in ("time", "boolean") else None


def _kept(*families: str) -> Callable[[str, str], str | None]:
    return lambda sql, kind: sql if family_of(kind) in (*families, "null") else None


_COERCIONS: dict[str, Callable[[str, str], str | None]] = {
    "text": text_of,
    "number": _number,
    "double": _double,
    "whole": _whole,
    "boolean": _boolean,
    "date": lambda sql, kind: convert(sql, kind, "DATE"),
    "time": lambda sql, kind: convert(sql, kind, "TIMESTAMP") if not is_number(family_of(kind)) else None,
    "list": _kept("list"),
    "map": _kept("map"),
    "struct": _kept("struct"),
}

_MEANT = {
    "text": "text",
    "whole": "a whole number",
    "number": "a number",
    "double": "a number",
    "boolean": "a condition",
}


def _met(sql: str, kind: str, other: str) -> str:
    """One side of a comparison, cast for the other side's type."""
    mine, theirs = family_of(kind), family_of(other)
    if mine == "text" and theirs in ("whole", "float", "decimal", "boolean", "date", "time"):
        return convert(sql, kind, "DOUBLE" if theirs == "decimal" else other) or sql
    if mine == "boolean" and is_number(theirs):
        return f"CAST({sql} AS INTEGER)"
    return sql


def quoted(name: str) -> str:
    """A name as DuckDB takes it.

    >>> quoted('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text as DuckDB takes it, with its type."""
    return "CAST('" + text.replace("'", "''").replace("\0", "") + "' AS VARCHAR)"
