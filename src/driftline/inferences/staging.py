"""Rows staged for a table: sorted out against what it has, written as files, then committed once and all together."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import Conflict, DriftlineError, SchemaMismatch
from driftline.inferences.hashes import Identities, contents, hours_of, identities, taken
from driftline.inferences.known import Known, Rows, load, rows_of
from driftline.inferences.log import ALL, SAID, Stored, commit_of, known_of, record, stored
from driftline.inferences.pieces import Pieces
from driftline.inferences.rewriting import Gone, Rewritten, rewritten, rows_at
from driftline.inferences.sorting import Before, Mask, Sorted, sort_out
from driftline.inferences.tables import ATTEMPTS, Tables, busy, found, opened, pause, prepared, schema_of, told
from driftline.profile.arrow import values_of
from driftline.profile.hashing import Hashes
from driftline.schemas.fields import Environment

Hour = tuple[str | None, str, datetime]
"""A version (None: that of the table itself), an environment and an hour."""

KINDS = ("inferences", "actuals")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What rows are staged for, and how: see `staging`."""

    uri: str
    schema: pa.Schema
    kind: str
    duplicates: str
    ingested: datetime
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Old:
    """Hour with environment, and file, of the rows that are known."""

    where: npt.NDArray[np.int32]
    file: npt.NDArray[np.uint32]


def staging(
    tables: Tables,
    uri: str,
    schema: pa.Schema,
    *,
    kind: str,
    ingested: datetime,
    duplicates: str = "last",
    beside: Mapping[str, str] | None = None,
) -> Staging:
    """Begin to stage rows for the table at `uri`, which is made, or gets the columns that it lacks, as needed.

    `schema` has the fields of the rows; names with `_` are the table's own. Of rows of `inferences` with one id, in
    one environment and batch, the `first` or the `last` counts; `actuals` are all kept where they differ, and the
    last counts. `ingested` is when the rows came, the same when the batch is done again. `beside`, version -> table of
    inferences, are where actuals look up which hours they touch. Raises `SchemaMismatch` for fields of another kind
    than the table's columns.
    """
    assert kind in KINDS
    asked = Asked(uri.rstrip("/"), schema, kind, duplicates, ingested.astimezone(UTC), dict(beside or {}))
    return Staging(tables, asked)


class Staging:
    """Rows on their way into one table; a context manager, which leaves nothing behind unless it was committed."""

    def __init__(self, tables: Tables, asked: Asked) -> None:
        """Use `staging`."""
        self._tables, self._asked = tables, asked
        self._table = prepared(tables, asked.uri, asked.schema)
        self._schema = schema_of(self._table)
        (tables.cache / "staged").mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=tables.cache / "staged"))
        self._known = known_of(tables, asked.uri, self._table)
        self._staged: Known = load(self._folder / "known")
        self._pieces = Pieces(tables, asked.uri, self._schema, self._folder)
        self._beside = {
            version: known_of(tables, each, table)
            for version, each in asked.beside.items()
            if (table := found(tables, each)) is not None
        }
        self._gone = Gone()
        self._rewritten = Rewritten()
        self._purged: Rewritten | None = None
        self._touched: set[Hour] = set()
        self._committed = False

    def __enter__(self) -> Staging:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not committed."""
        if not self._committed:
            self._discard()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def touched(self) -> set[Hour]:
        """The hours whose answers may change by this: complete once it is finished."""
        return self._touched | self._hours(self.vanished)

    @property
    def vanished(self) -> set[tuple[str, datetime]]:
        """Environments and hours that lose rows, of earlier batches or of this one: their profiles are made anew."""
        lost = self._rewritten.hours | (self._purged or Rewritten()).hours
        return {(environment, _hour(hour)) for environment, hour in lost}

    @property
    def superseded(self) -> Mapping[int, int]:
        """How many rows each file loses that were accepted before: its rows count as duplicates now."""
        counts = dict(self._rewritten.rows)
        for number, count in (self._purged or Rewritten()).rows.items():
            counts[number] = counts.get(number, 0) + count
        return counts

    def replace(self, files: Sequence[int]) -> None:
        """The rows of these earlier files go, in the same commit; to be said before rows are added."""
        self._gone = self._gone.with_files(files)
        self._known.gone = self._known.gone | self._gone.files

    def add(self, batch: pa.RecordBatch, file: int, environment: str = "production") -> Sorted:
        """Stage rows with the columns `_id`, `_time`, `_row`, perhaps `_batch`, and fields; tell what they are.

        `file` is their file's number in the ledger. Raises `SchemaMismatch` for values that the column of the table
        cannot hold.
        """
        batch = self._completed(batch)
        who = identities(batch["_id"], batch["_batch"], environment)
        names = sorted(name for name in batch.schema.names if not name.startswith("_"))
        late = self._asked.kind == "actuals"
        content = contents(batch, [*names, "_time"])
        order = np.argsort(who.first, kind="stable")  # once: what is sorted already costs nothing to sort
        who, ordered = who.take(order), content[order]
        before, old = self._before(who)
        done = sort_out(who, ordered, before, "every" if late else self._asked.duplicates)
        if done.kept.any():
            hours = hours_of(batch["_ingested" if late else "_time"])[order]
            rows = rows_of(who, ordered, hours, environment, file).take(done.kept)
            if not late:
                self._supersede(who, values_of(batch["_row"])[order], file, old, done.changed & done.kept)
            self._staged.add(rows)
            self._touch(rows, environment)
        done = done.ordered(order)
        if done.kept.any():
            self._write(taken(batch, done.kept), content[done.kept], file, environment)
        return done

    def finish(self) -> None:
        """Write all files, also those that take the place of the table's files which lose rows; nothing is visible."""
        if self._purged is None:
            self._pieces.finish()
            self._purged = self._purge()
            self._rewrite()

    def commit(self, stream: str, number: int, said: Mapping[str, Any] | None = None) -> bool:
        """Make all visible at once, as the batch of this number of a stream; False if that is there already.

        `said` is kept in the table's history. Numbers of a stream only grow. Raises `Conflict` if another writer
        brought rows of the same ids meanwhile, or is always first: the batch is to be staged again.
        """
        self.finish()
        token = secrets.token_hex(8)
        word = {"stream": stream, "number": number, "token": token, "follow": True, "gone": sorted(self._gone.files)}
        for attempt in range(ATTEMPTS):
            table = opened(self._tables, self._asked.uri)
            done = table.transaction_version(stream)
            if done is not None and done >= number:
                return self._is_ours(table, token)
            if table.version() != self._table.version():
                self._follow(table)
            if self._try(table, stream, number, json.dumps({**word, "told": dict(said or {})})):
                self._committed = True
                record(self._tables, self._asked.uri, table, self._staged, self._gone.files)
                return True
            pause(attempt)
        raise busy(self._asked.uri)

    def _try(self, table: Any, stream: str, number: int, word: str) -> bool:
        """One attempt, which succeeds only if nobody else committed since `table` was opened."""
        from deltalake.exceptions import CommitFailedError
        from deltalake.transaction import CommitProperties, Transaction

        actions = [each.action() for each in self._pieces.done] + self._rewritten.actions()
        properties = CommitProperties({SAID: word}, 0, [Transaction(stream, number)])
        try:
            with told(self._asked.uri):
                table.create_write_transaction(
                    actions, "append", self._schema, ["_environment", "_day"], commit_properties=properties
                )
        except CommitFailedError:
            return False
        return True

    def _is_ours(self, table: Any, token: str) -> bool:
        """Whether a commit that is there was ours, of which the answer was lost."""
        for version in range(table.version(), self._table.version(), -1):
            commit = commit_of(self._tables, self._asked.uri, version)
            if commit is not None and commit.said.get("token") == token:
                self._committed = True
                return True
        return False

    def _follow(self, table: Any) -> None:
        """Take in what others committed since: files that moved are rewritten again, rows of the same ids refused."""
        known = known_of(self._tables, self._asked.uri, table)
        known.gone = known.gone | self._gone.files
        for run in self._staged.runs:
            (was, old), (there, new) = (each.find(run.rows.identities) for each in (self._known, known))
            if not np.array_equal(was, there) or not np.array_equal(old.content, new.content):
                reason = "another writer brought rows with ids of this batch while it was staged"
                raise Conflict(what="table", name=self._asked.uri, reason=reason, remedy="Do the batch again.")
        self._known, self._table = known, table
        self._rewritten.discard(self._tables, self._asked.uri)
        self._rewrite()

    def _completed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """With all own columns, fields in types that the table can hold; a time that is missing is that of coming."""
        size = batch.num_rows
        ingested = pa.repeat(pa.scalar(self._asked.ingested, pa.timestamp("us", "UTC")), size)
        columns = {
            name: column for name, column in zip(batch.schema.names, batch.columns, strict=True) if name[0] != "_"
        }
        columns = {name: self._stored(name, column) for name, column in columns.items()}
        own = {
            "_id": batch["_id"],
            "_time": _timed(batch, ingested, keep=self._asked.kind == "actuals"),
            "_ingested": ingested,
            "_batch": batch["_batch"] if "_batch" in batch.schema.names else pa.nulls(size, pa.string()),
            "_row": batch["_row"].cast(pa.int64()),
        }
        return pa.record_batch({**own, **{name: column for name, column in columns.items() if column is not None}})

    def _stored(self, name: str, column: pa.Array) -> pa.Array | None:
        """A field as the table keeps it; None for one of nulls that the table has no column for."""
        place = self._schema.get_field_index(name)
        if place < 0 and column.null_count == len(column):
            return None
        if place < 0:
            reason = "it is not among the fields that the rows were announced with"
            raise SchemaMismatch(column=name, reason=reason, remedy="Begin again with a schema that has it.")
        kind = self._schema.field(place).type
        texts = pa.types.is_dictionary(column.type) and pa.types.is_string(kind)
        try:
            return column if texts and pa.types.is_string(column.type.value_type) else _cast(column, kind)
        except pa.ArrowInvalid as error:
            reason = f"the table has {kind}, the rows {column.type}: {str(error)[:200]}"
            raise SchemaMismatch(column=name, reason=reason, remedy="Map it to a field of another name.") from error

    def _before(self, who: Identities) -> tuple[Before, Old]:
        """What is known of rows: from what is staged, else from the table."""
        size = len(who)
        known, content = np.zeros(size, np.bool_), np.zeros(size, np.uint64)
        old = Old(np.zeros(size, np.int32), np.zeros(size, np.uint32))
        for source in (self._staged, self._known):
            left = np.flatnonzero(~known)
            if not len(source) or not len(left):
                continue
            mask, rows = source.find(who.take(left))
            at = left[mask]
            known[at], content[at], old.where[at], old.file[at] = True, rows.content, rows.where, rows.file
        return Before(known, content), old

    def _supersede(self, who: Identities, rows: npt.NDArray[np.int64], file: int, old: Old, changed: Mask) -> None:
        """Remember changed rows: whichever other row of these ids there is, it goes."""
        hours = old.where[changed]
        self._gone.supersede(rows_at(who.take(changed), rows[changed], file), hours, old.file[changed])

    def _touch(self, rows: Rows, environment: str) -> None:
        """The hours of rows; of actuals those of the predictions that they belong to."""
        if self._asked.kind == "inferences":
            self._touched |= {(None, environment, _hour(hour)) for hour in np.unique(rows.hours).tolist()}
        for version, known in self._beside.items():
            hours = known.hours(rows.identities.first, environment)
            self._touched |= {(version, environment, _hour(hour)) for hour in hours}

    def _write(self, batch: pa.RecordBatch, content: Hashes, file: int, environment: str) -> None:
        """To the files of their days; sets have years of times but come at once, so the day of coming is theirs."""
        more = {"_content": content.view(np.int64), "_file": np.full(batch.num_rows, file, np.int64)}
        for name, values in more.items():
            batch = batch.append_column(name, pa.array(values))
        by_time = self._asked.kind == "inferences" and environment == Environment.PRODUCTION
        days = hours_of(batch["_time" if by_time else "_ingested"]) // 24
        for day in np.unique(days).tolist():
            self._pieces.add(taken(batch, days == day), (environment, day))

    def _purge(self) -> Rewritten:
        """Take superseded rows out of the files that were staged."""
        lost = Rewritten()
        for piece in [each for each in self._pieces.done if self._gone.may_be_in(each.day)]:
            stored_ = Stored(piece.path, piece.size, *piece.day, (0, ALL))
            again = rewritten(self._tables, self._asked.uri, [stored_], self._gone, self._fresh())
            if again.removed:
                self._pieces.discard([piece])
                self._pieces.done += again.added
                lost = lost.merge(again)
        return lost

    def _rewrite(self) -> None:
        """Make the table's files anew that hold rows which go."""
        if self._gone:
            there = [each for each in stored(self._table, self._asked.uri) if self._gone.may_hold(each)]
            self._rewritten = rewritten(self._tables, self._asked.uri, there, self._gone, self._fresh())
            for environment, first in self._rewritten.lost:
                for version, known in self._beside.items():
                    hours = known.hours(first, environment)
                    self._touched |= {(version, environment, _hour(hour)) for hour in hours}

    def _fresh(self) -> Pieces:
        return Pieces(self._tables, self._asked.uri, self._schema, self._folder)

    def _hours(self, lost: set[tuple[str, datetime]]) -> set[Hour]:
        return {(None, *each) for each in lost} if self._asked.kind == "inferences" else set()

    def _discard(self) -> None:
        """Files that nobody will see go; where the store cannot be reached now, `vacuum` finds them later."""
        with suppress(DriftlineError):
            self._pieces.discard()
            self._rewritten.discard(self._tables, self._asked.uri)


def _hour(number: int) -> datetime:
    return _EPOCH + timedelta(hours=number)


def _timed(batch: pa.RecordBatch, ingested: pa.Array, *, keep: bool) -> pa.Array:
    """The times of rows; a missing one is that at which it came, unless nulls are kept."""
    kind = pa.timestamp("us", "UTC")
    if "_time" not in batch.schema.names:
        return pa.nulls(batch.num_rows, kind) if keep else ingested
    times = batch["_time"].cast(kind)
    return times if keep or not times.null_count else pc.coalesce(times, ingested)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """In another type; whole numbers become floats also where these cannot hold them to the last digit."""
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(kind, safe=not pa.types.is_floating(kind))
