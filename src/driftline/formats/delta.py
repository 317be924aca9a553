"""Delta Lake: delta-rs reads the log of one version of the table, its Parquet files are read like any other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from driftline.errors import DriftlineError, Invalid, NotFound, StorageUnavailable, Unreadable
from driftline.formats.deltawindow import Bounds, bounds_of, moment, refuse_missing
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.natives import batch_of, wanted
from driftline.formats.parquet import Parquet, footer_of

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
    """Delta tables; the object is the root of the table, the settings are `version` or `timestamp`.

    Only a window of the rows is read by `since` and `until`, times of the `time_column` (`_time`) in [since, until),
    `where`, an object of columns and the value that each must have, and `as_of`: rows that had come (`_ingested`) then.
    Files that cannot hold such rows, by their partition or statistics, are not opened.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:  # noqa: ARG002
        """The files of that version, without those removed, with the values of the partition columns."""
        _probe(uri, opener)
        table = _opened(uri, options)
        _refuse_features(uri, table)
        bounds = bounds_of(options.settings)
        with _told(uri):
            schema = pa.schema(table.schema())
            partitioned = list(table.metadata().partition_columns)
            refuse_missing(bounds, schema, uri)
            files = bounds.files(pa.table(table.get_add_actions(flatten=True)), frozenset(partitioned))
        stored = pa.schema([field for field in schema if field.name not in partitioned])
        within = bounds.within(frozenset(stored.names))
        rows = sorted(_told_of(files, partitioned, within), key=lambda row: str(row["path"]))
        cut = partial(_parts_of, root=uri, schema=schema, stored=stored, bounds=within)
        parts = [part for row in rows for part in cut(row, opener=opener, options=options)]
        return parts or (Part(uri, 0, 0, rows=0, schema=schema),)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """The rows of one file; columns that came later than the file are null."""
        schema = part.schema if part.schema is not None else pa.schema([])
        fields = [schema.field(place) for place in wanted(schema.names, options)]
        if part.rows == 0:
            yield batch_of([pa.nulls(0, field.type) for field in fields], [field.name for field in fields], 0)
            return
        bounds = bounds_of(options.settings).within(frozenset(schema.names))
        if not bounds.all:
            for item in Parquet().read(part, opener, options):
                yield _conformed(item, fields) if isinstance(item, pa.RecordBatch) else item
            return
        names = dict.fromkeys([*(field.name for field in fields), *bounds.columns])
        needed = replace(options, columns=tuple(names), exclude=(), select=())
        wider = [schema.field(name) for name in names]
        for item in Parquet().read(part, opener, needed):
            if isinstance(item, pa.RecordBatch):
                batch = bounds.rows(_conformed(item, wider))
                yield _conformed(batch, fields)
            else:
                yield item


def _told_of(files: pa.Table, partitioned: Sequence[str], bounds: Bounds) -> list[dict[str, Any]]:
    """What the log tells of files, as far as it is needed."""
    sides = [f"{side}.{name}" for name in bounds.columns for side in ("min", "max", "null_count")]
    columns = ["path", "size_bytes", "num_records", *(f"partition.{name}" for name in partitioned), *sides]
    found: list[dict[str, Any]] = files.select([name for name in columns if name in files.schema.names]).to_pylist()
    return found


def _parts_of(
    row: Mapping[str, Any],
    *,
    root: str,
    schema: pa.Schema,
    stored: pa.Schema,
    bounds: Bounds,
    opener: Opener,
    options: ReadOptions,
) -> Sequence[Part]:
    """The parts of one file of the log; how many rows are wanted is unknown where only some are."""
    names = (name.removeprefix("partition.") for name in row if name.startswith("partition."))
    constants = {name: pa.scalar(row[f"partition.{name}"], schema.field(name).type) for name in names}
    uri, size = _file_uri(root, row["path"]), int(row["size_bytes"])
    is_whole = bounds.is_whole(row)
    if size <= PART_BYTES:
        whole: Sequence[Part] = (Part(uri, 0, None, rows=row["num_records"], size=size),)
    else:
        whole = Parquet().split(uri, size, opener, options)
        if not is_whole:
            with opener(uri) as stream:
                ranges = bounds.groups(footer_of(uri, stream).metadata)
            whole = [part for part in whole if any(low <= part.start < high for low, high in ranges)]
    return [replace(part, constants=constants, schema=stored, rows=part.rows if is_whole else None) for part in whole]


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

    version, given = _version(options.settings.get("version")), options.settings.get("timestamp")
    at = None if given is None else moment(given, "Delta timestamp")
    if version is not None and at is not None:
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
        if at is not None:
            table.load_as_version(at)
            _refuse_future(uri, table, at)
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
