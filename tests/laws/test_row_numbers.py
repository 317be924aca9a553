"""Law of row numbers: `_row` is the record's number in its file, whatever of the file could not be read."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.imports.contents import chunks
from driftline.imports.job import ImportJob, Place
from driftline.imports.reading import open_file
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.schemas.rules import Intake
from driftline.storage.access import Access

SCHEMA = ModelSchema((ModelField("y", Role.PREDICTION, Kind.NUMERIC), ModelField("x", Role.TAG, Kind.STRING)))
CSV = {
    "good": b'%d,"a b"\n',
    "several lines": b'%d,"a\n\nb"\n',
    "too wide": b"%d,a,b\n",
    "too narrow": b"%d\n",
    "no text": b"%d,\xff\n",
    "wrong": b"no%d,a\n",
    "blank": b"\n",
}
LINES = {
    "good": b'{"y": %d, "x": "a"}\n',
    "no JSON": b'{"y": %d\n',
    "no object": b"[%d]\n",
    "wrong": b'{"y": "no%d"}\n',
    "blank": b"  \n",
}
GOOD = ("good", "several lines")


def numbers(data: bytes, name: str) -> tuple[list[int], list[float], list[int]]:
    """Numbers and values of the accepted rows of a file, and the numbers of the others."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        place = Place(f"{folder}/", settings={"header": True} if name == "a.csv" else {})
        job = ImportJob("j", "m", "1", place, Columns())
        opened = open_file(job, str(path), SCHEMA, Access())
        accepted, values, lost = list[int](), list[float](), list[int]()
        for chunk in chunks(opened, job, SCHEMA, Intake(datetime(2026, 1, 1, tzinfo=UTC), "a")):
            if chunk.malformed is not None:
                lost += chunk.malformed["_row"].to_pylist()
            if chunk.rows is not None:
                lost += [] if chunk.rows.rejected is None else chunk.rows.rejected["_row"].to_pylist()
                assert chunk.rows.early is not None
                accepted += chunk.rows.early["_row"].to_pylist()
                values += chunk.rows.early["y"].to_pylist()
        assert chunk.tally.rows == len(accepted) + len(lost)
        return accepted, values, sorted(lost)


def file(kinds: Sequence[str], forms: dict[str, bytes], head: bytes = b"") -> tuple[bytes, list[int], list[int]]:
    """A file of such records, in which each has its number as a value; those that are good, and the others."""
    lines, good, bad, number = [head], list[int](), list[int](), 0
    for kind in kinds:
        number += kind != "blank"
        lines.append(forms[kind].replace(b"%d", str(number).encode()))
        if kind != "blank":
            (good if kind in GOOD else bad).append(number)
    return b"".join(lines), good, bad


@given(st.lists(st.sampled_from(list(CSV)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_rows_of_csv(kinds: list[str]) -> None:
    """R-10."""
    data, good, bad = file(["good", *kinds], CSV, b"y,x\n")
    assert numbers(data, "a.csv") == (good, list(map(float, good)), bad)


@given(st.lists(st.sampled_from(list(LINES)), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_rows_of_json_lines(kinds: list[str]) -> None:
    """R-10."""
    data, good, bad = file(["good", *kinds], LINES)
    assert numbers(data, "a.jsonl") == (good, list(map(float, good)), bad)


@pytest.mark.parametrize(("name", "forms"), [("a.csv", CSV), ("a.jsonl", LINES)])
def test_rows_of_several_blocks(name: str, forms: dict[str, bytes]) -> None:
    """A file is read in blocks of 8 MB; a block may have no row that can be read."""
    draws = random.Random(3)
    worst, row = ("too wide", b"%d,a,") if name == "a.csv" else ("no JSON", b'{"y": %d')
    long = forms | {worst: row + b"b" * 9000 + b"\n"}
    broken = [worst] * 2000
    kinds = ["good", *draws.choices(list(forms), k=2000), *broken, *draws.choices(list(forms), k=100)]
    data, good, bad = file(kinds, long, b"y,x\n" if name == "a.csv" else b"")
    accepted, values, lost = numbers(data, name)
    assert (accepted, values) == (good, list(map(float, good)))
    assert lost == bad
