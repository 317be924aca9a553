"""The figures of rankings, cut at several places, for the monitor of model quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from driftline.metrics.ranking import (
    average_precision_by_query,
    ndcg_by_query,
    reciprocal_rank_by_query,
    standard_error,
    why_undefined,
)
from driftline.monitors.quality import Figure
from driftline.profile.columns import Floats
from driftline.profile.ranking import RankingState

BY_QUERY: dict[str, Callable[[RankingState, int], Floats]] = {
    "ndcg": ndcg_by_query,
    "map": average_precision_by_query,
    "mrr": reciprocal_rank_by_query,
}
"""What is told of each query; the metric is the mean."""


def of_ranking(state: RankingState, cutoffs: tuple[int, ...]) -> Iterator[Figure]:
    """`ndcg_at_k`, `map_at_k` and `mrr_at_k` for each k; the spread is the standard error of the mean over queries."""
    why = why_undefined(state)
    for name, compute in BY_QUERY.items():
        for k in cutoffs:
            values = compute(state, k)
            value = float(values.mean()) if len(values) else float("nan")
            yield Figure(f"{name}_at_{k}", value, standard_error(values), why)
