"""Tables of inferences and actuals, in a folder and on S3: every row once; J-09, G-06, G-08, ER-21."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from s3 import READER, Server, use

from driftline.errors import Conflict, Denied, Invalid, SchemaMismatch
from driftline.formats.delta import Delta
from driftline.formats.format import ReadOptions
from driftline.inferences import upkeep
from driftline.inferences.log import committed, known_of
from driftline.inferences.staging import Staging, staging
from driftline.inferences.tables import Tables, name_of, opened, refuse_careless, stored_schema
from driftline.labels.keys import Keys
from driftline.labels.truth import Truth, indexed
from driftline.storage.access import Access
from driftline.storage.storages import location_for, storage_for

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SCHEMA = pa.schema([("x", pa.float64()), ("city", pa.string())])
LATE = pa.schema([("label", pa.string())])


@pytest.fixture(params=["folder", "s3"])
def tables(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """Tables in a folder, and on a real S3 server."""
    if request.param == "folder":
        return Tables(str(tmp_path / "tables"), Access(), tmp_path / "cache")
    server: Server = request.getfixturevalue("s3")
    use(monkeypatch, server.environment())
    return Tables(f"s3://{server.bucket('tables')}/{tmp_path.name}", Access(), tmp_path / "cache")


@pytest.fixture
def local(tmp_path: Path) -> Tables:
    """Tables in a folder."""
    return Tables(str(tmp_path / "tables"), Access(), tmp_path / "cache")


def batch_of(ids: Sequence[object], xs: Sequence[float], hour: float = 0, start: int = 1) -> pa.RecordBatch:
    """Rows with these ids and values, of one hour."""
    time = START + dt.timedelta(hours=hour)
    return pa.record_batch(
        {
            "_id": pa.array([str(each) for each in ids]),
            "_time": pa.array([time] * len(ids), pa.timestamp("us", "UTC")),
            "_row": pa.array(range(start, start + len(ids)), pa.int64()),
            "x": pa.array(xs, pa.float64()),
            "city": pa.array([f"city {each}" for each in xs]),
        }
    )


def labels_of(ids: Sequence[object], labels: Sequence[str | None], hour: float = 0) -> pa.RecordBatch:
    """Actuals of these ids."""
    batch = batch_of(ids, [0.0] * len(ids), hour).select(["_id", "_time", "_row"])
    return batch.append_column("label", pa.array(labels, pa.string()))


def inferences(tables: Tables, ingested: dt.datetime = START, duplicates: str = "last") -> Staging:
    """A staging for the model of these tests."""
    uri = tables.inferences_uri("churn", "1")
    return staging(tables, uri, SCHEMA, kind="inferences", ingested=ingested, duplicates=duplicates)


def actuals(tables: Tables, ingested: dt.datetime = START) -> Staging:
    """The same for its actuals."""
    beside = {"1": tables.inferences_uri("churn", "1"), "2": tables.inferences_uri("churn", "2")}
    uri = tables.actuals_uri("churn")
    return staging(tables, uri, LATE, kind="actuals", ingested=ingested, beside=beside)


def rows_in(tables: Tables, uri: str | None = None) -> list[tuple[Any, ...]]:
    """Id, value, file and row of all that is in a table, by id, as another reader sees it."""
    uri = uri or tables.inferences_uri("churn", "1")
    table = DeltaTable(uri, storage_options=dict(location_for(uri, tables.access)) or None)
    columns = ["_id", "x", "_file", "_row"]
    return sorted(tuple(row.values()) for row in table.to_pyarrow_table(columns=columns).to_pylist())


def put(tables: Tables, number: int, batch: pa.RecordBatch, file: int | None = None) -> None:
    """One batch into the table of inferences."""
    with inferences(tables) as staged:
        staged.add(batch, file or number)
        assert staged.commit("lane", number)


def test_rows_are_there_once(tables: Tables) -> None:
    """The same batch of a stream twice, and the same rows in another batch."""
    put(tables, 1, batch_of("abc", [1, 2, 3]))
    uri = tables.inferences_uri("churn", "1")
    assert committed(tables, uri, "lane", 1)
    assert not committed(tables, uri, "lane", 2)
    assert not committed(tables, tables.actuals_uri("churn"), "lane", 1)
    with inferences(tables) as staged:
        done = staged.add(batch_of("abc", [1, 2, 3]), 1)
        assert done.repeated.all()
        assert not staged.commit("lane", 1)
    put(tables, 2, batch_of("cd", [3, 4]), file=7)
    assert rows_in(tables) == [("a", 1, 1, 1), ("b", 2, 1, 2), ("c", 3, 1, 3), ("d", 4, 7, 2)]


def test_the_last_row_of_an_id_counts(tables: Tables) -> None:
    """ER-21: the earlier row goes in the same commit, also where it lies in another day and its file has others."""
    put(tables, 1, batch_of("abc", [1, 2, 3]))
    with inferences(tables) as staged:
        done = staged.add(batch_of("acc", [1, 8, 9], hour=30), 2)
        assert [done.new.tolist(), done.changed.tolist()] == [[False] * 3, [True, False, True]]
        assert done.repeated.tolist() == [False, True, False]
        again = staged.add(batch_of("a", [5], hour=31), 3)
        assert again.changed.all()
        staged.finish()
        assert staged.superseded == {1: 2, 2: 1}
        hours = {(hour - START) // dt.timedelta(hours=1) for _, hour in staged.vanished}
        assert hours == {0, 30}
        assert {(hour - START) // dt.timedelta(hours=1) for _, _, hour in staged.touched} == {0, 30, 31}
        assert rows_in(tables) == [("a", 1, 1, 1), ("b", 2, 1, 2), ("c", 3, 1, 3)]  # nothing to be seen yet
        assert staged.commit("lane", 2)
    assert rows_in(tables) == [("a", 5, 3, 1), ("b", 2, 1, 2), ("c", 9, 2, 3)]


def test_the_first_row_of_an_id_counts(tables: Tables) -> None:
    """ER-21."""
    with inferences(tables, duplicates="first") as staged:
        done = staged.add(batch_of("aab", [1, 2, 3]), 1)
        assert [done.new.tolist(), done.changed.tolist()] == [[True, False, True], [False, True, False]]
        done = staged.add(batch_of("ab", [7, 3]), 2)
        assert [done.kept.any(), done.changed.tolist(), done.repeated.tolist()] == [False, [True, False], [False, True]]
        assert staged.commit("lane", 1)
    assert rows_in(tables) == [("a", 1, 1, 1), ("b", 3, 1, 3)]


def test_ids_count_in_their_environment_and_batch(local: Tables) -> None:
    """The same id in production, in training, and in two batches of a validation set are four rows; M-08."""
    with inferences(local) as staged:
        staged.add(batch_of("a", [1]), 1)
        staged.add(batch_of("a", [1]), 2, "training")
        for name in ("one", "two"):
            staged.add(batch_of("a", [1]).append_column("_batch", pa.array([name])), 3, "validation")
        assert staged.commit("lane", 1)
    assert [row[2] for row in rows_in(local)] == [1, 2, 3, 3]
    with inferences(local) as staged:
        assert staged.add(batch_of("a", [1]), 4, "training").repeated.all()


def test_sets_are_few_files(local: Tables) -> None:
    """However many days their times are of; changed rows go all the same."""
    with inferences(local) as staged:
        for number in range(50):
            staged.add(batch_of([number, "same"], [number, number], hour=24 * number), number, "training")
        assert staged.commit("lane", 1)
    assert _needed(local) == 1
    with inferences(local, START + dt.timedelta(days=9)) as staged:
        assert staged.add(batch_of([7, 8], [1, 8], hour=24 * 8), 60, "training").changed.tolist() == [True, False]
        assert staged.commit("lane", 2)
    assert len(rows_in(local)) == 51
    assert [row[1:] for row in rows_in(local) if row[0] in ["7", "same"]] == [(1, 60, 1), (49, 49, 2)]


def test_what_is_wrong_with_the_store_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: Server) -> None:
    """Which permission is missing, and on what."""
    use(monkeypatch, s3.environment(READER))
    with pytest.raises(Denied, match="s3:PutObject"):
        inferences(Tables(f"s3://{s3.bucket('tables')}/none", Access(), tmp_path))


def test_a_rewritten_file_takes_the_place_of_its_rows(tables: Tables) -> None:
    """J-09: with no double count, at once."""
    put(tables, 1, batch_of("abc", [1, 2, 3]))
    put(tables, 2, batch_of("de", [4, 5]))
    with inferences(tables) as staged:
        staged.replace([1])
        assert staged.add(batch_of("ab", [1, 7], hour=1), 3).new.all()
        assert staged.commit("lane", 3)
        assert staged.superseded == {1: 3}
    expected = [("a", 1, 3, 1), ("b", 7, 3, 2), ("d", 4, 2, 1), ("e", 5, 2, 2)]
    assert rows_in(tables) == expected
    put(tables, 4, batch_of("ac", [1, 3], hour=1), file=5)
    assert rows_in(tables) == sorted([*expected, ("c", 3, 5, 2)])


def test_a_rewritten_file_that_had_changed_rows(tables: Tables) -> None:
    """J-09: a row that it had changed is not taken for the one from before, which went then."""
    put(tables, 1, batch_of("ab", [1, 2]))
    put(tables, 2, batch_of("a", [5]))
    with inferences(tables) as staged:
        staged.replace([2])
        assert staged.add(batch_of("a", [1]), 3).new.all()
        assert staged.commit("lane", 3)
    assert rows_in(tables) == [("a", 1, 3, 1), ("b", 2, 1, 2)]


def test_actuals_keep_their_history(tables: Tables) -> None:
    """G-08: repeated ones are left out, corrections are appended; I-05: hours of all versions are touched."""
    put(tables, 1, batch_of("abc", [1, 2, 3], hour=5))
    with actuals(tables) as staged:
        assert staged.add(labels_of("abz", ["0", "1", "1"]), 9).new.all()
        assert staged.touched == {("1", "production", START + dt.timedelta(hours=5))}
        assert staged.commit("lane", 2)
    with actuals(tables, START + dt.timedelta(days=3)) as staged:
        done = staged.add(labels_of("aab", ["1", "0", "1"]), 10)
        assert [done.changed.tolist(), done.repeated.tolist()] == [[True, True, False], [False, False, True]]
        assert staged.commit("lane", 3)
        assert not staged.vanished
    uri = tables.actuals_uri("churn")
    table = DeltaTable(uri, storage_options=dict(location_for(uri, tables.access)) or None)
    assert sorted(table.to_pyarrow_table()["_id"].to_pylist()) == ["a", "a", "a", "b", "z"]


@pytest.mark.parametrize("compacted", [False, True])
def test_actuals_are_labels(tables: Tables, compacted: bool) -> None:
    """G-08: the last one counts, of those that had come at a moment (as-of)."""
    for number, (ids, labels) in enumerate([("ab", ["old", "b"]), ("a", ["new"]), ("a", ["newest"])]):
        with actuals(tables, START + dt.timedelta(microseconds=number)) as staged:
            staged.add(labels_of(ids, labels), number)
            assert staged.commit("lane", number + 1)
    uri = tables.actuals_uri("churn")
    if compacted:
        assert upkeep.compact(tables, uri, least=2) == 3

    def label(as_of: dt.datetime) -> list[Any]:
        settings = {"as_of": as_of.isoformat(), "where": {"_environment": "production"}}
        truth = Truth((uri,), "delta", settings, Keys(id="_id", time="_time", label="label"))
        with indexed(truth, tables.access) as found:
            places = found.index.find(pa.array(["a", "b", "nobody"]))
            labels = found.index.take(places[places >= 0])["label"].to_pylist()
            return [len(found.index), places.tolist()[-1], *labels]

    assert label(START) == [2, -1, "old", "b"]
    assert label(START + dt.timedelta(microseconds=1)) == [3, -1, "new", "b"]
    assert label(START + dt.timedelta(days=1)) == [4, -1, "newest", "b"]


def test_no_actuals_yet_are_no_labels(tables: Tables) -> None:
    """G-09."""
    with indexed(Truth((tables.actuals_uri("churn"),), "delta"), tables.access) as found:
        assert not len(found.index)


def test_an_index_is_made_anew_and_follows_others(local: Tables, tmp_path: Path) -> None:
    """Another worker's commits are followed by the log; without a cache all is read."""
    other = Tables(local.root, local.access, tmp_path / "other cache")
    put(local, 1, batch_of("abc", [1, 2, 3]))
    put(other, 2, batch_of("cd", [3, 4]))
    put(local, 3, batch_of("de", [5, 5]))
    put(other, 4, batch_of("e", [6]))
    assert rows_in(local) == [("a", 1, 1, 1), ("b", 2, 1, 2), ("c", 3, 1, 3), ("d", 5, 3, 1), ("e", 6, 4, 1)]
    uri, fresh = local.inferences_uri("churn", "1"), Tables(local.root, local.access, tmp_path / "third")
    ways = [known_of(each, uri, opened(each, uri)) for each in (local, fresh)]
    found = [dict(zip(*_known(each), strict=True)) for each in ways]
    assert found[0] == found[1]
    assert len(found[0]) == 5


def _known(known: Any) -> tuple[list[int], list[tuple[int, int]]]:
    """Of each identity that is known its content and file, the newest run last."""
    first = [each for run in known.runs for each in run.rows.identities.first.tolist()]
    rows = [pair for run in known.runs for pair in zip(run.rows.content.tolist(), run.rows.file.tolist(), strict=True)]
    return first, rows


def test_an_index_outlives_what_others_removed(local: Tables, tmp_path: Path) -> None:
    """Files of commits that it did not follow were compacted and removed; files were replaced."""
    other = Tables(local.root, local.access, tmp_path / "other cache")
    uri, late = local.inferences_uri("churn", "1"), local.actuals_uri("churn")
    put(local, 1, batch_of("a", [1]))
    put(other, 2, batch_of("bc", [2, 3]))
    put(other, 3, batch_of("d", [4]))
    assert upkeep.compact(other, uri, least=2) == 3
    DeltaTable(uri).vacuum(0, dry_run=False, enforce_retention_duration=False)
    with inferences(local) as staged:
        assert staged.add(batch_of("abcde", [1, 2, 3, 4, 5]), 9).new.tolist() == [False] * 4 + [True]
    for number, (tables, label) in enumerate([(local, "old"), (other, "new"), (other, "gone"), (other, "other")]):
        with actuals(tables, START + dt.timedelta(hours=number)) as staged:
            staged.replace([2] if number == 3 else [])
            staged.add(labels_of("az" if number < 3 else "b", [label] * (2 if number < 3 else 1)), number)
            assert staged.commit("lane", 4 + number)
    for tables in (local, other):
        with actuals(tables) as staged:
            assert staged.add(labels_of("b", ["other"]), 9).repeated.all()
    with actuals(local) as staged:
        assert staged.add(labels_of("az", ["new", "old"]), 9).repeated.tolist() == [True, False]
    assert DeltaTable(late).to_pyarrow_table().num_rows == 5


def test_a_damaged_index_is_made_anew(local: Tables) -> None:
    """It is only a cache."""
    put(local, 1, batch_of("abc", [1, 2, 3]))
    for path in (local.cache / "known").rglob("*.run"):
        path.write_bytes(b"nonsense")
    put(local, 2, batch_of("cd", [3, 4]))
    assert [row[0] for row in rows_in(local)] == ["a", "b", "c", "d"]


def test_two_writers_of_one_batch(tables: Tables) -> None:
    """Of writers with the same number of a stream exactly one commits."""
    put(tables, 1, batch_of("a", [1]))
    stagings = [inferences(tables) for _ in range(4)]
    for staged in stagings:
        staged.add(batch_of("bc", [2, 3]), 2)
        staged.finish()
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda staged: staged.commit("lane", 2), stagings))
    for staged in stagings:
        staged.__exit__()
    assert sorted(done) == [False, False, False, True]
    assert [row[0] for row in rows_in(tables)] == ["a", "b", "c"]
    assert _data(tables) == _needed(tables)


def _data(tables: Tables) -> int:
    uri = tables.inferences_uri("churn", "1")
    return sum(each.uri.endswith(".parquet") for each in storage_for(uri, tables.access).list(uri + "/"))


def _needed(tables: Tables) -> int:
    uri = tables.inferences_uri("churn", "1")
    return len(opened(tables, uri).file_uris())


def test_two_streams_with_the_same_rows(tables: Tables) -> None:
    """ER-21: whoever comes second is told to do the batch again, and then finds the rows there."""
    one, two = inferences(tables), inferences(tables)
    with one, two:
        for staged in (one, two):
            staged.add(batch_of("bc", [2, 3]), 2)
        assert one.commit("one", 1)
        with pytest.raises(Conflict, match=r"another writer brought rows.*again"):
            two.commit("two", 1)
    with inferences(tables) as again:
        assert again.add(batch_of("bc", [2, 3]), 2).repeated.all()
        assert again.commit("two", 1)
    assert len(rows_in(tables)) == 2


def test_other_streams_do_no_harm(tables: Tables) -> None:
    """Many writers with their own rows: all come through, though each commit is tried against the others'."""

    def write(name: int) -> None:
        mine = Tables(tables.root, tables.access, tables.cache / str(name))
        for number in range(4):
            with inferences(mine) as staged:
                staged.add(batch_of([f"{name}-{number}"], [1]), number + 1)
                assert staged.commit(f"lane {name}", number + 1)

    put(tables, 1, batch_of("a", [1]))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(rows_in(tables)) == 17


def test_appends_and_changes_during_compaction(tables: Tables) -> None:
    """Neither is lost, and a row that was changed is not brought back by the compacted file."""
    for number in range(1, 13):
        put(tables, number, batch_of([number, "same"], [number, number]))
    stop = threading.Event()

    def compacting() -> int:
        done = 0
        while not stop.is_set():
            done += upkeep.compact(tables, tables.inferences_uri("churn", "1"), least=2)
        return done

    with ThreadPoolExecutor(1) as pool:
        files = pool.submit(compacting)
        for number in range(13, 33):
            put(tables, number, batch_of([number, "same"], [number, number]))
        stop.set()
        assert files.result() > 2
    assert rows_in(tables)[-1] == ("same", 32, 32, 2)
    assert sorted(row[0] for row in rows_in(tables)) == sorted([*map(str, range(1, 33)), "same"])


_CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_inferences import batch_of, inferences
from driftline.inferences.tables import Tables
from driftline.storage.access import Access

tables = Tables({root!r}, Access(), Path({cache!r}))
print("ready", flush=True)
for number in range({number}, 1000):
    with inferences(tables) as staged:
        ids = [*range(number * 5, number * 5 + 10), "same"]
        staged.add(batch_of(ids, [*range(10), number], hour=number % 50), number)
        staged.commit("lane", number)
    print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment(local: Tables, seed: int) -> None:
    """A process that is killed leaves all of a batch or nothing, and the next one goes on where it ended."""
    generator, number = np.random.default_rng(seed), 1
    for _ in range(3):
        number = _run_and_kill(local, number, float(generator.uniform(0.0, 0.35)))
    put(local, number, batch_of(["end"], [0]))
    ids = sorted(row[0] for row in rows_in(local))
    there = [str(each) for each in range(5, (number - 1) * 5 + 10)] if number > 1 else []
    assert ids == sorted([*there, *(["same"] if number > 1 else []), "end"])


def _run_and_kill(tables: Tables, number: int, seconds: float) -> int:
    """The number of the batch that a new process has to begin with."""
    tests = str(Path(__file__).parent)
    code = _CHILD.format(tests=tests, root=tables.root, cache=str(tables.cache), number=number)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
    uri = tables.inferences_uri("churn", "1")
    while committed(tables, uri, "lane", number):
        number += 1
    return number


def test_fields_that_come_later(tables: Tables) -> None:
    """ER-24: a new field adds a column, a whole number goes into a column of floats, another kind is refused."""
    put(tables, 1, batch_of("a", [1]))
    uri = tables.inferences_uri("churn", "1")
    wider = pa.schema([("x", pa.int64()), ("new", pa.int64()), ("nothing", pa.null())])
    with staging(tables, uri, wider, kind="inferences", ingested=START) as staged:
        batch = batch_of("ab", [1, 2]).drop_columns(["city"])
        batch = batch.set_column(3, "x", pa.array([1, 2], pa.int64())).append_column("new", pa.array([None, 7]))
        batch = batch.append_column("nothing", pa.nulls(2))
        done = staged.add(batch, 2)
        assert done.changed.tolist() == [True, False]  # the city has gone
        assert staged.commit("lane", 2)
    assert rows_in(tables) == [("a", 1.0, 2, 1), ("b", 2.0, 2, 2)]
    assert opened(tables, uri).schema().to_arrow().names[-2:] == ["city", "new"]
    with pytest.raises(SchemaMismatch, match=r"column 'x'.*double, the rows string"):
        staging(tables, uri, pa.schema([("x", pa.string())]), kind="inferences", ingested=START)
    with inferences(tables) as staged, pytest.raises(SchemaMismatch, match="column 'x'"):
        staged.add(batch_of("a", [1]).set_column(3, "x", pa.array(["none"])), 3)


def test_types_that_delta_lacks(local: Tables) -> None:
    """Unsigned and half numbers, nanoseconds, dictionaries, vectors; columns of nulls only."""
    values = {
        "unsigned": pa.array([1, None], pa.uint64()),
        "half": pa.array(np.array([0.5, 1.5], np.float16)),
        "when": pa.array([START, None], pa.timestamp("ns", "UTC")),
        "kind": pa.array(["a", None]).dictionary_encode(),
        "vector": pa.array([[1.0, 2.0], None], pa.list_(pa.float64(), 2)),
        "none": pa.nulls(2),
        "yes": pa.array([True, None]),
    }
    batch = pa.record_batch({**{n: batch_of("ab", [1, 2])[n] for n in ("_id", "_time", "_row")}, **values})
    uri = local.inferences_uri("odd", "1")
    for number in (1, 2):
        with staging(local, uri, batch.schema, kind="inferences", ingested=START) as staged:
            assert staged.add(batch, 1).repeated.tolist() == [number == 2] * 2
            assert staged.commit("lane", number)
    row = DeltaTable(uri).to_pyarrow_table().sort_by("_id").to_pylist()[0]
    assert [row[name] for name in values if name != "none"] == [1, 0.5, START, "a", [1.0, 2.0], True]
    assert stored_schema(batch.schema).field("half").type == pa.float32()


def test_rows_of_many_days_are_bounded_in_memory(local: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions that wait are written when together they are too large; files are cut at their size."""
    monkeypatch.setattr("driftline.inferences.pieces.WAITING_BYTES", 20_000)
    monkeypatch.setattr("driftline.inferences.pieces.FILE_BYTES", 6_000)
    with inferences(local) as staged:
        for part in range(20):
            ids = [f"{part}-{each}" for each in range(200)]
            batch = batch_of(ids, [float(each) for each in range(200)])
            hours = pa.array([START + dt.timedelta(hours=6 * each) for each in range(200)], pa.timestamp("us", "UTC"))
            staged.add(batch.set_column(1, "_time", hours), part)
            assert staged._pieces._waiting <= 20_000
        staged.add(batch_of([f"3-{each}" for each in range(50)], [0.5] * 50), 77)
        assert staged.commit("lane", 1)
    rows = rows_in(local)
    assert len(rows) == 4000
    assert sum(row[2] == 77 for row in rows) == 50
    assert _needed(local) == _data(local) > 50


def test_only_the_files_of_a_window_are_opened(tables: Tables) -> None:
    """By partitions and statistics; rows are right to the microsecond; ER-27."""
    for number in range(1, 12):
        put(tables, number, batch_of([f"{number}a", f"{number}b"], [1, 2], hour=6 * number + 0.5))
    uri = tables.inferences_uri("churn", "1")
    opened_: list[str] = []

    def opener(uri: str) -> BinaryIO:
        opened_.append(uri)
        return storage_for(uri, tables.access).open(uri)

    def rows(**settings: Any) -> list[Any]:
        options = ReadOptions(columns=("_id",), settings=settings, location=location_for(uri, tables.access))
        parts = Delta().split(uri, 0, opener, options)
        opened_.clear()
        batches = [each for part in parts for each in Delta().read(part, opener, options)]
        assert all(isinstance(each, pa.RecordBatch) and each.schema.names == ["_id"] for each in batches)
        return sorted(each for batch in batches for each in batch["_id"].to_pylist())  # type: ignore[index]

    since = START + dt.timedelta(hours=12, minutes=30)
    until = since + dt.timedelta(hours=6)
    assert rows(since=since.isoformat(), until=until.isoformat()) == ["2a", "2b"]
    assert len(opened_) == 1
    end = until + dt.timedelta(microseconds=1)
    assert rows(since=since + dt.timedelta(microseconds=1), until=end) == ["3a", "3b"]
    assert rows(since=since, until=until, where='{"x": 2}') == ["2b"]
    assert rows(where={"_file": 7, "_row": 2}) == ["7b"]
    assert len(opened_) == 1
    assert rows(since=since, until=until, where={"_environment": "training"}) == []
    assert not [each for each in opened_ if each.endswith(".parquet")]
    assert rows(where={"_batch": None}, until=START + dt.timedelta(hours=7)) == ["1a", "1b"]
    assert rows(as_of=(START - dt.timedelta(seconds=1)).isoformat()) == []
    with pytest.raises(SchemaMismatch, match="no such column"):
        rows(where={"town": 1})
    with pytest.raises(SchemaMismatch, match="not a time"):
        rows(since=since, time_column="x")
    with pytest.raises(Invalid, match="a time such as"):
        rows(since="yesterday")
    with pytest.raises(Invalid, match="columns with the value"):
        rows(where="x = 1")
    with pytest.raises(Invalid, match="a value of a column of double"):
        rows(where={"x": "much"})


def test_row_groups_of_a_window(local: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large file only the row groups of the window are parts."""
    monkeypatch.setattr("driftline.inferences.pieces.GROUP_ROWS", 100)
    monkeypatch.setattr("driftline.formats.delta.PART_BYTES", 10)
    with inferences(local) as staged:
        for hour in range(20):
            staged.add(batch_of([f"{hour}-{each}" for each in range(100)], [1.0] * 100, hour=hour), hour)
        staged.commit("lane", 1)
    uri = local.inferences_uri("churn", "1")
    since = START + dt.timedelta(hours=7)
    settings = {"since": since.isoformat(), "until": (since + dt.timedelta(hours=2)).isoformat()}
    parts = Delta().split(uri, 0, storage_for(uri, local.access).open, ReadOptions(settings=settings))
    assert [(part.start, part.stop) for part in parts] == [(7, 8), (8, 9)]


def test_retention_and_vacuum(tables: Tables) -> None:
    """Days that are too old go from the log, their files later."""
    for number in range(1, 5):
        put(tables, number, batch_of([number], [1], hour=24 * number))
    uri = tables.inferences_uri("churn", "1")
    assert upkeep.retain(tables, uri, START + dt.timedelta(days=3, hours=5)) == 2
    assert [row[0] for row in rows_in(tables)] == ["3", "4"]
    assert upkeep.retain(tables, uri, START) == 0
    with inferences(tables) as staged:
        assert staged.add(batch_of([1], [1], hour=24), 9).repeated.all()  # what is too old does not come back
    assert _data(tables) == 4
    assert upkeep.vacuum(tables, uri) == 0
    with pytest.raises(Invalid, match="at least 24"):
        upkeep.vacuum(tables, uri, hours=0)
    put(tables, 5, batch_of([5], [1], hour=24 * 5))
    assert upkeep.retain(tables, tables.inferences_uri("nobody", "1"), START) == 0
    told = [each.operation for each in upkeep.history(tables, uri)]
    assert told[0] == "import"
    assert "retain" in told


def test_a_subject_is_forgotten(tables: Tables) -> None:
    """All rows with these ids, the files they were in, and what the index knew of them."""
    put(tables, 1, batch_of(["a", "it's", "c"], [1, 2, 3], hour=5))
    with actuals(tables) as staged:
        staged.add(labels_of(["it's", "c"], ["1", "0"]), 2)
        staged.commit("lane", 2)
    before = opened(tables, tables.inferences_uri("churn", "1")).file_uris()
    done = upkeep.forget(tables, "churn", ["1", "2"], ["it's", "nobody"])
    assert done.rows == 2
    assert done.hours == {("1", "production", START + dt.timedelta(hours=5))}
    assert [row[0] for row in rows_in(tables)] == ["a", "c"]
    uri = tables.inferences_uri("churn", "1")
    there = {each.uri for each in storage_for(uri, tables.access).list(uri + "/")}
    assert not there & set(before)
    for name in [each for each in there if "_delta_log" in each]:
        with storage_for(uri, tables.access).open(name) as stream:
            assert b"it's" not in stream.read().replace(b"_id = 'it''s'", b"")
    with inferences(tables) as staged:
        assert staged.add(batch_of(["it's"], [2]), 3).new.all()


def test_the_history_tells_what_was_said(tables: Tables) -> None:
    """Which batch of which stream each version is, and time travel to it."""
    with inferences(tables) as staged:
        staged.add(batch_of("ab", [1, 2]), 1)
        staged.commit("lane", 1, {"files": [1]})
    put(tables, 2, batch_of("b", [3]))
    uri = tables.inferences_uri("churn", "1")
    first = upkeep.history(tables, uri)[-2]
    assert (first.operation, first.said["number"], first.said["told"]) == ("import", 1, {"files": [1]})
    then = opened(tables, uri, first.version).to_pyarrow_table(columns=["_id", "x"]).to_pylist()
    assert sorted(row["x"] for row in then) == [1, 2]


class _Careless(http.server.BaseHTTPRequestHandler):
    """A store that takes everything, whatever the conditions."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_DELETE = do_PUT

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def careless() -> Iterator[str]:
    """The endpoint of a store that loses commits."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Careless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_store_without_conditional_writes_is_refused(
    careless: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: Server
) -> None:
    """Two writers there would lose rows."""
    use(monkeypatch, {**s3.environment(), "AWS_ENDPOINT_URL_S3": careless})
    with pytest.raises(Conflict, match=r"If-None-Match.*conditional writes"):
        refuse_careless(Tables("s3://bucket/tables", Access(), tmp_path))


def test_any_name_is_safe(local: Tables) -> None:
    """Of a model or version, however odd; no two are one."""
    names = ["a b", "a/b", "a%2Fb", "..", ".", "ü" * 300, "ü" * 301, "a~2Fb", "con:1", "'", 'x"y']
    assert len({name_of(name) for name in names}) == len(names)
    for name in names[:6]:
        uri = local.inferences_uri(name, name)
        with staging(local, uri, SCHEMA, kind="inferences", ingested=START) as staged:
            staged.add(batch_of("a", [1]), 1)
            assert staged.commit("lane", 1)
        assert rows_in(local, uri) == [("a", 1, 1, 1)]


def test_what_is_not_committed_leaves_nothing(tables: Tables) -> None:
    """No file, and no row."""
    put(tables, 1, batch_of("a", [1]))
    with inferences(tables) as staged:
        staged.add(batch_of("ab", [2, 2]), 2)
        staged.finish()
        assert _data(tables) > 1
    assert _data(tables) == 1
    assert not list((tables.cache / "staged").iterdir())
    with inferences(tables) as staged:
        staged.add(batch_of("ab", [2, 2]), 2)
    assert _data(tables) == 1


def test_an_empty_batch_is_noted(tables: Tables) -> None:
    """All rows were repeated, yet the batch has been done."""
    put(tables, 1, batch_of("a", [1]))
    put(tables, 2, batch_of("a", [1]))
    assert committed(tables, tables.inferences_uri("churn", "1"), "lane", 2)
    assert json.dumps([row[2] for row in rows_in(tables)]) == "[1]"


PAGE = Path(__file__).parents[2] / "docs" / "howto" / "tables.md"


def _snippets() -> dict[str, str]:
    """The snippets of the page, by the heading above each."""
    text = PAGE.read_text(encoding="utf-8")
    sections = text.split("\n## ")[1:]
    return {
        section.splitlines()[0]: section.split("```")[1].removeprefix("python\n")
        for section in sections
        if "```" in section
    }


@pytest.mark.parametrize("heading", ["polars", "DuckDB", "Spark", "Earlier versions"])
def test_other_tools_read_the_tables(
    heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word as the page has it."""
    if heading == "Spark":
        pytest.importorskip("pyspark", reason="pyspark is not installed")
    monkeypatch.chdir(tmp_path)
    tables = Tables("tables", Access(), tmp_path / "cache")
    put(tables, 1, batch_of("ab", [1.5, 2]))
    put(tables, 2, batch_of("b", [2.5], hour=30))
    for number, labels in enumerate((["no", "no"], ["yes", "no"])):
        with actuals(tables, START + dt.timedelta(days=number)) as staged:
            staged.add(labels_of("ab", labels), 3 + number)
            assert staged.commit("lane", 3 + number)
    exec(compile(_snippets()[heading], str(PAGE), "exec"), {})
    told = capsys.readouterr().out
    expected = {"polars": "1.5", "DuckDB": '"yes"', "Spark": "2026-01-02", "Earlier versions": '"number": 2'}
    assert expected[heading] in told
    if heading == "Earlier versions":
        assert told.rstrip().endswith("2")
