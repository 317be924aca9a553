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
