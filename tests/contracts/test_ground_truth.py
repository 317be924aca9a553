"""Ground truth and merged records as formats: rows G-01, G-03, G-11."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from binaries import local
from truths import MERGED, TRUTH, call, truth, write

import driftline
from driftline.documents import dataset_format
from driftline.errors import Invalid
from driftline.formats.capture import Capture
from driftline.formats.format import Format, Part, ReadOptions
from driftline.formats.formats import FORMATS, recognise
from driftline.formats.ground_truth import GroundTruth
from driftline.formats.merged import Merged
from driftline.problems import Problem

LABELS = ("inference_id", "ground_truth")


def read(format: Format, lines: list[str], **settings: Any) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows and problems of a file with these lines."""
    data = "".join(f"{line}\n" for line in lines).encode()
    items = list(format.read(Part("x"), lambda _: io.BytesIO(data), ReadOptions(settings=settings)))
    rows = [row for item in items if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]
    return rows, [item for item in items if isinstance(item, Problem)]


def labels(lines: list[str]) -> list[tuple[Any, ...]]:
    """Ids and labels of ground truth without problems."""
    rows, problems = read(GroundTruth(), lines)
    assert problems == []
    return [tuple(row[name] for name in LABELS) for row in rows]


def test_the_records_of_the_reference() -> None:
    """G-01: word for word."""
    assert labels([TRUTH]) == [("order-17", "1")]
    rows, problems = read(Merged(), [MERGED], metadata=True)
    assert problems == []
    assert rows == [
        {
            "_c0": "0.83",
            "_c1": "41",
            "_c2": "0.5",
            "inference_id": "order-17",
            "event_id": "0c1e",
            "inference_time": "2024-05-06T07:08:09Z",
            "ground_truth": "1",
        }
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (truth("a", "1\n0\n"), [("a_0", "1"), ("a_1", "0")]),
        (truth("a", "1\r\n\r\n0"), [("a_0", "1"), ("a_1", None), ("a_2", "0")]),
        (truth("a", " yes \n"), [("a", "yes")]),
        (truth("a", '"no, thanks"'), [("a", "no, thanks")]),
        (truth("a", "1,0.5"), [("a", "1,0.5")]),
        (truth("a", ""), [("a", None)]),
        (truth("a", None), [("a", None)]),
        (truth(17, 1), [("17", "1")]),
        (truth("a", "[1, 0.5]", "JSON"), [("a_0", "1"), ("a_1", "0.5")]),
        (truth("a", '{"predictions": [{"y": 1}]}', "JSON"), [("a", '{"y": 1}')]),
        (truth("a", '{"y": 1}\n{"y": 0}', "JSON"), [("a_0", '{"y": 1}'), ("a_1", '{"y": 0}')]),
        (truth("a", {"y": True}), [("a", '{"y": true}')]),
        (truth("a", "true", "JSON"), [("a", "true")]),
        (truth("a", base64.b64encode(b"1").decode(), "BASE64"), [("a", "1")]),
        ('{"groundTruthData":{"data":"1"},"eventMetadata":{"inferenceId":"b"}}', [("b", "1")]),
    ],
)
def test_what_labels_look_like(line: str, expected: list[tuple[str, Any]]) -> None:
    """G-01: one label or one for each row of the call, CSV and JSON, alone and beside others."""
    assert labels([line]) == expected
    assert labels([line, TRUTH]) == [*expected, ("order-17", "1")]


def test_lines_that_are_no_ground_truth_are_told() -> None:
    """ER-01: each with its line, and the rest is read."""
    lines = [TRUTH, "no JSON", '{"eventMetadata":{"eventId":"a"}}', '{"groundTruthData":{"data":"1"}}', "", "5", TRUTH]
    rows, problems = read(GroundTruth(), lines)
    assert [row["ground_truth"] for row in rows] == ["1", "1"]
    assert [problem.line for problem in problems] == [2, 3, 4, 6]
    assert "nobody knows whose label" in problems[2].reason


def test_records_can_be_kept_whole() -> None:
    """G-11: as the merge writes them."""
    lines = [truth("a", "1\n0\n"), truth("b", '{"y": 1}', "JSON")]
    for more in ([], [truth("c", {"y": 2})]):
        rows, _ = read(GroundTruth(), lines + more, whole=True)
        assert [(row["inference_id"], row["data"], row["encoding"]) for row in rows[:2]] == [
            ("a", "1\n0\n", "CSV"),
            ("b", '{"y": 1}', "JSON"),
        ]


@pytest.mark.parametrize("line", [MERGED, TRUTH, call("a", "1")])
def test_each_is_recognised(line: str) -> None:
    """F-01: by its content, under any name."""
    name = {MERGED: "merged", TRUTH: "ground_truth"}.get(line, "capture")
    for uri in ("part-00000.c000.jsonl", "x.json", "x"):
        assert recognise(uri, f"{line}\n".encode()) == name
    assert name in FORMATS


def merged(output: str, source: str, labels: str, encoding: str = "CSV", truth_encoding: str = "CSV") -> str:
    """A merged record."""
    record = json.loads(call("a", output, source, encoding))
    return json.dumps({**record, "groundTruthData": {"data": labels, "encoding": truth_encoding}})


CASES = [
    (merged("0.8\n", "1,2", "1"), [{"_c0": "0.8", "ground_truth": "1"}]),
    (
        merged("0.8\n0.2\n", "1,2\n3,4", "1\n0"),
        [{"_c0": "0.8", "ground_truth": "1"}, {"_c0": "0.2", "ground_truth": "0"}],
    ),
    (
        merged("0.8,0.2", "1,2\n3,4", "1\n0\n"),
        [{"_c0": "0.8", "ground_truth": "1"}, {"_c0": "0.2", "ground_truth": "0"}],
    ),
    (merged('{"p":"x"}', '{"a":"y"}', "1", "JSON"), [{"p": "x", "ground_truth": "1"}]),
    (
        merged('{"p":"x"}', '{"a":"y"}', '{"y":1}', "JSON", "JSON"),
        [{"p": "x", "ground_truth": "1", "y": "1"}],
    ),
    (
        merged('{"p":"x"}', '{"a":"y"}', '{"p":"z"}', "JSON", "JSON"),
        [{"p": "x", "ground_truth": "z", "ground_truth.p": "z"}],
    ),
    (
        merged("[0.25, 0.75]", '[{"a":1},{"a":2}]', "[1, 0]", "JSON", "JSON"),
        [{"_c0": "0.25", "ground_truth": "1"}, {"_c0": "0.75", "ground_truth": "0"}],
    ),
]


@pytest.mark.parametrize(("line", "expected"), CASES)
@pytest.mark.parametrize("exact", [False, True])
def test_merged_records(line: str, expected: list[dict[str, Any]], exact: bool) -> None:
    """G-11: the output's columns and the labels, read quickly and one by one."""
    rows, problems = read(Merged(), [line] * 3, side="output", exact=exact)
    assert problems == []
    assert rows == expected * 3


def test_all_sides_and_a_window() -> None:
    """X-06: labels stay with their calls when others are left out."""
    lines = [merged("0.8", "1,2", str(place)) for place in range(4)]
    lines[1:3] = [line.replace("2026-01-02T03", "2026-01-02T05") for line in lines[1:3]]
    for exact in (False, True):
        rows, _ = read(Merged(), lines, exact=exact, since="2026-01-02T05:00:00Z")
        assert [row["ground_truth"] for row in rows] == ["1", "2"]
        assert list(rows[0]) == ["_c0", "_c1", "_c2", "ground_truth"]


def test_labels_that_cannot_be_paired_are_told() -> None:
    """ER-01: a call of one row with two labels."""
    rows, problems = read(Merged(), [merged("0.8", "1,2", "1\n0"), MERGED], side="output")
    assert [row["ground_truth"] for row in rows] == ["1"]
    assert "the call has 1 rows and the ground truth 2" in problems[0].reason
    _, problems = read(Merged(), [call("a", "1"), MERGED])
    assert "groundTruthData" in problems[0].reason


def test_batch_transform() -> None:
    """G-11: SageMaker's variant of it."""
    line = (
        '{"eventVersion":"0","groundTruthData":{"data":"1","encoding":"CSV"},'
        '"captureData":{"batchTransformOutput":{"data":"0.3,41","encoding":"CSV"}},"eventMetadata":{"eventId":"x"}}'
    )
    rows, problems = read(Merged(), [line], side="output")
    assert (rows, problems) == ([{"_c0": "0.3", "_c1": "41", "ground_truth": "1"}], [])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("encoding", ["CSV", "JSON"])
def test_one_side_of_captures(exact: bool, encoding: str) -> None:
    """X-01: the same columns as with both sides, without the others."""
    line = call("a", '{"p":"x"}', '{"a":"y"}', "JSON") if encoding == "JSON" else call("a", "0.5", "1,2")
    both, _ = read(Capture(), [line] * 3, exact=exact)
    outputs, _ = read(Capture(), [line] * 3, exact=exact, side="output")
    inputs, _ = read(Capture(), [line] * 3, exact=exact, side="input")
    assert outputs == [{name: row[name] for name in ("p" if encoding == "JSON" else "_c0",)} for row in both]
    assert list(inputs[0].values()) == list(both[0].values())[1:]


def test_a_side_that_is_none() -> None:
    """D-08: named with what is allowed; a record without the side that is wanted is told."""
    with pytest.raises(Invalid, match=r"side.*expected input or output"):
        read(Capture(), [call("a", "1")], side="outputs")
    record = json.loads(call("a", "1"))
    del record["captureData"]["endpointOutput"]
    rows, problems = read(Capture(), [json.dumps(record)], side="output")
    assert rows == []
    assert "captureData has no endpointOutput" in problems[0].reason


def test_the_names_that_sagemaker_has() -> None:
    """G-11: `sagemakerMergeJson` and its `captureIndexNames`."""
    shape = {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"], "originalDatasetFormat": None}}
    assert dataset_format.read(json.dumps(shape)) == ("merged", {"side": "output"})
    shape = {"sagemakerMergeJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
    assert dataset_format.read(json.dumps(shape)) == ("merged", {})


def test_many_parts_are_one_file(tmp_path: Path) -> None:
    """F-01: a large file is cut between lines, and profiled like any other."""
    path = write(tmp_path / "truth.jsonl", [truth(f"order-{place}", place % 2) for place in range(200_000)])
    assert path.stat().st_size > 1 << 24
    parts = GroundTruth().split(str(path), path.stat().st_size, local, ReadOptions())
    assert len(parts) > 1
    assert driftline.profile(path).rows == 200_000
