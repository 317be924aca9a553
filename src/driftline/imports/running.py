"""Import jobs at work: batch after batch, each begun in the catalog, committed in the tables, noted in the catalog.

What a batch will be is written down before its first commit. Whoever comes after a killed worker sees by the tables
which commits were made: if all, the batch is noted; if none, it is begun anew; if some, the others are made up for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import Catalog, batches, imports, work
from driftline.catalog.work import Work
from driftline.errors import CallerError, Conflict, StorageUnavailable, Unavailable
from driftline.imports import hourparts, jobs
from driftline.imports.batch import SMALL_BYTES, Apart, Batch, Load
from driftline.imports.credentials import access_of
from driftline.imports.job import FileStatus, ImportJob, JobStatus
from driftline.imports.plans import amended, plan_of
from driftline.inferences.log import committed, fence
from driftline.inferences.tables import Tables
from driftline.schemas.faults import Fault
from driftline.schemas.fields import ModelSchema
from driftline.scripts.sandbox import Log
from driftline.settings import Settings
from driftline.storage.access import Access

FILES, BYTES = 200, 64 << 20
"""So many small files, of so many bytes together, are one batch."""

_ALONE = FILES.bit_length() - 1
"""After so many attempts a file is alone in its batch; the settings allow more of them."""

TURN_SECONDS = 20.0
"""After so long other jobs of the model have their turn."""


class Lost(Conflict):
    """{what} {name}: {reason}. {remedy}"""

    def __init__(self, subject: str) -> None:
        """The work belongs to another worker by now, whose end alone counts."""
        super().__init__(what="work", name=subject, reason="another worker has it", remedy="Nothing is to be done.")


@dataclass(frozen=True)
class World:
    """What a job works with: the catalog, the tables, how its source is reached, and whose work it is."""

    catalog: Catalog
    tables: Tables
    access: Access
    held: Work
    settings: Settings
    log: Log

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction of the catalog; raises `Lost` if the work is another worker's by now."""
        with self.catalog.begin() as tx:
            if not work.holds(tx, self.held):
                raise Lost(self.held.subject)
            yield tx


def run(catalog: Catalog, held: Work, settings: Settings, access: Access, log: Log) -> str:
    """Import what waits of a job, for a while, and end the work; says what was done. Raises `Unavailable`."""
    tables = tables_of(settings, access)
    with catalog.read() as tx:
        job = jobs.get(tx, held.subject)
        reached = access_of(tx, job.place.credentials, access, job.space)
    world = World(catalog, tables, reached, held, settings, log)
    began, files, rows = time.monotonic(), 0, 0
    while time.monotonic() - began < TURN_SECONDS:
        recover(world, jobs.lane_of(job.model))
        done = _next(world, job)
        if done is None:
            break
        files, rows = files + done[0], rows + done[1]
    now = catalog.clock()
    with catalog.begin() as tx:
        if not work.finish(tx, held):
            raise Lost(held.subject)
        jobs.enqueue(tx, jobs.get(tx, job.id), now=now)
    return f"{job.model}: {files} files, {rows:,} rows"


def tables_of(settings: Settings, access: Access) -> Tables:
    """The tables of this installation."""
    return Tables(settings.tables_root, access, settings.home / "cache")


def drain(catalog: Catalog, settings: Settings, access: Access, log: Log | None = None) -> int:
    """Import all that waits, of all jobs, in this process; how many pieces of work that were. For one-off commands."""
    done = 0
    while True:
        now = catalog.clock()
        with catalog.begin() as tx:
            held = work.claim(tx, "drain", now=now, lease_seconds=settings.lease_seconds, kinds=(jobs.WORK,))
        if held is None:
            return done
        run(catalog, held, settings, access, log or (lambda _: None))
        done += 1


def _next(world: World, job: ImportJob) -> tuple[int, int] | None:
    """The next batch, from its begin to its end: how many files and rows; None if nothing waits."""
    batch = _begin(world, job)
    if batch is None:
        return None
    with Load(batch, world.tables, world.access) as load:
        try:
            load.run()
            plan = plan_of(load, world.tables)
        except (Apart, Unavailable) as error:
            _undo(world, batch, alone=isinstance(error, Apart))
            if isinstance(error, Apart):
                return 0, 0
            raise
        with world.begin() as tx:
            batches.change(tx, batch.stream, batch.number, plan)
        _commit(load, plan["tables"])
    _note(world, batch.job, batch.stream, batch.number, plan)
    return len(plan["files"]), sum(each["rows"] for each in plan["results"].values())


def _commit(load: Load, tables: Sequence[str]) -> None:
    """Make what was staged for these tables visible; raises `Unavailable` where it has to be seen what became of it."""
    batch = load.batch
    for uri in tables:
        try:
            done = load.stagings[uri].commit(
                batch.stream, batch.number, {"files": [each.number for each in batch.files]}
            )
        except Conflict as error:
            raise StorageUnavailable(where=uri, reason=str(error)) from error
        if not done:
            raise Lost(batch.job.id)


def _undo(world: World, batch: Batch, *, alone: bool) -> None:
    """Nothing of the batch was committed: its files wait again, each `alone` in its batch if they fail together."""
    now = world.catalog.clock()
    with world.catalog.begin() as tx:
        batches.undo(tx, batch.stream, batch.number, now=now)
        for each in batch.files:
            imports.change_file(tx, each.number, attempts=max(each.attempts, _ALONE) if alone else each.attempts)


def recover(world: World, stream: str) -> None:
    """Bring a batch to its end that somebody began and did not note."""
    with world.catalog.read() as tx:
        row = batches.open_batch(tx, stream)
    if row is None:
        return
    plan = row.body
    tables = plan.get("tables", ())
    now = world.catalog.clock()
    with world.begin() as tx:
        job = jobs.get(tx, row.job)
    # the first table is fenced first: whoever is refused there goes on to no other
    if "tables" not in plan or (tables and fence(world.tables, tables[0], stream, row.number)):
        with world.begin() as tx:
            batches.undo(tx, stream, row.number, now=now)
        return
    missing = [uri for uri in tables if not committed(world.tables, uri, stream, row.number)]
    if missing:
        plan = _made_up(world, job, row.number, plan, missing)
    _note(world, job, stream, row.number, plan)


def _made_up(
    world: World, job: ImportJob, number: int, plan: Mapping[str, Any], missing: Sequence[str]
) -> Mapping[str, Any]:
    """Commit what is `missing` of a batch; its plan, without the files that cannot be read any more.

    Raises `StorageUnavailable` while one cannot be reached: a batch is committed only once.
    """
    with world.catalog.read() as tx:
        rows = [imports.file(tx, each) for each in plan["files"]]
        batch = _batch(tx, job, number, rows, datetime.fromisoformat(plan["began"]))
    with Load(batch, world.tables, world.access) as load:
        load.run()
        if load.postponed:
            raise StorageUnavailable(where=load.postponed[0].uri, reason="the rest of its batch waits for it")
        if any(plan["results"][str(each.number)]["status"] != each.status for each in load.results):
            plan = amended(plan, load, world.tables, missing)
            with world.begin() as tx:
                batches.change(tx, batch.stream, number, plan)
        _commit(load, [uri for uri in missing if uri in load.stagings])
    return plan


def _begin(world: World, job: ImportJob) -> Batch | None:
    """Files that wait, as a batch that is begun; files that ended a process before are alone in theirs."""
    now = world.catalog.clock()
    stream = jobs.lane_of(job.model)
    with world.catalog.begin() as tx:
        if not work.holds(tx, world.held):
            raise Lost(job.id)
        found = jobs.get(tx, job.id)
        if found.status is not JobStatus.ACTIVE:
            return None
        waiting = _alive(tx, imports.pending(tx, job.id, FILES), world.settings.file_attempts, now)
        rows = _chosen(_settled(tx, found, waiting, now))
        if not rows:
            return None
        number = batches.next_number(tx, stream)
        imports.count_attempt(tx, [row.number for row in rows])
        batches.begin(tx, stream, number, job.id, {"files": [row.number for row in rows]}, now=now)
        return _batch(tx, found, number, rows, now)


def _batch(tx: Connection, job: ImportJob, number: int, rows: Sequence[Any], began: datetime) -> Batch:
    schemas = {each.version: each.schema for each in registry.versions(tx, job.model)}
    schemas.setdefault(job.version, ModelSchema())
    replaces = {row.number: tuple(row.body.get("replaces", ())) for row in rows}
    files = tuple(jobs.file_of(row) for row in rows)
    return Batch(job, jobs.lane_of(job.model), number, files, schemas, replaces, began)


def _alive(tx: Connection, rows: Sequence[Any], most: int, now: datetime) -> Sequence[Any]:
    """The files without those that ended the process that read them too often, which fail."""
    for row in rows:
        if row.attempts >= most:
            said = (
                f"reading it ended the process {row.attempts} times. Cut it into smaller files, or look into the log."
            )
            body = {"faults": [asdict(Fault("Process_Ended", said))]}
            imports.change_file(tx, row.number, status=str(FileStatus.FAILED), ended=now, body=body)
    return [row for row in rows if row.attempts < most]


def _settled(tx: Connection, job: ImportJob, rows: Sequence[Any], now: datetime) -> Sequence[Any]:
    """The files without those whose name was read before with other bytes, unless they take the place of these.

    What was known of it when they were found may be outdated: the earlier one may have been under way then.
    """
    known = imports.seen(tx, job.id, [row.uri for row in rows])
    kept = []
    for row in rows:
        before = [each.number for each in known[row.uri] if each.status == str(FileStatus.DONE)]
        if before and job.policies.rewritten != "replace":
            jobs.refuse_rewritten(tx, row.number, now=now)
            continue
        is_new = list(row.body.get("replaces", ())) != before
        if is_new:
            imports.change_file(tx, row.number, body={**row.body, "replaces": before})
        kept.append(imports.file(tx, row.number) if is_new else row)
    return kept


def _chosen(rows: Sequence[Any]) -> Sequence[Any]:
    """The first of the waiting files that go together: fewer where reading them ended a process before."""
    chosen, size, most = list[Any](), 0, FILES
    for row in rows:
        most = min(most, max(FILES >> row.attempts, 1))
        size += row.size
        together = len(chosen) < most and row.size <= SMALL_BYTES and size <= BYTES and not row.body.get("replaces")
        if chosen and not together:
            break
        chosen.append(row)
        if not together:
            break
    return chosen


def _note(world: World, job: ImportJob, stream: str, number: int, plan: Mapping[str, Any]) -> None:
    """What was committed, in the catalog: the ledger, the hours, the schemas; all or nothing."""
    with world.catalog.read() as tx:
        batch = _batch(tx, job, number, (), datetime.fromisoformat(plan["began"]))
    attempt = f"{world.held.id}-{world.held.attempt}"
    hourparts.make_anew(world.begin, world.tables, batch, plan["vanished"], attempt)
    now = world.catalog.clock()
    with world.begin() as tx:
        if not batches.commit(tx, stream, number, now=now):
            return
        for name, columns in plan["results"].items():
            moments = {each: _moment(columns[each]) for each in ("first", "last")}
            imports.change_file(tx, int(name), **{**columns, **moments}, ended=now, batch=number)
        for name, attempts in plan["postponed"].items():
            imports.change_file(tx, int(name), attempts=attempts)
        for name, count in plan["lost"].items():
            imports.move_to_duplicate(tx, int(name), count)
        for name, schema in plan["schemas"].items():
            try:
                _grow(tx, job, name, ModelSchema.of(schema), now)
            except CallerError as error:  # the rows are in the table; that must be noted all the same
                world.log(f"the schema of {job.model}/{name} stays as it is: {error}")
        hourparts.note(tx, batch, plan["hours"])


def _grow(tx: Connection, job: ImportJob, version: str, grown: ModelSchema, now: datetime) -> None:
    """The fields that a version has since the batch, or a version whose first rows these are."""
    if registry.find_version(tx, job.model, version) is not None:
        registry.grow(tx, job.model, version, grown.fields, now=now)
        return
    home = registry.find_version(tx, job.model, job.version)
    if home is not None:  # else both were deleted meanwhile
        registry.create_version(tx, registry.ModelVersion(job.model, version, home.type, grown), now=now)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
