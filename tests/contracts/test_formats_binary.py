"""Parquet, Avro, Arrow IPC and Delta, written by other libraries than the reader; rows F-01, F-02, F-08, F-09."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import fastavro
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow import feather
from s3 import Server

from driftline.errors import Invalid, NotFound, StorageUnavailable, Unreadable
from driftline.formats import avro, parquet
from driftline.formats.arrow import Arrow
from driftline.formats.avro import Avro
from driftline.formats.delta import Delta
from driftline.formats.format import Format, Opener, Part, ReadOptions
from driftline.formats.parquet import Parquet
from driftline.problems import Problem
from driftline.storage.file import File
from driftline.storage.ranges import Ranges, stream
from driftline.storage.storages import Access, location_for, storage_for

WRITERS: dict[str, tuple[Format, Callable[[pl.DataFrame, Path], object]]] = {
    "parquet by polars": (Parquet(), lambda frame, path: frame.write_parquet(path, row_group_size=1_000)),
    "parquet by polars, zstd": (Parquet(), lambda frame, path: frame.write_parquet(path, compression="zstd")),
    "parquet by duckdb": (Parquet(), lambda frame, path: frame.pipe(_by_duckdb, path)),
    "parquet by pandas": (Parquet(), lambda frame, path: frame.to_pandas().to_parquet(path)),
    "avro by polars": (Avro(), lambda frame, path: frame.write_avro(path, compression="uncompressed")),
    "avro by polars, snappy": (Avro(), lambda frame, path: frame.write_avro(path, compression="snappy")),
    "avro by polars, deflate": (Avro(), lambda frame, path: frame.write_avro(path, compression="deflate")),
    "arrow file by polars": (Arrow(), lambda frame, path: frame.write_ipc(path, compression="uncompressed")),
    "arrow file by polars, lz4": (Arrow(), lambda frame, path: frame.write_ipc(path, compression="lz4")),
    "arrow file by polars, zstd": (Arrow(), lambda frame, path: frame.write_ipc(path, compression="zstd")),
    "arrow stream by polars": (Arrow(), lambda frame, path: frame.write_ipc_stream(path)),
    "feather by pandas": (Arrow(), lambda frame, path: frame.to_pandas().to_feather(path)),
    "delta": (Delta(), lambda frame, path: write_deltalake(path, frame.to_arrow())),
}


def _by_duckdb(frame: pl.DataFrame, path: Path) -> None:
    table = frame.to_arrow()
    with duckdb.connect() as connection:
        connection.register("given", table)
        connection.execute(f"copy given to '{path}' (format parquet, row_group_size 2048)")


def local(uri: str) -> BinaryIO:
    """A plain file."""
    return File().open(uri)


def remote(uri: str) -> BinaryIO:
    """The same bytes by ranges, as from an object store."""
    with local(uri) as file:
        data = file.read()
    return stream(Ranges(lambda start, stop: data[start:stop], len(data), f"{uri}{hash(data)}", data[:1000]))


@dataclass
class Answer:
    """What came out of all parts."""

    parts: list[Part]
    batches: list[pa.RecordBatch]
    problems: list[Problem]

    @property
    def rows(self) -> int:
        """The number of rows in all batches."""
        return sum(batch.num_rows for batch in self.batches)

    def column(self, name: str) -> list[Any]:
        """The values of a column, wherever it is."""
        return [value for batch in self.batches for value in batch.column(name).to_pylist()]


def read(format: Format, uri: str, options: ReadOptions | None = None, opener: Opener = local) -> Answer:
    """Split, and read every part."""
    options = options or ReadOptions()
    size = Path(uri).stat().st_size if Path(uri).is_file() else 0
    parts = list(format.split(uri, size, opener, options))
    items = [item for part in parts for item in format.read(part, opener, options)]
    batches = [item for item in items if not isinstance(item, Problem)]
    return Answer(parts, batches, [item for item in items if isinstance(item, Problem)])


_KINDS = ("red", "green", "blue")


def frame_of(rows: int) -> pl.DataFrame:
    """Columns of the usual kinds, with nulls."""
    rng = np.random.default_rng(rows)
    day = dt.datetime(2024, 5, 1)
    number = pl.Series("number", rng.normal(size=rows))
    return pl.DataFrame(
        {
            "integer": rng.integers(-(2**40), 2**40, rows),
            "number": number,
            "missing": pl.Series([None if each % 3 == 0 else each / 7 for each in range(rows)], dtype=pl.Float64),
            "text": pl.Series([f"user-{each}" for each in rng.integers(0, 10**9, rows)], dtype=pl.String),
            "kind": pl.Series([None if each % 10 == 0 else _KINDS[each % 3] for each in range(rows)], dtype=pl.String),
            "yes": pl.Series([None if each % 11 == 0 else each % 2 == 0 for each in range(rows)], dtype=pl.Boolean),
            "when": pl.Series([day + dt.timedelta(minutes=each) for each in range(rows)], dtype=pl.Datetime("us")),
            "day": pl.Series([(day + dt.timedelta(days=each % 300)).date() for each in range(rows)], dtype=pl.Date),
        }
    )


@pytest.fixture(params=[local, remote], ids=["local", "remote"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Formats see plain files and streams of ranges."""
    found: Opener = request.param
    return found


@pytest.mark.parametrize("rows", [0, 1, 5_000])
@pytest.mark.parametrize("writer", WRITERS)
def test_what_others_write_is_read_value_for_value(writer: str, rows: int, opener: Opener, tmp_path: Path) -> None:
    """F-01, F-02, F-08: every format, no rows, one, and many."""
    format, write = WRITERS[writer]
    frame, path = frame_of(rows), tmp_path / "data"
    write(frame, path)
    answer = read(format, str(path), opener=opener)
    assert answer.rows == rows
    assert not answer.problems
    assert {tuple(batch.schema.names) for batch in answer.batches} == {tuple(frame.columns)}
    assert all(part.rows is None or part.rows >= 0 for part in answer.parts)
    if all(part.rows is not None for part in answer.parts):
        assert sum(part.rows or 0 for part in answer.parts) == rows
    for name in frame.columns:
        found = [_comparable(name, value) for value in answer.column(name)]
        assert found == frame[name].to_list(), name


def _comparable(name: str, value: Any) -> Any:
    """pandas knows no dates, only times, and Delta no times without a zone."""
    if name == "when":
        return value.replace(tzinfo=None)
    return value.date() if isinstance(value, dt.datetime) else value


@pytest.mark.parametrize("writer", WRITERS)
def test_only_the_wanted_columns_are_read(writer: str, tmp_path: Path) -> None:
    """Where there are expressions they may need any column, so all are read."""
    format, write = WRITERS[writer]
    frame, path = frame_of(50), tmp_path / "data"
    write(frame, path)
    chosen = read(format, str(path), ReadOptions(columns=("kind", "number")))
    assert chosen.batches[0].schema.names == ["number", "kind"]
    assert chosen.column("number") == frame["number"].to_list()
    others = read(format, str(path), ReadOptions(exclude=("kind", "number")))
    assert others.batches[0].schema.names == [name for name in frame.columns if name not in ("kind", "number")]
    all_of_them = read(format, str(path), ReadOptions(columns=("x",), select=("number as x",)))
    assert all_of_them.batches[0].schema.names == frame.columns
    assert read(format, str(path), ReadOptions(columns=("not there",))).rows == 50


@pytest.mark.parametrize("writer", WRITERS)
def test_a_damaged_file_is_told_and_never_crashes(writer: str, opener: Opener, tmp_path: Path) -> None:
    """D-08: cut short anywhere, empty, or not of the format."""
    format, write = WRITERS[writer]
    if isinstance(format, Delta):
        pytest.skip("a table is not one file")
    path, bad = tmp_path / "data", tmp_path / "bad"
    write(frame_of(3_000), path)
    data = path.read_bytes()
    pieces = [b"", b"short", b"x" * 5_000, data[:-1], data[: len(data) // 2], data[:100]]
    for piece in pieces:
        bad.write_bytes(piece)
        if writer.startswith("arrow stream") and piece == data[:-1]:
            continue  # the end mark of a stream may be missing
        with pytest.raises(Unreadable, match=str(bad)) as told:
            read(format, str(bad), opener=opener)
        assert "It is damaged" in str(told.value) or "Write" in str(told.value) or "format" in str(told.value)


@pytest.mark.parametrize("writer", WRITERS)
def test_flipped_bytes_raise_only_what_is_promised(writer: str, tmp_path: Path) -> None:
    """Whatever the damage: rows, problems or `Unreadable`."""
    format, write = WRITERS[writer]
    if isinstance(format, Delta):
        pytest.skip("a table is not one file")
    path, bad = tmp_path / "data", tmp_path / "bad"
    write(frame_of(2_000), path)
    data = path.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(40):
        damaged = bytearray(data)
        start = int(rng.integers(0, len(data)))
        damaged[start : start + 40] = rng.bytes(len(damaged[start : start + 40]))
        bad.write_bytes(damaged)
        try:
            answer = read(format, str(bad))
        except Unreadable as told:
            assert str(bad) in str(told)
        else:
            for batch in answer.batches:
                batch.validate(full=True)


@pytest.mark.parametrize("writer", [name for name in WRITERS if name != "delta"])
def test_a_storage_that_fails_is_told_as_such(writer: str, tmp_path: Path) -> None:
    """The error of the storage comes through the decoder unchanged."""
    format, write = WRITERS[writer]
    path = tmp_path / "data"
    write(frame_of(3_000), path)
    data = path.read_bytes()
    parts = format.split(str(path), len(data), remote, ReadOptions())

    def fetch(start: int, stop: int) -> bytes:
        raise StorageUnavailable(where="s3", reason="gone")

    def failing(uri: str) -> BinaryIO:
        return stream(Ranges(fetch, len(data), "", data[:10]))

    with pytest.raises(StorageUnavailable, match="gone"):
        list(format.read(parts[0], failing, ReadOptions()))


# Parquet


def test_parquet_row_groups_are_parts(tmp_path: Path) -> None:
    """Each is one batch, and they are read by several threads at once."""
    frame, path = frame_of(10_000), tmp_path / "data.parquet"
    frame.write_parquet(path, row_group_size=1_000)
    size = path.stat().st_size
    parts = Parquet().split(str(path), size, local, ReadOptions())
    assert [(part.start, part.stop, part.rows) for part in parts] == [(each, each + 1, 1_000) for each in range(10)]
    assert 0.9 * size < sum(part.size for part in parts) <= size
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda part: list(Parquet().read(part, local, ReadOptions())), [*parts] * 5))
    assert all(len(batches) == 1 for batches in found)
    numbers = [value for batches in found[:10] for batch in batches for value in batch.column("integer").to_pylist()]
    assert numbers == frame["integer"].to_list()
    whole = Parquet().read(Part(str(path)), local, ReadOptions())
    assert sum(batch.num_rows for batch in whole if not isinstance(batch, Problem)) == 10_000


def test_parquet_repetitive_text_comes_as_dictionaries(tmp_path: Path) -> None:
    """The footer tells; text that hardly repeats stays plain."""
    path = tmp_path / "data.parquet"
    frame_of(20_000).write_parquet(path)
    (batch,) = read(Parquet(), str(path)).batches
    assert pa.types.is_dictionary(batch.schema.field("kind").type)
    assert not pa.types.is_dictionary(batch.schema.field("text").type)


def test_parquet_huge_row_groups_come_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bounded batches, with the same values."""
    frame, path = frame_of(30_000), tmp_path / "data.parquet"
    frame.write_parquet(path, row_group_size=30_000)
    monkeypatch.setattr(parquet, "MOST_ROWS", 16_384)
    answer = read(Parquet(), str(path))
    assert len(answer.parts) == 1
    assert max(batch.num_rows for batch in answer.batches) <= 16_384
    for name in frame.columns:
        assert answer.column(name) == frame[name].to_list()


def test_parquet_a_rewritten_file_is_read_anew(tmp_path: Path, opener: Opener) -> None:
    """The kept footer belongs to the old bytes."""
    path = tmp_path / "data.parquet"
    for rows in (10, 20):
        frame_of(rows).write_parquet(path)
        assert read(Parquet(), str(path), opener=opener).rows == rows


def test_parquet_footers_are_forgotten(tmp_path: Path) -> None:
    """What is kept is bounded, and the last is always kept."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x")
    footer = parquet.Footer(pq.read_metadata(tmp_path / "x"), (), True)
    footers = parquet.Footers(footer.metadata.serialized_size * 2)
    for name in "abc":
        footers.keep((name, "1"), footer)
    assert [footers.get((name, "1")) is not None for name in "abc"] == [False, True, True]


def test_parquet_keeps_nested_and_exact_types(tmp_path: Path) -> None:
    """Lists, structs, decimals, fixed-size lists, and what only Arrow's own schema in the footer knows."""
    table = pa.table(
        {
            "list": pa.array([[1, 2], None, []], pa.list_(pa.int64())),
            "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
            "decimal": pa.array([Decimal("1.50"), None, Decimal("-2.25")], pa.decimal128(10, 2)),
            "vector": pa.array([[1.0, 2.0], [3.0, 4.0], None], pa.list_(pa.float32(), 2)),
            "zoned": pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * 3, pa.timestamp("ns", "Europe/Berlin")),
            "small": pa.array([1, 2, None], pa.uint8()),
            "words": pa.array(["a", "b", None]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "x")
    answer = read(Parquet(), str(tmp_path / "x"))
    assert answer.batches[0].schema.types == table.schema.types
    assert pa.Table.from_batches(answer.batches).to_pylist() == table.to_pylist()
    nested = read(Parquet(), str(tmp_path / "x"), ReadOptions(columns=("struct.a",)))
    assert nested.batches[0].schema.names == ["struct"]


def test_parquet_types_of_extensions(tmp_path: Path) -> None:
    """DuckDB writes UUIDs and JSON as such; both are text here. A name may hold a dot."""
    path = tmp_path / "x"
    with duckdb.connect() as connection:
        ids = [str(uuid.UUID(int=each << 90)) for each in range(100)]
        connection.register("given", pa.table({"id": [*ids, None]}))
        query = "select id::uuid as id, '{\"a\": 1}'::json as document, 'x' as \"a.b\", 1 as a from given"
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    answer = read(Parquet(), str(path))
    assert answer.column("id") == [*ids, None]
    assert answer.column("document") == ['{"a": 1}'] * 101
    assert read(Parquet(), str(path), ReadOptions(columns=("a.b",))).column("a.b") == ["x"] * 101


def test_text_that_is_not_utf8_is_mended_and_told(tmp_path: Path) -> None:
    """F-13: neither the file nor the column is lost."""
    raw = pa.array([b"fine", b"Stra\xdfe", None, b"Z\xfcrich"] * 50, pa.binary())
    batch = pa.record_batch({"a": pa.array(range(200)), "text": raw.view(pa.string())})
    pq.write_table(pa.Table.from_batches([batch]), tmp_path / "parquet")
    pq.write_table(pa.Table.from_batches([batch]), tmp_path / "plain", use_dictionary=False)
    with pa.OSFile(str(tmp_path / "arrow"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    for name, format in (("parquet", Parquet()), ("plain", Parquet()), ("arrow", Arrow())):
        answer = read(format, str(tmp_path / name))
        assert answer.column("a") == list(range(200))
        assert answer.column("text")[:4] == ["fine", "Stra\ufffde", None, "Z\ufffdrich"]
        (problem,) = answer.problems
        assert (problem.column, problem.rows) == ("text", 0)
        assert "not UTF-8" in str(problem)


def test_parquet_wide(tmp_path: Path) -> None:
    """5,000 columns are no trouble."""
    table = pa.table({f"column {place}": np.arange(100.0) for place in range(5_000)})
    pq.write_table(table, tmp_path / "x", row_group_size=20)
    answer = read(Parquet(), str(tmp_path / "x"), ReadOptions(exclude=("column 7",)))
    assert (answer.rows, answer.batches[0].num_columns, len(answer.parts)) == (100, 4_999, 5)


# Arrow


def test_arrow_views_come_plain(tmp_path: Path) -> None:
    """polars writes views, which few functions of Arrow know; categories stay dictionaries."""
    frame = pl.DataFrame(
        {
            "text": ["x", "a text longer than a view holds", None],
            "texts": [["a"], [], None],
            "record": [{"p": "q"}, {"p": None}, {"p": "r"}],
            "kind": pl.Series(["u", "v", "u"], dtype=pl.Categorical),
            "bytes": [b"x", None, b"y"],
        }
    )
    frame.write_ipc(tmp_path / "x")
    (batch,) = read(Arrow(), str(tmp_path / "x")).batches
    batch.validate(full=True)
    assert batch.to_pylist() == frame.to_dicts()
    assert "view" not in str(batch.schema)
    assert pa.types.is_dictionary(batch.schema.field("kind").type)


def test_arrow_many_batches_are_several_parts(tmp_path: Path, opener: Opener) -> None:
    """Together they are the file; a small file is one part however many batches it has."""
    table = pa.table({"a": np.arange(600_000), "b": np.random.default_rng(0).normal(size=(600_000))})
    for name, rows in (("large", 10_000_000), ("small", 100_000)):
        with pa.OSFile(str(tmp_path / name), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(pa.concat_tables([table] * 6).slice(0, rows), max_chunksize=20_000)
    large, small = read(Arrow(), str(tmp_path / "large"), opener=opener), read(Arrow(), str(tmp_path / "small"))
    assert len(large.parts) == 2
    assert large.column("a") == list(range(600_000)) * 6
    assert [(part.rows) for part in small.parts] == [100_000]


def test_arrow_large_batches_are_cut(tmp_path: Path) -> None:
    """A batch of more than a million rows comes as several."""
    pl.DataFrame({"a": np.arange(2_500_000, dtype=np.int32)}).write_ipc(tmp_path / "x", compression="uncompressed")
    answer = read(Arrow(), str(tmp_path / "x"))
    assert answer.rows == 2_500_000
    assert max(batch.num_rows for batch in answer.batches) <= 1 << 20


def test_arrow_refuses_old_feather(tmp_path: Path) -> None:
    """Version 1 is another format altogether."""
    with pytest.warns(DeprecationWarning):
        feather.write_feather(pa.table({"a": [1]}), tmp_path / "x", version=1)
    with pytest.raises(Unreadable, match="Feather version 1"):
        read(Arrow(), str(tmp_path / "x"))


# Avro

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


# Delta


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Four versions: two partitions, a column that came later, and a deletion."""
    uri = str(tmp_path / "a table")
    write_deltalake(uri, pa.table({"a": [1, 2], "day": ["x y", "a/b%"], "n": [5, 6]}), partition_by=["day", "n"])
    later = pa.table({"a": [3], "day": pa.array([None], pa.string()), "n": [7], "new": ["later"]})
    write_deltalake(uri, later, mode="append", schema_mode="merge")
    DeltaTable(uri).delete("a = 1")
    write_deltalake(uri, pa.table({"a": [4], "day": ["ü"], "n": [8], "new": ["last"]}), mode="append")
    return uri


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The rows with their constants, as the layer above puts them together."""
    found = []
    for part in answer.parts:
        for item in Delta().read(part, local, ReadOptions()):
            assert isinstance(item, pa.RecordBatch)
            constants = {name: value.as_py() for name, value in part.constants.items()}
            found += [{**row, **constants} for row in item.to_pylist()]
    return sorted(found, key=lambda row: int(row["a"]))


def test_delta_latest_version(table: str) -> None:
    """F-09: tombstones are left out, partition columns are typed, columns that came later are null."""
    answer = read(Delta(), table)
    assert rows_of(answer) == [
        {"a": 2, "day": "a/b%", "n": 6, "new": None},
        {"a": 3, "day": None, "n": 7, "new": "later"},
        {"a": 4, "day": "ü", "n": 8, "new": "last"},
    ]
    constants = answer.parts[0].constants
    assert {name: value.type for name, value in constants.items()} == {"day": pa.string(), "n": pa.int64()}
    assert all(part.rows == 1 for part in answer.parts)
    assert {tuple(batch.schema.names) for batch in answer.batches} == {("a", "new")}


@pytest.mark.parametrize("form", ["path", "uri"])
def test_delta_by_path_and_uri(table: str, form: str) -> None:
    """The percent signs of paths in the log are decoded once."""
    uri = table if form == "path" else Path(table).as_uri()
    opener = storage_for(uri, Access()).open
    parts = Delta().split(uri, 0, opener, ReadOptions())
    rows = [item.num_rows for part in parts for item in Delta().read(part, opener, ReadOptions())]
    assert rows == [1, 1, 1]


def test_delta_an_older_version(table: str) -> None:
    """F-09: time travel by number and by time."""
    first = read(Delta(), table, ReadOptions(settings={"version": 0}))
    assert [row["a"] for row in rows_of(first)] == [1, 2]
    assert first.batches[0].schema.names == ["a"]
    again = read(Delta(), table, ReadOptions(settings={"version": "1"}))
    assert [row["a"] for row in rows_of(again)] == [1, 2, 3]
    now = dt.datetime.now(dt.UTC).isoformat()
    assert len(read(Delta(), table, ReadOptions(settings={"timestamp": now})).parts) == 3


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"version": 99}, NotFound, "latest is 3"),
        ({"version": "x"}, Invalid, "whole number"),
        ({"version": -1}, Invalid, "whole number"),
        ({"timestamp": "2001-01-01"}, NotFound, "oldest version"),
        ({"timestamp": "yesterday"}, Invalid, "a time such as"),
        ({"version": 1, "timestamp": "2024-01-01"}, Invalid, "one of them"),
    ],
)
def test_delta_versions_that_are_not(table: str, settings: dict[str, Any], error: type[Exception], words: str) -> None:
    """F-09: each told with what there is."""
    with pytest.raises(error, match=words):
        read(Delta(), table, ReadOptions(settings=settings))


def test_delta_that_is_none(tmp_path: Path) -> None:
    """Neither the folder nor the log."""
    for uri in (str(tmp_path), str(tmp_path / "not there")):
        with pytest.raises(NotFound, match="Delta table"):
            read(Delta(), uri)


def test_delta_empty_table(tmp_path: Path) -> None:
    """Its columns are known all the same."""
    uri = str(tmp_path / "t")
    DeltaTable.create(uri, schema=pa.schema([("a", pa.int64()), ("day", pa.string())]), partition_by=["day"])
    answer = read(Delta(), uri)
    assert answer.rows == 0
    assert answer.batches[0].schema.names == ["a", "day"]


def test_delta_large_files_are_cut_by_row_groups(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same constants."""
    from driftline.formats import delta

    monkeypatch.setattr(delta, "PART_BYTES", 10)
    answer = read(Delta(), table)
    assert [part.stop for part in answer.parts] == [1, 1, 1]
    assert [row["n"] for row in rows_of(answer)] == [6, 7, 8]


def _rewrite_log(table: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every action of the log, as a newer writer might have written it."""
    for path in sorted((Path(table) / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for action in actions:
            change(action)
        path.write_text("\n".join(json.dumps(action) for action in actions), encoding="utf-8")


def _needing(*features: str) -> Callable[[dict[str, Any]], None]:
    def change(action: dict[str, Any]) -> None:
        if "protocol" in action:
            listed = {"readerFeatures": list(features), "writerFeatures": list(features)}
            action["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, **listed}

    return change


@pytest.mark.parametrize("feature", ["typeWidening", "variantType", "someNewFeature"])
def test_delta_unsupported_features_are_named(table: str, feature: str) -> None:
    """F-09."""
    _rewrite_log(table, _needing(feature))
    with pytest.raises(Unreadable, match=feature):
        read(Delta(), table)


def test_delta_deletion_vectors_are_refused_where_there_are_any(table: str) -> None:
    """F-09: the feature alone does no harm."""
    _rewrite_log(table, _needing("deletionVectors"))
    assert len(read(Delta(), table).parts) == 3

    def delete(action: dict[str, Any]) -> None:
        if "add" in action:
            vector = {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 4}
            action["add"]["deletionVector"] = {**vector, "sizeInBytes": 40, "cardinality": 1}

    _rewrite_log(table, delete)
    with pytest.raises(Unreadable, match=r"deletionVectors.*REORG TABLE"):
        read(Delta(), table)


def test_delta_column_mapping_is_refused_where_it_is_on(table: str) -> None:
    """F-09: by the old protocol version and by the feature."""
    _rewrite_log(table, _needing("columnMapping"))
    assert len(read(Delta(), table).parts) == 3

    def switch_on(action: dict[str, Any]) -> None:
        if "metaData" in action:
            action["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}

    _rewrite_log(table, switch_on)
    with pytest.raises(Unreadable, match="columnMapping"):
        read(Delta(), table)


def test_delta_checkpoints_of_the_second_kind(table: str) -> None:
    """F-09: the log of old versions is gone, and all stands in a checkpoint."""
    logs = sorted((Path(table) / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for path in logs for line in path.read_text(encoding="utf-8").splitlines()]
    removed = {action["remove"]["path"] for action in actions if "remove" in action}
    kept = [action for action in actions if "add" in action and action["add"]["path"] not in removed]
    protocol: dict[str, Any] = {"protocol": {}}
    _needing("v2Checkpoint")(protocol)
    meta = [action for action in actions if "metaData" in action][-1]
    lines = [{"checkpointMetadata": {"version": 3}}, protocol, meta, *kept]
    name = f"{3:020}.checkpoint.{uuid.UUID(int=9)}.json"
    (logs[0].parent / name).write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    (logs[0].parent / "_last_checkpoint").write_text(json.dumps({"version": 3, "size": len(lines)}), encoding="utf-8")
    for path in logs[:-1]:
        path.unlink()
    assert [row["a"] for row in rows_of(read(Delta(), table))] == [2, 3, 4]


@pytest.fixture
def bucket(s3: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket, and the variables that lead to it."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return s3.bucket("formats")


def test_delta_on_s3(bucket: str) -> None:
    """F-09, S-01: the log by delta-rs, the files through the storage."""
    uri = f"s3://{bucket}/tables/of {uuid.uuid4()}"
    options = ReadOptions(location=location_for(uri, Access()))
    for number in range(2):
        given = pa.table({"a": [number], "day": [f"d {number}"]})
        write_deltalake(uri, given, mode="append", partition_by=["day"], storage_options=dict(options.location))
    opener = storage_for(uri, Access()).open
    parts = Delta().split(uri, 0, opener, options)
    batches = [item for part in parts for item in Delta().read(part, opener, options)]
    assert [batch.to_pydict() for batch in batches if isinstance(batch, pa.RecordBatch)] == [{"a": [0]}, {"a": [1]}]
    with pytest.raises(NotFound, match="Delta table"):
        Delta().split(f"s3://{bucket}/nothing", 0, opener, options)
    with pytest.raises(NotFound, match="bucket not found"):
        Delta().split("s3://no-such-bucket/table", 0, opener, options)


@pytest.mark.parametrize("writer", [name for name in WRITERS if name != "delta"])
def test_every_format_on_s3(writer: str, bucket: str, tmp_path: Path) -> None:
    """S-01: through the real storage."""
    format, write = WRITERS[writer]
    frame, uri = frame_of(40_000), f"s3://{bucket}/{writer}.x"
    write(frame, tmp_path / "x")
    storage = storage_for(uri, Access())
    storage.put(uri, (tmp_path / "x").read_bytes())
    parts = format.split(uri, (tmp_path / "x").stat().st_size, storage.open, ReadOptions())
    batches = [item for part in parts for item in format.read(part, storage.open, ReadOptions())]
    found = [
        value for batch in batches if isinstance(batch, pa.RecordBatch) for value in batch.column("text").to_pylist()
    ]
    assert found == frame["text"].to_list()
