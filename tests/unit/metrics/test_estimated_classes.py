"""Several classes without labels: coverage, scikit-learn, and what is undefined."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score

from driftline.errors import Invalid
from driftline.metrics.estimated_classes import (
    CLASSES,
    ClassCalibrators,
    class_calibrators,
    expected,
    realised_classes,
    several,
)
from driftline.profile.votes import Votes, VotesState

NAMES = ("red", "green", "blue")


def made(rows: int, seed: int, sharpness: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of three classes that are too sure of themselves, and the classes."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, sharpness, (rows, 3))
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    said = np.exp(1.5 * scores) / np.exp(1.5 * scores).sum(axis=1, keepdims=True)
    return said, (true.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)


def state_of(said: np.ndarray, truth: np.ndarray | None = None) -> VotesState:
    """The state of these rows."""
    columns = {name: said[:, at] for at, name in enumerate(NAMES)}
    labels = pa.nulls(len(said), pa.string()) if truth is None else pa.array([NAMES[each] for each in truth])
    question = Votes(NAMES, ground_truth="label")
    return question.observe(question.start(), pa.record_batch({**columns, "label": labels}))


def test_realised_metrics_equal_scikit_learn() -> None:
    """Accuracy, weighted precision and F1."""
    said, truth = made(2_000, 0)
    found, guess = realised_classes(state_of(said, truth)), said.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert found["weighted_precision"] == pytest.approx(precision_score(truth, guess, average="weighted"))
    assert found["weighted_f1"] == pytest.approx(f1_score(truth, guess, average="weighted"))


def test_intervals_hold_the_realised_value() -> None:
    """About 95 of 100 times, though the probabilities are miscalibrated and the inputs shift."""
    held = dict.fromkeys(CLASSES, 0)
    for seed in range(60):
        learnt = class_calibrators(state_of(*made(4_000, seed)))
        said, truth = made(3_000, 1_000 + seed, sharpness=0.9)
        found = several(state_of(said), learnt)
        for name, value in realised_classes(state_of(said, truth)).items():
            held[name] += found[name].low <= value <= found[name].high
    assert all(50 <= count <= 60 for count in held.values()), held


def test_the_expected_matrix_has_the_predicted_rows() -> None:
    """Each predicted class keeps its number of rows."""
    state = state_of(*made(3_000, 1))
    table = expected(state, class_calibrators(state))
    np.testing.assert_allclose(table.sum(axis=1), state.predicted)
    actual = state.hits.reshape(state.shape).sum(axis=2)
    np.testing.assert_allclose(table, actual, atol=5)


def test_undefined_is_nan_with_a_reason() -> None:
    """No rows, no labels, one class alone, probabilities that are missing."""
    learnt = class_calibrators(state_of(*made(1_000, 2)))
    empty = state_of(np.empty((0, 3)))
    assert {each.reason for each in several(empty, learnt).values()} == {"no row with probabilities"}
    unlabelled = state_of(made(10, 3)[0])
    assert "no calibrator" in several(unlabelled, class_calibrators(unlabelled))["accuracy"].reason
    assert all(map(isnan, realised_classes(unlabelled).values()))
    sure = state_of(np.tile([0.9, 0.05, 0.05], (300, 1)), np.zeros(300, dtype=int))
    assert several(sure, class_calibrators(sure))["accuracy"].value == pytest.approx(1.0, abs=0.002)
    missing = state_of(np.array([[0.5, np.nan, 0.1], [0.2, 0.3, 0.5]]))
    assert (missing.count, missing.unpredicted) == (1, 1)


def test_mistakes_are_told() -> None:
    """One probability only, and classes that do not fit."""
    with pytest.raises(Invalid, match="2 to 50"):
        Votes(("a",))
    with pytest.raises(Invalid, match="one a column"):
        Votes(("a", "b"), ("x",))


def test_json_gives_calibrators_back() -> None:
    """Mappings and lists may come."""
    learnt = class_calibrators(state_of(*made(500, 4)))
    members: dict[str, Any] = json.loads(json.dumps(asdict(learnt)))
    assert ClassCalibrators(**members) == learnt
