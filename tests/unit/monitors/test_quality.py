"""The model-quality monitor: every problem type, labels of every type, and windows in which little is defined."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isnan, nan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.documents import jackson, model_quality
from driftline.errors import Invalid
from driftline.metrics.metric import taking
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Learnt, Monitor
from driftline.monitors.quality import (
    BINARY,
    FIGURES,
    GREATER,
    LESS,
    MORE,
    MULTICLASS,
    REGRESSION,
    Limit,
    Quality,
    QualityConstraints,
    operator_of,
)
from driftline.monitors.verdict import Verdict
from driftline.profile import Profile, decode, encode

SCORED = ModelQuality(BINARY, "label", None, "score")
CLASSES = ModelQuality(MULTICLASS, "label", "guess")
NUMBERS = ModelQuality(REGRESSION, "label", "guess")


def profile_of(monitor: ModelQuality, **columns: Any) -> Profile:
    """The profile of these columns with the monitor's questions answered."""
    return Profile.of(pa.table(columns), monitor.questions())


def measured(monitor: ModelQuality, **columns: Any) -> Quality:
    """What the monitor measures of these columns."""
    return monitor.measure(profile_of(monitor, **columns))


def judged(monitor: ModelQuality, before: Profile, now: Profile) -> Verdict:
    """The verdict on `now` with `before` as the baseline."""
    return monitor.evaluate(Learnt(monitor.baseline(before), before), now)


def undefined(quality: Quality) -> dict[str, str]:
    """The figures that are NaN, with the reason that each must have."""
    found = {figure.name: figure.reason for figure in quality.figures if isnan(figure.value)}
    assert all(found.values())
    return found


def some_scores(rows: int = 400) -> dict[str, Any]:
    """Scores that say something of their labels."""
    rng = np.random.default_rng(11)
    scores = rng.random(rows)
    return {"score": scores, "label": (rng.random(rows) < scores).astype(int)}


def test_it_is_a_monitor_that_json_holds() -> None:
    """Settings survive JSON, with lists for tuples."""
    monitor: Monitor = ModelQuality(MULTICLASS, "label", None, ("a", "b"), classes=("x", "y"))
    assert ModelQuality(**json.loads(json.dumps(asdict(monitor)))) == monitor  # type: ignore[call-overload]
    assert hash(monitor.questions()[0])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("Sorting", "y", "p"), "problem type: got 'Sorting', expected one of Regression, BinaryClassification"),
        (("Ranking", "y", "p"), "query attribute: got 'nothing', expected the column that tells which rows"),
        ((BINARY, "", "p"), "ground truth attribute"),
        ((BINARY, "y"), "expected the column of predictions, or a probability attribute"),
        ((REGRESSION, "y", None, "p"), "expected the column of predictions"),
        ((BINARY, "y", None, "p", nan), "probability threshold"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: tuple[Any, ...], said: str) -> None:
    """MQ-01."""
    with pytest.raises(Invalid, match=said):
        ModelQuality(*settings)


@pytest.mark.parametrize("cast", [int, float, str, bool, lambda label: f"{float(label)}"])
def test_labels_of_every_type_give_the_same_answer(cast: Any) -> None:
    """MQ-11: integers, floats, strings and booleans."""
    data = some_scores()
    plain = measured(SCORED, **data)
    other = measured(SCORED, score=[str(score) for score in data["score"]], label=[cast(x) for x in data["label"]])
    assert json.dumps(model_quality.statistics(other)) == json.dumps(model_quality.statistics(plain))


def test_prediction_and_truth_of_different_types_agree() -> None:
    """The cause of all-zero metrics in SageMaker (SDK issue 2953): a float prediction and a text label."""
    found = measured(CLASSES, guess=[1.0, 2.0, 2.0, 0.0], label=["1", "2", "0", "0"])
    assert found.named["accuracy"].value == 0.75
    assert found.matrix is not None
    assert found.matrix.labels == ("0", "1", "2")


def test_window_of_one_class() -> None:
    """MQ-10: without positives recall, F and the curves are undefined, the rest is not, and the run goes on."""
    before = profile_of(SCORED, **some_scores())
    now = profile_of(SCORED, score=[0.1, 0.7, 0.2], label=[0, 0, 0])
    quality = SCORED.measure(now)
    assert undefined(quality) == {
        **dict.fromkeys(
            ("recall", "true_positive_rate", "false_negative_rate", "f0_5", "f1", "f2"), "no row is of class '1'"
        ),
        **dict.fromkeys(("auc", "au_prc"), "all labelled rows are negative"),
        "balanced_accuracy": "only one class occurs",
        "matthews_correlation": "only one class occurs, or only one was predicted",
        "average_precision": "no labelled row is positive",
    }
    assert (quality.named["precision"].value, quality.named["true_negative_rate"].value) == (0.0, 2 / 3)
    verdict = judged(SCORED, before, now)
    assert {each.subject for each in verdict.violations} >= {"precision"}
    assert not {each.subject for each in verdict.violations} & {"auc", "recall", "f1"}
    document = json.loads(jackson.dumps(model_quality.statistics(quality)))["binary_classification_metrics"]
    assert document["recall"] == {"value": "NaN", "standard_deviation": "NaN"}
    assert "receiver_operating_characteristic_curve" not in document
    assert document["confusion_matrix"] == {"0": {"0": 2, "1": 1}, "1": {"0": 0, "1": 0}}
    positives = measured(SCORED, score=[0.1, 0.7], label=[1, 1])
    assert positives.named["recall"].value == 0.5
    assert undefined(positives)["false_positive_rate"] == "every row is of class '1'"


@pytest.mark.parametrize("monitor", [SCORED, CLASSES, NUMBERS], ids=lambda monitor: monitor.problem_type)
def test_window_without_rows(monitor: ModelQuality) -> None:
    """Everything is undefined and says why; nothing is violated."""
    empty = Profile.of(
        pa.table({name: pa.array([], pa.float64()) for name in ("score", "guess", "label")}), monitor.questions()
    )
    quality = monitor.measure(empty)
    asked = (*FIGURES[monitor.problem_type], *MORE[monitor.problem_type])
    assert len(undefined(quality)) == len(quality.figures)
    assert set(asked) - quality.named.keys() <= set(taking("chances"))
    assert set(undefined(quality).values()) <= {
        "no row has both a prediction and a label",
        "no row has both a score and a label",
    }
    known = {"score": [0.2, 0.9] * 60, "guess": [0.0, 1.0] * 60, "label": [0, 1] * 60}
    verdict = judged(monitor, profile_of(monitor, **known), empty)
    assert verdict.violations == ()
    coverage = next(each for each in verdict.measures if each.name == "label_coverage")
    assert (isnan(coverage.value), coverage.reason) == (True, "there are no rows")
    assert all(each.reason for each in verdict.measures if isnan(each.value))
    json.loads(jackson.dumps(model_quality.statistics(quality)))
    assert monitor.measure(Profile()).figures[0].reason


@pytest.mark.parametrize("monitor", [SCORED, CLASSES, NUMBERS], ids=lambda monitor: monitor.problem_type)
def test_window_without_labels(monitor: ModelQuality) -> None:
    """All labels missing: as without rows, but predictions are compared with the baseline's, and coverage is 0."""
    known = {"score": [0.2, 0.9] * 60, "guess": [0.0, 1.0] * 60, "label": [0, 1] * 60}
    late = profile_of(monitor, score=[0.9] * 200, guess=[1.0] * 200, label=pa.nulls(200, pa.string()))
    verdict = judged(monitor, profile_of(monitor, **known), late)
    assert verdict.violations == ()
    values = {(each.subject, each.name): each for each in verdict.measures}
    assert values["model", "label_coverage"].value == 0.0
    assert isnan(values["label", "label_drift"].value)
    assert values["label", "label_drift"].reason
    shifts = [each.value for each in verdict.measures if each.name == "prediction_drift"]
    assert shifts == [pytest.approx(0.5 - 1.8 * np.sqrt(320 / 24_000))]
    assert monitor.measure(late).labelled == 0


@pytest.mark.parametrize("monitor", [SCORED, CLASSES, NUMBERS], ids=lambda monitor: monitor.problem_type)
def test_window_of_one_row(monitor: ModelQuality) -> None:
    """One row has an accuracy and an error; what needs two is undefined."""
    quality = measured(monitor, score=[0.9], guess=[1.0], label=[1])
    first = "mae" if monitor.problem_type == REGRESSION else "accuracy"
    assert quality.named[first].value == (0.0 if monitor.problem_type == REGRESSION else 1.0)
    reasons = set(undefined(quality).values())
    assert (
        reasons
        == {
            REGRESSION: {"only one row"},
            MULTICLASS: {"only one class occurs", "only one class occurs, or only one was predicted"},
            BINARY: {
                "only one class occurs",
                "only one class occurs, or only one was predicted",
                "every row is of class '1'",
                "all labelled rows are positive",
            },
        }[monitor.problem_type]
    )


def test_regression_documents() -> None:
    """MQ-02, FL-09: four metrics in order; r2 may not fall, the others may not rise."""
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 1, 500)
    monitor, good = NUMBERS, profile_of(NUMBERS, guess=truth + rng.normal(0, 0.1, 500), label=truth)
    document = model_quality.statistics(monitor.measure(good))
    assert list(document["regression_metrics"]) == ["mae", "mse", "rmse", "r2"]
    assert all(0 < each["standard_deviation"] < 0.01 for each in document["regression_metrics"].values())
    limits = model_quality.constraints(monitor.baseline(good))["regression_constraints"]
    assert {name: each["comparison_operator"] for name, each in limits.items()} == {
        "mae": GREATER, "mse": GREATER, "rmse": GREATER, "r2": LESS,
    }  # fmt: skip
    verdict = judged(monitor, good, profile_of(monitor, guess=truth + rng.normal(0, 0.3, 500), label=truth))
    assert [each.subject for each in verdict.violations] == ["mae", "mse", "rmse", "r2"]
    assert all(" +/- " in each.said for each in verdict.violations)
    few = judged(monitor, good, profile_of(monitor, guess=[1.0, 2.0], label=[1.5, 3.0]))
    assert few.violations[0].said.startswith("Metric mae with 0.75 was GreaterThanThreshold '0.0")


def test_regression_equals_the_formulas() -> None:
    """The figures of a hundred rows by the formulas themselves."""
    rng = np.random.default_rng(6)
    truth, guess = rng.random(100), rng.random(100)
    named = measured(NUMBERS, guess=guess, label=truth).named
    error = guess - truth
    assert named["mae"].value == pytest.approx(np.mean(np.abs(error)), rel=1e-14)
    assert named["rmse"].value == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-14)
    assert named["r2"].value == pytest.approx(1 - np.sum(error**2) / np.sum((truth - truth.mean()) ** 2), rel=1e-13)
    assert isnan(named["r2"].standard_deviation)


def test_multiclass_documents() -> None:
    """MQ-04: order, best constant, six limits, camel case."""
    rng = np.random.default_rng(3)
    truth = rng.choice(["ant", "bee", "cow"], 600, p=[0.5, 0.3, 0.2])
    guess = np.where(rng.random(600) < 0.8, truth, "ant")
    good = profile_of(CLASSES, guess=guess.tolist(), label=truth.tolist())
    document = model_quality.statistics(CLASSES.measure(good))["multiclass_classification_metrics"]
    plain = ["accuracy", *(f"weighted_{name}" for name in ("recall", "precision", "f0_5", "f1", "f2"))]
    assert list(document) == ["confusion_matrix", *plain, *(f"{name}_best_constant_classifier" for name in plain)]
    assert document["weighted_recall"] == document["accuracy"]
    assert document["accuracy_best_constant_classifier"]["value"] == np.mean(truth == "ant")
    assert list(document["confusion_matrix"]) == ["ant", "bee", "cow"]
    limits = model_quality.constraints(CLASSES.baseline(good))["multiclass_classification_constraints"]
    assert list(limits) == plain
    assert {each["comparison_operator"] for each in limits.values()} == {LESS}
    worse = profile_of(CLASSES, guess=["ant"] * 600, label=truth.tolist())
    assert [each.subject for each in judged(CLASSES, good, worse).violations] == [
        "accuracy", "weightedRecall", "weightedPrecision", "weightedF05", "weightedF1", "weightedF2",
    ]  # fmt: skip


def test_probabilities_of_several_classes() -> None:
    """The greatest is the prediction, and beside it the probabilities themselves are judged."""
    monitor = ModelQuality(MULTICLASS, "label", None, ("ant", "bee"))
    quality = measured(monitor, ant=[0.9, 0.2, 0.6], bee=[0.1, 0.8, 0.4], label=["ant", "bee", "bee"])
    assert quality.named["accuracy"].value == pytest.approx(2 / 3)
    assert quality.named["cross_entropy"].value == pytest.approx(-np.mean(np.log([0.9, 0.8, 0.4])))
    assert quality.named["auc_one_vs_rest"].value == 1.0
    assert not {"cross_entropy"} & measured(CLASSES, guess=["a"], label=["a"]).named.keys()
    named = ModelQuality(MULTICLASS, "label", None, ("0", "1"), classes=("ant", "bee"))
    assert measured(named, p=[0.9, 0.2], q=[0.1, 0.8], label=["ant", "bee"]).named["accuracy"].value == 1.0


def test_binary_without_probability() -> None:
    """A prediction alone: no curves, no areas, no limits on them."""
    monitor = ModelQuality(BINARY, "label", "guess")
    quality = measured(monitor, guess=[1, 0, 1, 0], label=[1, 0, 0, 1])
    assert not {"auc", "au_prc", "log_loss"} & quality.named.keys()
    assert quality.curves is None
    constraints = QualityConstraints.suggest(quality)
    assert "auc" not in {limit.metric for limit in constraints.limits}
    learnt = Learnt(QualityConstraints(BINARY, (Limit("auc", 0.9, LESS),)))
    verdict = monitor.evaluate(learnt, profile_of(monitor, guess=[1, 0], label=[1, 0]))
    assert [each.reason for each in verdict.measures if each.name == "auc"] == [
        "was not measured: is there a probability?"
    ]


def test_best_constant_classifier_is_the_majority() -> None:
    """Observed twice: a negative majority has recall, precision and F of 0, a positive one recall 1."""
    negative = measured(ModelQuality(BINARY, "label", "guess"), guess=[1, 0, 0], label=[1, 0, 0]).named
    end = "_best_constant_classifier"
    assert [negative[name + end].value for name in ("recall", "precision", "f1", "accuracy")] == [0, 0, 0, 2 / 3]
    positive = measured(ModelQuality(BINARY, "label", "guess"), guess=[1, 0, 0], label=[1, 1, 0]).named
    assert [positive[name + end].value for name in ("recall", "precision", "accuracy")] == [1, 2 / 3, 2 / 3]


def test_positive_class_of_any_name() -> None:
    """`yes` is as good as 1; without being told, the reason names the classes there are."""
    told = ModelQuality(BINARY, "label", "guess", positive="yes")
    assert measured(told, guess=["yes", "no", "yes"], label=["yes", "no", "no"]).named["precision"].value == 0.5
    quality = measured(ModelQuality(BINARY, "label", "guess"), guess=["yes", "no"], label=["yes", "no"])
    assert undefined(quality)["recall"] == "no row is of class '1'; the classes are 'no', 'yes'"
    assert quality.named["accuracy"].value == 1.0


@pytest.mark.parametrize("classes", [(), ("no", "yes")])
def test_probability_of_a_class_with_a_name(classes: tuple[str, ...]) -> None:
    """Above the threshold a row is `yes`; the other class goes by its own name, told or found."""
    monitor = ModelQuality(BINARY, "label", None, "score", positive="yes", classes=classes)
    quality = measured(monitor, score=[0.9, 0.8, 0.1, 0.2], label=["yes", "no", "no", "yes"])
    named = quality.named
    assert (named["accuracy"].value, named["precision"].value, named["auc"].value) == (0.5, 0.5, 0.75)
    assert model_quality.statistics(quality)["binary_classification_metrics"]["confusion_matrix"] == {
        "no": {"no": 1, "yes": 1},
        "yes": {"no": 1, "yes": 1},
    }
    alone = measured(monitor, score=[0.1, 0.2], label=["no", "no"])
    assert alone.named["accuracy"].value == 1.0
    assert undefined(alone)["recall"].startswith("no row is of class 'yes'")


def test_positive_zero_and_other_numbers() -> None:
    """The matrix keeps its order when 0 is the positive class, and the name of the other class."""
    monitor = ModelQuality(BINARY, "label", None, "score", positive="0")
    quality = measured(monitor, score=[0.9, 0.1, 0.8], label=[0, 1, 1])
    document = model_quality.statistics(quality)["binary_classification_metrics"]
    assert document["confusion_matrix"] == {"0": {"0": 1, "1": 0}, "1": {"0": 1, "1": 1}}
    assert document["recall"]["value"] == 1.0
    other = measured(ModelQuality(BINARY, "label", "guess"), guess=[1, 2, 2], label=[1, 2, 1])
    assert model_quality.statistics(other)["binary_classification_metrics"]["confusion_matrix"] == {
        "1": {"1": 1, "2": 1},
        "2": {"1": 0, "2": 1},
    }


@pytest.mark.parametrize("attribute", ["both", "both[1]", "$.both[1]", ("zero", "1"), "1"])
def test_probabilities_of_both_classes(attribute: str | tuple[str, ...]) -> None:
    """MQ-06: a list, an element of it, a column for each class, one of them."""
    monitor = ModelQuality(BINARY, "label", None, attribute)
    columns = {"zero": [0.8, 0.1, 0.4], "1": [0.2, 0.9, 0.6], "label": [0, 1, 1]}
    quality = measured(monitor, both=[[0.8, 0.2], [0.1, 0.9], [0.4, 0.6]], **columns)
    assert (quality.named["accuracy"].value, quality.named["auc"].value) == (1.0, 1.0)


def test_too_many_classes_leave_accuracy() -> None:
    """A regression taken for a classification is told so."""
    rng = np.random.default_rng(4)
    truth = rng.random(1_500)
    quality = measured(CLASSES, guess=truth, label=truth)
    assert quality.named["accuracy"].value == 1.0
    assert undefined(quality)["weighted_f1"] == "more than 1,000 classes: is this a regression?"


def test_a_baseline_of_one_class_is_warned_of() -> None:
    """MQ-09, BL-14."""
    good = profile_of(SCORED, **some_scores())
    assert SCORED.warnings(good) == ()
    few = profile_of(SCORED, score=[0.4, 0.7], label=[0, 1])
    assert SCORED.warnings(few)[0].startswith("The baseline has 2 rows with a prediction and a label; 100 or more")
    medium = profile_of(SCORED, **some_scores(150))
    assert SCORED.warnings(medium) == ("With fewer than 200 labelled rows there are no standard deviations.",)
    one = SCORED.warnings(profile_of(SCORED, score=[0.4] * 300, label=[0] * 300))
    assert one[0] == "No row of the baseline is of class '1': it should have rows of every class."
    assert "There is no limit on auc: all labelled rows are negative." in one
    unseen = CLASSES.warnings(profile_of(CLASSES, guess=["a", "b", "c"] * 100, label=["a", "b", "b"] * 100))
    assert unseen == ("No row of the baseline is of class 'c': it should have rows of every class.",)
    third = ModelQuality(BINARY, "label", "guess").warnings(
        profile_of(ModelQuality(BINARY, "label", "guess"), guess=[0, 1, 2] * 100, label=[0, 1, 2] * 100)
    )
    assert third == ("There are 3 classes ('0', '1', '2'); all but '1' are negative.",)


def test_labels_and_predictions_that_move_are_measured() -> None:
    """MQ-08: robust distances with limits, every plain distance without."""
    monitor = ModelQuality(BINARY, "label", None, "score", label_drift_threshold=0.1, prediction_drift_threshold=0.1)
    before = profile_of(monitor, **some_scores(2_000))
    data = some_scores(2_000)
    now = profile_of(monitor, score=np.sqrt(data["score"]), label=np.ones(2_000, dtype=int))
    verdict = judged(monitor, before, now)
    moved = {(each.subject, each.name): each.value for each in verdict.measures}
    assert moved["label", "label_drift"] == pytest.approx(0.5 - 1.8 * np.sqrt(2 / 2_000), abs=0.02)
    assert moved["score", "prediction_drift"] > 0.1
    assert moved["score", "score_drift"] > 0.1
    assert {"psi", "jensen_shannon", "hellinger"} <= {name for subject, name in moved if subject == "label"}
    assert "ks" in {name for subject, name in moved if subject == "score"}
    drifts = [each for each in verdict.violations if each.check == "baseline_drift_check"]
    assert [each.subject for each in drifts] == ["label", "score", "score"]
    assert drifts[0].said.startswith("(Label drift) Baseline drift distance: 0.4")
    document = model_quality.violations(verdict.violations)
    assert model_quality.read_violations(document) == verdict.violations
    assert document["violations"][-1]["feature_name"] == "score"
    quiet = judged(SCORED, before, profile_of(SCORED, **data))
    assert not [each for each in quiet.violations if each.check == "baseline_drift_check"]
    compatible = ModelQuality(BINARY, "label", None, "score", compatible=True)
    names = {each.name for each in judged(compatible, before, now).measures}
    assert names == set(FIGURES[BINARY])


def test_constraints_alone_are_enough() -> None:
    """Without the baseline's profile figures are judged and shifts are undefined with a reason."""
    learnt = Learnt(SCORED.baseline(profile_of(SCORED, **some_scores())))
    verdict = SCORED.evaluate(learnt, profile_of(SCORED, **some_scores()))
    reasons = {each.name: each.reason for each in verdict.measures if isnan(each.value)}
    assert reasons == {
        "label_drift": "the baseline has only constraints, no statistics",
        "prediction_drift": "the baseline has only constraints, no statistics",
        "score_drift": "the baseline has no statistics of it",
    }
    with pytest.raises(Invalid, match="expected Regression"):
        NUMBERS.evaluate(learnt, Profile())


def test_columns_that_cannot_be_read_are_told() -> None:
    """A column of lists as labels: the figures are undefined, and the failure is a measure with its reason."""
    profile = profile_of(CLASSES, guess=["a", "b"], label=[[1], [2]])
    verdict = CLASSES.evaluate(Learnt(QualityConstraints(MULTICLASS)), profile)
    (failure,) = [each for each in verdict.measures if each.name == "profile"]
    assert (failure.subject, isnan(failure.value)) == ("confusion", True)
    assert failure.reason.startswith("ArrowNotImplementedError")


def test_windows_merge_to_the_same_figures() -> None:
    """A day is the merge of its hours, saved and read in between."""
    data = pa.table(some_scores(3_000))
    hours = [Profile.of(data.slice(at, 700), SCORED.questions()) for at in range(0, 3_000, 700)]
    day = Profile()
    for hour in hours:
        day = day.merge(decode(encode(hour)))
    assert SCORED.measure(day).figures == SCORED.measure(Profile.of(data, SCORED.questions())).figures


@pytest.mark.parametrize("monitor", [SCORED, CLASSES, NUMBERS], ids=lambda monitor: monitor.problem_type)
def test_statistics_are_read_back(monitor: ModelQuality) -> None:
    """FL-09: written, printed, parsed, read, written: the same document."""
    known = {"score": [0.2, 0.9] * 150, "guess": [0.0, 1.0] * 150, "label": [0, 1] * 149 + [1, 0]}
    document = model_quality.statistics(measured(monitor, **known))
    printed = jackson.dumps(document)
    again = model_quality.read_statistics(json.loads(printed))
    assert jackson.dumps(model_quality.statistics(again)) == printed
    assert (again.rows, again.labelled) == (300, 300)
    with pytest.raises(Invalid, match="multiclass_classification_metrics"):
        model_quality.read_statistics({"version": 0.0})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"version": 0.0}, "expected regression_constraints or binary_classification_constraints"),
        ({"regression_constraints": {"auc": {}}}, "got 'auc', expected metrics such as"),
        (
            {"regression_constraints": {"mae": {"threshold": 1, "comparison_operator": "Less"}}},
            "expected LessThanThreshold or GreaterThanThreshold",
        ),
        (
            {"regression_constraints": {"mae": {"threshold": "low", "comparison_operator": LESS}}},
            "mae.threshold: got 'low', expected a number",
        ),
    ],
)
def test_wrong_constraints_are_told(document: Any, said: str) -> None:
    """The member and what would be right."""
    with pytest.raises(Invalid, match=said):
        model_quality.read_constraints(document)


def test_limits_set_by_hand_on_other_metrics_hold() -> None:
    """Any metric of the problem may have a limit; NaN as text is no limit at all."""
    limits = {
        "brier_score": {"threshold": 0.0, "comparison_operator": operator_of("brier_score")},
        "recall": {"threshold": "NaN", "comparison_operator": LESS},
    }
    constraints = model_quality.read_constraints({"binary_classification_constraints": limits})
    verdict = SCORED.evaluate(Learnt(constraints), profile_of(SCORED, **some_scores()))
    assert [each.subject for each in verdict.violations] == ["brierScore"]
