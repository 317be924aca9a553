"""How far the importance of features moved: global attributions of a baseline against those of now.

Both sides are arrays with one attribution a feature, in the same order. A metric is NaN without features, or where a
value is NaN.
"""

from __future__ import annotations

from math import nan

import numpy as np

from driftline.metrics.metric import metric
from driftline.profile.columns import Floats

ALIKE = 0.9
"""SageMaker's limit: an nDCG below it breaks the constraint."""


@metric(
    "attribution_ndcg",
    "nDCG of attributions",
    takes="attributions",
    span="0 to 1 for attributions that are not negative",
    normal=f"at least {ALIKE}, which is SageMaker's limit; 1 if the features rank as in the baseline",
    source="Amazon SageMaker developer guide, Feature attribution drift for models in production",
    better="higher",
)
def attribution_ndcg(before: Floats, now: Floats) -> float:
    """`DCG / ideal DCG`, `DCG = sum over places i of a_i / log2(i + 1)`, where `a_i` is what the baseline attributed to
    the feature that is i-th now; in the ideal order features rank as in the baseline.

    Of features that tie now the first stands first. NaN if the baseline's own DCG is not positive.

    >>> round(attribution_ndcg(np.array([0.70, 0.50, 0.05]), np.array([0.10, 0.20, 0.70])), 5)
    0.68764
    """
    if not _comparable(before, now):
        return nan
    discounts = 1 / np.log2(np.arange(2, len(before) + 2))
    ideal = float(np.sort(before)[::-1] @ discounts)
    return float(before[np.argsort(-now, kind="stable")] @ discounts) / ideal if ideal > 0 else nan


@metric(
    "attribution_rank_correlation",
    "Rank correlation of attributions",
    takes="attributions",
    span="-1 to 1",
    normal="1 if the features rank as in the baseline, 0 if the ranks have nothing in common",
    source="Spearman, The American Journal of Psychology 15 (1904)",
    better="higher",
)
def attribution_rank_correlation(before: Floats, now: Floats) -> float:
    """The correlation of the features' ranks, ties sharing the mean of theirs. All features count alike, in contrast to
    the nDCG, which looks at the top. NaN if all features tie on one side.

    >>> round(attribution_rank_correlation(np.array([0.7, 0.5, 0.05]), np.array([0.1, 0.2, 0.7])), 6)
    -1.0
    """
    if not _comparable(before, now):
        return nan
    one, other = (ranks(side) - (len(side) + 1) / 2 for side in (before, now))
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale else nan


@metric(
    "attribution_shift",
    "Shift of attributions",
    takes="attributions",
    span="0 to 1",
    normal="0 if every feature has the share of the baseline; 0.1 means that a tenth of the importance moved",
    source="Total variation distance of the shares",
    better="lower",
)
def attribution_shift(before: Floats, now: Floats) -> float:
    """`1/2 sum |p_f - q_f|`, `p_f` and `q_f` being the feature's share of the sum of the sizes of all attributions,
    before and now: the share of importance that moved from some features to others. NaN if all are 0 on one side.

    >>> attribution_shift(np.array([3.0, 1.0]), np.array([1.0, 1.0]))
    0.25
    """
    if not _comparable(before, now):
        return nan
    sizes = np.abs(before), np.abs(now)
    totals = sizes[0].sum(), sizes[1].sum()
    return 0.5 * float(np.abs(sizes[0] / totals[0] - sizes[1] / totals[1]).sum()) if all(totals) else nan


def ranks(values: Floats) -> Floats:
    """The place of each value from the smallest, 1; equal values share the mean of theirs.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    found: Floats = (last - (counts - 1) / 2)[inverse]
    return found


def places(values: Floats) -> list[int]:
    """The place of each feature from the most important, 1; of ties the first stands first.

    >>> places(np.array([0.1, 0.7, 0.1]))
    [2, 1, 3]
    """
    found = np.empty(len(values), dtype=np.int64)
    found[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return found.tolist()


def _comparable(before: Floats, now: Floats) -> bool:
    return bool(len(before)) and not np.isnan(before).any() and not np.isnan(now).any()
