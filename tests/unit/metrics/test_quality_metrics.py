"""Metrics of classes, scores and numbers against scikit-learn, and what becomes of them where they are undefined."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from driftline.metrics import chances, classification, curves, regression, samples
from driftline.metrics.metric import METRICS, taking
from driftline.profile.columns import Floats, Ints
from driftline.profile.confusion import Matrix
from driftline.profile.residuals import ResidualsState, residuals_of
from driftline.profile.scores import ScoresState

LABELS = ("a", "b", "c")


def matrix_of(actual: Ints, predicted: Ints, labels: tuple[str, ...], positive: str = "1") -> Matrix:
    """The confusion matrix of codes."""
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (actual, predicted), 1)
    return Matrix(labels, counts, positive)


def drawn(seed: int, classes: int, rows: int) -> tuple[Ints, Ints]:
    """Actual and predicted codes, the predictions better than chance."""
    rng = np.random.default_rng(seed)
    actual = rng.integers(0, classes, rows)
    return actual, np.where(rng.random(rows) < 0.6, actual, rng.integers(0, classes, rows))


def scored(seed: int, rows: int) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Scores with ties, and labels that depend on them; both classes occur."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(rows), int(rng.integers(1, 6)))
    positive = rng.random(rows) < scores
    positive[:2] = True, False
    return scores, positive


@pytest.mark.parametrize("seed", range(5))
def test_binary_metrics_equal_scikit_learn(seed: int) -> None:
    """MQ-03."""
    actual, predicted = drawn(seed, 2, 500)
    matrix = matrix_of(actual, predicted, ("0", "1"))
    expected = {
        "recall": oracle.recall_score(actual, predicted),
        "precision": oracle.precision_score(actual, predicted),
        "accuracy": oracle.accuracy_score(actual, predicted),
        "true_negative_rate": oracle.recall_score(actual, predicted, pos_label=0),
        "f0_5": oracle.fbeta_score(actual, predicted, beta=0.5),
        "f1": oracle.f1_score(actual, predicted),
        "f2": oracle.fbeta_score(actual, predicted, beta=2),
        "balanced_accuracy": oracle.balanced_accuracy_score(actual, predicted),
        "matthews_correlation": oracle.matthews_corrcoef(actual, predicted),
    }
    found = {name: METRICS[name].compute(matrix) for name in expected}
    assert found == pytest.approx(expected, abs=1e-12)
    assert classification.false_negative_rate(matrix) == pytest.approx(1 - expected["recall"])
    assert classification.false_positive_rate(matrix) == pytest.approx(1 - expected["true_negative_rate"])


@pytest.mark.parametrize("seed", range(5))
def test_multiclass_metrics_equal_scikit_learn(seed: int) -> None:
    """MQ-04: weighted by the rows of the class."""
    actual, predicted = drawn(seed, 3, 400)
    if seed == 4:
        predicted[predicted == 2] = 0  # a class that is never predicted
    matrix = matrix_of(actual, predicted, LABELS)
    settled = {"average": "weighted", "zero_division": 0}
    expected = {
        "accuracy": oracle.accuracy_score(actual, predicted),
        "weighted_recall": oracle.recall_score(actual, predicted, **settled),
        "weighted_precision": oracle.precision_score(actual, predicted, **settled),
        "weighted_f0_5": oracle.fbeta_score(actual, predicted, beta=0.5, **settled),
        "weighted_f1": oracle.f1_score(actual, predicted, **settled),
        "weighted_f2": oracle.fbeta_score(actual, predicted, beta=2, **settled),
        "balanced_accuracy": oracle.balanced_accuracy_score(actual, predicted),
        "matthews_correlation": oracle.matthews_corrcoef(actual, predicted),
    }
    found = {name: METRICS[name].compute(matrix) for name in expected}
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_metrics_of_scores_equal_scikit_learn(seed: int) -> None:
    """Areas over the whole curve, and over every point where there are fewer than 2,000."""
    scores, positive = scored(seed, 900)
    state = ScoresState.of(scores, positive)
    assert curves.auc(state) == pytest.approx(oracle.roc_auc_score(positive, scores), abs=1e-12)
    assert curves.average_precision(state) == pytest.approx(oracle.average_precision_score(positive, scores), abs=1e-12)
    assert curves.brier_score(state) == pytest.approx(oracle.brier_score_loss(positive, scores), abs=1e-12)
    assert curves.log_loss(state) == pytest.approx(oracle.log_loss(positive, scores), rel=1e-9)
    precisions, recalls, _ = oracle.precision_recall_curve(positive, scores)
    some = curves.curves_of(state)
    assert some is not None
    last = int(np.argmax(some.recalls == 1.0)) + 1  # scikit-learn ends where all positives are found
    np.testing.assert_allclose(some.recalls[1:last], recalls[::-1][1:last])
    np.testing.assert_allclose(some.precisions[1:last], precisions[::-1][1:last])


@pytest.mark.parametrize("seed", range(3))
def test_metrics_of_several_classes_equal_scikit_learn(seed: int) -> None:
    """Log loss, Brier score and one-vs-rest AUC from a histogram for each class."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet([1.0, 1.0, 1.0], 700)
    actual = np.array([rng.choice(3, p=row) for row in table])
    states = [ScoresState.of(table[:, place], actual == place) for place in range(3)]
    assert chances.auc_one_vs_rest(states) == pytest.approx(
        oracle.roc_auc_score(actual, table, multi_class="ovr", average="macro"), abs=1e-12
    )
    assert chances.cross_entropy(states) == pytest.approx(oracle.log_loss(actual, table), rel=1e-9)
    truth = np.eye(3)[actual]
    assert chances.brier_of_classes(states) == pytest.approx(np.mean(np.sum((table - truth) ** 2, axis=1)), rel=1e-12)
    assert chances.why_not("auc_one_vs_rest", [ScoresState.of(np.array([0.5]), np.array([True]))])


def test_curves_are_thinned_as_spark_does() -> None:
    """From 2,000 distinct scores on each point covers `floor(n / 1000)` of them, counted from the greatest."""
    rng = np.random.default_rng(3)
    scores = rng.permutation(4_119) / 4_119
    positive = rng.random(4_119) < scores
    state = ScoresState.of(scores, positive)
    found = curves.curves_of(state)
    assert found is not None
    assert len(found.recalls) == 1 + 1_030  # 4 scores a point; the last has 3
    order = np.argsort(-scores)
    hits = np.cumsum(positive[order])[np.minimum(np.arange(4, 4_123, 4), 4_119) - 1]
    np.testing.assert_array_equal(found.recalls[1:], hits / hits[-1])
    assert abs(curves.auc(state) - oracle.roc_auc_score(positive, scores)) < 1e-5
    whole = curves.curves_of(state, points=0)
    assert whole is not None
    assert len(whole.recalls) == 4_120


def test_curve_of_three_scores_a_point() -> None:
    """4,119 rows with 3,500 distinct scores were seen to have three scores a point."""
    scores = np.concatenate((np.arange(3_500.0), np.zeros(619)))
    found = curves.curves_of(ScoresState.of(scores, np.arange(4_119) % 2 == 0))
    assert found is not None
    assert len(found.false_positive_rates) == 2 + 1_167


@pytest.mark.parametrize("seed", range(4))
def test_regression_metrics_equal_scikit_learn(seed: int) -> None:
    """MQ-02, and those beside."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(1e6 if seed == 3 else 3, 2, 100_000)
    predicted = truth + rng.normal(0.3, 1, len(truth))
    state = residuals_of(truth, predicted)
    expected = {
        "mae": oracle.mean_absolute_error(truth, predicted),
        "mse": oracle.mean_squared_error(truth, predicted),
        "rmse": oracle.root_mean_squared_error(truth, predicted),
        "r2": oracle.r2_score(truth, predicted),
        "explained_variance": oracle.explained_variance_score(truth, predicted),
        "mape": oracle.mean_absolute_percentage_error(truth, predicted),
        "mean_error": float(np.mean(predicted - truth)),
        "largest_error": oracle.max_error(truth, predicted),
    }
    found = {name: METRICS[name].compute(state) for name in expected}
    assert found == pytest.approx(expected, rel=1e-9)
    for share, name in ((0.5, "median_absolute_error"), (0.9, "absolute_error_p90"), (0.99, "absolute_error_p99")):
        rank = float(np.mean(np.abs(predicted - truth) <= METRICS[name].compute(state)))
        assert rank == pytest.approx(share, abs=2 * 4 / 2048)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=30))
def test_metrics_of_classes_keep_their_range(rows: list[tuple[int, int]]) -> None:
    """Shares lie in [0, 1], the correlation in [-1, 1], or they are NaN with a reason; a value has no reason."""
    actual, predicted = (np.array([row[side] for row in rows], dtype=np.int64) for side in (0, 1))
    matrix = matrix_of(actual, predicted, ("0", "1", "2"))
    for name, metric in taking("confusion").items():
        value = metric.compute(matrix)
        assert isnan(value) == bool(classification.why_not(name, matrix)), name
        low = -1 if name == "matthews_correlation" else 0
        assert isnan(value) or low - 1e-12 <= value <= 1 + 1e-12


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30))
def test_metrics_of_scores_keep_their_range(rows: list[tuple[float, bool]]) -> None:
    """The same of scores."""
    scores, positive = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=np.bool_)
    state = ScoresState.of(scores, positive)
    for name, metric in taking("scores").items():
        if name not in ("auc", "au_prc", "average_precision", "log_loss", "brier_score"):
            continue  # those of calibration have tests of their own
        value = metric.compute(state)
        assert isnan(value) == bool(curves.why_not(name, state)), name
        assert isnan(value) or (value >= 0 and (name == "log_loss" or value <= 1 + 1e-12))


def test_undefined_metrics_say_why() -> None:
    """MQ-10: one class, no positives, one row, nothing at all."""
    none = Matrix(("0", "1"), np.zeros((2, 2), dtype=np.int64))
    negative = Matrix(("0", "1"), np.array([[5, 2], [0, 0]]))
    positive = Matrix(("0", "1"), np.array([[0, 0], [0, 3]]))
    unasked = Matrix(("0", "1"), np.array([[5, 0], [2, 0]]))
    assert classification.why_not("accuracy", none) == "no row has both a prediction and a label"
    assert classification.why_not("recall", negative) == "no row is of class '1'"
    assert classification.why_not("false_positive_rate", positive) == "every row is of class '1'"
    assert classification.why_not("precision", unasked) == "no row was predicted to be of class '1'"
    assert (isnan(classification.precision(unasked)), classification.f1(unasked)) == (True, 0.0)
    assert curves.why_not("auc", ScoresState.of(np.array([0.5]), np.array([True]))) == "all labelled rows are positive"
    assert (
        curves.why_not("log_loss", ScoresState.of(np.array([1.5]), np.array([True]))) == "some scores are not in [0, 1]"
    )
    one = residuals_of(np.array([2.0]), np.array([3.0]))
    assert (regression.mae(one), isnan(regression.r2(one))) == (1.0, True)
    assert regression.why_not("r2", one) == "only one row"
    assert regression.why_not("r2", residuals_of(np.ones(3), np.zeros(3))) == "all truths are equal"
    assert regression.why_not("mape", residuals_of(np.zeros(3), np.ones(3))) == "every truth is 0"
    assert all(isnan(metric.compute(ResidualsState())) for metric in taking("residuals").values())


def test_deviations_are_those_of_samples_of_rows() -> None:
    """MQ-05: over many draws the deviation is that of real samples of 80 % of the rows."""
    rng = np.random.default_rng(5)
    scores, positive = scored(9, 1_500)
    truth = rng.normal(0, 1, 1_500)
    predicted = truth + rng.standard_t(6, 1_500) / 3
    cuts = [rng.permutation(1_500)[:1_200] for _ in range(300)]
    guessed = (scores > 0.5).astype(np.int64)
    real = {
        "f1": np.std([oracle.f1_score(positive[cut], guessed[cut]) for cut in cuts]),
        "auc": np.std([oracle.roc_auc_score(positive[cut], scores[cut]) for cut in cuts]),
        "rmse": np.std([oracle.root_mean_squared_error(truth[cut], predicted[cut]) for cut in cuts]),
        "r2": np.std([oracle.r2_score(truth[cut], predicted[cut]) for cut in cuts]),
    }
    matrix = matrix_of(positive.astype(np.int64), guessed, ("0", "1"))
    state, residuals = ScoresState.of(scores, positive), residuals_of(truth, predicted)
    found = {
        "f1": samples.deviation([classification.f1(some) for some in samples.matrices(matrix, 300)]),
        "auc": samples.deviation([curves.auc(some) for some in samples.histograms(state, 300)]),
        "rmse": samples.deviation([regression.from_means("rmse", some) for some in samples.means(residuals, 300)]),
        "r2": samples.deviation([regression.from_means("r2", some) for some in samples.means(residuals, 300)]),
    }
    assert found == pytest.approx(real, rel=0.15)


def test_deviations_are_the_same_each_time_and_need_rows() -> None:
    """A fixed seed; none below 200 rows; huge counts are no trouble."""
    matrix = Matrix(("0", "1"), np.array([[150, 10], [10, 80]]))
    one, other = ([some.counts.tolist() for some in samples.matrices(matrix)] for _ in range(2))
    assert one == other
    assert len(one) == 5
    assert samples.matrices(Matrix(("0", "1"), np.array([[100, 10], [10, 79]]))) == ()
    assert samples.means(residuals_of(np.arange(199.0), np.arange(199.0))) == ()
    huge = Matrix(("0", "1"), np.array([[1_500_000_000, 10_000], [10_000, 800_000_000]]))
    assert 0 < samples.deviation([classification.recall(some) for some in samples.matrices(huge)]) < 1e-5
    exact = residuals_of(np.arange(300.0), np.arange(300.0))
    assert samples.deviation([regression.from_means("mae", some) for some in samples.means(exact)]) == 0.0
