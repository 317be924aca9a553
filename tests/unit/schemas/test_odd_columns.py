"""No type of column is too odd for a file: its values are taken, or they are told, and nothing else breaks."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from driftline.schemas.columns import Columns
from driftline.schemas.conform import Conformed, conform
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.schemas.inferred import infer
from driftline.schemas.kinds import arrow_type
from driftline.schemas.limits import faults_of
from driftline.schemas.mapped import resolve
from driftline.schemas.rules import Bounds, Intake

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
DAY = dt.datetime(2026, 1, 1)


def column(value: Any, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array([value, None], kind)


ODD = [
    column(1, pa.uint64()),
    column(-(2**63)),
    column("a", pa.large_string()),
    column("a", pa.string_view()),
    column(b"\xff"),
    column(b"ab", pa.binary(2)),
    column(b"\xff", pa.binary_view()),
    column(b"\xff", pa.large_binary()),
    column(True),
    column(1.5, pa.float16()),
    column(Decimal("1.5"), pa.decimal256(60, 3)),
    column(Decimal("1e30"), pa.decimal128(38, 0)),
    column(dt.date(2026, 1, 1)),
    column(dt.date(2026, 1, 1), pa.date64()),
    column(dt.time(1)),
    column(dt.timedelta(1)),
    column(DAY, pa.timestamp("ns")),
    column(dt.datetime(1, 1, 1), pa.timestamp("s")),
    column(2**62, pa.timestamp("s")),
    column(-(2**62), pa.timestamp("us", "Europe/Berlin")),
    column([1]),
    column([1], pa.large_list(pa.int8())),
    column([1], pa.list_(pa.int8(), 1)),
    column([1], pa.list_view(pa.int8())),
    column([Decimal("1.5")], pa.list_(pa.decimal128(3, 1))),
    column(["a"], pa.list_(pa.string_view())),
    column([b"\xff"], pa.list_(pa.binary())),
    column([[1.0]]),
    column([DAY]),
    column({"x": [1]}),
    column([("a", 1)], pa.map_(pa.string(), pa.int64())),
    column([{"a": "x", "b": 1.0}]),
    column([{"a": 1, "b": 1.0, "c": None}]),
    pa.nulls(2),
    column("a").dictionary_encode(),
    column(1.5).dictionary_encode(),
    column(DAY).dictionary_encode(),
    column("{}", pa.json_()),
    pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.UUID(int=7).bytes, None], pa.binary(16))),
    pc.run_end_encode(column("a")),
]


def conformed(array: pa.Array, schema: ModelSchema, columns: Columns) -> Conformed:
    batch = pa.RecordBatch.from_arrays([array, pa.array(["1", "2"])], ["f", "g"])
    return conform(batch, resolve(columns, schema, batch.schema).sampled(batch), Intake(NOW, "file"))


@pytest.mark.parametrize("array", ODD, ids=lambda array: str(array.type))
def test_every_type_is_met_by_every_kind(array: pa.Array) -> None:
    """R-03, ER-24: whatever the type turns into, tables keep theirs and rows add up."""
    for kind in Kind:
        for role in Role:
            for required in (False, True):
                field = ModelField("f", role, kind, (1,) if kind is Kind.TENSOR else (), required=required)
                if faults_of(ModelSchema((field,)), Bounds(least_dimension=1)):
                    continue
                found = conformed(array, ModelSchema((field,)), Columns())
                rows = found.early if found.early is not None else found.late
                assert found.accepted_count + found.rejected_count == 2
                if rows is not None:
                    rows.validate(full=True)
                    assert rows.schema.field("f").type == arrow_type(field)


@pytest.mark.parametrize("array", ODD, ids=lambda array: str(array.type))
@pytest.mark.parametrize("columns", [Columns(id="f"), Columns(timestamp="f"), Columns(version="f", batch="f")])
def test_every_type_may_be_a_rows_own_column(array: pa.Array, columns: Columns) -> None:
    """R-01, R-02: ids and times of any type are taken or refused row by row."""
    found = conformed(array, ModelSchema((ModelField("g", Role.PREDICTION, Kind.STRING),)), columns)
    assert found.early is not None
    found.early.validate(full=True)
    assert found.accepted_count + found.rejected_count == 2
    if columns.id and not pa.types.is_struct(array.type):  # members of structs are columns of their own
        assert found.accepted.to_pylist()[1] is False


@pytest.mark.parametrize("array", ODD, ids=lambda array: str(array.type))
def test_every_type_is_inferred(array: pa.Array) -> None:
    """D-05: and what is inferred takes the values that it was inferred from."""
    schema = infer(Columns(lists={"prediction": ("g",)}), pa.table({"f": array, "g": ["1", "2"]}))
    found = conformed(array, schema, Columns())
    impossible = pa.types.is_timestamp(array.type) and abs(array.cast(pa.int64())[0].as_py()) >= 2**62
    assert (found.rejected_count, found.faults.count) == (0, int(impossible))
