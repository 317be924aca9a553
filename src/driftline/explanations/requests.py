"""Rows as a model's server takes them: CSV, JSON lines or JSON, by Clarify's templates."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from driftline.errors import Invalid

CSV, LINES, JSON = "text/csv", "application/jsonlines", "application/json"

_TOKEN = re.compile(r'"?\$\{(?P<quoted>[^}]+)\}"?|"?\$(?P<plain>[A-Za-z_][A-Za-z0-9_]*)"?')
_FEATURES, _PAIRS, _RECORD, _RECORDS = "features", "features_kvp", "record", "records"


@dataclass(frozen=True)
class Template:
    """How a body is made of rows.

    `record` has `$features` (a list of the cells), `$features_kvp` (an object of names and cells) or `$name` (one
    cell) in it, `content` has `$records` (a list of records), `$record` (a single one) or what `record` may have.
    JSON lines are a record each. Quotes around a placeholder belong to it.
    """

    content_type: str = CSV
    content: str | None = None
    record: str | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid` for templates without a placeholder, and for JSON without a template."""
        if self.content_type not in (CSV, LINES, JSON):
            raise Invalid(what="content_type", got=self.content_type, expected=f"{CSV}, {LINES} or {JSON}")
        if self.content_type == JSON and not (self.content or self.record):
            raise Invalid(
                what="content_template", got=None, expected="a template, as application/json needs one",
                remedy='Such as {"instances": $records} with the record_template $features.',
            )  # fmt: skip
        for name, text in (("content_template", self.content), ("record_template", self.record)):
            if text and not _TOKEN.search(text):
                raise Invalid(what=name, got=text, expected="a placeholder such as $features in it")

    @property
    def is_single(self) -> bool:
        """Whether a body can hold one record alone."""
        if self.content_type != JSON or self.content is None:
            return self.content_type == JSON and self.content is None
        return _RECORDS not in _names(self.content)

    def bodies(self, rows: pa.RecordBatch, most: int, largest: int) -> Iterator[tuple[int, bytes]]:
        """The rows in bodies of at most `most` records and about `largest` bytes, each with its number of records."""
        most = 1 if self.is_single else most
        at = 0
        while at < rows.num_rows:
            part = rows.slice(at, most)
            body = self.body(part)
            if len(body) > largest and part.num_rows > 1:
                most = max(part.num_rows * largest // (2 * len(body)), 1)
                continue
            yield part.num_rows, body
            at += part.num_rows

    def body(self, rows: pa.RecordBatch) -> bytes:
        """All rows in one body.

        >>> rows = pa.record_batch({"age": [40, 41], "sex": ["f", "m"]})
        >>> print(Template(LINES).body(rows).decode())
        {"features":[40,"f"]}
        {"features":[41,"m"]}
        >>> print(Template(JSON, '{"instances":$records}', '{"a":"${age}"}').body(rows).decode())
        {"instances":[{"a":40},{"a":41}]}
        """
        if self.content_type == CSV:
            return _csv(rows)
        if self.content_type == LINES:
            return "\n".join(_filled(self.record or self.content or '{"features":$features}', rows)).encode()
        records = _filled(self.record or "$features", rows) if self.record or not self.content else []
        content = self.content or "$record"
        if _RECORDS in _names(content):
            records = records or _filled("$features", rows)
            return _replaced(content, {_RECORDS: f"[{','.join(records)}]"}).encode()
        if _RECORD in _names(content):
            return _replaced(content, {_RECORD: (records or _filled("$features", rows))[0]}).encode()
        return _filled(content, rows)[0].encode()


def _csv(rows: pa.RecordBatch) -> bytes:
    """Lines without a header; texts in quotes only where they need them, since many models merely cut at commas."""
    sink = io.BytesIO()
    lists = [place for place, kind in enumerate(rows.schema.types) if pa.types.is_nested(kind)]
    for place in lists:
        texts = pa.array([None if cell is None else json.dumps(cell) for cell in rows.column(place).to_pylist()])
        rows = rows.set_column(place, rows.schema.names[place], texts)
    try:
        pa_csv.write_csv(rows, sink, pa_csv.WriteOptions(include_header=False, quoting_style="none"))
        return sink.getvalue()
    except pa.ArrowInvalid:  # a text with a comma, a quote or a line's end: Arrow would quote every text
        lines = io.StringIO()
        columns = [column.cast(pa.string()).to_pylist() for column in rows.columns]
        csv.writer(lines, lineterminator="\n").writerows(zip(*columns, strict=True))
        return lines.getvalue().encode()


def _names(template: str) -> list[str]:
    return [found["quoted"] or found["plain"] for found in _TOKEN.finditer(template)]


def _replaced(template: str, values: dict[str, str]) -> str:
    return _TOKEN.sub(lambda found: values.get(found["quoted"] or found["plain"], found[0]), template)


def _filled(template: str, rows: pa.RecordBatch) -> list[str]:
    """The template once for every row."""
    names = rows.schema.names
    cells = list(zip(*[_jsons(column) for column in rows.columns], strict=True))
    makers = {name: _maker(name, names) for name in dict.fromkeys(_names(template))}
    return [_replaced(template, {name: make(row) for name, make in makers.items()}) for row in cells]


def _maker(name: str, names: Sequence[str]) -> Callable[[Sequence[str]], str]:
    if name == _FEATURES:
        return lambda row: f"[{','.join(row)}]"
    if name == _PAIRS:
        keys = [json.dumps(each, ensure_ascii=False) for each in names]
        return lambda row: "{" + ",".join(f"{key}:{cell}" for key, cell in zip(keys, row, strict=True)) + "}"
    if name not in names:
        known = ", ".join(f"${each}" for each in (_FEATURES, _PAIRS))
        raise Invalid(what="template", got=f"${name}", expected=f"{known}, or a feature: {', '.join(names[:8])}")
    place = names.index(name)
    return lambda row: row[place]


def _jsons(column: pa.Array) -> list[str]:
    """Every cell as JSON; numbers that JSON does not know are null."""
    return [_json(cell) for cell in column.to_pylist()]


def _json(cell: Any) -> str:
    if isinstance(cell, float):
        return repr(cell) if isfinite(cell) else "null"
    return json.dumps(cell, ensure_ascii=False, default=str)
