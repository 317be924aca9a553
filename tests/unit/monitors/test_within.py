"""Model quality's estimates, segments and rankings: every problem type, with and without labels, the record of them."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from driftline import record
from driftline.errors import Unreadable
from driftline.metrics.ranking import ndcg
from driftline.monitors.model_quality import NO_LABELS, ModelQuality
from driftline.monitors.monitor import Learnt
from driftline.monitors.monitors import monitor_from, monitor_to
from driftline.monitors.quality import BINARY, LESS, MULTICLASS, RANKING, REGRESSION, Limit, QualityConstraints
from driftline.monitors.verdict import Compared, Measure, Verdict
from driftline.profile import Profile, decode, encode
from driftline.storage.access import Access

MONITORS = {
    BINARY: ModelQuality(BINARY, "y", None, "p", segments=("city", "age")),
    MULTICLASS: ModelQuality(MULTICLASS, "y", None, ("a", "b", "c"), segments=("city", "age")),
    REGRESSION: ModelQuality(REGRESSION, "y", "guess", segments=("city", "age")),
}


def rows(problem: str, seed: int, rome: float = 0.5, count: int = 8_000) -> pa.Table:
    """Rows of two cities; in Rome predictions are of little worth."""
    rng = np.random.default_rng(seed)
    city, age = rng.random(count) < rome, rng.integers(18, 80, count)
    told = {"city": np.where(city, "Rome", "Oslo"), "age": age}
    if problem == BINARY:
        score = rng.random(count)
        return pa.table({**told, "p": score, "y": rng.random(count) < np.where(city, 0.4 + 0.2 * score, score)})
    if problem == REGRESSION:
        guess = rng.normal(50, 10, count)
        return pa.table({**told, "guess": guess, "y": guess + rng.normal(0, np.where(city, 8, 2), count)})
    chances = rng.dirichlet((0.4, 0.4, 0.4), count)
    flat = np.where(city[:, None], 0.5 * chances + 0.5 / 3, chances)
    truth = (flat.cumsum(axis=1) > rng.random(count)[:, None]).argmax(axis=1)
    return pa.table({**told, **dict(zip("abc", chances.T, strict=True)), "y": np.array(["a", "b", "c"])[truth]})


def known(monitor: ModelQuality, table: pa.Table) -> Profile:
    """What the monitor asks for, through bytes and back."""
    return decode(encode(Profile.of(table, monitor.questions())))


def judged(monitor: ModelQuality, before: pa.Table, now: pa.Table, *past: Compared) -> Verdict:
    """The verdict against a baseline."""
    profile = known(monitor, before)
    return monitor.evaluate(Learnt(monitor.baseline(profile), profile, past), known(monitor, now))


def unlabelled(table: pa.Table) -> pa.Table:
    """The rows before their labels are there."""
    return table.set_column(table.column_names.index("y"), "y", pa.nulls(table.num_rows, pa.string()))


def named(found: Verdict, subject: str = "model") -> dict[str, Measure]:
    """The measures of a subject."""
    return {each.name: each for each in found.measures if each.subject == subject}


@pytest.mark.parametrize(("problem", "name"), [(BINARY, "accuracy"), (MULTICLASS, "accuracy"), (REGRESSION, "mae")])
def test_estimates_and_segments_of_every_problem(problem: str, name: str) -> None:
    """MQ-10: without labels an estimate that later holds; the city in which the model is of little worth is found."""
    monitor = MONITORS[problem]
    assert monitor_from(monitor_to(monitor)) == monitor
    before, now = rows(problem, 1), rows(problem, 2)
    late, early = judged(monitor, before, now), judged(monitor, before, unlabelled(now))
    assert named(early)[name].reason == NO_LABELS and isnan(named(early)[name].value)
    assert not early.violations and early.notes[0].startswith("No labels yet; estimated: ")
    estimate = next(each for each in late.estimates if each.name == name)
    assert abs(estimate.value - estimate.realised) < estimate.high - estimate.low and estimate.labelled == 8_000
    assert named(early)[f"estimated_{name}"].value == pytest.approx(estimate.value)
    rome, oslo = (named(late, f"model[city is '{city}']")[name].value for city in ("Rome", "Oslo"))
    assert rome > oslo if problem == REGRESSION else rome < oslo
    assert late.notes[0].startswith("Worst for city is 'Rome': ")
    ages = [each.subject for each in late.measures if each.subject.startswith("model[age is ") and each.name == name]
    assert 6 <= len(ages) <= 10 and ages[0].startswith("model[age is 18 to ")
    assert not [each for each in early.measures if each.subject.startswith("model[")]


def test_segments_compare_with_ranges_of_the_baseline() -> None:
    """The same range of ages in both periods, though the ages of the second are others; rare ones say they are few."""
    monitor = MONITORS[BINARY]
    now = rows(BINARY, 3).filter(pa.array(np.arange(8_000) % 400 < 20)).slice(0, 390)
    subjects = [each for each in judged(monitor, rows(BINARY, 1), now).measures if each.name == "accuracy"]
    same = judged(monitor, rows(BINARY, 1), rows(BINARY, 1))
    ranges = {each.subject for each in same.measures if "age is" in each.subject and each.name == "accuracy"}
    assert {
        each.subject for each in subjects if each.subject.startswith("model[age is ") and " and " not in each.subject
    } <= ranges
    assert any("rows, fewer than 50" in each.reason for each in subjects)


def test_a_metric_that_is_not_estimated_says_so() -> None:
    """A limit on an estimate that there is not, and estimates that cannot be."""
    limits = (Limit("estimated_log_loss", 0.3, LESS), Limit("estimated_accuracy", 0.1, LESS))
    monitor, before = MONITORS[BINARY], known(MONITORS[BINARY], rows(BINARY, 1))
    found = monitor.evaluate(Learnt(QualityConstraints(BINARY, limits), before), before)
    assert "not among the metrics that are estimated" in named(found)["estimated_log_loss"].reason
    assert named(found)["estimated_accuracy"].limit == 0.1 and not found.violations
    bare = ModelQuality(BINARY, "y", "guess")
    table = pa.table({"y": [1, 0] * 60, "guess": [1, 0] * 60})
    found = bare.evaluate(
        Learnt(QualityConstraints(BINARY, limits), known(bare, table)), known(bare, unlabelled(table))
    )
    assert named(found)["estimated_accuracy"].reason == "there is no probability to estimate of"
    assert found.notes == ("No labels yet, and no estimates: there is no probability to estimate of.",)
    alone = monitor.evaluate(Learnt(QualityConstraints(BINARY)), known(monitor, unlabelled(rows(BINARY, 2))))
    assert alone.notes == ("No labels yet, and no estimates: the baseline has only constraints, no statistics.",)


def test_labels_that_are_called_otherwise() -> None:
    """A column of labels that neither side has is more likely a wrong name than labels that are late."""
    before = known(MONITORS[BINARY], rows(BINARY, 1))
    other = ModelQuality(BINARY, "label", None, "p")
    now = rows(BINARY, 2).append_column("label", pa.nulls(8_000, pa.string()))
    found = other.evaluate(Learnt(QualityConstraints(BINARY), before), known(other, now))
    assert "The baseline has no column 'label': are labels called so?" in found.notes


def test_compatible_measures_nothing_beside() -> None:
    """As SageMaker, no estimates and no segments."""
    monitor = ModelQuality(BINARY, "y", None, "p", compatible=True, segments=("city",), searched=("city",))
    assert [type(each).__name__ for each in monitor.questions()] == ["Confusion", "Scores"]
    found = judged(monitor, rows(BINARY, 1), rows(BINARY, 2))
    assert found.estimates == () and found.notes == ()
    assert {each.subject for each in found.measures} == {"model"}


def test_columns_to_search_are_all_that_are_no_predictions() -> None:
    """Predictions and labels are left out, also where they are named by place or path."""
    monitor = ModelQuality(MULTICLASS, "4", "guess", ("a", "$.b"), searched=("*",))
    assert monitor.losses is None
    settled = monitor.settled(["guess", "age", "a", "b", "truth", "city"])
    assert settled.searched == ("age", "city") and settled.losses is not None
    assert settled.settled(["other"]) is settled


def test_rankings() -> None:
    """NDCG, MAP and MRR at each cut, their errors, and no limits where nothing is relevant."""
    monitor = ModelQuality(RANKING, "gain", None, "p", query_attribute="q")
    rng = np.random.default_rng(0)
    gain = rng.integers(0, 3, 4_000)
    table = pa.table({"q": np.repeat(np.arange(500), 8), "p": gain + rng.normal(0, 1, 4_000), "gain": gain})
    profile = known(monitor, table)
    figures = monitor.measure(profile).named
    assert figures["ndcg_at_5"].value == pytest.approx(ndcg(profile[monitor.ranking], 5))
    assert 0 < figures["map_at_10"].standard_deviation < 0.02
    worse = table.set_column(1, "p", pa.array(rng.random(4_000)))
    found = judged(monitor, table, worse)
    assert [each.subject for each in found.violations][:3] == ["ndcgAt1", "ndcgAt5", "ndcgAt10"]
    nothing = known(monitor, table.set_column(2, "gain", pa.array(np.zeros(4_000))))
    assert monitor.baseline(nothing).limits == ()
    assert "There is no limit on ndcg_at_1: no query has a relevant item." in monitor.warnings(nothing)
    awaiting = judged(monitor, table, table.set_column(2, "gain", pa.nulls(4_000, pa.float64())))
    assert named(awaiting)["ndcg_at_5"].reason == NO_LABELS and not awaiting.violations


def test_the_record_through_a_file(tmp_path: Path) -> None:
    """What is unknown is null in JSON; members that are not ours are passed over; a repeated check counts once."""
    place, access = str(tmp_path / record.FILE), Access()
    assert record.read(place, access) == ()
    first = Compared("f1", 0.8, 0.7, 0.9, 0.85, 10)
    record.write(place, record.joined((), [first, Compared("auc", float("nan"), 0.1, 0.2)]), access)
    assert record.read(place, access) == (first,)
    again = record.joined(record.read(place, access), [Compared("f1", 0.8, 0.7, 0.9, 0.86, 20)])
    assert [each.labelled for each in again] == [20]
    Path(place).write_text('\n{"name": "f1", "value": null, "low": 0, "high": 1, "more": 2}\n')
    assert isnan(record.read(place, access)[0].value)
    for damaged in ("{", "[1]", '{"value": 1}'):
        Path(place).write_text(damaged)
        with pytest.raises(Unreadable, match=r"estimates\.jsonl line 1: no estimate on record"):
            record.read(place, access)
