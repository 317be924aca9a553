"""The search for the worst segment: one that was put there is found, chance is not taken for one, words are right."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from driftline.errors import Invalid
from driftline.metrics.calibration import expected_calibration_error
from driftline.monitors.segments import Search, binomial_tail, edges_of, measured, worsened, worst
from driftline.profile import Profile, decode, encode
from driftline.profile.losses import Losses, LossesState
from driftline.profile.scores import Scores
from driftline.profile.segments import Segments

COLUMNS = ("city", "age", "dice")


def people(rows: int, seed: int, bad: float = 0.3) -> pa.Table:
    """Predictions that are wrong in a tenth of the rows, and `bad` of those in Rome from the age of 60."""
    rng = np.random.default_rng(seed)
    city, age = np.array(["Rome", "Oslo", "Bern", None])[rng.integers(0, 4, rows)], rng.integers(18, 90, rows)
    rate = np.where((city == "Rome") & (age >= 60), bad, 0.1)
    label = rng.integers(0, 2, rows)
    guess = np.where(rng.random(rows) < rate, 1 - label, label)
    return pa.table(
        {"city": pa.array(city), "age": age, "dice": rng.integers(1, 7, rows), "guess": guess, "y": label.astype(str)}
    )


def answered(table: pa.Table, **settings: Any) -> LossesState:
    """The state of these rows, through bytes and back."""
    question = Losses(
        COLUMNS, "error", "y", **{"prediction": "guess", "edges": ((), (30.0, 45.0, 60.0), ()), **settings}
    )
    return decode(encode(Profile.of(table.to_batches(3_000), [question])))[question]


def test_the_worst_segment_is_found_and_said() -> None:
    """A pair of columns, with its figures; what overlaps it is not said again."""
    table = people(20_000, 0)
    found = worst(answered(table), COLUMNS)
    first = found.segments[0]
    assert first.said == "city is 'Rome' and age is 60 or more"
    rome = (np.array(table["city"].to_pylist()) == "Rome") & (table["age"].to_numpy() >= 60)
    wrong = table["guess"].to_numpy().astype(str) != np.array(table["y"].to_pylist())
    assert first.rows == rome.sum() and first.share == pytest.approx(rome.mean())
    assert first.mean == pytest.approx(wrong[rome].mean()) and first.other == pytest.approx(wrong[~rome].mean())
    assert 0 < first.sure < first.mean - first.other and first.p_value < 1e-20
    assert len(found.segments) == 1 and found.looked_at > 50
    assert found.mean == pytest.approx(wrong.mean())


def test_chance_is_not_taken_for_a_segment() -> None:
    """Of 60 data sets without a bad segment at most a few have one found; without the correction nearly all would."""
    alarms = sum(bool(worst(answered(people(3_000, seed, bad=0.1)), COLUMNS).segments) for seed in range(60))
    assert alarms <= 6


def test_what_got_worse_is_found_beside_what_was_always_bad() -> None:
    """A segment that is as bad as before is no news."""
    before, same, now = (answered(people(20_000, seed, bad)) for seed, bad in ((1, 0.3), (2, 0.3), (3, 0.5)))
    assert worsened(before, same, COLUMNS).segments == ()
    assert "none is surely worse" in worsened(before, same, COLUMNS).reason
    first = worsened(before, now, COLUMNS).segments[0]
    assert first.said == "city is 'Rome' and age is 60 or more"
    assert first.other == pytest.approx(0.3, abs=0.05) and first.mean == pytest.approx(0.5, abs=0.05)


def test_groups_that_data_made_compare_too() -> None:
    """Without edges the ranges of both data sets are brought together."""
    before = answered(people(20_000, 4, bad=0.1), edges=(), limit=6)
    now = answered(people(5_000, 5, bad=0.6).filter(pa.array(np.arange(5_000) % 2 == 0)), edges=(), limit=6)
    found = worsened(before, now, COLUMNS).segments[0]
    assert found.columns == ("city", "age") and "city is 'Rome' and age is " in found.said


@pytest.mark.parametrize("loss", ["error", "brier", "log_loss", "absolute", "squared"])
def test_every_loss(loss: str) -> None:
    """A score that means nothing in one city; the sums are those of the definition."""
    rng = np.random.default_rng(6)
    city, score = rng.choice(["Rome", "Oslo"], 6_000), rng.uniform(0.05, 0.95, 6_000)
    label = (rng.random(6_000) < np.where(city == "Rome", 1 - score, score)).astype(int)
    table = pa.table({"city": city, "p": score, "y": label})
    regression = loss in ("absolute", "squared")
    question = Losses(
        ("city",), loss, "y", prediction="p" if regression else None, probability=None if regression else "p"
    )
    state = Profile.of(table, [question])[question]
    chance = np.where(label == 1, score, 1 - score)
    expected = {
        "error": (score > 0.5) != label,
        "brier": (score - label) ** 2,
        "log_loss": -np.log(chance),
        "absolute": np.abs(score - label),
        "squared": (score - label) ** 2,
    }[loss]
    assert state.single[0].sums.sum() == pytest.approx(expected.sum())
    assert state.single[0].squares.sum() == pytest.approx((expected.astype(float) ** 2).sum())
    assert [each.said for each in worst(state, ("city",)).segments] == ["city is 'Rome'"]


def test_missing_and_rare_values_are_segments() -> None:
    """Rows without a value, and all the values that have no group of their own."""
    rng = np.random.default_rng(7)
    city = rng.choice(
        ["Rome", "Oslo", *(f"village {at}" for at in range(200))], 8_000, p=[0.35, 0.35, *[0.3 / 200] * 200]
    )
    wrong = rng.random(8_000) < np.where(np.char.startswith(city, "village"), 0.4, 0.1)
    table = pa.table({"city": city, "guess": wrong.astype(int), "y": np.zeros(8_000, dtype=int)})
    question = Losses(("city",), "error", "y", prediction="guess", limit=4)
    found = worst(Profile.of(table, [question])[question], ("city",))
    assert found.segments[0].said == "city is none of its frequent values"
    empty = table.set_column(0, "city", pa.array([None if name.startswith("v") else name for name in city]))
    assert worst(Profile.of(empty, [question])[question], ("city",)).segments[0].said == "city is missing"


def test_tails_of_numbers_are_said_with_their_side() -> None:
    """Ranges made of negative and positive numbers, exact numbers, and edges."""
    rng = np.random.default_rng(8)
    cases: list[tuple[Any, tuple[float, ...], Callable[[Any], Any], str]] = [
        (rng.normal(0, 100, 9_000), (), lambda x: x < -32, "x is at most -32"),
        (rng.uniform(1, 128, 9_000), (), lambda x: x >= 64, "x is at least 64"),
        (rng.integers(-3, 4, 9_000).astype(float), (), lambda x: x >= 2, "x is at least 2"),
        (rng.integers(-3, 4, 9_000).astype(float), (), lambda x: x <= -2, "x is at most -2"),
        (rng.normal(0, 100, 9_000), (-50.0, 0.0, 50.0), lambda x: x < 0, "x is below 0"),
    ]
    for values, edges, bad, said in cases:
        wrong = rng.random(9_000) < np.where(bad(values), 0.5, 0.05)
        table = pa.table({"x": values, "guess": wrong.astype(int), "y": np.zeros(9_000, dtype=int)})
        question = Losses(("x",), "error", "y", prediction="guess", edges=(edges,), limit=16)
        found = worst(Profile.of(table, [question])[question], ("x",))
        assert found.segments[0].said == said


def test_nothing_to_search_is_told() -> None:
    """No rows, no labels, too few rows, no columns."""

    def reason(table: pa.Table, columns: tuple[str, ...] = COLUMNS) -> Search:
        question = Losses(columns, "error", "y", prediction="guess")
        return worst(Profile.of(table, [question])[question], columns)

    table = people(60, 9)
    unlabelled = table.set_column(4, "y", pa.nulls(60, pa.string()))
    for given in (table.slice(0, 0), unlabelled):
        assert "no row has both" in reason(given).reason
    assert "leaves as many others" in reason(table).reason
    assert "no column" in reason(table, ()).reason


def test_edges_come_from_a_profile() -> None:
    """Ranges of equally many rows; columns of few numbers, and texts, have none."""
    table = people(20_000, 10)
    edges = edges_of(Profile.of(table), COLUMNS)
    assert edges[0] == edges[2] == () and len(edges[1]) == 11
    first = worst(answered(table, edges=edges), COLUMNS).segments[0]
    assert first.columns == ("city", "age") and first.mean == pytest.approx(0.3, abs=0.05)


def test_a_metric_of_each_segment() -> None:
    """Any function of the state that was asked by segment; few rows are no figure."""
    rng = np.random.default_rng(11)
    score = rng.random(2_000)
    city = np.where(np.arange(2_000) < 1_970, np.where(rng.random(2_000) < 0.5, "Rome", "Oslo"), "Bern")
    truth = rng.random(2_000) < np.where(city == "Rome", score, 0.5)
    question = Segments.by("city", Scores("p", "y"))
    state = Profile.of(pa.table({"city": city, "p": score, "y": truth}), [question])[question]
    found = {each.subject: each for each in measured("city", state, "ece", expected_calibration_error)}
    assert found["city is 'Rome'"].value < 0.06 and found["city is 'Oslo'"].value > 0.2
    assert isnan(found["city is 'Bern'"].value) and found["city is 'Bern'"].reason == "30 rows, fewer than 50"
    assert len(found) == 3


def test_the_exact_tail_equals_scipy() -> None:
    """Probabilities down to 1e-40."""
    for hits, rows, rate in ((1, 50, 0.01), (30, 60, 0.1), (500, 4_000, 0.1), (0, 5, 0.3), (5, 5, 0.3)):
        assert binomial_tail(hits, rows, rate) == pytest.approx(float(binom.sf(hits - 1, rows, rate)), rel=1e-9)
    assert (binomial_tail(1, 5, 0.0), binomial_tail(1, 5, 1.0)) == (0.0, 1.0)


def test_mistakes_are_told() -> None:
    """A loss that does not exist, edges for other columns."""
    with pytest.raises(Invalid, match="log_loss"):
        Losses(("a",), "hinge", "y")
    with pytest.raises(Invalid, match="one a column"):
        Losses(("a", "b"), "error", "y", edges=((1.0,),))
