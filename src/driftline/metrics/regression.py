"""How good predicted numbers are: SageMaker's four metrics of the residuals, and those that others add.

All take a `ResidualsState`; r is the residual, prediction less truth y. Without compared rows every metric is NaN.
"""

from __future__ import annotations

from functools import partial
from math import nan

import numpy as np

from driftline.metrics.metric import metric
from driftline.profile.columns import Floats
from driftline.profile.residuals import ResidualsState

ABSOLUTE, RESIDUAL, SQUARE, TRUTH, TRUTH_SQUARE = range(5)
"""Places of |r|, r, r², z = y - centre and z² in `ResidualsState.means`."""

_SAGEMAKER = "SageMaker Model Monitor, model quality metrics"

_metric = partial(
    metric,
    takes="residuals",
    span="0 to infinity, in units of the target",
    normal="at most the baseline's",
    better="lower",
)


def from_means(name: str, means: Floats) -> float:
    """A metric from the means of |r|, r, r², z and z²; NaN where it is undefined. Only for the metrics of `OF_MEANS`.

    >>> from_means("rmse", np.array([2.0, 0.0, 4.0, 0.0, 1.0]))
    2.0
    """
    spread = means[TRUTH_SQUARE] - means[TRUTH] ** 2
    match name:
        case "mae":
            return float(means[ABSOLUTE])
        case "mse":
            return float(means[SQUARE])
        case "rmse":
            return float(np.sqrt(means[SQUARE]))
        case "mean_error":
            return float(means[RESIDUAL])
        case "r2":
            return float(1 - means[SQUARE] / spread) if spread > 0 else nan
        case _:
            return float(1 - (means[SQUARE] - means[RESIDUAL] ** 2) / spread) if spread > 0 else nan


OF_MEANS = ("mae", "mse", "rmse", "r2", "mean_error", "explained_variance")
"""The metrics that `from_means` gives, and whose spread over samples follows from the joint moments."""


@_metric("mae", "Mean absolute error", source=_SAGEMAKER)
def mae(state: ResidualsState) -> float:
    """`mean |r|`.

    >>> from driftline.profile.residuals import residuals_of
    >>> mae(residuals_of(np.array([1.0, 2.0]), np.array([2.0, 2.0])))
    0.5
    """
    return from_means("mae", state.means)


@_metric("mse", "Mean squared error", source=_SAGEMAKER, span="0 to infinity, in squared units of the target")
def mse(state: ResidualsState) -> float:
    """`mean r^2`.

    >>> from driftline.profile.residuals import residuals_of
    >>> mse(residuals_of(np.array([1.0, 2.0]), np.array([3.0, 2.0])))
    2.0
    """
    return from_means("mse", state.means)


@_metric("rmse", "Root mean squared error", source=_SAGEMAKER)
def rmse(state: ResidualsState) -> float:
    """`sqrt(mean r^2)`.

    >>> from driftline.profile.residuals import residuals_of
    >>> rmse(residuals_of(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    2.0
    """
    return from_means("rmse", state.means)


@_metric(
    "r2",
    "Coefficient of determination",
    source=_SAGEMAKER,
    normal="at least the baseline's",
    better="higher",
    span="minus infinity to 1; 0 for always predicting the mean",
)
def r2(state: ResidualsState) -> float:
    """`1 - sum r^2 / sum (y - mean y)^2`. NaN if all truths are equal, and with fewer than two rows.

    >>> from driftline.profile.residuals import residuals_of
    >>> r2(residuals_of(np.array([1.0, 3.0]), np.array([1.0, 2.0])))
    0.5
    """
    return from_means("r2", state.means)


@_metric(
    "mean_error",
    "Mean error",
    source="the mean of the residuals",
    normal="near 0: predictions are neither too high nor too low on the whole",
    better="",
    span="minus infinity to infinity, in units of the target",
)
def mean_error(state: ResidualsState) -> float:
    """`mean r`: above 0 the predictions are too high.

    >>> from driftline.profile.residuals import residuals_of
    >>> mean_error(residuals_of(np.array([1.0, 2.0]), np.array([2.0, 2.0])))
    0.5
    """
    return from_means("mean_error", state.means)


@_metric(
    "explained_variance",
    "Explained variance",
    source="as scikit-learn has it; r2 without the part of the error that is the same in every row",
    normal="at least the baseline's",
    better="higher",
    span="minus infinity to 1",
)
def explained_variance(state: ResidualsState) -> float:
    """`1 - var(r) / var(y)`. NaN if all truths are equal, and with fewer than two rows.

    >>> from driftline.profile.residuals import residuals_of
    >>> explained_variance(residuals_of(np.array([1.0, 3.0]), np.array([2.0, 4.0])))
    1.0
    """
    return from_means("explained_variance", state.means)


@_metric(
    "mape",
    "Mean absolute percentage error",
    source="Makridakis, International Journal of Forecasting 9 (1993)",
    span="0 to infinity, as a ratio (0.1 is ten percent)",
)
def mape(state: ResidualsState) -> float:
    """`mean |r / y|` over the rows whose truth is not 0. NaN without such rows.

    >>> from driftline.profile.residuals import residuals_of
    >>> mape(residuals_of(np.array([2.0, 0.0]), np.array([1.0, 5.0])))
    0.5
    """
    used = state.count - state.zeros
    return state.relative / used if used else nan


def absolute_error_quantile(state: ResidualsState, share: float) -> float:
    """The least size |r| that a share of the rows does not exceed, from the sketch of the residuals; its error is that
    of the sketch's ranks.

    >>> from driftline.profile.residuals import residuals_of
    >>> absolute_error_quantile(residuals_of(np.zeros(4), np.array([1.0, -2.0, 3.0, -4.0])), 0.5)
    2.0
    """
    values, weights = state.sketch.points()
    if not len(values):
        return nan
    order = np.argsort(np.abs(values), kind="stable")
    ranks = np.cumsum(weights[order])
    at = int(np.searchsorted(ranks, np.ceil(share * int(ranks[-1]))))
    return float(np.abs(values[order][min(at, len(values) - 1)]))


@_metric(
    "median_absolute_error",
    "Median absolute error",
    source="the median of |r|, within the error of the quantile sketch",
)
def median_absolute_error(state: ResidualsState) -> float:
    """Half of the rows are off by no more than this.

    >>> from driftline.profile.residuals import residuals_of
    >>> median_absolute_error(residuals_of(np.zeros(3), np.array([1.0, -2.0, 9.0])))
    2.0
    """
    return absolute_error_quantile(state, 0.5)


@_metric(
    "absolute_error_p90",
    "90 % quantile of the absolute error",
    source="the 0.9-quantile of |r|, within the error of the quantile sketch",
)
def absolute_error_p90(state: ResidualsState) -> float:
    """Nine rows of ten are off by no more than this.

    >>> from driftline.profile.residuals import residuals_of
    >>> absolute_error_p90(residuals_of(np.zeros(10), np.arange(1.0, 11.0)))
    9.0
    """
    return absolute_error_quantile(state, 0.9)


@_metric(
    "absolute_error_p99",
    "99 % quantile of the absolute error",
    source="the 0.99-quantile of |r|, within the error of the quantile sketch",
)
def absolute_error_p99(state: ResidualsState) -> float:
    """99 rows of 100 are off by no more than this.

    >>> from driftline.profile.residuals import residuals_of
    >>> absolute_error_p99(residuals_of(np.zeros(100), np.arange(1.0, 101.0)))
    99.0
    """
    return absolute_error_quantile(state, 0.99)


@_metric("largest_error", "Largest absolute error", source="the greatest |r|")
def largest_error(state: ResidualsState) -> float:
    """`max |r|`.

    >>> from driftline.profile.residuals import residuals_of
    >>> largest_error(residuals_of(np.zeros(2), np.array([1.0, -2.0])))
    2.0
    """
    return max(abs(state.lowest), abs(state.highest)) if state.count else nan


def why_not(name: str, state: ResidualsState) -> str:
    """Why a metric of residuals is undefined; empty if it is not.

    >>> why_not("r2", ResidualsState())
    'no row has both a prediction and a label'
    """
    if not state.count:
        return "no row has both a prediction and a label"
    if name == "mape" and state.count == state.zeros:
        return "every truth is 0"
    if name in ("r2", "explained_variance") and np.isnan(from_means(name, state.means)):
        return "only one row" if state.count == 1 else "all truths are equal"
    return ""
