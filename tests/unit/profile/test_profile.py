"""The profile against numpy and pyarrow, on every form of column and on columns that are odd."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from math import isnan

import datasketches
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.errors import NotFound, Unreadable
from driftline.profile import Profile, decode, encode
from driftline.profile.columns import BLOCK
from driftline.schema import Form


def column_of(values: object, kind: pa.DataType | None = None) -> object:
    """The only column of a table with these values."""
    return Profile.of(pa.table({"x": pa.array(values, kind)})).column("x")


@pytest.mark.parametrize("rows", [1, 7, 1000, BLOCK - 1, BLOCK + 1, 300_000])
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int64(), pa.int16(), pa.uint8()])
def test_moments_equal_numpy(rows: int, kind: pa.DataType) -> None:
    """Mean, sum, population standard deviation and extremes within 1e-12 relative."""
    values = np.random.default_rng(rows).gamma(2.0, 20.0, rows).astype(kind.to_pandas_dtype())
    found = Profile.of(pa.table({"x": values})).column("x")
    exact = values.astype(np.float64)
    assert found.moments.count == rows
    for mine, truth in (
        (found.moments.mean, exact.mean()),
        (found.moments.sum, exact.sum()),
        (found.moments.std_dev, exact.std()),
        (found.moments.minimum, exact.min()),
        (found.moments.maximum, exact.max()),
    ):
        assert mine == pytest.approx(truth, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "kind", [*map(pa.type_for_alias, ["int8", "int16", "int32", "int64"]), pa.uint8(), pa.uint64()]
)
@pytest.mark.parametrize("span", [2, 255, 60_000])
def test_integers_from_edge_to_edge_of_their_type(kind: pa.DataType, span: int) -> None:
    """Whatever its width, a type's lowest and highest values are counted, however near or far they lie."""
    limits = np.iinfo(kind.to_pandas_dtype())
    middle = (int(limits.min) + int(limits.max)) // 2
    for low in (
        int(limits.min),
        max(int(limits.min), middle - span // 2),
        max(int(limits.min), int(limits.max) - span),
    ):
        values = np.linspace(0, min(span, int(limits.max) - low), 500).astype(int).astype(object) + low
        found = Profile.of(pa.table({"x": pa.array(values.tolist() * 40, kind)}))
        assert not found.failures
        exact = [float(value) for value in values]
        moments = found.column("x").moments
        assert (moments.minimum, moments.maximum, moments.count) == (min(exact), max(exact), 20_000)
        assert found.column("x").distinct == len(set(exact))
        assert float(found.column("x").sketch.quantile(1.0)) == max(exact)


def test_large_offsets_do_not_cancel() -> None:
    """Variance 2/3 at 1e9: the textbook formula would lose all digits."""
    found = Profile.of(pa.table({"x": np.tile([1e9, 1e9 + 1, 1e9 + 2], 50_000)})).column("x")
    assert found.moments.variance == pytest.approx(2 / 3, rel=1e-9)


@pytest.mark.parametrize("rows", [1500, 2049, 100_000, 1_000_000])
def test_distinct_counts(rows: int) -> None:
    """Exact below 2048 distinct values, within three standard errors (6.6 %) above."""
    rng = np.random.default_rng(rows)
    numbers, texts = rng.permutation(rows), [f"id-{i:x}" for i in range(min(rows, 100_000))]
    assert Profile.of(pa.table({"x": numbers})).column("x").distinct == pytest.approx(
        rows, rel=0 if rows < 2048 else 0.066
    )
    found = Profile.of(pa.table({"x": texts})).column("x").distinct
    assert found == pytest.approx(len(texts), rel=0 if rows < 2048 else 0.066)


def test_sketch_is_about_as_good_as_datasketches() -> None:
    """The oracle's ranks and ours differ by no more than both errors."""
    values = np.random.default_rng(5).lognormal(size=500_000)
    oracle = datasketches.kll_doubles_sketch(2048)
    oracle.update(values)
    sketch = Profile.of(pa.table({"x": values})).column("x").sketch
    for q in np.linspace(0.01, 0.99, 25):
        point = float(sketch.quantile(float(q)))
        assert oracle.get_rank(point, True) == pytest.approx(q, abs=0.004)


def test_every_form_in_its_own_way() -> None:
    """Booleans, decimals, dates, timestamps, lists, vectors, nested and binary columns."""
    table = pa.table(
        {
            "flag": pa.array([True, None, False, True]),
            "price": pa.array([Decimal("1.50"), Decimal("2.50"), None, Decimal("3.50")]),
            "day": pa.array([date(1970, 1, 2), None, date(1970, 1, 3), date(1970, 1, 3)]),
            "at": pa.array([datetime(1970, 1, 1, 0, 0, 1)] * 4, pa.timestamp("us", "UTC")),
            "tags": pa.array([["a", "b"], [], None, ["a"]]),
            "embedding": pa.array([[3.0, 4.0], [0.0, 0.0], None, [6.0, 8.0]], pa.list_(pa.float32(), 2)),
            "who": pa.array([{"age": 30, "name": {"first": "Ann"}}, None, {"age": 50, "name": None}, {"age": None}]),
            "raw": pa.array([b"ab", b"", None, b"c"]),
            "nothing": pa.nulls(4),
            "code": pa.array(["7", "8", "x", None]).dictionary_encode(),
        }
    )
    found = Profile.of(table)
    assert not found.failures
    assert found.names[6:8] == ("who.age", "who.name.first")
    forms = {column.name: (column.form, column.present, column.kinds.inferred) for column in found.columns}
    assert forms == {
        "flag": (Form.BOOLEAN, 3, "String"),
        "price": (Form.NUMBER, 3, "Fractional"),
        "day": (Form.TIME, 3, "String"),
        "at": (Form.TIME, 4, "String"),
        "tags": (Form.LIST, 3, "String"),
        "embedding": (Form.VECTOR, 3, "String"),
        "who.age": (Form.NUMBER, 2, "Integral"),
        "who.name.first": (Form.TEXT, 1, "String"),
        "raw": (Form.OTHER, 3, "String"),
        "nothing": (Form.OTHER, 0, "Unknown"),
        "code": (Form.TEXT, 3, "String"),
    }
    assert found.column("flag").frequent.counts == {"true": 2, "false": 1}
    assert found.column("price").moments.mean == 2.5
    assert found.column("day").moments.maximum == 2 * 86_400
    assert found.column("tags").frequent.counts == {"a": 2, "b": 1}
    assert found.column("tags").lengths.mean == 1.0
    assert found.column("embedding").vector.norms.mean == 5.0
    assert found.column("embedding").vector.mean.tolist() == [3.0, 4.0]


def test_odd_numbers_never_break_a_profile() -> None:
    """DQ-12: nulls only, constant, infinities, NaN, huge and tiny."""
    table = pa.table(
        {
            "nulls": pa.array([None] * 3, pa.float64()),
            "constant": [7.0] * 3,
            "infinite": [float("inf"), float("-inf"), 1.0],
            "nan": pa.array([float("nan"), 2.0, None]),
            "huge": [1e308, -1e308, 1e308],
        }
    )
    found = Profile.of(table)
    assert not found.failures
    assert found.column("nulls").kinds.inferred == "Unknown"
    assert found.column("constant").moments.std_dev == 0.0
    assert [count for _, _, count in found.column("constant").sketch.buckets(7.0, 7.0)] == [0.0] * 9 + [3.0]
    assert (found.column("infinite").present, found.column("infinite").moments.infinite) == (3, 2)
    assert found.column("infinite").moments.mean == 1.0
    assert (found.column("nan").present, found.column("nan").missing, found.column("nan").nan) == (1, 2, 1)
    assert found.column("huge").moments.count == 3
    assert decode(encode(found)).column("infinite").moments == found.column("infinite").moments


def test_text_is_read_value_by_value() -> None:
    """X-19, spec 2.2: kinds of texts, encoded or not, and the numbers among them."""
    few = [
        "1",
        "2.5",
        "-3",
        "+4",
        "+ 5",
        ".5",
        "1,000",
        "NaN",
        "inf",
        "1e-5",
        "1.5E+3",
        "true",
        "True",
        "",
        "5.",
        "1.e5",
    ]
    for values in (few, few * 500):
        found = Profile.of(pa.table({"x": values})).column("x")
        times = len(values) // len(few)
        assert (found.kinds.integral, found.kinds.fractional, found.kinds.boolean) == (4 * times, 3 * times, times)
        assert found.moments.count == 7 * times
        assert found.moments.maximum == 1500.0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.from_regex(r"[-+]? ?[0-9]{0,3}\.?[0-9]{0,3}([eE][-+]?[0-9])?", fullmatch=True), min_size=1, max_size=50)
)
def test_quick_and_exact_reading_agree(texts: list[str]) -> None:
    """Whatever path a block of texts takes, every value is read as if it were alone."""
    together = Profile.of(pa.table({"x": texts})).column("x")
    alone = Profile()
    for text in texts:
        alone = alone.merge(Profile.of(pa.table({"x": [text]})))
    assert alone.column("x").kinds == together.kinds
    assert alone.column("x").moments.count == together.moments.count
    assert alone.column("x").moments.sum == pytest.approx(together.moments.sum)


@pytest.mark.parametrize("width", [16, 32])
def test_many_texts_with_a_few_frequent_ones(width: int) -> None:
    """Frequent values are found among ids, and counted within the stated error."""
    ids = [f"{i:0{width}x}" for i in range(100_000)]
    values = np.random.default_rng(0).permutation(ids + ["often"] * 5_000 + ["rather"] * 2_000).tolist()
    found = Profile.of(pa.table({"x": values})).column("x").frequent
    assert not found.exact
    assert list(found.counts)[:2] == ["often", "rather"]
    assert 5_000 - found.error <= found.counts["often"] <= 5_000


def test_columns_that_come_and_go() -> None:
    """F-11, F-12: other order, new and vanished columns: what is lacking is missing."""
    first, second = pa.table({"a": [1, 2], "b": ["x", "y"]}), pa.table({"c": [1.0], "a": [3]})
    for both in (Profile.of(first).merge(Profile.of(second)), Profile.of(first).observe(second.to_batches()[0])):
        assert both.names == ("a", "b", "c")
        assert [column.missing for column in both.columns] == [0, 1, 2]


def test_columns_of_the_same_name_are_two() -> None:
    """Whether the table says the name twice or a struct's member gives it: no column is more than full."""
    rows = {"a": [1, 2], "a.b": ["x", "y"], "s": [{"b": 1}, {"b": 2}]}
    table = pa.Table.from_arrays([*map(pa.array, rows.values()), pa.array([{"b": 1.5}, None])], [*rows, "a"])
    found = Profile.of(table).merge(Profile.of(table))
    assert found.names == ("a", "a.b", "s.b", "a.b_1")
    assert [column.completeness for column in found.columns] == [1.0, 1.0, 1.0, 0.5]


def test_one_bad_column_fails_alone() -> None:
    """A value that cannot be analysed is told; the other columns are there."""
    found = Profile.of(pa.table({"good": [1, 2], "far": pa.array([2**62, 1], pa.duration("s"))}))
    assert found.column("good").moments.mean == 1.5


def test_many_columns() -> None:
    """5,000 columns are one profile."""
    table = pa.table({f"c{i}": np.arange(100.0) + i for i in range(5_000)})
    found = Profile.of(table)
    assert len(found.names) == 5_000
    assert found.column("c4999").moments.minimum == 4999.0


def test_unknown_column_is_told_with_its_neighbours() -> None:
    """A slip of the finger gets the right name."""
    with pytest.raises(NotFound, match="'age'"):
        Profile.of(pa.table({"age": [1]})).column("agee")


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"DRFT\x00\x00", encode(Profile())[:-3], b"DRFT\xff\x7f" + b"\0" * 40]
)
def test_damaged_profiles_are_refused(data: bytes) -> None:
    """Bytes that are no profile say so."""
    with pytest.raises(Unreadable):
        decode(data, "day.profile")


def test_sizes_of_a_saved_profile() -> None:
    """A profile of 100,000 rows and three columns is compact, and completeness is NaN without rows."""
    rng = np.random.default_rng(1)
    found = Profile.of(
        pa.table({"x": rng.normal(size=100_000), "y": rng.integers(0, 9, 100_000), "z": ["a"] * 100_000})
    )
    assert len(encode(found)) < 120_000
    assert isnan(Profile.of(pa.table({"x": pa.array([], pa.int64())})).column("x").completeness)
