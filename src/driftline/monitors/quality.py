"""What model quality is made of: figures with their spread, and the limits that a baseline sets on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan

from driftline.metrics import classification, curves, regression, samples
from driftline.metrics.calibration import why_no_calibration
from driftline.metrics.chances import why_not as why_no_chances
from driftline.metrics.curves import Curves
from driftline.metrics.metric import METRICS, Metric, taking
from driftline.profile.confusion import ConfusionState, Matrix
from driftline.profile.residuals import ResidualsState
from driftline.profile.scores import ScoresState

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"
RANKING = "Ranking"
PROBLEM_TYPES = (REGRESSION, BINARY, MULTICLASS, RANKING)
"""SageMaker's, and rankings."""

CONSTANT = "_best_constant_classifier"
"""The end of the names of what the best classifier that looks at nothing would have."""

LESS, GREATER = "LessThanThreshold", "GreaterThanThreshold"
"""A violation is a value less, or greater, than the threshold."""

_RATES = ("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate")
_F = ("f0_5", "f1", "f2")
_WEIGHTED = ("weighted_recall", "weighted_precision", "weighted_f0_5", "weighted_f1", "weighted_f2")


def _constant(*names: str) -> tuple[str, ...]:
    return tuple(name + CONSTANT for name in names)


FIGURES: dict[str, tuple[str, ...]] = {
    REGRESSION: ("mae", "mse", "rmse", "r2"),
    BINARY: (
        *("recall", "precision", "accuracy"),
        *_constant("recall", "precision", "accuracy"),
        *_RATES,
        *("auc", "au_prc"),
        *_F,
        *_constant(*_F),
    ),
    MULTICLASS: ("accuracy", *_WEIGHTED, *_constant("accuracy", *_WEIGHTED)),
}
"""SageMaker's metrics of each problem, in its order."""

MORE: dict[str, tuple[str, ...]] = {
    REGRESSION: tuple(name for name in taking("residuals") if name not in FIGURES[REGRESSION]),
    BINARY: (
        *("balanced_accuracy", "matthews_correlation", "average_precision", "log_loss", "brier_score"),
        *("expected_calibration_error", "maximum_calibration_error"),
    ),
    MULTICLASS: ("balanced_accuracy", "matthews_correlation", *taking("chances")),
}
"""What is measured beside SageMaker's."""

LIMITED: dict[str, tuple[str, ...]] = {
    REGRESSION: ("mae", "mse", "rmse", "r2"),
    BINARY: ("recall", "precision", "accuracy", *_RATES, "auc", *_F),
    MULTICLASS: ("accuracy", *_WEIGHTED),
}
"""What a baseline sets limits on, in SageMaker's order."""


NAMED_AT = "_at_"
"""Metrics of rankings are cut at a place, which ends their name: `ndcg_at_10`."""


@dataclass(frozen=True)
class Figure:
    """A metric with its standard deviation over samples (NaN where unknown); `reason` says why a value is NaN."""

    name: str
    value: float
    standard_deviation: float = nan
    reason: str = ""


@dataclass(frozen=True)
class Quality:
    """How good predictions were: all figures, SageMaker's first, with what they come from.

    `labelled` of `rows` rows have a prediction and a label. Curves exist only for probabilities of two classes.
    `classes` are all that occurred; the matrix of two classes has all but the positive one joined.
    """

    problem_type: str
    rows: int
    labelled: int
    figures: tuple[Figure, ...]
    matrix: Matrix | None = None
    curves: Curves | None = None
    classes: tuple[str, ...] = ()

    @property
    def named(self) -> dict[str, Figure]:
        """The figures by name."""
        return {figure.name: figure for figure in self.figures}

    @property
    def compatible(self) -> tuple[Figure, ...]:
        """SageMaker's figures, in its order; all of rankings, which it does not know."""
        if self.problem_type == RANKING:
            return self.figures
        named = self.named
        return tuple(named[name] for name in FIGURES[self.problem_type] if name in named)


@dataclass(frozen=True)
class Limit:
    """What a metric is held to; `operator` says which values violate it (`LESS` or `GREATER`)."""

    metric: str
    threshold: float
    operator: str

    def violated_by(self, value: float) -> bool:
        """Whether a value does; equal ones and NaN do not.

        >>> Limit("auc", 0.9, LESS).violated_by(0.8), Limit("auc", 0.9, LESS).violated_by(0.9)
        (True, False)
        """
        return value < self.threshold if self.operator == LESS else value > self.threshold


@dataclass(frozen=True)
class QualityConstraints:
    """What is expected of a model's quality."""

    problem_type: str
    limits: tuple[Limit, ...] = ()

    @classmethod
    def suggest(cls, quality: Quality) -> QualityConstraints:
        """The constraints that a baseline suggests: its own values, without slack. What is undefined has no limit."""
        named = quality.named
        limited = LIMITED.get(quality.problem_type, tuple(named))
        known = [named[name] for name in limited if name in named]
        return cls(
            quality.problem_type,
            tuple(
                Limit(figure.name, figure.value, operator_of(figure.name))
                for figure in known
                if not isnan(figure.value)
            ),
        )


def operator_of(metric: str) -> str:
    """Which values of a metric violate a limit.

    >>> operator_of("auc"), operator_of("mae"), operator_of("ndcg_at_10")
    ('LessThanThreshold', 'GreaterThanThreshold', 'LessThanThreshold')
    """
    return LESS if METRICS[metric.partition(NAMED_AT)[0]].better == "higher" else GREATER


def camel(name: str) -> str:
    """A metric's name as SageMaker's violations spell it.

    >>> camel("true_positive_rate"), camel("f0_5")
    ('truePositiveRate', 'f05')
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def of_residuals(state: ResidualsState) -> tuple[Figure, ...]:
    """The figures of a regression."""
    drawn = samples.means(state)

    def figure(name: str) -> Figure:
        value = METRICS[name].compute(state)
        known = drawn if name in regression.OF_MEANS else ()
        spread = samples.deviation([regression.from_means(name, means) for means in known])
        return Figure(name, value, spread, regression.why_not(name, state) if isnan(value) else "")

    return tuple(map(figure, (*FIGURES[REGRESSION], *MORE[REGRESSION])))


def of_matrix(state: ConfusionState, matrix: Matrix, names: Iterable[str]) -> Iterator[Figure]:
    """The figures of a confusion matrix among `names`.

    Where the classes were too many to be told apart only the accuracy is left.
    """
    drawn = samples.matrices(matrix)
    for name in names:
        bare = name.removesuffix(CONSTANT)
        metric = METRICS[bare]
        if metric.takes != "confusion":
            continue
        if state.overflown:
            yield _of_many_classes(name, state)
        elif bare == name:
            why = classification.why_not(bare, matrix)
            if why and matrix.positive not in state.labels and not set(state.labels) <= {"0", "1"}:
                why += f"; the classes are {', '.join(map(repr, state.labels[:5]))}"
            spread = samples.deviation([metric.compute(some) for some in drawn])
            yield Figure(name, nan if why else metric.compute(matrix), nan if why else spread, why)
        else:
            spread = samples.deviation([_of_constant(metric, some) for some in drawn])
            yield Figure(name, _of_constant(metric, matrix), spread, classification.why_not("accuracy", matrix))


def _of_many_classes(name: str, state: ConfusionState) -> Figure:
    if name in ("accuracy", "weighted_recall") and state.labelled:
        return Figure(name, state.agreeing / state.labelled)
    return Figure(name, nan, nan, f"more than {state.limit:,} classes: is this a regression?")


def _of_constant(metric: Metric, matrix: Matrix) -> float:
    """A metric of the best constant classifier; where that finds nothing it is 0, as SageMaker prints it."""
    found = metric.compute(matrix.constant())
    return 0.0 if isnan(found) and matrix.total else found


def of_scores(state: ScoresState, names: Sequence[str]) -> Iterator[Figure]:
    """The figures of scores among `names`."""
    known = state.labelled()
    drawn, thin = samples.histograms(known), curves.thinned(known)
    for name in names:
        metric = METRICS[name.removesuffix(CONSTANT)]
        if metric.takes == "scores":
            why = curves.why_not(name, known)
            if "calibration" in name:
                why = why_no_calibration(known)
            spread = nan if why else samples.deviation([metric.compute(some) for some in drawn])
            yield Figure(name, metric.compute(thin if name in ("auc", "au_prc") else known), spread, why)


def of_chances(chances: Sequence[ScoresState]) -> Iterator[Figure]:
    """The figures of the probabilities of several classes; how much they vary is not known of the classes apart."""
    for name, metric in taking("chances").items():
        yield Figure(name, metric.compute(chances), nan, why_no_chances(name, chances))


def ordered(figures: Iterable[Figure], problem_type: str) -> tuple[Figure, ...]:
    """The figures in the order of the tables above."""
    names = [*FIGURES[problem_type], *MORE[problem_type]]
    return tuple(sorted(figures, key=lambda figure: names.index(figure.name)))
