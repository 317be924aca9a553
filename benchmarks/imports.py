"""From Parquet on S3 to rows that can be queried: CPU beside decoding and writing by the table library alone.

`python benchmarks/imports.py [ROWS] [TIMES]`, one million rows and three times by default. The rows have 20 columns: an
id, a time, 12 numbers, 3 counts and 3 categories, of one day. A real S3 server (SeaweedFS) holds what is read and what
is written. Each way runs in a process of its own, in turn; its CPU does not have the server's. Ratios are printed as
one JSON line. `python benchmarks/imports.py known` measures the index of known ids: so many known, so many looked up.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
START = datetime(2026, 1, 2, tzinfo=UTC)
NUMBERS, COUNTS, CATEGORIES = 12, 3, 3


def make(path: Path, rows: int) -> None:
    """The file."""
    random = np.random.default_rng(1)
    mixed = random.bytes(16 * rows).hex()
    columns = {"id": pa.array([mixed[at : at + 32] for at in range(0, len(mixed), 32)])}
    seconds = np.sort(random.integers(0, 86_400 * 10**6, rows)) + int(START.timestamp()) * 10**6
    columns["time"] = pa.array(seconds, pa.timestamp("us", "UTC"))
    columns |= {f"number {each}": pa.array(random.normal(size=rows)) for each in range(NUMBERS)}
    columns |= {f"count {each}": pa.array(random.poisson(20, rows)) for each in range(COUNTS)}
    names = pa.array([f"category {each}" for each in range(40)])
    columns |= {f"kind {each}": names.take(pa.array(random.integers(0, 40, rows))) for each in range(CATEGORIES)}
    pq.write_table(pa.table(columns), path, row_group_size=131_072)


def batches(uri: str) -> Iterator[pa.RecordBatch]:
    """The rows, as any import reads them."""
    from driftline.sources import read, resolve
    from driftline.storage.access import Access

    source = resolve([uri], Access())
    for task in source.tasks:
        for item in read(task, source):
            if isinstance(item, pa.RecordBatch):
                yield item


def plain(uri: str, root: str, _: Path) -> None:
    """Decoded, and written by the table library."""
    from deltalake import write_deltalake

    from driftline.storage.access import Access
    from driftline.storage.storages import location_for, storage_for

    with storage_for(uri, Access()).open(uri) as stream:
        file = pq.ParquetFile(pa.PythonFile(stream, mode="r"))
        rows = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(131_072))
        write_deltalake(f"{root}/plain", rows, storage_options=dict(location_for(root, Access())))


def staged(uri: str, root: str, cache: Path) -> None:
    """Staged, sorted out against what is known, committed."""
    from driftline.inferences.staging import staging
    from driftline.inferences.tables import Tables
    from driftline.storage.access import Access

    tables, at = Tables(root, Access(), cache), 1
    found = batches(uri)
    first = next(found)
    target = tables.inferences_uri("model", "1")
    with staging(tables, target, first.schema, kind="inferences", ingested=START) as staged_:
        for batch in chain((first,), found):
            names = {"id": "_id", "time": "_time"}
            renamed = batch.rename_columns([names.get(name, name) for name in batch.schema.names])
            numbers = pa.array(np.arange(at, at + batch.num_rows))
            staged_.add(renamed.append_column("_row", numbers), 1)
            at += batch.num_rows
        staged_.commit("lane", 1)


def decoded(uri: str, _: str, __: Path) -> None:
    """Decoded only."""
    for _batch in batches(uri):
        pass


WAYS: dict[str, Callable[[str, str, Path], None]] = {"decoded": decoded, "plain": plain, "staged": staged}


def one(way: str, uri: str, root: str) -> None:
    """One way, in a process of its own: seconds of CPU and of wall time, and the peak of memory."""
    with tempfile.TemporaryDirectory() as cache:
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        WAYS[way](uri, root, Path(cache))
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": cpu, "wall": wall, "mib": after.ru_maxrss / 1024}))


def compare(rows: int, times: int) -> None:
    """All ways in turn, several times."""
    sys.path.insert(0, str(HERE.parent / "tests" / "contracts"))
    from s3 import running_s3

    with tempfile.TemporaryDirectory() as folder, running_s3(Path(folder, "s3")) as server:
        # in a process of its own: those that are measured would inherit the peak of this one's memory
        subprocess.run([sys.executable, __file__, "make", f"{folder}/rows.parquet", str(rows)], check=True)
        server.bucket("bench")
        server.client().upload_file(str(Path(folder, "rows.parquet")), "bench", "rows.parquet")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= server.environment()
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for number in range(times):
            for way in WAYS:
                command = [sys.executable, __file__, "one", way, "s3://bench/rows.parquet", f"s3://bench/{number}"]
                done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
                found[way].append(json.loads(done.stdout))
    median = {
        way: {key: round(statistics.median(each[key] for each in all_), 3) for key in ("cpu", "wall", "mib")}
        for way, all_ in found.items()
    }
    ratios = [one_["cpu"] / other["cpu"] for one_, other in zip(found["staged"], found["plain"], strict=True)]
    print(json.dumps({"rows": rows, **median, "staged / plain": round(statistics.median(ratios), 2)}))


def known(there: int = 10_000_000, asked: int = 1_000_000) -> None:
    """The index of known ids."""
    from driftline.inferences.hashes import Identities, identities
    from driftline.inferences.known import load, rows_of, size_on_disk

    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        index, told = load(Path(folder)), dict[str, float]()
        began = time.perf_counter()
        for number in range(there // asked):
            pair = [random.integers(0, 2**64, asked, dtype=np.uint64) for _ in range(2)]
            who = Identities(pair[0], pair[1])
            index.add(rows_of(who, pair[0], np.zeros(asked, np.int32), "production", number))
            index.keep(number, "table")
        told["seconds to build"] = time.perf_counter() - began
        ids = pa.array([f"{each:032x}" for each in random.permutation(asked).tolist()])
        for name, asking in (("hash", None), ("find new", ids), ("find known", who)):
            began = time.perf_counter()
            if asking is None:
                fresh = identities(ids, None, "production")
            else:
                index.find(fresh if asking is ids else who)
            told[f"seconds to {name}"] = time.perf_counter() - began
        told["mb on disk"] = size_on_disk(Path(folder)) / 1e6
        print(json.dumps({"known": there, "asked": asked, **{name: round(value, 3) for name, value in told.items()}}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(*sys.argv[2:5])
    elif sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["known"]:
        known(*map(int, sys.argv[2:]))
    else:
        compare(*(int(each) for each in [*sys.argv[1:], "1000000", "3"][: max(2, len(sys.argv) - 1)]))
