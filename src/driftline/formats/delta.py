"""Delta Lake: delta-rs reads the log of one version of the table, its Parquet files are read like any other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from driftline.errors import DriftlineError, Invalid, NotFound, StorageUnavailable, Unreadable
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.natives import batch_of, wanted
from driftline.formats.parquet import Parquet

PART_BYTES = 64 << 20
"""Files up to this size are one part each, without opening them; larger ones are cut by their row groups."""

_HARMLESS = frozenset({"timestampNtz", "vacuumProtocolCheck", "v2Checkpoint"})
"""Reader features that change nothing about reading the files, or that delta-rs takes care of."""

_REMEDIES = {
    "deletionVectors": "Rewrite the deleted rows out of the files first: `REORG TABLE ... APPLY (PURGE)`.",
    "columnMapping": "Copy the table to one without column mapping.",
}


@dataclass(frozen=True)
class Delta:
    """Delta tables; the object is the root of the table, the settings are `version` or `timestamp`."""

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:  # noqa: ARG002
        """The files of that version, without those removed, with the values of the partition columns."""
        _probe(uri, opener)
        table = _opened(uri, options)
        _refuse_features(uri, table)
        with _told(uri):
            schema = pa.schema(table.schema())
            files = pa.table(table.get_add_actions())
            partitioned = list(table.metadata().partition_columns)
        stored = pa.schema([field for field in schema if field.name not in partitioned])
        columns = ["path", "size_bytes", "num_records", *(["partition"] if partitioned else [])]
        rows = sorted(files.select(columns).to_pylist(), key=lambda row: str(row["path"]))
        parts = [part for row in rows for part in _parts_of(uri, row, schema, stored, opener, options)]
        return parts or (Part(uri, 0, 0, rows=0, schema=schema),)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """The rows of one file; columns that came later than the file are null."""
        schema = part.schema if part.schema is not None else pa.schema([])
        fields = [schema.field(place) for place in wanted(schema.names, options)]
        if part.rows == 0:
            yield batch_of([pa.nulls(0, field.type) for field in fields], [field.name for field in fields], 0)
            return
        for item in Parquet().read(part, opener, options):
            yield _conformed(item, fields) if isinstance(item, pa.RecordBatch) else item


def _parts_of(
    root: str, row: Mapping[str, Any], schema: pa.Schema, stored: pa.Schema, opener: Opener, options: ReadOptions
) -> Sequence[Part]:
    """The parts of one file of the log."""
    values = row.get("partition") or {}
    constants = {name: pa.scalar(value, schema.field(name).type) for name, value in values.items()}
    uri, size = _file_uri(root, row["path"]), int(row["size_bytes"])
    if size <= PART_BYTES:
        whole: Sequence[Part] = (Part(uri, 0, None, rows=row["num_records"], size=size),)
    else:
        whole = Parquet().split(uri, size, opener, options)
    return [replace(part, constants=constants, schema=stored) for part in whole]


def _file_uri(root: str, path: str) -> str:
    """Where a file of the log lies: paths in it are percent-encoded, and relative unless the table is a clone.

    >>> _file_uri("s3://b/t/", "day=a%2520b/x.parquet"), _file_uri("file:///t", "day=a%2520b/x.parquet")
    ('s3://b/t/day=a%20b/x.parquet', 'file:///t/day=a%2520b/x.parquet')
    """
    path = path if root.lower().startswith("file://") else unquote(path)
    return path if "://" in path else f"{root.rstrip('/')}/{path}"


def _conformed(batch: pa.RecordBatch, fields: Sequence[pa.Field]) -> pa.RecordBatch:
    """The batch with exactly these columns."""
    places = {name: place for place, name in enumerate(batch.schema.names)}
    columns = [
        batch.column(places[field.name]) if field.name in places else pa.nulls(batch.num_rows, field.type)
        for field in fields
    ]
    return batch_of(columns, [field.name for field in fields], batch.num_rows)


def _probe(uri: str, opener: Opener) -> None:
    """Ask the storage first: what it says of credentials, buckets and endpoints is clearer, and said sooner.

    Any object will do; whether the table begins with this one is of no importance.
    """
    try:
        opener(f"{uri.rstrip('/')}/_delta_log/{0:020}.json").close()
    except NotFound as error:
        if error.facts["what"] == "bucket":
            raise


def _opened(uri: str, options: ReadOptions) -> Any:
    """delta-rs's table at the version that is asked for."""
    from deltalake import DeltaTable

    version, moment = _version(options.settings.get("version")), _moment(options.settings.get("timestamp"))
    if version is not None and moment is not None:
        raise Invalid(
            what="Delta version", got=version, expected="a version or a timestamp", remedy="Give one of them."
        )
    storage = dict(options.location) or None
    with _told(uri):
        try:
            table = DeltaTable(uri, version=version, storage_options=storage)
        except _delta_error() as error:
            if version is None:
                raise
            latest = DeltaTable(uri, storage_options=storage).version()
            remedy = f"The latest is {latest}; the logs of old ones may have been removed."
            raise NotFound(what="Delta version", name=f"{version} of {uri}", remedy=remedy) from error
        if moment is not None:
            table.load_as_version(moment)
            _refuse_future(uri, table, moment)
    return table


def _refuse_future(uri: str, table: Any, moment: datetime) -> None:
    """delta-rs answers a moment before the table was made with its first version; that is not what was asked."""
    made = table.history(1)[0].get("timestamp")
    if made is not None and datetime.fromtimestamp(made / 1000, UTC) > moment:
        first = datetime.fromtimestamp(made / 1000, UTC).isoformat()
        remedy = f"The oldest version that is left is of {first}."
        raise NotFound(what="Delta version", name=f"of {moment.isoformat()} of {uri}", remedy=remedy)


def _version(given: object) -> int | None:
    if given is None:
        return None
    if not re.fullmatch(r"\d{1,18}", str(given).strip()):
        raise Invalid(what="Delta version", got=given, expected="a whole number from 0 on")
    return int(str(given))


def _moment(given: object) -> datetime | None:
    if given is None:
        return None
    try:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError as error:
        expected = "a time such as 2024-05-31T12:00:00Z"
        raise Invalid(what="Delta timestamp", got=given, expected=expected) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refuse_features(uri: str, table: Any) -> None:
    """Raise `Unreadable` naming a feature that would make the rows wrong if it were passed over."""
    with _told(uri):
        protocol = table.protocol()
        mapping = table.metadata().configuration.get("delta.columnMapping.mode") or "none"
    needed = set(protocol.reader_features or ()) - _HARMLESS
    if mapping == "none":
        needed.discard("columnMapping")
    elif protocol.min_reader_version >= 2:
        needed.add("columnMapping")
    if "deletionVectors" in needed and not _deletes(table):
        needed.discard("deletionVectors")
    for feature in sorted(needed):
        remedy = _REMEDIES.get(feature, "Copy the rows to a table without it.")
        reason = f"the Delta table needs the reader feature {feature!r}, which is not supported"
        raise Unreadable(uri=uri, reason=reason, remedy=remedy)


def _deletes(table: Any) -> bool:
    """Whether any file has a deletion vector; the feature alone only allows them."""
    if not hasattr(table, "deletion_vectors"):  # an old delta-rs cannot tell
        return True
    try:
        return bool(pa.table(table.deletion_vectors().read_all()).num_rows)
    except _delta_error():
        return True


def _delta_error() -> type[Exception]:
    from deltalake.exceptions import DeltaError

    found: type[Exception] = DeltaError
    return found


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn the errors of delta-rs into ours."""
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        yield
    except DriftlineError:
        raise
    except TableNotFoundError as error:
        raise NotFound(what="Delta table", name=uri, remedy="It is a folder that holds `_delta_log`.") from error
    except DeltaError as error:
        words = _words(error)
        if "no files in log" in words.lower() or "not a delta table" in words.lower():
            raise NotFound(what="Delta table", name=uri, remedy="It is a folder that holds `_delta_log`.") from error
        raise Unreadable(uri=uri, reason=words, remedy="Check the table with what wrote it.") from error
    except OSError as error:
        raise StorageUnavailable(where=uri, reason=_words(error)) from error


def _words(error: Exception) -> str:
    """delta-rs's message on one line, without the colours."""
    return " ".join(re.sub(r"\x1b\[\d+m|↳", "", str(error)).split())[:300]
