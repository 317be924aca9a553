"""What Kernel SHAP costs: rows a second beside the `shap` package at equal samples, and the bookkeeping alone.

`make bench` runs it. Both explain the same rows of the same model in the same run, in turns, in one thread, by the
processor's time; what the model itself takes is measured inside it, and all else is bookkeeping. The cheap model is a
logistic regression of 20 numbers, the dear one a random forest of scikit-learn with 100 trees on the same numbers; the
third is the churn example's XGBoost model with 69 features, where it is at hand.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import shap

from driftline.explanations.kernel import Kernel
from driftline.explanations.model import matrix_of
from driftline.profile.columns import Floats

CHURN = Path(__file__).resolve().parents[2] / "shared" / "data" / "aws-churn"
TURNS, ROWS, PEER_ROWS = 5, 400, 10
FASTER, SHARE = 20.0, 0.1


@dataclass
class Timed:
    """A model of matrices that knows how long it was asked."""

    model: Callable[[Floats], Any]
    seconds: float = 0.0

    def __call__(self, rows: Floats) -> Any:
        """The model's answer."""
        start = time.process_time()
        found = self.model(rows)
        self.seconds += time.process_time() - start
        return found


def main() -> int:
    """Measure, print a line for each case and one of JSON; 1 if a target is missed."""
    found: dict[str, dict[str, float]] = {}
    for name, (model, rows, background) in cases().items():
        for samples in (100, 2048):
            found[f"{name}, {samples} samples, {background.num_rows} of background"] = measured(
                model, rows, background, samples
            )
    for name, figures in found.items():
        print(f"{name}: " + ", ".join(f"{what} {value:.4g}" for what, value in figures.items()))
    print(json.dumps(found))
    cheap = [figures["times shap"] for name, figures in found.items() if name.startswith("cheap")]
    forest = [figures["bookkeeping / model"] for name, figures in found.items() if name.startswith("forest")]
    return int(min(cheap) < FASTER or max(forest) > SHARE)


def cases() -> dict[str, tuple[Callable[[Floats], Any], pa.RecordBatch, pa.RecordBatch]]:
    """A model, rows, and a background, by name."""
    random = np.random.default_rng(1)
    weights = random.normal(size=20)
    cells = random.normal(size=(ROWS + 10, 20))
    rows = pa.record_batch({f"f{place}": np.ascontiguousarray(cells[:, place]) for place in range(20)})
    logistic = lambda matrix: 1 / (1 + np.exp(-(matrix @ weights)))  # noqa: E731
    found: dict[str, Any] = {
        "cheap model": (logistic, rows[:ROWS], rows[ROWS : ROWS + 1]),
        "cheap model, wider background": (logistic, rows[:ROWS], rows[ROWS:]),
        "forest": (forest(cells, logistic(cells) > 0.5), rows[: ROWS // 2], rows[ROWS : ROWS + 1]),
    }
    if (CHURN / "xgb-churn.json").exists():
        import xgboost

        booster = xgboost.Booster(model_file=str(CHURN / "xgb-churn.json"))
        booster.set_param({"nthread": 1})
        table = pc.read_csv(CHURN / "training-dataset-with-header.csv")
        churn = table.drop_columns(table.column_names[0]).combine_chunks().to_batches()[0]
        churn = churn.cast(pa.schema([(name, pa.float64()) for name in churn.schema.names]))
        found["XGBoost, 69 features"] = (booster.inplace_predict, churn[1 : ROWS + 1], churn[:1])
    return found


def forest(cells: Floats, labels: Floats) -> Callable[[Floats], Any]:
    """A random forest of 100 trees."""
    from sklearn.ensemble import RandomForestClassifier

    known = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(cells, labels)
    return lambda matrix: known.predict_proba(matrix)[:, 1]


def measured(
    model: Callable[[Floats], Any], rows: pa.RecordBatch, background: pa.RecordBatch, samples: int
) -> dict[str, float]:
    """Medians: rows a second of both, their ratio, and for us the model's and all other milliseconds a row."""
    timed = Timed(model)
    kernel = Kernel(lambda some: timed(matrix_of(some)), background, samples)
    kernel.explain(rows[:2])
    known = shap.KernelExplainer(model, matrix_of(background))
    matrix = matrix_of(rows)[:PEER_ROWS]
    mine, theirs, asked = [], [], []
    for _ in range(TURNS):
        timed.seconds = 0.0
        start = time.process_time()
        kernel.explain(rows)
        mine.append((time.process_time() - start) / rows.num_rows)
        asked.append(timed.seconds / rows.num_rows)
        start = time.process_time()
        known.shap_values(matrix, nsamples=samples, l1_reg=0, silent=True)
        theirs.append((time.process_time() - start) / len(matrix))
    one, other, own = (statistics.median(each) for each in (mine, theirs, asked))
    return {
        "rows/s": 1 / one,
        "shap rows/s": 1 / other,
        "times shap": other / one,
        "model ms/row": own * 1e3,
        "bookkeeping ms/row": (one - own) * 1e3,
        "bookkeeping / model": (one - own) / own,
        "bookkeeping us/record": (one - own) / (len(kernel.coalitions(rows.num_columns)) * background.num_rows) * 1e6,
    }


if __name__ == "__main__":
    sys.exit(main())
