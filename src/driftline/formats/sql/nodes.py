"""From the nodes of a Spark SQL expression to DuckDB's SQL; what no line of the tables here allows is refused.

Nothing the user wrote reaches DuckDB as it is: names and literals are quoted again, everything else is written from
these tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from driftline.formats.sql.arguments import cast_to, from_template, part_of, refuse_count
from driftline.formats.sql.casts import TARGETS
from driftline.formats.sql.functions import FUNCTIONS, REFUSED
from driftline.formats.sql.names import column, member, plain
from driftline.formats.sql.special import SPECIAL
from driftline.formats.sql.translator import Translator, text_literal


def _identifier(t: Translator, node: Any) -> str:
    variable = t.variables.get(str(node.name).lower())
    if variable is not None:
        return variable
    name = str(node.name).lower()
    return plain(t, t.columns[name]) if name in t.columns else "NULL"


def _literal(t: Translator, node: Any) -> str:
    text = str(node.this)
    if node.is_string:
        return text_literal(text)
    if re.fullmatch(r"\d+", text):
        number = int(text)
        kind = "INTEGER" if number < 2**31 else "BIGINT" if number < 2**63 else "DECIMAL(38, 0)"
        return f"CAST({text} AS {kind})" if len(text) <= 38 else f"CAST('{text}' AS DOUBLE)"
    if re.fullmatch(r"\d*\.\d*", text) and len(text) <= 38:
        return f"({text}0)" if text.endswith(".") else f"({text})"
    if re.fullmatch(r"[\d.]+([eE][+-]?\d+)?", text):
        return f"CAST('{text}' AS DOUBLE)"
    raise t.refusal(node)


def _arithmetic(sign: str) -> Callable[[Translator, Any], str]:
    def translate(t: Translator, node: Any) -> str:
        return f"({t.given(node.this, 'number')} {sign} {t.given(node.expression, 'number')})"

    return translate


def _shifted(sign: str) -> Callable[[Translator, Any], str]:
    """Sums and differences: of numbers, or of a time and an interval, or of a date and days."""

    def translate(t: Translator, node: Any) -> str:
        left, right = t.sql(node.this), t.sql(node.expression)
        families = t.family(left), t.family(right)
        if families in (("date", "whole"),):
            return f"({left} {sign} CAST({right} AS INTEGER))"
        if families[1] == "interval" and families[0] in ("date", "time", "text"):
            whole_days = str(node.expression.args.get("unit")).rstrip("S") in ("DAY", "WEEK", "MONTH", "YEAR")
            kind = "date" if families[0] == "date" and whole_days else "time"
            return f"CAST({t.coerce(left, 'time', node.this)} {sign} {right} AS {_TIME_KINDS[kind]})"
        if {*families} & {"date", "time"}:
            remedy = "Use datediff(a, b) for days and unix_timestamp(a) - unix_timestamp(b) for seconds."
            raise t.expression.fault(node, node.sql("spark"), "numbers, or a time and an interval", remedy)
        return f"({t.coerce(left, 'number', node.this)} {sign} {t.coerce(right, 'number', node.expression)})"

    return translate


_TIME_KINDS = {"date": "DATE", "time": "TIMESTAMP"}


def _divided(t: Translator, node: Any) -> str:
    return f"({t.given(node.this, 'number')} / nullif({t.given(node.expression, 'number')}, 0))"


def _remainder(t: Translator, node: Any) -> str:
    return f"({t.given(node.this, 'number')} % nullif({t.given(node.expression, 'number')}, 0))"


def _whole_division(t: Translator, node: Any) -> str:
    left, right = t.given(node.this, "number"), t.given(node.expression, "number")
    if {t.family(left), t.family(right)} == {"whole"}:
        return f"CAST({left} // nullif({right}, 0) AS BIGINT)"
    return f"TRY_CAST(trunc({left} / nullif({right}, 0)) AS BIGINT)"


def _bits(sign: str) -> Callable[[Translator, Any], str]:
    def translate(t: Translator, node: Any) -> str:
        left, right = t.given(node.this, "whole"), t.given(node.expression, "whole")
        return f"xor({left}, {right})" if sign == "^" else f"({left} {sign} {right})"

    return translate


def _compared(sign: str) -> Callable[[Translator, Any], str]:
    def translate(t: Translator, node: Any) -> str:
        left, right = t.comparable(node.this, node.expression)
        return f"({left} {sign} {right})"

    return translate


def _logical(sign: str) -> Callable[[Translator, Any], str]:
    def translate(t: Translator, node: Any) -> str:
        return f"({t.given(node.this, 'boolean')} {sign} {t.given(node.expression, 'boolean')})"

    return translate


def _is(t: Translator, node: Any) -> str:
    what = type(node.expression).__name__
    if what == "Null":
        return f"({t.sql(node.this)} IS NULL)"
    if what == "Boolean":
        return f"({t.given(node.this, 'boolean')} IS {'TRUE' if node.expression.this else 'FALSE'})"
    raise t.refusal(node)


def _in(t: Translator, node: Any) -> str:
    if not node.expressions or node.args.get("query") or node.args.get("field"):
        raise t.expression.fault(node, "a query behind IN", "a list of values")
    first, *others = t.alike([node.this, *node.expressions])
    return f"({first} IN ({', '.join(others)}))"


def _between(t: Translator, node: Any) -> str:
    low = t.comparable(node.this, node.args["low"])
    high = t.comparable(node.this, node.args["high"])
    return f"({low[0]} >= {low[1]} AND {high[0]} <= {high[1]})"


def _like(word: str, escape: str = "\\") -> Callable[[Translator, Any], str]:
    def translate(t: Translator, node: Any) -> str:
        negated = "NOT " if node.args.get("negate") else ""
        return f"({t.given(node.this, 'text')} {negated}{word} {t.given(node.expression, 'text')} ESCAPE '{escape}')"

    return translate


def _escaped(t: Translator, node: Any) -> str:
    sign = str(node.expression.this)
    word = {"Like": "LIKE", "ILike": "ILIKE"}.get(type(node.this).__name__)
    if word is None or len(sign) != 1 or sign == "'":
        raise t.refusal(node)
    return _like(word, sign)(t, node.this)


def _case(t: Translator, node: Any) -> str:
    operand, branches, default = node.this, node.args["ifs"], node.args.get("default")
    values = t.alike([branch.args["true"] for branch in branches] + ([default] if default is not None else []))
    pieces = ["CASE"]
    for branch, value in zip(branches, values, strict=False):
        if operand is None:
            condition = t.given(branch.this, "boolean")
        else:
            condition = " = ".join(t.comparable(operand, branch.this))
        pieces.append(f"WHEN {condition} THEN {value}")
    if default is not None:
        pieces.append(f"ELSE {values[-1]}")
    return "(" + " ".join([*pieces, "END"]) + ")"


def _if(t: Translator, node: Any) -> str:
    otherwise = node.args.get("false")
    if otherwise is None:
        raise t.expression.fault("if", "2 arguments of if", "3 arguments")
    return call(t, "if", [node.this, node.args["true"], otherwise])


def _bracket(t: Translator, node: Any) -> str:
    whole = t.sql(node.this)
    family = t.family(whole)
    if len(node.expressions) != 1 or family not in ("list", "map", "struct", "null"):
        raise t.expression.fault(node, node.sql("spark"), "a list, a map or a struct before [ ]")
    place = node.expressions[0]
    if family == "struct" and place.is_string:
        return member(t, whole, str(place.this))
    if family == "list":
        index = t.given(place, "whole")
        return f"(CASE WHEN {index} >= 0 THEN {whole}[{index} + 1] END)"
    return f"map_extract_value({whole}, {t.sql(place)})" if family == "map" else "NULL"


def _dot(t: Translator, node: Any) -> str:
    if type(node.expression).__name__ != "Identifier":
        raise t.refusal(node)
    return member(t, t.sql(node.this), str(node.expression.name))


def _interval(t: Translator, node: Any) -> str:
    unit, amount = str(node.args.get("unit") or "").upper().rstrip("S"), str(getattr(node.this, "this", ""))
    known = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    if unit not in known or not re.fullmatch(r"[+-]?\d{1,9}", amount):
        raise t.expression.fault(node, node.sql("spark"), "an interval such as INTERVAL 3 DAYS")
    return f"INTERVAL '{amount}' {unit}"


def _cast(t: Translator, node: Any) -> str:
    return cast_to(t, node.this, node.to.this.name if hasattr(node.to.this, "name") else "", node.to)


def _trim(t: Translator, node: Any) -> str:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    signs = t.given(node.expression, "text") if node.expression is not None else "' '"
    return f"{name}({t.given(node.this, 'text')}, {signs})"


def _substring(t: Translator, node: Any) -> str:
    length = node.args.get("length")
    count = t.given(length, "whole") if length is not None else "2147483647"
    start = node.args.get("start")
    if start is None:
        raise t.expression.fault("substring", "1 argument of substring", "2 to 3 arguments")
    return f"spark_substring({t.given(node.this, 'text')}, {t.given(start, 'whole')}, {count})"


def _extract(t: Translator, node: Any) -> str:
    return part_of(t, str(node.this), node.expression)


def _function(t: Translator, node: Any) -> str:
    return call(t, str(node.this).lower(), list(node.expressions))


def call(t: Translator, name: str, arguments: list[Any]) -> str:
    """A call of one of Spark's functions."""
    if name in SPECIAL:
        special = SPECIAL[name]
        refuse_count(t, name, len(arguments), special.least, special.most)
        return special.translate(t, arguments)
    if name in FUNCTIONS:
        return from_template(t, name, FUNCTIONS[name], arguments)
    if name.upper() in TARGETS and len(arguments) == 1:
        return cast_to(t, arguments[0], name)
    if name in REFUSED:
        raise t.expression.fault(name, f"{name}(...)", "a function of one row", REFUSED[name])
    close = get_close_matches(name, [*FUNCTIONS, *SPECIAL, *TARGETS], n=3)
    remedy = f"Did you mean {' or '.join(close)}?" if close else "docs/reference/select-expr.md lists them all."
    raise t.expression.fault(name, f"{name}(...)", "a function that is supported", remedy)


_TRANSLATIONS: dict[str, Callable[[Translator, Any], str]] = {
    "Column": column,
    "Identifier": _identifier,
    "Literal": _literal,
    "RawString": lambda _, node: text_literal(str(node.this)),
    "Concat": lambda t, node: "(" + " || ".join(t.given(each, "text") for each in node.expressions) + ")",
    "Null": lambda _t, _node: "NULL",
    "Boolean": lambda _, node: "TRUE" if node.this else "FALSE",
    "Paren": lambda t, node: f"({t.sql(node.this)})",
    "Add": _shifted("+"),
    "Sub": _shifted("-"),
    "Mul": _arithmetic("*"),
    "Div": _divided,
    "IntDiv": _whole_division,
    "Mod": _remainder,
    "Neg": lambda t, node: f"(- {t.given(node.this, 'number')})",
    "BitwiseAnd": _bits("&"),
    "BitwiseOr": _bits("|"),
    "BitwiseXor": _bits("^"),
    "BitwiseNot": lambda t, node: f"(~ {t.given(node.this, 'whole')})",
    "EQ": _compared("="),
    "NEQ": _compared("<>"),
    "GT": _compared(">"),
    "GTE": _compared(">="),
    "LT": _compared("<"),
    "LTE": _compared("<="),
    "NullSafeEQ": _compared("IS NOT DISTINCT FROM"),
    "NullSafeNEQ": _compared("IS DISTINCT FROM"),
    "And": _logical("AND"),
    "Or": _logical("OR"),
    "Not": lambda t, node: f"(NOT {t.given(node.this, 'boolean')})",
    "Is": _is,
    "In": _in,
    "Between": _between,
    "Like": _like("LIKE"),
    "ILike": _like("ILIKE"),
    "Escape": _escaped,
    "RegexpLike": lambda t, node: f"regexp_matches({t.given(node.this, 'text')}, {t.given(node.expression, 'text')})",
    "Case": _case,
    "If": _if,
    "DPipe": lambda t, node: f"({t.given(node.this, 'text')} || {t.given(node.expression, 'text')})",
    "Bracket": _bracket,
    "Dot": _dot,
    "Interval": _interval,
    "Cast": _cast,
    "TryCast": _cast,
    "Trim": _trim,
    "Substring": _substring,
    "Extract": _extract,
    "Anonymous": _function,
    "Transform": lambda t, node: call(t, "transform", [node.this, node.expression]),
}

_MEMBERS: dict[str, set[str]] = {
    "Between": {"low", "high"},
    "Case": {"ifs", "default"},
    "Cast": {"to"},
    "Column": {"table", "db", "catalog"},
    "DPipe": {"safe"},
    "Div": {"safe"},
    "ILike": {"negate"},
    "Identifier": {"quoted"},
    "If": {"true", "false"},
    "Interval": {"unit"},
    "Like": {"negate"},
    "Literal": {"is_string"},
    "Substring": {"start", "length"},
    "Trim": {"position"},
    "TryCast": {"to", "safe"},
}
"""What a node may hold beside `this`, `expression` and `expressions`; anything more would be lost in translation."""


def _whole(name: str, translate: Callable[[Translator, Any], str]) -> Callable[[Translator, Any], str]:
    """The translation of a node that holds nothing unheard of."""
    known = {"this", "expression", "expressions", *_MEMBERS.get(name, ())}

    def checked(t: Translator, node: Any) -> str:
        if any(value and member not in known for member, value in node.args.items()):
            raise t.refusal(node)
        return translate(t, node)

    return checked


NODES: dict[str, Callable[[Translator, Any], str]] = {
    name: _whole(name, translate) for name, translate in _TRANSLATIONS.items()
}
"""Class of a sqlglot node -> its translation; the list of all that is allowed."""
