"""CSV, JSON lines and JSON documents written by other libraries, and everything that may be wrong with them."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import items, read, wrote

from driftline.errors import Invalid, Unreadable
from driftline.formats import blocks
from driftline.formats import jsonlines as jsonlines_format
from driftline.formats.csv import Csv
from driftline.formats.json import Json
from driftline.formats.jsonlines import JsonLines
from driftline.problems import Problem
from driftline.profile import Profile

FRAME = pl.DataFrame(
    {"n": [1, 2, None], "x": [1.5, 2.0, -3.25], "s": ['a "b"', "c,d\nnext", "é"], "t": [True, False, None]}
)


def test_csv_of_other_libraries(tmp_path: Path) -> None:
    """F-01, F-06, F-13: polars, pandas and the csv module; quoted separators and line ends; empty is null."""
    path = tmp_path / "a.csv"
    expected: list[dict[str, Any]] = [
        {"n": "1", "x": "1.5", "s": 'a "b"', "t": "true"},
        {"n": "2", "x": "2.0", "s": "c,d\nnext", "t": "false"},
        {"n": None, "x": "-3.25", "s": "é", "t": None},
    ]
    FRAME.write_csv(path)
    assert read(Csv(), path) == (expected, [])
    pd.DataFrame(FRAME.to_dicts()).to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    assert [row["s"] for row in read(Csv(), path)[0]] == [row["s"] for row in expected]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """F-13: marks are recognised, other encodings are named."""
    path = wrote(tmp_path / "a.csv", "größe,n\nübel,1\n".encode(encoding))
    given = {} if encoding.startswith("utf") else {"encoding": encoding}
    assert read(Csv(), path, **given) == ([{"größe": "übel", "n": "1"}], [])


@pytest.mark.parametrize("packed", [False, True])
def test_crlf_blank_lines_and_no_last_line_end(tmp_path: Path, packed: bool) -> None:
    """F-07, F-13: as Windows writes it, plain and in gzip."""
    data = b'a,b\r\n1,"x\r\ny"\r\n\r\n2,z'
    path = wrote(tmp_path / "a.csv", gzip.compress(data) if packed else data)
    assert [row["a"] for row in read(Csv(), path)[0]] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n", ["a", "b"]),
        ("1,2\n3,4\n", ["_c0", "_c1"]),
        ("a;b\n1;2\n", ["a", "b"]),
        ("a\tb\n1\t2\n", ["a", "b"]),
        ("name,city\nAnn,Rome\nBob,Oslo\n", ["name", "city"]),
        ("a,,c\n1,2,3\n", ["_c0", "_c1", "_c2"]),
    ],
)
def test_dialects_are_recognised(tmp_path: Path, text: str, names: list[str]) -> None:
    """F-06, BL-04: header or not, and the separator."""
    rows, _ = read(Csv(), wrote(tmp_path / "a.csv", text))
    assert list(rows[0]) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (",age,city\n0,41,Rome\n1,42,Oslo\n", ["_c0", "age", "city"]),
        (",city\n17,Rome\n4,Rome\n", ["_c0", "city"]),
        (",41,Rome\n1,42,Oslo\n", ["_c0", "_c1", "_c2"]),
        (",Rome\n1,Oslo\n2,Rome\n", ["_c0", "_c1"]),
        (",age,\n0,41,Rome\n", ["_c0", "_c1", "_c2"]),
        (",age\nx,41\n", ["_c0", "_c1"]),
    ],
)
def test_a_header_without_a_first_name_is_one_above_numbered_rows(tmp_path: Path, text: str, names: list[str]) -> None:
    """F-06: as `DataFrame.to_csv()` writes it; a first value that is merely missing makes no header."""
    rows, _ = read(Csv(), wrote(tmp_path / "a.csv", text))
    assert [*rows[0]] == names


@pytest.mark.parametrize("header", [True, "true", False, "false"])
def test_header_as_it_is_told(tmp_path: Path, header: object) -> None:
    """SageMaker's `{"csv": {"header": true}}`, and the command line's text."""
    rows, _ = read(Csv(), wrote(tmp_path / "a.csv", "1,2\n3,4\n"), header=header)
    assert len(rows) == (1 if header in (True, "true") else 2)


def test_names_of_the_baseline(tmp_path: Path) -> None:
    """By position where there is no header; what is beyond is numbered, so that it counts as extra."""
    path = wrote(tmp_path / "a.csv", "1,2,3\n4,5,6\n")
    assert list(read(Csv(), path, names=("a", "b"))[0][0]) == ["a", "b", "_c2"]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    """The second is renamed, and told."""
    rows, problems = read(Csv(), wrote(tmp_path / "a.csv", "a,a\n1,2\n"))
    assert rows == [{"a": "1", "a_1": "2"}]
    assert problems[0].rows == 0


@pytest.mark.parametrize(("text", "rows"), [("", 0), ("\n\n", 0), ("a,b\n", 0), ("a,b", 0)])
def test_files_without_rows(tmp_path: Path, text: str, rows: int) -> None:
    """Nothing is no error of the format."""
    assert len(read(Csv(), wrote(tmp_path / "a.csv", text))[0]) == rows


def test_bad_settings_are_refused(tmp_path: Path) -> None:
    """A separator of two characters, an encoding that is none, a header that is neither."""
    path = wrote(tmp_path / "a.csv", "a,b\n1,2\n")
    for wrong in ({"separator": "::"}, {"encoding": "klingon"}, {"header": "perhaps"}):
        with pytest.raises(Invalid):
            read(Csv(), path, **wrong)


def test_many_distinct_values_after_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that begins repetitive is read right when it no longer is."""
    values = ["same"] * 3000 + [f"id-{place}" for place in range(30_000)]
    path = wrote(tmp_path / "a.csv", "v\n" + "\n".join(values) + "\n")
    monkeypatch.setattr(blocks.blocks_of, "__kwdefaults__", {"size": 8192})
    assert [row["v"] for row in read(Csv(), path, header=True)[0]] == values


def test_json_lines_keep_the_kind_of_numbers(tmp_path: Path) -> None:
    """F-05: 3 and 3.0 differ; numbers among texts stay; nested objects unfold; new keys are new columns."""
    lines = ['{"a": 3, "b": {"c": 1.5}}', '{"a": 3.0, "d": [1, 2]}', '{"a": null, "e": "x"}']
    path = wrote(tmp_path / "a.jsonl", "\n".join(lines))
    found = Profile.of(item for item in items(JsonLines(), path) if not isinstance(item, Problem))
    assert found.rows == 3
    assert set(found.names) == {"a", "b.c", "d", "e"}
    assert (found.column("a").kinds.integral, found.column("a").kinds.fractional) == (1, 1)


def test_json_lines_that_are_none(tmp_path: Path) -> None:
    """The line and the remedy; the others are read."""
    path = wrote(tmp_path / "a.jsonl", '{"a": 1}\n{"a":\n\n[1]\n{"a": 2}\n')
    rows, problems = read(JsonLines(), path)
    assert [str(row["a"]) for row in rows] == ["1", "2"]
    assert [problem.line for problem in problems] == [2, 4]


SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | st.text("xyz 1.5", max_size=5)
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from("abcdA"),
            st.none()
            | st.booleans()
            | st.integers(-(2**40), 2**40)
            | st.floats(-1e6, 1e6)
            | st.text("xyz 1.5", max_size=5),
            max_size=4,
        ),
        min_size=1,
        max_size=20,
    )
)
def test_json_lines_are_read_value_by_value(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever reader takes a block, kinds and numbers are those of every value alone."""
    path = tmp_path_factory.mktemp("json") / "a.jsonl"
    wrote(path, "".join(json.dumps(row) + "\n" for row in rows))
    found = Profile.of(item for item in items(JsonLines(), path) if not isinstance(item, Problem))
    assert found.rows == len(rows)
    for name in {name for row in rows for name in row}:
        values = [row[name] for row in rows if row.get(name) is not None]
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        if len(numbers) == len(values) and values:
            kinds = found.column(name).kinds
            assert kinds.integral == sum(isinstance(value, int) for value in numbers)
            assert found.column(name).moments.sum == pytest.approx(sum(map(float, numbers)), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    "document",
    [
        '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        '{"a": [1, 2], "b": ["x", "y"]}',
        '{"total": 2, "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
        '{"a": 1, "b": "x"}\n{\n "a": 2, "b": "y"}',
    ],
)
def test_json_documents_of_every_shape(tmp_path: Path, document: str) -> None:
    """F-05, X-09: an array, columns, rows below a member, objects one after the other."""
    rows, problems = read(Json(), wrote(tmp_path / "a.json", document))
    assert ([(str(row["a"]), row["b"]) for row in rows], problems) == ([("1", "x"), ("2", "y")], [])


def test_json_of_polars_and_pandas(tmp_path: Path) -> None:
    """Written by other libraries."""
    frame = FRAME.select("n", "x")
    frame.write_ndjson(tmp_path / "a.jsonl")
    frame.write_json(tmp_path / "a.json")
    pd.DataFrame(frame.to_dicts()).to_json(tmp_path / "b.json", orient="records")
    for form, name in ((JsonLines(), "a.jsonl"), (Json(), "a.json"), (Json(), "b.json")):
        found = Profile.of(item for item in items(form, tmp_path / name) if isinstance(item, pa.RecordBatch))
        assert found.column("x").moments.sum == pytest.approx(0.25)
        assert found.column("n").missing == 1


def test_json_document_cut_off(tmp_path: Path) -> None:
    """The line where it stops being JSON."""
    with pytest.raises(Unreadable, match="line 2"):
        read(Json(), wrote(tmp_path / "a.json", '{"a": 1,\n "b": }'))


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_mark_is_no_data(tmp_path: Path, end: str) -> None:
    """F-13: a byte-order mark before the first of several parts."""
    path = wrote(tmp_path / "a.csv", ("\ufeffa,b\n1,x\n2,z" + end).encode())
    assert [row["a"] for row in read(Csv(), path)[0]] == ["1", "2"]


def test_null_values_as_one_text(tmp_path: Path) -> None:
    """F-04: `--read-option null_values=NA`."""
    path = wrote(tmp_path / "a.csv", "a,b\nNA,N\n1,A\n")
    assert read(Csv(), path, null_values="NA")[0] == [{"a": None, "b": "N"}, {"a": "1", "b": "A"}]


def test_bad_bytes_in_json_lines(tmp_path: Path) -> None:
    """One byte that is no UTF-8 costs no column."""
    path = wrote(tmp_path / "a.jsonl", b'{"a": "x"}\n{"a": "\xff"}\n{"a": "z"}\n')
    rows, problems = read(JsonLines(), path)
    assert [row["a"] for row in rows] == ["x", "\ufffd", "z"]
    assert [problem.line for problem in problems] == [2]


def test_values_between_objects(tmp_path: Path) -> None:
    """An array with something that is no object tells of it."""
    rows, problems = read(Json(), wrote(tmp_path / "a.json", '[{"a": 1}, 5, {"a": 2}]'))
    assert [str(row["a"]) for row in rows] == ["1", "2"]
    assert "row 2" in problems[0].reason


def test_large_files_are_cut_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are counted only when a problem needs its own; no row is lost at a cut."""
    monkeypatch.setattr(jsonlines_format, "LARGE", 0)
    monkeypatch.setattr(jsonlines_format, "PIECE", 100)
    lines = [json.dumps({"a": place}) for place in range(200)]
    lines[150] = "odd"
    path = wrote(tmp_path / "a.jsonl", "\n".join(lines))
    rows, problems = read(JsonLines(), path)
    assert [str(row["a"]) for row in rows] == [str(place) for place in range(200) if place != 150]
    assert [problem.line for problem in problems] == [151]


@pytest.mark.parametrize("text", ["{}\n{}\n", '{}\n{"a": 1, "b": {}}\n', "{}\n5\n{}\n"])
def test_objects_without_members_are_rows(tmp_path: Path, text: str) -> None:
    """They count, whichever reader takes them."""
    path = wrote(tmp_path / "a.jsonl", text)
    assert Profile.of(item for item in items(JsonLines(), path) if isinstance(item, pa.RecordBatch)).rows == 2
