"""How good predicted classes are: SageMaker's metrics of a confusion matrix, and those that others add.

All take a `Matrix`. Binary metrics are about its `positive` class; every other class is negative. Where a metric has
nothing to be computed of (no row of the class it asks about) it is NaN, never 0.
"""

from __future__ import annotations

from functools import partial
from math import nan, sqrt

import numpy as np

from driftline.metrics.metric import metric
from driftline.profile.columns import Floats, Ints
from driftline.profile.confusion import Matrix

_SAGEMAKER = "SageMaker Model Monitor, model quality metrics"
_POWERS = "van Rijsbergen, Information Retrieval (1979), ch. 7"
_WEIGHTED = "Apache Spark, `MulticlassMetrics`; the `weighted` averages of scikit-learn"

_metric = partial(metric, takes="confusion", span="0 to 1", normal="at least the baseline's", better="higher")


@_metric("recall", "Recall", source=_SAGEMAKER)
def recall(matrix: Matrix) -> float:
    """The share of the positive rows that were found: `TP / (TP + FN)`. NaN without positive rows.

    >>> recall(Matrix(("0", "1"), np.array([[5, 1], [2, 3]])))
    0.6
    """
    hits, missed, _, _ = matrix.binary()
    return _ratio(hits, hits + missed)


@_metric("precision", "Precision", source=_SAGEMAKER)
def precision(matrix: Matrix) -> float:
    """The share of the rows predicted positive that are: `TP / (TP + FP)`. NaN if none was predicted positive.

    >>> precision(Matrix(("0", "1"), np.array([[5, 1], [2, 3]])))
    0.75
    """
    hits, _, false, _ = matrix.binary()
    return _ratio(hits, hits + false)


@_metric(
    "accuracy",
    "Accuracy",
    source=_SAGEMAKER,
    normal="at least the baseline's, and above that of the best constant classifier",
)
def accuracy(matrix: Matrix) -> float:
    """The share of rows whose class was predicted. NaN without rows.

    >>> accuracy(Matrix(("0", "1"), np.array([[5, 1], [2, 2]])))
    0.7
    """
    return _ratio(int(matrix.correct.sum()), matrix.total)


@_metric(
    "true_positive_rate", "True positive rate", source="the same as recall, under the name that SageMaker also gives it"
)
def true_positive_rate(matrix: Matrix) -> float:
    """`TP / (TP + FN)`, which is `recall`. NaN without positive rows.

    >>> true_positive_rate(Matrix(("0", "1"), np.array([[5, 1], [2, 3]])))
    0.6
    """
    return recall(matrix)


@_metric("true_negative_rate", "True negative rate", source=_SAGEMAKER)
def true_negative_rate(matrix: Matrix) -> float:
    """The share of the negative rows that were left alone: `TN / (TN + FP)`. NaN without negative rows.

    >>> true_negative_rate(Matrix(("0", "1"), np.array([[3, 1], [2, 3]])))
    0.75
    """
    _, _, false, right = matrix.binary()
    return _ratio(right, right + false)


@_metric(
    "false_positive_rate", "False positive rate", source=_SAGEMAKER, normal="at most the baseline's", better="lower"
)
def false_positive_rate(matrix: Matrix) -> float:
    """The share of the negative rows that were predicted positive: `FP / (FP + TN)`. NaN without negative rows.

    >>> false_positive_rate(Matrix(("0", "1"), np.array([[3, 1], [2, 3]])))
    0.25
    """
    _, _, false, right = matrix.binary()
    return _ratio(false, right + false)


@_metric(
    "false_negative_rate", "False negative rate", source=_SAGEMAKER, normal="at most the baseline's", better="lower"
)
def false_negative_rate(matrix: Matrix) -> float:
    """The share of the positive rows that were missed: `FN / (FN + TP)`. NaN without positive rows.

    >>> false_negative_rate(Matrix(("0", "1"), np.array([[5, 1], [2, 3]])))
    0.4
    """
    hits, missed, _, _ = matrix.binary()
    return _ratio(missed, hits + missed)


def f_score(matrix: Matrix, beta: float) -> float:
    """`(1 + beta**2) * P * R / (beta**2 * P + R)`, as `(1 + beta**2) TP / ((1 + beta**2) TP + beta**2 FN + FP)`.

    The second form is also defined, and 0, where nothing was predicted positive though there are positive rows. NaN
    without positive rows, as recall is.

    >>> f_score(Matrix(("0", "1"), np.array([[5, 0], [2, 0]])), 1.0)
    0.0
    """
    hits, missed, false, _ = matrix.binary()
    if not hits + missed:
        return nan
    square = beta * beta
    return (1 + square) * hits / ((1 + square) * hits + square * missed + false)


@_metric("f0_5", "F0.5", source=_POWERS)
def f0_5(matrix: Matrix) -> float:
    """Precision and recall in one, precision weighing more: `1.25 P R / (0.25 P + R)`. NaN without positive rows.

    >>> round(f0_5(Matrix(("0", "1"), np.array([[5, 1], [2, 3]]))), 6)
    0.714286
    """
    return f_score(matrix, 0.5)


@_metric("f1", "F1", source=_POWERS)
def f1(matrix: Matrix) -> float:
    """The harmonic mean of precision and recall: `2 P R / (P + R)`. NaN without positive rows.

    >>> round(f1(Matrix(("0", "1"), np.array([[5, 1], [2, 3]]))), 6)
    0.666667
    """
    return f_score(matrix, 1.0)


@_metric("f2", "F2", source=_POWERS)
def f2(matrix: Matrix) -> float:
    """Precision and recall in one, recall weighing more: `5 P R / (4 P + R)`. NaN without positive rows.

    >>> round(f2(Matrix(("0", "1"), np.array([[5, 1], [2, 3]]))), 6)
    0.625
    """
    return f_score(matrix, 2.0)


@_metric(
    "balanced_accuracy",
    "Balanced accuracy",
    source="Brodersen et al., The Balanced Accuracy and Its Posterior Distribution, ICPR 2010",
    normal="at least the baseline's; guessing gives 1 / number of classes",
)
def balanced_accuracy(matrix: Matrix) -> float:
    """The mean over the classes that occur of the share of their rows that was found. NaN with fewer than two classes.

    >>> balanced_accuracy(Matrix(("0", "1"), np.array([[3, 1], [2, 2]])))
    0.625
    """
    actual = matrix.actual
    known = actual > 0
    if np.count_nonzero(known) < 2:
        return nan
    return float(np.mean(matrix.correct[known] / actual[known]))


@_metric(
    "matthews_correlation",
    "Matthews correlation",
    source="Matthews 1975; for several classes Gorodkin, Computational Biology and Chemistry 28 (2004)",
    span="-1 to 1; 0 for guessing",
)
def matthews_correlation(matrix: Matrix) -> float:
    """The correlation of predicted and actual class: `(c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2)(s^2 - sum t_k^2))`
    with c correct of s rows, p_k predicted and t_k actual rows of class k. NaN if only one is predicted, or occurs.

    >>> matthews_correlation(Matrix(("0", "1"), np.array([[2, 0], [0, 2]])))
    1.0
    """
    actual, predicted = ([int(each) for each in counts] for counts in (matrix.actual, matrix.predicted))
    rows = matrix.total  # Python's integers, since the products outgrow 64 bits
    both = sum(mine * theirs for mine, theirs in zip(actual, predicted, strict=True))
    spread = (rows * rows - sum(each * each for each in predicted)) * (
        rows * rows - sum(each * each for each in actual)
    )
    return (int(matrix.correct.sum()) * rows - both) / sqrt(spread) if spread else nan


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else nan


def _shares(parts: Ints, wholes: Ints) -> Floats:
    """Each part of its whole, 0 where that is 0: a class that is never predicted has found nothing."""
    found: Floats = np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes > 0)
    return found


def _weighted(matrix: Matrix, values: Floats) -> float:
    """The mean of a value for each class, weighed by the rows of the class; NaN without rows."""
    return float(np.add.reduce(matrix.actual * values)) / matrix.total if matrix.total else nan


@_metric("weighted_recall", "Weighted recall", source=_WEIGHTED)
def weighted_recall(matrix: Matrix) -> float:
    """The mean of the classes' recall, weighed by their rows; this is the accuracy. NaN without rows.

    >>> weighted_recall(Matrix(("a", "b"), np.array([[3, 1], [2, 4]])))
    0.7
    """
    return accuracy(matrix)


@_metric("weighted_precision", "Weighted precision", source=_WEIGHTED)
def weighted_precision(matrix: Matrix) -> float:
    """The mean of the classes' precision, weighed by their rows; a class never predicted counts 0. NaN without rows.

    >>> round(weighted_precision(Matrix(("a", "b"), np.array([[3, 1], [2, 4]]))), 6)
    0.72
    """
    return _weighted(matrix, _shares(matrix.correct, matrix.predicted))


def weighted_f_score(matrix: Matrix, beta: float) -> float:
    """The mean of the classes' F-scores, weighed by their rows; a class never found counts 0. NaN without rows.

    >>> round(weighted_f_score(Matrix(("a", "b"), np.array([[3, 1], [2, 4]])), 1.0), 6)
    0.70303
    """
    square = beta * beta
    wholes = square * matrix.actual + matrix.predicted
    return _weighted(matrix, (1 + square) * matrix.correct / np.maximum(wholes, 1))


@_metric("weighted_f0_5", "Weighted F0.5", source=_WEIGHTED)
def weighted_f0_5(matrix: Matrix) -> float:
    """The mean of the classes' F0.5, weighed by their rows. NaN without rows.

    >>> round(weighted_f0_5(Matrix(("a", "b"), np.array([[3, 1], [2, 4]]))), 6)
    0.711538
    """
    return weighted_f_score(matrix, 0.5)


@_metric("weighted_f1", "Weighted F1", source=_WEIGHTED)
def weighted_f1(matrix: Matrix) -> float:
    """The mean of the classes' F1, weighed by their rows. NaN without rows.

    >>> round(weighted_f1(Matrix(("a", "b"), np.array([[3, 1], [2, 4]]))), 6)
    0.70303
    """
    return weighted_f_score(matrix, 1.0)


@_metric("weighted_f2", "Weighted F2", source=_WEIGHTED)
def weighted_f2(matrix: Matrix) -> float:
    """The mean of the classes' F2, weighed by their rows. NaN without rows.

    >>> round(weighted_f2(Matrix(("a", "b"), np.array([[3, 1], [2, 4]]))), 6)
    0.699507
    """
    return weighted_f_score(matrix, 2.0)


def why_not(name: str, matrix: Matrix) -> str:
    """Why a metric of a confusion matrix is undefined; empty if it is not.

    >>> why_not("recall", Matrix(("0", "1"), np.array([[5, 1], [0, 0]])))
    "no row is of class '1'"
    """
    if not matrix.total:
        return "no row has both a prediction and a label"
    hits, missed, false, right = matrix.binary()
    if name in _OF_POSITIVES and not hits + missed:
        return f"no row is of class {matrix.positive!r}"
    if name == "precision" and not hits + false:
        return f"no row was predicted to be of class {matrix.positive!r}"
    if name in ("true_negative_rate", "false_positive_rate") and not false + right:
        return f"every row is of class {matrix.positive!r}"
    if name == "balanced_accuracy" and np.count_nonzero(matrix.actual) < 2:
        return "only one class occurs"
    if name == "matthews_correlation" and min(map(np.count_nonzero, (matrix.actual, matrix.predicted))) < 2:
        return "only one class occurs, or only one was predicted"
    return ""


_OF_POSITIVES = ("recall", "true_positive_rate", "false_negative_rate", "f0_5", "f1", "f2")
