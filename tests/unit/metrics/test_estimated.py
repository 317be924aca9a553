"""Estimates without labels: against metrics of drawn labels, scikit-learn, and what is undefined."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from driftline.metrics import classification
from driftline.metrics.calibration import IDENTITY, Calibrator, isotonic
from driftline.metrics.estimated import BINARY, Called, area, binary, rates
from driftline.profile.confusion import Matrix
from driftline.profile.scores import ScoresState


def unlabelled(scores: np.ndarray) -> ScoresState:
    """The state of rows without labels."""
    values, counts = np.unique(scores, return_counts=True)
    none = np.zeros(len(values), dtype=np.int64)
    return ScoresState(values, none, none, counts)


def test_rates_equal_the_registered_metrics() -> None:
    """Of whole counts, the formulas are those of `metrics/classification.py`."""
    for counts in ((3, 2, 1, 5), (0, 2, 0, 3), (0, 0, 1, 3), (4, 0, 0, 0)):
        hits, missed, false, right = counts
        matrix = Matrix(("0", "1"), np.array([[right, false], [missed, hits]]))
        found = rates(*(np.array([float(count)]) for count in counts))
        for name in ("accuracy", "precision", "recall", "true_negative_rate", "f0_5", "f1", "f2"):
            assert float(found[name][0]) == pytest.approx(getattr(classification, name)(matrix), nan_ok=True), name


def test_area_equals_scikit_learn() -> None:
    """With equal scores counting half."""
    rng = np.random.default_rng(0)
    scores, labels = rng.random(500).round(2), rng.random(500) < 0.4
    state = ScoresState.of(scores, labels)
    found = area(state.values, state.positives[None].astype(float), state.negatives[None].astype(float))
    assert float(found[0]) == pytest.approx(roc_auc_score(labels, scores))


def test_estimates_are_the_mean_of_what_may_be() -> None:
    """Labels drawn many times by the probabilities: the metrics' mean is the estimate, their spread the interval."""
    rng = np.random.default_rng(1)
    scores = rng.beta(0.7, 0.9, 2_000)
    found = binary([Called.above(unlabelled(scores), 0.4, IDENTITY)])
    metrics = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    drawn: dict[str, list[float]] = {name: [] for name in (*metrics, "auc")}
    for _ in range(200):
        labels = rng.random(len(scores)) < scores
        drawn["auc"].append(float(roc_auc_score(labels, scores)))
        for name, compute in metrics.items():
            drawn[name].append(float(compute(labels, scores > 0.4)))
    for name, values in drawn.items():
        assert found[name].value == pytest.approx(np.mean(values), abs=2e-3), name
        low, high = np.quantile(values, [0.025, 0.975])
        assert found[name].low == pytest.approx(low, abs=6e-3), name
        assert found[name].high == pytest.approx(high, abs=6e-3), name


def test_intervals_hold_the_realised_value() -> None:
    """About 95 of 100 times, with a calibrator that was learnt from 2,000 rows and so is not sure itself."""
    held = dict.fromkeys(("accuracy", "precision", "recall", "auc"), 0)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        scores = rng.beta(0.8, 0.8, 4_000)
        labels = rng.random(4_000) < scores**1.5
        learnt = isotonic(ScoresState.of(scores[:2_000], labels[:2_000]))
        found = binary([Called.above(unlabelled(scores[2_000:]), 0.5, learnt)])
        truth, guess = labels[2_000:], scores[2_000:] > 0.5
        realised = {
            "accuracy": float((truth == guess).mean()),
            "precision": float(precision_score(truth, guess)),
            "recall": float(recall_score(truth, guess)),
            "auc": float(roc_auc_score(truth, scores[2_000:])),
        }
        for name, value in realised.items():
            held[name] += found[name].low <= value <= found[name].high
    assert all(88 <= count <= 100 for count in held.values()), held


def test_a_shift_of_the_inputs_is_seen_without_labels() -> None:
    """More rows with scores near the threshold: the accuracy falls, and the estimate falls with it."""
    rng = np.random.default_rng(2)
    before, after = rng.beta(0.3, 0.3, 20_000), rng.beta(2.0, 2.0, 20_000)
    learnt = isotonic(ScoresState.of(before, rng.random(20_000) < before))
    found = binary([Called.above(unlabelled(after), 0.5, learnt)])["accuracy"]
    realised = float(((rng.random(20_000) < after) == (after > 0.5)).mean())
    assert found.value == pytest.approx(realised, abs=0.015)
    assert found.value < 0.75


def test_parts_with_calibrators_of_their_own() -> None:
    """The expected counts of parts add up, and the ranking is over all rows."""
    halves = [unlabelled(np.linspace(0, 1, 101)), unlabelled(np.linspace(0, 1, 51))]
    flipped = Calibrator(rates=(1.0, 0.0))
    found = binary([Called.above(halves[0], 0.5, IDENTITY), Called.above(halves[1], 0.5, flipped)])
    alone = [
        binary([Called.above(part, 0.5, learnt)])["true_positives"].value
        for part, learnt in zip(halves, (IDENTITY, flipped), strict=True)
    ]
    assert found["true_positives"].value == pytest.approx(sum(alone))
    assert 0.4 < found["auc"].value < 0.7


def test_predictions_that_no_threshold_made() -> None:
    """A state asked with the predictions in place of the labels tells how many of each score were called positive."""
    scores, guess = np.array([0.2, 0.2, 0.8, 0.8]), np.array([True, False, False, True])
    found = binary([Called.predicted(ScoresState.of(scores, guess), IDENTITY)])
    assert found["true_positives"].value == pytest.approx(1.0)
    assert found["accuracy"].value == pytest.approx((0.2 + 0.8 + 0.2 + 0.8) / 4)


def test_many_scores_are_joined_for_the_draws_only() -> None:
    """The value is of every score, the interval nearly that of every score, and the same each time."""
    rng = np.random.default_rng(3)
    scores = rng.beta(0.5, 0.5, 20_000)
    called = Called.above(unlabelled(scores), 0.5, IDENTITY)
    found, again = binary([called]), binary([called])
    assert found == again
    assert found["accuracy"].value == pytest.approx(float(np.maximum(scores, 1 - scores).mean()))
    assert found["auc"].low < found["auc"].value < found["auc"].high
    assert len(called.joined(1_000).scores) <= 1_000


def test_undefined_is_nan_with_a_reason() -> None:
    """No rows, no calibrator, one class, nothing predicted positive, a single row."""
    none = binary([Called.above(ScoresState(), 0.5, IDENTITY)])
    assert {each.reason for each in none.values()} == {"no scored row"} and none.keys() == set(BINARY)
    untaught = binary([Called.above(unlabelled(np.array([0.3])), 0.5, isotonic(ScoresState()))])
    assert isnan(untaught["auc"].value) and "no calibrator" in untaught["auc"].reason
    one = binary([Called.above(unlabelled(np.array([0.3])), 0.5, Calibrator(rates=(0.0, 0.0)))])
    assert one["accuracy"].value == 1.0
    assert (one["precision"].reason, one["recall"].reason, one["auc"].reason) == (
        "no row was predicted positive",
        "no row is expected to be positive",
        "all rows are expected to be of one class",
    )
