"""From violations to rows, check by check, on rows in memory."""

from __future__ import annotations

from math import inf
from typing import Any

import pyarrow as pa
import pytest

import driftline
from driftline.baselines import Baseline
from driftline.errors import Invalid, NotFound
from driftline.modelmonitors.conditions import InGroup, Labelled, Wrong
from driftline.modelmonitors.moved import moved
from driftline.modelmonitors.selection import Selection, rows_of
from driftline.modelmonitors.thresholds import adjusted
from driftline.monitors.bias import Bias
from driftline.monitors.constraints import Constraints
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.facets import Facet
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.verdict import Violation
from driftline.profile import Profile

BEFORE = pa.table({"age": list(range(20, 70)) * 4, "city": ["Rome", "Oslo"] * 100, "paid": [1, 0] * 100})


def data_quality(rows: pa.Table, subject: str, check: str, group: int | None = None) -> tuple[Selection, list[Any]]:
    """The selection for a violation of such rows, and the subject's values in the rows that it selects."""
    baseline = driftline.baseline(BEFORE)
    current = driftline.profile(rows)
    found = rows_of(Violation(subject, check, 0.5, 1.0, "said."), DataQuality(), baseline, current, group)
    if found.condition is None:
        return found, []
    [batch] = rows.combine_chunks().to_batches()
    return found, batch.filter(pa.array(found.condition.mask(batch)))[subject].to_pylist()


def test_missing_values() -> None:
    rows = pa.table({"age": [30, None, 40], "city": ["Rome"] * 3, "paid": [1, 1, 0]})
    assert data_quality(rows, "age", "completeness_check")[1] == [None]


def test_values_of_another_type() -> None:
    rows = pa.table({"age": [30.5, 31.0, None], "city": ["Rome"] * 3, "paid": [1, 1, 0]})
    found, values = data_quality(rows, "age", "data_type_check")
    assert values == [30.5]
    assert "rejected rows" in found.said


def test_values_outside_the_domain_and_below_zero() -> None:
    rows = pa.table({"age": [-1, 2, 3], "city": ["Rome", "Lima", None], "paid": [1, 1, 0]})
    assert data_quality(rows, "city", "categorical_values_check")[1] == ["Lima"]
    assert data_quality(rows, "age", "non_negative_check")[1] == [-1]


def test_the_bin_that_grew_most_or_another() -> None:
    rows = pa.table({"age": [68] * 30 + [21] * 10, "city": ["Rome"] * 40, "paid": [1, 0] * 20})
    found, values = data_quality(rows, "age", "baseline_drift_check")
    assert set(values) == {68}
    assert (
        sum(each.now for each in moved(driftline.profile(BEFORE).column("age"), driftline.profile(rows).column("age")))
        == 1
    )
    place = next(at for at, each in enumerate(found.groups) if each.high < 30)
    assert set(data_quality(rows, "age", "baseline_drift_check", place)[1]) == {21}
    with pytest.raises(NotFound, match="those from 0 to"):
        data_quality(rows, "age", "baseline_drift_check", 99)


def test_the_category_that_grew_most() -> None:
    rows = pa.table({"age": [30] * 4, "city": ["Lima", "Lima", "Rome", "Oslo"], "paid": [1, 0] * 2})
    found, values = data_quality(rows, "city", "baseline_drift_check")
    assert values == ["Lima", "Lima"]
    assert found.groups[0].to_dict() == {
        "label": "Lima", "before": 0.0, "now": 0.5, "value": "Lima", "low": None, "high": None, "change": 0.5,
    }  # fmt: skip


def test_missing_columns_have_no_rows() -> None:
    rows = pa.table({"age": [30], "city": ["Rome"]})
    found, _ = data_quality(rows, "Missing columns", "missing_column_check")
    assert found.condition is None
    assert "columns of the table differ" in found.said


BATCH = pa.record_batch({"guess": [1, 1, 0, 0, 1], "ground_truth": ["1", "0", "1", None, "1"], "sex": [0, 1, 0, 1, 1]})


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", [False, True, True, False, False]),
        ("recall", [False, False, True, False, False]),
        ("precision", [False, True, False, False, False]),
    ],
)
def test_rows_that_were_wrong(metric: str, expected: list[bool]) -> None:
    monitor = ModelQuality("BinaryClassification", "ground_truth", "guess")
    broken = Violation(metric, "LessThanThreshold", 0.5, 0.9, "")
    found = rows_of(broken, monitor, Baseline(None, monitor=monitor), Profile())
    assert isinstance(found.condition, Wrong)
    assert found.condition.mask(BATCH).tolist() == expected


def test_the_farthest_rows_of_a_regression() -> None:
    monitor = ModelQuality("Regression", "ground_truth", "guess")
    broken = Violation("mae", "GreaterThanThreshold", 0.5, 0.1, "")
    found = rows_of(broken, monitor, Baseline(None, monitor=monitor), Profile())
    assert isinstance(found.condition, Labelled)
    assert found.condition.weights(BATCH)[:3].tolist() == [0.0, 1.0, 1.0]
    assert found.condition.mask(BATCH).tolist() == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("facet", "value", "rows"),
    [(Facet.of("sex", 0), "0", [0, 2]), (Facet.of("sex"), "1", [1, 3, 4]), (Facet.of("guess", 0), "(0, 1]", [0, 1, 4])],
)
def test_rows_of_a_group(facet: Facet, value: str, rows: list[int]) -> None:
    monitor = Bias((facet,), ground_truth_attribute="ground_truth", inference_attribute="guess")
    broken = Violation(f"{facet.name} = {value}: DPL", "bias_drift_check", 0.5, 0.1, "")
    found = rows_of(broken, monitor, Baseline(None, monitor=monitor), Profile())
    assert isinstance(found.condition, InGroup)
    assert found.condition.mask(BATCH).nonzero()[0].tolist() == rows


def test_thresholds_take_the_place_of_suggested_ones() -> None:
    suggested = driftline.baseline(BEFORE).constraints
    assert isinstance(suggested, Constraints)
    own = adjusted(suggested, {"comparison_threshold": 0.3, "age": {"comparison_threshold": 0.5}})
    assert own.config.comparison_threshold == 0.3
    assert own.effective(own.columns[0]).comparison_threshold == 0.5
    assert own.effective(own.columns[1]).comparison_threshold == 0.3
    for wrong in (
        {"comparison": 1},
        {"comparison_threshold": "x"},
        {"aeg": {"comparison_threshold": 1}},
        {"age": {"threshold": 1}},
    ):
        with pytest.raises(Invalid):
            adjusted(suggested, wrong)


def test_open_bins_have_no_bound() -> None:
    told = driftline.profile(BEFORE).column("age")
    other = driftline.profile(pa.table({"age": [69, 69]})).column("age")
    ends = [(each.low, each.high) for each in moved(told, other)]
    assert any(low == -inf for low, _ in ends)
    assert any(high == inf for _, high in ends)
