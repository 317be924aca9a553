"""Delta tables, also on S3; row F-09."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from binaries import Answer, local, read
from deltalake import DeltaTable, write_deltalake
from s3 import Server

from driftline.errors import Invalid, NotFound, Unreadable
from driftline.formats.delta import Delta
from driftline.formats.format import ReadOptions
from driftline.storage.storages import Access, location_for, storage_for


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
    items = [item for part in parts for item in Delta().read(part, opener, ReadOptions())]
    rows = [item.num_rows if isinstance(item, pa.RecordBatch) else 0 for item in items]
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
