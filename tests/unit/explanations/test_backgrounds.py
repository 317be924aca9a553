"""Backgrounds: given in every form, or chosen from the rows; how rows are sampled and what a run costs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import EmptyWindow, Invalid, SchemaMismatch
from driftline.explanations.background import alike, chosen, given, mean_row
from driftline.explanations.cost import Cost
from driftline.explanations.explainer import explain, prepare
from driftline.explanations.model import matrix_of
from driftline.explanations.sampling import sampled
from driftline.explanations.settings import Settings
from driftline.profile.columns import Floats

NAMES = ["age", "colour"]
ROWS = pa.record_batch({"age": [30, 40, 50], "colour": ["red", "blue", "red"]})


def total(rows: pa.RecordBatch) -> Floats:
    """A model: the sum of all numbers and of the lengths of all texts."""
    found: Floats = np.zeros(rows.num_rows)
    for column in rows.columns:
        cells = column.to_pylist()
        found = found + np.array([len(cell) if isinstance(cell, str) else cell or 0 for cell in cells])
    return found


@pytest.mark.parametrize(
    "rows",
    [
        [[40, "red"]],
        [{"colour": "red", "age": 40}],
        [{"features": [40, "red"]}],
        pa.table({"colour": ["red"], "other": [1], "age": [40]}),
        pa.table({"f0": [40], "f1": ["red"]}),
    ],
)
def test_a_background_is_given_in_any_form(rows: object) -> None:
    """EX-02: rows, objects, or a table with the features by name or by place."""
    assert given(rows, NAMES).to_pylist() == [{"age": 40, "colour": "red"}]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "at least one row"),
        ([[40]], "1 cells"),
        ([[40, "red", 1]], "Leave out labels"),
        ([{"age": 40}], "colour"),
        (["40,red"], "40,red"),
    ],
)
def test_a_background_that_does_not_fit_is_told(rows: object, said: str) -> None:
    """Which row, and what it should hold."""
    with pytest.raises(Invalid, match=said):
        given(rows, NAMES)


def test_a_table_without_the_features_is_told() -> None:
    """By the feature that lacks."""
    with pytest.raises(SchemaMismatch, match="'colour'"):
        given(pa.table({"age": [1], "x": ["red"]}), NAMES)
    with pytest.raises(SchemaMismatch, match="not among the columns"):
        alike(pa.record_batch({"zip": [1]}), ROWS)


def test_types_meet() -> None:
    """Whole numbers stay whole, unless a fraction is among them; numbers become texts beside texts."""
    background, rows = alike(given([[40.0, "red"]], NAMES), ROWS)
    assert background.schema == rows.schema == ROWS.schema
    background, rows = alike(given([[40.5, None]], NAMES), ROWS)
    assert background.schema == rows.schema
    assert rows.column("age").to_pylist() == [30.0, 40.0, 50.0]
    background, _ = alike(given([[40, 7]], NAMES), ROWS)
    assert background.column("colour").to_pylist() == ["7"]
    with pytest.raises(SchemaMismatch, match="'age'"):
        alike(given([["old", "red"]], NAMES), ROWS)


def test_clusters_are_found() -> None:
    """Three heaps of numbers, one of them with texts of its own, have three centres, whatever number is told."""
    rng = np.random.default_rng(1)
    ages = np.concatenate([rng.normal(centre, 1, 200) for centre in (20, 50, 80)])
    colours = ["red"] * 200 + ["blue"] * 400
    rows = pa.record_batch({"age": ages, "colour": colours})
    for clusters in (None, 3):
        found = sorted(chosen(rows, clusters).to_pylist(), key=lambda row: row["age"])
        assert [row["colour"] for row in found] == ["red", "blue", "blue"]
        assert [row["age"] for row in found] == pytest.approx([20, 50, 80], abs=0.5)
    assert chosen(rows, 1).to_pylist()[0]["age"] == pytest.approx(50, abs=0.5)
    assert chosen(rows, 2, seed=7) == chosen(rows, 2, seed=7)


def test_clusters_of_little() -> None:
    """As many as there are different rows; columns without values, one value, and types of all kinds."""
    assert chosen(ROWS, 12).num_rows == 3
    assert chosen(pa.record_batch({"a": [1.0] * 50})).to_pylist() == [{"a": 1.0}]
    rows = pa.record_batch(
        {
            "none": pa.array([None] * 3, pa.float64()),
            "nothing": pa.nulls(3),
            "flag": [True, True, False],
            "list": [[1], [1], [2]],
            "text": pa.array(["x", "x", None]).dictionary_encode(),
        }
    )
    assert chosen(rows, 1).to_pylist() == [{"none": None, "nothing": None, "flag": True, "list": [1], "text": "x"}]
    with pytest.raises(Invalid, match="at least one"):
        chosen(ROWS[:0])
    assert 1 <= chosen(pa.record_batch({"a": np.random.default_rng(3).random(20_000)})).num_rows <= 12


def test_the_mean_row() -> None:
    """Of numbers the mean, of texts the most frequent."""
    assert mean_row(ROWS).to_pylist() == [{"age": 40.0, "colour": "red"}]


@pytest.mark.parametrize("rows", [None, 1000])
def test_sampling_keeps_so_many_rows_in_order(rows: int | None) -> None:
    """The same ones in every run, from everywhere, whether their number is known or not."""
    whole = pa.record_batch({"a": np.arange(1000)})
    batches = [whole[:10], whole[10:700], whole[700:700], whole[700:]]
    found = [cell for batch in sampled(batches, 50, rows, seed=1) for cell in batch.column(0).to_pylist()]
    assert len(found) == 50
    assert found == sorted(found)
    assert 400 < np.mean(found) < 600
    again = [cell for batch in sampled(batches, 50, rows, seed=1) for cell in batch.column(0).to_pylist()]
    assert again == found
    assert sum(batch.num_rows for batch in sampled(batches, 2000, None)) == 1000


def test_the_cost_is_capped_and_told() -> None:
    """EX-07: before the run, how many records the model is asked for; rows are sampled to keep to a limit."""
    assert Cost(100, 14, 2).records == 2_800
    assert "all rows are explained" in Cost(None, 14, 2).said
    assert "at most 2,800 records" in Cost(100, 14, 2, 5_000).said
    assert "at most 35 rows are explained, by chance" in Cost(None, 14, 2, 1_000).said
    with pytest.raises(Invalid, match="at least 28"):
        _ = Cost(100, 14, 2, 27).kept


def test_rows_become_columns_of_attributions() -> None:
    """A column for each label and feature, then the expected value and the prediction; progress is told."""
    told = list[int]()
    settings = Settings([[40, "red"]], labels=("length",))
    found = pa.Table.from_batches(explain([ROWS[:1], ROWS[1:]], total, settings, watch=told.append))
    assert found.column_names == ["length/age", "length/colour", "length/(expected value)", "length/(prediction)"]
    assert found["length/age"].to_pylist() == pytest.approx([-10, 0, 10])
    assert found["length/colour"].to_pylist() == pytest.approx([0, 1, 0])
    assert found["length/(prediction)"].to_pylist() == [33, 44, 53]
    assert sum(told) == 3


def test_capped_rows_are_sampled() -> None:
    """EX-07: with 2 coalitions a row and a limit of 20 records ten rows are explained."""
    rows = pa.record_batch({"age": np.arange(100.0), "x": np.arange(100.0)})
    settings = Settings([[-1, -1]], max_records=20)
    for known in (100, None):
        batches = [rows.slice(at, 10) for at in range(0, 100, 10)]
        assert sum(batch.num_rows for batch in explain(batches, matrix_sum, settings, (), known)) == 10
    explainer = prepare(rows, matrix_sum, settings, ["age", "x"], 100)
    assert explainer.cost.said.startswith("10 of 100 rows are explained")
    assert sum(batch.num_rows for batch in explainer.explain([rows])) == 10


def matrix_sum(rows: pa.RecordBatch) -> Floats:
    """A model of numbers."""
    found: Floats = matrix_of(rows).sum(axis=1)
    return found


def test_later_batches_may_have_other_types() -> None:
    """Whole numbers in one file, fractions in the next."""
    batches = [pa.record_batch({"age": [1, 2], "x": [1, 1]}), pa.record_batch({"age": [0.5], "x": [2]})]
    found = pa.Table.from_batches(explain(batches, matrix_sum, Settings([[0, 0]])))
    assert found["label0/age"].to_pylist() == pytest.approx([1.0, 2.0, 0.5])


def test_features_are_chosen_and_the_background_too() -> None:
    """Columns that are no features do not reach the model; without a baseline clusters of the rows are taken."""
    rows = pa.record_batch({"id": ["x", "y", "z", "u"], "age": [1.0, 1.1, 9.0, 9.1], "label": [0, 1, 0, 1]})
    found = prepare(rows, matrix_sum, Settings(), ["age"])
    assert found.kernel.features == ("age",)
    assert sorted(found.kernel.background.column(0).to_pylist()) == pytest.approx([1.05, 9.05])
    assert found.labels == ("label0",)


def test_only_some_features_may_be_told_of() -> None:
    """EX-01: `features_to_explain` by name or place; their attributions are the same as beside the others."""
    baseline = [[40, "red"]]
    settings = Settings.of({"baseline": baseline, "features_to_explain": [1]})
    (found,), (every,) = (list(explain([ROWS], total, each)) for each in (settings, Settings(baseline)))
    assert found.schema.names == ["label0/colour", "label0/(expected value)", "label0/(prediction)"]
    assert found["label0/colour"] == every["label0/colour"]
    with pytest.raises(Invalid, match="features_to_explain"):
        prepare(ROWS, total, Settings(baseline, features=("size",)))


def test_settings_that_do_not_fit_are_told() -> None:
    """Names of outputs, a file that was not read, no rows at all."""
    with pytest.raises(Invalid, match="1 names, one for each number"):
        prepare(ROWS, total, Settings([[1, "x"]], labels=("no", "yes")))
    with pytest.raises(Invalid, match="Read the file before"):
        prepare(ROWS, total, Settings("s3://bucket/baseline.csv"))
    with pytest.raises(EmptyWindow):
        next(explain([ROWS[:0]], total, Settings([[1, "x"]])))


def test_settings_are_those_of_clarify() -> None:
    """EX-01, EX-03."""
    shap = {"baseline": [[1]], "num_samples": 10.0, "use_logit": True, "seed": 3, "agg_method": "median"}
    assert Settings.of(shap, {"label_headers": ["no", "yes"]}) == Settings([[1]], 10, True, 3, None, ("no", "yes"))
    assert Settings.of({}) == Settings()
