"""Spark SQL expressions as the user writes them: parsed, named, and checked to be one expression each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from driftline.errors import Invalid
from driftline.formats.sql.casts import TARGETS

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST = 10_000
"""Characters an expression may have; deeper nesting than that is no expression a person writes."""


@dataclass(frozen=True)
class Expression:
    """One expression: its text, its tree without the alias, and the name the column gets.

    `name` is None where it is not decided by the text alone (`*`, `a.*`).
    """

    text: str
    tree: exp.Expression
    name: str | None

    def fault(self, at: str | exp.Expression | None, got: object, expected: str, remedy: str = "") -> Invalid:
        """The error that names this expression and, as far as it is known, the character from 1."""
        place = self._place(at)
        where = f" at character {place}" if place else ""
        return Invalid(what=f"select expression {self.text!r}{where}", got=got, expected=expected, remedy=remedy)

    def _place(self, at: str | exp.Expression | None) -> int | None:
        if at is None:
            return None
        if isinstance(at, str):
            found = re.search(rf"(?<!\w){re.escape(at)}(?!\w)", self.text, re.IGNORECASE)
            return found.start() + 1 if found else None
        starts = [node.meta["start"] for node in at.walk() if "start" in node.meta]
        return min(starts) - len(_PREFIX) + 1 if starts else None


_PREFIX = "SELECT "


@lru_cache(maxsize=256)
def parse(text: str) -> Expression:
    """The one expression in `text`; raises `Invalid` if there is none, more than one, or anything beside it.

    >>> parse("upper(city) AS town").name, parse("age + 1").name, parse("person.age").name
    ('town', '(age + 1)', 'age')
    """
    from sqlglot import exp

    tree = _only_expression(text)
    name: str | None = None
    if isinstance(tree, exp.Alias):
        name, tree = tree.alias, tree.this
    elif not tree.is_star:
        name = name_of(tree)
    if name == "":
        raise _refusal(text, "an empty name", "a name for the column")
    return Expression(text, tree, name)


def _only_expression(text: str) -> Any:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if len(text) > LONGEST:
        raise _refusal(text[:60] + "...", f"{len(text)} characters", f"at most {LONGEST}")
    try:
        statements = _dialect().parse(_PREFIX + text)
    except SqlglotError as error:
        raise _unparsable(text, error) from None
    except RecursionError:
        raise _refusal(text[:60] + "...", "an expression nested too deeply", "fewer brackets") from None
    whole = statements[0] if len(statements) == 1 else None
    extras = [name for name, value in whole.args.items() if value and name != "expressions"] if whole else []
    if not isinstance(whole, exp.Select) or extras or not whole.expressions:
        remedy = "An expression works on the columns of one row; tables, filters and further statements have no place."
        raise _refusal(text, extras[0].strip("_") if extras else "something else", "one expression", remedy)
    if len(whole.expressions) > 1:
        remedy = "Give --select-expr once for each."
        raise _refusal(text, f"{len(whole.expressions)} expressions", "one expression", remedy)
    return whole.expressions[0]


@lru_cache(maxsize=1)
def _dialect() -> Any:
    """Spark's, but with every function left as it is written: what it means is decided by our own table."""
    from sqlglot.dialects.spark import Spark
    from sqlglot.parsers.spark import SparkParser

    special = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "SUBSTRING", "SUBSTR")

    class Parser(SparkParser):  # type: ignore[misc]
        FUNCTIONS: dict[str, Any] = {}  # noqa: RUF012 - sqlglot's own way
        FUNCTION_PARSERS = {  # noqa: RUF012
            name: parser for name, parser in SparkParser.FUNCTION_PARSERS.items() if name in special
        }
        NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
            name: parser
            for name, parser in SparkParser.NO_PAREN_FUNCTION_PARSERS.items()
            if name in ("CASE", "IF", "ANY")
        }

    class Tokenizer(Spark.Tokenizer):  # type: ignore[misc]
        STRING_ESCAPES = ["\\", "'"]  # noqa: RUF012 - 'it''s' is one text, as in Spark 4

    class Dialect(Spark):  # type: ignore[misc]
        pass

    Dialect.parser_class, Dialect.tokenizer_class = Parser, Tokenizer
    return Dialect()


def _unparsable(text: str, error: Any) -> Invalid:
    details = getattr(error, "errors", None) or [{}]
    column = (details[0].get("col") or 0) - len(_PREFIX)
    where = f" at character {max(1, column)}" if details[0].get("line") == 1 and column > 0 else ""
    got = details[0].get("highlight") or text
    reason = (details[0].get("description") or str(error).partition("\n")[0]).rstrip(".")
    reason = re.sub(r" for <class '.*'>", " behind it", reason)
    return Invalid(
        what=f"select expression {text!r}{where}",
        got=got,
        expected="one Spark SQL expression",
        remedy=f"{reason}. Names with blanks or signs stand in `backticks`.",
    )


def _refusal(text: str, got: str, expected: str, remedy: str = "") -> Invalid:
    return Invalid(what=f"select expression {text!r}", got=got, expected=expected, remedy=remedy)


def name_of(tree: Any) -> str:
    """The name Spark gives to an expression without `AS`; a cast column keeps its name.

    >>> [parse(text).name for text in ("a", "s.b", "upper(a)", "a = 1 or b", "-a", "cast(a as int)", "a is not null")]
    ['a', 'b', 'upper(a)', '((a = 1) OR b)', '(- a)', 'a', '(a IS NOT NULL)']
    """
    kind = type(tree).__name__
    if kind == "Column":
        return str(tree.name)
    inner: Any = tree.this if kind in ("Cast", "TryCast", "Paren") else None
    if kind == "Anonymous" and str(tree.this).upper() in TARGETS and len(tree.expressions) == 1:
        inner = tree.expressions[0]
    while type(inner).__name__ in ("Cast", "TryCast", "Paren"):
        inner = inner.this
    return str(inner.name) if type(inner).__name__ == "Column" else _spelt(tree)


def _spelt(tree: Any) -> str:
    """As Spark spells a part of a name: every operation in brackets, names and texts without quotes."""
    kind = type(tree).__name__
    if kind in _SIGNS:
        return f"({_spelt(tree.this)} {_SIGNS[kind]} {_spelt(tree.expression)})"
    spell = _SPELLINGS.get(kind)
    return spell(tree) if spell else str(tree.sql("spark"))


def _listed(nodes: Any) -> str:
    return ", ".join(_spelt(each) for each in nodes)


def _spelt_case(tree: Any) -> str:
    pieces = ["CASE"]
    for branch in tree.args["ifs"]:
        condition = _spelt(branch.this)
        asked = condition if tree.this is None else f"({_spelt(tree.this)} = {condition})"
        pieces.append(f"WHEN {asked} THEN {_spelt(branch.args['true'])}")
    default = tree.args.get("default")
    return " ".join([*pieces, *([f"ELSE {_spelt(default)}"] if default is not None else []), "END"])


def _spelt_not(tree: Any) -> str:
    if type(tree.this).__name__ == "Is":
        return f"({_spelt(tree.this.this)} IS NOT {_spelt(tree.this.expression)})"
    return f"(NOT {_spelt(tree.this)})"


def _spelt_function(tree: Any) -> str:
    name = str(tree.this).lower()
    return f"{name.upper() if name in _LOUD else name}({_listed(tree.expressions)})"


_CAPITALS = """ceil floor sqrt cbrt exp expm1 log log10 log1p log2 power sin cos tan asin acos atan atan2 sinh cosh
    tanh degrees radians hypot regexp_like"""
_LOUD = frozenset(_CAPITALS.split())
"""Functions whose names Spark writes in capitals."""

_SPELLINGS: dict[str, Callable[[Any], str]] = {
    "Anonymous": _spelt_function,
    "Boolean": lambda tree: "true" if tree.this else "false",
    "Bracket": lambda tree: f"{_spelt(tree.this)}[{_listed(tree.expressions)}]",
    "Case": _spelt_case,
    "Cast": lambda tree: f"CAST({_spelt(tree.this)} AS {tree.to.sql('spark')})",
    "Column": lambda tree: ".".join(part.name for part in tree.parts),
    "DPipe": lambda tree: f"concat({_spelt(tree.this)}, {_spelt(tree.expression)})",
    "Dot": lambda tree: f"{_spelt(tree.this)}.{tree.expression.name}",
    "Identifier": lambda tree: str(tree.this),
    "If": lambda tree: f"(IF({_listed(each for each in tree.args.values() if each is not None)}))",
    "In": lambda tree: f"({_spelt(tree.this)} IN ({_listed(tree.expressions)}))",
    "Is": lambda tree: f"({_spelt(tree.this)} IS {_spelt(tree.expression)})",
    "Like": lambda tree: ("(NOT {})" if tree.args.get("negate") else "{}").format(
        f"{_spelt(tree.this)} LIKE {_spelt(tree.expression)}"
    ),
    "Literal": lambda tree: str(tree.this),
    "Neg": lambda tree: f"-{tree.this.this}" if type(tree.this).__name__ == "Literal" else f"(- {_spelt(tree.this)})",
    "Not": _spelt_not,
    "Paren": lambda tree: _spelt(tree.this),
    "RegexpLike": lambda tree: f"RLIKE({_spelt(tree.this)}, {_spelt(tree.expression)})",
    "Substring": lambda tree: f"substring({_listed([each for each in tree.args.values() if each is not None])})",
    "Trim": lambda tree: f"trim({_spelt(tree.this)})" if tree.expression is None else str(tree.sql("spark")),
    "TryCast": lambda tree: f"CAST({_spelt(tree.this)} AS {tree.to.sql('spark')})",
}

_SIGNS = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "IntDiv": "div",
    "Mod": "%",
    "EQ": "=",
    "GT": ">",
    "GTE": ">=",
    "LT": "<",
    "LTE": "<=",
    "And": "AND",
    "Or": "OR",
    "NullSafeEQ": "<=>",
    "BitwiseAnd": "&",
    "BitwiseOr": "|",
    "BitwiseXor": "^",
}
