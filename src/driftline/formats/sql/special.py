"""Functions of Spark over single values whose SQL depends on the types or the number of their arguments."""

from __future__ import annotations

import re
from typing import Any

from driftline.formats.sql.arguments import (
    Special,
    Translate,
    number_of_literal,
    part_of,
    pattern_of,
    shape_of,
    text_of_literal,
)
from driftline.formats.sql.casts import convert, family_of
from driftline.formats.sql.nested import NESTED
from driftline.formats.sql.translator import Translator, text_literal


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
    digits = number_of_literal(t, given[1]) if len(given) > 1 else 0
    return f"spark_rounded({sql}, {digits})" if t.family(sql) == "float" else f"round({sql}, {digits})"


def _log(t: Translator, given: list[Any]) -> str:
    of = t.given(given[-1], "double")
    if len(given) == 1:
        return f"(CASE WHEN {of} > 0 THEN ln({of}) END)"
    to = t.given(given[0], "double")
    return f"(CASE WHEN {of} > 0 AND {to} > 0 THEN ln({of}) / ln({to}) END)"


def _parsed(target: str) -> Translate:
    """A text read by a date pattern, or cast as Spark does where there is none."""

    def special(t: Translator, given: list[Any]) -> str:
        sql = t.sql(given[0])
        if len(given) == 1 or t.family(sql) != "text":
            return t.coerce(sql, {"DATE": "date", "TIMESTAMP": "time"}[target], given[0])
        pattern = text_of_literal(t, given[1], "a date pattern in quotes")
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
    given_pattern = (
        text_of_literal(t, given[1], "a date pattern in quotes") if len(given) > 1 else "yyyy-MM-dd HH:mm:ss"
    )
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
    unit = text_of_literal(t, node, "a unit in quotes").lower()
    if unit not in _UNITS:
        raise t.expression.fault(node, unit, f"one of {', '.join(_UNITS)}")
    return _UNITS[unit]


def _date_part(t: Translator, given: list[Any]) -> str:
    return part_of(t, text_of_literal(t, given[0], "a part in quotes"), given[1])


def _regexp_extract(name: str) -> Translate:
    """A group of a match; that the pattern has such a group is checked, DuckDB would give nothing."""

    def translate(t: Translator, given: list[Any]) -> str:
        text, pattern = t.given(given[0], "text"), t.given(given[1], "text")
        group = number_of_literal(t, given[2]) if len(given) > 2 else 1
        if type(given[1]).__name__ == "Literal":
            groups = len(re.findall(r"(?<!\\)\((?!\?(?!P?<\w))", str(given[1].this)))
            if group > groups:
                remedy = "Put what is wanted in ( ), or give 0 as third argument for the whole match."
                raise t.expression.fault(given[1], f"{groups} groups", f"a pattern with group {group}", remedy)
        return f"{name}({text}, {pattern}, {group})"

    return translate


def _regexp_replace(t: Translator, given: list[Any]) -> str:
    text, pattern = t.given(given[0], "text"), t.given(given[1], "text")
    fresh = text_of_literal(t, given[2], "a text in quotes")
    groups = re.sub(r"\\\\|\\\$|\$(\d)", _group, fresh)
    return f"regexp_replace({text}, {pattern}, {text_literal(groups)}, 'g')"


def _group(found: re.Match[str]) -> str:
    """Java writes a group as `$1`, and the sign itself as `\\$`."""
    return {"\\\\": "\\\\", "\\$": "$"}.get(found.group(0), f"\\{found.group(1)}")


def _sha2(t: Translator, given: list[Any]) -> str:
    if number_of_literal(t, given[1], "0 or 256") not in (0, 256):
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


SPECIAL: dict[str, Special] = {
    **NESTED,
    "ceil": Special(1, 1, _to_whole("ceil")),
    "ceiling": Special(1, 1, _to_whole("ceil")),
    "coalesce": Special(1, None, _alternatives("coalesce")),
    "date_part": Special(2, 2, _date_part),
    "date_trunc": Special(2, 2, _date_trunc),
    "datepart": Special(2, 2, _date_part),
    "decode": Special(2, None, _decode),
    "floor": Special(1, 1, _to_whole("floor")),
    "from_unixtime": Special(1, 2, _from_unixtime),
    "greatest": Special(2, None, _alternatives("greatest")),
    "if": Special(3, 3, _if),
    "ifnull": Special(2, 2, _alternatives("coalesce")),
    "least": Special(2, None, _alternatives("least")),
    "log": Special(1, 2, _log),
    "nullif": Special(2, 2, _nullif),
    "nvl": Special(2, 2, _alternatives("coalesce")),
    "nvl2": Special(3, 3, _nvl2),
    "regexp_extract": Special(2, 3, _regexp_extract("regexp_extract")),
    "regexp_extract_all": Special(2, 3, _regexp_extract("regexp_extract_all")),
    "regexp_replace": Special(3, 3, _regexp_replace),
    "round": Special(1, 2, _round),
    "sha2": Special(2, 2, _sha2),
    "to_date": Special(1, 2, _parsed("DATE")),
    "to_timestamp": Special(1, 2, _parsed("TIMESTAMP")),
    "to_unix_timestamp": Special(1, 2, _unix_timestamp),
    "trunc": Special(2, 2, _trunc),
    "unix_timestamp": Special(0, 2, _unix_timestamp),
}
"""Name in lower case -> how a call is translated."""
