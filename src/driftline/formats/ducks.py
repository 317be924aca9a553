"""DuckDB as a reader of JSON: locked down, one thread, and every scalar as the text it was written with."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from driftline.formats.forks import opened

_RENAMED = re.compile(r"(.+)_\d+")
_CONFIG = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "threads": 1,
}
_NUMBERS = {"tinyint", "smallint", "integer", "bigint", "hugeint", "ubigint", "uinteger", "double", "float", "decimal"}
_OPTIONS = "map_inference_threshold=-1, field_appearance_threshold=0"

_LARGEST = 256 << 20
"""Bytes of a JSON object; SageMaker's records hold payloads of up to 100 MB."""

_own = threading.local()


def duck() -> Duck:
    """The connection of this thread: opening one takes longer than a block."""
    if not hasattr(_own, "duck"):
        _own.duck = Duck()
    found: Duck = _own.duck
    return found


class Malformed(Exception):
    """DuckDB met something that is no JSON."""


class Duck:
    """A connection that reads temporary files of JSON that it is given as bytes."""

    def __init__(self) -> None:
        """Opens the connection; it cannot install, load or replace anything."""
        import duckdb

        self._errors = (duckdb.Error,)
        self._connection = opened(duckdb.connect(config=dict(_CONFIG)))
        self._connection.execute("SET enable_progress_bar=false")

    def rows(self, data: bytes | memoryview, layout: str = "newline_delimited") -> pa.RecordBatch:
        """JSON objects as a batch: scalars are text, objects structs, lists of numbers lists of doubles.

        Raises `Malformed` where the bytes are no JSON objects.
        """
        with _file(data) as path:
            source = f"read_json('{path}', format='{layout}', sample_size=-1, {_options(data)}"
            columns = self._columns(f"SELECT * FROM {source})")
            if not columns:
                return pa.RecordBatch.from_pylist([])
            wanted = ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in columns.items())
            return self.select(f"SELECT * FROM {source}, columns={{{wanted}}})")

    def read(self, data: bytes | memoryview, columns: str, query: str) -> pa.RecordBatch:
        """What `query` selects of `records`, newline-delimited objects with these columns."""
        with _file(data) as path:
            source = f"read_json('{path}', format='newline_delimited', {_options(data)}, columns={columns})"
            return self.select(f"WITH records AS (SELECT * FROM {source}) {query}")

    def select(self, query: str) -> pa.RecordBatch:
        """The result of a query of ours, as one batch."""
        try:
            table = self._connection.sql(query).to_arrow_table()
        except self._errors as error:
            raise Malformed(str(error)) from error
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)

    def _columns(self, query: str) -> dict[str, str]:
        try:
            relation = self._connection.sql(query)
            found = {name: _as_text(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
        except self._errors as error:
            raise Malformed(str(error)) from error
        if list(found) == ["json"]:  # what DuckDB calls values that are no objects
            raise Malformed("values that are no objects")
        folded = {name.casefold() for name in found}
        for name in found:  # DuckDB renames what differs by case only, and then does not find it
            renamed = _RENAMED.fullmatch(name)
            if renamed and renamed[1].casefold() in folded:
                raise Malformed(f"the names {renamed[1]!r} and {name!r} cannot be told apart")
        return found


def _options(data: bytes | memoryview) -> str:
    """DuckDB's buffers are as large as the largest object, which is at most the data: larger ones only cost time."""
    return f"maximum_object_size={min(len(data) + 1, _LARGEST)}, {_OPTIONS}"


def _as_text(kind: Any) -> str:
    """The type with every scalar as text, but numbers in lists as doubles."""
    if kind.id == "struct":
        members = [_quoted(name, '"') + " " + _as_text(inner) for name, inner in kind.children]
        return f"STRUCT({', '.join(members)})"
    if kind.id == "list":
        inner = kind.children[0][1]
        return "DOUBLE[]" if inner.id in _NUMBERS else f"{_as_text(inner)}[]"
    return "VARCHAR"


def _quoted(name: str, quote: str = "'") -> str:
    return quote + name.replace(quote, quote * 2) + quote


@contextmanager
def _file(data: bytes | memoryview) -> Iterator[str]:
    """A temporary file of these bytes."""
    handle, path = tempfile.mkstemp(prefix="driftline-", suffix=".json")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield path.replace("'", "''")
    finally:
        with suppress(FileNotFoundError):
            Path(path).unlink()
