"""The merge job: captured calls with ground truth, where and as SageMaker writes them; rows G-01, G-09 to G-11."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from binaries import local
from hypothesis import given, settings
from hypothesis import strategies as st
from s3 import Server, use
from truths import MERGED, TRUTH, call, truth, write

import driftline
from driftline.errors import NotFound
from driftline.formats.format import Part, ReadOptions
from driftline.formats.merged import Merged as MergedRecords
from driftline.labels.merge import Merged, Merging, merge
from driftline.labels.truth import Truth, fingerprint
from driftline.storage.access import Access
from driftline.storage.storages import storage_for
from driftline.window import Window

HOUR = "2026/01/02/03"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Holds `capture`, `truth` and `merge`."""
    return tmp_path


def merged(place: Path, **more: Any) -> Merged:
    """The merge of all captures with all labels."""
    truths = Truth((str(place / "truth"),), **more.pop("truth", {}))
    return merge(Merging((str(place / "capture"),), truths, str(place / "merge"), **more), Access())


def records(found: Merged) -> list[dict[str, Any]]:
    """What was written."""
    return [json.loads(line) for uri in found.written for line in Path(uri).read_text().split("\n")[:-1]]


def labels(found: Merged) -> dict[str, str]:
    """The labels that were written, by id."""
    return {
        each["eventMetadata"].get("inferenceId") or each["eventMetadata"]["eventId"]: each["groundTruthData"]["data"]
        for each in records(found)
    }


def test_the_record_of_the_reference(place: Path) -> None:
    """G-11: byte for byte, and where SageMaker puts it."""
    record = json.loads(MERGED)
    del record["groundTruthData"]
    write(place / "capture/churn/AllTraffic/2024/05/06/07/08-09-000-x.jsonl", [json.dumps(record)])
    write(place / "truth/2024/05/06/09/0000.jsonl", [TRUTH])
    found = merged(place)
    (uri,) = found.written
    path = Path(uri)
    assert path.parent == place / "merge/churn/AllTraffic/2024/05/06/07"
    assert path.name.startswith("part-00000-")
    assert path.name.endswith(".c000.jsonl")
    assert len(path.name) == len("part-00000-.c000.jsonl") + 36
    assert path.read_text() == f"{MERGED}\n"
    assert found.coverage.said() == "1 of 1 predictions have a label (100.0 %)."
    profile = driftline.profile(path, read_options={"side": "output"})
    assert [column.field.name for column in profile.columns] == ["_c0", "ground_truth"]


def test_only_labelled_calls_are_written(place: Path) -> None:
    """G-07, G-11: the id is the caller's, else the event's; every other member stays."""
    write(
        place / f"capture/churn/blue/{HOUR}/a.jsonl",
        [
            call("a", "0.1", customAttributes=["trace=42"]),
            call(None, "0.2\n", event="e"),
            call("b", "0.3"),
            call("ü\u2028", '{"p": "\\u00e9"}', '{"x": [1]}', "JSON"),
        ],
    )
    write(
        place / f"truth/{HOUR}/a.jsonl",
        [truth("a", "1"), truth("e", "no"), truth("event-b", "1"), truth("ü\u2028", '{"y": "é"}', "JSON")],
    )
    found = merged(place)
    assert labels(found) == {"a": "1", "e": "no", "ü\u2028": '{"y": "é"}'}
    assert [each["groundTruthData"]["encoding"] for each in records(found)] == ["CSV", "CSV", "JSON"]
    assert [each["captureData"] for each in records(found)] == [
        json.loads(call("a", data))["captureData"] for data in ("0.1", "0.2\n")
    ] + [json.loads(call("a", '{"p": "\\u00e9"}', '{"x": [1]}', "JSON"))["captureData"]]
    assert records(found)[0]["eventMetadata"]["customAttributes"] == ["trace=42"]
    assert (found.coverage.predictions, found.coverage.labelled, found.coverage.unknown) == (4, 3, 1)
    assert found.to_dict()["labelled"] == 3
    assert json.loads(json.dumps(found.to_dict()))["written"] == list(found.written)


def test_labels_that_came_row_by_row(place: Path) -> None:
    """G-01: a call of several rows is labelled by one record, or by one for each row."""
    write(
        place / f"capture/churn/blue/{HOUR}/a.jsonl",
        [
            call("whole", "0.1\n0.2", "1,2\n3,4"),
            call("rows", "0.1\n0.2\n0.3\n", "1,2\n3,4\n5,6"),
            call("objects", "[0.1, 0.2]", "[[1, 2], [3, 4]]", "JSON"),
            call("none", "0.1\n0.2", "1,2\n3,4"),
        ],
    )
    write(
        place / f"truth/{HOUR}/a.jsonl",
        [truth("whole", "1\n0"), truth("rows_2", "1\n"), truth("rows_0", "0"), truth("objects_1", '{"y": 1}', "JSON")],
    )
    found = merged(place)
    assert labels(found) == {"whole": "1\n0", "rows": "0\n\n1\n", "objects": 'null\n{"y": 1}\n'}
    assert (found.coverage.labelled, found.coverage.unknown) == (3, 0)
    for side in ("output", None):
        rows = driftline.profile(found.written, read_options={"side": side} if side else {})
        assert rows.rows == 7


def test_a_merge_again_leaves_no_copy(place: Path) -> None:
    """G-10: corrected and more labels, the same objects; parts that are no longer needed are gone."""
    write(place / f"capture/churn/blue/{HOUR}/a.jsonl", [call(f"a-{at}", "0.5") for at in range(300)])
    path = place / f"truth/{HOUR}/a.jsonl"
    write(path, [truth(f"a-{at}", "1") for at in range(0, 300, 2)])
    first = merged(place, size=1)
    assert first.coverage.labelled == 150
    write(path, [truth(f"a-{at}", "0") for at in range(300)])
    again = merged(place, size=1)
    assert again.written == first.written
    assert set(labels(again).values()) == {"0"}
    assert len(records(again)) == 300
    path.unlink()
    path.parent.rmdir()
    other = place / "merge/churn/blue" / HOUR / "part-00000-of-somebody-else.jsonl"
    other.write_text("{}\n")
    none = merged(place)
    assert (none.written, none.coverage.is_none_yet) == ((), True)
    assert list((place / "merge").rglob("*.jsonl")) == [other]


def test_schedules_and_pieces_of_an_hour_do_not_take_each_others_records(place: Path) -> None:
    """G-11: two schedules may have one output and other labels, and one window may begin where another one ends."""
    lines = [call(str(at), "0.5", inferenceTime=f"2026-01-02T03:{at:02d}:00Z") for at in range(60)]
    write(place / f"capture/churn/blue/{HOUR}/a.jsonl", lines)
    write(place / f"truth/{HOUR}/a.jsonl", [truth(str(at), "1") for at in range(60)])
    cuts = [datetime(2026, 1, 2, hour, minute, tzinfo=UTC) for hour, minute in ((2, 30), (3, 30), (4, 30))]
    pieces = [merged(place, window=Window(*cuts[at : at + 2]), name="halves") for at in (0, 1)]
    assert [len(records(each)) for each in pieces] == [30, 30]
    write(place / f"truth/{HOUR}/b.jsonl", [truth(str(at), "0") for at in range(60)])
    other = merged(place, name="other")
    assert set(labels(other).values()) == {"0"}
    assert [set(labels(each).values()) for each in pieces] == [{"1"}, {"1"}]
    assert merged(place, name="other").written == other.written


def test_large_hours_have_several_parts(place: Path) -> None:
    """G-11: numbered from zero for each hour."""
    for hour in ("03", "04"):
        lines = [call(f"{hour}-{at}", "0.5") for at in range(40_000)]
        write(place / f"capture/churn/blue/2026/01/02/{hour}/a.jsonl", lines)
        write(place / f"truth/2026/01/02/{hour}/a.jsonl", [truth(f"{hour}-{at}", at % 2) for at in range(40_000)])
    found = merged(place, size=4 << 20, truth={"in_memory": 10_000})
    assert [Path(uri).parent.name + Path(uri).name[:10] for uri in found.written] == [
        f"{hour}part-0000{part}" for hour in ("03", "04") for part in (0, 1)
    ]
    assert len(records(found)) == found.coverage.labelled == 80_000


def test_no_labels_yet(place: Path) -> None:
    """G-09: an outcome of its own; nothing is written."""
    write(place / f"capture/churn/blue/{HOUR}/a.jsonl", [call("a", "0.5")])
    found = merged(place)
    assert (found.written, found.labels, found.problems.count) == ((), (), 0)
    assert found.coverage.is_none_yet
    assert not (place / "merge").exists()
    with pytest.raises(NotFound):
        merge(Merging((str(place / "nothing"),), Truth(()), str(place / "merge")), Access())


def test_only_calls_of_the_window(place: Path) -> None:
    """G-04: hours are read whole; calls without a time are kept."""
    times = ["2026-01-02T03:29:59Z", "2026-01-02T03:30:00Z", "2026-01-02T04:00:00Z", None]
    lines = [call(str(at), "0.5", inferenceTime=time) for at, time in enumerate(times)]
    write(place / f"capture/churn/blue/{HOUR}/a.jsonl", lines)
    write(place / f"truth/{HOUR}/a.jsonl", [truth(str(at), "1") for at in range(4)])
    window = Window(datetime(2026, 1, 2, 3, 30, tzinfo=UTC), datetime(2026, 1, 2, 4, tzinfo=UTC))
    found = merged(place, window=window)
    assert list(labels(found)) == ["1", "3"]
    assert (found.coverage.predictions, found.coverage.unknown) == (2, 2)


def test_what_cannot_be_used_is_told(place: Path) -> None:
    """ER-01: lines that are no calls, ids that come twice."""
    lines = [call("a", "0.5"), "no JSON", '{"captureData": {}}', call("a", "0.6"), "", call(None, "1", event=None)]
    write(place / f"capture/churn/blue/{HOUR}/a.jsonl", lines)
    write(place / f"truth/{HOUR}/a.jsonl", [truth("a", "1"), "neither"])
    found = merged(place)
    assert [each["captureData"]["endpointOutput"]["data"] for each in records(found)] == ["0.5", "0.6"]
    told = [(Path(each.uri).parent.parent.name, each.line) for each in found.problems.examples]
    assert [line for _, line in told] == [2, 2, 3, 6, None]
    assert found.coverage.shared == 1
    assert "the id of an earlier record" in found.problems.examples[-1].reason


def test_tables_of_labels(place: Path) -> None:
    """G-03: their labels are written as values of CSV."""
    write(place / f"capture/churn/blue/{HOUR}/a.jsonl", [call(each, "0.5") for each in ("a", "b", "c")])
    write(place / "truth/labels.csv", ["inference_id,ground_truth_label", "a,1", 'b,"no, thanks"'])
    found = merged(place)
    assert labels(found) == {"a": "1", "b": '"no, thanks"'}
    items = MergedRecords().read(Part(found.written[0]), local, ReadOptions(settings={"side": "output"}))
    rows = [row for item in items if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]
    assert [row["ground_truth"] for row in rows] == ["1", "no, thanks"]


def test_batch_transform(place: Path) -> None:
    """G-11: rows of a batch transform, id and time taken out, below the schedule's name."""
    ids = [f"0c1e8a0e-7d5f-4b0a-9d53-0c7a4f9c2f1{at}" for at in range(3)]
    write(place / "out/a.csv.out", [f"0.{at},4{at},{each},2026-01-02T03:04:05Z" for at, each in enumerate(ids)])
    objects = [json.dumps({"p": at, "SageMakerInferenceId": f"id-{at}"}) for at in range(2)]
    write(place / "out/b.jsonl.out", objects)
    manifest = [{"prefix": f"{place}/out/"}, "a.csv.out", "b.jsonl.out"]
    write(place / f"capture/output/{HOUR}/x.json", [json.dumps(manifest)])
    write(place / f"truth/{HOUR}/a.jsonl", [truth(ids[0], "1"), truth(ids[2], "0"), truth("id-1", "1")])
    found = merged(place, name="nightly", settings={"header": False})
    assert {str(Path(uri).parent.relative_to(place)) for uri in found.written} == {f"merge/nightly/{HOUR}"}
    assert records(found) == [
        {
            "eventVersion": "0",
            "groundTruthData": {"data": label, "encoding": "CSV"},
            "captureData": {"batchTransformOutput": {"data": data, "encoding": encoding}},
            "eventMetadata": {"eventId": identity},
        }
        for label, data, encoding, identity in (
            ("1", "0.0,40", "CSV", ids[0]),
            ("0", "0.2,42", "CSV", ids[2]),
            ("1", '{"p": 1}', "JSON", "id-1"),
        )
    ]
    assert (found.coverage.predictions, found.coverage.labelled) == (5, 3)


def test_a_batch_transform_without_ids(place: Path) -> None:
    """G-11: nobody can tell whose labels are whose, which is told."""
    write(place / "out/a.csv.out", ["0.1,40", "0.2,41"])
    write(place / f"capture/output/{HOUR}/x.json", [json.dumps([{"prefix": f"{place}/out/"}, "a.csv.out"])])
    write(place / f"truth/{HOUR}/a.jsonl", [truth("a", "1")])
    found = merged(place, settings={"header": False})
    assert found.written == ()
    assert "GenerateInferenceId" in found.problems.examples[0].remedy


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(TEXTS.filter(bool), TEXTS, TEXTS), max_size=12, unique_by=lambda each: each[0]), st.data())
@settings(max_examples=40, deadline=None)
def test_any_text_comes_through(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    """G-11: ids, payloads and labels of any characters; a naive merge says what is expected."""
    place = tmp_path_factory.mktemp("merge")
    known = data.draw(st.lists(st.sampled_from(calls), unique_by=lambda each: each[0]) if calls else st.just([]))
    write(place / f"capture/churn/blue/{HOUR}/a.jsonl", [call(identity, output) for identity, output, _ in calls])
    write(place / f"truth/{HOUR}/a.jsonl", [truth(identity, label) for identity, _, label in known])
    if not calls:
        return
    found = merged(place)
    expected = {identity: (output, label) for identity, output, label in known if label != ""}
    assert {
        each["eventMetadata"]["inferenceId"]: (
            each["captureData"]["endpointOutput"]["data"],
            each["groundTruthData"]["data"],
        )
        for each in records(found)
    } == expected
    assert found.problems.count == 0


def test_in_s3(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """G-09 to G-11: no labels yet, then some; a merge again; a bucket that is not there is a fault of the caller."""
    use(monkeypatch, s3.environment())
    root = f"s3://{s3.bucket('merge')}"
    prefix, access = f"{root}/truth", Access()
    captured = f"{root}/capture/churn/AllTraffic/{HOUR}"
    lines = "".join(f"{call(f'a-{at}', '0.5')}\n" for at in range(1_000))
    storage_for(captured, access).put(f"{captured}/a.jsonl", lines.encode())
    asked = Merging((captured,), Truth((f"{prefix}/{HOUR}",)), f"{root}/merge", size=100_000)
    assert merge(asked, access).coverage.is_none_yet
    assert fingerprint([prefix], access) == ""
    for count in (1_000, 10):
        labelled = "".join(f"{truth(f'a-{at}', count)}\n" for at in range(count))
        storage_for(prefix, access).put(f"{prefix}/{HOUR}/a.jsonl", labelled.encode())
        before = fingerprint([prefix], access)
        found = merge(asked, access)
        there = [each.uri for each in storage_for(root, access).list(f"{root}/merge/")]
        assert there == list(found.written)
        assert found.coverage.labelled == driftline.profile(found.written).rows == count
        assert fingerprint([f"{root}/truth/*/01/02/{HOUR[-2:]}"], access) == before
    with pytest.raises(NotFound, match="bucket"):
        fingerprint(["s3://no-such-bucket/truth"], access)
    with pytest.raises(NotFound, match="bucket"):
        merge(replace(asked, truth=Truth(("s3://no-such-bucket/truth",))), access)
