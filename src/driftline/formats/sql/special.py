"""Functions of Spark whose SQL depends on the types or the number of their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from driftline.formats.sql.arguments import literal_of, part_of, pattern_of, shape_of
from driftline.formats.sql.casts import TARGETS, convert, family_of
from driftline.formats.sql.translator import Translator, quoted, text_literal

Translate = Callable[[Translator, list[Any]], str]


@dataclass(frozen=True, slots=True)
class Special:
    """A function that is code: how few and how many arguments it takes (None: any number), and its translation."""

    least: int
    most: int | None
    translate: Translate


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
    base = t.sql(given[0])
    if t.family(base) == "map":
        return f"map_extract_value({base}, {t.sql(given[1])})"
    return f"list_extract({t.coerce(base, 'list', given[0])}, {t.given(given[1], 'whole')})"


def _get(t: Translator, given: list[Any]) -> str:
    index = t.given(given[1], "whole")
    return f"(CASE WHEN {index} >= 0 THEN list_extract({t.given(given[0], 'list')}, {index} + 1) END)"


def _alternatives(name: str) -> Translate:
    return lambda t, given: f"{name}({', '.join(t.alike(given))})"


def _nvl2(t: Translator, given: list[Any]) -> str:
    values = t.alike(given[1:])
    return f"(CASE WHEN {t.sql(given[0])} IS NOT NULL THEN {values[0]} ELSE {values[1]} END)"


def _nullif(t: Translator, given: list[Any]) -> str:
    left, right = t.comparable(*given)
    return f"(CASE WHEN {left} = {right} THEN NULL ELSE {t.sql(given[0])} END)"


def _if(t: Translator, given: list[Any]) -> str:
    values = t.alike(given[1:])
    return f"(CASE WHEN {t.given(given[0], 'boolean')} THEN {values[0]} ELSE {values[1]} END)"


def _to_whole(name: str) -> Translate:
    """Ceil and floor: whole numbers from floating ones, as in Java."""

    def special(t: Translator, given: list[Any]) -> str:
        sql = t.given(given[0], "number")
        kind = t.type_of(sql)
        if family_of(kind) == "whole":
            return f"CAST({sql} AS BIGINT)"
        rounded = f"{name}({sql})"
        return (convert(rounded, "DOUBLE", "BIGINT") or rounded) if family_of(kind) == "float" else rounded

    return special


def _round(t: Translator, given: list[Any]) -> str:
    sql = t.given(given[0], "number")
    digits = literal_of(t, given[1], "a whole number") if len(given) > 1 else 0
    return f"spark_rounded({sql}, {int(digits)})" if t.family(sql) == "float" else f"round({sql}, {int(digits)})"


def _log(t: Translator, given: list[Any]) -> str:
    of = t.given(given[-1], "double")
    if len(given) == 1:
        return f"(CASE WHEN {of} > 0 THEN ln({of}) END)"
    to = t.given(given[0], "double")
    return f"(CASE WHEN {of} > 0 AND {to} > 0 THEN ln({of}) / ln({to}) END)"


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
    names = [str(literal_of(t, each, "a name in quotes")) for each in given[::2]]
    if len(given) % 2 or len({name.lower() for name in names}) < len(names) or not all(names):
        raise t.expression.fault("named_struct", ", ".join(names), "different names, each with its value")
    members = (f"{quoted(name)} := {t.sql(value)}" for name, value in zip(names, given[1::2], strict=True))
    return f"struct_pack({', '.join(members)})"


def _from_json(t: Translator, given: list[Any]) -> str:
    text, schema = t.given(given[0], "text"), str(literal_of(t, given[1], "a schema in quotes, as 'a INT, b STRING'"))
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


def _parsed(target: str) -> Translate:
    """A text read by a date pattern, or cast as Spark does where there is none."""

    def special(t: Translator, given: list[Any]) -> str:
        sql = t.sql(given[0])
        if len(given) == 1 or t.family(sql) != "text":
            return t.coerce(sql, {"DATE": "date", "TIMESTAMP": "time"}[target], given[0])
        pattern = literal_of(t, given[1], "a date pattern in quotes")
        fits = f"regexp_full_match({sql}, {shape_of(t, pattern)})"
        parsed = f"CASE WHEN {fits} THEN try_strptime({sql}, {pattern_of(t, pattern)}) END"
        zoned = t.type_of(parsed) == "TIMESTAMP WITH TIME ZONE"
        return f"CAST({parsed} AT TIME ZONE 'UTC' AS {target})" if zoned else f"CAST({parsed} AS {target})"

    return special


def _unix_timestamp(t: Translator, given: list[Any]) -> str:
    if not given:
        raise t.expression.fault("unix_timestamp", "no argument", "a time", "Now is another answer each time.")
    if len(given) == 1 and t.family(t.sql(given[0])) == "text":
        from sqlglot import exp

        given = [*given, exp.Literal.string("yyyy-MM-dd HH:mm:ss")]
    return f"CAST(trunc(epoch_us({_parsed('TIMESTAMP')(t, given)}) / 1000000.0) AS BIGINT)"


def _from_unixtime(t: Translator, given: list[Any]) -> str:
    given_pattern = literal_of(t, given[1], "a date pattern in quotes") if len(given) > 1 else "yyyy-MM-dd HH:mm:ss"
    moment = f"TRY(make_timestamp(CAST({t.given(given[0], 'whole')} AS BIGINT) * 1000000))"
    return f"strftime({moment}, {pattern_of(t, given_pattern)})"


_UNITS = {
    "year": "year", "yyyy": "year", "yy": "year", "quarter": "quarter", "month": "month", "mm": "month", "mon": "month",
    "week": "week", "day": "day", "dd": "day", "hour": "hour", "minute": "minute", "second": "second",
}  # fmt: skip


def _date_trunc(t: Translator, given: list[Any]) -> str:
    unit = _unit(t, given[0])
    return f"CAST(date_trunc('{unit}', {t.given(given[1], 'time')}) AS TIMESTAMP)"


def _trunc(t: Translator, given: list[Any]) -> str:
    unit = _unit(t, given[1])
    if unit in ("day", "hour", "minute", "second"):
        raise t.expression.fault(given[1], unit, "year, quarter, month or week", "Use date_trunc for shorter units.")
    return f"CAST(date_trunc('{unit}', {t.given(given[0], 'date')}) AS DATE)"


def _unit(t: Translator, node: Any) -> str:
    unit = str(literal_of(t, node, "a unit in quotes")).lower()
    if unit not in _UNITS:
        raise t.expression.fault(node, unit, f"one of {', '.join(_UNITS)}")
    return _UNITS[unit]


def _date_part(t: Translator, given: list[Any]) -> str:
    return part_of(t, str(literal_of(t, given[0], "a part in quotes")), given[1])


def _regexp_extract(name: str) -> Translate:
    """A group of a match; that the pattern has such a group is checked, DuckDB would give nothing."""

    def translate(t: Translator, given: list[Any]) -> str:
        text, pattern = t.given(given[0], "text"), t.given(given[1], "text")
        group = int(literal_of(t, given[2], "a whole number")) if len(given) > 2 else 1
        if type(given[1]).__name__ == "Literal":
            groups = len(re.findall(r"(?<!\\)\((?!\?(?!P?<\w))", str(given[1].this)))
            if group > groups:
                remedy = "Put what is wanted in ( ), or give 0 as third argument for the whole match."
                raise t.expression.fault(given[1], f"{groups} groups", f"a pattern with group {group}", remedy)
        return f"{name}({text}, {pattern}, {group})"

    return translate


def _regexp_replace(t: Translator, given: list[Any]) -> str:
    text, pattern = t.given(given[0], "text"), t.given(given[1], "text")
    fresh = str(literal_of(t, given[2], "a text in quotes"))
    groups = re.sub(r"\\\\|\\\$|\$(\d)", _group, fresh)
    return f"regexp_replace({text}, {pattern}, {text_literal(groups)}, 'g')"


def _group(found: re.Match[str]) -> str:
    """Java writes a group as `$1`, and the sign itself as `\\$`."""
    return {"\\\\": "\\\\", "\\$": "$"}.get(found.group(0), f"\\{found.group(1)}")


def _sha2(t: Translator, given: list[Any]) -> str:
    if literal_of(t, given[1], "0 or 256") not in (0, 256):
        raise t.expression.fault(given[1], given[1].sql("spark"), "0 or 256")
    return f"sha256({t.given(given[0], 'text')})"


def _decode(t: Translator, given: list[Any]) -> str:
    if len(given) == 2:
        return f"TRY(decode({t.sql(given[0])}))"
    subject, *rest = given
    values = t.alike(rest[1::2] + ([rest[-1]] if len(rest) % 2 else []))
    pieces = []
    for search, value in zip(rest[0:-1:2], values, strict=False):
        left, right = t.comparable(subject, search)
        pieces.append(f"WHEN {left} IS NOT DISTINCT FROM {right} THEN {value}")
    otherwise = f" ELSE {values[-1]}" if len(rest) % 2 else ""
    return f"(CASE {' '.join(pieces)}{otherwise} END)"


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

SPECIAL: dict[str, Special] = {
    "aggregate": Special(3, 4, _aggregate),
    "array": Special(0, None, _array),
    "array_append": Special(2, 2, _append),
    "array_except": Special(2, 2, _lists("spark_distinct(list_filter({0}, lambda e: list_position({1}, e) IS NULL))")),
    "array_intersect": Special(
        2, 2, _lists("spark_distinct(list_filter({0}, lambda e: list_position({1}, e) IS NOT NULL))")
    ),
    "array_union": Special(2, 2, _lists("spark_distinct(list_concat({0}, {1}))")),
    "cardinality": Special(1, 1, _size),
    "ceil": Special(1, 1, _to_whole("ceil")),
    "ceiling": Special(1, 1, _to_whole("ceil")),
    "coalesce": Special(1, None, _alternatives("coalesce")),
    "concat": Special(1, None, _concat),
    "date_part": Special(2, 2, _date_part),
    "date_trunc": Special(2, 2, _date_trunc),
    "datepart": Special(2, 2, _date_part),
    "decode": Special(2, None, _decode),
    "element_at": Special(2, 2, _element_at),
    "exists": Special(
        2,
        2,
        _with_lambda(f"(CASE WHEN len({_FILTERED}) > 0 THEN true WHEN len({_UNKNOWN}) = 0 THEN false END)", "boolean"),
    ),
    "explode": Special(1, 1, _only_alone),
    "explode_outer": Special(1, 1, _only_alone),
    "filter": Special(2, 2, _with_lambda(_FILTERED, "boolean")),
    "floor": Special(1, 1, _to_whole("floor")),
    "forall": Special(
        2,
        2,
        _with_lambda(f"(CASE WHEN len({_FAILED}) > 0 THEN false WHEN len({_UNKNOWN}) = 0 THEN true END)", "boolean"),
    ),
    "from_json": Special(2, 2, _from_json),
    "from_unixtime": Special(1, 2, _from_unixtime),
    "get": Special(2, 2, _get),
    "greatest": Special(2, None, _alternatives("greatest")),
    "if": Special(3, 3, _if),
    "ifnull": Special(2, 2, _alternatives("coalesce")),
    "least": Special(2, None, _alternatives("least")),
    "log": Special(1, 2, _log),
    "map": Special(0, None, _map),
    "map_from_arrays": Special(2, 2, _map_from_arrays),
    "named_struct": Special(2, None, _named_struct),
    "nullif": Special(2, 2, _nullif),
    "nvl": Special(2, 2, _alternatives("coalesce")),
    "nvl2": Special(3, 3, _nvl2),
    "reduce": Special(3, 4, _aggregate),
    "regexp_extract": Special(2, 3, _regexp_extract("regexp_extract")),
    "regexp_extract_all": Special(2, 3, _regexp_extract("regexp_extract_all")),
    "regexp_replace": Special(3, 3, _regexp_replace),
    "reverse": Special(1, 1, _reverse),
    "round": Special(1, 2, _round),
    "sha2": Special(2, 2, _sha2),
    "size": Special(1, 1, _size),
    "struct": Special(1, None, _struct),
    "to_date": Special(1, 2, _parsed("DATE")),
    "to_json": Special(1, 1, _to_json),
    "to_timestamp": Special(1, 2, _parsed("TIMESTAMP")),
    "to_unix_timestamp": Special(1, 2, _unix_timestamp),
    "transform": Special(2, 2, _with_lambda("list_transform({items}, lambda {names}: {body})")),
    "trunc": Special(2, 2, _trunc),
    "unix_timestamp": Special(0, 2, _unix_timestamp),
}
"""Name in lower case -> how a call is translated."""
