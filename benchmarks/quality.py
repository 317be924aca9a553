"""What model quality with curves costs beyond decoding, for one million rows of each type of problem.

`make bench` runs it. The rows lie in Parquet with row groups of 131,072; every time is the processor time of one
thread, the median of several turns. `figures` is all that is computed of the states: metrics, deviations, curves, drift
and the documents.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from driftline.documents import jackson, model_quality
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Learnt
from driftline.monitors.quality import BINARY, MULTICLASS, REGRESSION
from driftline.profile import Profile

ROWS, GROUP, TURNS, TARGET = 1_000_000, 131_072, 5, 1.0


def main() -> int:
    """Measure, print a line for each case and one of JSON; 1 if the target is missed."""
    random = np.random.default_rng(1)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (monitor, table) in cases(random).items():
            path = Path(folder) / "rows.parquet"
            pq.write_table(table, path, row_group_size=GROUP)
            found[name] = measured(monitor, path)
            said = ", ".join(f"{part} {seconds:.3f} s" for part, seconds in found[name].items())
            print(f"{name}: {said}")
    print(json.dumps(found))
    return int(max(each["beyond decoding"] for each in found.values()) > TARGET)


def cases(random: np.random.Generator) -> dict[str, tuple[ModelQuality, pa.Table]]:
    """A monitor and a million rows for each type of problem."""
    scores = random.beta(2, 3, ROWS)
    labels = (random.random(ROWS) < scores).astype(np.int64)
    classes = np.array([f"class {place}" for place in range(10)])
    truth = random.integers(0, 10, ROWS)
    guess = np.where(random.random(ROWS) < 0.8, truth, random.integers(0, 10, ROWS))
    target = random.lognormal(3, 1, ROWS)
    return {
        "binary, a million distinct scores": (
            ModelQuality(BINARY, "label", None, "score"),
            pa.table({"score": scores, "label": labels}),
        ),
        "binary, scores of six digits as text": (
            ModelQuality(BINARY, "label", None, "score"),
            pa.table({"score": [f"{score:.6f}" for score in scores], "label": labels.astype(str)}),
        ),
        "multiclass, ten classes as text": (
            ModelQuality(MULTICLASS, "label", "guess"),
            pa.table({"guess": classes[guess], "label": classes[truth]}),
        ),
        "regression": (
            ModelQuality(REGRESSION, "label", "guess"),
            pa.table({"guess": target * random.lognormal(0, 0.1, ROWS), "label": target}),
        ),
    }


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows, a batch for each row group."""
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield from file.read_row_group(group, use_threads=False).to_batches()


def measured(monitor: ModelQuality, path: Path) -> dict[str, float]:
    """Seconds of the parts: decoding, the questions about predictions and labels, the columns themselves, figures."""
    decoding = seconds(lambda: sum(batch.num_rows for batch in batches(path)))
    asked = seconds(lambda: answers(monitor, path)) - decoding
    profile = Profile.of(batches(path), monitor.questions())
    columns = seconds(lambda: Profile.of(batches(path))) - decoding
    figures = seconds(lambda: documents(monitor, profile))
    return {
        "decoding": decoding,
        "questions": asked,
        "columns": columns,
        "figures": figures,
        "beyond decoding": asked + columns + figures,
    }


def answers(monitor: ModelQuality, path: Path) -> list[Any]:
    """The states of the questions."""
    questions = monitor.questions()
    states = [question.start() for question in questions]
    for batch in batches(path):
        states = [question.observe(state, batch) for question, state in zip(questions, states, strict=True)]
    return states


def documents(monitor: ModelQuality, profile: Profile) -> str:
    """All that a run writes."""
    learnt = Learnt(monitor.baseline(profile), profile)
    verdict = monitor.evaluate(learnt, profile)
    quality = monitor.measure(profile)
    return jackson.dumps([model_quality.statistics(quality), model_quality.violations(verdict.violations)])


def seconds(call: Callable[[], object]) -> float:
    """The median processor time of one call."""
    taken = []
    for _ in range(TURNS):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
