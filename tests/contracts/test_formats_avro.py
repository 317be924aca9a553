"""Avro, what is special about it; row F-02."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from binaries import local, read, remote

from driftline.errors import Unreadable
from driftline.formats import avro
from driftline.formats.avro import Avro
from driftline.formats.format import Opener


@pytest.fixture(params=[local, remote], ids=["local", "remote"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Formats see plain files and streams of ranges."""
    found: Opener = request.param
    return found


_RECORD = {
    "type": "record",
    "name": "Row",
    "namespace": "some.space",
    "fields": [
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "again", "type": ["null", "Kind"], "default": None},
        {"name": "inner", "type": ["null", "Row"]},
        {"name": "when", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 3}},
        {
            "name": "price",
            "type": [
                "null",
                {"type": "fixed", "name": "F8", "size": 8, "logicalType": "decimal", "precision": 10, "scale": 2},
            ],
        },
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "fine_clock", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "times", "type": {"type": "map", "values": ["null", {"type": "int", "logicalType": "date"}]}},
        {"name": "either", "type": ["null", "long", "string", {"type": "array", "items": "int"}]},
        {"name": "wide", "type": ["int", "double", "long"]},
        {"name": "prices", "type": {"type": "array", "items": "F8"}},
        {"name": "deep", "type": {"type": "record", "name": "Deep", "fields": [{"name": "of", "type": "F8"}]}},
        {"name": "odd", "type": {"type": "string", "logicalType": "not-known"}},
        {"name": "bits", "type": {"type": "fixed", "name": "F4", "size": 4}},
        {"name": "small", "type": "float"},
    ],
}
_ROW: Mapping[str, Any] = {
    "kind": "A",
    "again": "B",
    "inner": None,
    "when": dt.datetime(2024, 5, 6, 7, 8, 9, 10_000, tzinfo=dt.UTC),
    "local": dt.datetime(1965, 5, 6, 7, 8, 9, 123_456),
    "amount": Decimal("-12345678901234567.890"),
    "price": Decimal("1.25"),
    "id": uuid.UUID(int=7),
    "clock": dt.time(1, 2, 3),
    "fine_clock": dt.time(1, 2, 3, 4),
    "day": dt.date(1960, 1, 1),
    "times": {"first": dt.date(2024, 1, 1), "none": None},
    "either": "text",
    "wide": 3,
    "prices": [Decimal("2.50"), Decimal("-0.01")],
    "deep": {"of": Decimal("9.99")},
    "odd": "x",
    "bits": b"1234",
    "small": 0.5,
}


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_avro_types(codec: str, tmp_path: Path, opener: Opener) -> None:
    """F-02: named, logical, nested and optional types; what Arrow has no type for becomes text."""
    second = {**_ROW, "price": None, "day": None, "either": 5, "wide": 2.5, "again": None}
    third = {**_ROW, "either": [1, 2], "inner": dict(_ROW)}
    with (tmp_path / "x").open("wb") as sink:
        fastavro.writer(sink, _RECORD, [dict(_ROW), second, third], codec=codec)
    answer = read(Avro(), str(tmp_path / "x"), opener=opener)
    (batch,) = answer.batches
    expected = {**_ROW, "id": str(_ROW["id"]), "times": list(_ROW["times"].items()), "wide": 3.0}
    assert batch.to_pylist()[0] == expected
    assert batch.column("either").to_pylist() == ["text", "5", "[1, 2]"]
    assert batch.column("wide").to_pylist() == [3.0, 2.5, 3.0]
    assert batch.column("price").to_pylist() == [Decimal("1.25"), None, Decimal("1.25")]
    assert json.loads(batch.column("inner").to_pylist()[2])["kind"] == "A"
    types = {field.name: field.type for field in batch.schema}
    assert types["when"] == pa.timestamp("ms", "UTC")
    assert types["amount"] == pa.decimal128(20, 3)
    assert types["kind"] == pa.string()
    assert types["deep"] == pa.struct([("of", pa.decimal128(10, 2))])


def test_avro_zstandard_needs_no_other_package(tmp_path: Path) -> None:
    """Arrow decompresses it; the file is put together here, since fastavro alone cannot write it."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    plain = io.BytesIO()
    fastavro.writer(plain, schema, [{"a": each} for each in range(1_000)], codec="null")
    data = plain.getvalue()
    from driftline.formats.avroblocks import _zigzag, blocks_of, content_of, header_of

    header = header_of("x", plain)
    (block,) = blocks_of("x", plain, header, header.length, len(data))
    packed = pa.compress(content_of(plain, header, block), codec="zstd", asbytes=True)
    renamed = data[: header.length].replace(b"\x08null", b"\x12zstandard")
    (tmp_path / "x").write_bytes(renamed + _zigzag(1_000) + _zigzag(len(packed)) + packed + header.sync)
    assert read(Avro(), str(tmp_path / "x")).column("a") == list(range(1_000))


def test_avro_unknown_codec_is_named(tmp_path: Path) -> None:
    """With those that are known."""
    with (tmp_path / "x").open("wb") as sink:
        fastavro.writer(sink, "long", [1, 2, 3])
    data = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(data.replace(b"\x08null", b"\x08lzma"))
    with pytest.raises(Unreadable, match=r"lzma.*deflate, snappy"):
        read(Avro(), str(tmp_path / "x"))


def test_avro_parts_are_runs_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut between blocks, with their rows known; several small blocks make one batch."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}, {"name": "s", "type": "string"}]}
    rows = [{"a": each, "s": f"text {each}"} for each in range(200_000)]
    with (tmp_path / "x").open("wb") as sink:
        fastavro.writer(sink, schema, rows, codec="deflate", sync_interval=4_000)
    monkeypatch.setattr(avro, "PART_BYTES", 200_000)
    answer = read(Avro(), str(tmp_path / "x"))
    assert len(answer.parts) == 3
    assert sum(part.rows or 0 for part in answer.parts) == 200_000
    assert answer.column("a") == list(range(200_000))
    assert all(batch.num_rows <= avro.BATCH_ROWS for batch in answer.batches)
    assert answer.parts[-1].stop == (tmp_path / "x").stat().st_size


def test_avro_a_damaged_block_loses_only_its_rows(tmp_path: Path) -> None:
    """D-08: they are counted, and the rest is read."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    with (tmp_path / "x").open("wb") as sink:
        fastavro.writer(sink, schema, ({"a": each} for each in range(50_000)), codec="deflate", sync_interval=4_000)
    data = bytearray((tmp_path / "x").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 30] = b"\xff" * 30
    (tmp_path / "x").write_bytes(data)
    answer = read(Avro(), str(tmp_path / "x"))
    (problem,) = answer.problems
    assert 0 < problem.rows < 10_000
    assert answer.rows + problem.rows == 50_000


def test_avro_bare_values(tmp_path: Path) -> None:
    """A file need not hold records."""
    with (tmp_path / "x").open("wb") as sink:
        fastavro.writer(sink, "long", [1, 2, 3])
    assert read(Avro(), str(tmp_path / "x")).column("value") == [1, 2, 3]
