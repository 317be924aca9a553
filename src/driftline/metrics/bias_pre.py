"""Bias in the labels, before any model: how differently two groups of rows are represented and labelled.

All take a `Split`: d is the sensitive group, a the rest, n counts of rows with a label, n¹ and n⁰ those of positive
and negative ones, q = n¹ / n. Group by group the labels are a distribution P = {1 - q, q}.

A quotient of 0 by 0 is 0 here, and any other by 0 infinite, as SageMaker Clarify has it; where a metric cannot be
asked at all (a group is empty, a class does not occur) `why_not` says so and the value is NaN.
"""

from __future__ import annotations

from functools import partial
from math import inf, isnan, nan, sqrt

import numpy as np

from driftline.metrics.metric import metric
from driftline.profile.columns import Floats, Ints
from driftline.profile.split import Split

PRE = ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
"""SageMaker Clarify's pre-training metrics, in the order of its files."""

_CLARIFY = "SageMaker Clarify, pre-training bias metrics (developer guide, `clarify-measure-data-bias`)"

_metric = partial(metric, takes="contingency", source=_CLARIFY)


def ratio(over: float, under: float) -> float:
    """A quotient by Clarify's rule: 0 by 0 is 0, anything else by 0 is infinite.

    >>> ratio(1, 2), ratio(0, 0), ratio(1, 0), ratio(-1, 0)
    (0.5, 0.0, inf, -inf)
    """
    if under:
        return over / under
    return inf if over > 0 else -inf if over < 0 else 0.0


def difference(left: float, right: float) -> float:
    """`left - right`, where two equal infinities differ by 0.

    >>> difference(0.5, 0.25), difference(inf, inf), difference(inf, 1.0)
    (0.25, 0.0, inf)
    """
    return 0.0 if left == right else left - right


def shares(counts: Ints) -> Floats:
    """The distribution of labels in each group, (2, 2): group, label. NaN for a group without rows.

    >>> shares(np.array([[1, 3], [2, 2]])).tolist()
    [[0.25, 0.75], [0.5, 0.5]]
    """
    sizes = counts.sum(axis=1, keepdims=True)
    found: Floats = np.divide(counts, sizes, out=np.full(counts.shape, nan), where=sizes > 0)
    return found


def demographic_disparity(strata: Ints) -> float:
    """`sum n_i DD_i / sum n_i`, where DD_i is the share of d in the rejected rows of stratum i less its share in the
    accepted ones; a share of no rows is 0. Takes counts (strata, group, label); NaN without rows.

    >>> demographic_disparity(np.array([[[1, 3], [3, 1]]]))
    0.5
    """
    total = strata.sum()
    if not total:
        return nan
    of_all = strata.sum(axis=1)
    part = np.divide(strata[:, 1], of_all, out=np.zeros(of_all.shape), where=of_all > 0)
    return float(np.add.reduce(strata.sum(axis=(1, 2)) * (part[:, 0] - part[:, 1])) / total)


@_metric("CDDL", "Conditional Demographic Disparity in Labels (CDDL)", span="-1 to 1", normal="0")
def conditional_disparity_in_labels(split: Split) -> float:
    """`sum n_i DD_i / n` over the values i of the group variable, `DD_i = n_d⁰ / n⁰ - n_d¹ / n¹` among its rows.

    Above 0: within like groups, d has more of the rejections than of the acceptances. Below 0: a has. A disparity that
    vanishes here but not in DPL is explained by the group variable (Simpson's paradox).

    >>> conditional_disparity_in_labels(Split.of([[[[1, 0], [3, 0]], [[3, 0], [1, 0]]]]))
    0.5
    """
    return demographic_disparity(split.labels_by_stratum)


@_metric("CI", "Class Imbalance (CI)", span="-1 to 1", normal="0")
def class_imbalance(split: Split) -> float:
    """`(n_a - n_d) / n`. Above 0: d has fewer rows than a, so a model learns less of it. Below 0: it has more.

    >>> class_imbalance(Split.of([[[2, 0], [0, 1]], [[1, 0], [0, 0]]]))
    0.5
    """
    rest, sensitive = split.labels.sum(axis=1).tolist()
    return ratio(rest - sensitive, rest + sensitive)


@_metric("DPL", "Difference in Positive Proportions in Labels (DPL)", span="-1 to 1", normal="0")
def difference_in_labels(split: Split) -> float:
    """`q_a - q_d`. Above 0: a has the greater share of positive labels. Below 0: d has.

    >>> difference_in_labels(Split.of([[[1, 0], [3, 0]], [[2, 0], [2, 0]]]))
    0.25
    """
    rest, sensitive = shares(split.labels)[:, 1].tolist()
    return float(rest - sensitive)


@_metric("JS", "Jensen-Shannon Divergence (JS)", span="0 to ln 2", normal="0")
def jensen_shannon_divergence(split: Split) -> float:
    """`(KL(P_a || P) + KL(P_d || P)) / 2` with `P = (P_a + P_d) / 2`, natural logarithms. 0: the labels of both groups
    are distributed alike; the greater, the more they differ, in whichever direction. It is computed in the equal form
    `H(P) - (H(P_a) + H(P_d)) / 2` of entropies, which gives Clarify's figures to the last digit.

    >>> round(jensen_shannon_divergence(Split.of([[[0, 0], [4, 0]], [[4, 0], [0, 0]]])) / 0.6931471805599453, 12)
    1.0
    """
    rest, sensitive = shares(split.labels)
    apart = _entropy((rest + sensitive) / 2) - (_entropy(rest) + _entropy(sensitive)) / 2
    return max(apart, 0.0) if not isnan(apart) else nan


@_metric("KL", "Kullback-Liebler Divergence (KL)", span="0 to infinity, in nats", normal="0")
def kullback_leibler_divergence(split: Split) -> float:
    """`sum P_a ln(P_a / P_d)` over the labels that both groups have. 0: the labels are distributed alike; the greater,
    the more surprising the labels of a are to who knows those of d. It can be below 0 only where a group lacks a label.

    >>> round(kullback_leibler_divergence(Split.of([[[1, 0], [3, 0]], [[2, 0], [2, 0]]])), 6)
    0.130812
    """
    rest, sensitive = shares(split.labels)
    return _divergence(rest, sensitive)


@_metric("KS", "Kolmogorov-Smirnov Distance (KS)", span="0 to 1", normal="0")
def kolmogorov_smirnov_distance(split: Split) -> float:
    """`max |P_a - P_d|` over the labels. 0: distributed alike; 1: no label occurs in both groups.

    >>> kolmogorov_smirnov_distance(Split.of([[[1, 0], [3, 0]], [[2, 0], [2, 0]]]))
    0.25
    """
    return float(np.max(_apart(split)))


@_metric("LP", "L-p Norm (LP)", span="0 to the square root of 2", normal="0")
def lp_norm(split: Split) -> float:
    """`sqrt(sum (P_a - P_d)**2)` over the labels, p being 2. 0: distributed alike; √2: no label occurs in both groups.

    >>> round(lp_norm(Split.of([[[1, 0], [3, 0]], [[2, 0], [2, 0]]])), 6)
    0.353553
    """
    return sqrt(float(np.add.reduce(_apart(split) ** 2)))


@_metric("TVD", "Total Variation Distance (TVD)", span="0 to 1", normal="0")
def total_variation_distance(split: Split) -> float:
    """`sum |P_a - P_d| / 2` over the labels. 0: distributed alike; 1: no label occurs in both groups.

    >>> total_variation_distance(Split.of([[[1, 0], [3, 0]], [[2, 0], [2, 0]]]))
    0.25
    """
    return float(np.add.reduce(_apart(split))) / 2


def why_not(name: str, split: Split) -> str:
    """Why a pre-training metric is not defined; empty if it is.

    >>> why_not("DPL", Split.of([[[1, 0], [3, 0]], [[0, 0], [0, 0]]]))
    'the sensitive group has no rows with a label'
    >>> why_not("DPL", Split.of([[[0, 0], [3, 0]], [[0, 0], [1, 0]]]))
    'no label is negative'
    """
    return (
        empty_group(split.labels, "with a label")
        or (one_class(split.labels) if name != "CI" else "")
        or (no_group_variable(split) if name == "CDDL" else "")
    )


def empty_group(counts: Ints, rows: str) -> str:
    """Which group has no rows of those that a metric counts, (2, 2): group, class; empty if neither."""
    rest, sensitive = counts.sum(axis=1).tolist()
    if not rest and not sensitive:
        return f"there are no rows {rows}"
    if rest and sensitive:
        return ""
    return f"the sensitive group has no rows {rows}" if rest else f"no rows {rows} are outside the sensitive group"


def one_class(counts: Ints) -> str:
    """Which class of labels does not occur, (2, 2): group, label; empty if both do."""
    negative, positive = counts.sum(axis=0).tolist()
    return "" if negative and positive else "no label is negative" if positive else "no label is positive"


def no_group_variable(split: Split) -> str:
    """Whether there is nothing to condition on; empty if there is."""
    return "" if split.is_grouped else "no row has a value of a group variable"


def _apart(split: Split) -> Floats:
    rest, sensitive = shares(split.labels)
    found: Floats = np.abs(rest - sensitive)
    return found


def _divergence(left: Floats, right: Floats) -> float:
    """`sum left ln(left / right)` where neither is 0; NaN if either has no rows."""
    if np.isnan(left).any() or np.isnan(right).any():
        return nan
    both = (left > 0) & (right > 0)
    return float(np.add.reduce(left[both] * np.log(left[both] / right[both])))


def _entropy(distribution: Floats) -> float:
    """`-sum P ln P`; NaN without rows."""
    known = distribution[distribution != 0]
    return -float(np.add.reduce(known * np.log(known)))
