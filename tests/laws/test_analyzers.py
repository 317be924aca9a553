"""The five laws of the algebra, on every analyzer in the table: merge, identity, observe, purity, codec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from math import isclose, isnan
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.profile import Profile, decode, encode
from driftline.profile.analyzer import Analyzer
from driftline.profile.analyzers import ANALYZERS
from driftline.profile.columns import Cells
from driftline.profile.count import Count
from driftline.profile.distinct import Distinct
from driftline.profile.frequent import Frequent, FrequentState
from driftline.profile.kinds import Kinds
from driftline.profile.moments import Lengths, Moments, MomentsState
from driftline.profile.quantiles import Quantiles, Sketch
from driftline.profile.vectors import Vectors, VectorState
from driftline.schema import Field, Form

Values = Sequence[Any] | npt.NDArray[np.float64]

NUMBERS = st.lists(
    st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, float("inf"), float("nan")]), max_size=60
)
TEXTS = st.lists(st.none() | st.sampled_from(["1", "2.5", "x", "true", "+ 5"]) | st.text(max_size=12), max_size=60)
LISTS = st.lists(st.none() | st.lists(st.sampled_from("abc"), max_size=3), max_size=20)
VECTORS = st.lists(st.none() | st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), max_size=20)


@dataclass(frozen=True)
class Example:
    """An analyzer, values it can see, and what makes two of its states say the same of the same rows."""

    analyzer: Analyzer[Any]
    values: st.SearchStrategy[Values]
    type: pa.DataType
    agree: Callable[[Any, Any], None]


def same(one: Any, other: Any) -> None:
    """Equal member by member, floats within rounding."""
    assert type(one) is type(other)
    for member in fields(one):
        mine, theirs = getattr(one, member.name), getattr(other, member.name)
        if isinstance(mine, float):
            assert isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-6), member.name
        elif isinstance(mine, np.ndarray):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-6)
        elif is_dataclass(mine):
            same(mine, theirs)
        else:
            assert mine == theirs, member.name


def same_moments(one: MomentsState, other: MomentsState) -> None:
    """Moments agree within rounding that is relative to the size of the values."""
    assert (one.count, one.infinite, one.lowest, one.highest) == (
        other.count,
        other.infinite,
        other.lowest,
        other.highest,
    )
    if one.count:
        size = max(abs(one.lowest), abs(one.highest), 1e-9)
        assert isclose(one.mean, other.mean, rel_tol=1e-9, abs_tol=1e-9 * size)
        assert isclose(one.std_dev, other.std_dev, rel_tol=1e-6, abs_tol=1e-6 * size)


def same_vectors(one: VectorState, other: VectorState) -> None:
    """Vectors agree within rounding."""
    assert (one.count, one.odd, one.dimension) == (other.count, other.odd, other.dimension)
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-9)
    np.testing.assert_allclose(one.std_dev, other.std_dev, atol=1e-6)
    same_moments(one.norms, other.norms)


def same_ranks(one: Sketch, other: Sketch) -> None:
    """Two sketches of the same rows differ in rank by no more than both their errors."""
    assert one.count == other.count
    bound = (one.rank_error + other.rank_error) * one.count
    for point in np.concatenate((one.points()[0], other.points()[0])):
        assert abs(int(one.rank(float(point))) - int(other.rank(float(point)))) <= bound


def same_counts(one: FrequentState, other: FrequentState) -> None:
    """True counts lie in [count, count + error] of both."""
    for mine, theirs in ((one, other), (other, one)):
        for value, count in mine.counts.items():
            assert count <= theirs.counts.get(value, 0) + theirs.error


EXAMPLES = {
    "count": Example(Count("x"), NUMBERS, pa.float64(), same),
    "kinds": Example(Kinds("x"), TEXTS, pa.string(), same),
    "moments": Example(Moments("x"), NUMBERS, pa.float64(), same_moments),
    "quantiles": Example(Quantiles("x", k=8), NUMBERS, pa.float64(), same_ranks),
    "distinct": Example(Distinct("x", size=16), TEXTS, pa.string(), same),
    "frequent": Example(Frequent("x", limit=4), TEXTS, pa.string(), same_counts),
    "lengths": Example(Lengths("x"), LISTS, pa.list_(pa.string()), same_moments),
    "vectors": Example(Vectors("x"), VECTORS, pa.list_(pa.float64(), 3), same_vectors),
}
EVERY = pytest.mark.parametrize("name", sorted(ANALYZERS))


def observed(example: Example, *batches: Values) -> Any:
    """The state after these batches."""
    state = example.analyzer.start()
    for values in batches:
        array = pa.array(values, example.type)
        state = example.analyzer.observe(state, Cells(Field("x", Form.of(example.type)), array))
    return state


def test_every_analyzer_has_an_example() -> None:
    """A new analyzer fails here until the laws can be tried on it."""
    assert EXAMPLES.keys() == ANALYZERS.keys()
    assert all(type(EXAMPLES[name].analyzer) is kind for name, kind in ANALYZERS.items())


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_merge_is_associative_and_commutative(name: str, data: st.DataObject) -> None:
    """Law 1."""
    example = EXAMPLES[name]
    a, b, c = (observed(example, data.draw(example.values)) for _ in range(3))
    example.agree(a.merge(b).merge(c), a.merge(b.merge(c)))
    example.agree(a.merge(b), b.merge(a))


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_start_is_the_identity(name: str, data: st.DataObject) -> None:
    """Law 2."""
    example = EXAMPLES[name]
    state, start = observed(example, data.draw(example.values)), example.analyzer.start()
    example.agree(state.merge(start), state)
    example.agree(start.merge(state), state)


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_observing_both_is_merging_what_each_gave(name: str, data: st.DataObject) -> None:
    """Law 3."""
    example = EXAMPLES[name]
    first, second = data.draw(example.values), data.draw(example.values)
    merged = observed(example, first).merge(observed(example, second))
    example.agree(observed(example, first, second), merged)


@EVERY
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_operands_stay_as_they_are(name: str, data: st.DataObject) -> None:
    """Law 4."""
    example = EXAMPLES[name]
    a, b = observed(example, data.draw(example.values)), observed(example, data.draw(example.values))
    before = deepcopy((a, b))
    a.merge(b)
    example.analyzer.observe(
        a, Cells(Field("x", Form.of(example.type)), pa.array(data.draw(example.values), example.type))
    )
    for now, then in zip((a, b), before, strict=True):
        assert bytes_of(example, now) == bytes_of(example, then)


@EVERY
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_codec_gives_back_what_it_was_given(name: str, data: st.DataObject) -> None:
    """Law 5."""
    example = EXAMPLES[name]
    state = observed(example, data.draw(example.values))
    again = decode(bytes_of(example, state))[example.analyzer]
    example.agree(again, state)
    assert bytes_of(example, again) == bytes_of(example, state)


def bytes_of(example: Example, state: Any) -> bytes:
    """The state as a profile of its own, in bytes."""
    return encode(Profile(1, (Field("x", Form.of(example.type)),), {example.analyzer: state}))


@settings(max_examples=40, deadline=None)
@given(
    parts=st.lists(st.integers(0, 700), min_size=1, max_size=8),
    shape=st.sampled_from(["random", "sorted", "reversed", "few", "heavy"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_ranks_stay_within_the_stated_error(parts: list[int], shape: str, seed: int) -> None:
    """A tiny k compacts often; parts of any size, in any order, inserted or merged, keep to 4/k."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, Callable[[int], Any]] = {
        "random": lambda n: rng.normal(size=n),
        "sorted": lambda n: np.sort(rng.normal(size=n)),
        "reversed": lambda n: -np.sort(rng.normal(size=n)),
        "few": lambda n: rng.integers(0, 5, n).astype(float),
        "heavy": rng.standard_cauchy,
    }
    pieces = [shapes[shape](size) for size in parts]
    example = Example(Quantiles("x", k=32), NUMBERS, pa.float64(), same_ranks)
    merged, continued = example.analyzer.start(), observed(example, *pieces)
    for piece in pieces:
        merged = merged.merge(observed(example, piece))
    truth = np.sort(np.concatenate(pieces))
    for sketch in (merged, continued):
        assert sketch.count == len(truth)
        if len(truth):
            wrong = np.abs(sketch.rank(truth) - np.searchsorted(truth, truth, side="right"))
            assert wrong.max() <= max(sketch.rank_error * len(truth), 0)


@pytest.mark.parametrize("rows", [131_072, 131_073, 400_000])
@pytest.mark.parametrize("tasks", [1, 7, 64])
def test_real_k_is_far_better_than_stated(rows: int, tasks: int) -> None:
    """At k = 2048 the exact form, the block form and merges of both stay below 0.2 % of rank."""
    values = np.random.default_rng(rows).lognormal(size=rows)
    example = Example(Quantiles("x"), NUMBERS, pa.float64(), same_ranks)
    sketch = example.analyzer.start()
    for piece in np.array_split(values, tasks):
        sketch = sketch.merge(observed(example, piece))
    truth = np.sort(values)
    wrong = np.abs(sketch.rank(truth) - np.arange(1, rows + 1))
    assert sketch.count == rows
    assert wrong.max() / rows < 0.002


def test_undefined_numbers_are_nan() -> None:
    """No rows: every statistic is NaN, none is 0."""
    empty = Profile.of(pa.table({"x": pa.array([], pa.float64())})).column("x")
    assert all(
        map(isnan, (empty.moments.mean, empty.moments.std_dev, empty.completeness, float(empty.sketch.quantile(0.5))))
    )
