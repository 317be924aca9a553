"""Calibration against scikit-learn: reliability bins, isotonic regression, and what is undefined."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isnan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

from driftline.metrics.calibration import (
    IDENTITY,
    Calibrator,
    binned,
    expected_calibration_error,
    isotonic,
    maximum_calibration_error,
    reliability,
    share_interval,
    why_no_calibration,
)
from driftline.profile.scores import ScoresState

PAIRS = st.lists(st.tuples(st.integers(0, 30).map(lambda n: n / 30), st.booleans()), min_size=1, max_size=80)


def state_of(pairs: list[tuple[float, bool]]) -> ScoresState:
    """The state of scores with labels."""
    return ScoresState.of(np.array([score for score, _ in pairs]), np.array([label for _, label in pairs]))


def made(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels whose rate is the score's square."""
    rng = np.random.default_rng(seed)
    scores = rng.random(rows)
    return scores, rng.random(rows) < scores**2


@settings(max_examples=100, deadline=None)
@given(PAIRS)
def test_isotonic_equals_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    """At the scores, between them, and beyond the ends."""
    scores, labels = np.array([score for score, _ in pairs]), np.array([label for _, label in pairs], dtype=float)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    points = np.concatenate((scores, np.linspace(-0.1, 1.1, 37)))
    np.testing.assert_allclose(isotonic(state_of(pairs))(points), oracle.predict(points), atol=1e-12)


@pytest.mark.parametrize("equal_counts", [False, True])
def test_bins_equal_scikit_learn(equal_counts: bool) -> None:
    """`calibration_curve`, uniform and by quantiles."""
    scores, labels = made(5_000)
    found = reliability(ScoresState.of(scores, labels), equal_counts=equal_counts)
    strategy = "quantile" if equal_counts else "uniform"
    rates, means = calibration_curve(labels, scores, n_bins=10, strategy=strategy)
    tolerance = 2e-3 if equal_counts else 1e-12  # scikit-learn's quantiles lie between scores, ours are scores
    np.testing.assert_allclose([each.rate for each in found], rates, atol=tolerance)
    np.testing.assert_allclose([each.score for each in found], means, atol=tolerance)
    assert sum(each.count for each in found) == 5_000
    assert all(each.low < each.rate < each.high or each.rate in (0, 1) for each in found)


def test_errors_by_their_definition() -> None:
    """Expected and maximum calibration error, written out."""
    scores, labels = made(4_000)
    state = ScoresState.of(scores, labels)
    bins = np.minimum((scores * 10).astype(int), 9)
    gaps = [abs(labels[bins == each].mean() - scores[bins == each].mean()) for each in range(10)]
    sizes = np.bincount(bins, minlength=10) / len(scores)
    assert expected_calibration_error(state) == pytest.approx(np.dot(sizes, gaps))
    assert maximum_calibration_error(state) == pytest.approx(max(gaps))


@pytest.mark.parametrize("learn", [isotonic, binned])
def test_calibrated_scores_are_probabilities(learn: object) -> None:
    """What was learnt of some rows calibrates others of the same kind."""
    assert callable(learn)
    calibrator = learn(ScoresState.of(*made(20_000)))
    scores, labels = made(20_000, seed=4)
    assert expected_calibration_error(ScoresState.of(scores, labels)) > 0.15
    assert expected_calibration_error(ScoresState.of(calibrator(scores), labels)) < 0.02
    assert np.abs(calibrator(scores) - scores**2).mean() < 0.02


def test_drawn_rates_spread_as_the_rows_allow() -> None:
    """Four times the rows, half the spread; rates that are taken as given do not spread."""
    few, many = (Calibrator((0.0,), (1.0,), (0.3,), (count,)) for count in (400, 1_600))
    rng = np.random.default_rng(0)
    spreads = [float(each.drawn(rng, 20_000).std()) for each in (few, many)]
    assert spreads[0] == pytest.approx(sqrt(0.3 * 0.7 / 400), rel=0.05)
    assert spreads[1] == pytest.approx(spreads[0] / 2, rel=0.05)
    assert IDENTITY.drawn(rng, 3).tolist() == [[0.0, 1.0]] * 3


def test_undefined_is_nan_with_a_reason() -> None:
    """No rows, no labels, scores that are no probabilities, one class."""
    empty = ScoresState()
    unlabelled = ScoresState(np.array([0.5]), np.array([0]), np.array([0]), np.array([3]))
    for state in (empty, unlabelled):
        assert isnan(expected_calibration_error(state)) and isnan(maximum_calibration_error(state))
        assert why_no_calibration(state) == "no row has both a score and a label"
        assert reliability(state) == ()
        assert np.isnan(isotonic(state)(np.array([0.5]))).all() and np.isnan(binned(state)(np.array([0.5]))).all()
    assert isnan(expected_calibration_error(state_of([(1.5, True)])))
    assert all(map(isnan, share_interval(0, 0)))
    assert isotonic(state_of([(0.2, True), (0.7, True)]))(np.array([0.0, 1.0])).tolist() == [1.0, 1.0]


def test_json_gives_a_calibrator_back() -> None:
    """Lists may come for tuples."""
    learnt = isotonic(state_of([(0.1, False), (0.9, True)]))
    members: dict[str, Any] = json.loads(json.dumps(asdict(learnt)))
    assert Calibrator(**members) == learnt


def test_a_million_scores_are_pooled_quickly() -> None:
    """Pooling takes whole falling runs at a time, so the number of passes is small."""
    scores, labels = made(1_000_000)
    learnt = isotonic(ScoresState.of(scores, labels))
    assert 100 < len(learnt.rates) < 5_000
    assert list(learnt.rates) == sorted(learnt.rates)
