"""How far two distributions are apart: the measures of SageMaker and those that users of other tools expect.

Numbers are compared by their quantile sketches, whose rank error (see `profile/quantiles.py`) bounds the error of
every value here. Measures of shares use ten bins of numbers, cut at the baseline's deciles and open at both ends, or
the categories of either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, log, nan, sqrt

import numpy as np

from driftline.metrics.chi_squared import upper_tail
from driftline.metrics.metric import metric
from driftline.profile.columns import Floats
from driftline.profile.quantiles import Sketch

BINS = 10
LEAST_SHARE = 1e-4
"""Shares are not taken below this in measures that take logarithms: an empty bin must not make them infinite."""


def decile_shares(baseline: Sketch, current: Sketch) -> tuple[Floats, Floats]:
    """Shares of both in the bins between the baseline's deciles, upper bounds included.

    >>> one = Sketch.from_levels([[1.0, 2.0, 3.0, 4.0]])
    >>> decile_shares(one, one)[0].tolist()
    [0.25, 0.25, 0.25, 0.25, 0.0]
    """
    edges = np.unique(baseline.quantile(np.arange(1, BINS) / BINS))
    found = []
    for sketch in (baseline, current):
        below = np.concatenate(([0], sketch.rank(edges), [sketch.count]))
        found.append(np.diff(below) / max(sketch.count, 1))
    return found[0], found[1]


def category_shares(baseline: Mapping[str, int], current: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Shares of the categories of either side.

    >>> [shares.tolist() for shares in category_shares({"a": 1, "b": 1}, {"a": 3, "c": 1})]
    [[0.5, 0.5, 0.0], [0.75, 0.0, 0.25]]
    """
    names = dict.fromkeys([*baseline, *current])
    found = []
    for counts in (baseline, current):
        total = sum(counts.values())
        found.append(np.array([counts.get(name, 0) for name in names], dtype=np.float64) / max(total, 1))
    return found[0], found[1]


def correction(baseline_count: int, current_count: int) -> float:
    """What the robust comparison subtracts: `1.8 * sqrt((n + m) / (n * m))`.

    >>> round(correction(1000, 1000), 4)
    0.0805
    """
    return 1.8 * sqrt((baseline_count + current_count) / (baseline_count * current_count))


def robust(distance: float, baseline_count: int, current_count: int) -> float:
    """SageMaker's `Robust` comparison: the distance less what small samples differ by chance, at least 0.

    >>> robust(0.55, 2000, 500)
    0.46
    """
    return max(0.0, distance - correction(baseline_count, current_count))


def chi_squared(baseline: Mapping[str, int], current: Mapping[str, int]) -> tuple[float, float]:
    """Statistic and p-value of Pearson's chi-squared test of the current counts against the baseline's shares.

    Expected counts are the baseline's shares of all current values. Values that the baseline never had form a group
    with nothing expected. While fewer than two expected counts are at least 10 (two groups), or more than a fifth of
    them are below 5 or one is below 1 (more groups), the two smallest groups are joined. NaN with fewer than two
    groups. Degrees of freedom: groups less one.

    Deequ, on which SageMaker stands, ignores values that the baseline never had, so a category that takes over goes
    unseen; here it counts. Otherwise the grouping is the same for any number of categories.

    Source: Pearson 1900; Cochran, "Some Methods for Strengthening the Common Chi-Squared Tests", Biometrics 1954.

    >>> statistic, p_value = chi_squared({"a": 50, "b": 50}, {"a": 60, "b": 40})
    >>> statistic, round(p_value, 4)
    (4.0, 0.0455)
    """
    shares, _ = category_shares(baseline, current)
    total = sum(current.values())
    names = dict.fromkeys([*baseline, *current])
    groups = sorted((share * total, current.get(name, 0)) for name, share in zip(names, shares.tolist(), strict=True))
    while len(groups) > 1 and not _is_sound([expected for expected, _ in groups]):
        (least, seen), (second, also) = groups[:2]
        groups = sorted([(least + second, seen + also), *groups[2:]])
    if len(groups) < 2 or not total:
        return nan, nan
    statistic = sum((observed - expected) ** 2 / expected for expected, observed in groups)
    return statistic, upper_tail(statistic, len(groups) - 1)


def _is_sound(expected: list[float]) -> bool:
    """Cochran's rule, as Deequ has it; the numbers ascend."""
    if len(expected) == 2:
        return expected[0] >= 10
    return expected[0] >= 1 and sum(count < 5 for count in expected) <= 0.2 * len(expected)


@metric(
    "linf",
    "L-infinity distance",
    takes="shares",
    span="0 to 1",
    normal="below 0.1",
    source="Deequ `Distance.categoricalDistance` (awslabs/deequ, Apache-2.0)",
)
def l_infinity(baseline: Floats, current: Floats) -> float:
    """The largest difference of a share: `max |p_i - q_i|`. 0 for equal distributions, 1 for disjoint ones.

    >>> l_infinity(np.array([0.5, 0.5]), np.array([0.8, 0.2]))
    0.3
    """
    return round(float(np.max(np.abs(baseline - current), initial=0.0)), 15)


@metric(
    "ks",
    "Kolmogorov–Smirnov distance",
    takes="sketches",
    span="0 to 1",
    normal="below 0.1",
    source="Smirnov 1939; the same as SageMaker's `Simple` numeric comparison",
)
def kolmogorov_smirnov(baseline: Sketch, current: Sketch) -> float:
    """The largest difference of the empirical distribution functions: `sup |F(x) - G(x)|`. 0 equal, 1 disjoint.

    NaN where either has no values.

    >>> kolmogorov_smirnov(Sketch.from_levels([[1.0, 2.0]]), Sketch.from_levels([[2.0, 3.0]]))
    0.5
    """
    if not baseline.count or not current.count:
        return nan
    points = np.concatenate((baseline.points()[0], current.points()[0]))
    return float(np.max(np.abs(baseline.rank(points) / baseline.count - current.rank(points) / current.count)))


@metric(
    "wasserstein",
    "Wasserstein distance",
    takes="sketches",
    span="0 to infinity, in units of the column",
    normal="small against the column's standard deviation",
    source="Vallender, Theory of Probability and its Applications 18 (1974), eq. 1",
)
def wasserstein(baseline: Sketch, current: Sketch) -> float:
    """The area between the distribution functions: `integral |F(x) - G(x)| dx`, the mean way a value has to move.

    NaN where either has no values.

    >>> wasserstein(Sketch.from_levels([[1.0, 2.0]]), Sketch.from_levels([[2.0, 3.0]]))
    1.0
    """
    if not baseline.count or not current.count:
        return nan
    points = np.unique(np.concatenate((baseline.points()[0], current.points()[0])))
    apart = np.abs(baseline.rank(points[:-1]) / baseline.count - current.rank(points[:-1]) / current.count)
    return float(np.add.reduce(apart * np.diff(points)))


@metric(
    "wasserstein_normed",
    "Wasserstein distance in standard deviations",
    takes="sketches",
    span="0 to infinity",
    normal="below 0.1",
    source="as `wasserstein`, divided by the standard deviation of the baseline",
)
def wasserstein_normed(baseline: Sketch, current: Sketch) -> float:
    """`wasserstein / std_dev(baseline)`, so that columns of any unit compare.

    NaN for a baseline that is constant or whose variance overflows.

    >>> wasserstein_normed(Sketch.from_levels([[1.0, 3.0]]), Sketch.from_levels([[2.0, 4.0]]))
    1.0
    """
    values, weights = baseline.points()
    if not len(values):
        return nan
    spread = sqrt(float(np.average((values - np.average(values, weights=weights)) ** 2, weights=weights)))
    return wasserstein(baseline, current) / spread if 0 < spread < inf else nan


@metric(
    "psi",
    "Population stability index",
    takes="shares",
    span="0 to infinity",
    normal="below 0.1; above 0.25 is a shift",
    source="Siddiqi, Credit Risk Scorecards (2006), ch. 8",
)
def population_stability(baseline: Floats, current: Floats) -> float:
    """`sum (q_i - p_i) * ln(q_i / p_i)` over baseline shares p and current shares q, none taken below 0.0001.

    >>> round(population_stability(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 6)
    0.415888
    """
    p, q = np.maximum(baseline, LEAST_SHARE), np.maximum(current, LEAST_SHARE)
    return float(np.add.reduce((q - p) * np.log(q / p)))


@metric(
    "jensen_shannon",
    "Jensen–Shannon distance",
    takes="shares",
    span="0 to 1",
    normal="below 0.1",
    source="Endres, Schindelin, IEEE Transactions on Information Theory 49 (2003), base 2",
)
def jensen_shannon(baseline: Floats, current: Floats) -> float:
    """`sqrt((KL(p || m) + KL(q || m)) / 2)` with `m = (p + q) / 2` and logarithms to base 2. 1 for disjoint shares.

    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    middle = (baseline + current) / 2
    apart = (_divergence(baseline, middle) + _divergence(current, middle)) / 2
    return sqrt(max(apart / log(2), 0.0))


@metric(
    "kullback_leibler",
    "Kullback–Leibler divergence",
    takes="shares",
    span="0 to infinity, in nats",
    normal="below 0.1",
    source="Kullback, Leibler, Annals of Mathematical Statistics 22 (1951)",
)
def kullback_leibler(baseline: Floats, current: Floats) -> float:
    """`sum q_i * ln(q_i / p_i)`: current shares q as told by baseline shares p, no p taken below 0.0001.

    >>> round(kullback_leibler(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 6)
    0.192745
    """
    return _divergence(current, np.maximum(baseline, LEAST_SHARE))


@metric(
    "hellinger",
    "Hellinger distance",
    takes="shares",
    span="0 to 1",
    normal="below 0.1",
    source="Hellinger, Journal für die reine und angewandte Mathematik 136 (1909)",
)
def hellinger(baseline: Floats, current: Floats) -> float:
    """`sqrt(sum (sqrt(p_i) - sqrt(q_i))**2 / 2)`. 0 for equal shares, 1 for disjoint ones.

    >>> hellinger(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    return min(1.0, sqrt(float(np.add.reduce((np.sqrt(baseline) - np.sqrt(current)) ** 2)) / 2))


def _divergence(p: Floats, q: Floats) -> float:
    """`sum p_i * ln(p_i / q_i)` over the groups that p has."""
    has = p > 0
    return float(np.add.reduce(p[has] * np.log(p[has] / q[has])))
