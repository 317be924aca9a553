"""Kernel SHAP against Shapley's own sum over all orders, for numbers, texts, several outputs and backgrounds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import comb, log
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import Invalid, SchemaMismatch
from driftline.explanations.coalitions import coalitions
from driftline.explanations.kernel import Kernel
from driftline.explanations.model import NotApplicable, matrix_of
from driftline.profile.columns import Floats

Rows = list[tuple[Any, ...]]


def batch(rows: Rows, names: str = "abcdefghij") -> pa.RecordBatch:
    """Rows as a batch; columns are named by letters."""
    columns = list(zip(*rows, strict=True))
    return pa.RecordBatch.from_arrays([pa.array(list(cells)) for cells in columns], names=list(names[: len(columns)]))


def by_orders(score: Callable[[tuple[Any, ...]], float], row: tuple[Any, ...], background: Rows) -> list[float]:
    """Shapley values by their definition: the mean gain of a feature over all orders in which features may come."""
    found = np.zeros(len(row))
    orders = list(permutations(range(len(row))))
    for order in orders:
        for other in background:
            mixed = list(other)
            before = score(tuple(mixed))
            for feature in order:
                mixed[feature] = row[feature]
                after = score(tuple(mixed))
                found[feature] += after - before
                before = after
    return [float(value) for value in found / len(orders) / len(background)]


def tangled(cells: tuple[Any, ...]) -> float:
    """A model with products, steps and texts."""
    a, b, c, d, text = cells
    return float(a * b + 3 * (c > 1) - 0.5 * d * (text == "red") + len(text or "") * a)


def asked(rows: pa.RecordBatch) -> list[float]:
    """The same as a model."""
    return [tangled((*row.values(),)) for row in rows.to_pylist()]


ROWS: Rows = [(1.0, 2.0, 3, -1.0, "red"), (0.5, -2.0, 0, 4.0, "blue"), (2.0, 1.0, 2, 1.0, None), (1.0, 1.0, 1, 1.0, "")]
BACKGROUND: Rows = [(0.0, 1.0, 1, 2.0, "green"), (1.0, 1.0, 0, 0.0, "red"), (1.0, -1.0, 5, 1.0, None)]


@pytest.mark.parametrize("background", [BACKGROUND, BACKGROUND[:1]])
def test_values_are_those_of_the_definition(background: Rows) -> None:
    """Numbers, whole numbers, texts and nothing; with one row of background and with several."""
    found = Kernel(asked, batch(background)).explain(batch(ROWS))
    assert found.exact.all()
    for row, values in zip(ROWS, found.values[:, 0], strict=True):
        assert values.tolist() == pytest.approx(by_orders(tangled, row, background), abs=1e-12)


def test_values_and_expected_value_sum_to_the_prediction() -> None:
    """Additivity, also of few samples: the sum is a constraint and not an outcome."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(12, 2))
    rows, background = (pa.table({f"f{n}": rng.normal(size=size) for n in range(12)}) for size in (40, 3))
    model = lambda some: 1 / (1 + np.exp(-(matrix_of(some) ** 2) @ weights))  # noqa: E731
    for samples in (5, 50, 500, 5000):
        kernel = Kernel(model, background.to_batches()[0], samples)
        found = kernel.explain(rows.to_batches()[0])
        assert found.values.shape == (40, 2, 12)
        assert np.abs(found.values.sum(axis=2) + kernel.expected - found.predictions).max() < 1e-12
    assert found.exact.all()


def test_more_samples_come_nearer() -> None:
    """The root mean square error falls with the number of samples, down to none."""
    rng = np.random.default_rng(2)
    weights = rng.normal(size=11)
    rows, background = (pa.record_batch({f"f{n}": rng.normal(size=size) for n in range(11)}) for size in (30, 1))
    model = lambda some: np.tanh(matrix_of(some) @ weights)  # noqa: E731
    exact = Kernel(model, background, 2**11).explain(rows)
    errors = []
    for samples in (50, 200, 800):
        several = [Kernel(model, background, samples, seed=seed).explain(rows).values for seed in range(4)]
        errors.append(float(np.sqrt(np.mean([(values - exact.values) ** 2 for values in several]))))
    assert exact.exact.all()
    assert errors[0] > 1.5 * errors[1] > 2 * errors[2]
    assert errors[2] < 0.02


def test_a_linear_model_needs_few_samples() -> None:
    """Least squares of what is linear are exact: the weight times the way from the background."""
    rng = np.random.default_rng(3)
    weights = rng.normal(size=20)
    rows, background = (pa.record_batch({f"f{n}": rng.normal(size=size) for n in range(20)}) for size in (10, 4))
    found = Kernel(lambda some: matrix_of(some) @ weights, background, 60).explain(rows)
    expected = weights * (matrix_of(rows) - matrix_of(background).mean(axis=0))
    np.testing.assert_allclose(found.values[:, 0], expected, atol=1e-12)
    assert not found.exact.any()


def test_cells_like_the_background_play_no_part() -> None:
    """A row has only the players that differ, so many rows are exact with few samples; NaN and nothing are alike."""
    nan = float("nan")
    columns = {f"f{n}": [float(n)] for n in range(30)} | {"odd": [nan]}
    background = pa.record_batch(columns)
    moved = {name: [value[0], value[0]] for name, value in columns.items()} | {"f3": [9.0, 3.0], "f7": [7.0, 1.0]}
    calls = list[int]()

    def model(rows: pa.RecordBatch) -> Floats:
        calls.append(rows.num_rows)
        found: Floats = np.nansum(matrix_of(rows), axis=1)
        return found

    found = Kernel(model, background, 100).explain(pa.record_batch(moved))
    assert found.exact.all()
    assert found.values[:, 0, [3, 7]].tolist() == [[6.0, 0.0], [0.0, -6.0]]
    assert np.count_nonzero(found.values) == 2
    assert calls in ([1, 2], [2, 1])  # the background and the rows; one player needs no coalition


def test_the_model_is_asked_three_times_a_chunk() -> None:
    """Once for the background, once for the rows, once for all their coalitions, whatever players the rows have."""
    calls = list[int]()

    def model(rows: pa.RecordBatch) -> list[float]:
        calls.append(rows.num_rows)
        return asked(rows)

    kernel = Kernel(model, batch(BACKGROUND[:1]))
    whole = kernel.explain(batch(ROWS))
    assert len(calls) == 3
    for cells in (5, 60, 100):
        calls.clear()
        pieces = Kernel(model, batch(BACKGROUND[:1]), cells=cells).explain(batch(ROWS))
        assert len(calls) > 3
        assert max(calls) * 5 <= max(cells, 5 * len(ROWS))
        np.testing.assert_array_equal(pieces.values, whole.values)


def test_the_same_seed_gives_the_same_values_and_chunks_do_not_matter() -> None:
    """Whatever rows come together."""
    rng = np.random.default_rng(4)
    rows, background = (pa.record_batch({f"f{n}": rng.normal(size=size) for n in range(14)}) for size in (9, 2))
    model = lambda some: np.prod(1 + matrix_of(some), axis=1)  # noqa: E731
    one, other = (Kernel(model, background, 300, seed=seed) for seed in (1, 2))
    together, apart = one.explain(rows), [one.explain(rows[place : place + 1]) for place in range(9)]
    np.testing.assert_allclose(together.values, np.concatenate([each.values for each in apart]), rtol=1e-9, atol=1e-9)
    assert not np.allclose(together.values, other.explain(rows).values)


def test_logit_explains_log_odds() -> None:
    """EX-01: `use_logit`; a probability of 1 has finite log-odds, and what is no probability is refused."""
    background, rows = batch([(0.0, 0.0)]), batch([(1.0, -2.0), (800.0, 0.0)])
    model = lambda some: 1 / (1 + np.exp(-matrix_of(some).sum(axis=1)))  # noqa: E731
    kernel = Kernel(model, background, logit=True)
    found = kernel.explain(rows)
    assert kernel.expected.tolist() == [0.0]
    assert found.values[0, 0].tolist() == pytest.approx([1.0, -2.0])
    assert found.values[1, 0].tolist() == pytest.approx([log((1 - 1e-7) / 1e-7), 0.0])
    with pytest.raises(Invalid, match="0 to 1"):
        Kernel(lambda some: matrix_of(some).sum(axis=1), background, logit=True).explain(rows)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda rows: ["yes"] * rows.num_rows, "name of a class"),
        (lambda rows: [0.5], "shape"),
        (lambda rows: np.zeros((rows.num_rows, 2, 2)), "shape"),
        (lambda rows: None, "shape"),
        (lambda rows: {"p": 0.5}, "no array of numbers"),
    ],
)
def test_a_model_without_numbers_is_not_applicable(answer: Any, said: str) -> None:
    """EX-08: the message tells what the model answered."""
    with pytest.raises(NotApplicable, match=said):
        Kernel(answer, batch([(1.0,), (2.0,)])).explain(batch([(3.0,)]))


def test_what_the_model_leaves_undefined_is_undefined_for_that_row_alone() -> None:
    """NaN and infinite answers: no crash, no warning, no 0, and the other rows are as they would be."""
    model = lambda some: np.where(matrix_of(some)[:, 0] == 7, np.nan, matrix_of(some).sum(axis=1))  # noqa: E731
    kernel = Kernel(model, batch([(0.0, 0.0), (1.0, 1.0)]))
    found = kernel.explain(batch([(7.0, 1.0), (2.0, 5.0)]))
    assert np.isnan(found.values[0]).all()
    assert found.values[1, 0].tolist() == pytest.approx([1.5, 4.5])
    endless = lambda some: np.where(matrix_of(some)[:, 0] > 1, np.inf, 0.0)  # noqa: E731
    found = Kernel(endless, batch([(0.0, 0.0)])).explain(batch([(2.0, 1.0), (1.0, 1.0)]))
    assert not np.isfinite(found.values[0]).any()
    assert found.values[1, 0].tolist() == [0.0, 0.0]
    assert np.isnan(Kernel(endless, batch([(2.0, 0.0)])).explain(batch([(3.0, 1.0)])).values).all()


def test_a_model_whose_outputs_change_is_told() -> None:
    """EX-08: two numbers for one row, one for two."""
    model = lambda some: np.ones((some.num_rows, 2 if some.num_rows == 1 else 1))  # noqa: E731
    with pytest.raises(NotApplicable, match="2 numbers for a row of the background, and then 1"):
        Kernel(model, batch([(0.0, 0.0)])).explain(batch([(2.0, 1.0), (1.0, 1.0)]))


def test_few_rows_few_features() -> None:
    """No row, one feature, and a row that is the background itself."""
    kernel = Kernel(lambda rows: matrix_of(rows)[:, 0] ** 2, batch([(1.0,)]))
    assert kernel.explain(batch([(2.0,)])[:0]).values.shape == (0, 1, 1)
    assert kernel.explain(batch([(3.0,), (1.0,)])).values.tolist() == [[[8.0]], [[0.0]]]


def test_odd_settings_are_told() -> None:
    """Each with what is wrong."""
    with pytest.raises(Invalid, match="background"):
        Kernel(asked, batch(BACKGROUND)[:0])
    with pytest.raises(Invalid, match="samples"):
        Kernel(asked, batch(BACKGROUND), 0)
    with pytest.raises(SchemaMismatch, match="column 'a'"):
        Kernel(asked, batch(BACKGROUND)).explain(pa.record_batch({"x": [1.0]}))
    with pytest.raises(SchemaMismatch, match="int64 in the rows, double in the background"):
        Kernel(asked, batch([(1.0,)])).explain(batch([(1,)]))


@pytest.mark.parametrize("players", range(2, 15))
@pytest.mark.parametrize("samples", [2, 7, 40, 300, 2076])
def test_coalitions_are_different_paired_and_weighed_by_size(players: int, samples: int) -> None:
    """No more than were asked for; each comes with its complement; sizes tried in full have the kernel's weight."""
    found = coalitions(players, samples)
    sizes = found.masks.sum(axis=1)
    distinct = {mask.tobytes() for mask in found.masks}
    assert len(distinct) == len(found) <= max(samples, 2 * players)
    assert {(~mask).tobytes() for mask in found.masks} == distinct
    assert found.weights.sum() == pytest.approx(1)
    assert found.exact == (len(found) == 2**players - 2) or samples >= 2**players - 2
    kernel = np.array([1 / (comb(players, size) * size * (players - size)) for size in sizes])
    full = np.array([np.count_nonzero(sizes == size) == comb(players, size) for size in sizes])
    if full.any():
        ratio = found.weights[full] / kernel[full]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
