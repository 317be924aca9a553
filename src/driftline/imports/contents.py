"""The rows of a file as they go into the tables: mapped, validated, and counted to the last one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import repeat

import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import DataError
from driftline.imports.job import ImportFile, ImportJob
from driftline.imports.reading import Opened
from driftline.imports.rejects import KEPT
from driftline.problems import Problem
from driftline.schemas.conform import Conformed, conform
from driftline.schemas.faults import LONGEST, Fault, Faults, Offence
from driftline.schemas.fields import ModelField, ModelSchema
from driftline.schemas.inferred import infer
from driftline.schemas.mapped import Mapped, resolve
from driftline.schemas.rules import Bounds, Intake, fault_of

MALFORMED = "Malformed_Row"
_LOST = pa.schema({"_row": pa.int64(), "_code": pa.string(), "_reason": pa.string()})


@dataclass(frozen=True)
class Tally:
    """What was found in a file so far: `rows` that were in it, how many of them are kept, and what was wrong.

    `first` and `last` are the earliest and latest times of kept rows; `added` are fields that it has beyond the schema.
    """

    rows: int = 0
    kept: int = 0
    faults: Faults = field(default_factory=Faults)
    warnings: tuple[Fault, ...] = ()
    added: tuple[ModelField, ...] = ()
    first: datetime | None = None
    last: datetime | None = None

    @property
    def rejected(self) -> int:
        """Rows that cannot be kept."""
        return self.rows - self.kept

    def told(self) -> tuple[Fault, ...]:
        """All that is to be told of the file, as the ledger keeps it."""
        return (*(fault_of(each) for each in self.faults), *self.warnings)


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file, if there are any, and the tally of the file up to them.

    `malformed` has the rows before and among these that could not be read, as `Conformed.rejected` has those that were
    rejected.
    """

    tally: Tally
    rows: Conformed | None = None
    malformed: pa.Table | None = None


class Unmapped(DataError):
    """{uri}: {reason}"""

    def __init__(self, uri: str, faults: Sequence[Fault]) -> None:
        """What is wrong with the columns of the file, so that no row of it can be kept."""
        self.faults = tuple(faults)
        super().__init__(uri=uri, reason="; ".join(each.message for each in self.faults[:3]))


def intake_of(job: ImportJob, file: ImportFile, now: datetime) -> Intake:
    """What is known of the rows of a file beside it; ids of rows without one hang on its name and version only."""
    bounds = Bounds(past_days=job.policies.past_days, ahead_days=job.policies.ahead_days)
    name = f"{file.uri.rpartition('/')[2]}-{file.etag}"
    return Intake(now, name, job.environment, job.batch, bounds)


def chunks(opened: Opened, job: ImportJob, schema: ModelSchema, intake: Intake) -> Iterator[Chunk]:
    """The rows of a file in order; the last chunk has the tally of the whole, and no rows.

    Columns of a prefix or list of the job become fields though the schema lacks them. Raises `Unmapped` where the
    columns do not do, and what makes the file unreadable.
    """
    tally, mapped, columns, lost = Tally(), None, None, list[dict[str, object]]()
    first, gaps = 1, array("q")
    for item in opened.items():
        if isinstance(item, Problem):
            row = tally.rows + item.before + 1
            tally = with_problem(tally, item, row)
            gaps.extend(repeat(item.before, item.rows))
            if item.rows and tally.rejected <= KEPT:
                lost.append({"_row": row, "_code": MALFORMED, "_reason": _said(item, quoted=True)})
            continue
        if mapped is None or item.schema != columns:
            mapped, added = _grown(opened, job, schema.with_fields(tally.added), item)
            columns = item.schema
            tally = replace(tally, warnings=_united(tally.warnings, mapped), added=(*tally.added, *added))
        if item.num_rows:
            found = conform(item, mapped, intake, first, gaps)
            tally = _with_rows(tally, found)
            yield Chunk(tally, found, _table(lost))
            first, gaps, lost = tally.rows + 1, array("q"), []
    yield Chunk(tally, malformed=_table(lost))


def mapped_of(opened: Opened, job: ImportJob, schema: ModelSchema, found: pa.Schema) -> Mapped:
    """Which column is which field; raises `Unmapped` where no row could be kept."""
    bounds = Bounds(past_days=job.policies.past_days, ahead_days=job.policies.ahead_days)
    mapped = resolve(opened.columns, schema, found, content=str(job.content), bounds=bounds)
    if mapped.faults:
        raise Unmapped(opened.uri, mapped.faults)
    return mapped


def _grown(
    opened: Opened, job: ImportJob, schema: ModelSchema, batch: pa.RecordBatch
) -> tuple[Mapped, tuple[ModelField, ...]]:
    """Which column is which field, those included that are fields by a prefix or a list of the job; and these.

    A version without any field gets them all from the first rows.
    """
    columns = opened.columns
    if not schema.fields:
        added = infer(columns, pa.Table.from_batches([batch]), typed=opened.typed).fields
        return mapped_of(opened, job, ModelSchema(added), batch.schema), added
    mapped = mapped_of(opened, job, schema, batch.schema)
    names = {each.name for each in mapped.added if each.role in {*columns.prefixes, *columns.lists}}
    if not names:
        return mapped, ()
    found = infer(columns, pa.Table.from_batches([batch]), typed=opened.typed)
    added = tuple(each for each in found if each.name in names)
    return mapped_of(opened, job, schema.with_fields(added), batch.schema), added


def with_problem(tally: Tally, problem: Problem, row: int) -> Tally:
    """The tally with rows that could not be read, from this row of the file on; a mere warning counts no row."""
    rows = (row,) if problem.rows else ()
    said = (_said(problem)[:LONGEST],) * len(rows)
    offence = Offence(MALFORMED, problem.column, None, "", max(problem.rows, 1), rows, said)
    faults = tally.faults.merge(Faults.of([offence])) if problem.rows else tally.faults
    return replace(tally, rows=tally.rows + problem.rows, faults=faults)


def _said(problem: Problem, *, quoted: bool = False) -> str:
    """Line and reason; with the beginning of the row as it stands there if `quoted`."""
    line = f"line {problem.line}: " if problem.line else ""
    return f"{line}{problem.reason}{f': {problem.value}' if quoted and problem.value else ''}"


def _table(lost: list[dict[str, object]]) -> pa.Table | None:
    return pa.Table.from_pylist(lost, _LOST) if lost else None


def _with_rows(tally: Tally, found: Conformed) -> Tally:
    batch = found.early if found.early is not None else found.late
    first, last = tally.first, tally.last
    if batch is not None and batch.num_rows:
        ends = pc.min_max(batch["_time"]).as_py()
        first = ends["min"] if first is None else min(first, ends["min"])
        last = ends["max"] if last is None else max(last, ends["max"])
    return replace(
        tally,
        rows=tally.rows + len(found.accepted),
        kept=tally.kept + found.accepted_count,
        faults=tally.faults.merge(found.faults),
        first=first,
        last=last,
    )


def _united(before: tuple[Fault, ...], mapped: Mapped) -> tuple[Fault, ...]:
    """Warnings about columns, each once, however often the columns change within the file."""
    return tuple({(each.code, each.column): each for each in (*before, *mapped.warnings)}.values())
