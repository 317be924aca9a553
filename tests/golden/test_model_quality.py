"""SageMaker's own figures for its public model-quality example, to every printed digit (MQ-03, MQ-05, MQ-07, FL-09)."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pytest
from examples import figures, shared

from driftline.documents import jackson, model_quality
from driftline.metrics.curves import au_prc, auc, curves_of
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Learnt
from driftline.monitors.quality import BINARY, REGRESSION, Quality
from driftline.profile import Profile
from driftline.profile.scores import ScoresState

MONITOR = ModelQuality(BINARY, "label", "prediction", "probability", compatible=True)


def profile_of(data: pa.Table, monitor: ModelQuality = MONITOR) -> Profile:
    """The profile with the monitor's questions answered."""
    return Profile.of(data, monitor.questions())


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Probability, prediction and label of 201 rows."""
    return pc.read_csv(shared("data", "aws-churn", "validation_with_predictions.csv"))


@pytest.fixture(scope="module")
def quality(rows: pa.Table) -> Quality:
    """What the monitor measures of them."""
    return MONITOR.measure(profile_of(rows))


def digits(printed: float) -> int:
    """How many decimals were printed."""
    return len(repr(printed).partition(".")[2])


def test_metrics_equal_the_published_ones(quality: Quality) -> None:
    """MQ-03: every figure to every printed digit."""
    for name, printed in figures("churn-model-quality.json")["metrics"].items():
        assert round(quality.named[name].value, digits(printed)) == printed, name


def test_confusion_matrix_equals_the_published_one(quality: Quality) -> None:
    """MQ-03: actual, then predicted."""
    document = model_quality.statistics(quality)["binary_classification_metrics"]
    assert document["confusion_matrix"] == figures("churn-model-quality.json")["confusion_matrix"]


def test_deviations_are_near_the_two_published_runs(quality: Quality) -> None:
    """MQ-05: a deviation of five samples scatters by a third itself; ours lie within a tenth of the two runs'."""
    for name, runs in figures("churn-model-quality.json")["standard_deviations_of_two_runs"].items():
        assert 0.9 * min(runs) < quality.named[name].standard_deviation < 1.1 * max(runs), name


def test_suggested_constraints_equal_the_published_ones(quality: Quality) -> None:
    """MQ-07: eleven, in order, each with its direction and the baseline's value unrounded."""
    golden = figures("churn-model-quality.json")["constraints"]
    document = model_quality.constraints(MONITOR.baseline(_as_profile()))["binary_classification_constraints"]
    names = "recall precision accuracy true_positive_rate true_negative_rate false_positive_rate false_negative_rate"
    assert list(document) == [*names.split(), "auc", "f0_5", "f1", "f2"]
    for operator in ("LessThanThreshold", "GreaterThanThreshold"):
        assert {name for name in document if document[name]["comparison_operator"] == operator} == set(golden[operator])
    assert all(document[name]["threshold"] == quality.named[name].value for name in document)


def _as_profile() -> Profile:
    return profile_of(pc.read_csv(shared("data", "aws-churn", "validation_with_predictions.csv")))


def test_members_come_in_the_published_order(quality: Quality) -> None:
    """FL-09."""
    document = model_quality.statistics(quality)
    assert list(document) == ["version", "dataset", "binary_classification_metrics"]
    constant = "_best_constant_classifier"
    first = ["recall", "precision", "accuracy"]
    assert list(document["binary_classification_metrics"]) == [
        "confusion_matrix",
        *first,
        *(name + constant for name in first),
        *("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate"),
        *("receiver_operating_characteristic_curve", "precision_recall_curve", "auc", "au_prc"),
        *("f0_5", "f1", "f2"),
        *(name + constant for name in ("f0_5", "f1", "f2")),
    ]
    assert document["dataset"] == {"item_count": 201}


def worse(rows: pa.Table) -> pa.Table:
    """The rows with predictions that are as good as random: those of the row five places on."""
    moved = {name: rows[name].to_pylist() for name in ("probability", "prediction")}
    return pa.table({name: values[5:] + values[:5] for name, values in moved.items()} | {"label": rows["label"]})


@pytest.mark.parametrize("quirks", [True, False])
def test_violations_come_in_the_published_order(rows: pa.Table, quirks: bool) -> None:
    """Ten of the eleven, and with our naming of F0.5 the eleventh."""
    monitor = ModelQuality(BINARY, "label", "prediction", "probability", strict_aws_quirks=quirks, compatible=True)
    learnt = Learnt(monitor.baseline(profile_of(rows)), None)
    verdict = monitor.evaluate(learnt, profile_of(worse(rows)))
    names = [each["metric_name"] for each in model_quality.violations(verdict.violations)["violations"]]
    assert names == figures("churn-model-quality.json")["violation_metric_names"] + ([] if quirks else ["f05"])


def test_wording_equals_the_published_one() -> None:
    """The printed sentence, from the printed figures."""
    golden = figures("churn-model-quality.json")["violation_text"]
    entry = {"constraint_check_type": "LessThanThreshold", "description": golden, "metric_name": "auc"}
    (read,) = model_quality.read_violations({"violations": [entry]})
    assert (read.subject, read.value, read.limit) == ("auc", 0.5127590160341251, 0.9395127993393898)
    assert model_quality.violations([read])["violations"] == [entry]


def test_wording_of_ours_is_built_alike(rows: pa.Table) -> None:
    """`Metric auc with V +/- S was LessThanThreshold 'L'`, with the unrounded limit that SageMaker printed."""
    verdict = MONITOR.evaluate(Learnt(MONITOR.baseline(profile_of(rows))), profile_of(worse(rows)))
    said = verdict.violations[0].said
    assert said.startswith("Metric auc with 0.")
    assert " +/- 0.0" in said
    assert said.endswith(" was LessThanThreshold '0.9395127993393898'")


def test_the_same_data_violate_nothing(rows: pa.Table) -> None:
    """Equal values pass: the comparison is strict."""
    profile = profile_of(rows)
    assert MONITOR.evaluate(Learnt(MONITOR.baseline(profile), profile), profile).violations == ()


def test_files_are_read_back(rows: pa.Table) -> None:
    """Written as SageMaker prints, and read again."""
    constraints = MONITOR.baseline(profile_of(rows))
    text = jackson.dumps(model_quality.constraints(constraints))
    assert model_quality.read_constraints(json.loads(text)) == constraints
    json.loads(jackson.dumps(model_quality.statistics(MONITOR.measure(profile_of(rows)))))


def test_regression_equals_the_figures_of_the_sdk() -> None:
    """MQ-02: a hundred rows and the statistics that SageMaker made of them, to the last digit.

    Both are of the SageMaker Python SDK's own test data (Apache-2.0), in which the two columns are swapped on purpose.
    """
    rows = pc.read_csv(Path(__file__).with_name("sdk_regression.csv"))
    monitor = ModelQuality(REGRESSION, "Prediction", "Label")
    profile = profile_of(rows, monitor)
    quality = monitor.measure(profile)
    expected = {
        "mae": 0.5040653554420981,
        "mse": 0.33364933609800973,
        "rmse": 0.5776238707827177,
        "r2": -3.208758170289026,
    }
    assert {figure.name: figure.value for figure in quality.compatible} == expected
    document = json.loads(jackson.dumps(model_quality.statistics(quality)))
    unknown = {"standard_deviation": "NaN"}
    assert document == {
        "version": 0.0,
        "dataset": {"item_count": 100},
        "regression_metrics": {name: {"value": value, **unknown} for name, value in expected.items()},
    }
    limits = model_quality.constraints(monitor.baseline(profile))
    assert {name: each["threshold"] for name, each in limits["regression_constraints"].items()} == expected
    limits["regression_constraints"]["mse"]["threshold"] = 0.03364933609800973
    verdict = monitor.evaluate(Learnt(model_quality.read_constraints(limits)), profile)
    assert [each.said for each in verdict.violations] == [
        "Metric mse with 0.33364933609800973 was GreaterThanThreshold '0.03364933609800973'"
    ]


def test_curve_of_the_example_vector() -> None:
    """Appendix B: the curve of ten rows, point by point."""
    labels = [1, 1, 0, 1, 1, 0, 0, 1, 0, 0]
    scores = [0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4, 0.3, 0.2, 0.2]
    monitor = ModelQuality(BINARY, "y", None, "score")
    profile = profile_of(pa.table({"y": labels, "score": scores}), monitor)
    found = monitor.measure(profile)
    assert found.matrix is not None
    assert found.matrix.binary() == (4, 1, 1, 4)
    for name in ("precision", "recall", "accuracy", "f0_5", "f1", "f2"):
        assert found.named[name].value == pytest.approx(0.8, abs=1e-15)
    state = profile[monitor.scores] if monitor.scores is not None else ScoresState()
    curves = curves_of(state)
    assert curves is not None
    points = list(zip(curves.false_positive_rates.tolist(), curves.true_positive_rates.tolist(), strict=True))
    ys = [0, 0.2, 0.4, 0.4, 0.6, 0.8, 0.8, 0.8, 1, 1, 1]
    assert points == list(zip([0, 0, 0, 0.2, 0.2, 0.2, 0.4, 0.6, 0.6, 1, 1], ys, strict=True))
    assert (curves.recalls[0], curves.precisions[0]) == (0, 1)
    assert auc(state) == pytest.approx(0.8, abs=1e-15)
    assert 0 < au_prc(state) < 1


def test_deviations_need_two_hundred_rows(rows: pa.Table) -> None:
    """MQ-05, BL-14: the string "NaN" below."""
    few = MONITOR.measure(profile_of(rows.slice(0, 199)))
    document = json.loads(jackson.dumps(model_quality.statistics(few)))["binary_classification_metrics"]
    assert {each["standard_deviation"] for name, each in document.items() if "value" in each} == {"NaN"}
