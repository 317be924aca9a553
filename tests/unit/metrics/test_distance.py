"""Every distance against scipy or a formula written out, and the properties it claims (DQ-04, DQ-05)."""

from __future__ import annotations

import warnings
from math import inf, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import gammaincc
from scipy.stats import chisquare, entropy, ks_2samp, wasserstein_distance

from driftline.metrics import distance
from driftline.metrics.chi_squared import upper_tail
from driftline.metrics.metric import METRICS, metric
from driftline.profile.quantiles import Sketch

NUMBERS = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=1, max_size=40)
COUNTS = st.lists(st.integers(0, 50), min_size=2, max_size=8).filter(lambda counts: sum(counts) > 0)
SHARES = [name for name, found in METRICS.items() if found.takes == "shares"]


def sketch(values: object) -> Sketch:
    """A sketch that holds every value."""
    return Sketch.from_levels([np.asarray(values, dtype=np.float64)])


def shares(one: list[int], other: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the same groups."""
    width = max(len(one), len(other))
    padded = [np.array(each + [0] * (width - len(each)), dtype=np.float64) for each in (one, other)]
    return padded[0] / padded[0].sum(), padded[1] / padded[1].sum()


@given(NUMBERS, NUMBERS)
def test_distances_of_numbers_equal_scipy(one: list[float], other: list[float]) -> None:
    """Kolmogorov–Smirnov and Wasserstein, within 1e-9 relative."""
    with warnings.catch_warnings():  # scipy warns of its p-value, which is not asked for
        warnings.simplefilter("ignore")
        oracle = float(ks_2samp(one, other).statistic)
    assert distance.kolmogorov_smirnov(sketch(one), sketch(other)) == pytest.approx(oracle)
    truth = wasserstein_distance(one, other)
    assert distance.wasserstein(sketch(one), sketch(other)) == pytest.approx(truth, rel=1e-9, abs=1e-6)


@given(COUNTS, COUNTS)
def test_distances_of_shares_equal_scipy(one: list[int], other: list[int]) -> None:
    """Jensen–Shannon to base 2; Kullback–Leibler where the baseline has every group; Hellinger written out."""
    p, q = shares(one, other)
    # where both are nearly equal the root of the difference of logarithms leaves half the digits
    assert distance.jensen_shannon(p, q) == pytest.approx(float(jensenshannon(p, q, 2)), abs=1e-7)
    assert distance.hellinger(p, q) == pytest.approx(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2), abs=1e-12)
    if (p > 0).all():
        assert distance.kullback_leibler(p, q) == pytest.approx(float(entropy(q, p)), abs=1e-12)
    floor = distance.LEAST_SHARE
    a, b = np.maximum(p, floor), np.maximum(q, floor)
    assert distance.population_stability(p, q) == pytest.approx(float(((b - a) * np.log(b / a)).sum()))


@given(COUNTS, COUNTS, st.sampled_from(SHARES))
def test_distances_of_shares_keep_their_range(one: list[int], other: list[int], name: str) -> None:
    """None is negative (but for rounding), equal shares are at 0, bounded ones stay below 1."""
    p, q = shares(one, other)
    found = METRICS[name].compute(p, q)
    assert found >= -1e-3 if name == "kullback_leibler" else found >= 0
    assert METRICS[name].compute(p, p) == pytest.approx(0, abs=1e-3)
    if METRICS[name].span == "0 to 1":
        assert found <= 1


@given(st.floats(1e-3, 700), st.integers(1, 400))
def test_upper_tail_equals_scipy(statistic: float, degrees: int) -> None:
    """Within 1e-11 relative where it is not lost to cancellation, 1e-13 absolute elsewhere."""
    truth = float(gammaincc(degrees / 2, statistic / 2))
    assert upper_tail(statistic, degrees) == pytest.approx(truth, rel=1e-10, abs=1e-13)


def test_upper_tail_at_the_ends() -> None:
    """Nothing observed, and infinitely much."""
    assert (upper_tail(0.0, 3), upper_tail(inf, 3)) == (1.0, 0.0)


def test_chi_squared_equals_scipy_without_regrouping() -> None:
    """Any number of categories, all well filled."""
    before = {"a": 400, "b": 300, "c": 200, "d": 100}
    current = {"a": 90, "b": 80, "c": 20, "d": 10}
    statistic, p_value = distance.chi_squared(before, current)
    truth = chisquare([90, 80, 20, 10], [80, 60, 40, 20])
    assert statistic == pytest.approx(truth.statistic)
    assert p_value == pytest.approx(truth.pvalue)


def test_chi_squared_joins_small_groups() -> None:
    """Three groups that expect 2 are joined into one; then scipy says the same."""
    before = {"a": 500, "b": 440, "c": 20, "d": 20, "e": 20}
    current = {"a": 50, "b": 44, "c": 1, "d": 2, "e": 3}
    statistic, _ = distance.chi_squared(before, current)
    assert statistic == pytest.approx(chisquare([50, 44, 6], [50, 44, 6]).statistic)


def test_chi_squared_sees_a_new_category() -> None:
    """A category that takes over counts, though nothing of it was expected."""
    before, current = {"a": 500, "b": 500}, {"a": 250, "b": 250, "new": 500}
    assert distance.chi_squared(before, current)[1] < 1e-6


def test_chi_squared_is_undefined_with_one_group() -> None:
    """One category, or none: NaN."""
    assert all(isnan(value) for counts in ({"a": 5}, {}) for value in distance.chi_squared(counts, counts))


def test_constant_baseline_has_no_standard_deviation() -> None:
    """Undefined is NaN, never 0."""
    assert isnan(distance.wasserstein_normed(sketch([1.0, 1.0]), sketch([2.0])))


def test_every_metric_is_documented_and_named_once() -> None:
    """Registration insists on a docstring and a new name."""
    assert all(found.meaning and found.source and found.span for found in METRICS.values())
    with pytest.raises(TypeError):
        metric("ks", "again", takes="shares", span="", normal="", source="")(lambda p, q: 0.0)


@pytest.mark.parametrize("name", [name for name, found in METRICS.items() if found.takes == "sketches"])
def test_distances_of_nothing_are_undefined(name: str) -> None:
    """No values on either side: NaN."""
    some, none = sketch([1.0, 2.0]), sketch([])
    assert all(isnan(METRICS[name].compute(*pair)) for pair in ((some, none), (none, some), (none, none)))


@given(NUMBERS, NUMBERS)
def test_distances_of_numbers_keep_their_range(one: list[float], other: list[float]) -> None:
    """Symmetric, at 0 for equal values, Kolmogorov–Smirnov at most 1."""
    a, b = sketch(one), sketch(other)
    for compute in (distance.kolmogorov_smirnov, distance.wasserstein):
        assert compute(a, b) == compute(b, a) >= 0
        assert compute(a, a) == 0
    assert distance.kolmogorov_smirnov(a, b) <= 1
