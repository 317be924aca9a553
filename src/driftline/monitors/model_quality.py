"""The model-quality monitor: how good predictions are once the truth is known, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, ClassVar

from driftline.errors import Invalid
from driftline.metrics.curves import curves_of
from driftline.monitors import java
from driftline.monitors.caveats import caveats_of
from driftline.monitors.monitor import Learnt
from driftline.monitors.quality import (
    BINARY,
    FIGURES,
    MORE,
    MULTICLASS,
    PROBLEM_TYPES,
    REGRESSION,
    Figure,
    Limit,
    Quality,
    QualityConstraints,
    camel,
    of_chances,
    of_matrix,
    of_residuals,
    of_scores,
    ordered,
)
from driftline.monitors.shifts import ACTUAL, PREDICTED, Shift, of_classes, of_column
from driftline.monitors.verdict import Measure, Verdict, Violation
from driftline.profile import Profile
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.confusion import Confusion
from driftline.profile.outcomes import spelling
from driftline.profile.residuals import Residuals
from driftline.profile.scores import Scores

SUBJECT = "model"
"""The subject of measures that are about no single column."""

SEEN_ORDER = (
    *("auc", "precision", "true_positive_rate", "f1", "accuracy", "false_positive_rate"),
    *("true_negative_rate", "false_negative_rate", "recall", "f2"),
)
"""The order of violations in SageMaker's files; what is not here follows in the order of the constraints."""


MOST_CHANCES, FEW_SCORES = 100, 1 << 14
"""Of so many classes at most the probabilities are compared, each with so many distinct scores."""


@dataclass(frozen=True)
class ModelQuality:
    """SageMaker's model-quality monitor, and beside its metrics those of other tools.

    Attributes are names, places or paths of columns (`place_of`). The predicted class is `inference_attribute`; without
    it, it follows from `probability_attribute`: 1 where that is above `probability_threshold`, or, of several columns,
    the one of the greatest, named by `classes`. `positive` is the class binary metrics are about. The drift thresholds
    limit how far labels and predictions may move from the baseline's; None only measures. `strict_aws_quirks` never
    reports F0.5, as SageMaker was seen to do. `compatible` measures nothing beside SageMaker's figures.
    """

    kind: ClassVar[str] = "model-quality"

    problem_type: str
    ground_truth_attribute: str
    inference_attribute: str | None = None
    probability_attribute: str | tuple[str, ...] | None = None
    probability_threshold: float = 0.5
    positive: str = "1"
    classes: tuple[str, ...] = ()
    label_drift_threshold: float | None = None
    prediction_drift_threshold: float | None = None
    strict_aws_quirks: bool = False
    compatible: bool = False

    def __post_init__(self) -> None:
        """Raises `Invalid` for settings that cannot be."""
        if self.problem_type not in PROBLEM_TYPES:
            raise Invalid(what="problem type", got=self.problem_type, expected=f"one of {', '.join(PROBLEM_TYPES)}")
        if not self.ground_truth_attribute:
            raise Invalid(what="ground truth attribute", got="nothing", expected="the column of labels")
        if self.inference_attribute is None and (self.problem_type == REGRESSION or not self.probability_attribute):
            either = "" if self.problem_type == REGRESSION else ", or a probability attribute"
            raise Invalid(
                what="inference attribute", got="nothing", expected=f"the column of predictions{either}",
                remedy="Name it with --inference-attribute.",
            )  # fmt: skip
        if isinstance(self.probability_attribute, list):
            object.__setattr__(self, "probability_attribute", tuple(self.probability_attribute))
        object.__setattr__(self, "classes", tuple(self.classes))
        if not isinstance(self.probability_threshold, int | float) or isnan(self.probability_threshold):
            raise Invalid(what="probability threshold", got=self.probability_threshold, expected="a number")

    @property
    def residuals(self) -> Residuals:
        """The question that a regression asks."""
        return Residuals(self.inference_attribute or "", self.ground_truth_attribute)

    @property
    def confusion(self) -> Confusion:
        """The question about classes."""
        score = self.scores
        probability = self.probability_attribute if score is None else score.probability
        return Confusion(
            self.inference_attribute,
            None if self.inference_attribute else probability,
            float(self.probability_threshold),
            self.ground_truth_attribute,
            self.classes if score is None else (self._negative(self.classes), spelling(self.positive)),
        )

    def _negative(self, labels: tuple[str, ...]) -> str:
        """What the other class of two is called: 0 beside 1, else by its own name if there is only one other."""
        positive = spelling(self.positive)
        plain = {"1": "0", "0": "1"}.get(positive, f"not {positive}")
        known = {spelling(each) for each in labels}
        others = known - {positive, plain}
        return others.pop() if len(others) == 1 and (plain not in known or plain.startswith("not ")) else plain

    @property
    def scores(self) -> Scores | None:
        """The question about probabilities of the positive class; None where there is no column of them.

        Of several columns, one for each class, it is that of the positive class, or the last if none is called so.
        """
        column = self.probability_attribute
        if self.problem_type != BINARY or not column:
            return None
        if isinstance(column, tuple):
            classes = [spelling(each) for each in self.classes or column]
            wanted = spelling(self.positive)
            column = column[classes.index(wanted)] if wanted in classes else column[-1]
        return Scores(column, self.ground_truth_attribute, self.positive)

    @property
    def chances(self) -> tuple[Scores, ...]:
        """The questions about each class's probability; none where there is not a column of them for each class."""
        columns = self.probability_attribute
        if self.problem_type != MULTICLASS or not isinstance(columns, tuple) or len(columns) > MOST_CHANCES:
            return ()
        classes = self.classes or columns
        asked = zip(columns, classes, strict=False)
        return tuple(Scores(column, self.ground_truth_attribute, label, FEW_SCORES) for column, label in asked)

    def questions(self) -> tuple[JointAnalyzer[Any], ...]:
        """What is asked of predictions and labels together."""
        if self.problem_type == REGRESSION:
            return (self.residuals,)
        return (self.confusion, *self.chances) if self.scores is None else (self.confusion, self.scores)

    def measure(self, profile: Profile) -> Quality:
        """How good the predictions of these rows were."""
        if self.problem_type == REGRESSION:
            known = profile[self.residuals]
            return Quality(REGRESSION, profile.rows, known.count, of_residuals(known))
        state = profile[self.confusion]
        matrix = state.matrix(self.positive)
        if self.problem_type == BINARY:
            matrix = matrix.binarised(self._negative(state.labels))
        names = (*FIGURES[self.problem_type], *MORE[self.problem_type])
        figures = list(of_matrix(state, matrix, names))
        curves = None
        if self.scores is not None:
            scores = profile[self.scores]
            figures += of_scores(scores, names)
            curves = curves_of(scores)
        if self.chances:
            figures += of_chances([profile[question] for question in self.chances])
        found = ordered(figures, self.problem_type)
        return Quality(self.problem_type, profile.rows, state.labelled, found, matrix, curves, state.labels)

    def baseline(self, profile: Profile) -> QualityConstraints:
        """The constraints that a profile suggests."""
        return QualityConstraints.suggest(self.measure(profile))

    def warnings(self, profile: Profile) -> tuple[str, ...]:
        """What to know before these rows are taken as a baseline."""
        quality = self.measure(profile)
        return tuple(caveats_of(quality, self.positive))

    def evaluate(self, learnt: Learnt, profile: Profile) -> Verdict:
        """What the quality is against the constraints, then how far labels and predictions moved.

        Raises `Invalid` if the constraints are for another type of problem.
        """
        expected: QualityConstraints = learnt.constraints
        if expected.problem_type != self.problem_type:
            raise Invalid(
                what="constraints", got=expected.problem_type, expected=self.problem_type,
                remedy="Learn a baseline for this type of problem.",
            )  # fmt: skip
        quality = self.measure(profile)
        limits = {limit.metric: limit for limit in expected.limits}
        shown = quality.compatible if self.compatible else quality.figures
        measures = [_measure(figure, limits.get(figure.name)) for figure in shown]
        measures += [
            Measure(SUBJECT, limit.metric, nan, limit.threshold, "was not measured: is there a probability?")
            for limit in expected.limits
            if limit.metric not in quality.named
        ]
        violations = list(self._violations(quality, limits))
        failed = [(each.subject, profile.failures.get(each.subject)) for each in self.questions()]
        measures += [Measure(name, "profile", reason=why) for name, why in dict(failed).items() if why]
        if not self.compatible:
            measures.append(_coverage(quality))
            for measure, violation in self._shifts(learnt.profile, profile):
                measures.append(measure)
                violations += [violation] if violation is not None else []
        return Verdict(tuple(measures), tuple(violations))

    def _shifts(self, before: Profile | None, now: Profile) -> Iterator[Shift]:
        """Of labels, then of predictions, then of a probability."""
        both = (before, now)
        labels, predictions = self.label_drift_threshold, self.prediction_drift_threshold
        truth, guess = self.ground_truth_attribute, self.inference_attribute
        if self.problem_type == REGRESSION:
            yield from of_column("label_drift", truth, both, labels)
            yield from of_column("prediction_drift", guess or "", both, predictions)
            return
        name = guess or str(self.probability_attribute)
        yield from of_classes("label_drift", truth, ACTUAL, both, self.confusion, labels)
        yield from of_classes("prediction_drift", name, PREDICTED, both, self.confusion, predictions)
        if self.scores is not None:
            yield from of_column("score_drift", self.scores.probability, both, predictions)

    def _violations(self, quality: Quality, limits: Mapping[str, Limit]) -> Iterator[Violation]:
        order = [*(name for name in SEEN_ORDER if name in limits), *(n for n in limits if n not in SEEN_ORDER)]
        for name in order if self.problem_type == BINARY else limits:
            figure, limit = quality.named.get(name), limits[name]
            if figure is None or not limit.violated_by(figure.value) or (self.strict_aws_quirks and name == "f0_5"):
                continue
            yield Violation(camel(name), limit.operator, figure.value, limit.threshold, _said(figure, limit))


def _said(figure: Figure, limit: Limit) -> str:
    """SageMaker's sentence.

    >>> _said(Figure("mse", 0.33), Limit("mse", 0.03, "GreaterThanThreshold"))
    "Metric mse with 0.33 was GreaterThanThreshold '0.03'"
    """
    spread = "" if isnan(figure.standard_deviation) else f" +/- {java.double(figure.standard_deviation)}"
    value = f"{java.double(figure.value)}{spread}"
    return f"Metric {camel(figure.name)} with {value} was {limit.operator} '{java.double(limit.threshold)}'"


def _measure(figure: Figure, limit: Limit | None) -> Measure:
    return Measure(SUBJECT, figure.name, figure.value, None if limit is None else limit.threshold, figure.reason)


def _coverage(quality: Quality) -> Measure:
    """The share of rows that have a prediction and a label."""
    if not quality.rows:
        return Measure(SUBJECT, "label_coverage", reason="there are no rows")
    return Measure(SUBJECT, "label_coverage", quality.labelled / quality.rows)
