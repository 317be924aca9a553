"""Where predictions and their labels lie, and what is asked of them: the settings of model quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isnan
from typing import Any, Self

from driftline.errors import Invalid, SchemaMismatch
from driftline.monitors import within
from driftline.monitors.estimates import Estimates
from driftline.monitors.quality import BINARY, MULTICLASS, PROBLEM_TYPES, RANKING, REGRESSION
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.confusion import Confusion
from driftline.profile.losses import Losses
from driftline.profile.outcomes import place_of, spelling
from driftline.profile.ranking import Ranking
from driftline.profile.residuals import Residuals
from driftline.profile.scores import Scores
from driftline.profile.segments import Segments
from driftline.profile.votes import LIMIT as MOST_VOTES

MOST_CHANCES, FEW_SCORES = 100, 1 << 14
"""Of so many classes at most the probabilities are compared, each with so many distinct scores."""

CUTOFFS = (1, 5, 10)
"""Rankings are judged by so many of their first places."""

MOST_PAIRED = 24
"""Of more columns only single ones are searched for segments, not pairs of them."""

EVERY = "*"
"""In place of columns to be searched: all that are no predictions and no labels."""

IN_SEGMENTS: Mapping[str, tuple[str, ...]] = {
    BINARY: ("accuracy", "precision", "recall", "f1"),
    MULTICLASS: ("accuracy", "weighted_f1"),
}
"""What is measured of the classes in each segment."""


@dataclass(frozen=True)
class Predictions:
    """Where predictions and labels lie, and what is asked of them; the settings are told by `ModelQuality`."""

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
    estimates: bool = True
    segments: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    query_attribute: str | None = None

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
        for name in ("classes", "segments", "searched"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.problem_type == RANKING and not self.query_attribute:
            expected = "the column that tells which rows are ranked together"
            raise Invalid(
                what="query attribute", got="nothing", expected=expected, remedy="Name it: --query-attribute."
            )
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
            () if self.inference_attribute else self._two if score is not None else self.classes,
        )

    @property
    def _two(self) -> tuple[str, str]:
        return self._negative(self.classes), spelling(self.positive)

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

    @property
    def ranking(self) -> Ranking:
        """The question that a ranking asks."""
        score = self.probability_attribute if isinstance(self.probability_attribute, str) else self.inference_attribute
        return Ranking(self.query_attribute or "", score or "", self.ground_truth_attribute, max(CUTOFFS))

    @property
    def foresight(self) -> Estimates | None:
        """What estimates the quality without labels; None where nothing can be estimated of."""
        probability = self.probability_attribute
        if self.compatible or not self.estimates or self.problem_type == RANKING:
            return None
        if self.problem_type == BINARY:
            probability = None if self.scores is None else self.scores.probability
        columns = len(probability) if isinstance(probability, tuple) else 0
        if self.problem_type == MULTICLASS and not 2 <= columns <= MOST_VOTES:
            return None
        if self.problem_type == BINARY and probability is None:
            return None
        return Estimates(
            self.problem_type, self.ground_truth_attribute, self.inference_attribute, probability,
            float(self.probability_threshold), self.positive, self.classes, self.segments,
        )  # fmt: skip

    @property
    def losses(self) -> Losses | None:
        """The question by which the worst segments are found; None where none is asked for."""
        columns = self.searched or self.segments
        if not columns or EVERY in columns or self.compatible or self.problem_type == RANKING:
            return None
        guess, regression = self.inference_attribute, self.problem_type == REGRESSION
        confusion = self.confusion
        return Losses(
            columns, "absolute" if regression else "error", self.ground_truth_attribute, guess,
            None if regression else confusion.probability, confusion.threshold, self.positive,
            paired=len(columns) <= MOST_PAIRED, classes=confusion.classes,
        )  # fmt: skip

    def settled(self, names: Sequence[str]) -> Self:
        """With the columns to be searched, now that those of the rows are known."""
        if EVERY not in self.searched:
            return self
        probabilities = self.probability_attribute
        others = probabilities if isinstance(probabilities, tuple) else (probabilities,)
        given = (self.ground_truth_attribute, self.inference_attribute, self.query_attribute, *others)
        used = {names[place] for place in map(partial(placed, names=names), given) if place is not None}
        return replace(self, searched=tuple(name for name in names if name not in used))

    def by_segment(self) -> Iterator[tuple[str, Segments, dict[str, within.Compute]]]:
        """The questions about each of the segments' columns, with the metrics of their answers."""
        for column in () if self.compatible or self.problem_type == RANKING else self.segments:
            if self.problem_type == REGRESSION:
                yield column, Segments.by(column, self.residuals), within.of_residuals(("mae", "rmse"))
                continue
            negative = self._negative(self.classes) if self.problem_type == BINARY else None
            metrics = within.of_classes(IN_SEGMENTS[self.problem_type], self.positive, negative)
            yield column, Segments.by(column, self.confusion), metrics
            if self.scores is not None:
                yield column, Segments.by(column, self.scores), within.of_scores(("auc",))

    def questions(self) -> tuple[JointAnalyzer[Any], ...]:
        """What is asked of predictions and labels together."""
        if self.problem_type == RANKING:
            return (self.ranking,)
        asked: list[JointAnalyzer[Any] | None] = [self.residuals]
        if self.problem_type != REGRESSION:
            asked = [self.confusion, *self.chances, self.scores]
        if self.foresight is not None:
            asked += self.foresight.questions()
        asked += [question for _, question, _ in self.by_segment()]
        return tuple(dict.fromkeys(each for each in (*asked, self.losses) if each is not None))


def placed(attribute: str | None, names: Sequence[str]) -> int | None:
    """The place of a column; None if there is none of that name.

    >>> placed("label", ["score"]), placed("label", ["score", "label"])
    (None, 1)
    """
    try:
        return None if attribute is None else place_of(attribute, names)
    except SchemaMismatch:
        return None
