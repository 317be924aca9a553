"""Arguments of functions: cast to what the function takes, or read as the literals they must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from driftline.formats.sql.casts import TARGETS, convert
from driftline.formats.sql.functions import FUNCTIONS, Function
from driftline.formats.sql.patterns import pattern_shape, strftime_pattern
from driftline.formats.sql.translator import Translator, text_literal

Translate = Callable[[Translator, list[Any]], str]


@dataclass(frozen=True, slots=True)
class Special:
    """A function that is code: how few and how many arguments it takes (None: any number), and its translation."""

    least: int
    most: int | None
    translate: Translate


def cast_to(t: Translator, operand: Any, name: str, to: Any = None) -> str:
    """A cast to one of Spark's simple types; `to` holds the digits of a decimal."""
    target = TARGETS.get(name.upper(), "VARCHAR" if name.upper() in ("VARCHAR", "CHAR") else None)
    if target is None:
        known = ", ".join(sorted({key.lower() for key in TARGETS if not key.endswith(("TZ", "TEXT"))}))
        raise t.expression.fault(to or operand, to.sql("spark") if to else name, f"one of the types {known}")
    if target == "DECIMAL":
        digits = [int(str(each.this)) for each in (to.expressions if to else [])] or [10, 0]
        target = f"DECIMAL({digits[0]},{digits[1] if len(digits) > 1 else 0})"
        if not (1 <= digits[0] <= 38 and 0 <= (digits[1] if len(digits) > 1 else 0) <= digits[0]):
            raise t.expression.fault(to, target.lower(), "at most 38 digits, not more of them behind the point")
    sql = t.sql(operand)
    kind = t.type_of(sql)
    cast = convert(sql, kind, target)
    if cast is None:
        raise t.expression.fault(operand, f"a cast of {kind.lower()} to {target.lower()}", "a cast that Spark has")
    return cast


_PARTS = {
    "YEAR": "year", "QUARTER": "quarter", "MONTH": "month", "WEEK": "weekofyear", "DAY": "day", "DOY": "dayofyear",
    "DAYOFWEEK": "dayofweek", "DOW": "dayofweek", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second",
}  # fmt: skip


def part_of(t: Translator, part: str, operand: Any) -> str:
    """A part of a time, as the function of that name gives it."""
    name = _PARTS.get(part.upper())
    if name is None:
        raise t.expression.fault(part, part, f"one of {', '.join(_PARTS)}")
    return from_template(t, name, FUNCTIONS[name], [operand])


def from_template(t: Translator, name: str, function: Function, arguments: list[Any]) -> str:
    """A call of a function of the table."""
    takes = function.takes
    repeated = bool(takes) and takes[-1].endswith("...")
    least = sum(1 for kind in takes if "=" not in kind and not kind.endswith("..."))
    refuse_count(t, name, len(arguments), least, None if repeated else len(takes))
    kinds = [*takes, *([takes[-1]] * (len(arguments) - len(takes)) if repeated else [])]
    given = [_argument(t, argument, kind) for argument, kind in zip(arguments, kinds, strict=False)]
    given += [kind.partition("=")[2] for kind in kinds[len(given) :] if "=" in kind]
    return function.sql.format(*given, all=", ".join(given))


def refuse_count(t: Translator, name: str, count: int, least: int, most: int | None) -> None:
    """Raise `Invalid` if a function is not called with `least` to `most` arguments."""
    if count < least or (most is not None and count > most):
        expected = f"{least} or more" if most is None else str(least) if least == most else f"{least} to {most}"
        raise t.expression.fault(name, f"{count} arguments of {name}", f"{expected} arguments")


def _argument(t: Translator, node: Any, kind: str) -> str:
    kind = kind.partition("=")[0].removesuffix("...")
    if not kind.startswith("#"):
        return t.given(node, kind)
    return _LITERALS[kind](t, node)


def text_of_literal(t: Translator, node: Any, expected: str) -> str:
    """The text of an argument that must be written out, not computed; raises `Invalid` saying what was `expected`."""
    if type(node).__name__ not in ("Literal", "RawString") or not getattr(node, "is_string", True):
        raise t.expression.fault(node, node.sql("spark"), expected)
    return str(node.this)


def number_of_literal(t: Translator, node: Any, expected: str = "a whole number") -> int:
    """The same for a whole number."""
    sign, bare = (-1, node.this) if type(node).__name__ == "Neg" else (1, node)
    if type(bare).__name__ != "Literal" or bare.is_string or not re.fullmatch(r"\d{1,9}", str(bare.this)):
        raise t.expression.fault(node, node.sql("spark"), expected)
    return sign * int(str(bare.this))


def pattern_of(t: Translator, value: str) -> str:
    """A date pattern for DuckDB, from Spark's."""
    return text_literal(strftime_pattern(value, lambda got, said: t.expression.fault(got, got, said)))


def shape_of(t: Translator, value: str) -> str:
    """The regular expression of texts that a date pattern reads."""
    return text_literal(pattern_shape(value, lambda got, said: t.expression.fault(got, got, said)))


def _path(t: Translator, value: str) -> str:
    if not re.fullmatch(r"\$(\.[^.\[\]'\"*]+|\[\d+\]|\['[^'\"\]*]+'\])*", value):
        raise t.expression.fault(None, value, "a path such as $.a.b[0]", "Wildcards are not supported.")
    pieces = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]", value)
    steps = (f"[{index}]" if index else '."' + (name or quote) + '"' for name, index, quote in pieces)
    return text_literal("$" + "".join(steps))


_LITERALS: dict[str, Callable[[Translator, Any], str]] = {
    "#whole": lambda t, node: str(number_of_literal(t, node)),
    "#day": lambda t, node: pattern_of(t, text_of_literal(t, node, "a date pattern in quotes")),
    "#path": lambda t, node: _path(t, text_of_literal(t, node, "a path in quotes")),
}
