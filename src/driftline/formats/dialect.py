"""How a CSV file is written: separator, quotes, header; told by the settings, else by its first rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.errors import Invalid

_SEPARATORS = ",;\t|"
_NUMBER = re.compile(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?|true|false|nan|null", re.IGNORECASE)
_FEW = 20
"""Rows that are looked at."""


@dataclass(frozen=True)
class Dialect:
    """What a reader must know. `names` are those of the header, or None without one; `skip` rows come before it."""

    separator: str
    quote: str | None
    escape: str | None
    names: tuple[str, ...] | None
    width: int
    skip: int = 0


def dialect_of(head: str, settings: Mapping[str, Any]) -> Dialect:
    """The dialect of a file that begins with `head`; settings (`separator`, `header`, `quote`, ...) go before.

    >>> found = dialect_of("a;b\\n1;2\\n3;4\\n", {})
    >>> found.separator, found.names
    (';', ('a', 'b'))
    >>> dialect_of("1,2\\n3,4\\n", {}).names is None
    True
    """
    quote = _character(settings, "quote", '"')
    escape = _character(settings, "escape", None)
    skip = int(settings.get("skip_rows", 0))
    lines = [line for line in head.splitlines(keepends=True)[skip:] if line.strip()]
    separator = (
        _character(settings, "separator", None) or _character(settings, "delimiter", None) or _sniff(lines, quote)
    )
    rows = _rows(lines, separator, quote, escape)
    first = rows[0] if rows else []
    header = settings.get("header", "auto")
    has_header = _looks_like_header(rows) if header in ("auto", None) else _flag(header)
    return Dialect(separator, quote, escape, tuple(first) if has_header and first else None, len(first), skip)


def _character(settings: Mapping[str, Any], name: str, default: str | None) -> str | None:
    given = settings.get(name, default)
    if given is False or given == "":
        return None
    if given is not None and (not isinstance(given, str) or len(given.encode()) != 1):
        raise Invalid(what=f"read option {name}", got=given, expected="one ASCII character")
    return given


def quote_of(settings: Mapping[str, Any]) -> bytes:
    """The quote that the settings name, the double quote if they name none; empty where values are not quoted."""
    return (_character(settings, "quote", '"') or "").encode()


def _flag(value: object) -> bool:
    text = str(value).lower()
    if text not in ("true", "false", "0", "1"):
        raise Invalid(what="read option header", got=value, expected="true, false or auto")
    return text in ("true", "1")


def _sniff(lines: Sequence[str], quote: str | None) -> str:
    """The separator that gives most rows the same number of values, more than one."""
    best, most = ",", (0, 0)
    for separator in _SEPARATORS:
        widths = [len(row) for row in _rows(lines, separator, quote, None)]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        score = (widths.count(usual), usual) if usual > 1 else (0, 0)
        if score > most:
            best, most = separator, score
    return best


def _rows(lines: Sequence[str], separator: str, quote: str | None, escape: str | None) -> list[list[str]]:
    if quote:
        reader = csv.reader(lines, delimiter=separator, quotechar=quote, escapechar=escape)
    else:
        reader = csv.reader(lines, delimiter=separator, escapechar=escape, quoting=csv.QUOTE_NONE)
    found: list[list[str]] = []
    try:
        for row in reader:
            found.append(row)
            if len(found) == _FEW:
                break
    except csv.Error:  # the head ends inside a quoted value
        pass
    return found


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
