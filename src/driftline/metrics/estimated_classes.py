"""Performance of a classifier of several classes without labels, from calibrated probabilities of each class.

For the rows that are predicted to be of one class the probability of each class is calibrated by itself, on labelled
rows with the same prediction (of any, where there are few). Their sums, brought to the number of rows, are a row of
the expected confusion matrix. What holds and what does not is as in `metrics/estimated.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from driftline.metrics.calibration import Calibrator, isotonic
from driftline.metrics.estimated import DRAWS, LEVEL, SEED, Estimate
from driftline.profile.columns import Floats, Ints
from driftline.profile.scores import ScoresState
from driftline.profile.votes import VotesState

LEAST_ROWS = 200
"""Labelled rows of a predicted class that suffice for calibrators of its own."""

CLASSES = ("accuracy", "weighted_precision", "weighted_recall", "weighted_f0_5", "weighted_f1", "weighted_f2")
"""What is estimated of a classifier of several classes."""

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassCalibrators:
    """A calibrator for each predicted class and each class, in this order; none without labelled rows."""

    calibrators: tuple[Calibrator, ...] = ()

    def __post_init__(self) -> None:
        """Lists and mappings, as JSON has them, are tuples and calibrators."""
        given = (each if isinstance(each, Calibrator) else Calibrator(**each) for each in self.calibrators)
        object.__setattr__(self, "calibrators", tuple(given))


def class_calibrators(state: VotesState) -> ClassCalibrators:
    """Calibrators learnt from the labelled rows."""
    labelled, hits = state.labelled.reshape(state.shape), state.hits.reshape(state.shape)
    if not labelled.any():
        return ClassCalibrators()
    middles = _middles(state)
    found = []
    for predicted in range(state.classes):
        enough = int(labelled[predicted, 0].sum()) >= LEAST_ROWS
        for at in range(state.classes):
            rows, right = (
                counts[predicted, at] if enough else counts[:, at].sum(axis=0) for counts in (labelled, hits)
            )
            found.append(_learnt(middles[predicted, at] if enough else middles[:, at].mean(axis=0), rows, right))
    return ClassCalibrators(tuple(found))


def _learnt(scores: Floats, rows: Ints, hits: Ints) -> Calibrator:
    used = rows > 0
    none = np.zeros(int(np.count_nonzero(used)), dtype=np.int64)
    return isotonic(ScoresState(scores[used], hits[used], (rows - hits)[used], none))


def _middles(state: VotesState) -> Table:
    """The mean probability of the rows of each bin; the middle of a bin without rows."""
    rows = state.rows.reshape(state.shape)
    centres = np.broadcast_to((np.arange(state.bins) + 0.5) / state.bins, state.shape)
    found: Table = np.divide(state.sums.reshape(state.shape), rows, out=centres.copy(), where=rows > 0)
    return found


def several(state: VotesState, learnt: ClassCalibrators, draws: int = DRAWS, seed: int = SEED) -> dict[str, Estimate]:
    """Every metric of `CLASSES`, estimated; the same state and seed give the same answer."""
    if not state.count or not learnt.calibrators:
        reason = "no calibrator: the baseline has no row with both" if state.count else "no row with probabilities"
        return {name: Estimate(name, reason=reason) for name in CLASSES}
    value = class_rates(expected(state, learnt)[None])
    spread = class_rates(_drawn(state, learnt, draws, seed))
    edges = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    found = {}
    for name in CLASSES:
        known = float(value[name][0])
        low, high = np.quantile(spread[name], edges).tolist()
        found[name] = Estimate(name, known, min(low, known), max(high, known))
    return found


def expected(state: VotesState, learnt: ClassCalibrators) -> Table:
    """The expected confusion matrix: predicted classes as rows, actual ones as columns."""
    rows, middles = state.rows.reshape(state.shape), _middles(state)
    found = np.zeros((state.classes, state.classes))
    for place, calibrator in enumerate(learnt.calibrators):
        at = divmod(place, state.classes)
        found[at] = float(np.dot(rows[at], calibrator.expected(middles[at])))
    balanced: Table = _balanced(found[None], state.predicted)[0]
    return balanced


def _drawn(state: VotesState, learnt: ClassCalibrators, draws: int, seed: int) -> Table:
    rng = np.random.default_rng(seed)
    rows, middles = state.rows.reshape(state.shape), _middles(state)
    found = np.zeros((draws, state.classes, state.classes))
    for place, calibrator in enumerate(learnt.calibrators):
        at = divmod(place, state.classes)
        used = rows[at] > 0
        left, right, weight = calibrator.places(middles[at][used])
        rates = calibrator.drawn(rng, draws)
        chances = np.clip(rates[:, left] * (1 - weight) + rates[:, right] * weight, 0.0, 1.0)
        found[:, at[0], at[1]] = rng.binomial(rows[at][used], chances).sum(axis=1)
    return _balanced(found, state.predicted)


def _balanced(tables: Table, predicted: Ints) -> Table:
    """What is not of the predicted class, brought to the rows that are left: each was calibrated by itself."""
    found = tables.copy()
    classes = np.arange(tables.shape[1])
    right = np.minimum(tables[:, classes, classes], predicted)
    found[:, classes, classes] = 0.0
    others = found.sum(axis=2)
    left = predicted - right
    known = others > 0
    found *= np.divide(left, others, out=np.zeros(others.shape), where=known)[:, :, None]
    found[:, classes, classes] = np.where(known, right, predicted)
    return found


def class_rates(tables: Table) -> dict[str, Floats]:
    """The metrics of confusion matrices (predicted classes as rows), as in `metrics/classification.py`.

    >>> found = class_rates(np.array([[[3.0, 2.0], [1.0, 4.0]]]))
    >>> found["accuracy"].tolist(), round(float(found["weighted_f1"][0]), 6)
    ([0.7], 0.70303)
    """
    right = np.diagonal(tables, axis1=1, axis2=2)
    actual, predicted, total = tables.sum(axis=1), tables.sum(axis=2), tables.sum(axis=(1, 2))

    def weighted(parts: Table, wholes: Table) -> Floats:
        shares = np.divide(parts, wholes, out=np.zeros(wholes.shape), where=wholes > 0)
        found: Floats = (actual * shares).sum(axis=1) / total
        return found

    accuracy: Floats = right.sum(axis=1) / total
    scores = {
        f"weighted_f{name}": weighted((1 + square) * right, square * actual + predicted)
        for name, square in (("0_5", 0.25), ("1", 1.0), ("2", 4.0))
    }
    return {
        "accuracy": accuracy,
        "weighted_precision": weighted(right, predicted),
        "weighted_recall": accuracy,
        **scores,
    }


def realised_classes(state: VotesState) -> dict[str, float]:
    """The same metrics of the rows whose labels are known and one of the classes; NaN without them."""
    table = state.hits.reshape(state.shape).sum(axis=2).astype(np.float64)
    if not table.any():
        return dict.fromkeys(CLASSES, float("nan"))
    return {name: float(values[0]) for name, values in class_rates(table[None]).items()}
