"""The car-loan set as a service would leave it in object storage: hourly predictions, labels fourteen days later."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from io import BytesIO
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

IS_WHOLE = bool(os.environ.get("DRIFTLINE_TEST_WHOLE"))
"""Whether all ten months come, 50,000 rows in 7,266 files, which takes minutes; else two months around the drift."""
_SINCE, _UNTIL = datetime(2019, 3, 1), datetime(2019, 5, 1)
DRIFT = datetime(2019, 3, 31)
"""The day on which the values of four features change."""
_FEATURES = (
    "car_value",
    "salary_range",
    "debt_to_income_ratio",
    "loan_length",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
    "driver_tenure",
)
PREDICTED = ("id", "timestamp", *_FEATURES, "probability", "prediction")
Put = Callable[[str, bytes], object]
"""Takes a key and bytes."""


def loans(period: str) -> pa.Table:
    """The 50,000 rows of a period: `reference` or `analysis`."""
    with (files("driftline") / "data" / "car_loan.parquet").open("rb") as stream:
        table = pq.read_table(BytesIO(stream.read()))
    return table.filter(pc.equal(table["period"], period))


def used() -> pa.Table:
    """The rows of the analysis period that come."""
    table = loans("analysis")
    if IS_WHOLE:
        return table
    since, until = (pa.scalar(each, table["timestamp"].type) for each in (_SINCE, _UNTIL))
    return table.filter(pc.and_(pc.greater_equal(table["timestamp"], since), pc.less(table["timestamp"], until)))


def put_predictions(put: Put, *, prefix: str = "predictions", every: str = "hour") -> int:
    """Write the analysis period's predictions, a file for each hour (or `day`), in four formats; how many files."""
    table = used().select(PREDICTED)
    return _cut(table, "timestamp", every, put, prefix)


def put_labels(put: Put, *, prefix: str = "actuals", every: str = "day") -> int:
    """Write the labels, which came fourteen days after, a file for each day; how many files."""
    table = used().select(["id", "repaid", "labelled_at"])
    return _cut(table, "labelled_at", every, put, prefix)


def put_reference(put: Put, *, prefix: str = "training") -> int:
    """Write the reference period with predictions and labels as one Parquet file."""
    table = loans("reference").select([*PREDICTED, "repaid"])
    put(f"{prefix}/reference.parquet", _parquet(table))
    return int(table.num_rows)


def _cut(table: pa.Table, column: str, every: str, put: Put, prefix: str) -> int:
    hours = pc.floor_temporal(table[column], unit=every)
    formats = list(_WRITERS.items())
    ends = pc.run_end_encode(hours.combine_chunks()).run_ends.to_pylist()
    for place, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        suffix, write = formats[place % len(formats)]
        put(f"{prefix}/{hours[start].as_py():%Y/%m/%d/%H}/part.{suffix}", write(table.slice(start, end - start)))
    return len(ends)


def _parquet(table: pa.Table) -> bytes:
    stream = BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def _csv(table: pa.Table) -> bytes:
    stream = BytesIO()
    pa_csv.write_csv(table, stream)
    return stream.getvalue()


def _jsonl(table: pa.Table) -> bytes:
    return "".join(json.dumps(row, default=_said) + "\n" for row in table.to_pylist()).encode()


def _avro(table: pa.Table) -> bytes:
    stream = BytesIO()
    fields = [{"name": field.name, "type": _avro_type(field.type)} for field in table.schema]
    fastavro.writer(stream, fastavro.parse_schema({"type": "record", "name": "row", "fields": fields}), _utc(table))
    return stream.getvalue()


def _avro_type(kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        return {"type": "long", "logicalType": "timestamp-micros"}
    names = {"int64": "long", "double": "double", "string": "string", "bool": "boolean"}
    return names[str(kind)]


def _utc(table: pa.Table) -> list[dict[str, Any]]:
    columns = [
        table[field.name].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        if pa.types.is_timestamp(field.type)
        else table[field.name]
        for field in table.schema
    ]
    rows: list[dict[str, Any]] = pa.table(columns, table.schema.names).to_pylist()
    return rows


def _said(value: object) -> str:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else str(value)


_WRITERS: dict[str, Callable[[pa.Table], bytes]] = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl, "avro": _avro}
