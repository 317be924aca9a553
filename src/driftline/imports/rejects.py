"""Rejected rows, kept readable: a Parquet file for each file that has some, all columns as text, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from driftline.errors import NotFound, Unreadable
from driftline.inferences.tables import Tables, name_of
from driftline.storage.storages import storage_for

KEPT = 10_000
"""So many rejected rows of a file are kept; all are counted."""


@dataclass
class Rejects:
    """The rejected rows of one file, as they are found."""

    tables: list[pa.Table] = field(default_factory=list)
    rows: int = 0

    def add(self, rows: pa.Table | None) -> None:
        """More of them."""
        if rows is not None and self.rows < KEPT:
            self.tables.append(rows.slice(0, KEPT - self.rows))
            self.rows += self.tables[-1].num_rows

    def keep(self, tables: Tables, model: str, file: int) -> None:
        """Write them where `read` finds them; nothing if there are none."""
        if self.tables:
            stream = BytesIO()
            pq.write_table(pa.concat_tables(self.tables, promote_options="default"), stream, compression="zstd")
            uri = uri_of(tables, model, file)
            storage_for(uri, tables.access).put(uri, stream.getvalue())


def uri_of(tables: Tables, model: str, file: int) -> str:
    """Where the rejected rows of a file lie."""
    return f"{tables.root.rstrip('/')}/{name_of(model)}/rejects/{file}.parquet"


def read(tables: Tables, model: str, file: int, *, offset: int = 0, limit: int = 100) -> Sequence[dict[str, Any]]:
    """Rejected rows of a file in order, with `_row`, `_code`, `_reason` and the columns as text; at most `limit`."""
    try:
        found = opened(uri_of(tables, model, file), tables)
    except NotFound:
        return []
    rows: list[dict[str, Any]] = found.slice(offset, limit).to_pylist()
    return rows


def opened(uri: str, tables: Tables) -> pa.Table:
    """All rejected rows that an object keeps; raises `NotFound`, and `Unreadable` where it is damaged."""
    with storage_for(uri, tables.access).open(uri) as stream:
        data = stream.read()
    try:
        return pq.read_table(BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        reason = f"the rejected rows that are kept are damaged ({error})"
        raise Unreadable(uri=uri, reason=reason, remedy="Remove the object.") from error
