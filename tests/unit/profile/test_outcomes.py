"""Labels, scores and residuals as columns of every type hold them, and what is counted where they are missing."""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import Invalid, SchemaMismatch
from driftline.profile import Profile
from driftline.profile.confusion import Confusion, ConfusionState
from driftline.profile.outcomes import column_of, labels_of, numbers_of, place_of, spelling
from driftline.profile.residuals import Residuals, residuals_of
from driftline.profile.scores import Scores, ScoresState


def observed(question: Any, **columns: Any) -> Any:
    """The state after one batch of these columns."""
    return question.observe(question.start(), pa.record_batch(columns))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 0, None], pa.int8()),
        pa.array([1, 0, None], pa.uint64()),
        pa.array([1.0, 0.0, nan]),
        pa.array([1.0, -0.0, None], pa.float32()),
        pa.array(["1", "0", None]),
        pa.array(["1.0", "0.0", ""]),
        pa.array([" 1 ", "0", "NaN"], pa.large_string()),
        pa.array(["1e0", "0.00", "null"], pa.string_view()),
        pa.array([True, False, None]),
        pa.array(["True", "false", None]),
        pa.array(["1", "0", None]).dictionary_encode(),
        pa.array([1, 0, None]).dictionary_encode(),
        pa.array(["1", "0", None]).dictionary_encode("encode"),
        pa.array([1, 0, None]).cast(pa.decimal128(25, 2)),
        pa.array([9, 1, 0, None])[1:],
    ],
    ids=lambda column: str(column.type),
)
def test_labels_are_alike_in_every_type(column: pa.Array) -> None:
    """MQ-11: integers, floats, booleans and texts of the same label are one label."""
    assert labels_of(column).to_pylist() == ["1", "0", None]


def test_labels_that_are_texts_stay_texts() -> None:
    """Leading zeros, blanks inside and case are kept; numbers that floats cannot hold stay whole."""
    odd = ["007", "a b", "Yes", "yes", "1_000", "12345678901234567891", "-0", "+3", "2.50"]
    assert labels_of(pa.array(odd)).to_pylist() == [*odd[:6], "0", "3", "2.5"]
    assert labels_of(pa.array([2**60 + 1])).to_pylist() == [str(2**60 + 1)]
    assert labels_of(pa.nulls(2)).to_pylist() == [None, None]
    assert (spelling("01"), spelling("")) == ("01", "")


def test_label_places_are_distinct() -> None:
    """Two spellings of one label share one entry."""
    found = labels_of(pa.array(["1", "1.0", "x", None]))
    assert found.dictionary.to_pylist() == ["1", "x"]
    assert found.indices.to_pylist() == [0, 0, 1, None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["0.5", " -2e1", None, "x"]),
        pa.array(["0.5", "-20", "", "1_0"], pa.large_string()),
        pa.array(["0.5", "-20", None, "?"]).dictionary_encode(),
        pa.array([0.5, -20.0, None, nan]),
        pa.array([7.0, 0.5, -20.0, None, nan], pa.float32())[1:],
    ],
    ids=lambda column: str(column.type),
)
def test_numbers_of_every_type(column: pa.Array) -> None:
    """What is no number is NaN."""
    np.testing.assert_array_equal(numbers_of(column), [0.5, -20.0, nan, nan])


def test_numbers_of_whole_types() -> None:
    """Integers, decimals, booleans, nothing at all."""
    assert numbers_of(pa.array([3, None], pa.int32())).tolist()[0] == 3.0
    assert numbers_of(pa.array([1, 2]).cast(pa.decimal128(25, 1))).tolist() == [1.0, 2.0]
    assert numbers_of(pa.array([True, False])).tolist() == [1.0, 0.0]
    assert np.isnan(numbers_of(pa.nulls(2))).all()
    assert len(numbers_of(pa.array([], pa.string()))) == 0


def test_columns_are_found_by_name_place_and_path() -> None:
    """MQ-06: a name wins over a place; a path leads to the dotted name, also inside structs."""
    assert place_of("1", ["1", "x"]) == 0
    assert place_of("1", ["y", "x"]) == 1
    assert place_of("predictions[0].score", ["predictions.0.score"]) == 0
    nested = pa.record_batch({"out": [{"score": 0.5, "label": 1}], "y": [1]})
    assert column_of("$.out.score", nested).to_pylist() == [0.5]
    assert column_of("2", nested).to_pylist() == [1]
    with pytest.raises(SchemaMismatch, match=r"column 'lable': not among the 2 columns. Did you mean 'label'"):
        place_of("lable", ["score", "label"])
    with pytest.raises(SchemaMismatch, match="There are 'a', 'b'"):
        place_of("7", ["a", "b"])


@pytest.mark.parametrize("truth", [[1, 0, 1, None], ["1", "0", "1.0", ""], [True, False, True, None]])
@pytest.mark.parametrize("guess", [[1.0, 1.0, 0.0, 1.0], ["1", "1", "0", "1"], [True, True, False, True]])
def test_confusion_is_alike_in_every_type(truth: list[Any], guess: list[Any]) -> None:
    """MQ-11: strings, integers and booleans on either side give the same matrix."""
    found = observed(Confusion("p", None, 0.5, "y"), p=guess, y=truth)
    assert found == ConfusionState({("0", "1"): 1, ("1", "0"): 1, ("1", "1"): 1}, {"1": 1}, 3, 1, 1, 0)


def test_probability_at_the_threshold_is_not_above_it() -> None:
    """MQ-06: `probability > threshold`; NaN and texts that are no number predict nothing."""
    found = observed(Confusion(None, "p", 0.5, "y"), p=["0.5", "0.500001", "x", None], y=[1, 1, 1, 1])
    assert dict(found.counts) == {("1", "0"): 1, ("1", "1"): 1}
    assert (found.unpredicted, found.rows) == (2, 4)
    assert dict(observed(Confusion(None, "p", 0.1, "y"), p=[0.2], y=[1]).counts) == {("1", "1"): 1}


def test_greatest_probability_is_the_class() -> None:
    """Columns by their names or by given classes; a row with a probability missing has no prediction."""
    columns = {"cat": [0.2, 0.5, 0.4], "dog": [0.7, 0.5, None], "y": ["dog", "cat", "cat"]}
    found = observed(Confusion(None, ("cat", "dog"), 0.5, "y"), **columns)
    assert dict(found.counts) == {("dog", "dog"): 1, ("cat", "cat"): 1}
    assert found.unpredicted == 1
    named = observed(Confusion(None, ("cat", "dog"), 0.5, "y", ("0", "1.0")), **columns)
    assert set(named.counts) == {("dog", "1"), ("cat", "0")}
    with pytest.raises(SchemaMismatch, match="2 probabilities for 3 classes"):
        observed(Confusion(None, ("cat", "dog"), 0.5, "y", ("0", "1", "2")), **columns)


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float64(), 3)])
def test_lists_of_probabilities_are_classes_by_place(kind: pa.DataType) -> None:
    """A missing list predicts nothing, nor does one of another length where lists may differ."""
    rows = [[0.1, 0.7, 0.2], None, [0.5, 0.2, 0.3], [0.1, 0.1, 0.8]]
    if pa.types.is_list(kind):
        rows[3] = [0.1, 0.9]
    found = observed(Confusion(None, "p", 0.5, "y"), p=pa.array(rows, kind), y=[1, 1, 0, 2])
    extra = {} if pa.types.is_list(kind) else {("2", "2"): 1}
    assert dict(found.counts) == {("0", "0"): 1, ("1", "1"): 1, **extra}
    assert found.unpredicted == (2 if pa.types.is_list(kind) else 1)


def test_too_many_classes_are_not_told_apart() -> None:
    """Accuracy stays; the matrix does not."""
    question = Confusion("p", None, 0.5, "y", limit=10)
    found = observed(question, p=list(range(20)), y=[0, *range(1, 19), 99])
    assert (found.overflown, dict(found.counts), found.labelled, found.agreeing) == (True, {}, 20, 19)
    assert found.merge(observed(question, p=[1], y=[1])).agreeing == 20


def test_confusion_needs_a_prediction() -> None:
    """Neither a prediction nor a probability is an error of the caller."""
    with pytest.raises(Invalid, match="prediction"):
        observed(Confusion(None, None, 0.5, "y"), y=[1])


def test_a_missing_column_fails_the_run() -> None:
    """It is not just one more failed column."""
    with pytest.raises(SchemaMismatch, match="'score'"):
        Profile.of(pa.table({"y": [1]}), [Scores("score", "y")])


def test_scores_count_what_is_missing() -> None:
    """Unlabelled rows keep their score, unscored rows are counted; -0.0 is 0.0."""
    found = observed(Scores("p", "y"), p=[0.1, 0.1, -0.0, None, 0.9], y=["1", None, "no", "1", "1.0"])
    assert found.values.tolist() == [0.0, 0.1, 0.9]
    assert (found.positives.tolist(), found.negatives.tolist()) == ([0, 1, 1], [1, 0, 0])
    assert (found.unlabelled.tolist(), found.unscored, found.rows) == ([0, 1, 0], 1, 5)
    known = found.labelled()
    assert (known.labelled_count, known.rows, known.unlabelled.sum()) == (3, 3, 0)
    waiting = observed(Scores("p"), p=[0.1, 0.2])
    assert (waiting.labelled_count, waiting.unlabelled.sum()) == (0, 2)
    assert observed(Scores("p", "y", "yes"), p=[0.1, 0.2], y=["yes", "no"]).positive_count == 1


def test_many_scores_keep_their_stated_error() -> None:
    """Beyond the limit low bits go, as few as needed; in any order the answer is the same to the bit."""
    rng = np.random.default_rng(1)
    scores, positive = rng.random(50_000), rng.random(50_000) < 0.3
    whole = ScoresState.of(scores, positive, limit=4_096)
    pieces = [
        ScoresState.of(scores[at : at + 7_000], positive[at : at + 7_000], 4_096) for at in range(0, 50_000, 7_000)
    ]
    for order in (pieces, pieces[::-1]):
        merged = ScoresState(limit=4_096)
        for piece in order:
            merged = merged.merge(piece)
        assert merged.dropped == whole.dropped
        assert merged.values.tolist() == whole.values.tolist()
        assert merged.positives.tolist() == whole.positives.tolist()
    assert len(whole.values) <= 4_096
    assert (whole.positive_count, whole.rows) == (int(positive.sum()), 50_000)
    kept = whole.values[np.searchsorted(whole.values, scores, side="right") - 1]
    assert np.all((scores - kept) / scores < whole.relative_error)
    assert 0 < whole.relative_error < 1e-2
    finer = ScoresState.of(scores, positive, limit=65_536)
    assert (finer.relative_error, finer.dropped) == (0.0, 0)


def test_residuals_count_what_cannot_be_compared() -> None:
    """Without label, without prediction, infinite: counted apart, never an error."""
    found = observed(Residuals("p", "y"), p=[1.0, None, 2.0, float("inf"), 5.0], y=[2.0, 1.0, None, 1.0, float("nan")])
    assert (found.count, found.unpredicted, found.unlabelled, found.infinite, found.rows) == (1, 1, 2, 1, 5)
    assert found.means.tolist() == [1.0, -1.0, 1.0, 0.0, 0.0]
    texts = observed(Residuals("p", "y"), p=["1.5", "2"], y=[1, 2])
    assert texts.means[0] == 0.25


def test_residuals_far_from_zero_lose_nothing() -> None:
    """Truths around a billion with a spread of one: the moments are those of the centred numbers."""
    rng = np.random.default_rng(7)
    truth, noise = rng.normal(0, 1, 30_000), rng.normal(0, 0.5, 30_000)
    near = residuals_of(truth, truth + noise)
    parts = [
        residuals_of(some + 1e9, some + 1e9 + more)
        for some, more in zip(np.array_split(truth, 7), np.array_split(noise, 7), strict=True)
    ]
    far = parts[0]
    for part in parts[1:]:
        far = far.merge(part)
    np.testing.assert_allclose(far.means[[0, 1, 2, 4]], near.means[[0, 1, 2, 4]], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(far.covariance, near.covariance, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.diagonal(near.covariance)[0], np.var(np.abs(noise), ddof=1), rtol=1e-9)
