"""The monitor of estimates: with and without labels, by segment, with predictions of its own, and its record."""

from __future__ import annotations

import json
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from driftline.errors import Invalid
from driftline.monitors.estimates import BINARY, MULTICLASS, REGRESSION, Estimates
from driftline.monitors.lessons import Lessons, lessons_from, lessons_to
from driftline.monitors.monitor import Learnt
from driftline.monitors.tracks import Track, track_of, widened
from driftline.monitors.verdict import Compared
from driftline.profile import Profile, decode, encode


def loans(rows: int, seed: int, share: float = 0.5) -> pa.Table:
    """Loans of two kinds; the score means less for the second kind, of which `share` are."""
    rng = np.random.default_rng(seed)
    score, kind = rng.beta(0.7, 0.7, rows), rng.random(rows) < share
    chance = np.where(kind, 0.4 + 0.2 * score, score)
    label = (rng.random(rows) < chance).astype(int)
    names = np.where(kind, "second", "first")
    return pa.table({"p": score, "guess": np.where(score > 0.5, "1.0", "0.0"), "kind": names, "y": label})


def answered(monitor: Estimates, table: pa.Table, labelled: bool = True) -> Profile:
    """The profile that the monitor asks for, through bytes and back."""
    table = table if labelled else table.drop_columns(["y"])
    return decode(encode(Profile.of(table, monitor.questions(labelled=labelled))))


def taught(monitor: Estimates, table: pa.Table) -> Lessons:
    """What the rows teach, through JSON and back."""
    return lessons_from(json.loads(json.dumps(lessons_to(monitor.baseline(answered(monitor, table))), allow_nan=False)))


def by_name(found: tuple[Compared, ...]) -> dict[str, Compared]:
    """The metrics by name."""
    return {each.name: each for each in found}


@pytest.mark.parametrize("inference", [None, "guess"])
def test_estimates_stand_beside_the_realised_values(inference: str | None) -> None:
    """Without labels the same estimates as with them; the realised values hold."""
    monitor = Estimates(BINARY, "y", inference, "p")
    lessons = taught(monitor, loans(20_000, 0))
    table = loans(5_000, 7)
    early = by_name(monitor.compare(lessons, answered(monitor, table, labelled=False)))
    late = by_name(monitor.compare(lessons, answered(monitor, table)))
    for name in ("accuracy", "precision", "recall", "f1", "auc", "true_positives"):
        assert (early[name].value, early[name].low) == (late[name].value, late[name].low)
        assert isnan(early[name].realised) and early[name].held is None and early[name].labelled == 0
        assert late[name].labelled == 5_000 and late[name].held is not None
        assert abs(late[name].value - late[name].realised) < late[name].high - late[name].low, name
    guess, truth = table["p"].to_numpy() > 0.5, table["y"].to_numpy() == 1
    assert late["accuracy"].realised == pytest.approx((guess == truth).mean())
    assert lessons.realised["accuracy"] == pytest.approx(late["accuracy"].realised, abs=0.03)


def test_counts_of_some_rows_are_not_held_against_those_of_all() -> None:
    """While labels lack, rates are realised and counts are not known."""
    monitor, table = Estimates(BINARY, "y", "guess", "p"), loans(2_000, 7)
    some = table.set_column(3, "y", pc.if_else(np.arange(2_000) < 1_200, table["y"], None))
    found = by_name(monitor.compare(taught(monitor, loans(5_000, 0)), answered(monitor, some)))
    assert found["accuracy"].labelled == 1_200 and found["accuracy"].held is not None
    assert isnan(found["true_positives"].realised) and found["true_positives"].held is None


@pytest.mark.parametrize("inference", [None, "guess"])
def test_segments_with_calibrators_of_their_own(inference: str | None) -> None:
    """When the kinds' shares change, estimates by kind hold and those of all rows together do not."""
    table = loans(20_000, 3, share=0.95)
    found = {}
    for segments in ((), ("kind",)):
        monitor = Estimates(BINARY, "y", inference, "p", segments=segments)
        lessons = taught(monitor, loans(20_000, 2, share=0.2))
        assert lessons.column == ("kind" if segments else None)
        found[segments] = by_name(monitor.compare(lessons, answered(monitor, table)))["accuracy"]
    assert found[("kind",)].held and not found[()].held


def test_segments_that_say_nothing_are_not_used() -> None:
    """A column of chance is left aside."""
    table = loans(10_000, 4).append_column("dice", pa.array(np.random.default_rng(5).integers(0, 6, 10_000)))
    assert taught(Estimates(BINARY, "y", None, "p", segments=("dice",)), table).column is None


def test_a_regression_by_ranges_of_a_number() -> None:
    """The error depends on the size, which shifts; ranges that were learnt are found again in other data."""

    def houses(rows: int, seed: int, centre: float) -> pa.Table:
        rng = np.random.default_rng(seed)
        size = rng.normal(centre, 20, rows)
        price = rng.normal(300, 10, rows)
        return pa.table({"size": size, "p": price, "y": price + rng.normal(0, 0.05, rows) * size})

    monitor = Estimates(REGRESSION, "y", "p", segments=("size",))
    lessons = taught(monitor, houses(40_000, 0, 100))
    assert lessons.column == "size" and len(lessons.pieces) > 5
    late = by_name(monitor.compare(lessons, answered(monitor, houses(10_000, 1, 130))))
    assert late["mae"].value == pytest.approx(late["mae"].realised, rel=0.03)
    assert lessons.realised["mae"] < 0.85 * late["mae"].value
    plain = Estimates(REGRESSION, "y", "p")
    unaware = by_name(plain.compare(taught(plain, houses(40_000, 0, 100)), answered(plain, houses(10_000, 1, 130))))
    assert not unaware["mae"].held


def test_several_classes() -> None:
    """Probabilities of three classes, and the predicted one is the greatest."""
    rng = np.random.default_rng(0)
    scores = rng.dirichlet((0.7, 0.7, 0.7), 6_000)
    truth = (scores.cumsum(axis=1) < rng.random((6_000, 1))).sum(axis=1)
    columns = {name: scores[:, at] for at, name in enumerate("abc")}
    table = pa.table({**columns, "y": np.array(list("abc"))[np.minimum(truth, 2)]})
    monitor = Estimates(MULTICLASS, "y", probability_attribute=("a", "b", "c"))
    lessons = taught(monitor, table.slice(0, 4_000))
    late = by_name(monitor.compare(lessons, answered(monitor, table.slice(4_000))))
    assert late["accuracy"].held and late["weighted_f1"].held
    early = by_name(monitor.compare(lessons, answered(monitor, table.slice(4_000), labelled=False)))
    assert early["accuracy"].value == late["accuracy"].value


def test_a_limit_is_broken_by_the_whole_interval_only() -> None:
    """An estimate just below the limit is no violation yet; one far below says so."""
    monitor = Estimates(BINARY, "y", None, "p")
    profile = answered(monitor, loans(5_000, 1), labelled=False)
    lessons = taught(monitor, loans(20_000, 0))
    value = by_name(monitor.compare(lessons, profile))["accuracy"].value
    for limit, count in ((value + 0.001, 0), (value + 0.1, 1), (value - 0.1, 0)):
        judged = Estimates(BINARY, "y", None, "p", limits={"accuracy": limit}).evaluate(Learnt(lessons), profile)
        assert len(judged.violations) == count
        if count:
            assert "without labels, accuracy is estimated at" in judged.violations[0].said
    assert {each.name for each in judged.measures} >= {"estimated_accuracy", "estimated_auc"}


def test_few_labels_are_warned_of_and_none_are_told() -> None:
    """The baseline says how little it knows; without any label the estimate is NaN with a reason."""
    monitor = Estimates(BINARY, "y", None, "p")
    few = answered(monitor, loans(50, 0))
    assert "50 labelled rows" in monitor.warnings(few)[0]
    assert monitor.warnings(answered(monitor, loans(2_000, 0))) == ()
    none = answered(monitor, loans(50, 0), labelled=False)
    found = monitor.compare(monitor.baseline(none), none)
    assert all(isnan(each.value) and "no calibrator" in each.reason for each in found)
    assert monitor.evaluate(Learnt(monitor.baseline(none)), none).violations == ()


def test_the_record_of_past_estimates() -> None:
    """Shares that held, with what is known of them; a bias shows."""
    rng = np.random.default_rng(0)
    past = []
    for _ in range(100):
        truth = rng.normal(0.8, 0.02)
        past.append(Compared("f1", truth + 0.01 + rng.normal(0, 0.01), truth - 0.01, truth + 0.03, truth))
    track = track_of([*past, Compared("auc", 0.9, 0.8, 1.0)])
    assert [each.name for each in track] == ["f1", "auc"]
    assert track[0].count == 100 and track[0].held == 1.0 and track[0].held_low < 1.0
    assert track[0].error == pytest.approx(0.01, abs=3 * track[0].uncertainty)
    assert track[0].width == pytest.approx(0.04)
    assert track[1].count == 0 and isnan(track[1].held)


def test_past_errors_widen_the_next_interval() -> None:
    """Calibration that moves between periods: intervals of the baseline alone are too narrow, widened ones hold."""
    rng = np.random.default_rng(0)

    def period() -> Compared:
        value = rng.normal(0.8, 0.01)
        return Compared("f1", value, value - 0.01, value + 0.01, value + rng.normal(0, 0.01))

    track = track_of(period() for _ in range(200))[0]
    assert track.held < 0.8 and track.excess == pytest.approx(0.01**2 - (0.01 / 1.96) ** 2, rel=0.3)
    assert np.mean([widened(period(), track).held is True for _ in range(500)]) == pytest.approx(0.95, abs=0.03)
    calm = track_of([period()])[0]
    some = period()
    assert widened(some, calm) == some and widened(some, Track("f1")) == some


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"problem_type": "Ranking"}, "problem type"),
        ({"problem_type": BINARY}, "the column of probabilities"),
        ({"problem_type": MULTICLASS, "probability_attribute": "p"}, "one a class"),
        ({"problem_type": REGRESSION}, "the column of predictions"),
        ({"problem_type": BINARY, "probability_attribute": "p", "calibration": "platt"}, "isotonic"),
    ],
)
def test_mistakes_are_told(members: dict[str, Any], said: str) -> None:
    """Settings that cannot be."""
    with pytest.raises(Invalid, match=said):
        Estimates(**members, ground_truth_attribute="y")
