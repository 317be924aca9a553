"""A year of hourly profiles of 100 features: what they take to store, and how long any two windows take to compare.

`python benchmarks/windows.py [DAYS [ROWS_AN_HOUR]]` makes them, 80 columns of numbers and 20 of categories, as real
parts, a batch an hour, rolls them up, and compares three months with five that begin and end on any hour.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import driftline  # noqa: F401 - it says which sort numpy takes

# isort: split
import numpy as np
import pyarrow as pa

from driftline import comparing
from driftline.catalog import Catalog, hours
from driftline.catalog.hours import HourPart, Subject
from driftline.inferences import rollups
from driftline.inferences.hours import Hourly
from driftline.inferences.sheetbytes import store
from driftline.inferences.sheets import Sheet
from driftline.storage.access import Access
from driftline.window import Window

START = datetime(2025, 1, 1, tzinfo=UTC)
SUBJECT, ACCESS = Subject("churn", "1"), Access()
TARGET_SECONDS = 1.0
DIFFERENT = 24 * 14
"""So many hours are made; those of the next two weeks are the same, as objects of their own."""


def batch(number: int, rows: int) -> pa.RecordBatch:
    """The rows of one hour: 60 columns of floats, 20 of whole numbers, 20 of categories; slowly drifting."""
    random = np.random.default_rng(number)
    times = (int(START.timestamp()) + number * 3600 + np.sort(random.integers(0, 3600, rows))) * 1_000_000
    drift = number / 8760
    columns: dict[str, pa.Array] = {"_time": pa.array(times, pa.timestamp("us", "UTC"))}
    normal = random.normal(drift, 1, (60, rows))
    for place in range(60):
        columns[f"float_{place:02d}"] = pa.array(normal[place] if place % 2 else np.exp(normal[place]))
    for place in range(20):
        columns[f"whole_{place:02d}"] = pa.array(random.poisson(3 + 10 * place + drift, rows))
    for place in range(20):
        names = pa.array([f"value {name}" for name in range(5 + 5 * place)])
        codes = np.minimum(random.geometric(0.1 + 0.05 * drift, rows) - 1, len(names) - 1).astype(np.int32)
        columns[f"text_{place:02d}"] = pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string())
    return pa.record_batch(columns)


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def fill(catalog: Catalog, folder: Path, days: int, rows: int) -> float:
    """All hours as parts; returns the CPU microseconds of profiling a row, without those of making it."""
    spent, made = 0.0, list[Sheet]()
    for number in range(min(DIFFERENT, 24 * days)):
        given, start = batch(number, rows), time.process_time()
        found = Hourly(SUBJECT)
        found.observe(given)
        made += found.sheets().values()
        spent += time.process_time() - start
    for number in range(24 * days):
        hour, sheet = START + timedelta(hours=number), made[number % len(made)]
        places = store({hour: sheet}, f"{folder}/parts/{number:05d}.hours", ACCESS)
        with catalog.begin() as tx:
            hours.add(tx, SUBJECT, [HourPart(hour, f"churn-{number}", places[hour], sheet.rows)])
    return spent / (len(made) * rows) * 1e6


def size(folder: Path) -> float:
    """Megabytes below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main(days: int = 365, rows: int = 1_000) -> int:
    """Make, measure, print; 1 if two windows take longer than a second."""
    with tempfile.TemporaryDirectory(prefix="driftline-windows-") as name:
        folder = Path(name)
        catalog = Catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
        catalog.migrate()
        profiling = fill(catalog, folder, days, rows)
        until = START + timedelta(days=days)
        rolled = timed(lambda: rollups.roll_up(catalog, SUBJECT, f"{folder}/made", ACCESS, until=until))
        share = days / 365
        first = Window(START + timedelta(days=17 * share, hours=5), START + timedelta(days=108 * share, hours=19))
        second = Window(START + timedelta(days=150 * share, hours=7), START + timedelta(days=301 * share, hours=2))
        found = [timed(lambda: comparing.windows(catalog, SUBJECT, first, second, ACCESS)) for _ in range(5)]
        with catalog.read() as tx:
            wide = [rollups.covering(window)[0] for window in (first, second)]
            parts = [len(hours.cover(tx, SUBJECT, window)) for window in wide]
        told = {
            "hours": 24 * days,
            "rows": 24 * days * rows,
            "profiling, CPU microseconds a row": profiling,
            "parts, MB": size(folder / "parts"),
            "hours, days and months made of them, MB": size(folder / "made"),
            "bytes a feature and hour": size(folder / "parts") * 1e6 / (24 * days * 100),
            "catalog, MB": size(folder) - size(folder / "parts") - size(folder / "made"),
            "rolling all up, seconds": rolled[0],
            "parts read for each window": parts,
            "compare two windows, wall seconds, first": found[0][0],
            "compare two windows, wall seconds, median": sorted(wall for wall, _ in found)[2],
            "compare two windows, CPU seconds, median": sorted(cpu for _, cpu in found)[2],
        }
        catalog.close()
    print(json.dumps(told, indent=1))
    return int(sorted(wall for wall, _ in found)[2] > TARGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
