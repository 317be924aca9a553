"""SageMaker's churn model as a container serves it: `/ping` and `/invocations`, CSV rows in, probabilities out."""

from __future__ import annotations

import json
import math
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

from answering import answering


@cache
def _trees(path: Path) -> tuple[list[dict[str, list[Any]]], float]:
    learner = json.loads(path.read_text())["learner"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    return learner["gradient_booster"]["model"]["trees"], math.log(base / (1 - base))


def score(path: Path, row: list[float]) -> float:
    """The probability that XGBoost gives for the row: the leaves of its trees, summed and squashed.

    A value goes left if it is below the node's condition, in single precision as XGBoost compares.
    """
    import numpy as np

    trees, total = _trees(path)
    values = np.asarray(row, np.float32)
    for tree in trees:
        node = 0
        while tree["left_children"][node] != -1:
            value, condition = values[tree["split_indices"][node]], np.float32(tree["split_conditions"][node])
            goes_left = bool(tree["default_left"][node]) if math.isnan(value) else bool(value < condition)
            node = tree["left_children"][node] if goes_left else tree["right_children"][node]
        total += tree["split_conditions"][node]
    return 1 / (1 + math.exp(-total))


def served(path: Path) -> AbstractContextManager[str]:
    """The model behind a URL for the length of a block."""

    def answer(text: str) -> str:
        rows = [[float(value) for value in line.split(",")] for line in text.splitlines() if line.strip()]
        return "\n".join(f"{score(path, row):.16g}" for row in rows)

    return answering(answer, "text/csv; charset=utf-8")
