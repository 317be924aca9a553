"""The same rows conform alike in whatever format they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from driftline.formats.format import ReadOptions
from driftline.formats.formats import FORMATS
from driftline.schemas.columns import Columns
from driftline.schemas.conform import conform
from driftline.schemas.faults import Faults
from driftline.schemas.inferred import infer, type_of
from driftline.schemas.mapped import resolve
from driftline.schemas.rules import Intake

ROWS = 3_000
COLUMNS = Columns(
    id="id",
    timestamp="timestamp",
    lists={"prediction": ("prediction",), "score": ("probability",), "actual": ("repaid",), "tag": ("period",)},
    exclude=("labelled_at",),
)
INTAKE = Intake(datetime(2020, 1, 1, tzinfo=UTC), "file")


def loans() -> pa.Table:
    with files("driftline.data").joinpath("car_loan.parquet").open("rb") as stream:
        return pa.parquet.read_table(stream).slice(0, ROWS)


def as_lines(table: pa.Table, path: Path) -> None:
    rows = [json.dumps(row, default=str) for row in table.to_pylist()]
    path.write_text("\n".join(rows), encoding="utf-8")


def as_avro(table: pa.Table, path: Path) -> None:
    kinds: dict[str, Any] = {"int64": "long", "double": "double", "bool": "boolean", "string": "string"}
    time = {"type": "long", "logicalType": "timestamp-millis"}
    members = [{"name": field.name, "type": ["null", kinds.get(str(field.type), time)]} for field in table.schema]
    rows = [
        {name: each.replace(tzinfo=UTC) if isinstance(each, datetime) else each for name, each in row.items()}
        for row in table.to_pylist()
    ]
    with path.open("wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "loan", "fields": members}, rows)


WRITE: dict[str, Callable[[pa.Table, Path], None]] = {
    "parquet": pa.parquet.write_table,
    "csv": pa.csv.write_csv,
    "arrow": pa.feather.write_feather,
    "jsonlines": as_lines,
    "avro": as_avro,
}


def batches(format: str, path: Path) -> list[pa.RecordBatch]:
    def opened(uri: str) -> BinaryIO:
        return Path(uri).open("rb")

    options = ReadOptions()
    parts = FORMATS[format].split(str(path), path.stat().st_size, opened, options)
    items = [item for part in parts for item in FORMATS[format].read(part, opened, options)]
    found = [item for item in items if isinstance(item, pa.RecordBatch)]
    assert len(found) == len(items)
    return found


@pytest.mark.parametrize("format", WRITE)
def test_rows_conform_alike(format: str, tmp_path: Path) -> None:
    """F-01, F-02, F-05, C-01: ids, times and values of the car loans are the same from every format."""
    table = loans()
    schema = infer(COLUMNS, table.slice(0, 1_000))
    path = tmp_path / f"loans.{format}"
    WRITE[format](table, path)
    first_row, faults, early, late = 1, Faults(), [], []
    for batch in batches(format, path):
        mapped = resolve(COLUMNS, schema, batch.schema, content="both")
        assert (mapped.faults, mapped.warnings) == ((), ())
        found = conform(batch, mapped, INTAKE, first_row)
        assert found.early is not None and found.late is not None
        first_row, faults = first_row + batch.num_rows, faults.merge(found.faults)
        early.append(found.early)
        late.append(found.late)
    assert faults.count == 0
    rows, truths = pa.Table.from_batches(early).combine_chunks(), pa.Table.from_batches(late).combine_chunks()
    assert rows.num_rows == truths.num_rows == ROWS
    assert rows["_id"].to_pylist() == [str(each) for each in table["id"].to_pylist()]
    assert rows["_row"].to_pylist() == list(range(1, ROWS + 1))
    times = [each.replace(tzinfo=UTC) for each in table["timestamp"].to_pylist()]
    assert rows["_time"].to_pylist() == times
    for field in schema.early:
        assert rows[field.name].to_pylist() == table[field.name].to_pylist()
    assert truths["repaid"].to_pylist() == table["repaid"].to_pylist()


@pytest.mark.parametrize("format", WRITE)
def test_schemas_are_inferred_alike(format: str, tmp_path: Path) -> None:
    """D-05: but for whole numbers, which text does not tell."""
    table = loans()
    path = tmp_path / f"loans.{format}"
    WRITE[format](table, path)
    sample = pa.Table.from_batches(batches(format, path)[:1]).slice(0, 1_000)
    found, wanted = infer(COLUMNS, sample), infer(COLUMNS, table)
    assert [(each.name, each.role, each.kind) for each in found] == [
        (each.name, each.role, each.kind) for each in wanted
    ]
    assert type_of(found, sample, COLUMNS) is type_of(wanted, table, COLUMNS)
