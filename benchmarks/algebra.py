"""What profiles cost once the rows are gone: merge, save, load, compare; prints milliseconds as one JSON line."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import reduce

import inputs
import numpy as np
import pyarrow as pa

from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Learnt
from driftline.profile import Profile, decode, encode

HOURS, FEATURES, ROWS = 24, 100, 1_000


def milliseconds(call: Callable[[], object], repeats: int = 7) -> float:
    """The median time of one call."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


def hours(seed: int) -> list[bytes]:
    """A day of saved hourly profiles of many features."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(HOURS):
        rows = {f"f{place:03d}": random.normal(place, 1, ROWS) for place in range(FEATURES)}
        found.append(encode(Profile.of(pa.table(rows))))
    return found


def compare(monitor: DataQuality, baseline: Profile, current: Profile) -> object:
    """All measures and checks of one profile against another."""
    return monitor.evaluate(Learnt(monitor.baseline(baseline), baseline), current)


def day(saved: list[bytes]) -> Profile:
    """The profile of a day from those of its hours."""
    return reduce(Profile.merge, map(decode, saved))


def main() -> int:
    """Measure, print."""
    left = Profile.of(inputs.log_batches(1_000_000, 7))
    right = Profile.of(inputs.log_batches(1_000_000, 8, 0.3))
    saved, monitor = encode(left), DataQuality()
    first, second = hours(1), hours(2)
    found = {
        "merge two profiles of 1m rows x 21 columns": milliseconds(lambda: left.merge(right)),
        "save one": milliseconds(lambda: encode(left)),
        "load one": milliseconds(lambda: decode(saved)),
        "compare two, every measure of every column": milliseconds(lambda: compare(monitor, left, right)),
        f"load, merge and compare two days of {HOURS} hourly profiles x {FEATURES} features": milliseconds(
            lambda: compare(monitor, day(first), day(second)), 1
        ),
    }
    sizes = {"a saved profile of 1m rows x 21 columns": len(saved)}
    sizes[f"a saved profile of {ROWS:,} rows x {FEATURES} features"] = len(first[0])
    print(json.dumps({"milliseconds": found, "bytes": sizes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
