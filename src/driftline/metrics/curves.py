"""Curves over all thresholds, and the metrics of scores that need no threshold.

The points are those of Apache Spark's `BinaryClassificationMetrics`, which SageMaker uses: one for each distinct score
in descending order; from 2,000 distinct scores on each point covers `floor(distinct / 1000)` of them, the last one
perhaps fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan

import numpy as np

from driftline.metrics.metric import metric
from driftline.profile.columns import Floats, Ints
from driftline.profile.scores import ScoresState

POINTS = 1000
"""About so many points stay when a curve is thinned."""

_SPAN = "0 to 1"


@dataclass(frozen=True)
class Curves:
    """The ROC curve from (0, 0) to (1, 1), and the precision-recall curve from recall 0 at its first precision."""

    false_positive_rates: Floats
    true_positive_rates: Floats
    precisions: Floats
    recalls: Floats


def thinned(state: ScoresState, points: int = POINTS) -> ScoresState:
    """The labelled rows' histogram with neighbouring scores joined, as the curves have them; each group is named by
    its lowest score.

    >>> state = ScoresState.of(np.arange(6.0), np.array([True, False] * 3))
    >>> thinned(state, 2).values.tolist(), thinned(state, 2).positives.tolist()
    ([0.0, 3.0], [2, 1])
    """
    known = state.labelled()
    group = len(known.values) // points if points else 0
    if group < 2:
        return known
    # groups are counted from the greatest score down, so the odd one is the lowest
    starts = np.unique(np.maximum(len(known.values) - group * np.arange(1, len(known.values) // group + 2), 0))
    positives, negatives = (np.add.reduceat(counts, starts) for counts in (known.positives, known.negatives))
    none = np.zeros(len(starts), dtype=np.int64)
    return replace(known, values=known.values[starts], positives=positives, negatives=negatives, unlabelled=none)


def _counts_above(state: ScoresState) -> tuple[Ints, Ints]:
    """True and false positives when the threshold goes down, score by score."""
    return np.cumsum(state.positives[::-1]), np.cumsum(state.negatives[::-1])


def curves_of(state: ScoresState, points: int = POINTS) -> Curves | None:
    """Both curves; None if the labelled rows are not of both classes. `points=0` thins nothing.

    >>> found = curves_of(ScoresState.of(np.array([0.9, 0.4, 0.2]), np.array([True, False, True])))
    >>> found.true_positive_rates.tolist(), found.precisions.tolist()
    ([0.0, 0.5, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.6666666666666666])
    """
    some = thinned(state, points)
    if not some.positive_count or not some.negative_count:
        return None
    hits, false = _counts_above(some)
    found, wrong, right = hits / hits[-1], false / false[-1], hits / (hits + false)
    return Curves(
        np.concatenate(([0.0], wrong, [1.0])),
        np.concatenate(([0.0], found, [1.0])),
        np.concatenate((right[:1], right)),
        np.concatenate(([0.0], found)),
    )


def _area(x: Floats, y: Floats) -> float:
    """Under the line through the points, by trapezoids.

    They are summed one after the other, which is what Spark does: its last digits come out too.
    """
    return float(np.cumsum(np.diff(x) * (y[1:] + y[:-1]) / 2)[-1])


@metric(
    "auc",
    "Area under the ROC curve",
    takes="scores",
    span="0 to 1; 0.5 for guessing",
    normal="at least the baseline's",
    source="Apache Spark, `BinaryClassificationMetrics.areaUnderROC`, with numBins = 1000",
    better="higher",
)
def auc(state: ScoresState) -> float:
    """The chance that a positive row has a higher score than a negative one: the area under the thinned ROC curve, by
    trapezoids. NaN if the labelled rows are not of both classes.

    >>> auc(ScoresState.of(np.array([0.9, 0.8, 0.4, 0.2]), np.array([True, False, True, False])))
    0.75
    """
    found = curves_of(state)
    return nan if found is None else _area(found.false_positive_rates, found.true_positive_rates)


@metric(
    "au_prc",
    "Area under the precision-recall curve",
    takes="scores",
    span="0 to 1; the share of positive rows for guessing",
    normal="at least the baseline's",
    source="Apache Spark, `BinaryClassificationMetrics.areaUnderPR`, with numBins = 1000",
    better="higher",
)
def au_prc(state: ScoresState) -> float:
    """The area under the thinned precision-recall curve, by trapezoids; see `average_precision` for the sum that is not
    too optimistic. NaN if the labelled rows are not of both classes.

    >>> round(au_prc(ScoresState.of(np.array([0.9, 0.8, 0.4, 0.2]), np.array([True, False, True, False]))), 6)
    0.791667
    """
    found = curves_of(state)
    return nan if found is None else _area(found.recalls, found.precisions)


@metric(
    "average_precision",
    "Average precision",
    takes="scores",
    span="0 to 1; the share of positive rows for guessing",
    normal="at least the baseline's",
    source="Zhu, Recall, Precision and Average Precision, University of Waterloo 2004; as scikit-learn has it",
    better="higher",
)
def average_precision(state: ScoresState) -> float:
    """`sum (R_n - R_(n-1)) P_n` over all distinct scores in descending order, with recall R and precision P. NaN
    without positive rows.

    >>> round(average_precision(ScoresState.of(np.array([0.9, 0.8, 0.4]), np.array([True, False, True]))), 6)
    0.833333
    """
    if not state.positive_count:
        return nan
    known = state.labelled()
    hits, false = _counts_above(known)
    return float(np.add.reduce(known.positives[::-1] * (hits / (hits + false)))) / int(hits[-1])


@metric(
    "log_loss",
    "Log loss",
    takes="scores",
    span="0 to infinity, in nats",
    normal="at most the baseline's",
    source="Good, Rational Decisions, Journal of the Royal Statistical Society B 14 (1952)",
    better="lower",
)
def log_loss(state: ScoresState) -> float:
    """`-mean(y ln p + (1 - y) ln(1 - p))`, p no nearer to 0 and 1 than 2.2e-16. NaN without labelled rows, and if a
    score is no probability.

    >>> round(log_loss(ScoresState.of(np.array([0.8, 0.4]), np.array([True, False]))), 6)
    0.366985
    """
    known = state.labelled()
    if not _are_probabilities(known):
        return nan
    least = float(np.finfo(np.float64).eps)
    chances = np.clip(known.values, least, 1 - least)
    lost = known.positives * np.log(chances) + known.negatives * np.log1p(-chances)
    return -float(np.add.reduce(lost)) / known.labelled_count


@metric(
    "brier_score",
    "Brier score",
    takes="scores",
    span="0 to 1",
    normal="at most the baseline's; always saying 0.5 gives 0.25",
    source="Brier, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78 (1950)",
    better="lower",
)
def brier_score(state: ScoresState) -> float:
    """The mean squared distance of the probability from what happened: `mean((p - y)^2)`. NaN without labelled rows,
    and if a score is no probability.

    >>> round(brier_score(ScoresState.of(np.array([0.8, 0.4]), np.array([True, False]))), 6)
    0.1
    """
    known = state.labelled()
    if not _are_probabilities(known):
        return nan
    apart = known.positives * (1 - known.values) ** 2 + known.negatives * known.values**2
    return float(np.add.reduce(apart)) / known.labelled_count


def _are_probabilities(state: ScoresState) -> bool:
    return bool(len(state.values)) and float(state.values[0]) >= 0 and float(state.values[-1]) <= 1


def why_not(name: str, state: ScoresState) -> str:
    """Why a metric of scores is undefined; empty if it is not.

    >>> why_not("auc", ScoresState())
    'no row has both a score and a label'
    """
    if not state.labelled_count:
        return "no row has both a score and a label"
    if name in ("auc", "au_prc") and not (state.positive_count and state.negative_count):
        return f"all labelled rows are {'positive' if state.positive_count else 'negative'}"
    if name == "average_precision" and not state.positive_count:
        return "no labelled row is positive"
    if name in ("log_loss", "brier_score") and not _are_probabilities(state.labelled()):
        return "some scores are not in [0, 1]"
    return ""
