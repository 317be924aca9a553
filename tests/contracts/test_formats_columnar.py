"""Parquet and Arrow IPC, what is special about them; rows F-01, F-02, F-13."""

from __future__ import annotations

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from binaries import frame_of, local, read, remote
from pyarrow import feather

import driftline
from driftline.errors import EmptyWindow, Unreadable
from driftline.formats import parquet
from driftline.formats.arrow import Arrow
from driftline.formats.format import Opener, Part, ReadOptions
from driftline.formats.parquet import Parquet


@pytest.fixture(params=[local, remote], ids=["local", "remote"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Formats see plain files and streams of ranges."""
    found: Opener = request.param
    return found


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
    kept = [batch for batches in found[:10] for batch in batches if isinstance(batch, pa.RecordBatch)]
    numbers = [value for batch in kept for value in batch.column("integer").to_pylist()]
    assert numbers == frame["integer"].to_list()
    whole = Parquet().read(Part(str(path)), local, ReadOptions())
    assert sum(batch.num_rows for batch in whole if isinstance(batch, pa.RecordBatch)) == 10_000


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


@pytest.mark.parametrize("asked", [{"select": ["GOOD * 2 AS good"]}, {"columns": ["good"]}])
def test_parquet_columns_that_no_expression_names_are_not_touched(tmp_path: Path, asked: dict[str, Any]) -> None:
    """F-03: neither read nor decoded, not even to learn which columns there are; so damage in them does no harm."""
    path = tmp_path / "data.parquet"
    table = pa.table({"good": range(1_000), "bad": [f"text {each}" for each in range(1_000)]})
    pq.write_table(table, path, use_dictionary=False)
    chunk = pq.read_metadata(path).row_group(0).column(1)
    at, size = chunk.data_page_offset, chunk.total_compressed_size
    data = path.read_bytes()
    path.write_bytes(data[:at] + b"\xff" * size + data[at + size :])
    assert driftline.profile(path, **asked).rows == 1_000
    with pytest.raises(EmptyWindow, match="damaged"):
        driftline.profile(path, select=["good", "bad"])
