"""Joins many predictions with fewer labels in any order; prints seconds and the peak of memory as one JSON line.

`python benchmarks/join.py [PREDICTIONS] [LABELS]`, 10 million and 1 million by default. Each side lies in files of its
own: predictions as Parquet with ten features, labels as SageMaker's ground truth by hour, shuffled. Files are made
first, by a process of their own, and not measured.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from driftline.labels.join import Join
from driftline.labels.truth import Truth, indexed
from driftline.sources import read, resolve
from driftline.storage.access import Access

FEATURES, PIECE, HOURS = 10, 500_000, 24
START = datetime(2026, 1, 2, tzinfo=UTC)


def ids(numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    """Ids of 36 characters, as of a UUID; unlike it they can be made again from their number."""
    mixed = pa.array(numbers * 0x5DEECE66D % (1 << 61)).cast(pa.string())
    padded = pc.utf8_lpad(mixed, 36, "0")
    return pc.utf8_replace_slice(padded, 8, 9, "-")


def make(folder: Path, predictions: int, labels: int) -> None:
    """Both sides, written to files."""
    random = np.random.default_rng(1)
    (folder / "predictions").mkdir()
    for piece, start in enumerate(range(0, predictions, PIECE)):
        numbers = np.arange(start, min(start + PIECE, predictions))
        columns = {"inference_id": ids(numbers), "score": random.random(len(numbers))}
        columns |= {f"f{place}": random.normal(size=len(numbers)) for place in range(FEATURES)}
        pq.write_table(pa.table(columns), folder / "predictions" / f"{piece:05d}.parquet")
    chosen = random.permutation(predictions)[:labels]
    for hour, numbers in enumerate(np.array_split(chosen, HOURS)):
        path = folder / "truth" / f"{START + timedelta(hours=hour):%Y/%m/%d/%H}" / "a.jsonl"
        path.parent.mkdir(parents=True)
        lines = pc.binary_join_element_wise(
            '{"groundTruthData":{"data":"',
            pa.array(numbers % 2).cast(pa.string()),
            '","encoding":"CSV"},"eventMetadata":{"eventId":"',
            ids(numbers),
            '"},"eventVersion":"0"}\n',
            "",
        )
        path.write_text("".join(lines.to_pylist()))


def measure(folder: Path) -> dict[str, float]:
    """Seconds and MiB of one join, and what was found."""
    access, began = Access(), time.perf_counter()
    with indexed(Truth((str(folder / "truth"),)), access) as found:
        known = time.perf_counter()
        join, source, seconds = Join(found.index), resolve([str(folder / "predictions")], access), 0.0
        for task in source.tasks:
            items = list(read(task, source))
            start = time.perf_counter()
            for _ in join.joined(items):
                pass
            seconds += time.perf_counter() - start
        coverage = join.coverage
    return {
        "index": known - began,
        "join beyond decoding": seconds,
        "all": time.perf_counter() - began,
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "predictions": coverage.predictions,
        "labelled": coverage.labelled,
        "unknown": coverage.unknown,
    }


def main() -> int:
    """Make the files, then measure in a fresh process."""
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
        return 0
    if sys.argv[1:2] == ["--make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        return 0
    sizes = [*sys.argv[1:], "10000000", "1000000"][:2] if len(sys.argv) != 2 else [sys.argv[1], "1000000"]
    with tempfile.TemporaryDirectory(prefix="driftline-join-") as folder:
        subprocess.run([sys.executable, __file__, "--make", folder, *sizes], check=True)
        subprocess.run([sys.executable, __file__, "--measure", folder], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
