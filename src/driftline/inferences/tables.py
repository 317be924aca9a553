"""Where the tables of a model's inferences and actuals lie, which columns they have, and how they are opened."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from driftline.errors import Conflict, DriftlineError, NotFound, SchemaMismatch, StorageUnavailable
from driftline.storage.access import Access
from driftline.storage.storages import location_for, storage_for

OWN = pa.schema(
    [
        pa.field("_id", pa.string()),
        pa.field("_time", pa.timestamp("us", "UTC")),
        pa.field("_ingested", pa.timestamp("us", "UTC")),
        pa.field("_batch", pa.string()),
        pa.field("_file", pa.int64()),
        pa.field("_row", pa.int64()),
        pa.field("_content", pa.int64()),
        pa.field("_environment", pa.string()),
        pa.field("_day", pa.date32()),
    ]
)
"""The columns of every table beside its fields, first because readers keep statistics of the first 32 columns only.

`_file` and `_row` say where a row came from: the number of the file in the ledger, and the row in it, from 1.
`_content` is a hash of its values, by which a repeated row is told from a changed one.
"""

PARTITIONS = ("_environment", "_day")
"""`_day` is the date of `_time`; of actuals, and of training and validation sets, that of `_ingested`."""

CONFIGURATION = {
    "delta.setTransactionRetentionDuration": "interval 365 days",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
    "delta.checkpointInterval": "20",
    # ids and values of rows have no business in the log, where forgetting does not reach them
    "delta.dataSkippingStatsColumns": "_time,_ingested,_file,_row",
}

ATTEMPTS = 40
"""So often a commit is tried against those of other writers; each try sees what they did."""

_LONGEST = 120
_PLAIN = {pa.float16(): pa.float32(), pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}


@dataclass(frozen=True)
class Tables:
    """All tables of an installation: they lie below `root`, a path or URI, reached by `access`.

    `cache` is a folder of this machine for what can be made again: indexes of known ids, rows on their way to a store.
    """

    root: str
    access: Access
    cache: Path

    def inferences_uri(self, model: str, version: str) -> str:
        """The table of what a model version predicted.

        >>> Tables("s3://b/t/", Access(), Path("c")).inferences_uri("churn eu", "v/1")
        's3://b/t/churn~20eu/versions/v~2F1'
        """
        return f"{self._of(model)}/versions/{name_of(version)}"

    def actuals_uri(self, model: str) -> str:
        """The table of what turned out to be true, of all versions of a model.

        >>> Tables("/data", Access(), Path("c")).actuals_uri("..")
        '/data/~2E./actuals'
        """
        return f"{self._of(model)}/actuals"

    def _of(self, model: str) -> str:
        return f"{self.root.rstrip('/')}/{name_of(model)}"


def name_of(given: str) -> str:
    """A name that is safe in any path: percent-encoded with `~` in the place of `%`, and cut with a digest if long.

    >>> name_of("a~b%c"), name_of(".hidden"), len(name_of("ü" * 200))
    ('a~7Eb~25c', '~2Ehidden', 137)
    """
    name = quote(given, safe="").replace("~", "%7E").replace("%", "~")
    name = re.sub(r"^\.", "~2E", name)
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}~{sha256(given.encode()).hexdigest()[:16]}"


def stored_type(kind: pa.DataType) -> pa.DataType | None:
    """The type in which a column is stored; None for one that has no type yet, of nulls only.

    >>> str(stored_type(pa.uint64())), str(stored_type(pa.timestamp("ns"))), str(stored_type(pa.list_(pa.float16(), 3)))
    ('int64', 'timestamp[us, tz=UTC]', 'list<element: float>')
    """
    types = pa.types
    if types.is_null(kind):
        return None
    if types.is_dictionary(kind):
        return stored_type(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = stored_type(kind.value_type)
        return None if inner is None else pa.list_(pa.field("element", inner))
    if types.is_timestamp(kind) or types.is_date64(kind):
        return pa.timestamp("us", "UTC")
    if types.is_large_string(kind) or types.is_string_view(kind) or types.is_time(kind):
        return pa.string()
    if types.is_large_binary(kind):
        return pa.binary()
    return pa.int64() if kind == pa.uint64() else _PLAIN.get(kind, kind)


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of a table for rows of `schema`: its own columns, then the fields."""
    fields = [(each.name, stored_type(each.type)) for each in schema if not each.name.startswith("_")]
    return pa.schema([*OWN, *(pa.field(name, kind) for name, kind in fields if kind is not None)])


def schema_of(table: Any) -> pa.Schema:
    """Arrow's schema of an open Delta table."""
    return pa.schema([pa.field(each.name, stored_type(each.type)) for each in pa.schema(table.schema())])


def opened(tables: Tables, uri: str, version: int | None = None) -> Any:
    """delta-rs's table, in its newest version unless told otherwise; raises `NotFound` where there is none."""
    from deltalake import DeltaTable

    try:
        with told(uri):
            return DeltaTable(uri, version=version, storage_options=dict(location_for(uri, tables.access)) or None)
    except StorageUnavailable:
        # the storage says more clearly what is wrong with credentials, buckets and endpoints
        storage_for(uri, tables.access).open(f"{uri}/_delta_log/{0:020}.json").close()
        raise


def found(tables: Tables, uri: str) -> Any | None:
    """The same, or None where there is no table yet."""
    try:
        return opened(tables, uri)
    except NotFound:
        return None


def prepared(tables: Tables, uri: str, schema: pa.Schema) -> Any:
    """The table with at least the fields of `schema`: made if there is none, columns added where it lacks some.

    Raises `SchemaMismatch` for a field of another kind than the column that is there; whole numbers go into a column
    of floats. Raises `Conflict` if others change the table all the time, and for a store that loses commits.
    """
    wanted = stored_schema(schema)
    for attempt in range(ATTEMPTS):
        table = found(tables, uri)
        try:
            if table is None:
                refuse_careless(tables)
                return _made(tables, uri, wanted)
            missing = _missing(uri, schema_of(table), wanted)
            if not missing:
                return table
            _grown(uri, table, missing)
        except _failed():
            pause(attempt)
    raise busy(uri)


def _made(tables: Tables, uri: str, schema: pa.Schema) -> Any:
    from deltalake import DeltaTable

    options = dict(location_for(uri, tables.access)) or None
    if options is None:
        Path(uri.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
    with told(uri):
        return DeltaTable.create(
            uri,
            schema=schema,
            partition_by=list(PARTITIONS),
            mode="ignore",
            configuration=CONFIGURATION,
            storage_options=options,
        )


def _missing(uri: str, there: pa.Schema, wanted: pa.Schema) -> list[pa.Field]:
    missing = []
    for field in wanted:
        if there.get_field_index(field.name) < 0:
            missing.append(field)
        elif not _goes_into(field.type, there.field(field.name).type):
            reason = f"the table has {there.field(field.name).type}, the rows {field.type} ({uri})"
            raise SchemaMismatch(column=field.name, reason=reason, remedy="Map it to a field of another name.")
    return missing


def _goes_into(kind: pa.DataType, column: pa.DataType) -> bool:
    """Whether values of one type can be kept in a column of another without a loss that matters."""
    types = pa.types
    if types.is_list(kind) and types.is_list(column):
        return _goes_into(kind.value_type, column.value_type)
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if types.is_integer(kind) and types.is_integer(column):
        return True
    return bool(kind == column or (types.is_floating(column) and numbers))


def _grown(uri: str, table: Any, missing: list[pa.Field]) -> None:
    from deltalake import Schema

    with told(uri):
        table.alter.add_columns(Schema.from_arrow(pa.schema(missing)).fields)


def refuse_careless(tables: Tables) -> None:
    """Raise `Conflict` for a store that takes an object twice though it was told to write a new one only.

    Two writers of a table on such a store would lose rows. Each store is asked once.
    """
    _refuse_careless(tables.root, tables.access)


@lru_cache(maxsize=64)
def _refuse_careless(root: str, access: Access) -> None:
    storage, uri = storage_for(root, access), f"{root.rstrip('/')}/_probe-{secrets.token_hex(8)}"
    taken = [storage.put_if_absent(uri, b"probe") for _ in range(2)]
    storage.delete(uri)
    if taken != [True, False]:
        reason = "the store does not keep `If-None-Match: *`, so that commits of two writers could be lost"
        remedy = "Keep the tables on a store with conditional writes, or in a folder."
        raise Conflict(what="tables at", name=root, reason=reason, remedy=remedy)


def pause(attempt: int) -> None:
    """Wait a little before a commit is tried again, longer each time, never the same for two writers."""
    time.sleep(min(0.02 * 1.5**attempt, 1.0) * (0.5 + secrets.randbelow(1000) / 1000))


def busy(uri: str) -> Conflict:
    """The error of a commit that others always came before."""
    reason = f"other writers came first {ATTEMPTS} times"
    return Conflict(what="table", name=uri, reason=reason, remedy="Try again later, with fewer writers.")


def _failed() -> type[Exception]:
    from deltalake.exceptions import CommitFailedError

    kind: type[Exception] = CommitFailedError
    return kind


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turn delta-rs's errors into ours; a commit that others came before stays as it is."""
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    try:
        yield
    except (DriftlineError, CommitFailedError):
        raise
    except TableNotFoundError as error:
        raise NotFound(what="table", name=uri, remedy="Nothing was imported into it yet.") from error
    except (DeltaError, OSError) as error:
        words = " ".join(re.sub(r"\x1b\[\d+m|↳", "", str(error)).split())[:300]
        if "no files in log" in words.lower() or "not a delta table" in words.lower():
            raise NotFound(what="table", name=uri, remedy="Nothing was imported into it yet.") from error
        raise StorageUnavailable(where=uri, reason=words) from error
