"""Answers by segment: values, ranges of numbers, missing values, the rest, and a bound on what they cost."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import Invalid, SchemaMismatch
from driftline.profile.axes import Axis, coarsened, truncated
from driftline.profile.misses import Misses
from driftline.profile.quantiles import Quantiles
from driftline.profile.residuals import Residuals
from driftline.profile.scores import Scores
from driftline.profile.segments import Segments, SegmentsState


def asked(question: Segments, *batches: pa.RecordBatch) -> SegmentsState[Any]:
    """The state after these batches."""
    state = question.start()
    for batch in batches:
        state = question.observe(state, batch)
    return state


def test_each_segment_is_as_if_asked_alone() -> None:
    """Scores and residuals of a segment are those of its rows; all of them together are all rows."""
    rng = np.random.default_rng(0)
    where, values = rng.choice(["a", "b", "c"], 500), rng.random(500).round(2)
    batch = pa.record_batch({"where": where, "p": values, "y": (rng.random(500) < values).astype(int)})
    questions: list[Any] = [Scores("p", "y"), Residuals("p", "y"), Misses("p", "y")]
    for question in questions:
        found = asked(Segments.by("where", question), batch.slice(0, 200), batch.slice(200)).named()
        assert found.keys() == {"a", "b", "c"}
        for name, state in found.items():
            alone = batch.filter(pa.array(where == name))
            expected = question.observe(question.start(), alone)
            if isinstance(question, Scores):
                assert state.values.tolist() == expected.values.tolist()
                assert state.positives.tolist() == expected.positives.tolist()
            elif isinstance(question, Residuals):
                np.testing.assert_allclose(state.means, expected.means, atol=1e-12)
            else:
                np.testing.assert_allclose(state.absolute, expected.absolute)


def test_values_of_any_type_are_segments() -> None:
    """Numbers as numbers or text, booleans, missing values, dictionaries, dates."""
    score = pa.array([0.1, 0.2, 0.3])
    columns = {
        "number": (pa.array([1.5, None, 2.0]), {"missing", "1.5", "2"}),
        "text": (pa.array(["x", "7", None]), {"missing", "x", "7"}),
        "boolean": (pa.array([True, False, None]), {"missing", "0", "1"}),
        "dictionary": (pa.array(["x", "y", "x"]).dictionary_encode(), {"x", "y"}),
        "nothing": (pa.nulls(3), {"missing"}),
        "day": (pa.array([0, 0, 1], pa.int32()).cast(pa.date32()), {"1970-01-01", "1970-01-02"}),
    }
    for name, (values, expected) in columns.items():
        batch = pa.record_batch({name: values, "p": score})
        assert asked(Segments.by(name, Scores("p")), batch).named().keys() == expected, name


def test_edges_cut_numbers() -> None:
    """Ranges are half-open and named; text that is no number keeps its own segment."""
    batch = pa.record_batch({"age": ["17", "18", "64.9", "65", "unknown"], "p": [0.1] * 5})
    state = asked(Segments.by("age", Scores("p"), edges=(18.0, 65.0)), batch)
    assert {name: each.rows for name, each in state.named().items()} == {
        "below 18": 1,
        "18 to 65": 2,
        "65 or more": 1,
        "unknown": 1,
    }
    assert state.axis.range_of(2) == (-inf, 18.0)


def test_many_numbers_become_ranges() -> None:
    """As narrow as the limit allows, whatever the order; every number lies in its range."""
    values = np.random.default_rng(1).normal(0, 100, 5_000)
    axis, groups = Axis.of(pa.array(values), limit=40)
    assert len(axis.numbers) <= 40 and axis.dropped
    for value, group in zip(values[:500], groups[:500].tolist(), strict=True):
        low, high = axis.range_of(group)
        assert low <= value < high or low < value <= high
    again, _ = Axis.of(pa.array(values[::-1]), limit=40)
    assert again.numbers.tolist() == axis.numbers.tolist()
    assert axis.name(0) == "missing" and " to " in axis.name(2)


def test_truncating_keeps_the_order_and_bounds_the_groups() -> None:
    """Also of infinities, zeros, and numbers of every size."""
    rng = np.random.default_rng(2)
    values = np.concatenate((rng.normal(size=500) * 10.0 ** rng.integers(-300, 300, 500), [0.0, -0.0, inf, -inf]))
    for dropped in (0, 20, 51, 55, 62):
        found = truncated(np.sort(values), dropped)
        assert (np.diff(found) >= 0).all() and not np.isnan(found).any()
    assert len(coarsened(values, 0, 8)[0]) <= 8


def test_many_texts_are_capped() -> None:
    """The frequent ones stay, the others are the rest, and the error says how many rows a segment may lack."""
    names = np.array(["often"] * 400 + [f"once {at}" for at in range(600)])
    np.random.default_rng(3).shuffle(names)
    batch = pa.record_batch({"where": names, "p": np.linspace(0, 1, 1_000)})
    state = asked(Segments.by("where", Scores("p"), limit=20), *(batch.slice(at, 100) for at in range(0, 1_000, 100)))
    assert len(state.axis.texts) == 20 and state.rows.sum() == 1_000
    often = state.named()["often"].rows
    assert 400 - state.axis.error <= often <= 400
    assert sum(each.rows for each in state.states) == 1_000


def test_mistakes_are_told() -> None:
    """A question that has no segments, a column that is not there."""
    with pytest.raises(Invalid, match="Scores"):
        Segments.by("where", Quantiles("x"))  # type: ignore[arg-type]
    with pytest.raises(SchemaMismatch, match="where"):
        asked(Segments.by("where", Scores("p")), pa.record_batch({"p": [0.5]}))
