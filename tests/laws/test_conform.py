"""Laws of making rows conform: nothing is lost, batches do not matter, and row numbers are those of the file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.schemas.columns import Columns
from driftline.schemas.conform import Conformed, conform
from driftline.schemas.faults import Faults
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.schemas.mapped import resolve
from driftline.schemas.rules import Intake
from driftline.schemas.times import read_times

SCHEMA = ModelSchema(
    (
        ModelField("number", Role.FEATURE, Kind.NUMERIC),
        ModelField("whole", Role.FEATURE, Kind.NUMERIC, whole=True),
        ModelField("flag", Role.TAG, Kind.BOOLEAN),
        ModelField("when", Role.FEATURE, Kind.TIMESTAMP),
        ModelField("vector", Role.FEATURE, Kind.TENSOR, (2,)),
        ModelField("label", Role.PREDICTION, Kind.STRING),
        ModelField("p", Role.SCORE, Kind.NUMERIC, of="yes"),
        ModelField("truth", Role.ACTUAL, Kind.NUMERIC, of="label"),
    )
)
INTAKE = Intake(datetime(2026, 6, 1, tzinfo=UTC), "file")
COLUMNS = Columns(id="id", timestamp="at")
NUMBERS = st.sampled_from(
    [
        "",
        "1",
        "1.5",
        " 2 ",
        "+3",
        "-4e2",
        "0x1f",
        "007",
        "1_0",
        "nan",
        "inf",
        "1e999",
        "abc",
        "9007199254740993",
        ".",
        "-.5",
        "5.",
        "1e-400",
    ]
)
DIGITS = st.sampled_from(["9223372036854775807", "9223372036854775808", "9223372036854775806.0", "1.0", "-0", "٣"])
TIMES = st.sampled_from(
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31 12:00:00",
        "2026-01-31",
        "2026-02-29",
        "2024-02-29T23:59:59.123456789+05:30",
        "1767323045",
        "1767323045.25",
        "1767323045123",
        "1767323045123456",
        "99999999999999999999",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "",
        "today",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T24:00:00Z",
        "2016-12-31T23:59:60Z",
    ]
)
ROWS = st.fixed_dictionaries(
    {
        "id": st.none() | st.sampled_from(["a", "b", "", "x" * 513]) | st.text(max_size=3),
        "at": st.none() | TIMES,
        "number": st.none() | NUMBERS | st.floats().map(repr) | st.text(max_size=4),
        "whole": st.none() | NUMBERS | DIGITS | st.integers().map(str),
        "flag": st.none() | st.sampled_from(["true", "F", "1", "0.0", "2", " yes ", "TRUE", "maybe"]),
        "when": st.none() | TIMES | st.text(max_size=10),
        "vector": st.none() | st.sampled_from(["[1, 2]", "[1]", "1 2", "1,x", "[1, null]", "[1, NaN]", "[", "{}"]),
        "label": st.none() | st.text(max_size=3),
        "p": st.none() | st.sampled_from(["0.5", "1", "1.1", "-0.0", "x"]),
        "truth": st.none() | NUMBERS,
    }
)
KIND = pa.schema([(name, pa.string()) for name in ("id", "at", *(each.name for each in SCHEMA))])


def made(rows: list[dict[str, Any]], first_row: int = 1) -> Conformed:
    batch = pa.RecordBatch.from_pylist(rows, schema=KIND)
    return conform(batch, resolve(COLUMNS, SCHEMA, KIND, content="both"), INTAKE, first_row)


def plain(*batches: pa.RecordBatch | pa.Table | None) -> str:
    """The rows of batches, one after the other; NaN equals itself so."""
    return repr([row for batch in batches if batch is not None for row in batch.to_pylist()])


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, max_size=12), st.integers(1, 10**6))
def test_every_row_is_accepted_or_rejected_once(rows: list[dict[str, Any]], first_row: int) -> None:
    """J-11: accepted and rejected rows are all rows, each with its number."""
    found = made(rows, first_row)
    early = found.early["_row"].to_pylist() if found.early is not None else []
    lost = found.rejected["_row"].to_pylist() if found.rejected is not None else []
    assert sorted(early + lost) == list(range(first_row, first_row + len(rows)))
    assert [first_row + place for place, kept in enumerate(found.accepted.to_pylist()) if kept] == early
    assert (found.accepted_count, found.rejected_count) == (len(early), len(lost))
    assert found.late is not None
    assert set(found.late["_row"].to_pylist()) <= set(early)
    for each in found.rejected.to_pylist() if found.rejected is not None else []:
        source = rows[each["_row"] - first_row]
        assert {name: each[name] for name in KIND.names} == source
        assert each["_code"]
        assert each["_reason"]


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, max_size=12), st.integers(0, 12))
def test_batches_do_not_matter(rows: list[dict[str, Any]], cut: int) -> None:
    """Whatever a row is among, the same becomes of it."""
    whole, first, second = made(rows), made(rows[:cut]), made(rows[cut:], min(cut, len(rows)) + 1)
    assert plain(whole.early) == plain(first.early, second.early)
    assert plain(whole.late) == plain(first.late, second.late)
    assert plain(whole.rejected) == plain(first.rejected, second.rejected)
    assert whole.faults == first.faults.merge(second.faults)
    assert whole.faults == second.faults.merge(first.faults)
    assert first.faults.merge(Faults()) == first.faults


@settings(max_examples=100, deadline=None)
@given(st.lists(ROWS, max_size=12))
def test_dictionaries_do_not_matter(rows: list[dict[str, Any]]) -> None:
    """Columns of repeated texts are read by their entries."""
    batch = pa.RecordBatch.from_pylist(rows, schema=KIND)
    encoded = pa.RecordBatch.from_arrays([column.dictionary_encode() for column in batch.columns], KIND.names)
    found, other = made(rows), conform(encoded, resolve(COLUMNS, SCHEMA, encoded.schema, content="both"), INTAKE)
    assert plain(found.early, found.late, found.rejected) == plain(other.early, other.late, other.rejected)
    assert found.faults == other.faults


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.sampled_from(["us", "ms", "s"]))
def test_times_survive_their_forms(moment: datetime, unit: str) -> None:
    """C-10: a timestamp, its RFC 3339 text and one of each hundred offsets are the same moment."""
    aware = moment.replace(tzinfo=UTC, microsecond=moment.microsecond if unit == "us" else 0)
    as_value = pa.array([aware], pa.timestamp(unit, "UTC"))
    assert read_times(as_value)[0].as_py() == aware
    assert read_times(pa.array([aware.isoformat()]))[0].as_py() == aware
    assert read_times(pa.array([aware.isoformat(), "x"]))[0].as_py() == aware


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**10), 10**11 - 1))
def test_numbers_are_read_by_their_size(seconds: int) -> None:
    """C-10, R-02: integers, floats and texts of one number of seconds are the same moment."""
    found = [
        read_times(array).cast(pa.int64())[0].as_py()
        for array in (pa.array([seconds]), pa.array([float(seconds)]), pa.array([str(seconds)]))
    ]
    assert found == [seconds * 10**6] * 3
