"""How a CSV file is written: separator, quotes, header; told by the settings, else by its first rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from driftline.errors import Invalid
from driftline.formats.quotes import Quoting

_SEPARATORS = ",;\t|"
_NUMBER = re.compile(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?|true|false|nan|null", re.IGNORECASE)
_FEW = 20
"""Rows that are looked at."""

_LONGEST = 1 << 28
"""Characters of a value; Python's own limit is 131,072."""


@dataclass(frozen=True)
class Dialect:
    """What a reader must know. `names` are those of the header, or None without one.

    `skip` characters come before the rows: lines that are passed over, and the header.
    """

    separator: str
    quote: str | None
    escape: str | None
    names: tuple[str, ...] | None
    width: int
    skip: int = 0
    comment: str | None = None

    @property
    def quoting(self) -> Quoting | None:
        """What decides where rows end; None where every line is a row."""
        return Quoting(self.quote, self.separator, self.escape) if self.quote else None


def dialect_of(head: str, settings: Mapping[str, Any], names: Sequence[str] | None = None) -> Dialect:
    """The dialect of a file that begins with `head`; settings (`separator`, `header`, `quote`, ...) go before.

    `names` are those expected: rows that have as many values are taken for whole ones.

    >>> found = dialect_of("a;b\\n1;2\\n3;4\\n", {})
    >>> found.separator, found.names
    (';', ('a', 'b'))
    >>> dialect_of("1,2\\n3,4\\n", {}).names is None
    True
    """
    quote = _character(settings, "quote", '"')
    escape = _character(settings, "escape", None)
    comment = _character(settings, "comment", None)
    before = _lines(head, _count(settings.get("skip_rows", 0)))
    body = _Body(head[before:], quote, escape, comment)
    separator = _character(settings, "separator", None) or _character(settings, "delimiter", None) or _sniff(body)
    rows = list(body.rows(separator))
    first, after = rows[0] if rows else ([], 0)
    cells = [row for row, _ in rows]
    header = settings.get("header", "auto")
    has_header = _looks_like_header(cells) if header in ("auto", None) else flag("header", header)
    if has_header and first:
        return Dialect(separator, quote, escape, tuple(first), len(first), before + after, comment)
    return Dialect(separator, quote, escape, None, _width(cells, names), before, comment)


def flag(name: str, value: object) -> bool:
    """A setting that is true or false, also as text; raises `Invalid`.

    >>> flag("header", "true"), flag("header", 0)
    (True, False)
    """
    text = str(value).strip().lower()
    if text not in ("true", "false", "0", "1"):
        raise Invalid(what=f"read option {name}", got=value, expected="true or false")
    return text in ("true", "1")


def texts(value: object) -> list[str]:
    """A setting of several texts: a list, or one text with commas.

    >>> texts("NA,-"), texts(["NA"])
    (['NA', '-'], ['NA'])
    """
    if isinstance(value, str):
        return value.split(",")
    return [str(each) for each in value] if isinstance(value, Sequence) else [str(value)]


def _character(settings: Mapping[str, Any], name: str, default: str | None) -> str | None:
    given = settings.get(name, default)
    if given is False or given == "":
        return None
    if given is not None and (not isinstance(given, str) or len(given.encode()) != 1):
        raise Invalid(what=f"read option {name}", got=given, expected="one ASCII character")
    return given


def _count(value: object) -> int:
    try:
        count = int(str(value))
    except ValueError:
        count = -1
    if count < 0:
        raise Invalid(what="read option skip_rows", got=value, expected="a number of lines")
    return count


def _lines(text: str, count: int) -> int:
    """Behind so many line ends."""
    at = 0
    for _ in range(count):
        at = text.find("\n", at) + 1 or len(text)
    return at


@dataclass(frozen=True)
class _Body:
    """The text below the lines that are passed over."""

    text: str
    quote: str | None
    escape: str | None
    comment: str | None

    def rows(self, separator: str) -> Iterator[tuple[list[str], int]]:
        """The first rows that are not blank, each with the place behind it."""
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
        lines = _Lines(self.text, self.comment)
        if self.quote:
            reader = csv.reader(lines, delimiter=separator, quotechar=self.quote, escapechar=self.escape)
        else:
            reader = csv.reader(lines, delimiter=separator, escapechar=self.escape, quoting=csv.QUOTE_NONE)
        try:
            yield from islice(((row, lines.at) for row in reader if row), _FEW)
        except csv.Error:  # a lone carriage return, or the head ends inside a quoted value
            return


class _Lines:
    """Lines of a text without comments, and how far they have been read."""

    def __init__(self, text: str, comment: str | None) -> None:
        self._lines, self._comment, self.at = io.StringIO(text, newline=""), comment, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._lines)
            self.at += len(line)
            if not self._comment or not line.startswith(self._comment):
                return line


def _sniff(body: _Body) -> str:
    """The separator that gives most rows the same number of values, more than one."""
    best, most = ",", (0, 0)
    for separator in _SEPARATORS:
        widths = [len(row) for row, _ in body.rows(separator)]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        score = (widths.count(usual), usual) if usual > 1 else (0, 0)
        if score > most:
            best, most = separator, score
    return best


def _width(rows: Sequence[Sequence[str]], names: Sequence[str] | None) -> int:
    """How many values a row has: as many as there are names if any row does, else as most rows do."""
    widths = [len(row) for row in rows]
    if names and len(names) in widths:
        return len(names)
    return max(widths, key=widths.count, default=0)


def _looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Names of which none is a number, above a column that holds nothing else.

    With nothing but text everywhere, the first row is a header too if its values are all there, all different, and not
    seen below it.
    """
    if not rows:
        return False
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    if any(_NUMBER.fullmatch(name) for name in first) or not any(first):
        return False
    for place, name in enumerate(first):
        values = [row[place].strip() for row in below if place < len(row) and row[place].strip()]
        if name and values and all(_NUMBER.fullmatch(value) for value in values):
            return True
    if not all(first) or len(set(first)) < len(first):
        return False
    seen = {(place, cell) for row in below for place, cell in enumerate(row)}
    return not any((place, cell) in seen for place, cell in enumerate(rows[0]))
