"""How a CSV file is written: separator, quotes, header; told by the settings, else by its first rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        special = self.quote or self.escape or self.comment
        return Quoting(self.quote, self.separator, self.escape, self.comment) if special else None


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
    escape = None if escape == quote else escape  # as Spark spells doubled quotes, which are understood anyway
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

    >>> texts("NA,-"), texts(["NA"]), texts(-999)
    (['NA', '-'], ['NA'], ['-999'])
    """
    if value is None:
        return []
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
        found = 0
        try:
            for row in reader:
                lines.inside = False
                if row:
                    yield row, lines.at
                    found += 1
                if found == _FEW:
                    return
        except csv.Error:  # a lone carriage return, or the head ends inside a quoted value
            return


class _Lines:
    """Lines of a text without comments between rows, and how far they have been read."""

    def __init__(self, text: str, comment: str | None) -> None:
        self._lines, self._comment = io.StringIO(text, newline=""), comment
        self.at, self.inside = 0, False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.at += len(line)
            if self.inside or not self._comment or not line.startswith(self._comment):
                self.inside = True
                return line
        raise StopIteration


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
    """Names that are all there and none a number, above rows of which some value is one.

    With nothing but text everywhere, the first row is a header too if its values are not seen below it. The first name
    may be blank above numbered rows: so pandas writes an index.
    """
    if not rows:
        return False
    first, below = rows[0], rows[1:]
    named = [cell.strip() for cell in first]
    if len(named) > 1 and not named[0] and _is_numbered(below):
        named, first, below = named[1:], first[1:], [row[1:] for row in below]
    if any(not name or _NUMBER.fullmatch(name) for name in named):
        return False
    if not below:
        return True
    if any(_NUMBER.fullmatch(cell.strip()) for row in below for cell in row):
        return True
    seen = {(place, cell) for row in below for place, cell in enumerate(row)}
    return not any((place, cell) in seen for place, cell in enumerate(first))


def _is_numbered(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows begin with different whole numbers."""
    numbers = [row[0].strip() for row in rows if row]
    return bool(numbers) and len(set(numbers)) == len(numbers) and all(each.isdecimal() for each in numbers)
