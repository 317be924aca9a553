"""How far a metric of counts may be off by chance: the normal interval of the bootstrap, from counts alone.

A bootstrap replicate draws as many rows as there are, with replacement; of rows that only their counts are known of,
the counts are drawn, from a multinomial distribution, which is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite, nan
from statistics import NormalDist
from typing import Protocol, Self, TypeVar

import numpy as np

DRAWS = 200
"""Enough replicates for a standard error: Efron, Tibshirani, An Introduction to the Bootstrap (1993), ch. 6."""

SEED = 5


class Counted(Protocol):
    """Counts of rows, of which replicates can be drawn."""

    def drawn(self, random: np.random.Generator) -> Self:
        """As many rows drawn with replacement."""
        ...


C = TypeVar("C", bound=Counted)


def intervals(
    counts: C, metrics: Mapping[str, Callable[[C], float]], confidence: float, draws: int = DRAWS
) -> dict[str, tuple[float, float]]:
    """For each metric of some counts `value - z s` and `value + z s`: s is its standard deviation over the replicates,
    z the quantile of the normal distribution for `confidence` in (0, 1), both sides together. NaN where the value, or
    that of most replicates, is not finite. The seed is fixed: equal counts have equal intervals.
    """
    random = np.random.default_rng(SEED)
    replicates = [counts.drawn(random) for _ in range(draws)]
    reach = NormalDist().inv_cdf((1 + confidence) / 2)
    found = {}
    for name, metric in metrics.items():
        value = metric(counts)
        known = [each for each in map(metric, replicates) if isfinite(each)]
        if not isfinite(value) or 2 * len(known) < draws:
            found[name] = (nan, nan)
            continue
        spread = reach * float(np.std(known))
        found[name] = (value - spread, value + spread)
    return found
