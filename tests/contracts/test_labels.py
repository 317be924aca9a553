"""Labels joined to predictions: by id or time, late, repeated, corrected, unknown, missing; rows G-01 to G-11."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truths import call, truth, write

from driftline.errors import SchemaMismatch
from driftline.formats.format import ReadOptions
from driftline.labels.beside import beside, covered
from driftline.labels.coverage import Coverage
from driftline.labels.index import FIELDS, Gathering, Index
from driftline.labels.join import Join
from driftline.labels.keys import Keys
from driftline.labels.truth import Truth, fingerprint, indexed
from driftline.profile.hashing import hash_texts
from driftline.sources import read, resolve
from driftline.storage.access import Access
from driftline.window import Window

HOUR = "2026/01/02/03"
Row = tuple[str | None, int | None, str | None]


def batch(ids: Sequence[str | None], **more: Sequence[Any]) -> pa.RecordBatch:
    """Predictions with these ids."""
    return pa.record_batch({"inference_id": pa.array(ids, pa.string()), **more})


def join(truth: Truth, predictions: Sequence[pa.RecordBatch], **settings: Any) -> tuple[list[dict[str, Any]], Coverage]:
    """The joined rows, and what was found."""
    inner = settings.pop("inner", False)
    keep = settings.pop("keep", True)
    with indexed(truth, Access()) as found:
        joining = Join(found.index, **settings)
        items = list(joining.joined(predictions, inner=inner, keep=keep))
        return [row for item in items if isinstance(item, pa.RecordBatch) for row in item.to_pylist()], joining.coverage


def labels(rows: list[dict[str, Any]]) -> list[Any]:
    """What the rows got."""
    return [row["ground_truth"] for row in rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where labels lie."""
    return tmp_path / "truth"


def of(folder: Path, **more: Any) -> Truth:
    """All labels of a folder."""
    return Truth((str(folder),), **more)


def test_the_last_label_wins_and_the_others_are_kept(folder: Path) -> None:
    """G-02, G-08: by the hour of collection, then by the order of the files and lines."""
    write(folder / "2026/01/02/10/a.jsonl", [truth("a", "late"), truth("b", "1"), truth("b", "2")])
    write(folder / "2026/01/02/09/b.jsonl", [truth("a", "early"), truth("c", "x")])
    write(folder / "2026/01/02/10/b.jsonl", [truth("b", "3"), truth("c", "x")])
    rows, coverage = join(of(folder), [batch(["a", "b", "c", "d"])])
    assert labels(rows) == ["late", "3", "x", None]
    assert (coverage.labels, coverage.corrected, coverage.repeated) == (7, 3, 1)
    assert (coverage.predictions, coverage.labelled, coverage.unknown) == (4, 3, 0)
    with indexed(of(folder), Access()) as found:
        assert found.index.history("b") == ("1", "2", "3")
        assert found.index.history("a") == ("early", "late")
        assert found.index.history("nobody") == ()


def test_an_empty_label_takes_nothing_back(folder: Path) -> None:
    """G-08: a label that is not known yet is none."""
    write(folder / HOUR / "a.jsonl", [truth("a", "1"), truth("a", ""), truth("b", "")])
    rows, coverage = join(of(folder), [batch(["a", "b"])])
    assert labels(rows) == ["1", None]
    assert (coverage.empty, coverage.labelled, coverage.corrected) == (2, 1, 0)


def test_ids_that_are_unknown_or_come_twice(folder: Path) -> None:
    """G-07: the window has one of three labels; a prediction that was written twice gets its label twice, and told."""
    write(folder / HOUR / "a.jsonl", [truth(each, "1") for each in ("a", "other", "window")])
    rows, coverage = join(of(folder), [batch(["a", "b"]), batch(["a", None])])
    assert labels(rows) == ["1", None, "1", None]
    assert (coverage.unknown, coverage.shared, coverage.ratio) == (2, 1, 0.5)
    (problem,) = coverage.problems("s3://b/capture")
    assert problem.uri == "s3://b/capture"
    assert "1 predictions have an id that an earlier one has" in problem.reason


def test_no_labels_yet_is_an_outcome(folder: Path) -> None:
    """G-09: nothing there, an empty folder, an empty file, no label for these predictions: never a failure."""
    folder.mkdir()
    empty = write(folder / "empty.jsonl", [])
    other = write(folder / HOUR / "a.jsonl", [truth("other", "1")])
    for place in (folder / "nowhere", empty, other, folder):
        rows, coverage = join(of(place), [batch(["a", "b"])])
        assert labels(rows) == [None, None]
        assert coverage.is_none_yet
        assert coverage.said().startswith("No ground truth yet: none of the 2 predictions has a label.")
    rows, coverage = join(of(other), [])
    assert (rows, coverage.predictions) == ([], 0)
    assert np.isnan(coverage.ratio)


def test_a_window_is_looked_at_again_when_labels_come(folder: Path) -> None:
    """G-10: the fingerprint changes with every object."""
    seen = [fingerprint([str(folder)], Access())]
    for place in range(3):
        write(folder / HOUR / f"{place}.jsonl", [truth("a", place)])
        seen.append(fingerprint([str(folder)], Access()))
    write(folder / HOUR / "0.jsonl", [truth("a", "longer")])
    seen.append(fingerprint([str(folder)], Access()))
    assert seen[0] == ""
    assert len(set(seen)) == 5
    assert fingerprint([str(folder), str(folder / HOUR / "*.jsonl")], Access()) == seen[-1]
    assert fingerprint([str(folder / "*/01/02/03/1.jsonl")], Access()) not in seen


def test_early_and_late_labels(folder: Path) -> None:
    """G-02, G-06: the hour of collection is neither that of the prediction nor within the window."""
    for hour, identity in (("02", "early"), ("03", "same"), ("05", "late")):
        write(folder / f"2026/01/02/{hour}/a.jsonl", [truth(identity, "1")])
    moments = ["2026-01-02T03:04:05Z"] * 3
    window = Window(datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 1, 2, 4, tzinfo=UTC))
    predictions = [batch(["early", "same", "late"], inference_time=moments)]
    rows, coverage = join(of(folder), predictions, window=window)
    assert labels(rows) == ["1", "1", "1"]
    assert (coverage.early, coverage.late) == (1, 1)


def tables(folder: Path) -> list[Path]:
    """The same labels as CSV, Parquet and Avro."""
    import fastavro

    folder.mkdir(exist_ok=True)
    rows = {
        "inference_id": ["a", "b", None],
        "timestamp": ["2026-01-02T03:00:00Z", None, "2026-01-02T03:00:02Z"],
        "ground_truth_value": [1.5, 2.0, 3.0],
    }
    table = pa.table(rows)
    pyarrow.parquet.write_table(table, folder / "labels.parquet")
    (folder / "labels.csv").write_text(
        "inference_id,timestamp,ground_truth_value\na,2026-01-02T03:00:00Z,1.5\nb,,2\n,2026-01-02T03:00:02Z,3\n"
    )
    fields = [{"name": name, "type": ["null", "string"]} for name in ("inference_id", "timestamp")]
    schema = {
        "type": "record",
        "name": "label",
        "fields": [*fields, {"name": "ground_truth_value", "type": "double"}],
    }
    with (folder / "labels.avro").open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema), table.to_pylist())
    return [folder / f"labels.{kind}" for kind in ("parquet", "csv", "avro")]


def test_tables_of_labels(folder: Path) -> None:
    """G-03: by id, or by time where there is none."""
    moments = pa.array([0, 0, 2_000_000, 2_000_000], pa.timestamp("us")).cast(pa.int64())
    start = int(datetime(2026, 1, 2, 3, tzinfo=UTC).timestamp()) * 1_000_000
    times = pa.array([start + each.as_py() for each in moments], pa.timestamp("us", "UTC"))
    for path in tables(folder):
        predictions = [batch(["a", "b", None, "x"], inference_time=times)]
        rows, coverage = join(of(path), predictions)
        assert [float(each) for each in labels(rows)] == [1.5, 2.0, 3.0, 3.0], path
        assert (coverage.labels, coverage.unknown, coverage.shared) == (3, 0, 1)
        rows, _ = join(of(path, keys=Keys(by_time=True)), [batch(["b"], timestamp=["2026-01-02T04:00:00+01:00"])])
        assert labels(rows) == ["1.5"]


def test_moments_only(folder: Path) -> None:
    """G-03: neither side has an id; seconds since 1970 are moments too."""
    write(folder / "labels.csv", ["timestamp,ground_truth_label", "2026-01-02T03:00:00Z,yes", "x,no"])
    start = int(datetime(2026, 1, 2, 3, tzinfo=UTC).timestamp())
    for times in ([start, start + 1], [float(start), None], [f"{datetime(2026, 1, 2, 3):%Y-%m-%d %H:%M:%S}", ""]):
        rows, coverage = join(of(folder), [pa.record_batch({"timestamp": times, "p": [1, 2]})])
        assert labels(rows) == ["yes", None]
        assert coverage.empty == 1


def test_numbers_as_ids(folder: Path) -> None:
    """G-03: an id is the same whether it is a text or a number."""
    write(folder / "labels.csv", ["inference_id,ground_truth_label", "17,yes", "18,no"])
    for ids in (
        pa.array([17, 18, 19]),
        pa.array([17.0, 18.0, None]),
        pa.array(["17", "18", "017"]).dictionary_encode(),
    ):
        rows, _ = join(of(folder), [pa.record_batch({"inference_id": ids})])
        assert labels(rows) == ["yes", "no", None]


def test_columns_of_other_names(folder: Path) -> None:
    """G-03: named by the user; what is missing is told with the names there are."""
    write(folder / "labels.csv", ["order,outcome", "a,1"])
    truths = of(folder, keys=Keys(id="order", label="outcome"))
    rows, _ = join(truths, [pa.record_batch({"order_id": ["a", "b"]})], keys=Keys(id="order_id"))
    assert labels(rows) == ["1", None]
    with pytest.raises(SchemaMismatch, match=r"'ground_truth'.*'order', 'outcome'.*ground_truth_label"):
        join(of(folder), [])
    with pytest.raises(SchemaMismatch, match=r"'inference_id': the labels have no column.*'order', 'outcome'"):
        join(of(folder, keys=Keys(label="outcome")), [])
    with pytest.raises(SchemaMismatch, match=r"'inference_id': the predictions have no column.*'p'"):
        join(truths, [pa.record_batch({"p": [1]})])


def test_labels_that_are_objects(folder: Path) -> None:
    """G-01: their members are columns, beside those of the predictions."""
    write(folder / HOUR / "a.jsonl", [truth("a", '{"y": 1, "p": 2}', "JSON"), truth("b", '{"y": 0}', "JSON")])
    rows, _ = join(of(folder), [batch(["a", "b", "c"], p=[5, 6, 7])])
    assert [{name: row[name] for name in ("p", "y", "ground_truth.p")} for row in rows] == [
        {"p": 5, "y": "1", "ground_truth.p": "2"},
        {"p": 6, "y": "0", "ground_truth.p": None},
        {"p": 7, "y": None, "ground_truth.p": None},
    ]
    assert labels(rows) == ['{"y": 1, "p": 2}', "0", None]


def test_only_labelled_rows(folder: Path) -> None:
    """G-07: the inner join of SageMaker; coverage counts all."""
    write(folder / HOUR / "a.jsonl", [truth("b", "1"), truth("d", "0")])
    rows, coverage = join(of(folder), [batch(["a", "b", "c", "d"], p=[1, 2, 3, 4])], inner=True, keep=False)
    assert rows == [{"p": 2, "ground_truth": "1"}, {"p": 4, "ground_truth": "0"}]
    assert (coverage.predictions, coverage.labelled) == (4, 2)


def test_captured_calls(tmp_path: Path, folder: Path) -> None:
    """G-01: the caller's id, else the event's; calls of several rows with their places."""
    lines = [call("a", "0.1"), call(None, "0.2", event="e"), call("m", "0.3\n0.4", "1,2\n3,4")]
    path = write(tmp_path / "capture.jsonl", lines)
    write(folder / HOUR / "a.jsonl", [truth("a", "1"), truth("e", "2"), truth("m", "3\n4"), truth("event-a", "5")])
    source = resolve([str(path)], Access(), options=ReadOptions(settings={"metadata": True}))
    with indexed(of(folder), Access()) as found:
        joining = Join(found.index)
        items = [item for task in source.tasks for item in joining.joined(read(task, source))]
    rows = [row for item in items if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]
    assert [(row["_c0"], row["ground_truth"]) for row in rows] == [
        ("0.1", "1"),
        ("0.2", "2"),
        ("0.3", "3"),
        ("0.4", "4"),
    ]
    assert list(rows[0]) == ["_c0", "_c1", "_c2", "ground_truth"]
    assert joining.coverage.unknown == 1


IDS = st.one_of(st.none(), st.sampled_from([f"id-{place}" for place in range(12)] + ["", "é", "x" * 40]))
LABELS = st.lists(
    st.tuples(IDS, st.one_of(st.none(), st.integers(0, 3)), st.one_of(st.none(), st.sampled_from("012"))), max_size=40
)


def index_of(rows: Sequence[Row], folder: Path, in_memory: int, size: int) -> Index:
    """The labels, added `size` at a time."""
    gathering = Gathering(folder, in_memory)
    for at in range(0, len(rows), size):
        columns = zip(*((*row, False) for row in rows[at : at + size]), strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, FIELDS, strict=True)]
        gathering.add(pa.RecordBatch.from_arrays(arrays, schema=FIELDS))
    return gathering.index()


@given(LABELS, st.lists(IDS, max_size=30), st.sampled_from([1, 3, 1_000]), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_the_join_is_that_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], ids: list[str | None], in_memory: int, size: int
) -> None:
    """G-06, G-08: whether labels fit into memory or not, and however they come."""
    known: dict[str, list[str]] = {}
    for identity, _, label in sorted(rows, key=lambda row: -1 if row[1] is None else row[1]):
        if identity is not None and label is not None:
            known.setdefault(identity, []).append(label)
    index = index_of(rows, tmp_path_factory.mktemp("labels"), in_memory, size)
    join = Join(index)
    found = []
    for at in range(0, len(ids), size):
        for item in join.joined([batch(ids[at : at + size])]):
            assert isinstance(item, pa.RecordBatch)
            found += item["ground_truth"].to_pylist()
    asked = [None if identity in (None, "") else identity for identity in ids]
    assert found == [known[each][-1] if each in known else None for each in asked]
    pairs = [pair for each in known.values() for pair in pairwise(each)]
    hits = [each for each in asked if each in known]
    assert join.coverage == Coverage(
        predictions=len(ids),
        labelled=len(hits),
        labels=len(rows),
        repeated=sum(before == after for before, after in pairs),
        corrected=sum(before != after for before, after in pairs),
        empty=len(rows) - sum(map(len, known.values())),
        unknown=len(known.keys() - set(hits)),
        shared=len(hits) - len(set(hits)),
    )
    for identity, history in known.items():
        assert index.history(identity) == tuple(history)


def test_ids_of_one_hash(tmp_path: Path) -> None:
    """G-01: texts decide, not their hashes; found by searching the mix backwards for two texts of one hash."""
    first, second = colliding()
    assert len(set(hash_texts(pa.array([first, second])).tolist())) == 1
    rows: list[Row] = [(first, None, "1"), (second, None, "2"), (first, None, "3")]
    for order in (rows, [rows[1], rows[0], rows[2]]):
        index = index_of(order, tmp_path, 1_000, 10)
        found = index.find(pa.array([first, second, first]))
        assert index.take(found)["label"].to_pylist() == ["3", "2", "3"]
        assert (index.counts().corrected, index.counts().unknown) == (1, 2)
        assert index.history(first) == ("1", "3")


def colliding() -> tuple[str, str]:
    """Two texts of sixteen bytes with one hash: the second word makes up for the difference of the first."""
    from driftline.profile import hashing

    random = np.random.default_rng(0)
    size = (np.array([17], np.uint64)) * hashing._SEED
    first = np.frombuffer(b"abcdefgh", np.uint64)
    state = hashing._mix(size ^ first)
    while True:
        other = random.integers(97, 123, 8, dtype=np.uint8).tobytes()
        difference = state ^ hashing._mix(size ^ np.frombuffer(other, np.uint64))
        ending = random.integers(32, 127, (4096, 8), dtype=np.uint8).view(np.uint64)[:, 0]
        twins = ending ^ difference[0]
        plain = np.all(twins[:, None].view(np.uint8).reshape(-1, 8) < 128, axis=1)
        if plain.any():
            at = int(np.flatnonzero(plain)[0])
            return (
                (b"abcdefgh" + twins[at : at + 1].tobytes()).decode(),
                (other + ending[at : at + 1].tobytes()).decode(),
            )


def test_many_threads_count_alike(tmp_path: Path) -> None:
    """G-07: tasks are read at the same time."""
    rows: list[Row] = [(f"id-{place}", 0, str(place)) for place in range(10_000)]
    index = index_of(rows, tmp_path, 1_000, 1_000)
    join = Join(index)
    random = np.random.default_rng(1)
    batches = [batch([f"id-{place}" for place in random.integers(0, 20_000, 500)]) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: next(join.joined([each])), batches))
    for asked, answer in zip(batches, found, strict=True):
        assert isinstance(answer, pa.RecordBatch)
        for identity, label in zip(asked["inference_id"].to_pylist(), answer["ground_truth"].to_pylist(), strict=True):
            number = int(identity.removeprefix("id-"))
            assert label == (str(number) if number < 10_000 else None)
    asked_ids = [each for one in batches for each in one["inference_id"].to_pylist() if int(each[3:]) < 10_000]
    coverage = join.coverage
    assert coverage.labelled == len(asked_ids)
    assert coverage.shared == len(asked_ids) - len(set(asked_ids))
    assert coverage.unknown == 10_000 - len(set(asked_ids))


def test_coverage_is_a_plain_value() -> None:
    """G-07: as JSON has it; nothing of nothing is no share."""
    found = Coverage(4, 3, labels=3)
    assert json.loads(json.dumps(found.to_dict()))["ratio"] == 0.75
    assert Coverage().to_dict()["ratio"] is None
    assert "almost 100 %" in Coverage(1_000_000, 999_999, labels=1).said()


def test_labels_in_the_order_of_the_predictions(folder: Path) -> None:
    """MQ-06, BL-07: a file with a label for each row, however both are cut; uneven ones are refused."""
    predictions = [pa.record_batch({"p": range(start, start + 3)}) for start in (0, 3, 6)]
    for sizes in ([9], [1] * 9, [4, 5], [2, 7]):
        ends = [0, *np.cumsum(sizes).tolist()]
        labels_ = [pa.record_batch({"y": [f"{at}" for at in range(low, high)]}) for low, high in pairwise(ends)]
        found = [item for item in beside(predictions, labels_) if isinstance(item, pa.RecordBatch)]
        assert [row for each in found for row in each.to_pylist()] == [
            {"p": at, "ground_truth": str(at)} for at in range(9)
        ]
        with pytest.raises(SchemaMismatch, match="there are 6 predictions and more labels"):
            list(beside(predictions[:2], labels_))
        with pytest.raises(SchemaMismatch, match="there are 9 labels and more predictions"):
            list(beside([*predictions, predictions[0]], labels_))
    two = pa.record_batch({"id": [1], "ground_truth_label": [True]})
    (only,) = beside([pa.record_batch({"ground_truth": ["old"]})], [two])
    assert isinstance(only, pa.RecordBatch)
    assert only.to_pylist() == [{"ground_truth": "true"}]


def test_labels_in_the_rows_of_the_predictions() -> None:
    """G-07, BL-07: nothing is to be joined, and coverage is counted alike."""
    rows = pa.record_batch({"p": [1, 2, 3, 4], "y": pa.array([1.0, float("nan"), None, 0.0])})
    assert covered(rows, "y") == Coverage(4, 2, labels=2)
    with pytest.raises(SchemaMismatch):
        covered(rows, "z")
