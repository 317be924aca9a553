"""The five laws of the algebra, on every question about several columns: merge, identity, observe, purity, codec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from functools import reduce
from math import isclose, isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.profile import Profile, decode, encode
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.analyzers import JOINT
from driftline.profile.attribution import Attribution, AttributionState
from driftline.profile.confusion import Confusion
from driftline.profile.contingency import Contingency
from driftline.profile.losses import Losses, LossesState
from driftline.profile.misses import Misses, MissesState
from driftline.profile.neighbours import Neighbours, NeighboursState
from driftline.profile.quantiles import Sketch
from driftline.profile.ranking import Ranking
from driftline.profile.residuals import Residuals, ResidualsState
from driftline.profile.scores import Scores
from driftline.profile.segments import Segments, SegmentsState
from driftline.profile.votes import Votes

Rows = list[tuple[Any, ...]]

SCORES = st.none() | st.floats(0, 1, width=32) | st.sampled_from([0.5, 0.0, -0.0, float("nan"), float("inf")])
LABELS = st.none() | st.sampled_from(["0", "1", "1.0", "no", "", "true"])
NUMBERS = st.none() | st.floats(-1e4, 1e4) | st.sampled_from([0.0, float("nan"), float("inf")])


@dataclass(frozen=True)
class Example:
    """A question, rows it can see with the types of their columns, and what makes two of its states agree."""

    question: JointAnalyzer[Any]
    rows: st.SearchStrategy[Rows]
    schema: pa.Schema
    agree: Callable[[Any, Any], None]


def same(one: Any, other: Any) -> None:
    """Equal member by member, floats within rounding, arrays of integers exactly."""
    assert type(one) is type(other)
    for member in fields(one):
        mine, theirs = getattr(one, member.name), getattr(other, member.name)
        if isinstance(mine, float):
            assert isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-6) or (isnan(mine) and isnan(theirs)), member.name
        elif isinstance(mine, np.ndarray):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-6, err_msg=member.name)
        elif is_dataclass(mine):
            same(mine, theirs)
        else:
            assert mine == theirs, member.name


def identical(one: Any, other: Any) -> None:
    """Equal to the bit: these states do not depend on order at all."""
    for member in fields(one):
        mine, theirs = getattr(one, member.name), getattr(other, member.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            assert mine.tolist() == theirs.tolist(), member.name
        elif isinstance(mine, Mapping):
            assert dict(mine) == dict(theirs), member.name
        else:
            assert mine == theirs, member.name


def same_residuals(one: ResidualsState, other: ResidualsState) -> None:
    """Counts exactly, sums within rounding relative to the size of the terms, sketches within their error."""
    counts = ("count", "zeros", "unlabelled", "unpredicted", "infinite", "lowest", "highest")
    assert [getattr(one, name) for name in counts] == [getattr(other, name) for name in counts]
    if one.count:
        assert isclose(one.centre, other.centre, rel_tol=1e-9, abs_tol=1e-7)
        sizes = np.sqrt(np.maximum(np.diagonal(one.table), 1e-12))
        lost = 1e-6 + 1e-11 * sizes.max() ** 2  # of terms that cancel each other
        np.testing.assert_array_less(np.abs(one.table - other.table), 1e-7 * np.multiply.outer(sizes, sizes) + lost)
        assert isclose(one.relative, other.relative, rel_tol=1e-9)
    same_ranks(one.sketch, other.sketch)


def same_misses(one: MissesState, other: MissesState) -> None:
    """Groups and counts exactly, sums within rounding relative to their size."""
    for name in ("values", "rows", "labelled", "unpredicted", "dropped", "limit"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("predicted", "absolute", "signed", "squared", "fourth"):
        mine, theirs = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9 * np.abs(mine).max(initial=1.0), err_msg=name)


def same_segments(one: SegmentsState[Any], other: SegmentsState[Any]) -> None:
    """Ranges of numbers and the whole exactly; a text has in one at most the stated error fewer rows than in other."""
    assert one.axis.numbers.tolist() == other.axis.numbers.tolist() and one.axis.dropped == other.axis.dropped
    first = 2 + len(one.axis.numbers)
    assert one.rows.sum() == other.rows.sum()
    assert one.rows[0] == other.rows[0] and one.rows[2:first].tolist() == other.rows[2:first].tolist()
    for mine, theirs in [*zip(one.states[2:first], other.states[2:first], strict=True), (whole(one), whole(other))]:
        identical(mine, theirs)
    for mine, theirs in ((one, other), (other, one)):
        known = dict(zip(theirs.axis.texts, theirs.rows[first:].tolist(), strict=True))
        for text, count in zip(mine.axis.texts, mine.rows[first:].tolist(), strict=True):
            assert count <= known.get(text, 0) + theirs.axis.error


def same_losses(one: LossesState, other: LossesState) -> None:
    """Groups exactly (there are no more values than the limit), sums within rounding; scores may be infinite."""
    assert one.unknown == other.unknown
    for mine, theirs in zip(one.axes, other.axes, strict=True):
        identical(mine, theirs)
    for cells, others in zip((*one.single, *one.paired), (*other.single, *other.paired), strict=True):
        assert cells.rows.tolist() == others.rows.tolist()
        np.testing.assert_allclose(cells.sums, others.sums, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(cells.squares, others.squares, rtol=1e-9, atol=1e-9)


def whole(state: SegmentsState[Any]) -> Any:
    """The answer for all segments together."""
    return reduce(lambda mine, theirs: mine.merge(theirs), state.states)


def same_samples(one: NeighboursState, other: NeighboursState) -> None:
    """The same rows of the same groups, to the bit."""
    for name in ("names", "texts", "incomplete", "crowded", "limit", "strata"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.samples.keys() == other.samples.keys()
    for marks, sample in one.samples.items():
        identical(sample, other.samples[marks])


def same_sums(one: AttributionState, other: AttributionState) -> None:
    """Counts exactly, sums within rounding relative to the size of the terms."""
    for name in ("counts", "expected_counts"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("sums", "absolute", "squares", "expected_sums"):
        scale = max(1.0, float(one.squares.max(initial=0.0)))
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-9 * scale, err_msg=name)


def same_ranks(one: Sketch, other: Sketch) -> None:
    """Two sketches of the same rows differ in rank by no more than both their errors."""
    assert one.count == other.count
    bound = (one.rank_error + other.rank_error) * one.count
    for point in np.concatenate((one.points()[0], other.points()[0])):
        assert abs(int(one.rank(float(point))) - int(other.rank(float(point)))) <= bound


SCORED = pa.schema({"score": pa.float64(), "label": pa.string()})
NAMED = pa.schema({"guess": pa.string(), "label": pa.string()})
QUERIES = st.none() | st.sampled_from("abcdefgh")
SEGMENTS = st.none() | st.sampled_from(["a", "b", "c", "d", "e", "1", "1.5", "2", "-3", "700", "nan"])
SEGMENTED = pa.schema({"where": pa.string(), "score": pa.float64(), "label": pa.string()})
FACETS = st.none() | st.sampled_from(["f", "m", "x", "y", ""])
JUDGED = pa.schema({"sex": pa.string(), "age": pa.int64(), "label": pa.string(), "guess": pa.string()})
NEAR = pa.schema({"sex": pa.string(), "guess": pa.string(), "one": pa.float64(), "two": pa.string()})
VOTED = pa.schema({"no": pa.float64(), "yes": pa.float64(), "guess": pa.string(), "label": pa.string()})
LOST = pa.schema({"where": pa.string(), "size": pa.float64(), "score": pa.float64(), "label": pa.string()})
RANKED = pa.schema({"query": pa.string(), "score": pa.float64(), "relevance": pa.int64()})
EXPLAINED = pa.schema(
    {"label0/age": pa.float64(), "label0/income": pa.float64(), "label0/(expected value)": pa.float64()}
)
PREDICTED = pa.schema({"guess": pa.float64(), "truth": pa.float64()})

EXAMPLES = {
    "confusion": Example(
        Confusion("guess", None, 0.5, "label", limit=3),
        st.lists(st.tuples(LABELS, LABELS), max_size=40),
        NAMED,
        identical,
    ),
    "scores": Example(
        Scores("score", "label", limit=16), st.lists(st.tuples(SCORES, LABELS), max_size=60), SCORED, identical
    ),
    "residuals": Example(
        Residuals("guess", "truth"), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=60), PREDICTED, same_residuals
    ),
    "contingency": Example(
        Contingency(("sex", "age"), ((), (30,)), (1,), "label", "guess", group="age", facets=12, groups=3),
        st.lists(st.tuples(FACETS, st.none() | st.sampled_from([20, 30, 40, 50]), LABELS, LABELS), max_size=40),
        JUDGED,
        identical,
    ),
    "neighbours": Example(
        Neighbours(("sex",), ((),), (1,), "guess", limit=4, strata=3),
        st.lists(st.tuples(FACETS, LABELS, NUMBERS, st.sampled_from([None, "1", "2.5", "no"])), max_size=40),
        NEAR,
        same_samples,
    ),
    "ranking": Example(
        Ranking("query", "score", "relevance", depth=3, limit=4),
        st.lists(st.tuples(QUERIES, SCORES, st.none() | st.sampled_from([-1, 0, 1, 3])), max_size=40),
        RANKED,
        same,
    ),
    "misses": Example(
        Misses("guess", "truth", limit=8), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=60), PREDICTED, same_misses
    ),
    "segments": Example(
        Segments.by("where", Scores("score", "label", limit=16), limit=3),
        st.lists(st.tuples(SEGMENTS, SCORES, LABELS), max_size=40),
        SEGMENTED,
        same_segments,
    ),
    "votes": Example(
        Votes(("no", "yes"), ("0", "1"), "guess", "label", bins=4),
        st.lists(st.tuples(SCORES, SCORES, LABELS, LABELS), max_size=40),
        VOTED,
        same,
    ),
    "losses": Example(
        Losses(("where", "size"), "brier", "label", probability="score", limit=5),
        st.lists(st.tuples(st.none() | st.sampled_from("abcde"), NUMBERS, SCORES, LABELS), max_size=40),
        LOST,
        same_losses,
    ),
    "attribution": Example(
        Attribution(("age", "income")),
        st.lists(st.tuples(NUMBERS, NUMBERS, st.just(0.25)), max_size=40),
        EXPLAINED,
        same_sums,
    ),
}
"""An example of every question of the table; a new one is added here."""

EVERY = pytest.mark.parametrize("name", sorted(EXAMPLES))


def batch_of(example: Example, rows: Rows) -> pa.RecordBatch:
    """The rows as a batch."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in example.schema)
    arrays = [pa.array(list(values), kind) for values, kind in zip(columns, example.schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=example.schema)


def observed(example: Example, *batches: Rows) -> Any:
    """The state after these batches."""
    state = example.question.start()
    for rows in batches:
        state = example.question.observe(state, batch_of(example, rows))
    return state


def test_every_question_has_an_example() -> None:
    """A new question fails here until the laws can be tried on it."""
    assert EXAMPLES.keys() == JOINT.keys()
    assert all(type(EXAMPLES[name].question) is kind for name, kind in JOINT.items())


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_merge_is_associative_and_commutative(name: str, data: st.DataObject) -> None:
    """Law 1."""
    example = EXAMPLES[name]
    a, b, c = (observed(example, data.draw(example.rows)) for _ in range(3))
    example.agree(a.merge(b).merge(c), a.merge(b.merge(c)))
    example.agree(a.merge(b), b.merge(a))


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_start_is_the_identity(name: str, data: st.DataObject) -> None:
    """Law 2."""
    example = EXAMPLES[name]
    state, start = observed(example, data.draw(example.rows)), example.question.start()
    example.agree(state.merge(start), state)
    example.agree(start.merge(state), state)


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_observing_both_is_merging_what_each_gave(name: str, data: st.DataObject) -> None:
    """Law 3."""
    example = EXAMPLES[name]
    first, second = data.draw(example.rows), data.draw(example.rows)
    merged = observed(example, first).merge(observed(example, second))
    example.agree(observed(example, first, second), merged)
    example.agree(observed(example, first + second), merged)


@EVERY
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_operands_stay_as_they_are(name: str, data: st.DataObject) -> None:
    """Law 4."""
    example = EXAMPLES[name]
    a, b = observed(example, data.draw(example.rows)), observed(example, data.draw(example.rows))
    before = deepcopy((a, b))
    a.merge(b)
    example.question.observe(a, batch_of(example, data.draw(example.rows)))
    for now, then in zip((a, b), before, strict=True):
        assert bytes_of(example, now) == bytes_of(example, then)


@EVERY
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_codec_gives_back_what_it_was_given(name: str, data: st.DataObject) -> None:
    """Law 5."""
    example = EXAMPLES[name]
    state = observed(example, data.draw(example.rows))
    again = decode(bytes_of(example, state))[example.question]
    example.agree(again, state)
    assert bytes_of(example, again) == bytes_of(example, state)


def bytes_of(example: Example, state: Any) -> bytes:
    """The state as a profile of its own, in bytes."""
    return encode(Profile(1, (), {example.question: state}))
