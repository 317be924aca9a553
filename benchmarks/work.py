"""What is measured, one function a tool; run in a process of its own as `python work.py TOOL PATH [--warm PATH]`.

Prints one JSON line: wall and CPU seconds of the second call (after the imports and one call that warms up) and the
largest resident memory of the process. A tool is imported only by its own function, so that this file runs in any
environment that has the tool.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

Call = Callable[[str], object]


def decode(path: str) -> int:
    """Only decoding: every row group of a Parquet file to Arrow, in as many threads as there are processors."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)

    def read(group: int) -> int:  # a ParquetFile must not be shared by threads
        with pq.ParquetFile(path, metadata=metadata) as file:
            return int(file.read_row_group(group, use_threads=False).num_rows)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(read, range(metadata.num_row_groups)))


def decode_csv(path: str) -> int:
    """Only decoding: a CSV file to typed Arrow columns."""
    from pyarrow import csv

    return int(csv.read_csv(path).num_rows)


def duckdb(path: str) -> object:
    """DuckDB's SUMMARIZE."""
    import duckdb as database

    connection = database.connect()
    connection.execute("SET enable_progress_bar = false")
    return connection.execute("SUMMARIZE SELECT * FROM '" + path.replace("'", "''") + "'").fetchall()


def polars(path: str) -> object:
    """polars' describe of the whole table."""
    import polars as pl

    table = pl.read_csv(path) if path.endswith(".csv") else pl.read_parquet(path)
    return table.describe()


def whylogs(path: str) -> object:
    """A whylogs profile and its summary."""
    import pandas as pd
    import whylogs as why

    return why.log(pd.read_parquet(path)).view().to_pandas()


def evidently(path: str) -> object:
    """Evidently's drift preset with all defaults: current rows against as many reference rows."""
    import pandas as pd
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    current, reference = (Dataset.from_pandas(pd.read_parquet(one)) for one in path.split(","))
    return Report([DataDriftPreset()]).run(current, reference).dict()


def driftline(path: str) -> object:
    """Driftline's profile."""
    import driftline as dl

    return dl.profile(path)


def driftline_single(path: str) -> object:
    """Driftline's profile on one thread."""
    import driftline as dl

    return dl.profile(path, jobs=1)


def driftline_check(path: str) -> object:
    """Driftline: learn from the reference rows, check the current rows, all measures."""
    import driftline as dl

    current, reference = path.split(",")
    return dl.check(current, dl.baseline(reference)).to_dict()


def driftline_columns(path: str) -> int:
    """Driftline's reader alone, to typed columns: batches are read and texts that are numbers parsed, nothing more."""
    from driftline.formats.format import ReadOptions
    from driftline.profile.columns import Cells, cells_of
    from driftline.sources import Task, read, resolve
    from driftline.storage.access import Access

    source = resolve([path], Access(), None, ReadOptions())

    def values(task: Task) -> int:
        batches = [item for item in read(task, source) if hasattr(item, "num_rows")]
        return sum(len(Cells(*each).numbers) for batch in batches for each in cells_of(batch))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(values, source.tasks))


TOOLS: dict[str, Call] = {
    "decode": decode,
    "decode csv": decode_csv,
    "duckdb": duckdb,
    "polars": polars,
    "whylogs": whylogs,
    "evidently": evidently,
    "driftline": driftline,
    "driftline, one thread": driftline_single,
    "driftline check": driftline_check,
    "driftline columns": driftline_columns,
}


def measured(call: Call, path: str) -> dict[str, float]:
    """Wall and CPU seconds of one call, threads and all."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    call(path)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "mib": after.ru_maxrss / 1024}


def main() -> int:
    """Measure the tool that the command line names."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("tool", choices=TOOLS)
    options.add_argument("path", help="a file; two files parted by a comma for tools that compare")
    options.add_argument("--warm", help="what the call before is made with; nothing: no such call")
    given = options.parse_args()
    call = TOOLS[given.tool]
    # The modules beside this file must not stand in for packages of their names (pandas looks for `tables`).
    sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
    if given.warm:
        call(given.warm)
    print(json.dumps(measured(call, given.path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
