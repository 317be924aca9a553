"""Integers that a 64-bit float cannot hold: read in every format, rounded to the nearest one, and never a crash."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import driftline

LARGE = 2**53
COLUMNS: dict[str, tuple[list[int | float], str]] = {
    "integers": ([LARGE + 1, LARGE + 3, LARGE + 5], "Integral"),
    "with a fraction": ([LARGE + 1, LARGE + 3, 0.5], "Fractional"),
    "beyond 64 bits": ([10**25 + 1, 2**64 + 3, 7], "Integral"),
    "beyond 64 bits with a fraction": ([10**25 + 1, -(2**64) - 3, 0.5], "Fractional"),
}


def _captured(value: Any) -> str:
    side = {"observedContentType": "application/json", "encoding": "JSON"}
    sides = {"endpointInput": {**side, "data": json.dumps({"x": value})}, "endpointOutput": {**side, "data": '{"y":1}'}}
    return json.dumps({"captureData": sides, "eventMetadata": {"eventId": str(value)}})


@pytest.mark.parametrize("values", COLUMNS)
@pytest.mark.parametrize("written", ["csv", "jsonl", "json", "capture", "capture, one by one"])
def test_integers_in_text_are_the_nearest_floats(tmp_path: Path, values: str, written: str) -> None:
    """Minimum, maximum and sum are what 64-bit floats give; the kind is that of the text as it was written."""
    numbers, kind = COLUMNS[values]
    path = tmp_path / f"a.{'jsonl' if 'capture' in written else written}"
    lines = {
        "csv": ["x", *map(str, numbers)],
        "json": [json.dumps([{"x": each} for each in numbers])],
        "jsonl": [json.dumps({"x": each}) for each in numbers],
    }
    path.write_text("\n".join(lines.get(written) or map(_captured, numbers)) + "\n")
    settings = {"exact": True} if "one by one" in written else {}
    found = driftline.profile(path, read_options=settings).column("x")
    assert found.kinds.inferred == kind
    floats = [float(each) for each in numbers]
    assert (found.moments.minimum, found.moments.maximum) == (min(floats), max(floats))
    assert found.moments.sum == pytest.approx(sum(floats), rel=1e-15)
    assert found.moments.count == 3


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.decimal128(38, 0)])
def test_integers_in_columns_are_the_nearest_floats(tmp_path: Path, kind: pa.DataType) -> None:
    """The same of typed columns; integers up to 2**53 are exact, and beyond those that round alike are one value."""
    path = tmp_path / "a.parquet"
    most = 2**63 - 1
    numbers = [LARGE - 1, LARGE, LARGE + 1, most]
    values = [Decimal(each) for each in numbers] if pa.types.is_decimal(kind) else numbers
    pq.write_table(pa.table({"x": pa.array(values, kind)}), path)
    found = driftline.profile(path).column("x")
    assert found.kinds.inferred == "Integral"
    assert (found.moments.minimum, found.moments.maximum) == (LARGE - 1, float(most))
    assert found.moments.sum == pytest.approx(float(sum(numbers)), rel=1e-15)
    assert found.distinct == 3


def test_integers_beyond_any_float_are_infinite(tmp_path: Path) -> None:
    """Counted as infinite, and left out of the moments."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"x": each}) + "\n" for each in (1, 10**400, -(10**400), 2.5)))
    found = driftline.profile(path).column("x")
    assert (found.present, found.moments.count, found.moments.infinite) == (4, 2, 2)
    assert found.moments.maximum == 2.5
