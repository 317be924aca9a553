"""The six checks, their thresholds, overrides, wording and what is undefined (DQ-01 to DQ-12, BL-17, FL-05)."""

from __future__ import annotations

from dataclasses import replace
from math import isnan

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import Invalid, NotFound
from driftline.metrics.metric import distances
from driftline.monitors.constraints import Config, Constraints
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Learnt
from driftline.monitors.verdict import Verdict
from driftline.profile import Profile

RNG = np.random.default_rng(7)
NORMAL = Profile.of(
    pa.table(
        {
            "age": RNG.integers(18, 90, 2000),
            "income": RNG.normal(50.0, 10.0, 2000).clip(0.1) + 0.05,
            "colour": RNG.choice(["red", "green", "blue"], 2000, p=[0.5, 0.3, 0.2]),
        }
    )
)


def judged(
    current: dict[str, object], baseline: Profile = NORMAL, config: Config | None = None, **settings: object
) -> Verdict:
    """The verdict on these columns, under a configuration laid over the suggested one."""
    monitor = DataQuality(**settings)  # type: ignore[arg-type]
    constraints = monitor.baseline(baseline)
    if config is not None:
        constraints = replace(constraints, config=constraints.config.under(config))
    return monitor.evaluate(Learnt(constraints, baseline), Profile.of(pa.table(current)))


def alike(rows: int = 1000, **changed: object) -> dict[str, object]:
    """Columns like the baseline's, some of them changed."""
    rng = np.random.default_rng(rows)
    same: dict[str, object] = {
        "age": rng.integers(18, 90, rows),
        "income": rng.normal(50.0, 10.0, rows).clip(0.1) + 0.05,
        "colour": rng.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2]),
    }
    return {**same, **changed}


def said(verdict: Verdict) -> list[tuple[str, str, str]]:
    """Subject, check and wording of each violation."""
    return [(found.subject, found.check, found.said) for found in verdict.violations]


def test_alike_data_violates_nothing() -> None:
    """The negative control: same distribution, other rows."""
    verdict = judged(alike())
    assert verdict.violations == ()
    assert {"completeness", "data_type_match", "baseline_drift", "psi"} <= {found.name for found in verdict.measures}


def test_wrong_type_is_worded_as_sagemaker_words_it() -> None:
    """DQ-02: one text among 250 integers; integers in a fractional column count as wrong."""
    verdict = judged(
        alike(250, age=[str(value) for value in range(20, 269)] + ["old"]), config=Config(perform_comparison=False)
    )
    wording = (
        "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        "Observed: Only 99.6% of data is Integral."
    )
    assert said(verdict) == [("age", "data_type_check", wording)]
    verdict = judged(alike(income=RNG.integers(20, 80, 1000)))
    assert "Observed: Only 0.0% of data is Fractional." in verdict.violations[0].said


def test_completeness_is_checked_against_the_baselines_own() -> None:
    """DQ-03: below the ratio of the baseline is a violation, the percent as Java prints it."""
    ages = pa.array([None] * 991 + list(range(20, 38)), pa.int64())
    verdict = judged(alike(1009, age=ages), config=Config(perform_comparison=False))
    wording = "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 1.7839444995044598%."
    assert said(verdict) == [("age", "completeness_check", wording)]


@pytest.mark.parametrize("method", ["Robust", "Simple"])
def test_numeric_drift(method: str) -> None:
    """DQ-04: the distance is above the threshold; Robust subtracts what chance does."""
    verdict = judged(alike(income=RNG.normal(58.0, 10.0, 1000).clip(0.1)), config=Config(comparison_method=method))
    (found,) = verdict.violations
    assert (found.subject, found.check, found.limit) == ("income", "baseline_drift_check", 0.1)
    assert found.said == f"Baseline drift distance: {found.value} exceeds threshold: 0.1"
    assert found.value == pytest.approx(0.31 - (0.0697 if method == "Robust" else 0.0), abs=0.03)


def test_categorical_drift_and_domain() -> None:
    """A new colour: outside the domain, and shares move; the wording can be parsed by AWS's own reader."""
    colours = ["red"] * 500 + ["violet"] * 500
    verdict = judged(alike(colour=colours))
    assert [found.check for found in verdict.violations] == ["categorical_values_check", "baseline_drift_check"]
    assert verdict.violations[0].said == "Value: 0.5 does not meet the constraint requirement!"


def test_thresholds_are_strict_inequalities() -> None:
    """Exactly at the threshold is no violation."""
    config = Config(domain_content_threshold=0.5, perform_comparison=False)
    assert judged(alike(colour=["red"] * 500 + ["violet"] * 500), config=config).violations == ()


def test_categorical_threshold_of_its_own() -> None:
    """`categorical_comparison_threshold` holds for categories only."""
    config = Config(categorical_comparison_threshold=0.9, domain_content_threshold=0.0)
    assert judged(alike(colour=["red"] * 500 + ["violet"] * 500), config=config).violations == ()


def test_chi_squared_is_a_violation_below_the_threshold() -> None:
    """BL-17: the p-value is compared, and told as a distance that exceeds."""
    monitor = DataQuality(categorical_drift_method="ChiSquared")
    constraints = monitor.baseline(NORMAL)
    assert constraints.config.categorical_drift_method == "ChiSquared"
    current = Profile.of(pa.table(alike(colour=["red"] * 600 + ["green"] * 200 + ["blue"] * 200)))
    (found,) = monitor.evaluate(Learnt(constraints, NORMAL), current).violations
    assert found.value < found.limit == 0.1
    assert found.said.startswith("(1 - p-value of the chi-squared test) Baseline drift distance: ")
    assert found.said.endswith(" exceeds threshold: 0.9")


def test_missing_and_extra_columns() -> None:
    """DQ-01, ER-24: by name; in compatible mode by number, and nothing after it."""
    current = alike(height=RNG.normal(size=1000))
    extra = "Number of columns in current dataset: 4, Number of columns in baseline constraints: 3"
    verdict = judged(current)
    assert verdict.violations[0].subject == "Extra columns"
    assert verdict.violations[0].said == f"There are extra columns in current dataset. {extra} (extra: height)"
    compatible = judged({**current, "age": ["x"] * 1000}, compatible=True)
    assert said(compatible) == [
        ("Extra columns", "extra_column_check", f"There are extra columns in current dataset. {extra}")
    ]
    del current["age"], current["height"]
    assert [found.check for found in judged(current).violations] == ["missing_column_check"]
    renamed = alike()
    renamed["years"] = renamed.pop("age")
    assert [found.check for found in judged(renamed).violations] == ["extra_column_check", "missing_column_check"]
    assert judged(renamed, compatible=True).violations == ()


def test_negative_numbers_are_told_beside_sagemakers_checks() -> None:
    """DQ-08: SageMaker suggests the constraint and never checks it."""
    changed = alike(age=np.append(np.random.default_rng(1).integers(18, 90, 999), -1))
    assert [found.check for found in judged(changed).violations] == ["non_negative_check"]
    assert judged(changed, compatible=True).violations == ()


def test_override_of_one_column() -> None:
    """DQ-09: a column's own thresholds, and switching it off altogether."""
    monitor = DataQuality()
    constraints = monitor.baseline(NORMAL)
    drifted = Profile.of(pa.table(alike(income=RNG.normal(58.0, 10.0, 1000).clip(0.1))))
    for override in (
        Config(comparison_threshold=0.9),
        Config(evaluate_constraints=False),
        Config(perform_comparison=False),
    ):
        columns = tuple(
            replace(each, override=override) if each.name == "income" else each for each in constraints.columns
        )
        assert monitor.evaluate(Learnt(Constraints(columns, constraints.config), NORMAL), drifted).violations == ()


def test_evaluation_can_be_off_while_all_is_measured() -> None:
    """DQ-11."""
    verdict = judged(alike(age=["x"] * 1000, extra=["y"] * 1000), config=Config(evaluate_constraints=False))
    assert verdict.violations == ()
    assert verdict.measures


def test_limits_on_other_measures() -> None:
    """DQ-05: for all columns, or for one; a wrong name gets the right one."""
    drifted = alike(income=RNG.normal(53.0, 10.0, 1000).clip(0.1) + 0.05)
    limits = {"*": {"psi": 5.0}, "income": {"wasserstein_normed": 0.05}}
    found = [each for each in judged(drifted, measures=limits).violations if "Wasserstein" in each.said]
    assert [each.subject for each in found] == ["income"]
    with pytest.raises(Invalid, match="Did you mean psi"):
        DataQuality(measures={"*": {"ppsi": 1.0}})
    with pytest.raises(NotFound, match="'income'"):
        judged(drifted, measures={"incme": {"psi": 1.0}})


def test_every_distance_is_measured_for_every_comparable_column() -> None:
    """All of the table for numbers; those of shares for categories."""
    measures = judged(alike()).measures
    assert set(distances()) <= {found.name for found in measures if found.subject == "age"}
    of_shares = {name for name, metric in distances().items() if metric.takes == "shares"}
    assert of_shares <= {found.name for found in measures if found.subject == "colour"}
    assert not any(isnan(found.value) and not found.reason for found in measures)


def test_what_is_undefined_says_why() -> None:
    """DQ-12: nulls only, constants, times, ids, embeddings, infinities; a reason for each number that is not there."""
    odd = {
        "nulls": pa.nulls(300, pa.float64()),
        "constant": np.ones(300),
        "at": pa.array(range(300), pa.timestamp("s")),
        "id": [f"id-{place}" for place in range(300)],
        "embedding": pa.array([[1.0, float(place)] for place in range(300)], pa.list_(pa.float64(), 2)),
        "infinite": [float("inf")] * 300,
        "tags": [["a", "b"]] * 300,
    }
    profile = Profile.of(pa.table(odd))
    verdict = DataQuality().evaluate(Learnt(DataQuality().baseline(profile), profile), profile)
    assert verdict.violations == ()
    assert all(found.reason for found in verdict.measures if isnan(found.value))
    assert {"centre_shift", "norm_shift"} <= {found.name for found in verdict.measures if found.subject == "embedding"}


def test_no_statistics_no_drift() -> None:
    """Constraints alone: the other checks run, and drift says what it lacks."""
    monitor = DataQuality()
    verdict = monitor.evaluate(Learnt(monitor.baseline(NORMAL)), Profile.of(pa.table(alike(age=["x"] * 1000))))
    assert [found.check for found in verdict.violations] == ["data_type_check"]
    assert {found.reason for found in verdict.measures if found.name == "baseline_drift"} == {
        "the baseline has no statistics of this column"
    }


def test_quirk_of_few_distinct_values() -> None:
    """SageMaker was seen to skip drift of numbers with few distinct values; only on request here."""
    constant = alike(age=[42] * 1000)
    assert [found.check for found in judged(constant).violations] == ["baseline_drift_check"]
    assert judged(constant, strict_aws_quirks=True).violations == ()


def test_failed_column_is_told_and_the_others_judged() -> None:
    """Every column fails alone."""
    current = replace(Profile.of(pa.table(alike(colour=["violet"] * 1000))), failures={"age": "ValueError: odd"})
    monitor = DataQuality()
    verdict = monitor.evaluate(Learnt(monitor.baseline(NORMAL), NORMAL), current)
    assert [found.reason for found in verdict.measures if found.subject == "age"] == ["ValueError: odd"]
    assert {found.subject for found in verdict.violations} == {"colour"}


def test_suggested_constraints() -> None:
    """Types, completeness, non-negativity and domains by the rules of a baseline job (FL-04)."""
    few = Profile.of(
        pa.table(
            {
                "n": [1, -2, None],
                "once": ["a", "b", "c"],
                "flag": [True, False, True],
                "twice": ["x", "x", "y"],
                "none": pa.nulls(3),
                "same": ["k", "k", "k"],
            }
        )
    )
    found = {each.name: each for each in DataQuality().baseline(few).columns}
    assert (found["n"].inferred_type, found["n"].completeness, found["n"].is_non_negative) == ("Integral", 2 / 3, False)
    assert (found["none"].inferred_type, found["none"].completeness) == ("Unknown", 0.0)
    assert [found[name].domains for name in ("once", "twice", "flag", "same")] == [None, None, None, ("k",)]
    assert found["flag"].inferred_type == "String"


def test_column_that_fails_always_is_no_extra_one() -> None:
    """It is in no baseline, as it cannot be analysed; it is told, and nothing is stopped by it."""
    current = replace(Profile.of(pa.table(alike(odd=["x"] * 1000))), failures={"odd": "ArrowInvalid: odd"})
    for compatible in (True, False):
        monitor = DataQuality(compatible=compatible)
        verdict = monitor.evaluate(Learnt(monitor.baseline(NORMAL), NORMAL), current)
        assert verdict.violations == ()
        assert [found.reason for found in verdict.measures if found.subject == "odd"] == ["ArrowInvalid: odd"]


def test_limit_on_the_shift_of_embeddings() -> None:
    """DQ-10: centre and norm of vectors have limits as distances have."""
    shape = pa.list_(pa.float64(), 4)
    before, after = (RNG.normal(mean, 1.0, (500, 4)) for mean in (0.0, 2.0))
    tables = [Profile.of(pa.table({"e": pa.array(list(each), shape)})) for each in (before, after)]
    monitor = DataQuality(measures={"*": {"centre_shift": 1.0, "norm_shift": None, "psi": None}})
    learnt = Learnt(monitor.baseline(tables[0]), tables[0])
    assert monitor.evaluate(learnt, tables[0]).violations == ()
    (found,) = monitor.evaluate(learnt, tables[1]).violations
    assert found.value == pytest.approx(2.0, abs=0.2)
    assert found.said == f"(Shift of the centre) Baseline drift distance: {found.value} exceeds threshold: 1.0"


def test_many_categories_are_compared_beside_sagemaker_only() -> None:
    """SageMaker keeps no histogram of more than 120 distinct values, so it finds no drift there."""
    before, after = ([f"v{place % 200 + start}" for place in range(4000)] for start in (0, 1000))
    profiles = [Profile.of(pa.table({"c": each})) for each in (before, after)]
    limits = {"c": {"linf": 0.001}}
    for compatible, count in ((False, 1), (True, 0)):
        monitor = DataQuality(compatible=compatible, measures=limits)
        learnt = Learnt(monitor.baseline(profiles[0]), profiles[0])
        assert len(monitor.evaluate(learnt, profiles[1]).violations) == count


def test_huge_numbers_are_judged_without_noise() -> None:
    """DQ-12: what overflows is undefined and says so."""
    profile = Profile.of(pa.table({"x": [1e308, -1e308, 1e307] * 50}))
    verdict = DataQuality().evaluate(Learnt(DataQuality().baseline(profile), profile), profile)
    assert verdict.violations == ()
    assert {found.reason for found in verdict.measures if isnan(found.value)} == {"the numbers are too large"}


def test_too_many_values_for_the_domain_are_said_to_be_an_estimate() -> None:
    """The share inside the domain is then a lower bound."""
    colours = ["red", "green", "blue"] * 1000 + [f"c{place}" for place in range(3000)]
    verdict = judged({**alike(6000), "colour": colours})
    (found,) = [each for each in verdict.measures if each.name == "domain_match"]
    assert found.value <= 0.5
    assert found.reason.startswith("at least")
