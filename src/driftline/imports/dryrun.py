"""What an import job would make of some rows of a file: access, columns and rows are tried, nothing is written."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import repeat

import pyarrow as pa

from driftline.errors import CallerError, DataError, Denied
from driftline.imports import polling
from driftline.imports.chosen import Passed
from driftline.imports.contents import Tally, with_problem
from driftline.imports.job import ImportJob
from driftline.imports.reading import Opened, open_file
from driftline.imports.results import fault_of_error
from driftline.problems import Problem
from driftline.schemas.conform import conform
from driftline.schemas.faults import Fault
from driftline.schemas.fields import ModelSchema, ModelType
from driftline.schemas.inferred import infer, type_of
from driftline.schemas.mapped import Mapped, resolve
from driftline.schemas.rules import Bounds, Intake
from driftline.storage.access import Access
from driftline.storage.storage import Object
from driftline.storage.storages import storage_for

PASSED, FAILED = "passed", "failed"

NO_FILES, DENIED = "No_Files", "Access_Denied"
"""Codes of what is wrong with a place rather than with a file."""

_REQUESTS = 5
"""So many pages of a listing are looked through for a first file."""


@dataclass(frozen=True)
class DryRun:
    """What came of it. `schema` is the declared one with what prefixes and lists add, or the one inferred.

    `type` is what the model seems to predict, told from the sample. Failed is what no row could be imported of;
    rejected rows alone do not make it fail. `faults` are those of the file or of its rows, `warnings` of its columns.
    """

    status: str
    file: str | None = None
    format: str | None = None
    mapped: Mapped | None = None
    schema: ModelSchema = field(default_factory=ModelSchema)
    type: ModelType | None = None
    sample: pa.RecordBatch | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    seconds: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was wrong but that there are no files yet."""
        return [each.code for each in self.faults] == [NO_FILES]


def dry_run(
    job: ImportJob,
    schema: ModelSchema | None,
    access: Access,
    *,
    now: datetime,
    file: str | None = None,
    rows: int = 1000,
) -> DryRun:
    """Try at most `rows` rows of `file`, or of the first file below the job's path.

    `schema` None or without fields is inferred. Raises `StorageUnavailable`, `Invalid` for what the job itself says;
    everything that is wrong with the place, the file or its rows is told.
    """
    began = time.monotonic()
    found = _tried(job, schema if schema is not None and schema.fields else None, access, (now, file, rows))
    return replace(found, seconds=time.monotonic() - began)


def _tried(
    job: ImportJob, schema: ModelSchema | None, access: Access, asked: tuple[datetime, str | None, int]
) -> DryRun:
    now, file, rows = asked
    tried = DryRun(FAILED, file, job.place.format, schema=schema or ModelSchema())
    try:
        first, passed = _first(job, access, now, file)
        if first is None:
            return replace(tried, faults=(_no_files(job, file, passed),))
        tried = replace(tried, file=first.uri)
        if first.size > job.policies.max_file_bytes:
            return replace(tried, faults=(_too_large(job, first),))
        opened = open_file(job, first.uri, schema, access)
        tried = replace(tried, format=opened.format)
        sample, tally, gaps = _sample(opened, rows)
    except Denied as error:
        return replace(tried, faults=(Fault(DENIED, str(error)),))
    except (DataError, CallerError) as error:
        return replace(tried, faults=(fault_of_error(error),))
    return _mapped(job, schema, replace(tried, sample=sample), opened, (tally, gaps, f"{first.uri}-{first.etag}", now))


def _first(job: ImportJob, access: Access, now: datetime, file: str | None) -> tuple[Object | None, Sequence[Passed]]:
    """The file to be tried, and what was passed over on the way to it."""
    if file is not None:
        found = list(storage_for(file, access).list(file))
        return (found[0] if found else None), ()
    passed: list[Passed] = []
    for page in polling.look(job, {}, access, now=now, budget=_REQUESTS):
        if page.objects:
            return page.objects[0], passed
        passed += page.passed
    return None, passed


def _sample(opened: Opened, rows: int) -> tuple[pa.RecordBatch | None, Tally, Sequence[int]]:
    """The first rows of a file as one batch, the count of those among them that could not be read, and their places."""
    tally, batches, left = Tally(), list[pa.RecordBatch](), rows
    read, gaps = 0, array("q")
    for item in opened.items():
        if isinstance(item, Problem):
            place = read + item.before
            tally = with_problem(tally, item, tally.rows + place + 1)
            gaps.extend(repeat(place, item.rows))
            left -= item.rows
        elif item.num_rows:
            batches.append(item.slice(0, left))
            left, read = left - batches[-1].num_rows, read + item.num_rows
        if left <= 0:
            break
    if not batches:
        return None, tally, gaps
    table = pa.concat_tables(map(_table, batches), promote_options="permissive").combine_chunks()
    return next(iter(table.to_batches()), None), tally, gaps


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _mapped(
    job: ImportJob,
    schema: ModelSchema | None,
    tried: DryRun,
    opened: Opened,
    known: tuple[Tally, Sequence[int], str, datetime],
) -> DryRun:
    """With what becomes of the columns and rows of the sample."""
    tally, gaps, name, now = known
    sample, columns = tried.sample, opened.columns
    if sample is None:
        said = tally.told() or (Fault("Unreadable_File", f"{opened.uri}: there is no row in it"),)
        return replace(tried, rows=tally.rows, rejected=tally.rows, faults=tuple(said))
    table = _table(sample)
    wanted = infer(columns, table, typed=opened.typed) if schema is None else schema
    bounds = Bounds(past_days=job.policies.past_days, ahead_days=job.policies.ahead_days)
    content = str(job.content)
    mapped = resolve(columns, wanted, sample.schema, content=content, bounds=bounds)
    told = {*columns.prefixes, *columns.lists}
    added = {each.name: each for each in mapped.added if each.role in told}
    if added:
        better = {each.name: each for each in infer(columns, table, typed=opened.typed) if each.name in added}
        wanted = wanted.with_fields((added | better).values())
        mapped = resolve(columns, wanted, sample.schema, content=content, bounds=bounds)
    tried = replace(
        tried,
        mapped=mapped.sampled(sample),
        schema=wanted,
        type=type_of(wanted, table, columns),
        warnings=mapped.warnings,
        rows=tally.rows + sample.num_rows,
    )
    if mapped.faults:
        return replace(tried, faults=mapped.faults)
    found = conform(sample, mapped, Intake(now, name, job.environment, job.batch, bounds), 1, gaps)
    faults = replace(tally, faults=tally.faults.merge(found.faults)).told()
    kept = found.accepted_count
    only = tuple(each for each in faults if each not in mapped.warnings)
    status = PASSED if kept else FAILED
    return replace(tried, status=status, faults=only, accepted=kept, rejected=tried.rows - kept)


def _no_files(job: ImportJob, file: str | None, passed: Sequence[Passed]) -> Fault:
    where = file or job.place.uri
    reasons = "; ".join(dict.fromkeys(each.reason for each in passed))
    over = f": {len(passed)} objects are passed over ({reasons[:200]})" if passed else ""
    return Fault(NO_FILES, f"no files at {where}{over}. Check the path; files that come there later are read.")


def _too_large(job: ImportJob, found: Object) -> Fault:
    most = job.policies.max_file_bytes
    said = f"{found.uri} has {found.size:,} bytes, more than the {most:,} of the job"
    return Fault("File_Too_Large", f"{said}. Cut it into several files.", value=str(found.size))
