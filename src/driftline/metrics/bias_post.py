"""Bias in the predictions: how differently a model treats two groups of rows.

All but the flip test take a `Split`: d is the sensitive group, a the rest; n¹ and n⁰ are rows of positive and negative
label, n'¹ and n'⁰ rows predicted positive and negative, q' = n'¹ / n'; TP, FN, FP, TN as usual. Metrics that need
labels count rows that have both a label and a prediction; DPPL, DI and CDDPL count every predicted row.

Quotients follow `bias_pre.ratio`: 0 by 0 is 0, anything else by 0 infinite, and equal infinities differ by 0.
"""

from __future__ import annotations

import math
from functools import partial
from math import nan

from driftline.metrics.bias_pre import (
    demographic_disparity,
    difference,
    difference_in_labels,
    empty_group,
    no_group_variable,
    one_class,
    ratio,
)
from driftline.metrics.metric import metric
from driftline.profile.split import REST, SENSITIVE, Flips, Split

POST = ("AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE")
"""SageMaker Clarify's post-training metrics, in the order of its files."""

LABEL_FREE = frozenset({"CDDPL", "DI", "DPPL", "FT"})
"""Those that need no labels."""

AMPLIFICATION = ("DPPL-DPL", "CDDPL-CDDL")
"""What the model adds to the bias of the labels: post-training less pre-training."""

_CLARIFY = "SageMaker Clarify, post-training bias metrics (developer guide, `clarify-measure-post-training-bias`)"

_metric = partial(metric, takes="contingency", source=_CLARIFY, normal="0")


def cells(split: Split, group: int) -> tuple[int, int, int, int]:
    """True positives, false negatives, false positives and true negatives of a group.

    >>> cells(Split.of([[[5, 1], [2, 3]], [[4, 0], [1, 1]]]), REST)
    (3, 2, 1, 5)
    """
    (right, false), (missed, hits) = split.outcomes[group].tolist()
    return hits, missed, false, right


@_metric("AD", "Accuracy Difference (AD)", span="-1 to 1")
def accuracy_difference(split: Split) -> float:
    """`accuracy_a - accuracy_d`. Above 0: the model is right more often about a. Below 0: about d.

    >>> accuracy_difference(Split.of([[[4, 0], [1, 3]], [[2, 1], [1, 0]]]))
    0.375
    """
    return difference(*(_accuracy(split, group) for group in (REST, SENSITIVE)))


@_metric("CDDPL", "Conditional Demographic Disparity in Predicted Labels (CDDPL)", span="-1 to 1")
def conditional_disparity_in_predictions(split: Split) -> float:
    """`sum n_i DD_i / n` over the values i of the group variable, `DD_i = n'_d⁰ / n'⁰ - n'_d¹ / n'¹` among its rows.

    Above 0: within like groups, d has more of the predicted rejections than of the predicted acceptances. Below 0: a
    has.

    >>> conditional_disparity_in_predictions(Split.of([[[[1, 3], [0, 0]], [[3, 1], [0, 0]]]]))
    0.5
    """
    return demographic_disparity(split.predictions_by_stratum)


@_metric("DAR", "Difference in Acceptance Rates (DAR)", span="-1 to 1")
def difference_in_acceptance_rates(split: Split) -> float:
    """`TP_a / n'_a¹ - TP_d / n'_d¹`: precision of a less that of d. Above 0: acceptances of d are wrong more often.

    >>> difference_in_acceptance_rates(Split.of([[[5, 1], [2, 3]], [[4, 1], [1, 1]]]))
    0.25
    """
    (hits_a, _, false_a, _), (hits_d, _, false_d, _) = cells(split, REST), cells(split, SENSITIVE)
    return difference(ratio(hits_a, hits_a + false_a), ratio(hits_d, hits_d + false_d))


@_metric("DCA", "Difference in Conditional Acceptance (DCA)", span="minus infinity to infinity")
def difference_in_conditional_acceptance(split: Split) -> float:
    """`n_a¹ / n'_a¹ - n_d¹ / n'_d¹`: rows that deserve acceptance to rows accepted. Above 0: a is accepted less often
    than it deserves, as compared with d. Below 0: d is.

    >>> difference_in_conditional_acceptance(Split.of([[[5, 1], [2, 3]], [[4, 1], [1, 1]]]))
    0.25
    """
    (hits_a, missed_a, false_a, _), (hits_d, missed_d, false_d, _) = cells(split, REST), cells(split, SENSITIVE)
    return difference(ratio(hits_a + missed_a, hits_a + false_a), ratio(hits_d + missed_d, hits_d + false_d))


@_metric("DCR", "Difference in Conditional Rejection (DCR)", span="minus infinity to infinity")
def difference_in_conditional_rejection(split: Split) -> float:
    """`n_d⁰ / n'_d⁰ - n_a⁰ / n'_a⁰`: rows that deserve rejection to rows rejected. Above 0: a is rejected more often
    than it deserves, as compared with d. Below 0: d is.

    >>> difference_in_conditional_rejection(Split.of([[[3, 0], [1, 3]], [[4, 0], [0, 1]]]))
    0.25
    """
    (_, missed_a, false_a, right_a), (_, missed_d, false_d, right_d) = cells(split, REST), cells(split, SENSITIVE)
    return difference(ratio(right_d + false_d, right_d + missed_d), ratio(right_a + false_a, right_a + missed_a))


@_metric("DI", "Disparate Impact (DI)", span="0 to infinity", normal="1")
def disparate_impact(split: Split) -> float:
    """`q'_d / q'_a`. Below 1: d is accepted less often than a. Above 1: more often. 1 is neutral; 0.8 is the line that
    United States law draws (the four-fifths rule).

    >>> disparate_impact(Split.of([[[2, 0], [0, 2]], [[3, 0], [0, 1]]]))
    0.5
    """
    return ratio(_acceptance(split, SENSITIVE), _acceptance(split, REST))


@_metric("DPPL", "Difference in Positive Proportions in Predicted Labels (DPPL)", span="-1 to 1")
def difference_in_predictions(split: Split) -> float:
    """`q'_a - q'_d`. Above 0: a is accepted more often. Below 0: d is.

    >>> difference_in_predictions(Split.of([[[2, 0], [0, 2]], [[3, 0], [0, 1]]]))
    0.25
    """
    return _acceptance(split, REST) - _acceptance(split, SENSITIVE)


@_metric("DRR", "Difference in Rejection Rates (DRR)", span="-1 to 1")
def difference_in_rejection_rates(split: Split) -> float:
    """`TN_d / n'_d⁰ - TN_a / n'_a⁰`. Above 0: rejections of a are wrong more often. Below 0: those of d are.

    >>> difference_in_rejection_rates(Split.of([[[3, 0], [1, 3]], [[4, 0], [0, 1]]]))
    0.25
    """
    (_, missed_a, _, right_a), (_, missed_d, _, right_d) = cells(split, REST), cells(split, SENSITIVE)
    return difference(ratio(right_d, right_d + missed_d), ratio(right_a, right_a + missed_a))


@_metric("FT", "Flip Test (FT)", span="-1 to 1")
def flip_test(flips: Flips) -> float:
    """`(F⁺ - F⁻) / n_d`: each row of d is compared with the vote of the rows of a that are nearest to it. F⁺ were
    predicted positive though the vote was negative, F⁻ the other way round. Above 0: the model favours d over like
    rows of a. Below 0: it puts d at a disadvantage. (The developer guide has the signs the other way round than what
    Clarify computes, and so does not this.) NaN without rows in either group.

    >>> flip_test(Flips(favoured=1, harmed=3, rows=10, total=10, against=20, total_against=20))
    -0.2
    """
    return (flips.favoured - flips.harmed) / flips.rows if flips.rows and flips.against else nan


@_metric("GE", "Generalized Entropy (GE)", span="0 to infinity; 0 to 0.5 where labels and predictions have like shares")
def generalized_entropy(split: Split) -> float:
    """`mean((b_i / mean(b))**2 - 1) / 2` over all rows of either group, with the benefit `b_i = ŷ_i - y_i + 1`: 2 for a
    false acceptance, 0 for a false rejection, else 1. 0: every row has the same benefit; the greater, the more unequal.
    NaN if no row has any benefit.

    >>> generalized_entropy(Split.of([[[2, 1], [1, 0]], [[0, 0], [0, 0]]]))
    0.25
    """
    (right, false), (missed, hits) = split.everyone.tolist()
    rows, benefit = right + false + missed + hits, right + hits + 2 * false
    if not benefit:
        return nan
    mean, like = benefit / rows, right + hits
    return float((like * ((1 / mean) ** 2 - 1) + false * ((2 / mean) ** 2 - 1) - missed) / (2 * rows))


@_metric("RD", "Recall Difference (RD)", span="-1 to 1")
def recall_difference(split: Split) -> float:
    """`TPR_a - TPR_d`. Above 0: the model finds more of the positive rows of a ("equal opportunity" is broken to the
    disadvantage of d). Below 0: of d.

    >>> recall_difference(Split.of([[[5, 1], [1, 3]], [[4, 1], [1, 1]]]))
    0.25
    """
    (hits_a, missed_a, _, _), (hits_d, missed_d, _, _) = cells(split, REST), cells(split, SENSITIVE)
    return difference(ratio(hits_a, hits_a + missed_a), ratio(hits_d, hits_d + missed_d))


@_metric("SD", "Specificity Difference (SD)", span="-1 to 1")
def specificity_difference(split: Split) -> float:
    """`TNR_d - TNR_a`. Above 0: the model wrongly accepts more of the negative rows of a. Below 0: of d.

    >>> specificity_difference(Split.of([[[2, 2], [1, 3]], [[3, 1], [1, 1]]]))
    0.25
    """
    (_, _, false_a, right_a), (_, _, false_d, right_d) = cells(split, REST), cells(split, SENSITIVE)
    return difference(ratio(right_d, right_d + false_d), ratio(right_a, right_a + false_a))


@_metric("TE", "Treatment Equality (TE)", span="minus infinity to infinity")
def treatment_equality(split: Split) -> float:
    """`FN_d / FP_d - FN_a / FP_a`. Above 0: of the model's errors, more of those about d are wrong rejections than of
    those about a. Below 0: fewer.

    >>> treatment_equality(Split.of([[[5, 2], [1, 3]], [[4, 1], [1, 1]]]))
    0.5
    """
    (_, missed_a, false_a, _), (_, missed_d, false_d, _) = cells(split, REST), cells(split, SENSITIVE)
    return difference(ratio(missed_d, false_d), ratio(missed_a, false_a))


@_metric("DPPL-DPL", "Bias amplification", span="-2 to 2", source="DPPL less DPL, of the rows that have both")
def amplification(split: Split) -> float:
    """`DPPL - DPL`: how much more (above 0) or less (below 0) the predictions favour a than the labels do.

    >>> amplification(Split.of([[[2, 0], [0, 2]], [[2, 0], [1, 1]]]))
    0.25
    """
    both = split.compared()
    return difference_in_predictions(both) - difference_in_labels(both)


@_metric(
    "CDDPL-CDDL", "Conditional bias amplification", span="-2 to 2", source="CDDPL less CDDL, of the rows that have both"
)
def conditional_amplification(split: Split) -> float:
    """`CDDPL - CDDL`: as bias amplification, within the values of the group variable.

    >>> round(conditional_amplification(Split.of([[[[2, 0], [0, 2]], [[2, 0], [1, 1]]]])), 6)
    0.266667
    """
    both = split.compared()
    return demographic_disparity(both.predictions_by_stratum) - demographic_disparity(both.labels_by_stratum)


def why_not(name: str, split: Split) -> str:
    """Why a post-training metric other than the flip test is not defined; empty if it is.

    >>> why_not("RD", Split.of([[[1, 0], [3, 0]], [[0, 0], [0, 0]]]))
    'the sensitive group has no rows with a label and a prediction'
    """
    if name in LABEL_FREE:
        missing = empty_group(split.predictions, "with a prediction")
        return missing or (no_group_variable(split) if name == "CDDPL" else "")
    labels = split.outcomes.sum(axis=2)
    missing = empty_group(labels, "with a label and a prediction")
    if missing or name in ("AD", "DPPL-DPL"):
        return missing
    if name == "GE":
        return "" if math.isfinite(generalized_entropy(split)) else "no row has any benefit"
    return no_group_variable(split) if name == "CDDPL-CDDL" else one_class(labels)


def flips_why_not(flips: Flips) -> str:
    """Why the flip test is not defined; empty if it is."""
    if flips.rows and flips.against:
        return ""
    side = "outside the sensitive group" if flips.rows else "of the sensitive group"
    return f"no row {side} has a prediction and all features"


def _accuracy(split: Split, group: int) -> float:
    hits, missed, false, right = cells(split, group)
    return ratio(hits + right, hits + missed + false + right)


def _acceptance(split: Split, group: int) -> float:
    rejected, accepted = split.predictions[group].tolist()
    return float(accepted / (rejected + accepted)) if rejected + accepted else nan
