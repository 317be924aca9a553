"""JSON documents: how large one may be, and lines under the name of JSON; rows F-01, F-05, F-07."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import driftline
from driftline.errors import DriftlineError, EmptyWindow, Invalid
from driftline.formats.jsonlines import PIECE

ROWS = [{"a": place, "b": f"text {place}"} for place in range(1_000)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_document_beyond_the_limit_is_refused(tmp_path: Path, packed: bool) -> None:
    """F-05, F-07: the file, its size, the limit and the remedy are named; the size is that of the text unpacked."""
    text = json.dumps(ROWS).encode()
    path = tmp_path / ("a.json.gz" if packed else "a.json")
    path.write_bytes(gzip.compress(text) if packed else text)
    size = path.stat().st_size
    assert driftline.profile(path, read_options={"limit_bytes": len(text)}).rows == 1_000
    with pytest.raises(EmptyWindow) as told:
        driftline.profile(path, read_options={"limit_bytes": len(text) - 1})
    said = str(told.value)
    for each in (str(path), f"{size:,} bytes in the file", f"more than {len(text) - 1:,} bytes", "limit_bytes=N"):
        assert each in said
    other = tmp_path / "b.json"
    other.write_text(json.dumps(ROWS[:10]))
    report = driftline.baseline([str(path), str(other)], read_options={"limit_bytes": 1_000})
    assert report.profile is not None
    assert report.profile.rows == 10
    assert [each.uri for each in report.problems.examples] == [str(path)]


@pytest.mark.parametrize("limit", [0, -1, "1GB", True, 1.5])
def test_a_limit_that_is_no_number_of_bytes(tmp_path: Path, limit: object) -> None:
    """D-08: the option, what it got, and the default."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ROWS))
    with pytest.raises(Invalid, match=r"limit_bytes.*expected a number of bytes"):
        driftline.profile(path, read_options={"limit_bytes": limit})


def test_lines_under_the_name_of_json_have_no_limit(tmp_path: Path) -> None:
    """F-05: with `lines` they are read in blocks, and bad ones told with their line."""
    path = tmp_path / "a.json"
    line = json.dumps({"a": 1, "b": "x" * 1_000}) + "\n"
    count = PIECE // len(line) + 1_000
    path.write_text(line * count + "no JSON\n" + line)
    for key in ("lines", "line"):
        found = driftline.baseline(path, format="json", read_options={key: True, "limit_bytes": 1_000})
        assert found.profile is not None
        assert found.profile.rows == count + 1
        assert [each.line for each in found.problems.examples] == [count + 1]


def test_no_document_is_told_with_its_line(tmp_path: Path) -> None:
    """D-08: where the text stops being JSON."""
    path = tmp_path / "a.json"
    path.write_text('{"a": 1,\n "b": }')
    with pytest.raises(DriftlineError, match=r"a\.json line 2"):
        driftline.profile(path)


@pytest.mark.parametrize("text", ['"hello"', "5", "true", "null", "[1, 2]", "[]", "{}"])
def test_documents_without_objects_have_no_rows(tmp_path: Path, text: str) -> None:
    """D-08: a value that is no object is told; nothing crashes."""
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(EmptyWindow):
        driftline.profile(path)


@pytest.mark.parametrize("end", ["", ",", ', {"a":', ', {"a": 3'])
def test_an_array_that_is_cut_short_is_refused(tmp_path: Path, end: str) -> None:
    """ER-11: wherever the end is lost, also just behind a comma; nobody knows what followed."""
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1},\n{"a": 2}' + end)
    with pytest.raises(EmptyWindow, match="line 2: no JSON"):
        driftline.profile(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "capture.jsonl"])
def test_half_a_surrogate_pair_loses_nothing(tmp_path: Path, name: str) -> None:
    """F-13: as a text that was cut in the middle of an emoji has it; in names, values and lists."""
    rows: list[object] = [{"a": "cut \ud83d", "\ude00": ["x", "\ud83d"], "n": 1}, {"a": "whole \U0001f600", "n": 2}]
    if name.startswith("capture"):
        payloads = [{"endpointInput": {"data": json.dumps(row), "encoding": "JSON"}} for row in rows]
        rows = [{"captureData": each, "eventMetadata": {"eventId": str(place)}} for place, each in enumerate(payloads)]
    path = tmp_path / name
    path.write_text(json.dumps(rows) if name == "a.json" else "".join(json.dumps(row) + "\n" for row in rows))
    found = driftline.profile(path)
    assert set(found.names) == {"a", "\ufffd", "n"}
    assert set(found.column("a").frequent.counts) == {"cut \ufffd", "whole \U0001f600"}
