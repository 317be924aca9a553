"""Spark's own answers to expressions on rows that are hard for them, value by value (F-03)."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pyarrow as pa
import pytest
from spark_rows import ANSWERS, EXPRESSIONS, ROWS, plain

from driftline.formats.format import ReadOptions
from driftline.formats.sql.functions import FUNCTIONS
from driftline.formats.sql.special import SPECIAL
from driftline.formats.transform import transform

PAIR = pa.struct([("x", pa.int32()), ("y", pa.string())])
SCHEMA = pa.schema(
    {
        "s": pa.string(), "t": pa.string(), "i": pa.int32(), "l": pa.int64(), "d": pa.float64(), "b": pa.bool_(),
        "dt": pa.date32(), "ts": pa.timestamp("us"), "arr": pa.list_(pa.int32()), "words": pa.list_(pa.string()),
        "st": PAIR, "sts": pa.list_(PAIR), "m": pa.map_(pa.string(), pa.int32()), "j": pa.string(),
        "dec": pa.decimal128(10, 2),
    }
)  # fmt: skip

SPARK: dict[str, dict[str, Any]] = json.loads(ANSWERS.read_text(encoding="utf-8"))

OVERFLOWING = {"i + 1", "round(i, -1)", "transform(arr, x -> x + i)"}
"""Spark wraps a number that is too large around to a negative one; here it is null, as is said in the reference."""


def hard_batch() -> pa.RecordBatch:
    """The hard rows in Arrow."""
    rows = [{**row, "m": None if row["m"] is None else list(row["m"].items())} for row in ROWS]
    return pa.RecordBatch.from_pylist(rows, SCHEMA)


def answer(expression: str) -> pa.RecordBatch:
    """What comes of the hard rows."""
    (result,) = transform([hard_batch()], ReadOptions(select=(expression,)))
    assert isinstance(result, pa.RecordBatch)
    return result


def same(mine: Any, spark: Any) -> bool:
    """Equal, numbers to 12 digits whatever their type; decimals by their value."""
    if isinstance(mine, dict) and set(mine) == {"decimal"}:
        mine = float(mine["decimal"])
    if isinstance(spark, dict) and set(spark) == {"decimal"}:
        spark = float(spark["decimal"])
    if isinstance(mine, bool) or isinstance(spark, bool):
        return mine is spark
    if isinstance(mine, int | float) and isinstance(spark, int | float):
        return mine == spark or math.isclose(mine, spark, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(mine, list) and isinstance(spark, list):
        return len(mine) == len(spark) and all(map(same, mine, spark))
    if isinstance(mine, dict) and isinstance(spark, dict):
        return list(mine) == list(spark) and all(same(mine[key], spark[key]) for key in mine)
    return type(mine) is type(spark) and bool(mine == spark)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_f03_every_expression_gives_spark_s_answer_on_hard_rows(expression: str) -> None:
    column = answer(expression).column(0)
    mine = [plain(value) for value in column.to_pylist(maps_as_pydicts="strict")]
    spark = SPARK[expression]["values"]
    assert len(mine) == len(spark)
    wrong = [
        (place, got, want) for place, (got, want) in enumerate(zip(mine, spark, strict=True)) if not same(got, want)
    ]
    if expression in OVERFLOWING:
        wrong = [(place, got, want) for place, got, want in wrong if got is not None]
    assert not wrong


NAMED = [
    "s", "st.y AS deep", "cast(s as int)", "i + 1", "upper(s)", "i is not null", "case when b then i else s end",
    "m['k']", "s in ('41', 'abc')", "sts[0].y", "-s", "sqrt(d)", "date(s)", "substring(s, 2, 2)", "trim(t)", "l & 6",
]  # fmt: skip


@pytest.mark.parametrize("expression", NAMED)
def test_f03_a_column_without_a_name_is_called_as_spark_calls_it(expression: str) -> None:
    assert answer(expression).schema.names == [SPARK[expression]["name"]]


def test_every_function_of_the_tables_is_asked_of_spark() -> None:
    asked = " ".join(EXPRESSIONS)
    assert [name for name in {**FUNCTIONS, **SPECIAL} if not re.search(rf"\b{name}\(", asked)] == []
