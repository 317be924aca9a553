"""What the bias monitor costs beyond decoding for one million rows: metrics of counts, and the flip test apart.

`make bench` runs it. The rows lie in Parquet with row groups of 131,072; times are processor time, the median of
several turns, with one thread for products of matrices. The flip test is shown with what it compares: five features of
the rows that it keeps of each group.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from driftline.documents import analysis
from driftline.metrics.bias_post import POST
from driftline.monitors.bias import Bias
from driftline.monitors.facets import Facet
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.profile import Profile

ROWS, GROUP, TURNS, TARGET = 1_000_000, 131_072, 5, 0.3
COUNTED = tuple(name for name in POST if name != "FT")


def main() -> int:
    """Measure, print a line for each case and one of JSON; 1 if the target is missed."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(rows(np.random.default_rng(1)), path, row_group_size=GROUP)
        for name, monitor in cases().items():
            found[name] = measured(monitor, path)
            print(f"{name}: " + ", ".join(f"{part} {value:,.4g}" for part, value in found[name].items()))
    print(json.dumps(found))
    counted = [each["seconds beyond decoding"] for name, each in found.items() if "flip" not in name]
    return int(max(counted) > TARGET)


def cases() -> dict[str, Bias]:
    """The monitors: all metrics that are counts, then the flip test in two sizes of its sample."""

    def monitor(*facets: Facet, post: tuple[str, ...] = COUNTED, **more: Any) -> Bias:
        return Bias(facets, (1,), "label", "predicted", group_variable="age", post_training=post, **more)

    sex, features = Facet.of("sex", 0), ("one", "two", "three", "four", "age")
    return {
        "20 metrics of counts, one facet": monitor(sex),
        "20 metrics of counts, facets by value, by threshold and by each distinct text": monitor(
            sex, Facet.of("income", 50_000.0), Facet.of("region")
        ),
        "20 metrics of counts with intervals": monitor(sex, confidence=0.95),
        "flip test, 5,000 rows of each group": monitor(sex, post=("FT",), features=features),
        "flip test, 10,000 rows of each group": monitor(sex, post=("FT",), features=features, flip_rows=10_000),
    }


def rows(random: np.random.Generator) -> pa.Table:
    """A million rows of a lender: two sexes, 73 ages, five regions as text, labels and predictions."""
    features = {name: random.normal(size=ROWS) for name in ("one", "two", "three", "four")}
    label = (features["one"] + random.normal(size=ROWS) > 0).astype(np.int64)
    predicted = (features["one"] + 0.2 * features["two"] > 0).astype(np.int64)
    regions = np.array(["north", "south", "east", "west", "centre"])
    return pa.table(
        {
            "sex": random.integers(0, 2, ROWS),
            "age": random.integers(17, 90, ROWS),
            "income": random.lognormal(10, 1, ROWS),
            "region": regions[random.integers(0, 5, ROWS)],
            **features,
            "label": label,
            "predicted": predicted,
        }
    )


def measured(monitor: Bias, path: Path) -> dict[str, float]:
    """Seconds: decoding alone, then what observing and computing take beyond it."""
    questions = monitor.questions()
    states: dict[Any, Any] = {}

    def observe() -> None:
        states.update({question: question.start() for question in questions})
        for batch in batches(path, questions):
            for question in questions:
                states[question] = question.observe(states[question], batch)

    whole, decoding = median(observe), median(lambda: list(batches(path, questions)))
    sample = Profile.of(next(batches(path, questions)).slice(0, 10_000))
    profile = Profile.from_states(ROWS, sample.fields, {**sample.states, **states})
    computing = median(lambda: analysis.dumps(analysis.write(monitor.measure(profile))))
    return {
        "seconds beyond decoding": whole - decoding + computing,
        "of them for metrics and document": computing,
        "decoding": decoding,
        **told(monitor, profile),
    }


def told(monitor: Bias, profile: Profile) -> dict[str, float]:
    """What the flip test compared, and by how much it may be off by that (one standard error)."""
    [compared, *_] = monitor.compared(profile)
    if compared.flips is None:
        return {}
    flips = compared.flips
    share, apart = (flips.favoured + flips.harmed) / flips.rows, (flips.favoured - flips.harmed) / flips.rows
    error = ((share - apart**2) / flips.rows * (1 - flips.rows / flips.total)) ** 0.5
    return {"rows asked": flips.rows, "of": flips.total, "value": apart, "standard error": error}


def batches(path: Path, questions: tuple[JointAnalyzer[Any], ...]) -> Iterator[pa.RecordBatch]:
    """The rows with the columns that are asked about, a batch for each row group."""
    file = pq.ParquetFile(path)
    asked = json.dumps([vars(question) for question in questions])
    columns = [name for name in file.schema_arrow.names if f'"{name}"' in asked]
    for group in range(file.num_row_groups):
        yield from file.read_row_group(group, columns, use_threads=False).to_batches()


def median(call: Callable[[], object]) -> float:
    """The median CPU seconds of one call, after one to warm up."""
    call()
    taken = []
    for _ in range(TURNS):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
