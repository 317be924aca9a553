"""Hourly profiles against the profile of each hour's rows: whatever the batches, their order and their columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.catalog.hours import Subject
from driftline.errors import SchemaMismatch, Unreadable
from driftline.inferences import hours
from driftline.inferences.hours import Hourly
from driftline.inferences.sheetbytes import pack, unpack
from driftline.inferences.sheets import Sheet
from driftline.profile import Column, Profile
from driftline.schema import Form
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role

START = datetime(2026, 3, 1, tzinfo=UTC)
SUBJECT = Subject("churn", "3")
TIMES = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        ("_time", TIMES),
        ("_id", pa.string()),
        ("number", pa.float64()),
        ("whole", pa.int64()),
        ("text", pa.string()),
        ("coded", pa.dictionary(pa.int32(), pa.string())),
        ("yes", pa.bool_()),
        ("at", pa.timestamp("ms")),
        ("price", pa.decimal128(9, 2)),
        ("tags", pa.list_(pa.string())),
    ]
)
ROW = st.fixed_dictionaries(
    {
        "_time": st.integers(0, 5 * 3600).map(lambda seconds: START + timedelta(seconds=seconds)),
        "_id": st.text(max_size=3),
        "number": st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.5, 1.0, float("nan"), float("inf")]),
        "whole": st.none() | st.integers(-3, 200),
        "text": st.none() | st.sampled_from(["a", "b", "7", "7.0", "2.5", "true", "1e999"]) | st.text(max_size=4),
        "coded": st.none() | st.sampled_from(["x", "y"]),
        "yes": st.none() | st.booleans(),
        "at": st.none() | st.integers(0, 10**12).map(lambda ms: datetime(1970, 1, 1) + timedelta(milliseconds=ms)),
        "price": st.none() | st.integers(-999, 999).map(lambda cents: Decimal(cents) / 100),
        "tags": st.none() | st.lists(st.sampled_from("ab"), max_size=3),
    }
)
ROWS = st.lists(ROW, max_size=60)


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows as the pass has them."""
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def seen(*batches: pa.RecordBatch, schema: ModelSchema | None = None) -> Hourly:
    """The hours of these batches."""
    found = Hourly(SUBJECT, schema)
    for each in batches:
        found.observe(each)
    return found


def same(mine: Column, truth: Column) -> None:
    """They say the same, the sketch and distinct values within what they state."""
    assert (mine.form, mine.rows, mine.present, mine.nan, mine.kinds) == (
        truth.form,
        truth.rows,
        truth.present,
        truth.nan,
        truth.kinds,
    )
    for here, there in ((mine.moments, truth.moments), (mine.lengths, truth.lengths)):
        assert (here.count, here.infinite) == (there.count, there.infinite)
        if there.count:
            size = max(abs(there.lowest), abs(there.highest), 1e-9)
            assert (here.lowest, here.highest) == (there.lowest, there.highest)
            assert here.mean == pytest.approx(there.mean, rel=1e-9, abs=1e-9 * size)
            assert here.std_dev == pytest.approx(there.std_dev, rel=1e-6, abs=1e-6 * size)
    assert mine.sketch.count == truth.sketch.count
    for point in truth.sketch.points()[0]:
        wrong = abs(int(mine.sketch.rank(float(point))) - int(truth.sketch.rank(float(point))))
        assert wrong <= (mine.sketch.rank_error + truth.sketch.rank_error) * truth.sketch.count
    for value, count in truth.frequent.counts.items():
        assert 0 <= count - mine.frequent.counts.get(value, 0) <= mine.frequent.error
    if mine.distinct_state.exact:
        assert mine.distinct == truth.distinct


def compare(found: Hourly, rows: list[dict[str, Any]]) -> None:
    """Each hour with the profile of its rows."""
    by_hour: dict[datetime, list[dict[str, Any]]] = {}
    for row in rows:
        by_hour.setdefault(row["_time"].replace(minute=0, second=0), []).append(row)
    parts = found.parts()
    assert list(parts) == sorted(by_hour)
    for hour, some in by_hour.items():
        truth = Profile.of(batch(some).drop_columns(["_time", "_id"]))
        assert parts[hour].names == truth.names
        for column in truth.columns:
            same(parts[hour].column(column.name), column)


@settings(max_examples=60, deadline=None)
@given(first=ROWS, second=ROWS)
def test_each_hour_is_the_profile_of_its_rows(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    """Also of batches whose hours are mixed, of merged ones, and after a way through bytes."""
    compare(seen(batch(first), batch(second)), first + second)
    one, other = seen(batch(first)), seen(batch(second))
    compare(one.merge(other), first + second)
    compare(one, first)
    every = [unpack(pack(sheet), "a") for found in (one, other) for sheet in found.sheets().values()]
    together, truth = Sheet.merged(every, None).profile(), Profile.of(batch(first + second))
    for column in together.columns:
        same(column, truth.column(column.name))


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_bytes_give_back_what_they_were_given(rows: list[dict[str, Any]]) -> None:
    """Every state comes back, and is written again as the same bytes."""
    for sheet in seen(batch(rows)).sheets().values():
        data = pack(sheet)
        again = unpack(data, "a")
        assert pack(again) == data
        quick = unpack(data, "a", whole=False).profile()
        for column in sheet.profile().columns:
            same(again.profile().column(column.name), column)
            if column.form is not Form.NUMBER:
                assert quick.column(column.name).frequent.counts == column.frequent.counts


def many(rows: int, spread: int, seed: int = 1) -> pa.RecordBatch:
    """Rows over so many hours, in no order: floats, whole numbers, texts that differ, texts that do not."""
    random = np.random.default_rng(seed)
    return pa.record_batch(
        {
            "_time": pa.array(int(START.timestamp() * 1e6) + random.integers(0, spread * 3_600_000_000, rows), TIMES),
            "heavy": random.lognormal(0, 3, rows),
            "few": random.integers(0, 5, rows).astype(float),
            "cents": np.round(random.exponential(20, rows), 2),
            "id": pa.array([f"{place:x}" * 3 for place in random.integers(0, 1 << 30, rows)]),
            "kind": pa.array(random.choice([f"kind {place}" for place in range(300)], rows)),
        }
    )


@pytest.mark.parametrize("spread", [1, 6, 500])
def test_many_rows_keep_to_the_stated_error(spread: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sketches of hours and of all of them; pieces that are merged on the way do not add to it."""
    batches = [many(30_000, spread, seed) for seed in range(6)]
    plain = seen(*batches)
    monkeypatch.setattr(hours, "_PENDING", 5_000)
    monkeypatch.setattr(hours, "_LEAST", 10_000)
    for found in (plain, seen(*[each.slice(at, 5_000) for each in batches for at in range(0, 30_000, 5_000)])):
        sheets = found.sheets()
        every = Sheet.merged(list(sheets.values()), None).profile()
        table = pa.Table.from_batches(batches)
        for name in ("heavy", "few", "cents"):
            exact = np.sort(table[name].to_numpy())
            sketch = every.column(name).sketch
            wrong = np.abs(sketch.rank(exact) - np.searchsorted(exact, exact, side="right"))
            assert sketch.count == len(exact)
            assert wrong.max() < sketch.rank_error * len(exact)
        assert every.column("kind").distinct == 300
        assert every.column("few").frequent.exact
        assert every.column("id").distinct == pytest.approx(180_000, rel=0.5)
        assert every.column("id").kinds.total == 180_000


def test_tensors_are_vectors_where_the_schema_says_so() -> None:
    """Lists of the declared length; one of another length is missing."""
    schema = ModelSchema((ModelField("face", Role.FEATURE, Kind.TENSOR, (2,)),))
    lists = pa.array([[1.0, 2.0], [3.0, 4.0], [5.0], None], pa.list_(pa.float32()))
    found = seen(pa.record_batch({"_time": pa.array([START] * 4, TIMES), "face": lists}), schema=schema)
    (sheet,) = found.sheets().values()
    column = unpack(pack(sheet), "a").profile().column("face")
    assert (column.form, column.present, column.vector.count) == (Form.VECTOR, 2, 2)
    assert column.vector.mean.tolist() == [2.0, 3.0]
    assert Sheet.merged([sheet, sheet], None).profile().column("face").vector.count == 4


def test_columns_that_come_and_go_are_kept_apart() -> None:
    """A column that a batch lacks has no values there; hours without rows have no part."""
    one = pa.record_batch({"_time": pa.array([START], TIMES), "a": [1.0]})
    other = pa.record_batch({"_time": pa.array([START, START + timedelta(days=3)], TIMES), "b": ["x", "y"]})
    parts = seen(one, other).parts()
    assert list(parts) == [START, START + timedelta(days=3)]
    assert [parts[START].column(name).missing for name in "ab"] == [1, 1]
    assert seen(one.slice(0, 0)).parts() == {}


@pytest.mark.parametrize(
    ("times", "said"),
    [(None, "got none"), (pa.array([None], TIMES), "1 nulls"), (pa.array([START], pa.timestamp("ms", "UTC")), r"\[ms")],
)
def test_rows_without_a_time_are_refused(times: pa.Array | None, said: str) -> None:
    """What was found is told."""
    columns = {"a": pa.array([1.0])} | ({} if times is None else {"_time": times})
    with pytest.raises(SchemaMismatch, match=said):
        Hourly(SUBJECT).observe(pa.record_batch(columns))


def test_other_bytes_are_refused() -> None:
    """Bytes of a later version, or of something else."""
    (sheet,) = seen(pa.record_batch({"_time": pa.array([START], TIMES), "a": [1.0]})).sheets().values()
    data = pack(sheet)
    with pytest.raises(Unreadable, match="version 9 is newer"):
        unpack(data[:4] + b"\x09" + data[5:], "a")
    for other in (b"", b"x" * 100, data[:50]):
        with pytest.raises(Unreadable, match="profile"):
            unpack(other, "a")
