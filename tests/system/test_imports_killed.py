"""`kill -9` at random moments of an import by two workers, over a storage that fails: every row exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import postgres_url
from deltalake import DeltaTable
from faulty import Faults, faulty
from s3 import Server, use

from driftline import registry
from driftline.catalog import Catalog
from driftline.imports import jobs
from driftline.imports.job import ImportJob, Place, Policies
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role

KILLS = int(os.environ.get("DRIFTLINE_TEST_KILLS", "100"))
FILES, ROWS = 500, 40
LONGEST_SECONDS = 480.0
BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
SCHEMA = ModelSchema(
    (
        ModelField("amount", Role.FEATURE, Kind.NUMERIC),
        ModelField("kind", Role.FEATURE, Kind.STRING),
        ModelField("score", Role.PREDICTION, Kind.NUMERIC),
    )
)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    yield made
    made.close()


def worker(catalog: Catalog, home: Path, place: int) -> subprocess.Popen[bytes]:
    """The real `driftline worker`, which also looks for files."""
    url = catalog.url.render_as_string(hide_password=False).replace("+psycopg", "")
    settings = {
        "DATABASE_URL": url,
        "HOME": str(home / f"worker-{place}"),
        "TABLES": str(home / "tables"),
        "POLL_SECONDS": "0.05",
        "LEASE_SECONDS": "1.5",
        "ATTEMPTS": "1000",
        "WORKERS": "1",
        "FILE_ATTEMPTS": "1000",
    }
    environment = {**os.environ, **{f"DRIFTLINE_{name}": value for name, value in settings.items()}}
    command = [str(Path(sys.executable).parent / "driftline"), "worker", "--plans"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def file_of(number: int) -> str:
    """A file of CSV; its rows lie in one of a hundred hours."""
    hour = BEGAN + timedelta(hours=number % 100)
    lines = [
        f"f{number}-{row},{hour:%Y-%m-%dT%H}:{row:02}:00Z,{row * 1.5},k{row % 7},{row / 10}" for row in range(ROWS)
    ]
    return "\n".join(["id,at,amount,kind,score", *lines, ""])


def job_of(catalog: Catalog, bucket: str) -> ImportJob:
    """The model, its version, and the job."""
    now = catalog.clock()
    with catalog.begin() as tx:
        registry.create_model(tx, registry.Model("loans", "Loans"), now=now)
        registry.create_version(tx, registry.ModelVersion("loans", "v1", ModelType.REGRESSION, SCHEMA), now=now)
        job = ImportJob(
            "",
            "loans",
            "v1",
            Place(f"s3://{bucket}/in/"),
            Columns(id="id", timestamp="at"),
            policies=Policies(poll_seconds=1.0),
        )
        return jobs.create(tx, job, now=now)


def done(catalog: Catalog, job: ImportJob) -> int:
    """Files that were read."""
    with catalog.read() as tx:
        return jobs.counts(tx, job.id).done


@pytest.mark.slow
def test_every_row_is_there_exactly_once(
    catalog: Catalog, tmp_path: Path, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-05, J-11: after a hundred kills, and a storage that refuses, stalls and cuts short, the ids are those sent."""
    moments, faults = random.Random(4711), Faults(refuse=0.02, stall=0.01, truncate=0.02, stall_seconds=1.0)
    bucket, client = s3.bucket(f"killed-{random.randrange(1 << 40):x}"), s3.client()
    for number in range(FILES):
        client.put_object(Bucket=bucket, Key=f"in/{number % 5}/f{number:03}.csv", Body=file_of(number).encode())
    with faulty(int(s3.endpoint.rpartition(":")[2]), faults) as port:
        use(monkeypatch, {**s3.environment(), "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"})
        job = job_of(catalog, bucket)
        workers = [worker(catalog, tmp_path, place) for place in (0, 1)]
        end = time.monotonic() + LONGEST_SECONDS
        for kill in range(KILLS if not catalog.on_postgres else KILLS // 8):
            enough = done(catalog, job) + moments.choice((0, 0, 0, 1, 5))
            time.sleep(moments.uniform(0.0, 1.5))
            while done(catalog, job) < min(enough, FILES) and time.monotonic() < end:
                time.sleep(0.02)
            place = kill % 2
            workers[place].send_signal(signal.SIGKILL)
            workers[place].wait()
            workers[place] = worker(catalog, tmp_path, place)
        try:
            while done(catalog, job) < FILES:
                assert time.monotonic() < end, "the files are not all read"
                time.sleep(0.2)
        finally:
            for each in workers:
                each.kill()
                each.wait()
    assert min(faults.taken[name] for name in ("refuse", "stall", "truncate")) > 0
    with catalog.read() as tx:
        found = jobs.counts(tx, job.id)
    assert (found.rows, found.accepted, found.rejected, found.duplicate) == (FILES * ROWS, FILES * ROWS, 0, 0)
    table = DeltaTable(str(tmp_path / "tables" / "loans" / "versions" / "v1")).to_pyarrow_table(columns=["_id"])
    ids = table["_id"].to_pylist()
    assert sorted(ids) == sorted(f"f{number}-{row}" for number in range(FILES) for row in range(ROWS))
