"""The shape of a column: common bins, outliers, constants, infinities, odd columns; none breaks a page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.pages.bins import bins_of
from driftline.pages.shapes import Shape, shape_of
from driftline.profile import Column, Profile
from driftline.profile.analyzer import Analyzer
from driftline.profile.count import Count, CountState
from driftline.profile.frequent import Frequent, FrequentState
from driftline.profile.kinds import KindCounts, Kinds
from driftline.schema import Field, Form

INF, NAN = float("inf"), float("nan")


def column(values: object, kind: pa.DataType | None = None) -> Column:
    return Profile.of(pa.table({"x": pa.array(values, kind)})).column("x")


def shape(before: object, now: object) -> Shape:
    return shape_of(column(before), column(now))


def test_both_sides_share_their_bins_and_sum_to_one() -> None:
    found = shape([0.5, 1.5, 2.5], [2.5, 9.5])
    assert found.baseline is not None and found.current is not None
    assert len(found.baseline) == len(found.current) == len(found.labels)
    assert sum(found.baseline) == pytest.approx(1) and sum(found.current) == pytest.approx(1)


def test_whole_numbers_get_a_bin_each_and_no_gaps() -> None:
    found = shape([1, 2, 2, 3], [3, 4, 5])
    assert found.labels == ("1", "2", "3", "4", "5")
    assert found.baseline == (0.25, 0.5, 0.25, 0, 0)
    assert found.ends == ("1", "5")


def test_bins_of_many_whole_numbers_hold_equally_many() -> None:
    found = shape(list(range(100)), list(range(100)))
    assert found.labels[0] == "0 – 3" and found.ends == ("0", "99")
    assert found.baseline == (0.04,) * 25


def test_outliers_are_left_out_and_told() -> None:
    values = [*np.linspace(0, 1, 999).tolist(), 1e9]
    found = shape(values, values)
    assert found.ends is not None and float(found.ends[1]) <= 1
    assert "above this range" in found.remark


def test_a_shift_is_not_taken_for_an_outlier() -> None:
    found = shape([0.25, 0.5] * 500, [1000.25, 1000.5] * 500)
    assert found.current is not None and sum(found.current) == pytest.approx(1) and "not drawn" not in found.remark


@pytest.mark.parametrize("value", [0.0, 0.3, -1e300, 1e300, 5, 1e-300, -7.25])
def test_constants(value: float) -> None:
    found = shape([value] * 3, [value] * 3)
    assert found.current is not None and sum(found.current) == pytest.approx(1)


def test_infinities_and_nan_are_told_and_not_drawn() -> None:
    found = shape([1.5, 2.5, INF, -INF, NAN, None], [1.5, NAN])
    assert "2 infinite values not drawn" in found.remark
    assert found.baseline is not None and sum(found.baseline) == pytest.approx(1)


@pytest.mark.parametrize("values", [[None, None], [NAN, NAN], []])
def test_nothing_there(values: list[float | None]) -> None:
    empty = column(values, pa.float64())
    assert shape_of(empty, empty).reason == "There are no values."
    found = shape_of(empty, column([1.5, 2.5]))
    assert found.baseline is None and found.current is not None


def test_only_infinities() -> None:
    found = shape([INF, INF], [-INF])
    assert not found.labels and found.reason


def test_the_widest_range_of_all() -> None:
    assert "too far apart" in shape([-1.7e308, 1.7e308], [0.0]).reason


def test_one_side_alone() -> None:
    assert shape_of(None, column([1.5, 2.5])).baseline is None
    assert shape_of(column([1.5, 2.5]), None).current is None
    assert shape_of(None, None).reason


def test_categories_by_their_largest_share_and_the_rest_together() -> None:
    found = shape([*"abcdefghij" * 3, *"a" * 20], [*"jihg" * 5])
    assert found.labels[:2] == ("a", "g") and found.labels[-1] == "others" and found.pooled
    assert found.baseline is not None and sum(found.baseline) == pytest.approx(1)
    assert not found.is_histogram


def test_texts_that_never_repeat() -> None:
    found = shape([f"name {i}" for i in range(3000)], [f"other {i}" for i in range(3000)])
    assert "different" in found.reason


def test_numbers_that_became_texts() -> None:
    found = shape([1, 2, 3, 4], ["1", "2", "3", "many"])
    assert found.is_histogram and "texts that are no numbers" in found.remark


def test_times_have_dates_at_their_ends() -> None:
    found = shape([datetime(2026, 1, 1), datetime(2026, 3, 1)], [datetime(2026, 2, 1)])
    assert found.ends == ("2026-01-01", "2026-03-01")


def test_lists_booleans_and_vectors() -> None:
    assert shape([["a", "b"], ["a"]], [["a"]]).labels[0] == "a"
    assert set(shape([True, False], [True]).labels) == {"true", "false"}
    vectors = column([[1.0, 2.0], [2.0, 3.0]], pa.list_(pa.float32(), 2))
    assert "Vector columns" in shape_of(vectors, vectors).reason


def test_numbers_over_many_decades_get_a_logarithmic_axis() -> None:
    values = np.random.default_rng(3).lognormal(0, 3, 2000).tolist()
    found = shape(values, values)
    assert "logarithmic axis" in found.remark
    assert found.baseline is not None and max(found.baseline) < 0.2


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_not_left_out_is_drawn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = [column((rng.standard_cauchy(500) * 10.0 ** rng.integers(-9, 9)).tolist()) for _ in range(2)]
    bins = bins_of([side.sketch for side in sides], 30)
    assert bins is not None and list(bins.edges) == sorted(set(bins.edges))
    for side in sides:
        assert sum(bins.shares(side.sketch)) + sum(bins.beyond(side.sketch)) == pytest.approx(1)


def test_values_that_a_document_does_not_hold_are_not_taken_for_none() -> None:
    field = Field("x", Form.TEXT)
    states: dict[Analyzer[Any], Any] = {
        Count("x"): CountState(present=9),
        Kinds("x"): KindCounts(string=9),
        Frequent("x"): FrequentState(error=1),
    }
    before = Profile.from_states(9, [field], states).column("x")
    found = shape_of(before, column(["a", "a", "b"]))
    assert found.baseline is None and found.current is not None
