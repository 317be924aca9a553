"""What is done to tables beside adding rows: compaction, retention, forgetting a subject, and looking back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from driftline.errors import Invalid
from driftline.inferences.hashes import ENVIRONMENTS, texts_hashed
from driftline.inferences.log import SAID, known_of, stored
from driftline.inferences.pieces import COMPRESSION, FILE_BYTES, GROUP_ROWS
from driftline.inferences.tables import ATTEMPTS, Tables, busy, found, opened, pause, told

UNUSED_HOURS = 7 * 24
"""Files that no version needs any more are kept so long for readers of earlier versions."""

ORPHAN_HOURS = 24
"""Files that no version ever knew may belong to a batch that is being staged, but hardly for so long."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOGETHER = 500
"""So many ids are looked for by one statement."""


@dataclass(frozen=True)
class Version:
    """A version of a table: when it was made, by what, and what was said of it (see `Staging.commit`)."""

    version: int
    made: datetime
    operation: str
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Forgotten:
    """How many rows went, and which hours of a version and environment lost some: their profiles are made anew."""

    rows: int = 0
    hours: frozenset[tuple[str, str, datetime]] = frozenset()


def compact(tables: Tables, uri: str, *, least: int = 8) -> int:
    """Make few large files of many small ones where a partition has `least` or more; how many files went.

    Nothing that readers see changes. Writers who come in between are not disturbed: then nothing is done this time.
    """
    from deltalake import CommitProperties, WriterProperties
    from deltalake.exceptions import CommitFailedError

    table = found(tables, uri)
    if table is None:
        return 0
    counts = Counter((each.environment, each.day) for each in stored(table, uri) if each.size < FILE_BYTES // 2)
    if not any(count >= least for count in counts.values()):
        return 0
    writing = WriterProperties(compression=COMPRESSION.upper(), max_row_group_size=GROUP_ROWS)
    said = CommitProperties({SAID: json.dumps({"operation": "compact"})})
    try:
        with told(uri):
            done = table.optimize.compact(target_size=FILE_BYTES, writer_properties=writing, commit_properties=said)
    except CommitFailedError:
        return 0
    return int(done["numFilesRemoved"])


def retain(tables: Tables, uri: str, before: datetime) -> int:
    """Take out the rows of all days before that of `before`; how many went. Only the log is written.

    The rows' files go once nobody can read an earlier version any more, by `vacuum`.
    """
    day = before.astimezone(UTC).date()
    return _deleted(tables, uri, f"_day < '{day}'", {"operation": "retain", "follow": True})


def vacuum(tables: Tables, uri: str, hours: int = UNUSED_HOURS) -> int:
    """Remove the files that no version younger than `hours` needs, and those that were never committed; how many.

    Earlier versions cannot be read any more then. Raises `Invalid` for less than a day, in which a batch may be about
    to commit its files.
    """
    if hours < ORPHAN_HOURS:
        expected = f"at least {ORPHAN_HOURS}, since batches may be under way"
        raise Invalid(what="hours", got=hours, expected=expected)
    return _vacuumed(tables, uri, hours, full=True)


def forget(tables: Tables, model: str, versions: Sequence[str], ids: Sequence[str]) -> Forgotten:
    """Remove all rows with these ids from the tables of a model, of all environments, and the files they were in.

    Earlier versions that had them cannot be read any more. What the hours' profiles and other places tell of the rows
    is for the caller to make anew.
    """
    rows, hours = 0, set[tuple[str, str, datetime]]()
    for version in versions:
        uri = tables.inferences_uri(model, version)
        hours |= {(version, *each) for each in hours_with(tables, uri, ids)}
        rows += _forgotten(tables, uri, ids)
    rows += _forgotten(tables, tables.actuals_uri(model), ids)
    return Forgotten(rows, frozenset(hours))


def history(tables: Tables, uri: str, limit: int | None = None) -> Sequence[Version]:
    """The versions of a table, the newest first; those whose log was removed are not told."""
    table = opened(tables, uri)
    with told(uri):
        commits = table.history(limit)
    return [_version(each) for each in commits]


def _version(commit: Mapping[str, Any]) -> Version:
    made = datetime.fromtimestamp(commit.get("timestamp", 0) / 1000, UTC)
    said = json.loads(commit.get(SAID) or "{}")
    operation = said.get("operation") or ("import" if "stream" in said else str(commit.get("operation", "")).lower())
    return Version(int(commit["version"]), made, operation, said)


def hours_with(tables: Tables, uri: str, ids: Sequence[str]) -> Iterator[tuple[str, datetime]]:
    """Environments and hours in which a table of inferences has rows with these ids."""
    table = found(tables, uri)
    if table is None:
        return
    known, first = known_of(tables, uri, table), texts_hashed(pa.array(list(ids), pa.string()))
    for environment in ENVIRONMENTS:
        for hour in known.hours(first, environment):
            yield str(environment), _EPOCH + timedelta(hours=hour)


def _forgotten(tables: Tables, uri: str, ids: Sequence[str]) -> int:
    rows = 0
    for start in range(0, len(ids), _TOGETHER):
        texts = ", ".join("'" + each.replace("'", "''") + "'" for each in ids[start : start + _TOGETHER])
        rows += _deleted(tables, uri, f"_id IN ({texts})", {"operation": "forget"})
    if rows:
        _vacuumed(tables, uri, 0, full=False)
        known_of(tables, uri, opened(tables, uri))
    return rows


def _deleted(tables: Tables, uri: str, predicate: str, said: Mapping[str, Any]) -> int:
    """Delete rows, again and again while others come before; how many."""
    from deltalake import CommitProperties, WriterProperties
    from deltalake.exceptions import CommitFailedError

    writing = WriterProperties(compression=COMPRESSION.upper(), max_row_group_size=GROUP_ROWS)
    for attempt in range(ATTEMPTS):
        table = found(tables, uri)
        if table is None:
            return 0
        try:
            with told(uri):
                done = table.delete(predicate, writing, commit_properties=CommitProperties({SAID: json.dumps(said)}))
        except CommitFailedError:
            pause(attempt)
            continue
        return int(done.get("num_deleted_rows") or 0)
    raise busy(uri)


def _vacuumed(tables: Tables, uri: str, hours: int, *, full: bool) -> int:
    table = found(tables, uri)
    if table is None:
        return 0
    with told(uri):
        return len(table.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=full))
