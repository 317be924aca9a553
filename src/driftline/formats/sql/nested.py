"""Functions of Spark over lists, maps, structs and JSON, and those that take lambdas."""

from __future__ import annotations

from typing import Any

from driftline.formats.sql.arguments import Special, Translate, text_of_literal
from driftline.formats.sql.casts import TARGETS
from driftline.formats.sql.translator import Translator, quoted, text_literal


def _concat(t: Translator, given: list[Any]) -> str:
    sqls = [t.sql(each) for each in given]
    if any(t.family(sql) == "list" for sql in sqls):
        missing = " OR ".join(f"{sql} IS NULL" for sql in sqls)
        return f"(CASE WHEN {missing} THEN NULL ELSE list_concat({', '.join(sqls)}) END)"
    return "(" + " || ".join(t.coerce(sql, "text", each) for sql, each in zip(sqls, given, strict=True)) + ")"


def _reverse(t: Translator, given: list[Any]) -> str:
    sql = t.sql(given[0])
    return f"list_reverse({sql})" if t.family(sql) == "list" else f"reverse({t.coerce(sql, 'text', given[0])})"


def _size(t: Translator, given: list[Any]) -> str:
    sql = t.sql(given[0])
    if t.family(sql) not in ("list", "map", "null"):
        raise t.misfit(given[0], t.type_of(sql), "list")
    length = "0" if t.family(sql) == "null" else f"{'len' if t.family(sql) == 'list' else 'cardinality'}({sql})"
    return f"(CASE WHEN {sql} IS NULL THEN -1 ELSE {length} END)"


def _element_at(t: Translator, given: list[Any]) -> str:
    items = t.sql(given[0])
    if t.family(items) == "map":
        return f"map_extract_value({items}, {t.sql(given[1])})"
    return f"list_extract({t.coerce(items, 'list', given[0])}, {t.given(given[1], 'whole')})"


def _get(t: Translator, given: list[Any]) -> str:
    index = t.given(given[1], "whole")
    return f"(CASE WHEN {index} >= 0 THEN list_extract({t.given(given[0], 'list')}, {index} + 1) END)"


def _array(t: Translator, given: list[Any]) -> str:
    return "[" + ", ".join(t.alike(given)) + "]"


def _map(t: Translator, given: list[Any]) -> str:
    if len(given) % 2:
        raise t.expression.fault("map", f"{len(given)} arguments", "a key and a value, and so on")
    return f"MAP([{', '.join(t.alike(given[::2]))}], [{', '.join(t.alike(given[1::2]))}])"


def _map_from_arrays(t: Translator, given: list[Any]) -> str:
    return f"MAP({t.given(given[0], 'list')}, {t.given(given[1], 'list')})"


def _struct(t: Translator, given: list[Any]) -> str:
    named = [(str(each.alias_or_name) or f"col{place}", each) for place, each in enumerate(given, 1)]
    members = (f"{quoted(name)} := {t.sql(each.unalias())}" for name, each in named)
    return f"struct_pack({', '.join(members)})"


def _named_struct(t: Translator, given: list[Any]) -> str:
    names = [text_of_literal(t, each, "a name in quotes") for each in given[::2]]
    if len(given) % 2 or len({name.lower() for name in names}) < len(names) or not all(names):
        raise t.expression.fault("named_struct", ", ".join(names), "different names, each with its value")
    members = (f"{quoted(name)} := {t.sql(value)}" for name, value in zip(names, given[1::2], strict=True))
    return f"struct_pack({', '.join(members)})"


def _from_json(t: Translator, given: list[Any]) -> str:
    text, schema = t.given(given[0], "text"), text_of_literal(t, given[1], "a schema in quotes, as 'a INT, b STRING'")
    structure = _structure(t, _schema_of(t, schema))
    return f"json_transform(CASE WHEN json_valid({text}) THEN {text} END, {text_literal(structure)})"


def _schema_of(t: Translator, schema: str) -> Any:
    """The parsed type; a list of columns means a struct of them."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    for spelt in (f"STRUCT<{schema}>", schema):
        try:
            return exp.DataType.build(spelt, dialect="spark")
        except (SqlglotError, RecursionError):
            continue
    raise t.expression.fault(schema, schema, "a schema as 'a INT, b ARRAY<STRING>'")


def _structure(t: Translator, kind: Any) -> str:
    """What DuckDB's json_transform takes: a JSON value in the shape of the wanted one."""
    import json

    name = kind.this.name if hasattr(kind.this, "name") else str(kind.this)
    if name == "STRUCT":
        members = (f"{json.dumps(each.name)}: {_structure(t, each.args['kind'])}" for each in kind.expressions)
        return "{" + ", ".join(members) + "}"
    if name in ("ARRAY", "LIST"):
        return f"[{_structure(t, kind.expressions[0])}]"
    if name not in TARGETS or name == "DECIMAL":
        raise t.expression.fault(None, kind.sql("spark"), "simple types, ARRAY and STRUCT in the schema")
    return f'"{TARGETS[name]}"'


def _to_json(t: Translator, given: list[Any]) -> str:
    sql = t.sql(given[0])
    if t.family(sql) not in ("list", "map", "struct"):
        raise t.misfit(given[0], t.type_of(sql), "struct")
    return f"(CASE WHEN {sql} IS NOT NULL THEN CAST(json_merge_patch('{{}}', to_json({sql})) AS VARCHAR) END)"


def _with_lambda(template: str, body_kind: str = "any") -> Translate:
    """A function of a list and a lambda with the element and, counted from 0, its place."""

    def special(t: Translator, given: list[Any]) -> str:
        items = t.given(given[0], "list")
        body, names = _body(t, given[1], [f"list_extract({items}, 1)", "CAST(0 AS INTEGER)"], body_kind)
        if len(names) > 1:  # DuckDB counts from 1
            body = body.replace(names[1], f"({names[1]} - 1)")
        return template.format(items=items, names=", ".join(names), body=body)

    return special


def _body(t: Translator, node: Any, elements: list[str], kind: str) -> tuple[str, list[str]]:
    if type(node).__name__ != "Lambda":
        raise t.expression.fault(node, node.sql("spark"), "a lambda such as x -> x + 1")
    inner, names = t.within(node, elements)
    return inner.given(node.this, kind), names


def _aggregate(t: Translator, given: list[Any]) -> str:
    items, start = t.given(given[0], "list"), t.sql(given[1])
    body, names = _body(t, given[2], [start, f"list_extract({items}, 1)"], "any")
    folded = f"list_reduce({items}, lambda {', '.join(names)}: {body}, {start})"
    if len(given) < 4:
        return folded
    finish, last = _body(t, given[3], [folded], "any")
    return f"list_extract(list_transform([{folded}], lambda {last[0]}: {finish}), 1)"


def _lists(template: str) -> Translate:
    def translate(t: Translator, given: list[Any]) -> str:
        one, other = t.given(given[0], "list"), t.given(given[1], "list")
        return f"(CASE WHEN {one} IS NOT NULL AND {other} IS NOT NULL THEN {template.format(one, other)} END)"

    return translate


def _append(t: Translator, given: list[Any]) -> str:
    items = t.given(given[0], "list")
    return f"(CASE WHEN {items} IS NOT NULL THEN list_append({items}, {t.sql(given[1])}) END)"


def _only_alone(t: Translator, given: list[Any]) -> str:
    raise t.expression.fault(
        "explode",
        f"explode({given[0].sql('spark')}) inside an expression",
        "it by itself",
        "Name its result by AS, use it later.",
    )


_FILTERED = "list_filter({items}, lambda {names}: {body})"
_UNKNOWN = "list_filter({items}, lambda {names}: ({body}) IS NULL)"
_FAILED = "list_filter({items}, lambda {names}: NOT ({body}))"


NESTED: dict[str, Special] = {
    "aggregate": Special(3, 4, _aggregate),
    "array": Special(0, None, _array),
    "array_append": Special(2, 2, _append),
    "array_except": Special(2, 2, _lists("spark_distinct(list_filter({0}, lambda e: list_position({1}, e) IS NULL))")),
    "array_intersect": Special(
        2, 2, _lists("spark_distinct(list_filter({0}, lambda e: list_position({1}, e) IS NOT NULL))")
    ),
    "array_union": Special(2, 2, _lists("spark_distinct(list_concat({0}, {1}))")),
    "cardinality": Special(1, 1, _size),
    "concat": Special(1, None, _concat),
    "element_at": Special(2, 2, _element_at),
    "exists": Special(
        2,
        2,
        _with_lambda(f"(CASE WHEN len({_FILTERED}) > 0 THEN true WHEN len({_UNKNOWN}) = 0 THEN false END)", "boolean"),
    ),
    "explode": Special(1, 1, _only_alone),
    "explode_outer": Special(1, 1, _only_alone),
    "filter": Special(2, 2, _with_lambda(_FILTERED, "boolean")),
    "forall": Special(
        2,
        2,
        _with_lambda(f"(CASE WHEN len({_FAILED}) > 0 THEN false WHEN len({_UNKNOWN}) = 0 THEN true END)", "boolean"),
    ),
    "from_json": Special(2, 2, _from_json),
    "get": Special(2, 2, _get),
    "map": Special(0, None, _map),
    "map_from_arrays": Special(2, 2, _map_from_arrays),
    "named_struct": Special(2, None, _named_struct),
    "reduce": Special(3, 4, _aggregate),
    "reverse": Special(1, 1, _reverse),
    "size": Special(1, 1, _size),
    "struct": Special(1, None, _struct),
    "to_json": Special(1, 1, _to_json),
    "transform": Special(2, 2, _with_lambda("list_transform({items}, lambda {names}: {body})")),
}
"""Name in lower case -> the function."""
