"""What the row of a run says of its columns."""

from __future__ import annotations

import pyarrow as pa

import driftline
from driftline.modelmonitors.written import figures


def test_columns_of_numbers_have_their_range() -> None:
    """AL-12: for rules about the values of a column; texts and columns without values have none."""
    rows = {"age": [18, 40, None, 62], "name": ["a", "b", "c", "d"], "empty": pa.array([None] * 4, pa.float64())}
    table = pa.table(rows)
    report = driftline.check(table, driftline.baseline(table))
    assert figures(report)["ranges"] == {"age": [18.0, 40.0, 62.0]}


def test_of_many_columns_the_figures_of_those_that_broke_something_are_kept() -> None:
    """ME-05: so that the worst features are told of, and how many are not."""
    names = [f"feature_{at:03}" for at in range(300)]
    table = pa.table({name: [float(each) for each in range(20)] for name in names})
    moved = table.set_column(299, names[-1], pa.array([None] * 19 + [900.0], pa.float64()))
    found = figures(driftline.check(moved, driftline.baseline(table)))
    assert found["columns"] == 300
    assert len(found["figures"]) <= 400
    assert "feature_299" in {each["subject"] for each in found["broken"]}
    assert "feature_299" in {each["subject"] for each in found["figures"]}


def test_then_those_that_are_nearest_to_their_limits() -> None:
    """AL-12: a rule that is stricter than the monitor hears of the worst, wherever they stand."""
    names = [f"feature_{at:03}" for at in range(300)]
    table = pa.table({name: [float(each) for each in range(1000)] for name in names})
    moved = table.set_column(299, names[-1], pa.array([float(each) + 150 for each in range(1000)]))
    report = driftline.check(moved, driftline.baseline(table))
    assert "feature_299" not in {each.subject for each in report.violations}
    assert "feature_299" in {each["subject"] for each in figures(report)["figures"]}
