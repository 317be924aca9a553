"""The error of a regression without labels: what predictions of this size were off by where the labels were known.

A model of the error is learnt from labelled rows: for predictions of about the same size the mean and the variance of
the residual's size, and of its square. For rows without labels these are added up. That holds while rows with the same
prediction (and of the same segment, if the model is learnt by segment) are as hard to predict as they were.

The interval is where the realised value of these rows should lie; its variance is that of the rows' own errors and
that of the learnt means, as both are sums of many independent ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isnan, nan, sqrt

import numpy as np

from driftline.metrics.calibration import Z_95
from driftline.metrics.estimated import Estimate
from driftline.profile.columns import Floats, Ints
from driftline.profile.misses import MissesState

BLOCKS = 50
LEAST_ROWS = 200
"""A block of predictions has at least so many labelled rows (if there are so many), and there are at most `BLOCKS`."""

REGRESSION = ("mae", "mse", "rmse", "r2", "mean_error")
"""What is estimated of a regression."""


@dataclass(frozen=True)
class ErrorModel:
    """The residual of predictions from `lows[i]` up to `lows[i + 1]`, the first and the last block without end.

    `counts` labelled rows; `absolute`, `signed` and `squared` are the means of |r|, r and r² with r = prediction -
    label, `absolute_variance`, `signed_variance` and `squared_variance` the variances of these among the rows.
    """

    lows: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    absolute: tuple[float, ...] = ()
    signed: tuple[float, ...] = ()
    squared: tuple[float, ...] = ()
    absolute_variance: tuple[float, ...] = ()
    signed_variance: tuple[float, ...] = ()
    squared_variance: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Lists, as JSON has them, are tuples."""
        for member in fields(self):
            object.__setattr__(self, member.name, tuple(getattr(self, member.name)))


def error_model(state: MissesState, blocks: int = BLOCKS) -> ErrorModel:
    """The model that labelled rows teach; without them it has no blocks.

    >>> values, ones = np.array([1.0, 9.0]), np.array([2, 2])
    >>> sums = [np.array(each, dtype=float) for each in ([2, 18], [2, 6], [0, 6], [2, 18], [2, 162])]
    >>> state = MissesState(values, ones, sums[0], ones, *sums[1:])
    >>> error_model(state, 2).absolute
    (2.0,)
    """
    known = int(state.labelled_count)
    if not known:
        return ErrorModel()
    wanted = max(1, min(blocks, known // LEAST_ROWS))
    before = np.cumsum(state.labelled) - state.labelled
    places = np.minimum(before * wanted // known, wanted - 1)
    _, starts = np.unique(places[state.labelled > 0], return_index=True)
    starts = np.flatnonzero(state.labelled > 0)[starts]
    starts[0] = 0
    some = state.grouped(starts)
    count = some.labelled
    absolute, signed, squared, fourth = (
        sums / count for sums in (some.absolute, some.signed, some.squared, some.fourth)
    )
    spreads = (squared - absolute**2, squared - signed**2, fourth - squared**2)
    columns = (some.values, count, absolute, signed, squared, *(np.maximum(each, 0.0) for each in spreads))
    return ErrorModel(*(tuple(column.tolist()) for column in columns))


def regression(parts: Sequence[tuple[MissesState, ErrorModel]]) -> dict[str, Estimate]:
    """MAE, MSE, RMSE, R² and mean error, estimated from rows of one or more parts (segments with models of their own).

    R² is 1 less the MSE by the variance of the labels, which is estimated too, as if in each block the residual did not
    depend on the prediction.
    """
    some = [(state, model) for state, model in parts if state.count]
    if not some or any(not model.lows for _, model in some):
        reason = "no error model: the baseline has no row with both" if some else "no row with a prediction"
        return {name: Estimate(name, reason=reason) for name in REGRESSION}
    rows = sum(state.count for state, _ in some)
    placed = [(_by_block(state, model), model) for state, model in some]
    mae, mse, bias = (_mean(placed, rows, name) for name in ("absolute", "squared", "signed"))
    spread = _label_variance(some, rows)
    ratio = [1 - each / spread if spread > 0 else nan for each in (mse[0], mse[2], mse[1])]
    roots = [sqrt(max(each, 0.0)) for each in mse]
    same = "the labels are expected to be all alike" if isnan(ratio[0]) else ""
    return {
        "mae": Estimate("mae", mae[0], max(mae[1], 0.0), mae[2]),
        "mse": Estimate("mse", mse[0], max(mse[1], 0.0), mse[2]),
        "rmse": Estimate("rmse", roots[0], roots[1], roots[2]),
        "r2": Estimate("r2", ratio[0], ratio[1], ratio[2], same),
        "mean_error": Estimate("mean_error", bias[0], bias[1], bias[2]),
    }


def _places(values: Floats, model: ErrorModel) -> Ints:
    return np.maximum(np.searchsorted(np.asarray(model.lows), values, side="right") - 1, 0).astype(np.int64)


def _by_block(state: MissesState, model: ErrorModel) -> Floats:
    """How many rows fall into each block."""
    return np.bincount(_places(state.values, model), state.rows, len(model.lows)).astype(np.float64)


def _mean(placed: Sequence[tuple[Floats, ErrorModel]], rows: int, name: str) -> tuple[float, float, float]:
    """The expected mean over all rows of what the model calls `name`, and its interval."""
    total = variance = 0.0
    for count, model in placed:
        spread = np.asarray(getattr(model, f"{name}_variance"))
        total += float(np.dot(count, np.asarray(getattr(model, name))))
        variance += float(np.dot(count, spread) + np.dot(count**2, spread / np.asarray(model.counts)))
    margin = Z_95 * sqrt(variance) / rows
    return total / rows, total / rows - margin, total / rows + margin


def _label_variance(parts: Sequence[tuple[MissesState, ErrorModel]], rows: int) -> float:
    """The variance of the labels y = p - r: of p, less twice the covariance with r, and of r."""
    centre = sum(float(state.predicted.sum()) for state, _ in parts) / rows
    first = second = 0.0
    for state, model in parts:
        at = _places(state.values, model)
        apart = state.predicted / state.rows - centre
        signed, squared = np.asarray(model.signed)[at], np.asarray(model.squared)[at]
        first += float(np.dot(state.rows, apart - signed))
        second += float(np.dot(state.rows, apart**2 - 2 * apart * signed + squared))
    return second / rows - (first / rows) ** 2


def realised(state: MissesState) -> dict[str, float]:
    """The same metrics of the rows whose labels are known, but R², for which `profile/residuals.py` is."""
    count = state.labelled_count
    if not count:
        return dict.fromkeys(REGRESSION, nan)
    mse = float(state.squared.sum()) / count
    means = {"mae": float(state.absolute.sum()) / count, "mean_error": float(state.signed.sum()) / count}
    return {**means, "mse": mse, "rmse": sqrt(mse)}
