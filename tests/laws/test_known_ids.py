"""Whatever comes in whatever order, a table has of each id the row that counts, and its index knows exactly that."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from driftline.inferences import upkeep
from driftline.inferences.hashes import Identities, contents, identities
from driftline.inferences.known import load, rows_of
from driftline.inferences.sorting import Before, sort_out
from driftline.inferences.staging import staging
from driftline.inferences.tables import Tables
from driftline.storage.access import Access

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SCHEMA = pa.schema([("x", pa.int64())])

ROWS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.integers(0, 60)), max_size=8)
"""Id, value and hour of each row of a batch."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["batch", "batch", "rewritten"]), st.lists(ROWS, min_size=1, max_size=3)),
        st.tuples(st.sampled_from(["compact", "without cache", "other worker"]), st.just([])),
    ),
    max_size=7,
)


def batch_of(rows: list[tuple[int, int, int]]) -> pa.RecordBatch:
    """The rows as they are staged."""
    return pa.record_batch(
        {
            "_id": pa.array([str(row[0]) for row in rows], pa.string()),
            "_time": pa.array([START + dt.timedelta(hours=row[2]) for row in rows], pa.timestamp("us", "UTC")),
            "_row": pa.array(range(1, len(rows) + 1), pa.int64()),
            "x": pa.array([row[1] for row in rows], pa.int64()),
        }
    )


def _counting(rows: list[tuple[int, int, int]], way: str) -> dict[str, tuple[int, int]]:
    """Of the rows of each id of a batch the one that counts."""
    return {str(row[0]): row[1:] for row in (rows if way == "last" else reversed(rows))}


@example([("batch", [[(1, 1, 1)]]), ("batch", [[(1, 2, 1)]]), ("rewritten", [[(1, 1, 1)]])], "last")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, st.sampled_from(["first", "last"]))
def test_a_table_is_what_a_dict_would_be(steps: list[tuple[str, list[list[tuple[int, int, int]]]]], way: str) -> None:
    """ER-21: across batches, files of a batch and rows of a file; with compaction, lost caches and other workers."""
    with tempfile.TemporaryDirectory() as folder:
        tables = Tables(f"{folder}/tables", Access(), Path(folder, "cache"))
        uri, expected, number, kept = tables.inferences_uri("m", "1"), dict[str, tuple[int, int, int]](), 0, 0
        for name, files in steps:
            if name == "compact":
                upkeep.compact(tables, uri, least=2)
            elif name == "without cache":
                shutil.rmtree(tables.cache, ignore_errors=True)
            elif name == "other worker":
                tables = Tables(tables.root, Access(), Path(folder, "cache of another"))
            else:
                number += 1
                with staging(tables, uri, SCHEMA, kind="inferences", ingested=START, duplicates=way) as staged:
                    if name == "rewritten":  # the first file of the batch before, by the first of this one
                        staged.replace([(number - 1) * 10])
                        expected = {each: row for each, row in expected.items() if row[2] != (number - 1) * 10}
                    for place, rows in enumerate(files):
                        done = staged.add(batch_of(rows), number * 10 + place)
                        kept += int(done.kept.sum())
                        assert (done.new.astype(int) + done.repeated + done.changed == 1).all()
                        for each, row in _counting(rows, way).items():
                            before = expected.get(each)
                            if before is None or (way == "last" and before[:2] != row):
                                expected[each] = (*row, number * 10 + place)
                    assert staged.commit("lane", number)
                    kept -= sum(staged.superseded.values())
        if number:
            table = DeltaTable(uri).to_pyarrow_table(columns=["_id", "x", "_time", "_file"]).to_pylist()
            hours = [(row["_time"] - START) // dt.timedelta(hours=1) for row in table]
            found = {row["_id"]: (row["x"], hour) for row, hour in zip(table, hours, strict=True)}
            assert found == {each: row[:2] for each, row in expected.items()}
            assert len(table) == len(found) == kept


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 9)), max_size=40), max_size=12)
)
def test_an_index_finds_what_was_added_last(batches: list[list[tuple[int, int, int]]]) -> None:
    """Identities of few hashes, so that many share the first one; after it was loaded again, too."""
    with tempfile.TemporaryDirectory() as folder:
        known, expected = load(Path(folder)), dict[tuple[int, int], tuple[int, int]]()
        for number, rows in enumerate(batches):
            who = _who([(first, second) for first, second, _ in rows])
            content = np.array([each for _, _, each in rows], np.uint64)
            known.add(rows_of(who, content, np.zeros(len(rows), np.int32), "training", number))
            expected |= {(first, second): (each, number) for first, second, each in rows}
            known.keep(number, "table")
        asked = [(first, second) for first in range(31) for second in range(4)]
        for each in (known, load(Path(folder))):
            mask, rows_ = each.find(_who(asked))
            there = [pair for pair, is_there in zip(asked, mask.tolist(), strict=True) if is_there]
            told = dict(zip(there, zip(rows_.content.tolist(), rows_.file.tolist(), strict=True), strict=True))
            assert told == expected
        assert len(known.runs) <= 2 + np.log2(1 + sum(map(len, batches)))


def _who(pairs: list[tuple[int, int]]) -> Identities:
    first, second = ([pair[place] for pair in pairs] for place in (0, 1))
    return Identities(np.array(first, np.uint64), np.array(second, np.uint64))


def test_runs_are_merged_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece of a merge is cut at the same hashes in both runs."""
    monkeypatch.setattr("driftline.inferences.known._STEP", 64)
    generator = np.random.default_rng(3)
    known, seen = load(tmp_path), dict[int, int]()
    for number in range(20):
        first = generator.integers(0, 3000, 500, dtype=np.uint64)
        who = Identities(first, first)
        known.add(rows_of(who, np.full(500, number, np.uint64), np.zeros(500, np.int32), "training", number))
        seen |= dict.fromkeys(first.tolist(), number)
    asked = np.arange(3000, dtype=np.uint64)
    for gone in (frozenset({19}), frozenset({19, 3}), frozenset[int]()):
        known.gone = gone
        mask, rows = known.find(Identities(asked, asked))
        left = {each: number for each, number in seen.items() if number not in gone}
        assert dict(zip(asked[mask].tolist(), rows.content.tolist(), strict=True)) == left


def test_rows_of_files_that_went_do_not_uncover_older_ones(tmp_path: Path) -> None:
    """Whenever runs are merged."""
    who, known = Identities(np.array([7], np.uint64), np.array([7], np.uint64)), load(tmp_path)
    for number, size in enumerate((1000, 300, 100, 30, 10, 3)):
        first = np.arange(size, dtype=np.uint64)
        known.add(rows_of(Identities(first, first), first, np.zeros(size, np.int32), "training", number))
    known.gone = frozenset({4})
    for _ in range(9):
        other = Identities(np.array([5000], np.uint64), np.array([1], np.uint64))
        known.add(rows_of(other, np.zeros(1, np.uint64), np.zeros(1, np.int32), "training", 9))
        assert not known.find(who)[0].any()


TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(["", "\0", "\0\0", "12345678", "123456789", "é" * 8]))


@given(st.lists(TEXTS, max_size=60))
def test_ids_and_their_hashes_are_one_to_one(texts: list[str]) -> None:
    """Whatever the texts beside them, and however they are encoded."""
    for made in (pa.array(texts, pa.string()), pa.array(texts, pa.string()).dictionary_encode()):
        who = identities(made, None, "production")
        pairs = dict(zip(texts, zip(who.first.tolist(), who.second.tolist(), strict=True), strict=True))
        assert len(set(pairs.values())) == len(set(texts))
        for text, pair in pairs.items():
            alone = identities(pa.array([text]), pa.nulls(1, pa.string()), "production")
            assert (alone.first[0], alone.second[0]) == pair


@given(st.lists(st.tuples(TEXTS, st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-5, 5))), max_size=30))
def test_contents_are_equal_where_values_are(rows: list[tuple[str, float | None]]) -> None:
    """-0.0 is 0.0; a column that is null does not count."""
    texts, numbers = ([row[place] for row in rows] for place in (0, 1))
    batch = pa.record_batch({"a": pa.array(texts, pa.string()), "b": pa.array(numbers, pa.float64())})
    hashes = contents(batch, ["a", "b"]).tolist()
    assert hashes == contents(batch, ["b", "a"]).tolist()
    known = dict(zip(rows, hashes, strict=True))
    assert len(set(known.values())) == len(known)
    vectors = pa.array([None if value is None else [value, 1.0] for _, value in rows], pa.list_(pa.float64()))
    listed = contents(pa.record_batch({"v": vectors}), ["v"]).tolist()
    assert len(set(listed)) == len({value for _, value in rows})


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=12),
    st.dictionaries(st.integers(0, 4), st.integers(0, 3)),
)
def test_every_row_that_differs_from_the_one_before(rows: list[tuple[int, int]], before: dict[int, int]) -> None:
    """G-08: what is kept of actuals, against doing it row by row."""
    ids = np.array([row[0] for row in rows], np.uint64)
    content = np.array([row[1] for row in rows], np.uint64)
    known = np.array([row[0] in before for row in rows], np.bool_)
    was = np.array([before.get(row[0], 0) for row in rows], np.uint64)
    done = sort_out(Identities(ids, ids), content, Before(known, was), "every")
    last = dict(before)
    for place, (each, value) in enumerate(rows):
        assert done.kept[place] == (last.get(each) != value)
        assert done.new[place] == (each not in last)
        last[each] = value
