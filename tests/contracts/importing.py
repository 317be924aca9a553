"""A place where import jobs run in this process: a folder of files, Delta tables, a catalog, workers with caches."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from driftline import registry
from driftline.catalog import Catalog, batches, hours, imports, work
from driftline.catalog.hours import Subject
from driftline.catalog.work import Work
from driftline.imports import jobs, running, watching
from driftline.imports.job import Content, FileStatus, ImportFile, ImportJob, Place
from driftline.inferences.tables import Tables, name_of
from driftline.registry import Model, ModelVersion
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
SCHEMA = ModelSchema(
    (
        ModelField("amount", Role.FEATURE, Kind.NUMERIC),
        ModelField("kind", Role.FEATURE, Kind.STRING),
        ModelField("score", Role.PREDICTION, Kind.NUMERIC),
        ModelField("label", Role.ACTUAL, Kind.NUMERIC, of="score"),
    )
)
COLUMNS = Columns(id="id", timestamp="at")
AHEAD = timedelta(days=20_000)
"""Leases end long before."""

Row = dict[str, Any]


class Killed(BaseException):
    """The end of a process, as far as a test can have it in its own."""


def rows_of(ids: Iterable[Any], hour: float = 0, **values: Any) -> list[Row]:
    """Rows of predictions, all in one hour; `values` are those of all of them, and take the place of others."""
    return [
        {"id": str(each), "at": moment(hour, place), "amount": 1.5 * place, "kind": f"k{place % 3}", "score": 0.25}
        | values
        for place, each in enumerate(ids)
    ]


def labels_of(ids: Iterable[Any], hour: float = 0, label: float | None = 1) -> list[Row]:
    """Rows of actuals."""
    return [{"id": str(each), "at": moment(hour), "label": label} for each in ids]


def moment(hour: float, second: int = 0) -> str:
    """So many hours after the beginning."""
    return f"{BEGAN + timedelta(hours=hour, seconds=second):%Y-%m-%dT%H:%M:%SZ}"


def csv_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """As a file."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def lines_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """As JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@dataclass
class Site:
    """All that jobs need, of one model `m`; `worker` is which worker the next work is done by."""

    catalog: Catalog
    folder: Path
    worker: int = 1
    file_attempts: int = 10
    told: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """Of this worker: tables are shared, caches are not."""
        home = self.folder / f"worker-{self.worker}"
        return Settings(home=home, tables=str(self.folder / "tables"), file_attempts=self.file_attempts)

    @property
    def tables(self) -> Tables:
        """As this worker sees them."""
        return running.tables_of(self.settings, Access())

    def model(self, schema: ModelSchema = SCHEMA, *versions: str) -> None:
        """The model with these versions, one called 1 if none are named."""
        now = self.catalog.clock()
        with self.catalog.begin() as tx:
            registry.create_model(tx, Model("m", "m"), now=now)
            for each in versions or ("1",):
                registry.create_version(tx, ModelVersion("m", each, ModelType.REGRESSION, schema), now=now)

    def job(self, prefix: str = "in", **given: Any) -> ImportJob:
        """A job on a folder; what is given are members of the job, and of its place."""
        uri = f"{self.folder}/{prefix}/"
        place = Place(uri, **{name: given.pop(name) for name in ("format", "settings", "select") if name in given})
        made = ImportJob("", "m", "1", place, COLUMNS)
        made = replace(made, **given)
        with self.catalog.begin() as tx:
            return jobs.create(tx, made, now=self.catalog.clock())

    def put(self, name: str, data: bytes) -> str:
        """Write a file, or write it anew."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}")
        fresh.write_bytes(data)
        fresh.replace(path)
        return str(path)

    def look(self, *every: ImportJob) -> None:
        """Look through the sources of the jobs."""
        for each in every:
            watching.look_through(self.catalog, each, Access(), now=self.catalog.clock())

    def run(self, *every: ImportJob) -> None:
        """Look, and import all that waits; nothing may be wrong afterwards."""
        self.look(*every)
        running.drain(self.catalog, self.settings, Access(), self.told.append)
        self.check()

    def claim(self, owner: str = "worker") -> Work:
        """The next work, as a worker has it."""
        with self.catalog.begin() as tx:
            held = work.claim(tx, owner, now=self.catalog.clock(), lease_seconds=1, kinds=(jobs.WORK,))
        assert held is not None
        return held

    def lapse(self) -> None:
        """What workers held goes back to the queue, since they are silent."""
        now = self.catalog.clock()
        with self.catalog.begin() as tx:
            for held in work.lapsed(tx, now=now + AHEAD):
                assert work.give_back(tx, held, run_after=now)

    def another(self) -> None:
        """The worker died; another one, on another machine, takes over."""
        self.lapse()
        self.worker += 1

    def files(self, job: ImportJob) -> list[ImportFile]:
        """The ledger of a job."""
        with self.catalog.read() as tx:
            return list(jobs.files(tx, job.id, limit=10_000))

    def counts(self, job: ImportJob) -> tuple[int, int, int, int]:
        """Rows, and how many of them are accepted, rejected, duplicate."""
        with self.catalog.read() as tx:
            found = jobs.counts(tx, job.id)
        return found.rows, found.accepted, found.rejected, found.duplicate

    def statuses(self, job: ImportJob) -> list[str]:
        """How far each file is, in the order in which they were found."""
        return [str(each.status) for each in self.files(job)]

    def schema(self, version: str = "1") -> ModelSchema:
        """As it is by now."""
        with self.catalog.read() as tx:
            return registry.get_version(tx, "m", version).schema

    def table(self, version: str | None = "1") -> list[Row]:
        """All rows of a version's table of inferences, or of the actuals (None), as another reader sees them."""
        uri = self.tables.actuals_uri("m") if version is None else self.tables.inferences_uri("m", version)
        if not DeltaTable.is_deltatable(uri):
            return []
        found: list[Row] = DeltaTable(uri).to_pyarrow_table().to_pylist()
        return sorted(found, key=lambda row: (row["_file"], row["_row"], row["_id"]))

    def ids(self, version: str | None = "1") -> list[str]:
        """The ids in a table."""
        return sorted(row["_id"] for row in self.table(version))

    @property
    def versions(self) -> list[str]:
        """Those that have a table."""
        folder = self.folder / "tables" / name_of("m") / "versions"
        return sorted(path.name for path in folder.glob("*")) if folder.exists() else []

    def hours(self, version: str = "1", environment: str = "production") -> dict[datetime, int]:
        """How many rows the hourly profiles tell of."""
        window = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
        with self.catalog.read() as tx:
            return hours.hours(tx, Subject("m", version, environment), window)

    def touched(self, since: int = 0) -> set[tuple[str, str, str]]:
        """The hours whose answers changed by batches behind this number: version, environment, hour."""
        with self.catalog.read() as tx:
            found = batches.committed_since(tx, jobs.lane_of("m"), BEGAN - AHEAD)
        return {tuple(each) for row in found if row.number > since for each in row.body.get("touched", ())}

    def check(self) -> None:
        """What must always be so: every row counted once, and counted as what the tables and profiles have."""
        early, late = Counter[int](), Counter(row["_file"] for row in self.table(None))
        for version in self.versions:
            rows = self.table(version)
            keys = Counter((row["_environment"], row["_batch"], row["_id"]) for row in rows)
            assert not [key for key, count in keys.items() if count > 1]
            early.update(row["_file"] for row in rows)
            for environment in {row["_environment"] for row in rows} | {"production"}:
                there = Counter(_hour(row["_time"]) for row in rows if row["_environment"] == environment)
                assert self.hours(version, environment) == dict(there)
        with self.catalog.read() as tx:
            every = [jobs.of_row(row) for row in _all_jobs(tx)]
            assert batches.open_batch(tx, jobs.lane_of("m")) is None
        for job in every:
            for file in self.files(job):
                assert file.rows == file.accepted + file.rejected + file.duplicate, file
                assert min(file.accepted, file.rejected, file.duplicate) >= 0, file
                if file.status is FileStatus.PENDING:
                    continue
                if job.content is Content.ACTUALS:  # a row without an actual is no fault, and not kept
                    assert late[file.number] <= file.accepted, file
                else:
                    assert early.pop(file.number, 0) == file.accepted, file
        assert not early


def _all_jobs(tx: Any) -> Sequence[Any]:
    return imports.page(tx, imports.Search(limit=1000)).items


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
