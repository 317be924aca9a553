"""SageMaker Data Capture: flattened as SageMaker does it, quickly and one by one (X-01 to X-10, X-19, I-01 to I-04)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from binaries import local
from hypothesis import given, settings
from hypothesis import strategies as st

import driftline
from driftline import identities
from driftline.formats.capture import Capture
from driftline.formats.format import Part, ReadOptions
from driftline.identities import Identities, Seen
from driftline.manifest import Manifest, World
from driftline.problems import Problem
from driftline.profile import Profile
from driftline.reading import observe

Side = dict[str, str]


def side(data: str, encoding: str = "CSV", kind: str | None = None) -> Side:
    """One side of a call."""
    types = {"CSV": "text/csv; charset=utf-8", "JSON": "application/json", "BASE64": "text/csv"}
    data = base64.b64encode(data.encode()).decode() if encoding == "BASE64" else data
    return {"observedContentType": types[encoding] if kind is None else kind, "data": data, "encoding": encoding}


def record(source: Side | None, output: Side | None, place: int = 0, **meta: Any) -> str:
    """One line of a capture file."""
    data: dict[str, Any] = {}
    if source is not None:
        data["endpointInput"] = {**source, "mode": "INPUT"}
    if output is not None:
        data["endpointOutput"] = {**output, "mode": "OUTPUT"}
    known = {"eventId": f"event-{place}", "inferenceTime": "2026-01-02T03:04:05Z", **meta}
    return json.dumps({"captureData": data, "eventMetadata": known, "eventVersion": "0"})


def read(path: Path, lines: list[str], **settings: Any) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows and problems of a file with these lines."""
    names = settings.pop("names", None)
    path.write_text("\n".join(lines) + "\n")
    found = list(Capture().read(Part(str(path)), local, ReadOptions(names, settings=settings)))
    rows = [row for item in found if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]
    return rows, [item for item in found if isinstance(item, Problem)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of captures."""
    return tmp_path / "capture.jsonl"


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("encoding", ["CSV", "BASE64"])
def test_output_columns_first_named_after_the_baseline(path: Path, encoding: str, exact: bool) -> None:
    """X-02, X-03, X-06: trailing line end of the output; empty is null; END turns the sides round."""
    lines = [record(side("41,,red", encoding), side("0.5\n", encoding))] * 2
    rows, problems = read(path, lines, names=("y", "age", "none", "colour"), exact=exact)
    assert rows == [{"y": "0.5", "age": "41", "none": None, "colour": "red"}] * 2
    assert problems == []
    rows, _ = read(path, lines, output_columns_position="END", exact=exact)
    assert rows[0] == {"_c0": "41", "_c1": None, "_c2": "red", "_c3": "0.5"}


def test_several_inferences_in_a_call(path: Path) -> None:
    """X-05, X-06, I-01 to I-03: rows pair up; the id gets its place only where there are several."""
    lines = [
        record(side("1,2\n3,4\n"), side("0.1\n0.2"), inferenceId="order"),
        record(side("5,6"), side("0.3"), place=7),
    ]
    rows, _ = read(path, lines, metadata=True)
    assert [(row["_c0"], row["_c1"], row["inference_id"]) for row in rows] == [
        ("0.1", "1", "order_0"),
        ("0.2", "3", "order_1"),
        ("0.3", "5", "event-7"),
    ]


def test_both_json_forms_of_arthur(path: Path) -> None:
    """X-07, X-08: values by position, and by name."""
    by_position = record(
        side('{"instances": [{"features": [1.5, 2]}]}', "JSON"),
        side('{"predictions": [{"probabilities": [0.1]}]}', "JSON"),
    )
    rows, _ = read(path, [by_position], names=("p", "a", "b"))
    assert rows == [{"p": "0.1", "a": "1.5", "b": "2"}]
    by_name = record(
        side('{"instances": [{"a": 1}, {"a": 2}]}', "JSON"), side('{"predictions": [{"p": 0.1}, {"p": 0.2}]}', "JSON")
    )
    rows, _ = read(path, [by_name])
    assert [(str(row["p"]), str(row["a"])) for row in rows] == [("0.1", "1"), ("0.2", "2")]


def test_json_lines_nested_and_columnar_payloads(path: Path) -> None:
    """X-09: several lines, dotted names, an object of columns."""
    lines = [
        record(side('{"a": 1}\n{"a": 2}', "JSON", "application/jsonlines"), side("0.1\n0.2")),
        record(side('{"a": {"b": [{"c": 3}]}}', "JSON"), side("0.3")),
        record(side('{"x": [1, 2], "y": [3, 4]}', "JSON"), side("0.4\n0.5")),
    ]
    rows, problems = read(path, lines)
    assert problems == []
    assert [str(row.get("a")) for row in rows[:2]] == ["1", "2"]
    assert str(rows[2]["a.b.0.c"]) == "3"
    assert [str(row["y"]) for row in rows[3:]] == ["3", "4"]


def test_mixed_encodings_and_sagemakers_refusal(path: Path) -> None:
    """X-04: each side by its own encoding; in compatible mode the words of SageMaker."""
    line = record(side('{"a": 1}', "JSON"), side("0.5", "BASE64"))
    rows, _ = read(path, [line])
    assert (rows[0]["_c0"], str(rows[0]["a"])) == ("0.5", "1")
    _, problems = read(path, [line], compatible=True)
    assert problems[0].reason == (
        "Encoding mismatch: Encoding is JSON for endpointInput, but Encoding is BASE64 for endpointOutput"
    )


@pytest.mark.parametrize(("source", "output"), [(side("1,2"), None), (None, side("0.5"))])
def test_only_one_side(path: Path, source: Side | None, output: Side | None) -> None:
    """X-10: what is there is used under its own names, and what is missing is told once."""
    rows, problems = read(path, [record(source, output)] * 3, names=("y", "a", "b"))
    assert rows == ([{"a": "1", "b": "2"}] * 3 if source else [{"y": "0.5"}] * 3)
    assert len(problems) == 1
    assert problems[0].rows == 0


def test_records_that_cannot_be_used(path: Path) -> None:
    """ER-15, ER-17: other content, odd base64, no capture, no JSON, unpaired rows; each told, the rest read."""
    lines = [
        record(side("x", "BASE64", "image/png"), side("0.5")),
        record({**side("1"), "encoding": "BASE64", "data": "###"}, side("0.5")),
        '{"something": "else"}',
        "no json",
        record(side("1\n2"), side("0.5")),
        record(side("1"), side("0.5")),
    ]
    rows, problems = read(path, lines)
    assert rows == [{"_c0": "0.5", "_c1": "1"}]
    assert [problem.line for problem in problems] == [1, 2, 3, 4, 5]
    assert "image/png" in problems[0].reason


def test_batch_transform_output(path: Path) -> None:
    """X-02: the other kind of record."""
    line = json.dumps(
        {"captureData": {"batchTransformOutput": {"data": "1,2", "encoding": "CSV"}}, "eventMetadata": {}}
    )
    assert read(path, [line])[0] == [{"_c0": "1", "_c1": "2"}]


def test_scientific_notation_is_a_number(path: Path) -> None:
    """X-19."""
    rows, _ = read(path, [record(side("1e-5"), side("2E3"))])
    assert rows == [{"_c0": "2E3", "_c1": "1e-5"}]


VALUES = st.floats(-1e6, 1e6).map(lambda x: round(x, 3)) | st.integers(-999, 999)


@settings(max_examples=60, deadline=None)
@given(
    calls=st.lists(st.tuples(VALUES, VALUES, st.sampled_from(["red", "blue", ""]), VALUES), min_size=1, max_size=30),
    encoding=st.sampled_from(["CSV", "BASE64", "JSON"]),
    names=st.sampled_from([None, ("y", "a", "b", "c"), ("y", "a")]),
)
def test_quick_and_exact_reading_agree(
    calls: list[tuple[float, float, str, float]],
    encoding: str,
    names: tuple[str, ...] | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The same columns, kinds and numbers, whichever way a block is read."""
    path = tmp_path_factory.mktemp("capture") / "a.jsonl"
    lines = []
    for place, (a, b, c, y) in enumerate(calls):
        if encoding == "JSON":
            source = side(json.dumps({"a": a, "b": b, "c": c or None}), "JSON")
            output = side(json.dumps({"predictions": [{"y": y}]}), "JSON")
        else:
            source, output = side(f"{a},{b},{c}", encoding), side(f"{y}\n", encoding)
        lines.append(record(source, output, place))
    path.write_text("\n".join(lines) + "\n")
    found = []
    for exact in (False, True):
        options = ReadOptions(names, settings={"exact": exact})
        got = list(Capture().read(Part(str(path)), local, options))
        assert not any(isinstance(item, Problem) for item in got)
        found.append(Profile.of(item for item in got if isinstance(item, pa.RecordBatch)))
    quick, exactly = found
    assert quick.rows == exactly.rows == len(calls)
    assert quick.names == exactly.names
    for name in quick.names:
        one, other = quick.column(name), exactly.column(name)
        assert (one.present, one.kinds) == (other.present, other.kinds)
        assert one.moments.sum == pytest.approx(other.moments.sum, nan_ok=True)


def test_records_of_another_width(path: Path) -> None:
    """ER-16: the counts are told; the other records are read."""
    lines = [record(side("1,2"), side("0.5")), record(side("1,2,3"), side("0.5")), record(side("3,4"), side("0.6"))]
    rows, problems = read(path, lines)
    assert [row["_c1"] for row in rows] == ["1", "3"]
    assert (problems[0].line, problems[0].reason) == (2, "expected 2 values in the input, got 3")


def test_names_of_the_baseline_beside_names_of_json(path: Path) -> None:
    """Values by place take the names that the other side does not."""
    rows, _ = read(path, [record(side('{"a": 1, "b": 2}', "JSON"), side("0.5"))], names=("p", "a", "b"))
    assert {name: str(value) for name, value in rows[0].items()} == {"p": "0.5", "a": "1", "b": "2"}


@pytest.mark.parametrize("output", ["[0.1, 0.2]", '{"p": [0.1, 0.2]}'])
def test_one_list_of_outputs_for_several_inputs(path: Path, output: str) -> None:
    """X-09: as many values as the call has rows."""
    rows, problems = read(path, [record(side("1\n2"), side(output, "JSON"))])
    assert len(rows) == 2
    assert problems == []


def test_values_by_place_beside_a_side_that_has_names(path: Path) -> None:
    """X-04: the inputs take the last names of the baseline, whatever the output calls its own."""
    lines = [record(side("1,2"), side('{"p": 0.1}', "JSON"))] * 2
    for names in (("y", "a", "b"), ("p", "a", "b")):
        rows, problems = read(path, lines, names=names)
        assert (rows, problems) == ([{"p": "0.1", "a": "1", "b": "2"}] * 2, [])


@pytest.mark.parametrize("exact", [False, True])
def test_only_calls_of_a_span(path: Path, exact: bool) -> None:
    """E-08, ER-27: [since, until) by the time of the call; a call without a time is kept."""
    times = ["2026-01-02T03:04:59Z", "2026-01-02T03:05:00Z", "2026-01-02T03:09:59.5Z", "2026-01-02T03:10:00Z", None]
    lines = [record(side(f"{place}"), side("1"), place, inferenceTime=time) for place, time in enumerate(times)]
    rows, problems = read(path, lines, exact=exact, since="2026-01-02T03:05:00Z", until="2026-01-02T03:10:00Z")
    assert ([row["_c1"] for row in rows], problems) == (["1", "2", "4"], [])


_REGULAR = {"f": 0.25, "n": 3, "s": "x"}
_ODD = [
    '{"f": 0.5, "n": 4, "s": null}',
    '{"f": 0.5, "n": null, "s": "null"}',
    '{"f": 2, "n": 4, "s": "y"}',
    '{"f": 2.0, "n": 4, "s": "y"}',
    '{"f": 0.5, "n": 4.0, "s": "y"}',
    '{"f": 0.5, "n": 4.6, "s": "y"}',
    '{"f": "abc", "n": 4, "s": "y"}',
    '{"f": true, "n": 4, "s": "y"}',
    '{"f": 0.5, "n": "0x1F", "s": 7}',
    '{"f": 0.5, "n": 4, "s": 7}',
    '{"f": 0.5, "n": 4, "s": [1, 2]}',
    '{"f": 0.5, "n": 4, "s": {"deep": 1}}',
    '{"f": 0.5, "n": 4}',
    '{"f": 0.5, "n": 4, "s": "y", "more": 1}',
    '{"f": 0.5, "n": 4, "more": "y"}',
    '{"f": 0.5, "n": 4, "more": null}',
    '{"n": 4, "f": 0.5, "s": "y"}',
    '{"f" : 0.5, "n" : 4, "s" : "y"}',
    '{"f": 0.5, "n": 4, "s": "a \\"quoted\\": null"}',
    '{"f": 0.5, "n": 4, "s": "two\\nlines, umlaut ä"}',
    '{"f": 1e999, "n": 4, "s": "y"}',
    '{"f": 0.5, "n": 12345678901234567890123, "s": "y"}',
    '{"f": 0.5, "n": 4, "s": "y"',
    '[0.5, 4, "y"]',
    '{"f": 0.5, "n": 4, "s": "y"}\n{"f": 0.75, "n": 5, "s": "z"}',
]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("odd", _ODD)
def test_a_block_that_differs_from_the_one_before(path: Path, odd: str, wrapped: bool) -> None:
    """The structure learned from one block never changes what is read of the next."""
    if wrapped:
        odd = f'{{"predictions": [{odd}]}}'
    regular = json.dumps({"predictions": [_REGULAR]} if wrapped else _REGULAR)
    read(path, [record(side('{"a": 1}', "JSON"), side(regular, "JSON"))] * 3)
    lines = [record(side('{"a": 1}', "JSON"), side(text, "JSON")) for text in (regular, odd, regular)]
    quick, quick_problems = read(path, lines)
    exactly, problems = read(path, lines, exact=True)
    assert [_texts(row) for row in quick] == [_texts(row) for row in exactly]
    assert quick_problems == problems


def _texts(row: dict[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in row.items()}


def test_names_of_members_are_no_sql(path: Path, tmp_path: Path) -> None:
    """Whoever calls an endpoint chooses the names, so they reach no query but as literals."""
    written = tmp_path / "written.csv"
    ends = "|| chr(34) || ':' || chr(34) || 'VARCHAR' || chr(34) || '}') AS q FROM (SELECT captureData.endpointOutput"
    sides = ".data AS input, captureData.endpointOutput.data AS output FROM records); "
    for end in ("$$", "'"):
        name = f"a{end} {ends}{sides}COPY (SELECT 42) TO '{written}'; --"
        lines = [record(side(json.dumps({name: 1, "b": "x"}), "JSON"), side('{"y": 1}', "JSON"))] * 3
        for _ in range(2):
            rows, problems = read(path, lines)
            assert rows == [{"y": 1, name: 1, "b": "x"}] * 3
            assert not problems
    assert not written.exists()


def calls(*ids: str, **meta: Any) -> list[str]:
    """A call for each event id."""
    return [record(side("1,2"), side("3"), eventId=each, **meta) for each in ids]


@pytest.mark.parametrize("exact", [False, True])
def test_an_id_that_comes_again_is_told(path: Path, exact: bool) -> None:
    """I-04: in one file and in another one, with both lines; the rows are read all the same."""
    other = path.with_name("later.jsonl")
    path.write_text("\n".join(calls("a", "b", "a", "c", "a")) + "\n")
    other.write_text("\n".join(calls("d", "e", "b")))
    settings = {"exact": exact}
    found = observe(Manifest((str(path.parent),), settings=settings), World())
    assert found.profile.rows == 8
    assert [(Path(each.uri).name, each.line, each.rows) for each in found.problems.examples] == [
        ("capture.jsonl", 3, 0),
        ("later.jsonl", 3, 0),
    ]
    inside, across = (each.reason for each in found.problems.examples)
    assert inside == "the id of an earlier record, at line 1; 2 records of this file have such an id"
    assert across == f"the id of an earlier record, in {path} at line 2; 1 record of this file has such an id"


@pytest.mark.parametrize("exact", [False, True])
def test_the_id_is_that_of_the_caller_else_of_the_event(path: Path, exact: bool) -> None:
    """I-01, I-04: a reused inferenceId is told though the events differ; no id is no collision."""
    manifest = Manifest((str(path),), settings={"exact": exact})
    path.write_text("\n".join(calls("a", "b", inferenceId="mine")))
    assert [each.line for each in observe(manifest, World()).problems.examples] == [2]
    path.write_text("\n".join([*calls("a", inferenceId="one"), *calls("a", inferenceId="two")]))
    assert not observe(manifest, World()).problems.count
    path.write_text("\n".join([*calls("", "", "a", inferenceId=""), *calls("b")]))
    assert not observe(manifest, World()).problems.count


def test_ids_read_one_by_one_are_those_read_as_a_whole(path: Path) -> None:
    """I-04: a block that is read in the other way than the one before is compared with it."""
    other = path.with_name("later.jsonl")
    path.write_text("\n".join(calls("a", "\u00e9 \U0001f600", inferenceId="")))
    other.write_text("\n".join(["", *calls("\u00e9 \U0001f600"), "no JSON", record(side("1,2"), None, eventId="a")]))
    found = observe(Manifest((str(path.parent),)), World()).problems.examples
    told = [each for each in found if "earlier record" in each.reason]
    assert [(Path(each.uri).name, each.line) for each in told] == [("later.jsonl", 2)]
    assert "2 records of this file" in told[0].reason


def test_ids_of_more_calls_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-04: bounded, the same in any order of merging, and a file that was written twice is still told."""
    monkeypatch.setattr(identities, "MOST", 1000)
    rng = np.random.default_rng(7)
    once = [Seen(f"{place}.jsonl", rng.integers(1, 1 << 64, 400, np.uint64), 1) for place in range(20)]
    pieces = [Identities.of([each]) for each in [*once, *[Seen(f"copy-{each.uri}", each.hashes, 1) for each in once]]]
    first = second = Identities()
    for piece in pieces:
        first = first.merge(piece)
    for place in range(0, len(pieces), 4):
        second = second.merge(pieces[place].merge(pieces[place + 1]).merge(pieces[place + 2].merge(pieces[place + 3])))
    assert first.count <= 1000
    assert [each.uri for each in first.seen] == [each.uri for each in second.seen]
    assert all(np.array_equal(a.hashes, b.hashes) for a, b in zip(first.seen, second.seen, strict=True))
    told = list(first.problems())
    assert len(told) > 15
    assert all("about" in each.reason and each.uri.startswith("copy-") and each.line is None for each in told)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (side('{"a": {"b": 1}}', "JSON"), "member 'a' is an object"),
        (
            side('{"instances": [{"a": 1}]}', "JSON"),
            "member 'instances' is a list: SageMaker analyses flattened JSON only",
        ),
        (side('{"a": 1}\n{"a": [1]}', "JSON"), "member 'a' is a list"),
        (side("[1, 2]", "JSON"), "a list in place of an object"),
        (side("1,2", "BASE64"), "data in BASE64"),
    ],
)
def test_compatible_refuses_what_sagemaker_does_not_analyse(path: Path, source: Side, reason: str) -> None:
    """X-09, X-03: only objects of plain values; one side alone is no excuse; the other records are read."""
    good = record(side('{"a": 1, "b": null}\n{"a": 2, "b": "x"}', "JSON"), None)
    rows, problems = read(path, [record(source, None), good], compatible=True)
    assert [row["a"] for row in rows] == ["1", "2"]
    assert [(each.line, each.reason.startswith(reason)) for each in problems if each.rows] == [(1, True)]
    assert "without --compatible" in problems[0].remedy
    rows, problems = read(path, [record(source, None), good])
    assert len(rows) > 2
    assert not [each for each in problems if each.rows]


def test_compatible_pairs_lines_only(path: Path) -> None:
    """X-06: one list of outputs is not spread over several inputs, and rows that differ in number are refused."""
    _, problems = read(path, [record(side("1\n2"), side("0.1,0.2"))], compatible=True)
    assert [each.reason for each in problems] == ["the input has 2 rows and the output 1: they cannot be paired"]


def test_compatible_is_for_reading_too(path: Path) -> None:
    """In Python as on the command line."""
    plain, nested = side('{"a": 1}', "JSON"), side('{"a": {"b": 1}}', "JSON")
    lines = [record(each, side('{"y": 2}', "JSON"), place) for place, each in enumerate([plain] * 5 + [nested])]
    path.write_text("\n".join(lines))
    learnt = driftline.baseline(str(path))
    assert driftline.check(str(path), learnt).problems.rows == 0
    assert driftline.check(str(path), learnt, compatible=True).problems.rows == 1
