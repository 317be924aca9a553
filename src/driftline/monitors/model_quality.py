"""The model-quality monitor: how good predictions are once the truth is known, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import ClassVar

from driftline.errors import Invalid
from driftline.metrics.curves import curves_of
from driftline.monitors import java, within
from driftline.monitors.caveats import caveats_of
from driftline.monitors.foresight import PREFIX, foreseen, unforeseen
from driftline.monitors.monitor import Learnt
from driftline.monitors.predictions import CUTOFFS, Predictions, placed
from driftline.monitors.quality import (
    BINARY,
    FIGURES,
    MORE,
    RANKING,
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
from driftline.monitors.ranked import of_ranking
from driftline.monitors.shifts import ACTUAL, PREDICTED, Shift, of_classes, of_column
from driftline.monitors.verdict import Measure, Verdict, Violation
from driftline.profile import Profile

SUBJECT = "model"
"""The subject of measures that are about no single column."""

SEEN_ORDER = (
    *("auc", "precision", "true_positive_rate", "f1", "accuracy", "false_positive_rate"),
    *("true_negative_rate", "false_negative_rate", "recall", "f2"),
)
"""The order of violations in SageMaker's files; what is not here follows in the order of the constraints."""

NO_LABELS = "no labels yet"


@dataclass(frozen=True)
class ModelQuality(Predictions):
    """SageMaker's model-quality monitor, and beside its metrics those of other tools.

    Attributes are names, places or paths of columns (`place_of`). The predicted class is `inference_attribute`; without
    it, it follows from `probability_attribute`: 1 where that is above `probability_threshold`, or, of several columns,
    the one of the greatest, named by `classes`. `positive` is the class binary metrics are about. The drift thresholds
    limit how far labels and predictions may move from the baseline's; None only measures. `strict_aws_quirks` never
    reports F0.5, as SageMaker was seen to do. `compatible` measures nothing beside SageMaker's figures.

    `estimates` says what labels will probably show before they are there. Metrics are measured in each value or range
    of the `segments`, and the worst segments are sought among those of `searched` (all columns, if it is `("*",)`, or
    the `segments`). Of a ranking `query_attribute` tells which rows are ranked together, by probability or prediction.
    """

    kind: ClassVar[str] = "model-quality"

    def measure(self, profile: Profile) -> Quality:
        """How good the predictions of these rows were."""
        if self.problem_type == RANKING:
            ranked = profile[self.ranking]
            judged = profile.rows - ranked.unranked - ranked.unjudged
            return Quality(RANKING, profile.rows, judged, tuple(of_ranking(ranked, CUTOFFS)))
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
        every = {limit.metric: limit for limit in expected.limits}
        limits = {name: each for name, each in every.items() if not name.startswith(PREFIX)}
        shown = quality.compatible if self.compatible else quality.figures
        if not self.compatible and self._unlabelled(profile):
            shown = tuple(replace(figure, reason=NO_LABELS) for figure in shown)
        measures = [_measure(figure, limits.get(figure.name)) for figure in shown]
        measures += [
            Measure(SUBJECT, limit.metric, nan, limit.threshold, "was not measured: is there a probability?")
            for limit in limits.values()
            if limit.metric not in quality.named
        ]
        violations = list(self.broken(quality, limits))
        failed = [(each.subject, profile.failures.get(each.subject)) for each in self.questions()]
        measures += [Measure(name, "profile", reason=why) for name, why in dict(failed).items() if why]
        if self.compatible:
            return Verdict(tuple(measures), tuple(violations))
        measures.append(_coverage(quality))
        ahead = self._foreseen(learnt, profile, {name: each for name, each in every.items() if name not in limits})
        measures += ahead.measures
        violations += ahead.violations
        for measure, violation in self._shifts(learnt.profile, profile):
            measures.append(measure)
            violations += [violation] if violation is not None else []
        inside, notes = self._within(learnt.profile, profile)
        if self._unlabelled(profile) and not self._knows_labels(learnt.profile):
            notes = (f"The baseline has no column {self.ground_truth_attribute!r}: are labels called so?", *notes)
        return Verdict((*measures, *inside), tuple(violations), ahead.estimates, (*ahead.notes, *notes))

    def _unlabelled(self, profile: Profile) -> bool:
        """Whether no row has a label yet."""
        if self.problem_type == RANKING:
            ranked = profile[self.ranking]
            return profile.rows > 0 and ranked.unjudged == profile.rows - ranked.unranked
        state = profile[self.residuals] if self.problem_type == REGRESSION else profile[self.confusion]
        return 0 < state.unlabelled == state.rows

    def _knows_labels(self, before: Profile | None) -> bool:
        """Whether the baseline has a column of labels, or has no columns that are known."""
        return before is None or placed(self.ground_truth_attribute, before.names) is not None

    def _foreseen(self, learnt: Learnt, profile: Profile, limits: Mapping[str, Limit]) -> Verdict:
        """What labels will probably show."""
        asked, before = self.foresight, learnt.profile
        if asked is not None and before is not None:
            return foreseen(asked, before, profile, limits, learnt.past)
        reason = "the baseline has only constraints, no statistics"
        if asked is None:
            reason = "there is no probability to estimate of" if self.estimates else "estimates are turned off"
        found = unforeseen(limits, reason)
        return (
            replace(found, notes=(f"No labels yet, and no estimates: {reason}.",))
            if self._unlabelled(profile)
            else found
        )

    def _within(self, before: Profile | None, now: Profile) -> tuple[list[Measure], tuple[str, ...]]:
        """Each segment's metrics, and the worst segments; nothing where no label is known."""
        if self._unlabelled(now):
            return [], ()
        found = [
            measure
            for column, question, metrics in self.by_segment()
            for measure in within.measured(column, question, before, now, metrics)
        ]
        if self.losses is None:
            return found, ()
        measures, notes = within.searched(self.losses, before, now)
        return found + measures, tuple(notes)

    def _shifts(self, before: Profile | None, now: Profile) -> Iterator[Shift]:
        """Of labels, then of predictions, then of a probability."""
        both = (before, now)
        labels, predictions = self.label_drift_threshold, self.prediction_drift_threshold
        truth, guess = self.ground_truth_attribute, self.inference_attribute
        if self.problem_type in (REGRESSION, RANKING):
            score = self.ranking.score if self.problem_type == RANKING else guess or ""
            yield from of_column("label_drift", truth, both, labels)
            yield from of_column("prediction_drift", score, both, predictions)
            return
        name = guess or str(self.probability_attribute)
        yield from of_classes("label_drift", truth, ACTUAL, both, self.confusion, labels)
        yield from of_classes("prediction_drift", name, PREDICTED, both, self.confusion, predictions)
        if self.scores is not None:
            yield from of_column("score_drift", self.scores.probability, both, predictions)

    def broken(self, quality: Quality, limits: Mapping[str, Limit]) -> Iterator[Violation]:
        """The limits that these figures break, in the order of SageMaker's files."""
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
