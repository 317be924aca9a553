"""Files without the rows of a subject, otherwise as they were: for copies of what was pushed."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from driftline.errors import DriftlineError
from driftline.formats.dialect import dialect_of
from driftline.schemas.names import column
from driftline.schemas.values import texts_of

_WHOLE = re.compile(r"([-+]?\d+)(\.0*)?")
_GZIP = b"\x1f\x8b"
_HEAD = 1 << 16
_UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, EOFError, csv.Error, DriftlineError)


@dataclass(frozen=True)
class Sought:
    """Whose rows: those with one of these ids in a column; without a column, calls that were captured have them."""

    ids: frozenset[str]
    column: str | None = None

    def has(self, value: object) -> bool:
        """Whether a value of the column is one of the ids, as texts or numbers.

        >>> [Sought(frozenset(["7"])).has(each) for each in ("7", 7, 7.0, " 7 ", "7.0", "77", True, None)]
        [True, True, True, True, True, False, False, False]
        """
        if value is None or isinstance(value, bool):
            return False
        text = str(value)
        whole = _WHOLE.fullmatch(text.strip())
        return text in self.ids or text.strip() in self.ids or (whole is not None and str(int(whole[1])) in self.ids)

    def is_within(self, text: str) -> bool:
        """Whether one of the ids stands in a text, as a word.

        >>> [Sought(frozenset(["r7"])).is_within(each) for each in ('{"id": "r7", oh', "r77,1", "r7_0,1")]
        [True, False, True]
        """
        return any(re.search(rf"(?<![^\W_]){re.escape(each)}(?![^\W_])", text) for each in self.ids)

    def called(self, event: Mapping[str, Any]) -> bool:
        """Whether a call that was captured is meant: rows of one with several have `_0`, `_1`, ... behind its id."""
        calls = {each.rpartition("_")[0] for each in self.ids if each.rpartition("_")[2].isdigit()}
        return bool({event.get("inferenceId"), event.get("eventId")} & (self.ids | calls))

    def of(self, row: Any) -> bool:
        """Whether a row as JSON has it is meant; members of members are named with dots."""
        if not isinstance(row, dict) or self.column is None:
            return False
        value: Any = row.get(self.column)
        if value is None and "." in self.column:
            value = row
            for part in self.column.split("."):
                value = value.get(part) if isinstance(value, dict) else None
        return self.has(value)


def without(data: bytes, format: str, sought: Sought) -> bytes | None:
    """The file without these rows; the very same bytes if it has none of them, None if that cannot be told.

    Calls that were captured go as a whole, and so do rows that cannot be read and name an id.

    >>> without(b'{"id": "a"}\\n{"id": "b"}\\n', "jsonlines", Sought(frozenset("b"), "id"))
    b'{"id": "a"}\\n'
    """
    read = _FORMATS.get(format)
    if read is None:
        return None
    try:
        if data[:2] == _GZIP:
            plain = gzip.decompress(data)
            left = read(plain, sought)
            return data if left == plain else gzip.compress(left)
        return read(data, sought)
    except _UNREADABLE:
        return None


def _calls(data: bytes, sought: Sought) -> bytes:
    return _lines(data, sought, lambda record: _is_call(record, sought))


def _is_call(record: Any, sought: Sought) -> bool:
    event = record.get("eventMetadata") if isinstance(record, dict) else None
    if isinstance(event, dict) and sought.called(event):
        return True
    return sought.column is not None and sought.is_within(json.dumps(record, ensure_ascii=False))


def _lines(data: bytes, sought: Sought, is_meant: Callable[[Any], bool] | None = None) -> bytes:
    kept = []
    for line in data.splitlines(keepends=True) if b"\r" in data else data.split(b"\n"):
        text = line.decode("utf-8")
        try:
            meant = bool(text.strip()) and (is_meant or sought.of)(json.loads(text))
        except ValueError:
            meant = sought.is_within(text)
        if not meant:
            kept.append(line)
    return (b"" if b"\r" in data else b"\n").join(kept)


def _json(data: bytes, sought: Sought) -> bytes:
    found = json.loads(data)
    left = [] if sought.of(found) else _pruned(found, sought)
    return data if left == found else json.dumps(left, ensure_ascii=False).encode()


def _pruned(value: Any, sought: Sought) -> Any:
    if isinstance(value, list):
        return [_pruned(each, sought) for each in value if not sought.of(each)]
    if not isinstance(value, dict):
        return value
    ids = value.get(sought.column)
    if isinstance(ids, list):  # lists of values, column by column
        gone = {place for place, each in enumerate(ids) if sought.has(each)}
        return {name: _without(each, gone) if _fits(each, ids) else each for name, each in value.items()}
    return {name: _pruned(each, sought) for name, each in value.items()}


def _fits(values: Any, ids: list[Any]) -> bool:
    return isinstance(values, list) and len(values) == len(ids)


def _without(values: list[Any], gone: set[int]) -> list[Any]:
    return [each for place, each in enumerate(values) if place not in gone]


def _csv(data: bytes, sought: Sought) -> bytes:
    """Rows stay as they are written; without a header any value may be the id."""
    text = data.decode("utf-8")
    start = len(text) - len(text.removeprefix("\ufeff"))
    dialect = dialect_of(text[start : start + _HEAD], {})
    start += dialect.skip
    lines = list(StringIO(text[start:], newline=""))
    reader = csv.reader(lines, delimiter=dialect.separator, quotechar=dialect.quote or '"')
    place = dialect.names.index(sought.column) if dialect.names and sought.column in dialect.names else None
    kept, before = [text[:start]], 0
    for row in reader:
        values = row if place is None else row[place : place + 1]
        if not any(map(sought.has, values)):
            kept += lines[before : reader.line_num]
        before = reader.line_num
    return "".join(kept).encode()


def _parquet(data: bytes, sought: Sought) -> bytes:
    table = pq.read_table(BytesIO(data))
    left, stream = _filtered(table, sought), BytesIO()
    if left.num_rows == table.num_rows:
        return data
    pq.write_table(left, stream, compression="zstd")
    return stream.getvalue()


def _arrow(data: bytes, sought: Sought) -> bytes:
    is_file = data.startswith(b"ARROW1")
    table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(BytesIO(data)).read_all()
    left, stream = _filtered(table, sought), BytesIO()
    if left.num_rows == table.num_rows:
        return data
    with (pa.ipc.new_file if is_file else pa.ipc.new_stream)(stream, left.schema) as writer:
        writer.write_table(left)
    return stream.getvalue()


def _filtered(table: pa.Table, sought: Sought) -> pa.Table:
    ids = pa.array(sorted(sought.ids), pa.string())
    found = [None if sought.column is None else column(each, sought.column) for each in table.to_batches()]
    kept = [
        each if own is None else each.filter(pc.invert(pc.is_in(texts_of(own), ids)))
        for each, own in zip(table.to_batches(), found, strict=True)
    ]
    return pa.Table.from_batches(kept, table.schema)


def _avro(data: bytes, sought: Sought) -> bytes:
    import fastavro

    reader = fastavro.reader(BytesIO(data))
    rows = list(reader)
    left, stream = [each for each in rows if not sought.of(each)], BytesIO()
    if len(left) == len(rows):
        return data
    fastavro.writer(stream, reader.writer_schema, left, codec=reader.codec)
    return stream.getvalue()


_FORMATS: Mapping[str, Callable[[bytes, Sought], bytes]] = {
    "capture": _calls,
    "ground_truth": _calls,
    "jsonlines": _lines,
    "json": _json,
    "csv": _csv,
    "parquet": _parquet,
    "arrow": _arrow,
    "avro": _avro,
}
