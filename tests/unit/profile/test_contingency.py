"""Facets, labels and predictions counted: every type, both readings of a threshold, limits, sampling (BI-03)."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import SchemaMismatch
from driftline.metrics.flips import flips
from driftline.profile.contingency import Contingency, ContingencyState
from driftline.profile.matches import ABOVE, EQUAL, MISSING, matches_of
from driftline.profile.neighbours import Neighbours, NeighboursState


def counted(question: Contingency, **columns: Any) -> ContingencyState:
    """The state of the rows, seen in two batches."""
    table = pa.table(columns)
    state = question.start()
    for batch in (*table.slice(0, 3).to_batches(), *table.slice(3).to_batches()):
        state = question.observe(state, batch)
    return state


LABELS = {
    "int": [1, 0, 1, None],
    "float": [1.0, 0.0, 1.0, None],
    "text": ["1", "0", "1.0", ""],
    "bool": [True, False, True, None],
    "dictionary": pa.array(["1", "0", "1", None]).dictionary_encode(),
    "decimal": pa.array([1, 0, 1, None], pa.decimal128(5, 2)),
}


@pytest.mark.parametrize("kind", LABELS)
def test_every_type_of_column_gives_the_same_counts(kind: str) -> None:
    """Facets, labels and predictions of any type are counted alike; missing ones are in no group."""
    values = LABELS[kind]
    state = counted(Contingency(("s",), ((1,),), (1,), "y", "p"), s=values, y=values, p=values)
    split = state.split((EQUAL,))
    assert split.outcomes.tolist() == [[[1, 0], [0, 0]], [[0, 0], [0, 2]]]
    assert split.counts[0, 2, 2, 2] == 1


@pytest.mark.parametrize("values", [["no", "yes"], ["maybe", "yes"]])
def test_labels_may_be_any_texts(values: list[str]) -> None:
    """Positive labels are a list of values."""
    state = counted(Contingency(("s",), ((1,),), ("yes", "maybe"), "y"), s=[0, 1], y=values)
    assert state.split((EQUAL,)).labels.sum(axis=1).tolist() == [1, 1]


def test_both_readings_of_a_number_are_kept() -> None:
    """BI-03: the same state tells rows with the value and rows above it."""
    state = counted(Contingency(("age",), ((30,),), (1,), "y"), age=[20, 30, 40, 50, None], y=[0, 1, 1, 0, 1])
    assert state.split((EQUAL,)).labels.sum(axis=1).tolist() == [3, 1]
    assert state.split((ABOVE,)).labels.sum(axis=1).tolist() == [2, 2]


@pytest.mark.parametrize("values", [[0.5], ["0.5"], [0.5, 0.75]])
def test_long_columns_of_texts_read_as_short_ones(values: list[Any]) -> None:
    """Many distinct texts of numbers take the short way, which gives the same; leading zeros and words forbid it."""
    texts = [f"{number:.4f}" for number in np.random.default_rng(1).random(5_000)] + ["0.5", "0.75"]
    for odd in ([], ["007"], ["x"], [""]):
        column = pa.array(odd + texts)
        parts = [matches_of(column[at : at + 500], values) for at in range(0, len(column), 500)]
        assert matches_of(column, values).tolist() == np.concatenate(parts).tolist()


def test_dates_and_times_are_values_like_others() -> None:
    """A facet may be of any type that has values."""
    days = pa.array([date(2020, 1, 1), date(2020, 1, 2), None])
    assert matches_of(days, ["2020-01-01"]).tolist() == [EQUAL, 0, MISSING]


def test_too_many_values_of_a_facet_are_said_to_be() -> None:
    """A facet with more distinct values than can be groups is dropped, for good."""
    state = counted(Contingency(("s",), ((),), (1,), "y", facets=3), s=["a", "b", "c", "d", "a"], y=[1, 0, 1, 0, 1])
    assert state.crowded and not state.counts and state.rows == 5
    wide = Contingency(("s",), ((),), (1,), "y", facets=3)
    assert wide.observe(wide.start(), pa.record_batch({"s": [str(n) for n in range(99)], "y": [1] * 99})).crowded


def test_too_many_values_of_the_group_variable_are_no_longer_told_apart() -> None:
    """Other metrics go on without it."""
    question = Contingency(("s",), ((1,),), (1,), "y", group="g", groups=3)
    state = counted(question, s=[0, 1, 0, 1, 1], y=[1, 0, 1, 0, 1], g=[1.5, 2.5, 3.5, 4.5, None])
    assert state.scattered and not state.split((EQUAL,)).is_grouped
    assert state.split((EQUAL,)).labels.tolist() == [[0, 2], [2, 1]]


def test_predictions_of_probabilities() -> None:
    """A row is positive above the threshold, not at it; of several columns the greatest decides."""
    one = Contingency(("s",), ((1,),), ("yes",), None, None, "score", 0.5)
    state = counted(one, s=[1, 1, 1, 0], score=[0.5, 0.6, None, 0.9])
    assert state.split((EQUAL,)).predictions.tolist() == [[0, 1], [1, 1]]
    assert state.split((EQUAL,), ABOVE).predictions.tolist() == [[0, 1], [1, 1]]
    several = Contingency(("s",), ((1,),), ("yes",), None, None, ("a", "b"), 0.5, ("no", "yes"))
    state = counted(several, s=[1, 1, 0], a=[0.1, 0.6, 0.2], b=[0.9, 0.4, 0.8])
    assert state.split((EQUAL,)).predictions.tolist() == [[0, 1], [1, 1]]
    listed = Contingency(("s",), ((1,),), ("yes",), None, None, "both", 0.5, ("no", "yes"))
    state = counted(listed, s=[1, 1, 0], both=[[0.1, 0.9], [0.6, 0.4], [0.2, 0.8]])
    assert state.split((EQUAL,)).predictions.tolist() == [[0, 1], [1, 1]]


def test_combinations_of_facets() -> None:
    """Several columns make one facet: values of some, each distinct value of others."""
    question = Contingency(("s", "r"), ((1,), ()), (1,), "y")
    state = counted(question, s=[0, 1, 1, 1, None], r=["a", "a", "b", "a", "a"], y=[1, 0, 1, 1, 1])
    assert state.split((EQUAL, "a")).labels.tolist() == [[0, 2], [1, 1]]
    assert state.split((EQUAL, "b")).labels.tolist() == [[1, 2], [0, 1]]


def test_a_missing_column_is_named() -> None:
    """The message names the columns there are."""
    with pytest.raises(SchemaMismatch, match=r"'sx'.*Did you mean 'sex'"):
        counted(Contingency(("sx",), ((1,),), (1,), "y"), sex=[1], y=[1])


def rows_of(count: int, seed: int = 1) -> pa.Table:
    """Rows with two features."""
    random = np.random.default_rng(seed)
    one, two = random.normal(size=(2, count))
    return pa.table(
        {"s": (random.random(count) < 0.4).astype(int), "p": (one + two > 0).astype(int), "one": one, "two": two}
    )


def kept(question: Neighbours, table: pa.Table, size: int) -> NeighboursState:
    """The sample, seen in batches of `size` rows."""
    state = question.start()
    for batch in table.to_batches(max_chunksize=size):
        state = question.observe(state, batch)
    return state


def test_a_sample_does_not_depend_on_parts_or_order() -> None:
    """The rows kept are the same in whatever batches and order they come."""
    question, table = Neighbours(("s",), ((1,),), (1,), "p", limit=50), rows_of(2_000)
    shuffled = table.take(np.random.default_rng(2).permutation(2_000))
    whole = kept(question, table, 2_000)
    for other in (kept(question, table, 100), kept(question, shuffled, 333)):
        for marks, sample in whole.samples.items():
            assert sample.hashes.tolist() == other.samples[marks].hashes.tolist()
            assert sample.features.tolist() == other.samples[marks].features.tolist()
    counted_flips = flips(whole, (EQUAL,), EQUAL)
    assert (counted_flips.rows, counted_flips.against, counted_flips.is_exact) == (50, 50, False)
    assert counted_flips.total + counted_flips.total_against == 2_000


def test_a_sampled_answer_is_near_the_exact_one() -> None:
    """Sampling 2,000 rows of 20,000 moves the flip test by no more than chance."""
    table = rows_of(20_000).append_column("bias", pa.array(np.zeros(20_000)))
    harmed = (np.random.default_rng(3).random(20_000) < 0.2) & (table["s"].to_numpy() == 1)
    table = table.set_column(1, "p", pa.array(np.where(harmed, 0, table["p"].to_numpy())))
    exact, some = (
        flips(kept(Neighbours(("s",), ((1,),), (1,), "p", limit=limit), table, 5_000), (EQUAL,), EQUAL)
        for limit in (20_000, 2_000)
    )
    assert exact.is_exact and not some.is_exact
    apart = (exact.favoured - exact.harmed) / exact.rows - (some.favoured - some.harmed) / some.rows
    assert abs(apart) < 0.03


def test_features_that_are_no_numbers_are_named() -> None:
    """FT: a column of words has no distance; a row that lacks a feature is left out."""
    table = pa.record_batch({"s": [0, 1, 1], "p": [0, 1, 1], "word": ["x", "1", "2"], "one": [1.0, None, 2.0]})
    question = Neighbours(("s",), ((1,),), (1,), "p")
    state = question.observe(question.start(), table)
    assert (state.names, state.texts, state.incomplete) == (("word", "one"), ("word",), 2)


def test_the_features_are_all_other_columns() -> None:
    """FT: but for the facet, the label, the prediction and the probability."""
    table = pa.record_batch({"s": [0], "p": [0], "score": [0.1], "y": [1], "g": [1], "one": [1.0]})
    question = Neighbours(("s",), ((1,),), (1,), None, "score", excluded=("y", "p"))
    assert question.observe(question.start(), table).names == ("g", "one")
    chosen = Neighbours(("s",), ((1,),), (1,), "p", features=("one",))
    assert chosen.observe(chosen.start(), table).names == ("one",)


def test_other_features_in_other_rows_are_refused() -> None:
    """Rows of different columns have no distance."""
    question = Neighbours(("s",), ((1,),), (1,), "p")
    state = question.observe(question.start(), pa.record_batch({"s": [0], "p": [0], "one": [1.0]}))
    with pytest.raises(SchemaMismatch, match="'two': not a feature of all rows"):
        question.observe(state, pa.record_batch({"s": [0], "p": [0], "one": [1.0], "two": [1.0]}))


def test_groups_of_samples_are_thinned_alike() -> None:
    """Of two groups of the rest, one sampled and one whole, equal shares are compared with."""
    random = np.random.default_rng(5)
    names = np.array(["d"] * 50 + ["big"] * 4_000 + ["small"] * 400)
    table = pa.table({"s": names, "p": random.integers(0, 2, len(names)), "one": random.normal(size=len(names))})
    found = flips(kept(Neighbours(("s",), ((),), (1,), "p", limit=400), table, 1_000), ("d",), EQUAL)
    assert (found.rows, found.total, found.total_against) == (50, 50, 4_400)
    assert found.against == 400
