"""The tables among the facts of a page as CSV, which no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from driftline.errors import NotFound

CSV = "csv"
"""`?format=csv` is the first table of a page, `?format=csv:NAME` the one of that name."""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

Row = Mapping[str, Any]


def tables_in(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Sequence[Row]]]:
    """The lists of objects among facts, each with its name, such as `model.versions`; those in lists are cells.

    >>> dict(tables_in({"rows": 3, "compared": {"features": [{"feature": "age", "value": 0.5}]}}))
    {'compared.features': [{'feature': 'age', 'value': 0.5}]}
    """
    for name, found in facts.items():
        if isinstance(found, Mapping):
            yield from tables_in(found, f"{above}{name}.")
        elif isinstance(found, list) and found and all(isinstance(each, Mapping) for each in found):
            yield f"{above}{name}", found


def table_of(facts: Mapping[str, Any], wanted: str) -> tuple[str, Sequence[Row]]:
    """The table that `format` asks for, with its name; raises `NotFound` naming those that there are."""
    asked = wanted.partition(":")[2]
    found = dict(tables_in(facts))
    name = asked or next(iter(found), "")
    if name not in found:
        known = f"There are: {', '.join(found)}." if found else "It has no rows to download now."
        raise NotFound(what="table of the page", name=asked or "any", remedy=known)
    return name, found[name]


def sheet(rows: Sequence[Row]) -> str:
    """Rows as CSV: objects within a row are columns of their own, lists are JSON, nothing is a formula.

    >>> sheet([{"city": "=1+1", "moved": {"now": 0.5}}, {"city": "Rome", "days": [1]}]).splitlines()
    ['city,moved.now,days', "'=1+1,0.5,", 'Rome,,[1]']
    """
    flat = [dict(_flat(each)) for each in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerow([plain(name) for name in names])
    writer.writerows([[_cell(row.get(name)) for name in names] for row in flat])
    return told.getvalue()


def plain(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet would compute it; numbers stay numbers.

    >>> plain("=HYPERLINK(1)"), plain("-12.5"), plain("Rome")
    ("'=HYPERLINK(1)", '-12.5', 'Rome')
    """
    return f"'{text}" if text.startswith(_FORMULAS) and not _NUMBER.fullmatch(text) else text


def _flat(row: Row, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
