"""How much a metric varies between samples of the same rows, found from states alone.

SageMaker draws five random samples of 80 % of the rows and gives the standard deviation of the metric over them. Which
rows are in a sample matters only through their counts, or through their mean terms: those of a sample without
replacement are drawn here directly, from a fixed seed. So no rows are needed, and the same state always has the same
deviation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import nan, sqrt

import numpy as np

from driftline.metrics.curves import thinned
from driftline.profile.columns import Floats, Ints
from driftline.profile.confusion import Matrix
from driftline.profile.residuals import ResidualsState
from driftline.profile.scores import ScoresState

DRAWS = 5
SHARE = 0.8
LEAST_ROWS = 200
"""SageMaker gives no deviation for fewer rows."""

SEED = 2
"""Nobody knows SageMaker's; with this one the deviations of its public example come out near those it printed."""

_MOST = 1_000_000_000
"""numpy draws exactly from fewer rows than this."""


def deviation(values: Sequence[float]) -> float:
    """The population standard deviation of a metric over samples; NaN without samples, and if one is undefined.

    >>> deviation([1.0, 3.0])
    1.0
    """
    return float(np.std(values)) if len(values) else nan


def matrices(matrix: Matrix, draws: int = DRAWS) -> tuple[Matrix, ...]:
    """The confusion matrices of the samples; none for fewer than 200 rows.

    >>> [some.total for some in matrices(Matrix(("0", "1"), np.array([[150, 10], [10, 80]])))]
    [200, 200, 200, 200, 200]
    """
    shape = matrix.counts.shape
    return tuple(matrix.with_counts(counts.reshape(shape)) for counts in _draws(matrix.counts.reshape(-1), draws))


def histograms(state: ScoresState, draws: int = DRAWS) -> tuple[ScoresState, ...]:
    """The histograms of the samples, thinned as the curves are; none for fewer than 200 labelled rows."""
    known = thinned(state)
    counts = np.concatenate((known.positives, known.negatives))
    return tuple(_with_counts(known, *np.split(some, 2)) for some in _draws(counts, draws))


def _with_counts(state: ScoresState, positives: Ints, negatives: Ints) -> ScoresState:
    used = positives + negatives > 0
    none = np.zeros(int(np.count_nonzero(used)), dtype=np.int64)
    return replace(
        state, values=state.values[used], positives=positives[used], negatives=negatives[used], unlabelled=none
    )


def _draws(counts: Ints, draws: int) -> Iterator[Ints]:
    """Counts of samples without replacement: multivariate hypergeometric."""
    rows = int(counts.sum())
    if rows < LEAST_ROWS:
        return
    rng = np.random.default_rng(SEED)
    size = round(rows * SHARE)
    for _ in range(draws):
        if rows < _MOST:
            yield rng.multivariate_hypergeometric(counts, size)
        else:  # beyond, the normal limit: deviations as with replacement, less what the finite population takes off
            apart = rng.multinomial(size, counts / rows) - counts * SHARE
            yield np.rint(counts * SHARE + apart * sqrt(1 - SHARE)).astype(np.int64)


def means(state: ResidualsState, draws: int = DRAWS) -> tuple[Floats, ...]:
    """The means of |r|, r, r², z and z² of the samples; none for fewer than 200 rows.

    Means of a sample of m of n rows without replacement are nearly normal, with the covariance of the rows divided by
    m and multiplied by 1 - m / n (Cochran, Sampling Techniques, 1977, th. 2.2).
    """
    if state.count < LEAST_ROWS:
        return ()
    size = round(state.count * SHARE)
    covariance = state.covariance * (1 / size) * (1 - size / state.count)
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    unit = np.where(scale > 0, scale, 1.0)
    correlation = covariance / np.multiply.outer(unit, unit)
    if not np.isfinite(correlation).all():
        return ()
    roots, turns = np.linalg.eigh(correlation)
    factor = turns * np.sqrt(np.maximum(roots, 0.0))
    rng = np.random.default_rng(SEED)
    drawn = rng.standard_normal((draws, len(scale)))
    return tuple(state.means + unit * np.einsum("ij,j->i", factor, some) for some in drawn)
