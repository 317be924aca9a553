"""A batch of files on its way into the tables: read, staged and counted before anything of it is visible."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.catalog.hours import Subject
from driftline.errors import CallerError, DataError, DriftlineError, Unavailable
from driftline.imports.contents import Chunk, Tally, Unmapped, chunks, intake_of
from driftline.imports.job import FileStatus, ImportFile, ImportJob
from driftline.imports.jobs import REWRITTEN, etag_of
from driftline.imports.learning import learned
from driftline.imports.reading import open_file
from driftline.imports.rejects import Rejects
from driftline.imports.results import Result, fault_of_error
from driftline.inferences.hours import Hourly
from driftline.inferences.staging import Staging, staging
from driftline.inferences.tables import Tables
from driftline.registry import NAME
from driftline.schemas.fields import ModelField, ModelSchema
from driftline.schemas.kinds import arrow_type
from driftline.storage.access import Access

NEW_VERSIONS = 20
"""So many versions of a model may begin with one batch; a column with more of them hardly holds versions."""

SMALL_BYTES = 16 << 20
"""A file up to this size is held in memory until all of it was read; a larger one is a batch of its own."""

_TOGETHER = 32_768
"""So many rows are profiled together."""

_READERS = 4
"""Small files that are read at the same time: with a store half of the time is waiting."""


@dataclass(frozen=True)
class Batch:
    """Files that go into the tables together, as batch `number` of the stream of their model.

    `schemas` are those of all versions of the model; `replaces` are the earlier files whose rows a file stands for.
    """

    job: ImportJob
    stream: str
    number: int
    files: tuple[ImportFile, ...]
    schemas: Mapping[str, ModelSchema]
    replaces: Mapping[int, tuple[int, ...]]
    began: datetime


@dataclass(frozen=True)
class Read:
    """A file that was opened: its rows so far, held or still to come, or why there are none; `away`: for now."""

    file: ImportFile
    chunks: Iterable[Chunk] = ()
    failure: Result | None = None
    away: Unavailable | None = None
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0


class Refused(DataError):
    """{reason}"""

    def __init__(self, code: str, reason: str) -> None:
        """A file that the job's policies refuse, by a code of the rules."""
        self.code = code
        super().__init__(reason=reason)


class Grown(DriftlineError):
    """rows further down in the file have fields that the first ones have not: {names}"""

    def __init__(self, fields: Sequence[ModelField]) -> None:
        """All fields that the file adds to the schema."""
        self.fields = tuple(fields)
        super().__init__(names=", ".join(each.name for each in fields))


class Apart(DriftlineError):
    """the files of a batch must be imported one by one: {reason}"""


class Load:
    """A batch while it is staged: a context manager, which leaves nothing behind that is not committed."""

    def __init__(self, batch: Batch, tables: Tables, access: Access) -> None:
        """`access` reaches the source, `tables` know their own."""
        self.batch, self._tables, self._access = batch, tables, access
        self._stack = ExitStack()
        self.schemas = dict(batch.schemas)
        self.results: list[Result] = []
        self.postponed: list[ImportFile] = []
        self.stagings: dict[str, Staging] = {}
        self.hourly: dict[str, Hourly] = {}
        self._waiting: dict[tuple[str, pa.Schema], list[pa.RecordBatch]] = {}

    def __enter__(self) -> Load:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not committed."""
        self._stack.close()

    def run(self) -> None:
        """Read and stage all files; a file that fails leaves no row, one that cannot be reached now is postponed.

        Raises `Unavailable` where none can be reached, or the tables cannot.
        """
        self._learn()
        read = self._agreeing(self._read())
        for each in read:
            if each.failure is not None:
                self.results.append(each.failure)
                continue
            try:
                self.results.append(self._stage(each))
            except Grown as found:
                self._drop()
                self.results.append(self._again(each.file, found.fields))
            except (DataError, CallerError) as error:
                if len(read) > 1:  # rows of others are staged with it
                    raise Apart(reason=str(error)) from error
                self._drop()
                self.results.append(failed(each.file, error))
        for version, schema in list(self._waiting):
            self._profile_all(version, schema)
        for staged in self.stagings.values():
            staged.finish()

    def _drop(self) -> None:
        """Nothing is staged."""
        self._stack.close()
        self.stagings, self.hourly, self._waiting = {}, {}, {}

    def _again(self, file: ImportFile, fields: Iterable[ModelField]) -> Result:
        """A large file from its beginning, now that all fields of its rows are known."""
        version = self.batch.job.version
        self.schemas[version] = self.schemas[version].with_fields(fields)
        read = self._open(file)
        if read.away is not None:
            raise read.away
        if read.failure is not None:
            return read.failure
        try:
            return self._stage(read)
        except (DataError, CallerError) as error:
            self._drop()
            return failed(file, error)

    def _agreeing(self, every: Sequence[Read]) -> list[Read]:
        """The files that can be reached and add the same fields, if any, to the schema; the others are postponed."""
        found, added = list[Read](), dict[str, ModelField]()
        for each in every:
            fields = {field.name: field for field in each.tally.added}
            if each.away is None and all(added.get(name, field) == field for name, field in fields.items()):
                added |= fields
                found.append(each)
        if not found and every[0].away is not None:
            raise every[0].away
        there = {each.file.number for each in found}
        self.postponed = [each for each in self.batch.files if each.number not in there]
        version = self.batch.job.version
        self.schemas[version] = self.schemas[version].with_fields(added.values())
        return found

    def _read(self) -> list[Read]:
        """All files; of a version without any field only the first, which says what they are."""
        files = self.batch.files if self.batch.schemas[self.batch.job.version].fields else self.batch.files[:1]
        if len(files) == 1:
            return [self._open(files[0])]
        with ThreadPoolExecutor(min(_READERS, len(files))) as pool:
            return list(pool.map(self._open, files))

    def _open(self, file: ImportFile) -> Read:
        """The file with its rows: all of them if it is small, else with the first of them looked at."""
        began = time.monotonic()
        try:
            rows = self._chunks(file)
            if file.size <= SMALL_BYTES:
                held = list(rows)
                self._check(held[-1].tally)
                return Read(file, held, tally=held[-1].tally, seconds=time.monotonic() - began)
            first = next(rows)
            return Read(file, _after(first, rows), tally=first.tally, seconds=time.monotonic() - began)
        except (DataError, CallerError) as error:
            return Read(file, failure=replace(failed(file, error), seconds=time.monotonic() - began))
        except Unavailable as error:  # the others need not wait for it
            return Read(file, away=error)

    def _chunks(self, file: ImportFile) -> Iterator[Chunk]:
        job = self.batch.job
        if file.size > job.policies.max_file_bytes:
            said = f"the file has {file.size:,} bytes, more than the {job.policies.max_file_bytes:,} of the job"
            raise Refused("File_Too_Large", f"{said}. Cut it into several files.")
        schema = self.schemas[job.version]
        opened = open_file(job, file.uri, schema, self._access)
        if file.etag and opened.etag and etag_of(opened.etag) != etag_of(file.etag):
            raise Refused(REWRITTEN, "the file was rewritten before it was read. Its later version is read by itself.")
        return chunks(opened, job, schema, intake_of(job, file, self.batch.began))

    def _check(self, tally: Tally) -> None:
        most = self.batch.job.policies.max_rejected_ratio
        if tally.rows and tally.rejected / tally.rows > most:
            said = f"{tally.rejected:,} of {tally.rows:,} rows are rejected, more than {most:.0%}"
            faults = "; ".join(each.message for each in tally.told()[:3])
            raise Refused("Too_Many_Rejected", f"{said}: {faults}")

    def _learn(self) -> None:
        """The fields of a version that has none yet."""
        job = self.batch.job
        uris = (each.uri for each in self.batch.files if each.size <= job.policies.max_file_bytes)
        self.schemas[job.version] = learned(job, self.schemas[job.version], uris, self._access)

    def _stage(self, read: Read) -> Result:
        """All rows of a file into the tables of their versions; what came of it."""
        began, file, tally = time.monotonic(), read.file, read.tally
        duplicate, rejects = 0, Rejects()
        rows = iter(read.chunks)
        for chunk in rows:
            tally = chunk.tally
            if len(tally.added) > len(read.tally.added):  # the table has no columns for these
                for later in rows:
                    tally = later.tally
                raise Grown(tally.added)
            rejects.add(chunk.malformed)
            if chunk.rows is not None:
                rejects.add(chunk.rows.rejected)
                duplicate += self._add(chunk, file)
        self._check(tally)
        rejects.keep(self._tables, self.batch.job.model, file.number)
        seconds = read.seconds + time.monotonic() - began
        return Result(file.number, FileStatus.DONE, tally, duplicate, seconds, tally.told())

    def _add(self, chunk: Chunk, file: ImportFile) -> int:
        """Stage some rows; how many of them were there before."""
        rows, duplicate = chunk.rows, 0
        assert rows is not None
        job = self.batch.job
        if rows.early is not None and rows.early.num_rows:
            for version, batch in by_version(rows.early, job.version):
                found = self._inferences(version).add(batch, file.number, str(job.environment))
                duplicate += int(np.count_nonzero(~found.kept))
                kept = batch if found.kept.all() else batch.filter(pa.array(found.kept))
                self._profile(version, kept)
        if rows.late is not None and rows.late.num_rows:
            found = self._actuals().add(_unversioned(rows.late), file.number, str(job.environment))
            duplicate += int(np.count_nonzero(~found.kept)) if rows.early is None else 0
        return duplicate

    def _inferences(self, version: str) -> Staging:
        """The table of a version, which begins with its first rows; it gets what fields these have beyond its own."""
        own = self.schemas[self.batch.job.version]
        if version not in self.schemas and len(self.schemas) - len(self.batch.schemas) >= NEW_VERSIONS:
            said = f"the file has rows of more than {NEW_VERSIONS} versions that are not known, such as {version!r}"
            raise Refused("Too_Many_Versions", f"{said}. Map the column of the version, or make the versions first.")
        known = self.schemas.get(version, own)
        there = {each.name for each in known.early}
        self.schemas[version] = known.with_fields(each for each in own.early if each.name not in there)
        fields = [pa.field(each.name, arrow_type(each)) for each in self.schemas[version].early]
        return self._staging(self.uri_of(version), fields, "inferences", {})

    def uri_of(self, version: str) -> str:
        """The table of inferences of a version."""
        return self._tables.inferences_uri(self.batch.job.model, version)

    def _actuals(self) -> Staging:
        """Of all versions: a label is that of every prediction with its id."""
        model = self.batch.job.model
        fields = {
            each.name: pa.field(each.name, arrow_type(each)) for every in self.schemas.values() for each in every.late
        }
        beside = {version: self.uri_of(version) for version in self.schemas}
        return self._staging(self._tables.actuals_uri(model), list(fields.values()), "actuals", beside)

    def _staging(self, uri: str, fields: list[pa.Field], kind: str, beside: Mapping[str, str]) -> Staging:
        if uri not in self.stagings:
            made = staging(
                self._tables,
                uri,
                pa.schema(fields),
                kind=kind,
                ingested=self.batch.began,
                duplicates=self.batch.job.policies.duplicates,
                beside=beside,
            )
            self.stagings[uri] = self._stack.enter_context(made)
            gone = [number for file in self.batch.files for number in self.batch.replaces.get(file.number, ())]
            if gone:
                made.replace(gone)
        return self.stagings[uri]

    def _profile(self, version: str, batch: pa.RecordBatch) -> None:
        """Have the rows profiled by the hour, those of many small files together."""
        waiting = self._waiting.setdefault((version, batch.schema), [])
        waiting.append(batch)
        if sum(each.num_rows for each in waiting) >= _TOGETHER:
            self._profile_all(version, batch.schema)

    def _profile_all(self, version: str, schema: pa.Schema) -> None:
        table = pa.Table.from_batches(self._waiting.pop((version, schema))).combine_chunks()
        for batch in table.to_batches():
            self._hourly(version).observe(batch)

    def _hourly(self, version: str) -> Hourly:
        if version not in self.hourly:
            subject = Subject(self.batch.job.model, version, str(self.batch.job.environment))
            self.hourly[version] = Hourly(subject, self.schemas[version])
        return self.hourly[version]


def failed(file: ImportFile, error: DriftlineError) -> Result:
    """A file of which nothing is kept, and why."""
    faults = error.faults if isinstance(error, Unmapped) else (fault_of_error(error),)
    skipped = isinstance(error, Refused) and error.code == REWRITTEN
    return Result(file.number, FileStatus.SKIPPED if skipped else FileStatus.FAILED, faults=faults)


def by_version(batch: pa.RecordBatch, version: str) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each version: that of the column `_version` where it says one that can be a name."""
    place = batch.schema.get_field_index("_version")
    if place < 0:
        yield version, batch
        return
    said = batch.column(place).fill_null(version)
    is_name = pc.match_substring_regex(said, NAME)
    said = pc.if_else(is_name, said, version)
    for each in pc.unique(said).to_pylist():
        yield each, _unversioned(batch.filter(pc.equal(said, each)))


def _unversioned(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.drop_columns(["_version"]) if "_version" in batch.schema.names else batch


def _after(first: Chunk, rest: Iterator[Chunk]) -> Iterator[Chunk]:
    yield first
    yield from rest
