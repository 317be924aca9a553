"""The explainability monitor: global attributions, agreement with the baseline, and what cannot be compared."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pyarrow as pa
import pytest

from driftline.documents import explanations
from driftline.errors import Invalid, SchemaMismatch
from driftline.metrics.attribution import attribution_ndcg, attribution_rank_correlation, attribution_shift
from driftline.monitors.attributions import Attributed, Attributions
from driftline.monitors.explainability import CHECK, Explainability
from driftline.monitors.monitor import Learnt
from driftline.monitors.verdict import Measure, Verdict
from driftline.profile import Profile
from driftline.profile.attribution import logged_features, pattern_of

FEATURES = ("age", "income", "sex")


def local(scales: tuple[float, ...], rows: int = 300, labels: tuple[str, ...] = ("label0",), seed: int = 0) -> pa.Table:
    """Local attributions of these sizes."""
    rng = np.random.default_rng(seed)
    columns = {
        f"{label}/{name}": scale * rng.normal(size=rows)
        for label in labels
        for name, scale in zip(FEATURES, scales, strict=True)
    }
    return pa.table(columns | {f"{label}/(expected value)": np.full(rows, 0.25) for label in labels})


def judged(monitor: Explainability, before: pa.Table, now: pa.Table) -> Verdict:
    """What the monitor says of one after the other."""
    learnt = Profile.of(before, monitor.questions())
    return monitor.evaluate(Learnt(monitor.baseline(learnt), learnt), Profile.of(now, monitor.questions()))


def named(verdict: Verdict) -> dict[tuple[str, str], Measure]:
    """The measures by subject and name."""
    return {(each.subject, each.name): each for each in verdict.measures}


@pytest.mark.parametrize("aggregation", ["mean_abs", "median", "mean_sq"])
def test_aggregations_are_those_of_numpy(aggregation: str) -> None:
    """EX-01: mean of sizes, median of values, mean of squares."""
    table = local((3.0, 2.0, 1.0), rows=301)
    monitor = Explainability(FEATURES, agg_method=aggregation)
    found = monitor.measure(Profile.of(table.to_batches(max_chunksize=50), monitor.questions())).labels[0]
    for name in FEATURES:
        values = table[f"label0/{name}"].to_numpy()
        expected = {
            "mean_abs": np.abs(values).mean(),
            "median": np.median(values),
            "mean_sq": (values**2).mean(),
        }[aggregation]
        assert found.values[name] == pytest.approx(float(expected), rel=1e-12)
    assert found.expected == 0.25


def test_the_same_order_is_no_violation_and_another_one_is() -> None:
    """EX-05, FL-08: one violation for a label, in SageMaker's words; distributions are not limited by themselves."""
    monitor = Explainability(FEATURES)
    assert not judged(monitor, local((3.0, 2.0, 1.0)), local((30.0, 20.0, 10.0), seed=1)).violations
    verdict = judged(monitor, local((3.0, 2.0, 0.1)), local((0.1, 2.0, 3.0), seed=1))
    (violation,) = verdict.violations
    assert (violation.subject, violation.check, violation.limit) == ("label0", CHECK, 0.9)
    assert violation.said == f"Feature attribution drift {violation.value} exceeds threshold 0.9"
    document = explanations.violations(verdict.violations)
    assert document == {
        "version": "1.0",
        "violations": [
            {
                "label": "label0",
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
                "description": violation.said,
            }
        ],
    }
    assert explanations.read_violations(document) == verdict.violations


def test_every_label_is_judged_by_itself() -> None:
    """EX-09."""
    monitor = Explainability(FEATURES, ("no", "yes"))
    before, now = local((3.0, 2.0, 0.1), labels=("no", "yes")), local((3.0, 2.0, 0.1), labels=("no", "yes"), seed=1)
    swapped = [name.replace("age", "?").replace("sex", "age").replace("?", "sex") for name in now.column_names]
    mixed = now.rename_columns(
        [new if old.startswith("yes") else old for old, new in zip(now.column_names, swapped, strict=True)]
    )
    verdict = judged(monitor, before, mixed)
    assert [each.subject for each in verdict.violations] == ["yes"]
    assert named(verdict)["no", "attribution_ndcg"].value == 1.0


def test_beside_sagemakers_figures_are_ranks_shares_and_distributions() -> None:
    """EX-06: what changed, feature by feature; `compatible` says none of it."""
    before, now = local((3.0, 2.0, 1.0)), local((3.0, 0.5, 1.0), seed=1)
    found = named(judged(Explainability(FEATURES, value_drift_threshold=0.1), before, now))
    assert found["label0/income", "rank_change"].value == 1
    assert found["label0/sex", "rank_change"].value == -1
    assert found["label0/age", "rank_change"].value == 0
    assert found["label0", "attribution_rank_correlation"].value == pytest.approx(0.5)
    assert 0.2 < found["label0", "attribution_shift"].value < 0.3
    assert found["label0/income", "attribution_value_drift"].value > 0.1
    assert found["label0", "expected_value_change"].value == 0
    verdict = judged(Explainability(FEATURES, value_drift_threshold=0.1), before, now)
    assert [each.subject for each in verdict.violations if each.check != CHECK] == ["label0/income"]
    plain = judged(Explainability(FEATURES, value_drift_threshold=0.1, compatible=True), before, now)
    assert {each.name for each in plain.measures} == {"attribution_ndcg", "expected_value", "attribution"}
    assert not plain.violations


def test_a_document_is_a_baseline() -> None:
    """FL-10: analysis.json read back is what was learnt; without a profile the distributions are not compared."""
    monitor = Explainability(FEATURES)
    profile = Profile.of(local((3.0, 2.0, 1.0)), monitor.questions())
    document = explanations.write(monitor.baseline(profile))
    assert list(document) == ["version", "explanations"]
    assert list(document["explanations"]["kernel_shap"]["label0"]) == ["global_shap_values", "expected_value"]
    verdict = monitor.evaluate(Learnt(explanations.read(document)), profile)
    found = named(verdict)
    assert found["label0", "attribution_ndcg"].value == 1.0
    assert "only global attributions" in found["label0", "attribution_value_drift"].reason


def test_logged_attributions_are_used_as_they_are() -> None:
    """EX-04: columns with a prefix or a suffix, texts too; the expected value is then not known."""
    names = ["id", "shap_values.age", "shap_values.income", "age_shap"]
    assert logged_features(pattern_of("shap_values"), names) == ("age", "income")
    assert logged_features(pattern_of("{feature}_shap"), names) == ("age",)
    with pytest.raises(SchemaMismatch, match="no column is called so"):
        logged_features(pattern_of("other"), names)
    monitor = Explainability(("age", "income"), attributions="shap_values")
    rows = pa.table({"shap_values.age": ["0.5", "-0.5", ""], "shap_values.income": [1.0, 2.0, None]})
    found = monitor.measure(Profile.of(rows, monitor.questions())).labels[0]
    assert dict(found.values) == {"age": 0.5, "income": 1.5}
    assert isnan(found.expected)
    verdict = judged(monitor, rows, rows)
    assert named(verdict)["shap_values.age", "unexplained_rows"].value == pytest.approx(1 / 3)
    assert named(verdict)["label0", "expected_value"].reason


def test_undefined_agreement_has_a_reason_and_is_no_violation() -> None:
    """No rows, attributions that are all nothing, a feature that was never explained."""
    monitor = Explainability(FEATURES)
    some, none = local((3.0, 2.0, 1.0)), local((3.0, 2.0, 1.0), rows=0)
    for before, now, why in (
        (some, none, "without attributions in these rows"),
        (none, some, "without attributions in the baseline"),
        (local((0.0, 0.0, 0.0)), some, "all alike"),
    ):
        verdict = judged(monitor, before, now)
        measure = named(verdict)["label0", "attribution_ndcg"]
        assert isnan(measure.value) and why in measure.reason
        assert not verdict.violations
    assert any(
        "all attributions" in said for said in monitor.warnings(Profile.of(local((0.0, 0.0, 0.0)), monitor.questions()))
    )
    assert len(monitor.warnings(Profile.of(none, monitor.questions()))) == 2
    assert not monitor.warnings(Profile.of(some, monitor.questions()))


def test_other_features_or_labels_fail_the_run() -> None:
    """A baseline of another model is not compared with."""
    monitor = Explainability(FEATURES)
    profile = Profile.of(local((3.0, 2.0, 1.0)), monitor.questions())
    with pytest.raises(SchemaMismatch, match="'sex': has no attribution in the baseline"):
        monitor.evaluate(Learnt(Attributions((Attributed("label0", {"age": 1.0, "income": 2.0}),))), profile)
    more = {"age": 1.0, "income": 2.0, "sex": 3.0, "zip": 1.0}
    with pytest.raises(SchemaMismatch, match="'zip': has no attribution now"):
        monitor.evaluate(Learnt(Attributions((Attributed("label0", more),))), profile)
    with pytest.raises(Invalid, match="label of the attributions"):
        monitor.evaluate(Learnt(Attributions((Attributed("good", more),))), profile)


def test_metrics_of_attributions() -> None:
    """Ranges, and NaN for what cannot be compared."""
    one = np.array([4.0, 3.0, 2.0, 1.0])
    assert attribution_ndcg(one, one) == 1.0
    assert attribution_ndcg(one, one[::-1]) < 1.0
    assert attribution_ndcg(one, np.ones(4)) == 1.0  # ties keep the order of the features
    assert attribution_rank_correlation(one, one * 10) == pytest.approx(1.0)
    assert attribution_rank_correlation(one, -one) == pytest.approx(-1.0)
    assert attribution_shift(np.array([1.0, 0.0]), np.array([0.0, -5.0])) == 1.0
    for metric in (attribution_ndcg, attribution_rank_correlation, attribution_shift):
        assert isnan(metric(np.array([]), np.array([])))
        assert isnan(metric(one, np.array([1.0, nan, 1.0, 1.0])))
        assert isnan(metric(np.zeros(4), one))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"features": ()}, "features and labels"),
        ({"features": ("a", "a")}, "each name once"),
        ({"features": ("a",), "agg_method": "mean"}, "mean_abs, median, mean_sq"),
        ({"features": ("a",), "labels": ("x", "y"), "attributions": "shap."}, "{label} in it"),
    ],
)
def test_odd_settings_are_told(settings: dict[str, object], said: str) -> None:
    """Each with what is wrong."""
    with pytest.raises(Invalid, match=said):
        Explainability(**settings)  # type: ignore[arg-type]


def test_a_document_that_is_none_is_told() -> None:
    """The member that is wrong is named."""
    for document, said in (
        ({}, "explanations"),
        ({"explanations": {}}, "one method"),
        ({"explanations": {"kernel_shap": {"label0": {}}}}, "global_shap_values"),
        ({"explanations": {"kernel_shap": {"label0": {"global_shap_values": {"age": "x"}}}}}, "age"),
    ):
        with pytest.raises(Invalid, match=said):
            explanations.read(document)
    undefined = Attributions((Attributed("label0", {"age": nan}),))
    assert explanations.write(undefined)["explanations"]["kernel_shap"]["label0"]["expected_value"] is None
    assert isnan(explanations.read(explanations.write(undefined)).labels[0].values["age"])
