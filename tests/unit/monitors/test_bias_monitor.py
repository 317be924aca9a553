"""The bias monitor: groups, readings of thresholds, the drift rule, and windows in which little is defined."""

from __future__ import annotations

import json
from math import inf, isnan, nan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import Invalid, SchemaMismatch
from driftline.metrics.bias_post import LABEL_FREE, POST
from driftline.metrics.bias_pre import PRE
from driftline.monitors.bias import Bias
from driftline.monitors.disparities import Disparities, Disparity, FacetGroup, Stage
from driftline.monitors.facets import Facet
from driftline.monitors.monitor import Learnt, Monitor
from driftline.monitors.monitors import monitor_from, monitor_to
from driftline.monitors.verdict import Verdict
from driftline.profile import Profile, decode, encode

MONITOR = Bias((Facet.of("sex", 0),), (1,), "y", "p", group_variable="g", features=("age", "one"))


def rows(count: int = 400, seed: int = 1, harm: float = 0.0) -> pa.Table:
    """Rows of two sexes; `harm` is the share of women whose acceptance is turned down."""
    random = np.random.default_rng(seed)
    sex, age, group = random.integers(0, 2, count), random.integers(20, 70, count), random.choice(["a", "b"], count)
    label = (random.random(count) < 0.5).astype(int)
    predicted = np.where(random.random(count) < 0.8, label, 1 - label)
    predicted[(sex == 0) & (random.random(count) < harm)] = 0
    return pa.table({"sex": sex, "age": age, "g": group, "one": random.normal(size=count), "y": label, "p": predicted})


def profiled(monitor: Monitor, table: pa.Table) -> Profile:
    """The profile with the monitor's answers."""
    return Profile.of(table, monitor.questions())


def checked(monitor: Bias, before: pa.Table, now: pa.Table) -> Verdict:
    """The verdict on rows against those of a baseline, which has been saved meanwhile."""
    known = decode(encode(profiled(monitor, before)))
    return monitor.evaluate(Learnt(monitor.baseline(known), known), profiled(monitor, now))


def groups(monitor: Bias, table: pa.Table) -> list[str]:
    """What the groups are called."""
    post = monitor.baseline(profiled(monitor, table)).post
    assert post is not None
    return [group.subject for group in post.groups]


def named(monitor: Bias, table: pa.Table) -> dict[str, Disparity]:
    """All metrics of the only group."""
    found = monitor.baseline(profiled(monitor, table))
    return {each.name: each for _, stage in found.stages for group in stage.groups for each in group.disparities}


def measured(verdict: Verdict) -> dict[tuple[str, str], float]:
    """The measures by subject and name."""
    return {(measure.subject, measure.name): measure.value for measure in verdict.measures}


def test_the_monitor_comes_back_from_json() -> None:
    """Its fields are what JSON can hold."""
    several = Bias(
        (Facet.of("sex", 0), Facet(("sex", "age"), ((), (30,))), Facet.of("g", "a", "b")),
        ("yes", 1),
        "y",
        None,
        ("a", "b"),
        classes=("no", "yes"),
        pre_training=("CI",),
        confidence=0.9,
    )
    for monitor in (MONITOR, several):
        assert monitor_from(json.loads(json.dumps(monitor_to(monitor)))) == monitor
    assert monitor_from(json.loads(json.dumps(monitor_to(several)))).questions() == several.questions()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"facets": ()}, "facets: got 'none'"),
        ({"label_values_or_threshold": ()}, "label_values_or_threshold"),
        ({"ground_truth_attribute": None, "inference_attribute": None}, "label: got 'nothing'"),
        ({"pre_training": ("XX",)}, "bias metric: got 'XX', expected one of CDDL, CI"),
        ({"confidence": 95}, "confidence: got 95"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    """BI-01: the message names the setting."""
    known = {"facets": (Facet.of("sex"),), "ground_truth_attribute": "y", "inference_attribute": "p"}
    with pytest.raises(Invalid, match=said):
        Bias(**{**known, **settings})
    with pytest.raises(Invalid, match="values for each of its columns"):
        Facet(("a", "b"), ((1,),))


def test_each_distinct_value_is_a_group_if_none_is_given() -> None:
    """BI-03: one group for each unique value, in order; of a combination those that occur."""
    table = rows()
    assert groups(Bias((Facet.of("sex"),), (1,), "y", "p"), table) == ["sex = 0", "sex = 1"]
    both = Bias((Facet(("sex", "g")),), (1,), "y", "p")
    assert groups(both, table) == [f"sex & g = {sex} & {group}" for sex in "01" for group in "ab"]
    given = Bias((Facet(("sex", "g"), ((1,), ())),), (1,), "y", "p")
    assert groups(given, table) == ["sex & g = 1 & a", "sex & g = 1 & b"]


def test_a_number_is_a_threshold_where_values_are_many() -> None:
    """BI-03: the sensitive group lies above; the text has the data's maximum."""
    table, one = rows(), Facet.of("age", 40)
    assert groups(Bias((one,), (1,), "y", "p"), table) == [f"age = (40, {max(table['age'].to_pylist())}]"]
    assert groups(Bias((one,), (1,), "y", "p"), rows(4_000)) == ["age = 40"]  # 50 of 4,000: categories
    floats = table.set_column(1, "age", table["age"].cast(pa.float64()))
    assert groups(Bias((one,), (1,), "y", "p"), floats) == [f"age = (40, {max(floats['age'].to_pylist())}]"]
    assert groups(Bias((Facet.of("age", 40, 41),), (1,), "y", "p"), table) == ["age = 40,41"]


def test_a_few_rows_of_zeros_and_ones() -> None:
    """By SageMaker's rule 1 means "above 1" in fewer than 40 rows, and the group is empty; by ours it stays a value."""
    table = rows(24)
    strict = Bias((Facet.of("sex", 1),), ("1",), "y", "p", compatible=True)
    assert groups(strict, table) == ["sex = (1, 1]"]
    found = named(strict, table)
    assert found["CI"].reason == "the sensitive group has no rows with a label" and isnan(found["CI"].value)
    plain = Bias((Facet.of("sex", 1),), (1,), "y", "p")
    assert groups(plain, table) == ["sex = 1"]
    assert not isnan(named(plain, table)["DPL"].value)


def test_a_threshold_stays_one_in_another_window() -> None:
    """A window is read as its baseline was, however many values it has; the data's maximum makes no difference."""
    monitor = Bias((Facet.of("age", 40),), (1,), "y", "p")
    verdict = checked(monitor, rows(400), rows(4_000, 2))
    limits = [measure.limit for measure in verdict.measures if measure.name == "DPL"]
    assert len(limits) == 1 and limits[0] is not None
    verdict = checked(monitor, rows(4_000), rows(400, 2))
    assert [measure.subject for measure in verdict.measures if measure.name == "DPL"] == ["age = 40"]


def test_a_label_may_be_a_threshold() -> None:
    """Numbers above the threshold are positive, of labels and predictions."""
    random = np.random.default_rng(1)
    amounts = random.normal(100, 10, 200)
    table = pa.table({"sex": random.integers(0, 2, 200), "y": amounts, "p": amounts + random.normal(0, 1, 200)})
    monitor = Bias((Facet.of("sex", 0),), (100,), "y", "p")
    found = monitor.baseline(profiled(monitor, table))
    assert found.pre is not None and found.pre.label_value == f"(100, {amounts.max()}]"
    women = table["sex"].to_numpy() == 0
    expected = (amounts[~women] > 100).mean() - (amounts[women] > 100).mean()
    assert found.pre.groups[0].named["DPL"].value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "before", "now", "violated"),
    [
        ("DPL", 0.2, 0.1, False),
        ("DPL", 0.2, -0.3, True),
        ("DPL", 0.2, 0.2, False),
        ("DPL", -0.2, 0.2, False),
        ("DPL", 0.0, 1e-6, True),
        ("DI", 0.8, 0.9, False),
        ("DI", 0.8, 1.3, True),
        ("DI", 0.8, 1.2, False),
        ("TE", 2.0, inf, True),
        ("TE", inf, inf, False),
        ("TE", inf, -inf, False),
        ("KS", 7.9e-06, 0.0153, True),
        ("FT", nan, 0.3, False),
        ("FT", 0.3, nan, False),
    ],
)
def test_the_drift_rule(name: str, before: float, now: float, violated: bool) -> None:
    """BI-04: farther from neutral, in whichever direction; equal is not; what is undefined never is."""
    assert Disparity(name, now).is_farther_than(before) is violated


def test_growing_bias_breaks_the_constraint() -> None:
    """BI-04: the violation names facet, value and metric; the same rows break nothing."""
    assert not checked(MONITOR, rows(), rows()).violations
    verdict = checked(MONITOR, rows(4_000), rows(4_000, 2, harm=0.4))
    broken = {violation.subject: violation for violation in verdict.violations}
    assert {"sex = 0: DPPL", "sex = 0: DI", "sex = 0: RD", "sex = 0: FT"} <= broken.keys()
    found = broken["sex = 0: DPPL"]
    assert (found.check, found.limit < found.value) == ("bias_drift_check", True)
    assert found.said == f"Metric value {found.value} doesn't meet the baseline constraint requirement {found.limit}"


def test_chance_breaks_nothing_with_a_confidence() -> None:
    """BI-05: with an interval only what lies wholly outside of the allowed range is told."""
    sure = Bias((Facet.of("sex", 0),), (1,), "y", "p", group_variable="g", features=("age", "one"), confidence=0.99)
    before, now = rows(4_000), rows(400, 2)
    assert checked(MONITOR, before, now).violations
    assert not checked(sure, before, now).violations
    told = {violation.subject for violation in checked(sure, before, rows(4_000, 2, harm=0.5)).violations}
    assert {"sex = 0: DPPL", "sex = 0: RD"} <= told
    for each in named(sure, before).values():
        assert each.low <= each.value <= each.high, each.name


def test_without_labels_what_needs_none_is_measured() -> None:
    """BI-06: DPPL, DI, CDDPL and FT; for the others there is a reason."""
    monitor = Bias((Facet.of("sex", 0),), (1,), None, "p", group_variable="g", features=("age", "one"))
    found = monitor.baseline(profiled(monitor, rows().drop_columns(["y"])))
    assert found.pre is None and found.post is not None
    for each in found.post.groups[0].disparities:
        assert isnan(each.value) is (each.name not in LABEL_FREE)
        assert each.reason == ("" if each.name in LABEL_FREE else "there are no labels")


def test_all_labels_missing() -> None:
    """BI-06: as without labels, and what is before training has its reason, too."""
    table = rows().set_column(4, "y", pa.array([None] * 400, pa.int64()))
    found = named(MONITOR, table)
    assert {name for name, each in found.items() if not isnan(each.value)} == LABEL_FREE
    assert found["CI"].reason == "there are no rows with a label"
    assert found["AD"].reason == "there are no rows with a label and a prediction"
    verdict = checked(MONITOR, rows(), table)
    assert {violation.subject.rpartition(" ")[2] for violation in verdict.violations} <= LABEL_FREE


def test_without_predictions_labels_are_measured() -> None:
    """BI-02: the stage before training alone."""
    monitor = Bias((Facet.of("sex", 0),), (1,), "y")
    found = monitor.baseline(profiled(monitor, rows()))
    assert found.post is None and found.pre is not None
    assert {each.name for each in found.pre.groups[0].disparities if isnan(each.value)} == {"CDDL"}
    assert found.pre.groups[0].named["CDDL"].reason == "there is no group variable"


@pytest.mark.parametrize(
    ("column", "value", "reasons"),
    [
        (
            "sex",
            1,
            {"DPL": "the sensitive group has no rows with a label", "DI": "the sensitive group has no rows with"},
        ),
        ("sex", 0, {"DPL": "no rows with a label are outside the sensitive group"}),
        ("y", 0, {"DPL": "no label is positive", "KL": "no label is positive", "RD": "no label is positive"}),
        ("y", 1, {"SD": "no label is negative", "TE": "no label is negative"}),
        ("g", None, {"CDDL": "no row has a value of a group variable", "CDDPL": "no row has a value of a group"}),
    ],
)
def test_what_is_not_defined_has_a_reason(column: str, value: Any, reasons: dict[str, str]) -> None:
    """An empty facet, labels of one class, no group variable: NaN and why, never a crash."""
    table = rows()
    constant = pa.array([value] * 400, table.schema.field(column).type)
    found = named(MONITOR, table.set_column(table.schema.names.index(column), column, constant))
    for name, reason in reasons.items():
        assert isnan(found[name].value) and found[name].reason.startswith(reason), name
    assert all(isnan(each.value) == bool(each.reason) for each in found.values())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_windows_of_hardly_any_rows(count: int) -> None:
    """No row, one row, two: every metric has a value or a reason, and nothing is broken that is not defined."""
    verdict = checked(MONITOR, rows(), rows().slice(0, count))
    for measure in verdict.measures:
        assert isnan(measure.value) == bool(measure.reason) or measure.name.endswith("drift"), measure
    if count < 2:
        assert {measure.name for measure in verdict.measures if not isnan(measure.value)} & {*PRE, *POST} <= {"CI"}
        assert not verdict.violations


def test_bias_that_the_model_adds() -> None:
    """BI-07: post less pre; above 0 where the model favours the rest more than the labels do."""
    found = measured(checked(MONITOR, rows(4_000), rows(4_000, 2, harm=0.4)))
    assert found["sex = 0", "DPPL-DPL"] == pytest.approx(found["sex = 0", "DPPL"] - found["sex = 0", "DPL"])
    assert found["sex = 0", "DPPL-DPL"] > 0.1 and found["sex = 0", "CDDPL-CDDL"] > 0.1


def test_shift_of_protected_attributes() -> None:
    """BI-07: facets, labels and predictions have their own drift; a compatible monitor measures none."""
    changed = rows(4_000).filter(
        pa.array(np.arange(4_000) % 2 == 0) if False else pa.compute.equal(rows(4_000)["sex"], 1)
    )
    found = measured(checked(MONITOR, rows(4_000), pa.concat_tables([changed, rows(400)])))
    assert found["sex", "facet_drift"] > 0.2 and found["y", "label_drift"] < 0.05
    assert ("p", "prediction_drift") in found
    strict = Bias((Facet.of("sex", 0),), (1,), "y", "p", compatible=True)
    names = {name for _, name in measured(checked(strict, rows(), rows()))}
    assert names == {*PRE, *POST}


def test_a_facet_need_not_be_an_input_of_the_model() -> None:
    """BI-08: any column will do, while only the features are what rows are compared by."""
    table = rows().append_column("tag", pa.array(["north", "south"] * 200))
    monitor = Bias((Facet.of("tag", "south"),), (1,), "y", "p", group_variable="sex", features=("age", "one"))
    found = named(monitor, table)
    assert not any(isnan(each.value) for each in found.values())


def test_words_among_the_features_leave_the_other_metrics() -> None:
    """FT alone needs numbers; the reason names the columns that have none."""
    found = named(Bias((Facet.of("sex", 0),), (1,), "y", "p", group_variable="g"), rows())
    assert found["FT"].reason == "not all features are numbers: g"
    assert [name for name, each in found.items() if isnan(each.value)] == ["FT"]


def test_sampling_of_the_flip_test_is_told() -> None:
    """FT: the note says how many rows were compared; the share is a measure."""
    monitor = Bias((Facet.of("sex", 0),), (1,), "y", "p", features=("age", "one"), flip_rows=50)
    table = rows(1_000)
    women = int((table["sex"].to_numpy() == 0).sum())
    note = f"of a sample: 50 of {women} rows of the group, compared with 50 of {1_000 - women} others"
    assert named(monitor, table)["FT"].note == note
    assert measured(checked(monitor, table, table))["sex = 0", "flip_test_coverage"] == 50 / women


def test_groups_that_come_and_go() -> None:
    """A group that the baseline lacks has no limit; one that has gone is told as missing."""
    monitor = Bias((Facet.of("g"),), (1,), "y", "p", features=("age", "one"))
    before = rows()
    now = before.set_column(2, "g", pa.array(["a", "c"] * 200))
    verdict = checked(monitor, before, now)
    limits = {measure.subject: measure.limit for measure in verdict.measures if measure.name == "DPPL"}
    assert limits["g = c"] is None and limits["g = a"] is not None
    gone = {measure.reason for measure in verdict.measures if measure.subject == "g = b"}
    assert "the sensitive group has no rows with a prediction" in gone
    assert not any(violation.subject.startswith(("g = c", "g = b")) for violation in verdict.violations)


def test_a_facet_of_too_many_values_is_told() -> None:
    """More groups than anybody reads: no crash, a reason and a warning."""
    table = rows(2_000).append_column("id", pa.array([f"n{place}" for place in range(2_000)]))
    monitor = Bias((Facet.of("id"),), (1,), "y", "p")
    profile = profiled(monitor, table)
    assert monitor.warnings(profile) == ("id: more than 1,000 distinct values: give a threshold.",)
    [measure] = [each for each in checked(monitor, table, table).measures if each.name == "bias"]
    assert measure.subject == "id" and isnan(measure.value)


def test_small_groups_are_warned_of() -> None:
    """BL-14: a group of few rows says little."""
    [warning] = MONITOR.warnings(profiled(MONITOR, rows(100)))
    assert warning.startswith("sex = 0: the group has ") and warning.endswith(" rows, which say little.")
    assert not MONITOR.warnings(profiled(MONITOR, rows(1_000)))


def test_columns_may_be_given_by_place() -> None:
    """BI-01: a place in digits; the group is called by the column's name."""
    monitor = Bias((Facet.of("0", 0),), (1,), "4", "5", group_variable="2", features=("1", "3"))
    assert groups(monitor, rows()) == ["sex = 0"]
    by_name = Bias((Facet.of("sex", 0),), (1,), "y", "p", group_variable="g", features=("age", "one"))
    assert named(monitor, rows()) == named(by_name, rows())
    with pytest.raises(SchemaMismatch, match="There are 'sex', 'age'"):
        profiled(Bias((Facet.of("zzz", 0),), (1,), "y", "p"), rows())


def test_constraints_that_were_edited() -> None:
    """BL-16: only what the constraints have is judged."""
    known = Disparities(None, Stage("y", "1", (FacetGroup("sex", "0", (Disparity("DPPL", 0.0),)),)))
    verdict = MONITOR.evaluate(Learnt(known), profiled(MONITOR, rows()))
    assert [violation.subject for violation in verdict.violations] == ["sex = 0: DPPL"]
    assert sum(measure.limit is not None for measure in verdict.measures) == 1
