"""A GraphQL document as a tree of fields with their arguments filled in: as much of the language as clients send."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from driftline.errors import Invalid

DEPTH = 32
"""How deep selections and values may be nested."""

_TOKEN = re.compile(
    r"""[\s,\ufeff]+|\#[^\n]*"""
    r'''|(?P<block>"""(?:[^"]|"(?!""))*""")|(?P<text>"(?:[^"\\\n]|\\.)*")'''
    r"""|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<mark>\.\.\.|[!$&()\[\]{}:=@|])"""
)
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Field:
    """A field that is asked for: `key` is its name in the answer, `fields` what is asked of it, of any type."""

    name: str
    key: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()

    def asks(self, *path: str) -> bool:
        """Whether fields of these names, one within the other, are asked for.

        >>> parse("{a{b{c}}}").fields[0].asks("b", "c"), parse("{a}").fields[0].asks("b")
        (True, False)
        """
        if not path:
            return True
        return any(each.name == path[0] and each.asks(*path[1:]) for each in self.fields)


@dataclass(frozen=True)
class Document:
    """The operation that is to be done: `kind` is query or mutation."""

    kind: str
    name: str
    fields: tuple[Field, ...]


def parse(text: str, variables: Mapping[str, Any] | None = None, wanted: str | None = None) -> Document:
    """The operation of the document, the one called `wanted` if there are several; raises `Invalid`.

    A variable that was not sent is as if its argument were not there. Arize's toolkit sends the variables of some
    mutations within one called `input` that the document does not declare: they are looked for there too.

    >>> document = parse("query q($n: ID) { node(id: $n) { ... on Space { name } } }", {"n": 3})
    >>> document.fields[0].arguments, document.fields[0].asks("name")
    ({'id': 3}, True)
    """
    reader = _Reader(list(_tokens(text)), variables or {})
    found = reader.document()
    if not found:
        raise Invalid(what="GraphQL query", got=text[:80], expected="a query or a mutation")
    chosen = [each for each in found if wanted is None or each.name == wanted]
    if not chosen:
        raise Invalid(what="operationName", got=wanted, expected=", ".join(each.name for each in found))
    return chosen[0]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise Invalid(what="GraphQL query", got=text[at : at + 20], expected=f"a word or a sign on line {line}")
        at = found.end()
        if found.lastgroup:
            yield found.lastgroup, found.group()


class _Reader:
    """Reads tokens from the first to the last."""

    def __init__(self, tokens: list[tuple[str, str]], variables: Mapping[str, Any]) -> None:
        self._tokens, self._at, self._variables, self._depth = tokens, 0, variables, 0
        self._fragments: dict[str, tuple[Field, ...]] = {}
        nested = variables.get("input")
        self._nested: Mapping[str, Any] = nested if isinstance(nested, Mapping) else {}

    def document(self) -> list[Document]:
        # A fragment may stand behind the operation that uses it: all are read first.
        starts = [place for place, token in enumerate(self._tokens) if token == ("name", "fragment")]
        for place in starts:
            self._at = place + 1
            name = self._take("name")
            while self._peek() != "{":
                self._next()
            self._fragments[name] = self._selection()
        self._at, found = 0, []
        while self._at < len(self._tokens):
            made = self._definition()
            if made is not None:
                found.append(made)
        return found

    def _definition(self) -> Document | None:
        if self._peek() == "{":
            return Document("query", "", self._selection())
        kind = self._take("name")
        name = self._take("name") if self._kind() == "name" else ""
        while self._peek() != "{":  # declarations of variables, a fragment's type, directives
            self._next()
        fields = self._selection()
        if kind == "fragment":
            return None
        if kind not in ("query", "mutation"):
            raise Invalid(what="GraphQL operation", got=kind, expected="query or mutation")
        return Document(kind, name, fields)

    def _selection(self) -> tuple[Field, ...]:
        self._deeper()
        self._take("mark", "{")
        found: list[Field] = []
        while self._peek() != "}":
            if self._peek() == "...":
                found.extend(self._spread())
            else:
                found.append(self._field())
        self._take("mark", "}")
        self._depth -= 1
        return tuple(found)

    def _spread(self) -> tuple[Field, ...]:
        self._take("mark", "...")
        if self._kind() == "name" and self._peek() != "on":
            return self._fragments.get(self._take("name"), ())
        while self._peek() != "{":
            self._next()
        return self._selection()

    def _field(self) -> Field:
        name = key = self._take("name")
        if self._peek() == ":":
            self._next()
            name = self._take("name")
        arguments = self._pairs("(", ")") if self._peek() == "(" else {}
        while self._peek() == "@":
            self._next()
            self._take("name")
            if self._peek() == "(":
                self._pairs("(", ")")
        return Field(name, key, arguments, self._selection() if self._peek() == "{" else ())

    def _pairs(self, first: str, last: str) -> dict[str, Any]:
        self._deeper()
        self._take("mark", first)
        found: dict[str, Any] = {}
        while self._peek() != last:
            name = self._take("name")
            self._take("mark", ":")
            value, is_given = self._value()
            if is_given:
                found[name] = value
        self._take("mark", last)
        self._depth -= 1
        return found

    def _value(self) -> tuple[Any, bool]:
        """A value, and whether it was given: a variable may not have been."""
        if self._peek() == "{":
            return self._pairs("{", "}"), True
        if self._peek() == "[":
            return self._list(), True
        kind, text = self._next()
        if text == "$":
            name = self._take("name")
            held = self._variables if name in self._variables else self._nested
            return held.get(name), name in held
        if kind == "block":
            return text[3:-3].strip(), True
        if kind in ("text", "number"):
            return _plain(text), True
        if kind == "name":
            return _WORDS.get(text, text), True
        raise Invalid(what="GraphQL query", got=text, expected="a value")

    def _list(self) -> list[Any]:
        self._deeper()
        self._take("mark", "[")
        found = []
        while self._peek() != "]":
            found.append(self._value()[0])
        self._take("mark", "]")
        self._depth -= 1
        return found

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise Invalid(what="GraphQL query", got="a deeper one", expected=f"at most {DEPTH} levels")

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise Invalid(what="GraphQL query", got="its end", expected="a closing bracket")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, kind: str, text: str | None = None) -> str:
        found = self._next()
        if found[0] != kind or (text is not None and found[1] != text):
            raise Invalid(what="GraphQL query", got=found[1], expected=text or f"a {kind}")
        return found[1]


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid(what="GraphQL query", got=text[:80], expected="a number or a text") from error
