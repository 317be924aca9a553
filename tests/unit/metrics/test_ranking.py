"""Rankings against scikit-learn, and against the mean over every order that equal scores can have."""

from __future__ import annotations

from itertools import permutations, product
from math import isnan, log2
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from driftline.errors import Invalid, SchemaMismatch
from driftline.metrics import ranking
from driftline.metrics.metric import METRICS
from driftline.profile.ranking import Ranking, RankingState

QUERY = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5]), st.integers(0, 2)), min_size=1, max_size=5)
Items = list[tuple[float, int]]


def asked(rows: list[tuple[Any, Any, Any]], **settings: Any) -> RankingState:
    """The state of these rows of query, score and relevance."""
    query, score, relevance = zip(*rows, strict=True)
    batch = pa.record_batch({"q": pa.array(query), "s": pa.array(score), "r": pa.array(relevance)})
    question = Ranking("q", "s", "r", **settings)
    return question.observe(question.start(), batch)


def orders(items: Items) -> list[list[int]]:
    """The relevances in every order that the scores allow."""
    scores = sorted({score for score, _ in items}, reverse=True)
    groups = [list(permutations([gain for score, gain in items if score == each])) for each in scores]
    return [[gain for part in parts for gain in part] for parts in product(*groups)]


def dcg(gains: list[int], k: int) -> float:
    """The definition."""
    return sum(gain / log2(place + 2) for place, gain in enumerate(gains[:k]))


def precision(gains: list[int], k: int) -> float:
    """Average precision at k."""
    relevant = sum(gain > 0 for gain in gains)
    hits = [sum(gain > 0 for gain in gains[: at + 1]) / (at + 1) for at in range(min(k, len(gains))) if gains[at]]
    return sum(hits) / min(relevant, k)


def reciprocal(gains: list[int], k: int) -> float:
    """One over the first relevant place."""
    return next((1 / (at + 1) for at, gain in enumerate(gains[:k]) if gain), 0.0)


@settings(max_examples=150, deadline=None)
@given(queries=st.lists(QUERY, min_size=1, max_size=4), k=st.integers(1, 4))
def test_equal_scores_give_the_mean_over_all_orders(queries: list[Items], k: int) -> None:
    """NDCG, MAP and MRR at k are what their definitions give on average over the orders of equals."""
    state = asked([(str(at), *item) for at, items in enumerate(queries) for item in items], depth=4)
    judged = [items for items in queries if any(gain for _, gain in items)]
    if not judged:
        assert isnan(ranking.ndcg(state, k)) and isnan(ranking.mean_average_precision(state, k))
        assert ranking.why_undefined(state) == "no query has a relevant item"
        return
    for measured, definition in (
        (ranking.mean_average_precision(state, k), precision),
        (ranking.mean_reciprocal_rank(state, k), reciprocal),
    ):
        every = [np.mean([definition(order, k) for order in orders(items)]) for items in judged]
        assert measured == pytest.approx(float(np.mean(every)))
    gains = []
    for items in judged:
        best = dcg(sorted((gain for _, gain in items), reverse=True), k)
        gains.append(np.mean([dcg(order, k) for order in orders(items)]) / best)
    assert ranking.ndcg(state, k) == pytest.approx(float(np.mean(gains)))


@pytest.mark.parametrize("k", [1, 3, 10, 20])
def test_equals_scikit_learn(k: int) -> None:
    """`ndcg_score`, ties averaged, and `average_precision_score` where nothing is cut."""
    rng = np.random.default_rng(5)
    scores, relevance = rng.normal(size=(200, 20)).round(1), rng.integers(0, 4, (200, 20))
    rows = [(q, scores[q, i], relevance[q, i]) for q in range(200) for i in range(20)]
    rng.shuffle(rows)
    state = asked([(int(q), s, int(r)) for q, s, r in rows], depth=20)
    assert ranking.ndcg(state, k) == pytest.approx(ndcg_score(relevance, scores, k=k))
    plain = scores + rng.normal(size=scores.shape) * 1e-3
    untied = asked([(q, plain[q, i], int(relevance[q, i])) for q in range(200) for i in range(20)], depth=20)
    oracle = [average_precision_score(relevance[q] > 0, plain[q]) for q in range(200)]
    assert ranking.mean_average_precision(untied) == pytest.approx(np.mean(oracle))


def test_exponential_gains() -> None:
    """The gain `2**relevance - 1`."""
    state = asked([("a", 3.0, 1), ("a", 2.0, 3), ("a", 1.0, 0)], exponential=True)
    assert ranking.ndcg(state) == pytest.approx((1 + 7 / log2(3)) / (7 + 1 / log2(3)))


def test_beyond_the_limit_queries_are_sampled_whole() -> None:
    """A sample of queries is unbiased within its standard error, and merges to the same whatever the parts."""
    rng = np.random.default_rng(1)
    rows = [(q, float(rng.normal() + r), r) for q in range(4_000) for r in (0, 0, 1)]
    whole, sampled = asked(rows), asked(rows, limit=1_000)
    assert whole.exact and not sampled.exact
    assert 500 <= len(sampled.keys) <= 1_000
    assert sampled.items.tolist() == [3] * len(sampled.keys)
    assert sampled.queries == pytest.approx(4_000, rel=0.1)
    error = ranking.standard_error(ranking.ndcg_by_query(sampled))
    assert abs(ranking.ndcg(sampled) - ranking.ndcg(whole)) < 4 * error
    cut = asked(rows[:7_001], limit=1_000).merge(asked(rows[7_001:], limit=1_000))
    assert ranking.ndcg(cut) == pytest.approx(ranking.ndcg(sampled), abs=1e-12)


def test_what_is_missing_is_counted() -> None:
    """No query or score: left out; no relevance or a negative one: no gain; none at all: NaN with a reason."""
    nan = float("nan")
    state = asked([("a", 0.9, 1.0), (None, 0.5, 1.0), ("a", nan, 1.0), ("a", 0.1, nan), ("b", 0.3, -1.0)])
    assert (state.unranked, state.unjudged, state.items.sum()) == (2, 2, 3)
    assert ranking.ndcg(state) == 1.0
    empty = Ranking("q", "s", "r").start()
    assert all(isnan(METRICS[name].compute(empty)) for name in ("ndcg", "map", "mrr"))
    assert ranking.why_undefined(empty) == "no query with a score"
    assert isnan(ranking.standard_error(np.array([1.0])))


def test_mistakes_are_told() -> None:
    """A k beyond the depth, a column that is not there."""
    with pytest.raises(Invalid, match="1 to 10"):
        ranking.ndcg(asked([("a", 0.9, 1.0)]), 11)
    question = Ranking("query", "s", "r")
    with pytest.raises(SchemaMismatch, match="query"):
        question.observe(question.start(), pa.record_batch({"q": [1], "s": [0.5], "r": [1]}))
