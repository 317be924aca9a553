"""How good the probabilities of several classes are, from the scores of each class against all others."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan

import numpy as np

from driftline.metrics.curves import auc
from driftline.metrics.metric import metric
from driftline.profile.scores import ScoresState

Chances = Sequence[ScoresState]
"""For each class the histogram of its probability, in which the rows of that class are the positive ones."""


@metric(
    "auc_one_vs_rest",
    "Area under the ROC curve, one class against the rest",
    takes="chances",
    span="0 to 1; 0.5 for guessing",
    normal="at least the baseline's",
    source="Provost, Domingos, Well-Trained PETs, CeDER Working Paper 00-04, New York University 2000",
    better="higher",
)
def auc_one_vs_rest(chances: Chances) -> float:
    """The mean over the classes that occur of the AUC of a class's probability against all other rows. NaN with fewer
    than two classes.

    >>> chances = [ScoresState.of(np.array([0.9, 0.2]), np.array([True, False])), ScoresState()]
    >>> auc_one_vs_rest(chances)
    1.0
    """
    found = [area for area in map(auc, chances) if not isnan(area)]
    return float(np.mean(found)) if found else nan


@metric(
    "cross_entropy",
    "Log loss of several classes",
    takes="chances",
    span="0 to infinity, in nats",
    normal="at most the baseline's",
    source="as `log_loss`, for any number of classes",
    better="lower",
)
def cross_entropy(chances: Chances) -> float:
    """`-mean ln p` of the probability p of the row's own class, taken no nearer to 0 than 2.2e-16. NaN without labelled
    rows, and if a score is no probability.

    >>> round(cross_entropy([ScoresState.of(np.array([0.8, 0.4]), np.array([True, False]))]), 6)
    0.223144
    """
    known = [state.labelled() for state in chances]
    if why_not("cross_entropy", known):
        return nan
    least = float(np.finfo(np.float64).eps)
    lost = sum(float(np.add.reduce(state.positives * np.log(np.maximum(state.values, least)))) for state in known)
    return -lost / sum(state.positive_count for state in known)


@metric(
    "brier_of_classes",
    "Brier score of several classes",
    takes="chances",
    span="0 to 2",
    normal="at most the baseline's",
    source="Brier, Monthly Weather Review 78 (1950), in its first form, which sums over the classes",
    better="lower",
)
def brier_of_classes(chances: Chances) -> float:
    """`mean sum over classes of (p - y)^2`, y being 1 for the row's own class and else 0. NaN without labelled
    rows, and if a score is no probability.

    >>> round(brier_of_classes([ScoresState.of(np.array([0.8, 0.4]), np.array([True, False]))]), 6)
    0.2
    """
    known = [state.labelled() for state in chances]
    if why_not("brier_of_classes", known):
        return nan
    apart = sum(
        float(np.add.reduce(state.positives * (1 - state.values) ** 2 + state.negatives * state.values**2))
        for state in known
    )
    return apart / sum(state.positive_count for state in known)


def why_not(name: str, chances: Chances) -> str:
    """Why a metric of the probabilities of several classes is undefined; empty if it is not.

    >>> why_not("cross_entropy", [])
    'no row has probabilities and a label'
    """
    known = [state.labelled() for state in chances]
    if not any(state.labelled_count for state in known):
        return "no row has probabilities and a label"
    if name == "auc_one_vs_rest":
        both = any(state.positive_count and state.negative_count for state in known)
        return "" if both else "only one class occurs"
    if not any(state.positive_count for state in known):
        return "no label is one of the classes that have probabilities"
    if any(len(state.values) and not 0 <= state.values[0] <= state.values[-1] <= 1 for state in known):
        return "some scores are not in [0, 1]"
    return ""
