"""Checks of every kind with something to show: what pages are tested with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from driftline.baselines import Baseline
from driftline.monitors.bias import Bias
from driftline.monitors.explainability import Explainability
from driftline.monitors.facets import Facet
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor
from driftline.pages.content import Content
from driftline.problems import Problems
from driftline.profile import Profile
from driftline.profile.analyzer import JointAnalyzer

ROWS = 1_500

BINARY = ModelQuality("BinaryClassification", "churned", "predicted", "score")
CLASSES = ModelQuality("MulticlassClassification", "kind", "guess")
REGRESSION = ModelQuality("Regression", "price", "forecast")
BIAS = Bias(
    (Facet.of("sex", "F"), Facet.of("city")),
    ground_truth_attribute="label",
    inference_attribute="predicted",
    group_variable="job",
    features=("x",),
    confidence=0.95,
)
FEATURES = ("age", "income", "tenure", "balance")
EXPLAINED = Explainability(FEATURES, ("yes", "no"), value_drift_threshold=0.1)


def checked(
    monitor: Monitor, before: pa.Table, now: pa.Table, asked: tuple[JointAnalyzer[Any], ...] = (), **changes: Any
) -> Content:
    """What a page shows of a check of `now` against what was learnt of `before`."""
    questions = (*monitor.questions(), *asked)
    known, current = Profile.of(before, questions), Profile.of(now, questions)
    baseline = Baseline(monitor.baseline(known), known, monitor=monitor)
    given: dict[str, Any] = {
        "title": monitor.kind, "inputs": ("a.csv",), "created": "2026-11-21", "notes": ("A note.",),
        "problems": Problems(), "baseline": known, "constraints": baseline.constraints,
    }  # fmt: skip
    return Content(monitor.evaluate(baseline.learnt, current), current, monitor=monitor, **{**given, **changes})


def binary(power: float = 1.0, seed: int = 0, rows: int = ROWS) -> pa.Table:
    """Scores that are right if `power` is 1, and else for all but one region."""
    rng = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-2 * rng.normal(0, 1, rows)))
    region = rng.choice(["north", "south", "west"], rows)
    churned = rng.random(rows) < score ** np.where(region == "west", power, 1.0)
    return pa.table(
        {"score": score, "churned": churned.astype(int), "predicted": (score > 0.5).astype(int), "region": region}
    )


def classes(right: float = 0.8, seed: int = 0, rows: int = ROWS, count: int = 5, name: str = "class") -> pa.Table:
    """Labels of which a share is guessed."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, count, rows)
    guesses = np.where(rng.random(rows) < right, kinds, rng.integers(0, count, rows))
    names = np.array([f"{name} {place}" for place in range(count)])
    return pa.table({"kind": names[kinds].tolist(), "guess": names[guesses].tolist()})


def prices(slope: float = 1.0, seed: int = 0, rows: int = ROWS) -> pa.Table:
    """Numbers that are forecast `slope` times as high as they are."""
    rng = np.random.default_rng(seed)
    price = rng.gamma(3, 100, rows)
    return pa.table({"price": price, "forecast": price * slope + rng.normal(0, 40, rows)})


def people(favour: float = 0.4, seed: int = 0, rows: int = ROWS) -> pa.Table:
    """People of whom men are labelled positive more often, and predicted so the more often the greater `favour`."""
    rng = np.random.default_rng(seed)
    sex, x = rng.choice(["F", "M"], rows, p=[0.3, 0.7]), rng.normal(0, 1, rows)
    label, predicted = (x + each * (sex == "M") + rng.normal(0, 0.5, rows) > 0 for each in (0.4, favour))
    return pa.table(
        {
            "sex": sex.tolist(), "city": rng.choice(["Ulm", "Bonn", "Trier"], rows).tolist(),
            "job": rng.choice(["a", "b"], rows).tolist(), "x": x, "label": label.astype(int),
            "predicted": predicted.astype(int),
        }
    )  # fmt: skip


def explained(sizes: tuple[float, ...] = (0.5, 0.3, 0.2, 0.1), seed: int = 0, rows: int = ROWS) -> pa.Table:
    """Local attributions of these sizes."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for label in EXPLAINED.labels:
        for feature, size in zip(EXPLAINED.features, sizes, strict=True):
            found[f"{label}/{feature}"] = rng.normal(0, size, rows)
        found[f"{label}/(expected value)"] = np.full(rows, 0.25)
    return pa.table(found)


def every() -> dict[str, Content]:
    """A check of every kind, with violations."""
    return {
        "binary": checked(BINARY, binary(), binary(9.0, 1)),
        "classes": checked(CLASSES, classes(), classes(0.6, 1)),
        "regression": checked(REGRESSION, prices(), prices(0.9, 1)),
        "bias": checked(BIAS, people(), people(1.2, 1)),
        "explainability": checked(EXPLAINED, explained(), explained((0.05, 0.1, 0.3, 0.5), 1)),
    }
