"""How good predictions are before the labels come, beside how good they turn out to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import nan
from typing import Any, ClassVar

from driftline.errors import Invalid
from driftline.metrics.calibration import IDENTITY, Calibrator, binned, isotonic
from driftline.metrics.estimated import COUNTED, Called, Estimate, binary, realised_binary
from driftline.metrics.estimated_classes import ClassCalibrators, class_calibrators, realised_classes, several
from driftline.metrics.expected_error import ErrorModel, error_model, realised, regression
from driftline.monitors.lessons import LEAST_GAIN, Lesson, Lessons, adapted, by_segment, cost
from driftline.monitors.monitor import Learnt
from driftline.monitors.verdict import Compared, Measure, Verdict, Violation
from driftline.profile import Profile
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.confusion import Confusion
from driftline.profile.misses import Misses
from driftline.profile.scores import Scores, ScoresState
from driftline.profile.segments import Segments
from driftline.profile.votes import Votes

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"

CALIBRATIONS: Mapping[str, Callable[[ScoresState], Calibrator]] = {
    "isotonic": isotonic,
    "binning": binned,
    "none": lambda _: IDENTITY,
}
"""How scores become probabilities."""

LEAST_LABELLED = 1_000
"""With fewer labelled rows calibrators and models of the error are very unsure."""

LOWER_IS_BETTER = frozenset({"mae", "mse", "rmse"})
"""Metrics that a limit bounds from above; the others from below."""

SUBJECT = "model"


@dataclass(frozen=True)
class Estimates:
    """Estimates metrics of a model without labels, by what labelled rows taught; see `metrics/estimated.py`.

    Attributes are as in `ModelQuality`. `segments` are columns whose segments may have calibrators (or models of the
    error) of their own; the one that explains most on the baseline is used, if any does. `limits` are values a metric
    shall not be worse than; a violation is said only if the whole interval is. `calibration` is one of `CALIBRATIONS`.
    """

    kind: ClassVar[str] = "estimates"

    problem_type: str
    ground_truth_attribute: str
    inference_attribute: str | None = None
    probability_attribute: str | tuple[str, ...] | None = None
    probability_threshold: float = 0.5
    positive: str = "1"
    classes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    calibration: str = "isotonic"
    limits: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises `Invalid` for settings that cannot be."""
        for name in ("classes", "segments"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.probability_attribute, list):
            object.__setattr__(self, "probability_attribute", tuple(self.probability_attribute))
        if self.problem_type not in (BINARY, MULTICLASS, REGRESSION):
            raise Invalid(
                what="problem type", got=self.problem_type, expected=f"{BINARY}, {MULTICLASS} or {REGRESSION}"
            )
        if self.calibration not in CALIBRATIONS:
            raise Invalid(what="calibration", got=self.calibration, expected=f"one of {', '.join(CALIBRATIONS)}")
        kind: type = tuple if self.problem_type == MULTICLASS else str
        if self.problem_type == REGRESSION and self.inference_attribute is None:
            raise Invalid(what="inference attribute", got=None, expected="the column of predictions")
        if self.problem_type != REGRESSION and not isinstance(self.probability_attribute, kind):
            wanted = "the columns of probabilities, one a class" if kind is tuple else "the column of probabilities"
            raise Invalid(what="probability attribute", got=self.probability_attribute, expected=wanted)

    @property
    def compatible(self) -> bool:
        """SageMaker has no such monitor."""
        return False

    def about(self, truth: str | None) -> JointAnalyzer[Any]:
        """The question that teaches and is estimated of, with this column of labels or without any."""
        if self.problem_type == REGRESSION:
            return Misses(self.inference_attribute or "", truth)
        if isinstance(self.probability_attribute, tuple):
            return Votes(self.probability_attribute, self.classes, self.inference_attribute, truth)
        return Scores(self.probability_attribute or "", truth, self.positive)

    @property
    def called(self) -> Scores | None:
        """Which scores were predicted positive; None if the threshold says so, or it is no matter."""
        if self.problem_type != BINARY or self.inference_attribute is None:
            return None
        return Scores(str(self.probability_attribute), self.inference_attribute, self.positive)

    def questions(self, *, labelled: bool = True) -> tuple[JointAnalyzer[Any], ...]:
        """What is asked of rows with labels, or of rows that have no column of labels yet."""
        truth = self.ground_truth_attribute if labelled else None
        asked: list[JointAnalyzer[Any]] = [self.about(truth)]
        if self.called is not None:
            asked.append(self.called)
            if labelled:
                asked.append(self.confusion)
        if self.problem_type != MULTICLASS:
            for column in self.segments:
                asked += [Segments.by(column, each) for each in asked[:2] if isinstance(each, Scores | Misses)]
        return tuple(asked)

    @property
    def confusion(self) -> Confusion:
        """Predicted and actual classes, where predictions are a column."""
        return Confusion(self.inference_attribute, None, self.probability_threshold, self.ground_truth_attribute)

    def warnings(self, profile: Profile) -> tuple[str, ...]:
        """What to know before these rows are taken as a baseline."""
        rows = self._labelled(profile[self.about(self.ground_truth_attribute)])
        if rows >= LEAST_LABELLED:
            return ()
        return (f"estimates learn from {rows:,} labelled rows; with fewer than {LEAST_LABELLED:,} they say little",)

    def baseline(self, profile: Profile) -> Lessons:
        """What the labelled rows of the profile teach."""
        question = self.about(self.ground_truth_attribute)
        state = profile[question]
        whole = self._learn(state)
        found = Lessons(self.problem_type, whole, self._labelled(state), realised=self._realised(profile, state))
        if isinstance(whole, ClassCalibrators) or not self.segments:
            return found
        given = self.calibration == "none"
        learn = partial(adapted, whole) if isinstance(whole, Calibrator) and not given else self._learn
        least = cost(whole, state) * (1 - LEAST_GAIN)
        for column in self.segments:
            by_column = profile[Segments.by(column, question)]
            other, left = by_segment(found, column, by_column, learn, self._labelled)
            if other.pieces and left < least:
                least, found = left, other
        return found

    def compare(self, lessons: Lessons, profile: Profile) -> tuple[Compared, ...]:
        """Every metric estimated on all rows, and realised on those with labels.

        Counts of rows are realised only once every row has its label: those of some rows say nothing of all.
        """
        truth = self.ground_truth_attribute
        question = next((each for each in map(self.about, (truth, None)) if each in profile.states), self.about(truth))
        state = profile[question]
        known = self._realised(profile, state)
        labelled = self._labelled(state)
        if isinstance(state, ScoresState) and state.unlabelled.any():
            known = {name: value for name, value in known.items() if name not in COUNTED}
        found = self._estimated(lessons, profile, question)
        return tuple(
            Compared(name, each.value, each.low, each.high, known.get(name, nan), labelled, each.reason)
            for name, each in found.items()
        )

    def evaluate(self, learnt: Learnt, profile: Profile) -> Verdict:
        """The estimates as measures, and those whose whole interval is worse than its limit."""
        measures, violations = [], []
        for each in self.compare(learnt.constraints, profile):
            limit = self.limits.get(each.name)
            name = f"estimated_{each.name}"
            measures.append(Measure(SUBJECT, name, each.value, limit, each.reason))
            said = "" if limit is None else _beyond(each, limit)
            if said and limit is not None:
                violations.append(Violation(SUBJECT, name, each.value, limit, said))
        return Verdict(tuple(measures), tuple(violations))

    def _learn(self, state: Any) -> Lesson:
        if self.problem_type == REGRESSION:
            return error_model(state)
        return class_calibrators(state) if self.problem_type == MULTICLASS else CALIBRATIONS[self.calibration](state)

    def _labelled(self, state: Any) -> int:
        if self.problem_type == MULTICLASS:
            return int(state.labelled.reshape(state.shape)[:, 0].sum())
        return int(state.labelled_count)

    def _estimated(self, lessons: Lessons, profile: Profile, question: Any) -> dict[str, Estimate]:
        if isinstance(lessons.whole, ClassCalibrators):
            return several(profile[question], lessons.whole)
        asked = question if self.called is None else self.called
        if lessons.column is None:
            parts: list[tuple[Any, Lesson]] = [(profile[asked], lessons.whole)]
        else:
            state = profile[Segments.by(lessons.column, asked)]
            parts = [(each, lessons.of(state.axis, group)) for group, each in enumerate(state.states)]
        if self.problem_type == REGRESSION:
            return regression([(state, model) for state, model in parts if isinstance(model, ErrorModel)])
        return binary([self._called(state, model) for state, model in parts if isinstance(model, Calibrator)])

    def _called(self, state: ScoresState, calibrator: Calibrator) -> Called:
        if self.called is not None:
            return Called.predicted(state, calibrator)
        return Called.above(state, self.probability_threshold, calibrator)

    def _realised(self, profile: Profile, state: Any) -> dict[str, float]:
        if self.problem_type == REGRESSION:
            return realised(state)
        if self.problem_type == MULTICLASS:
            return realised_classes(state)
        counts = None if self.called is None else profile[self.confusion].matrix(self.positive).binary()
        return realised_binary(state, self.probability_threshold, counts)


def _beyond(found: Compared, limit: float) -> str:
    """In words that all of the interval is worse than the limit; empty if it is not."""
    lower = found.name in LOWER_IS_BETTER
    if not (found.low > limit if lower else found.high < limit):
        return ""
    interval = f"{found.value:.4g} ({found.low:.4g} to {found.high:.4g})"
    side = "above" if lower else "below"
    return f"without labels, {found.name} is estimated at {interval}, all of it {side} {limit:.4g}"
