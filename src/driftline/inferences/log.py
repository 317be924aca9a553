"""The log of a table: which files it has, what a commit did, and the index of known rows brought up to date by it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.errors import NotFound
from driftline.formats.natives import native
from driftline.inferences.hashes import hours_of, identities
from driftline.inferences.known import Known, Rows, joined, load, rows_of, unknown
from driftline.inferences.tables import ATTEMPTS, PARTITIONS, Tables, busy, found, name_of, pause, told
from driftline.profile.arrow import values_of
from driftline.storage.storages import storage_for

SAID = "driftline"
"""Under this name commits tell what they are, in JSON."""

ALL = 1 << 62
"""More than the number of any file."""

_EPOCH = date(1970, 1, 1)
_COLUMNS = ("_id", "_time", "_ingested", "_batch", "_file", "_row", "_content")
LATE = "/actuals"
"""How the URI of a table of actuals ends."""

_FENCE = "fence:"
"""Before the name of a stream: the number of its latest batch that may not be committed any more."""

_DELETING = 1000
"""More commits than this are not followed one by one: the index is made anew."""


@dataclass(frozen=True)
class Stored:
    """A file of a table: its path as in the log, its partition, and the least and greatest number of a file in it."""

    path: str
    size: int
    environment: str
    day: int
    files: tuple[int, int]
    rows: int = 0


def stored(table: Any, uri: str) -> Sequence[Stored]:
    """All files of an open table, by partition and path."""
    with told(uri):
        actions = pa.table(table.get_add_actions(flatten=True))
    names = set(actions.schema.names)
    wanted = ["path", "size_bytes", "num_records", "partition._environment", "partition._day"]
    rows = actions.select([*wanted, *(name for name in ("min._file", "max._file") if name in names)]).to_pylist()
    found = [
        Stored(
            row["path"],
            row["size_bytes"],
            row["partition._environment"],
            (row["partition._day"] - _EPOCH).days,
            (_or(row.get("min._file"), 0), _or(row.get("max._file"), ALL)),
            row["num_records"] or 0,
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (each.day, each.environment, each.path))


def _or(value: int | None, other: int) -> int:
    return other if value is None else value


@contextmanager
def file_of(tables: Tables, uri: str, path: str) -> Iterator[Any]:
    """A Parquet file of a table, opened."""
    from pyarrow.parquet import ParquetFile

    with (
        storage_for(uri, tables.access).open(f"{uri.rstrip('/')}/{unquote(path)}") as stream,
        native(stream) as source,
    ):
        yield ParquetFile(source)


@dataclass(frozen=True)
class Commit:
    """What one commit did to the rows of a table: files added and whether any were removed, and what it says."""

    added: tuple[Stored, ...]
    removed: bool
    said: Mapping[str, Any]


def commit_of(tables: Tables, uri: str, version: int) -> Commit | None:
    """The commit of a version; None if its log has been removed."""
    try:
        with storage_for(uri, tables.access).open(f"{uri.rstrip('/')}/_delta_log/{version:020}.json") as stream:
            actions = [json.loads(line) for line in stream.read().splitlines() if line.strip()]
    except NotFound:
        return None
    added = tuple(_added(each["add"]) for each in actions if each.get("add", {}).get("dataChange"))
    removed = any(each.get("remove", {}).get("dataChange") for each in actions)
    said = next((each["commitInfo"].get(SAID) for each in actions if "commitInfo" in each), None)
    return Commit(added, removed, json.loads(said) if isinstance(said, str) else said or {})


def _added(add: Mapping[str, Any]) -> Stored:
    values = add["partitionValues"]
    day = (date.fromisoformat(values["_day"]) - _EPOCH).days
    return Stored(add["path"], add["size"], values["_environment"], day, (0, ALL))


def known_of(tables: Tables, uri: str, table: Any) -> Known:
    """What is known of the rows of an open table, made up to date: from the log, or from all rows where that fails."""
    folder = _folder(tables, uri)
    with _locked(folder):
        known = load(folder)
        version, name = table.version(), str(table.metadata().id)
        if known.table == name and known.version == version:
            return known
        if known.table != name or known.version > version or not _followed(known, tables, uri, version):
            known = unknown(known)
            _rebuilt(known, tables, uri, stored(table, uri))
        known.keep(version, name)
        return known


def record(tables: Tables, uri: str, table: Any, came: Known, gone: frozenset[int]) -> None:
    """Add the rows that came by a commit, the one right after the version of the open table.

    An index that is not of that version is left alone: it will follow the log.
    """
    folder = _folder(tables, uri)
    with _locked(folder):
        known, name = load(folder), str(table.metadata().id)
        if known.version != table.version() or known.table != name:
            return
        known.gone = known.gone | gone
        known.adopt(came)
        known.keep(known.version + 1, name)


def _followed(known: Known, tables: Tables, uri: str, version: int) -> bool:
    """Whether the commits since could be followed one by one."""
    if known.version < 0 or version - known.version > _DELETING:
        return False
    for each in range(known.version + 1, version + 1):
        commit = commit_of(tables, uri, each)
        if commit is None or (commit.removed and not commit.said.get("follow")):
            return False
        if commit.removed and commit.added and uri.endswith(LATE):  # rows that stay would come after later ones
            return False
        known.gone = known.gone | frozenset(commit.said.get("gone", ()))
        try:
            for file in commit.added:
                for rows, _ in _rows_in(tables, uri, file):
                    known.add(rows)
        except NotFound:  # it was compacted since, and the files removed
            return False
    return True


def _rebuilt(known: Known, tables: Tables, uri: str, files: Sequence[Stored]) -> None:
    """From the rows themselves, day by day; of actuals those of one day in the order in which they count."""
    days: dict[int, list[Stored]] = {}
    for file in files:
        days.setdefault(file.day, []).append(file)
    for day in sorted(days):
        found = (each for file in days[day] for each in _rows_in(tables, uri, file))
        if not uri.endswith(LATE):
            for rows, _ in found:
                known.add(rows)
        elif pieces := list(found):
            rows = joined(rows for rows, _ in pieces)
            ingested, number = np.concatenate([order for _, order in pieces], axis=1)
            known.add(rows.take(np.lexsort((number, rows.file, ingested))))


def _rows_in(tables: Tables, uri: str, file: Stored) -> Iterator[tuple[Rows, npt.NDArray[np.int64]]]:
    """What is to be known of the rows of a file, and when they were ingested and where they stood, by row groups."""
    with file_of(tables, uri, file.path) as parquet:
        for group in range(parquet.num_row_groups):
            read = parquet.read_row_group(group, columns=list(_COLUMNS), use_threads=False).combine_chunks()
            if read.num_rows:
                yield _rows_of(read.to_batches()[0], file.environment, late=uri.endswith(LATE))


def _rows_of(batch: pa.RecordBatch, environment: str, *, late: bool) -> tuple[Rows, npt.NDArray[np.int64]]:
    ingested, row, number = (values_of(batch[name].cast(pa.int64())) for name in ("_ingested", "_row", "_file"))
    who = identities(batch["_id"], batch["_batch"], environment)
    hours = hours_of(batch["_ingested" if late else "_time"])
    content = values_of(batch["_content"]).view(np.uint64)
    return rows_of(who, content, hours, environment, number), np.stack([ingested, row])


def _folder(tables: Tables, uri: str) -> Path:
    found = tables.cache / "known" / name_of(uri)
    found.mkdir(parents=True, exist_ok=True)
    return found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process of this machine at a time."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def committed(tables: Tables, uri: str, stream: str, number: int) -> bool:
    """Whether the batch of this number of a stream is in the table."""
    table = found(tables, uri)
    return table is not None and _is_in(table, stream, number)


def fence(tables: Tables, uri: str, stream: str, number: int) -> bool:
    """See to it that nobody can commit the batch of this number any more; False if somebody did.

    A worker that was thought dead may go on, and is refused then. The table must have no batch of a later number.
    """
    from deltalake.exceptions import CommitFailedError
    from deltalake.transaction import CommitProperties, Transaction

    said = json.dumps({"operation": "fence", "fenced": stream, "at": number})
    marks = [Transaction(stream, number), Transaction(_FENCE + stream, number)]
    for attempt in range(ATTEMPTS):
        table = found(tables, uri)
        if table is None or table.transaction_version(_FENCE + stream) == number:
            return True
        if _is_in(table, stream, number):
            return False
        try:
            with told(uri):
                properties = CommitProperties({SAID: said}, 0, marks)
                table.create_write_transaction([], "append", table.schema(), PARTITIONS, commit_properties=properties)
        except CommitFailedError:
            pause(attempt)
            continue
        return True
    raise busy(uri)


def _is_in(table: Any, stream: str, number: int) -> bool:
    done = table.transaction_version(stream)
    return done is not None and int(done) >= number and table.transaction_version(_FENCE + stream) != number
