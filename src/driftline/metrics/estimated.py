"""Performance of a classifier without labels: what its calibrated probabilities say of it, with an interval.

If a row's probability p of being positive is right, a row predicted positive is a true positive with probability p and
a false positive with 1 - p; the sums over all rows are the expected confusion matrix, and metrics of it are estimates
of the realised ones ("confidence-based performance estimation"). That holds while the probability of the label, given
the score, is what it was where the calibrator was learnt: a shift of the inputs keeps it, a change of what the inputs
mean (concept drift) does not, and no method without labels can see one.

The interval is where the realised value of these rows should lie: labels are drawn by the probabilities, which are
themselves drawn from their distribution given the rows that they were learnt from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import numpy.typing as npt

from driftline.metrics.calibration import Calibrator
from driftline.profile.columns import Floats
from driftline.profile.scores import ScoresState

DRAWS = 400
GROUPS = 1_000
"""Scores are joined into at most about so many groups for the draws; the estimate itself uses every one."""

SEED = 20_240_229
LEVEL = 0.95

Table = npt.NDArray[np.float64]
Counts = Mapping[str, Floats]


@dataclass(frozen=True)
class Estimate:
    """A metric estimated without labels, and the interval in which the realised one should lie with `LEVEL`.

    NaN where it is undefined, and `reason` says why.
    """

    name: str
    value: float = nan
    low: float = nan
    high: float = nan
    reason: str = ""


@dataclass(frozen=True)
class Called:
    """Rows by score: how many were predicted positive and how many negative, with the calibrator that holds for them.

    Parallel arrays, ascending in score.
    """

    scores: Floats
    positive: Floats
    negative: Floats
    calibrator: Calibrator

    @classmethod
    def above(cls, state: ScoresState, threshold: float, calibrator: Calibrator) -> Called:
        """All scored rows, predicted positive where the score is above the threshold."""
        counts = (state.positives + state.negatives + state.unlabelled).astype(np.float64)
        over = state.values > threshold
        return cls(state.values, np.where(over, counts, 0.0), np.where(over, 0.0, counts), calibrator)

    @classmethod
    def predicted(cls, state: ScoresState, calibrator: Calibrator) -> Called:
        """The rows with a prediction, of a state that was asked with the predictions in place of the labels."""
        known = state.labelled()
        return cls(known.values, known.positives.astype(np.float64), known.negatives.astype(np.float64), calibrator)

    def joined(self, groups: int) -> Called:
        """With neighbouring scores joined into about `groups` groups of equally many rows, named by their mean."""
        if len(self.scores) <= groups:
            return self
        counts = self.positive + self.negative
        _, starts = np.unique((np.cumsum(counts) - counts) * groups // counts.sum(), return_index=True)
        sums = (self.scores * counts, counts, self.positive, self.negative)
        scores, rows, positive, negative = (np.add.reduceat(each, starts) for each in sums)
        return Called(scores / rows, positive, negative, self.calibrator)


def binary(parts: Sequence[Called], draws: int = DRAWS, seed: int = SEED) -> dict[str, Estimate]:
    """Every metric of `rates` and the AUC, estimated from rows of one or more parts (segments with own calibrators).

    The same parts and seed give the same answer.

    >>> from driftline.metrics.calibration import IDENTITY
    >>> rows = ScoresState(np.array([0.2, 0.9]), *np.zeros((2, 2), dtype=np.int64), np.array([100, 100]))
    >>> found = binary([Called.above(rows, 0.5, IDENTITY)])
    >>> found["accuracy"].value, found["precision"].value, round(found["recall"].value, 4)
    (0.85, 0.9, 0.8182)
    """
    some = [part for part in parts if len(part.scores)]
    if not some or any(not part.calibrator.rates for part in some):
        reason = "no calibrator: the baseline has no row with both a score and a label" if some else "no scored row"
        return {name: Estimate(name, reason=reason) for name in BINARY}
    value = _all(*_expected(some))
    rough = _all(*_expected([part.joined(GROUPS) for part in some]))
    spread = _all(*_drawn([part.joined(GROUPS) for part in some], draws, seed))
    return {name: _estimate(name, value[name], spread[name] - rough[name] + value[name]) for name in BINARY}


def _expected(parts: Sequence[Called]) -> tuple[Floats, Table, Table, Floats, Floats]:
    """Scores, and of each the positives among the rows predicted positive and negative, and those rows."""
    chances = [part.calibrator.expected(part.scores) for part in parts]
    scores, positive, negative, chance = (
        np.concatenate(each)
        for each in (
            [part.scores for part in parts],
            [part.positive for part in parts],
            [part.negative for part in parts],
            chances,
        )
    )
    return scores, (positive * chance)[None], (negative * chance)[None], positive, negative


def _drawn(parts: Sequence[Called], draws: int, seed: int) -> tuple[Floats, Table, Table, Floats, Floats]:
    """As `_expected`, with labels drawn, one row a draw."""
    rng = np.random.default_rng(seed)
    hits, missed = [], []
    for part in parts:
        left, right, weight = part.calibrator.places(part.scores)
        rates = part.calibrator.drawn(rng, draws)
        chances = np.clip(rates[:, left] * (1 - weight) + rates[:, right] * weight, 0.0, 1.0)
        hits.append(rng.binomial(part.positive.astype(np.int64), chances))
        missed.append(rng.binomial(part.negative.astype(np.int64), chances))
    scores, positive, negative = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("scores", "positive", "negative")
    )
    return scores, np.concatenate(hits, axis=1), np.concatenate(missed, axis=1), positive, negative


def _all(scores: Floats, hits: Table, missed: Table, positive: Floats, negative: Floats) -> Counts:
    found = dict(
        rates(hits.sum(axis=1), missed.sum(axis=1), (positive - hits).sum(axis=1), (negative - missed).sum(axis=1))
    )
    order = np.argsort(scores, kind="stable")
    both = (hits + missed)[:, order]
    found["auc"] = area(scores[order], both, (positive + negative)[order] - both)
    return found


def rates(hits: Floats, missed: Floats, false: Floats, right: Floats) -> Counts:
    """The metrics of true positives, false negatives, false positives and true negatives, which need not be whole.

    As those of the same name in `metrics/classification.py`; NaN where undefined.

    >>> found = rates(*(np.array([count]) for count in (3.0, 2.0, 1.0, 5.0)))
    >>> {name: round(float(value[0]), 4) for name, value in found.items() if name in ("recall", "f1")}
    {'recall': 0.6, 'f1': 0.6667}
    """
    rows = hits + missed + false + right

    def f_score(square: float) -> Floats:
        return _over((1 + square) * hits, (1 + square) * hits + square * missed + false, hits + missed)

    return {
        "accuracy": _over(hits + right, rows),
        "precision": _over(hits, hits + false),
        "recall": _over(hits, hits + missed),
        "true_negative_rate": _over(right, right + false),
        "f0_5": f_score(0.25),
        "f1": f_score(1.0),
        "f2": f_score(4.0),
        "positive_rate": _over(hits + missed, rows),
        "true_positives": hits,
        "false_negatives": missed,
        "false_positives": false,
        "true_negatives": right,
    }


def _over(part: Floats, whole: Floats, also: Floats | None = None) -> Floats:
    """The ratio; NaN where the whole (and `also`) is nothing."""
    known = (whole if also is None else np.minimum(whole, also)) > 0
    found: Floats = np.divide(part, whole, out=np.full(len(part), nan), where=known)
    return found


BINARY = (*rates(*np.zeros((4, 1))), "auc")
"""What is estimated of a binary classifier."""


def area(scores: Floats, positives: Table, negatives: Table) -> Floats:
    """The area under the ROC curve, one for each row of the tables; scores ascend, equal ones count half.

    >>> area(np.array([0.1, 0.5, 0.5]), np.array([[0.0, 1.0, 1.0]]), np.array([[2.0, 0.0, 1.0]])).tolist()
    [0.8333333333333334]
    """
    starts = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
    if len(starts) < len(scores):
        positives, negatives = (np.add.reduceat(each, starts, axis=1) for each in (positives, negatives))
    below = np.cumsum(negatives, axis=1) - negatives / 2
    return _over((positives * below).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def _estimate(name: str, value: Floats, spread: Floats) -> Estimate:
    found = float(value[0])
    known = spread[~np.isnan(spread)]
    if isnan(found):
        return Estimate(name, reason=UNDEFINED.get(name, "no scored row"))
    edge = (1 - LEVEL) / 2
    low, high = np.quantile(known, [edge, 1 - edge]).tolist() if len(known) else (nan, nan)
    if name not in COUNTED:
        low, high = max(low, 0.0), min(high, 1.0)
    return Estimate(name, found, min(low, found), max(high, found))


COUNTED = frozenset({"true_positives", "false_negatives", "false_positives", "true_negatives"})
"""Estimates that are counts of rows; all others are ratios in [0, 1]."""

UNDEFINED = {
    "precision": "no row was predicted positive",
    "recall": "no row is expected to be positive",
    "true_negative_rate": "no row is expected to be negative",
    "f0_5": "no row is expected to be positive",
    "f1": "no row is expected to be positive",
    "f2": "no row is expected to be positive",
    "auc": "all rows are expected to be of one class",
}
"""Why an estimate may be undefined."""


def realised_binary(
    state: ScoresState, threshold: float, counts: tuple[int, int, int, int] | None = None
) -> dict[str, float]:
    """The same metrics of the labelled rows; `counts` are those of `rates` where the threshold does not predict.

    >>> round(realised_binary(ScoresState.of(np.array([0.1, 0.8, 0.9]), np.array([True, False, True])), 0.5)["f1"], 3)
    0.5
    """
    known = state.labelled()
    if not (len(known.values) if counts is None else sum(counts)):
        return dict.fromkeys(BINARY, nan)
    over = known.values > threshold
    kinds = ((known.positives, over), (known.positives, ~over), (known.negatives, over), (known.negatives, ~over))
    found = rates(*(np.array([float(each)]) for each in counts or (kind[side].sum() for kind, side in kinds)))
    positives, negatives = (kind.astype(np.float64)[None] for kind in (known.positives, known.negatives))
    ranked = float(area(known.values, positives, negatives)[0]) if len(known.values) else nan
    return {**{name: float(value[0]) for name, value in found.items()}, "auc": ranked}
