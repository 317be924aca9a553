"""How good rankings are: NDCG, mean average precision and mean reciprocal rank, as means over queries.

Items with equal scores have no order. Every value here is then the mean over all orders they could have (McSherry and
Najork, "Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores", ECIR 2008),
so it does not depend on the order of the rows. Queries without a relevant item, for which no order is better than
another, are left out of the means.
"""

from __future__ import annotations

from math import nan, sqrt

import numpy as np

from driftline.errors import Invalid
from driftline.metrics.metric import metric
from driftline.profile.columns import Floats
from driftline.profile.hashing import Hashes
from driftline.profile.ranking import Places, RankingState


@metric(
    "ndcg",
    "Normalised discounted cumulative gain",
    takes="ranking",
    span="0 to 1",
    normal="1 for the ideal order; compare with the baseline",
    source="Järvelin, Kekäläinen, ACM Transactions on Information Systems 20 (2002); as scikit-learn's `ndcg_score`",
    better="higher",
)
def ndcg(state: RankingState, k: int | None = None) -> float:
    """The mean over queries of `DCG / DCG of the ideal order`, `DCG = sum over places i <= k of gain_i / log2(i + 1)`.

    NaN if no query has a gain.

    >>> from driftline.profile.ranking import Ranking
    >>> import pyarrow as pa
    >>> rows = pa.record_batch({"q": [1, 1, 1], "score": [0.9, 0.5, 0.1], "relevance": [0, 1, 0]})
    >>> question = Ranking("q", "score", "relevance")
    >>> round(ndcg(question.observe(question.start(), rows)), 6)
    0.63093
    """
    return _mean(ndcg_by_query(state, k))


@metric(
    "map",
    "Mean average precision",
    takes="ranking",
    span="0 to 1",
    normal="1 if all relevant items come first; compare with the baseline",
    source="Manning, Raghavan, Schütze, Introduction to Information Retrieval (2008), eq. 8.8, cut at k",
    better="higher",
)
def mean_average_precision(state: RankingState, k: int | None = None) -> float:
    """The mean over queries of `(sum of the precision at each relevant item among the first k) / min(relevant, k)`.

    NaN if no query has a relevant item.
    """
    return _mean(average_precision_by_query(state, k))


@metric(
    "mrr",
    "Mean reciprocal rank",
    takes="ranking",
    span="0 to 1",
    normal="1 if a relevant item always comes first; compare with the baseline",
    source="Voorhees, The TREC-8 Question Answering Track Report (1999)",
    better="higher",
)
def mean_reciprocal_rank(state: RankingState, k: int | None = None) -> float:
    """The mean over queries of `1 / place of the first relevant item`, 0 if it is not among the first k.

    NaN if no query has a relevant item.
    """
    return _mean(reciprocal_rank_by_query(state, k))


def standard_error(by_query: Floats) -> float:
    """The standard error of a mean over queries: sample deviation over root of their number; NaN below two.

    >>> standard_error(np.array([0.0, 1.0]))
    0.5
    """
    return float(np.std(by_query, ddof=1)) / sqrt(len(by_query)) if len(by_query) > 1 else nan


def why_undefined(state: RankingState) -> str:
    """Why the metrics are NaN; empty if they are not.

    >>> why_undefined(RankingState())
    'no query with a score'
    """
    if not len(state.keys):
        return "no query with a score"
    return "" if state.relevant.any() else "no query has a relevant item"


def ndcg_by_query(state: RankingState, k: int | None = None) -> Floats:
    """The NDCG of each query that has a gain, in the order of `state.keys`."""
    depth = _depth(state, k)
    found, ideal = (_discounted(state, places, depth) for places in (state.ranked, state.ideal))
    gaining = ideal > 0
    ratio: Floats = found[gaining] / ideal[gaining]
    return ratio


def average_precision_by_query(state: RankingState, k: int | None = None) -> Floats:
    """The average precision of each query that has a relevant item, in the order of `state.keys`.

    Of `n` equals with `m` relevant ones, below `s` items with `r` relevant ones, the i-th is relevant with the
    probability `m / n`, and its precision then is `(r + 1 + (i - 1)(m - 1)/(n - 1)) / (s + i)`.
    """
    depth = _depth(state, k)
    places, starts = state.ranked, state.ranked.starts
    ends = np.minimum(starts + places.counts, depth)
    starts = np.minimum(starts, depth)
    harmonic = np.concatenate(([0.0], np.cumsum(1 / np.arange(1, depth + 1))))
    inverse = harmonic[ends] - harmonic[starts]
    others = np.where(places.counts > 1, (places.hits - 1) / np.maximum(places.counts - 1, 1), 0.0)
    later = (ends - starts) - (starts + 1) * inverse
    sums = places.hits / places.counts * ((places.hits_above + 1) * inverse + others * later)
    relevant = state.relevant > 0
    found: Floats = _summed(state, places.keys, sums)[relevant] / np.minimum(state.relevant[relevant], depth)
    return found


def reciprocal_rank_by_query(state: RankingState, k: int | None = None) -> Floats:
    """The reciprocal rank of each query that has a relevant item, in the order of `state.keys`.

    Of `n` equals with `m` relevant ones the first relevant one is the i-th with the probability
    `C(n - i, m - 1) / C(n, m)`.
    """
    depth = _depth(state, k)
    first = (state.ranked.hits > 0) & (state.ranked.hits_above == 0)
    above, count, hits = state.ranked.starts[first], state.ranked.counts[first], state.ranked.hits[first]
    chance = hits / count
    sums = np.zeros(len(count))
    for i in range(1, depth + 1):
        place = above + i
        sums += np.where(place <= depth, chance / place, 0.0)
        chance = np.where(count > i, chance * np.maximum(count - i - hits + 1, 0) / np.maximum(count - i, 1), 0.0)
    return _summed(state, state.ranked.keys[first], sums)[state.relevant > 0]


def _mean(by_query: Floats) -> float:
    return float(np.mean(by_query)) if len(by_query) else nan


def _depth(state: RankingState, k: int | None) -> int:
    if k is not None and not 1 <= k <= state.depth:
        raise Invalid(what="k", got=k, expected=f"1 to {state.depth}", remedy="Ask the ranking with a greater depth.")
    return state.depth if k is None else k


def _discounted(state: RankingState, places: Places, depth: int) -> Floats:
    """The DCG of each query: equals share the discounts of the places they fill."""
    discounts = np.concatenate(([0.0], np.cumsum(1 / np.log2(np.arange(2, depth + 2)))))
    starts = places.starts
    share = discounts[np.minimum(starts + places.counts, depth)] - discounts[np.minimum(starts, depth)]
    return _summed(state, places.keys, places.gains / places.counts * share)


def _summed(state: RankingState, keys: Hashes, weights: Floats) -> Floats:
    """The sum of the weights of each query, in the order of `state.keys`."""
    return np.bincount(np.searchsorted(state.keys, keys), weights, len(state.keys)).astype(np.float64)
