"""Where rows of CSV begin and end, and what is told of those that cannot be read; rows F-04, F-13, D-08, ER-16."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from binaries import local
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import items, read, wrote

from driftline.errors import Unreadable
from driftline.formats import blocks
from driftline.formats import csv as csv_format
from driftline.formats.csv import Csv
from driftline.formats.format import ReadOptions
from driftline.formats.json import Json
from driftline.formats.jsonlines import JsonLines
from driftline.problems import Problem


def told(problems: list[Problem]) -> list[tuple[int | None, str | None, int]]:
    """Lines, values and rows lost."""
    return [(problem.line, problem.value, problem.rows) for problem in problems]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, st.integers()), min_size=1, max_size=30), size=st.integers(8, 64))
def test_csv_comes_back_however_it_is_cut(
    rows: list[tuple[str, str, int]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Quotes, separators, line ends and any script, across blocks and parts of a few bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "n"), *rows])
    path = wrote(tmp_path_factory.mktemp("csv") / "a.csv", text.getvalue())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_format, "PIECE", size)
        patch.setattr(blocks.blocks_of, "__kwdefaults__", {"size": size})
        found, problems = read(Csv(), path, header=True, separator=",")
    assert problems == []
    assert [tuple(row.values()) for row in found] == [(a or None, b or None, str(n)) for a, b, n in rows]


def test_line_numbers_of_later_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad row far into a file is told with its line in the file."""
    monkeypatch.setattr(csv_format, "PIECE", 256)
    lines = ["a,b", *[f"{place},x" for place in range(500)]]
    lines[321] = "odd"
    path = wrote(tmp_path / "a.csv", "\n".join(lines) + "\n")
    assert len(Csv().split(str(path), path.stat().st_size, local, ReadOptions())) > 3
    assert [problem.line for problem in read(Csv(), path)[1]] == [322]


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(st.sampled_from(["a", ",", '"', "\n", "\r\n", "#", "\\", "ü"]), max_size=60),
    size=st.integers(1, 24),
    asked=st.fixed_dictionaries({}, optional={"escape": st.just("\\"), "comment": st.just("#"), "quote": st.just("")}),
)
def test_any_text_reads_the_same_however_it_is_cut(
    pieces: list[str], size: int, asked: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Quotes anywhere, closed or not, escapes and comments: the same rows, and the same problems at the same lines."""
    path = wrote(tmp_path_factory.mktemp("csv") / "a.csv", "a\n" + "".join(pieces))
    given = {"header": True, "separator": ",", **asked}
    whole = read(Csv(), path, **given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_format, "PIECE", size)
        patch.setattr(blocks.blocks_of, "__kwdefaults__", {"size": size})
        assert read(Csv(), path, **given) == whole


def test_rows_of_another_width_are_left_out(tmp_path: Path) -> None:
    """ER-16: the line, the counts and the text of the row."""
    path = wrote(tmp_path / "a.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n")
    rows, problems = read(Csv(), path)
    assert [row["a"] for row in rows] == ["1", "7"]
    assert [(problem.line, problem.reason) for problem in problems] == [
        (3, "expected 2 values, got 1"),
        (4, "expected 2 values, got 3"),
    ]


def test_an_open_quote_is_told(tmp_path: Path) -> None:
    """Its line is left out and told; the lines behind it are read."""
    path = wrote(tmp_path / "a.csv", 'a,b\n0,"w\nv"\n1,"x\n' + "2,y\n" * 3000)
    rows, problems = read(Csv(), path)
    assert len(rows) == 3001
    assert [(problem.line, problem.value, problem.rows) for problem in problems] == [(4, '1,"x', 1)]


def test_an_open_quote_that_a_later_one_closes_is_suspected(tmp_path: Path) -> None:
    """What it swallows cannot be told from a text of several lines, but what follows it is odd."""
    path = wrote(tmp_path / "a.csv", 'a,b\n1,"x\n2,y\n3,"z"\n4,"u"\n')
    rows, problems = read(Csv(), path)
    assert rows[-1] == {"a": "4", "b": "u"}
    assert [(problem.line, problem.rows) for problem in problems] == [(2, 0)]
    assert "left open" in problems[0].reason


def test_other_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are cut by the quote that is named."""
    monkeypatch.setattr(csv_format, "PIECE", 16)
    path = wrote(tmp_path / "a.csv", "a,b\n" + "".join(f"{place},'x\ny'\n" for place in range(50)))
    rows, problems = read(Csv(), path, quote="'", header=True, separator=",")
    assert (len(rows), problems) == (50, [])


def test_wrong_encoding_is_told_line_by_line(tmp_path: Path) -> None:
    """The line, the byte and the remedy; the other rows are there."""
    path = wrote(tmp_path / "a.csv", "a,b\n1,x\n2,ü\n3,y\n".encode("latin-1"))
    rows, problems = read(Csv(), path)
    assert [row["a"] for row in rows] == ["1", "3"]
    assert problems[0].line == 3
    assert "encoding=latin-1" in problems[0].remedy


def test_truncated_gzip_is_unreadable(tmp_path: Path) -> None:
    """The file and the remedy are named."""
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 5000)
    path = wrote(tmp_path / "a.csv.gz", whole[: len(whole) // 2])
    with pytest.raises(Unreadable, match="Upload the file again"):
        read(Csv(), path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["", "\r"])
def test_lines_that_end_with_carriage_returns(tmp_path: Path, encoding: str, end: str) -> None:
    """F-13: as old Macs write it."""
    text = ("a,b\r1,x\r2\r3,y" + end).encode(encoding)
    for data in (text, gzip.compress(text)):
        rows, problems = read(Csv(), wrote(tmp_path / "a.csv", data))
        assert rows == [{"a": "1", "b": "x"}, {"a": "3", "b": "y"}]
        assert told(problems) == [(3, "2", 1)]
    assert len(read(JsonLines(), wrote(tmp_path / "a.jsonl", '{"a": 1}\r{"a": 2}\r'))[0]) == 2


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """ER-16: behind quoted line ends, blank lines, a header of two lines and lines that are passed over."""
    path = wrote(tmp_path / "a.csv", 'made by hand\n"a\nA",b\n1,"x\ny"\n\n3\n4,"z\n\nz",6\n7,8\n9\n')
    rows, problems = read(Csv(), path, skip_rows=1, header=True)
    assert rows == [{"a\nA": "1", "b": "x\ny"}, {"a\nA": "7", "b": "8"}]
    assert told(problems) == [(7, "3", 1), (8, '4,"z\n\nz",6', 1), (12, "9", 1)]


def test_a_bad_byte_in_a_value_of_several_lines(tmp_path: Path) -> None:
    """Its row is lost, and no other; the line is that of the byte."""
    path = wrote(tmp_path / "a.csv", b'a,b\n1,"x\ny\n\xfcz"\n2,"k\nl"\n3\n4,m\n')
    rows, problems = read(Csv(), path)
    assert rows == [{"a": "2", "b": "k\nl"}, {"a": "4", "b": "m"}]
    assert told(problems) == [(4, '1,"x\ny\n\\xfcz"', 1), (7, "3", 1)]
    assert problems[0].reason == "byte 0xfc at position 1 is no UTF-8"


def test_bytes_that_are_not_of_the_named_encoding(tmp_path: Path) -> None:
    """Only their rows are lost; in JSON lines they become the replacement character."""
    path = wrote(tmp_path / "a.csv", b"a,b\n1,x\n2,\x81\n3,\xe9\n")
    rows, problems = read(Csv(), path, encoding="cp1252")
    assert rows == [{"a": "1", "b": "x"}, {"a": "3", "b": "é"}]
    assert told(problems) == [(3, "2,\N{REPLACEMENT CHARACTER}", 1)]
    assert "cp1252" in problems[0].reason
    lines = wrote(tmp_path / "a.jsonl", b'{"a": "x"}\n{"a": "\x81"}\n')
    found, remarks = read(JsonLines(), lines, encoding="cp1252")
    assert [row["a"] for row in found] == ["x", "\N{REPLACEMENT CHARACTER}"]
    assert (remarks[0].line, remarks[0].rows) == (2, 0)


@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """F-04: lines that begin with the character, whatever quotes or bytes are in them; not those of a value."""
    monkeypatch.setattr(csv_format, "PIECE", piece)
    path = wrote(tmp_path / "a.csv", b'# by "me, "x\na,b\n#,"\n1,"x\n# y"\n#\xff\n2,#z\n3\n#4,k')
    rows, problems = read(Csv(), path, comment="#")
    assert rows == [{"a": "1", "b": "x\n# y"}, {"a": "2", "b": "#z"}]
    assert told(problems) == [(8, "3", 1)]
    rows, _ = read(Csv(), path, comment="#", quote="", header=True)
    assert [row["a"] for row in rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "asked", "values"),
    [
        ('"x\\"\ny",1\n', {"escape": "\\"}, ['x"\ny', "1"]),
        ("x\\,\\\ny,1\n", {"escape": "\\"}, ["x,\ny", "1"]),
        ('"x""y",1\n', {"escape": '"'}, ['x"y', "1"]),
        ('5" pipe,3"\n', {}, ['5" pipe', '3"']),
        ('"x" y,"1"\n', {}, ["x y", "1"]),
        ("0,1\n", {"null_values": 0}, [None, "1"]),
        ("0,-\n", {"null_values": "-,0"}, [None, None]),
    ],
)
def test_quotes_escapes_and_nulls(tmp_path: Path, text: str, asked: dict[str, object], values: list[str]) -> None:
    """F-04: the options mean what they mean to others."""
    path = wrote(tmp_path / "a.csv", text * 3)
    assert read(Csv(), path, header=False, **asked) == ([{"_c0": values[0], "_c1": values[1]}] * 3, [])


@pytest.mark.parametrize("piece", [64, 1 << 20])
def test_quotes_that_nothing_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """Each costs its own line, however far a value might reach and however many there are."""
    monkeypatch.setattr(csv_format, "PIECE", piece)
    monkeypatch.setattr(blocks, "_OPEN", 1000)
    monkeypatch.setattr(blocks, "SIZE", 100)
    lines = [f"{place},x" for place in range(1000)]
    lines[0] = "a,b"
    lines[10] = '10,"x'
    for place in range(20, 30):
        lines[place] = f'{place}","x'
    path = wrote(tmp_path / "a.csv", "\n".join(lines))
    rows, problems = read(Csv(), path, header=True)
    assert [problem.line for problem in problems] == [11, *range(21, 31)]
    assert [row["a"] for row in rows] == [str(place) for place in range(1, 1000) if place != 10 and place // 10 != 2]


@pytest.mark.parametrize("kind", ["gzip", "bz2", "zstd"])
def test_rows_before_damage_are_kept(tmp_path: Path, kind: str) -> None:
    """F-07: and the error names the line behind them."""
    text = b"a,b\n" + b"".join(b"%d,%d\n" % (place, place * 7919 % 100_003) for place in range(200_000))
    packed = bz2.compress(text) if kind == "bz2" else pa.compress(text, kind, asbytes=True)
    path = wrote(tmp_path / "a.csv", packed[: len(packed) // 2])
    rows = 0
    with pytest.raises(Unreadable, match="Upload the file again") as raised:
        for item in items(Csv(), path):
            rows += item.num_rows if isinstance(item, pa.RecordBatch) else 0
    assert rows > 10_000
    assert raised.value.line == rows + 2


def test_a_packed_document_is_read_whole(tmp_path: Path) -> None:
    """F-07: however the unpacked text comes."""
    text = b"[" + b",".join(b'{"a": %d}' % place for place in range(50_000)) + b"]"
    assert len(read(Json(), wrote(tmp_path / "a.json", gzip.compress(text)))[0]) == 50_000
    damaged = wrote(tmp_path / "b.json", gzip.compress(text)[:-100])
    with pytest.raises(Unreadable, match="Upload the file again"):
        read(Json(), damaged)


def test_the_first_columns_that_expressions_name(tmp_path: Path) -> None:
    """F-03: others are not converted, so that bytes in them do no harm."""
    path = wrote(tmp_path / "a.csv", b"a,b\n1,\xff\n2,y\n")
    found = list(items(Csv(), path, ReadOptions(select=("cast(a AS int) AS n",), settings={"header": True})))
    assert [item.num_rows for item in found if isinstance(item, pa.RecordBatch)] == [2]
