"""Errors of a regression without labels: coverage, a shift that is seen, segments, and what is undefined."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from driftline.metrics.expected_error import REGRESSION, ErrorModel, error_model, realised, regression
from driftline.profile.misses import Misses, MissesState


def state_of(predicted: np.ndarray, truth: np.ndarray | None = None, **settings: Any) -> MissesState:
    """The state of these rows."""
    batch = pa.record_batch({"p": predicted, "y": np.full(len(predicted), np.nan) if truth is None else truth})
    question = Misses("p", "y", **settings)
    return question.observe(question.start(), batch)


def made(rows: int, seed: int, centre: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Predictions around a centre, and labels that are off by more the greater the prediction."""
    rng = np.random.default_rng(seed)
    predicted = rng.normal(centre, 3.0, rows)
    return predicted, predicted + rng.normal(0.2, 0.1, rows) * np.abs(predicted) * rng.choice([-1, 1], rows)


def test_realised_errors_equal_scikit_learn() -> None:
    """MAE, MSE and the mean residual from the sums."""
    predicted, truth = made(3_000, 0)
    found = realised(state_of(predicted, truth))
    assert found["mae"] == pytest.approx(mean_absolute_error(truth, predicted))
    assert found["mse"] == pytest.approx(mean_squared_error(truth, predicted))
    assert found["mean_error"] == pytest.approx((predicted - truth).mean())


def test_intervals_hold_the_realised_error() -> None:
    """About 95 of 100 times, though the model itself was learnt from only 3,000 rows."""
    held = dict.fromkeys(("mae", "mse", "rmse", "mean_error"), 0)
    for seed in range(100):
        model = error_model(state_of(*made(3_000, seed)))
        predicted, truth = made(2_000, 1_000 + seed)
        found = regression([(state_of(predicted), model)])
        for name, value in realised(state_of(predicted, truth)).items():
            held[name] += found[name].low <= value <= found[name].high
    assert all(88 <= count <= 100 for count in held.values()), held


def test_a_shift_of_the_predictions_is_seen_without_labels() -> None:
    """Greater predictions are further off; the estimate knows, R² too."""
    model = error_model(state_of(*made(40_000, 1)))
    predicted, truth = made(20_000, 2, centre=14.0)
    found = regression([(state_of(predicted), model)])
    assert found["mae"].value == pytest.approx(mean_absolute_error(truth, predicted), rel=0.05)
    assert found["r2"].value == pytest.approx(r2_score(truth, predicted), abs=0.03)
    assert realised(state_of(*made(40_000, 1)))["mae"] < 0.8 * found["mae"].value


def test_the_baseline_gives_itself_back() -> None:
    """Estimated on the rows that it was learnt from, every metric is the realised one; R² nearly."""
    predicted, truth = made(5_000, 3)
    state = state_of(predicted, truth)
    found = regression([(state, error_model(state))])
    for name, value in realised(state).items():
        assert found[name].value == pytest.approx(value, abs=1e-9)
    assert found["r2"].value == pytest.approx(r2_score(truth, predicted), abs=2e-3)


def test_parts_with_models_of_their_own() -> None:
    """Two segments with different errors; the estimate follows their shares."""
    calm, wild = (
        ErrorModel((0.0,), (1_000,), (1.0,), (0.0,), (2.0,), (1.0,), (2.0,), (8.0,)),
        ErrorModel((0.0,), (1_000,), (5.0,), (0.0,), (50.0,), (25.0,), (50.0,), (5_000.0,)),
    )
    parts = [(state_of(np.zeros(300)), calm), (state_of(np.ones(100)), wild)]
    assert regression(parts)["mae"].value == pytest.approx((300 * 1 + 100 * 5) / 400)


def test_few_different_predictions_and_many() -> None:
    """Beyond the limit neighbours are joined, and the sums stay."""
    predicted, truth = made(20_000, 4)
    exact, joined = state_of(predicted, truth, limit=100_000), state_of(predicted, truth, limit=64)
    assert len(joined.values) <= 64 < len(exact.values)
    assert realised(joined) == pytest.approx(realised(exact))


def test_undefined_is_nan_with_a_reason() -> None:
    """No rows, no labels, labels all alike; infinite and missing values are left out."""
    empty, unlabelled = state_of(np.empty(0)), state_of(np.ones(3))
    assert all(map(isnan, realised(unlabelled).values()))
    for state, reason in ((empty, "no row with a prediction"), (unlabelled, "no error model")):
        found = regression([(state, error_model(unlabelled))])
        assert found.keys() == set(REGRESSION)
        assert all(isnan(each.value) and reason in each.reason for each in found.values())
    same = state_of(np.full(300, 2.0), np.full(300, 2.0))
    found = regression([(same, error_model(same))])
    assert (found["mae"].value, found["r2"].reason) == (0.0, "the labels are expected to be all alike")
    odd = state_of(np.array([1.0, np.inf, np.nan, 2.0]), np.array([1.0, 1.0, 1.0, np.inf]))
    assert (odd.count, odd.labelled_count, odd.unpredicted) == (2, 1, 2)


def test_json_gives_a_model_back() -> None:
    """Lists may come for tuples."""
    learnt = error_model(state_of(*made(1_000, 5)))
    members: dict[str, Any] = json.loads(json.dumps(asdict(learnt)))
    assert ErrorModel(**members) == learnt
