"""Whole import jobs, from files on S3 to rows that are queryable and profiled by the hour, beside their parts.

`python benchmarks/importing.py [ROWS] [TIMES]`, one million and three by default. A Parquet file of 20 columns (see
`imports.py`) is decoded; decoded and written by the table library alone; and imported by a job: validated, sorted out
against known ids, committed, profiled, entered in the ledger. Then SageMaker Data Capture, as CSV and as JSON, is
imported, and one dry run is timed. Each way runs in a process of its own, in turn; CPU does not have the S3 server's.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import imports

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
RECORDS = 500_000


def capture(path: Path, encoding: str) -> None:
    """A file of calls with ten features and one answer each."""
    with path.open("w") as file:
        for number in range(RECORDS):
            moment = BEGAN + timedelta(seconds=number % 3600)
            values = [round((number * 7919 + place) % 1000 / 10, 1) for place in range(10)]
            answer: Any = round(number % 97 / 97, 3)
            if encoding == "CSV":
                kind, given, answered = "text/csv", ",".join(map(str, values)), str(answer)
            else:
                kind = "application/json"
                given = json.dumps({f"f{place}": value for place, value in enumerate(values)})
                answered = json.dumps({"score": answer})
            sides = {
                side: {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}
                for side, mode, data in (("endpointInput", "INPUT", given), ("endpointOutput", "OUTPUT", answered))
            }
            meta = {"eventId": f"{number:032x}", "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
            file.write(json.dumps({"captureData": sides, "eventMetadata": meta, "eventVersion": "0"}) + "\n")


def imported(uri: str, root: str, folder: Path) -> None:
    """A job, from its making to the last row."""
    from driftline import registry
    from driftline.catalog import Catalog
    from driftline.imports import jobs, running
    from driftline.imports.job import ImportJob, Place
    from driftline.registry import Model, ModelVersion
    from driftline.schemas.columns import Columns
    from driftline.schemas.fields import ModelSchema, ModelType
    from driftline.settings import Settings
    from driftline.storage.access import Access
    from driftline.storage.storages import storage_for

    settings, access = Settings(home=folder, tables=root), Access()
    catalog = Catalog(settings.url)
    catalog.migrate()
    now = catalog.clock()
    is_capture = "capture" in uri
    columns = Columns() if is_capture else Columns(id="id", timestamp="time")
    with catalog.begin() as tx:
        registry.create_model(tx, Model("m", "m"), now=now)
        registry.create_version(tx, ModelVersion("m", "1", ModelType.REGRESSION, ModelSchema()), now=now)
        job = jobs.create(tx, ImportJob("", "m", "1", Place(uri), columns), now=now)
        jobs.discover(tx, job.id, list(storage_for(uri, access).list(uri)), now=now)
    running.drain(catalog, settings, access)
    with catalog.read() as tx:
        found = jobs.counts(tx, job.id)
    assert found.done == 1, found
    assert found.rows == found.accepted, found


def dry(uri: str, _: str, __: Path) -> None:
    """A dry run."""
    from driftline.imports.dryrun import dry_run
    from driftline.imports.job import ImportJob, Place
    from driftline.schemas.columns import Columns
    from driftline.storage.access import Access

    job = ImportJob("", "m", "1", Place(uri), Columns(id="id", timestamp="time"))
    assert dry_run(job, None, Access(), now=datetime.now(UTC)).status == "passed"


WAYS: dict[str, tuple[str, Callable[[str, str, Path], None]]] = {
    "decoded": ("rows.parquet", imports.decoded),
    "written by the table library": ("rows.parquet", imports.plain),
    "imported": ("rows.parquet", imported),
    "dry run": ("rows.parquet", dry),
    "capture as CSV": ("capture-CSV.jsonl", imported),
    "capture as JSON": ("capture-JSON.jsonl", imported),
}


def main(rows: int, times: int) -> None:
    """All ways in turn, several times; the medians, and the ratios that matter."""
    sys.path.insert(0, str(imports.HERE.parent / "tests" / "contracts"))
    from s3 import running_s3

    with tempfile.TemporaryDirectory() as folder, running_s3(Path(folder, "s3")) as server:
        subprocess.run([sys.executable, __file__, "make", folder, str(rows)], check=True)
        server.bucket("bench")
        for name in {file for file, _ in WAYS.values()}:
            server.client().upload_file(str(Path(folder, name)), "bench", name)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
        environment |= server.environment()
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for number in range(times):
            for way in WAYS:
                command = [sys.executable, __file__, "one", way, f"s3://bench/tables/{number}-{way.replace(' ', '')}"]
                done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
    cpu = {way: statistics.median(each["cpu"] for each in all_) for way, all_ in found.items()}
    for way, all_ in found.items():
        wall, mib = (statistics.median(each[key] for each in all_) for key in ("wall", "mib"))
        print(f"{way:30} {cpu[way]:8.2f} CPU s {wall:8.2f} s {mib:8.0f} MiB")
    # decoding is in both sides of what the table library alone does
    print(f"imported / written by the table library: {cpu['imported'] / cpu['written by the table library']:.2f}")
    for way in ("capture as CSV", "capture as JSON"):
        print(f"{way}: {RECORDS / cpu[way]:,.0f} records a second of CPU, start of the process included")


def one(way: str, root: str) -> None:
    """One way, in this process."""
    file, work = WAYS[way]
    imports.WAYS[way] = work
    imports.one(way, f"s3://bench/{file}", root)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(*sys.argv[2:4])
    elif sys.argv[1:2] == ["make"]:
        imports.make(Path(sys.argv[2], "rows.parquet"), int(sys.argv[3]))
        for kind in ("CSV", "JSON"):
            capture(Path(sys.argv[2], f"capture-{kind}.jsonl"), kind)
    else:
        main(*(int(each) for each in [*sys.argv[1:], "1000000", "3"][: max(2, len(sys.argv) - 1)]))
