"""One suite on every binary format, whoever wrote the file; rows F-01, F-02, F-08, S-01, D-08."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pytest
from binaries import WRITERS, frame_of, local, read, remote
from s3 import Server

from driftline.errors import StorageUnavailable, Unreadable
from driftline.formats.delta import Delta
from driftline.formats.format import Opener, ReadOptions
from driftline.storage.ranges import Ranges, stream
from driftline.storage.storages import Access, storage_for


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
    """F-03: those that are chosen, or where there are expressions those that they name; all of them for `*`."""
    format, write = WRITERS[writer]
    frame, path = frame_of(50), tmp_path / "data"
    write(frame, path)
    chosen = read(format, str(path), ReadOptions(columns=("kind", "number")))
    assert chosen.batches[0].schema.names == ["number", "kind"]
    assert chosen.column("number") == frame["number"].to_list()
    others = read(format, str(path), ReadOptions(exclude=("kind", "number")))
    assert others.batches[0].schema.names == [name for name in frame.columns if name not in ("kind", "number")]
    needed = read(format, str(path), ReadOptions(columns=("x",), select=("NUMBER + length(text) AS x", "day")))
    assert needed.batches[0].schema.names == ["number", "text", "day"]
    everything = read(format, str(path), ReadOptions(select=("*", "number AS x")))
    assert everything.batches[0].schema.names == frame.columns
    assert read(format, str(path), ReadOptions(select=("1 AS one",))).rows == 50
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


@pytest.fixture
def bucket(s3: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket, and the variables that lead to it."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return s3.bucket("formats")


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
