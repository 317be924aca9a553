"""The explainability monitor: which features the model's answers rest on, and whether that has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, ClassVar

from driftline.errors import Invalid
from driftline.metrics.attribution import ALIKE, attribution_ndcg, places
from driftline.metrics.metric import taking
from driftline.monitors.attributions import (
    AGGREGATIONS,
    MEAN_ABS,
    Attributed,
    Attributions,
    attributions_of,
    local_column,
    undefined,
)
from driftline.monitors.constraints import DEFAULTS
from driftline.monitors.drift import drift_of
from driftline.monitors.monitor import Learnt
from driftline.monitors.verdict import Measure, Verdict, Violation
from driftline.profile import Profile
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.attribution import LABEL, PATTERN, Attribution, pattern_of

CHECK = "feature_attribution_drift_check"
"""SageMaker's `constraint_check_type`."""

VALUES_CHECK = "baseline_drift_check"
"""The check of the distribution of local attributions, as that of any column."""

EVERY = "*"
"""Stands for all features, where their names are known only once the first rows are read."""

ENOUGH_ROWS = 100


@dataclass(frozen=True)
class Explainability:
    """SageMaker Clarify's explainability monitor: its nDCG for each label, and beside it how far each feature moved.

    The rows that it looks at are local attributions: columns named by `attributions`, a pattern with `{label}` and
    `{feature}`, or what the columns begin with where they were logged with the predictions. `agg_method` makes one
    attribution of those of all rows: `mean_abs`, `median` or `mean_sq`. An nDCG below `threshold` is a violation; so is
    a robust distance of the local attributions of a feature above `value_drift_threshold`, if that is given.
    `compatible` measures nothing beside SageMaker's figures.
    """

    kind: ClassVar[str] = "explainability"

    features: tuple[str, ...] = (EVERY,)
    labels: tuple[str, ...] = (LABEL,)
    attributions: str = PATTERN
    agg_method: str = MEAN_ABS
    threshold: float = ALIKE
    value_drift_threshold: float | None = None
    compatible: bool = False

    def __post_init__(self) -> None:
        """Raises `Invalid` for settings that cannot be."""
        object.__setattr__(self, "features", tuple(self.features))
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "attributions", pattern_of(self.attributions))
        if not self.features or not self.labels:
            raise Invalid(what="features and labels", got="none", expected="at least one of each")
        if self.agg_method not in AGGREGATIONS:
            raise Invalid(what="agg_method", got=self.agg_method, expected=f"one of {', '.join(AGGREGATIONS)}")
        for names in (self.features, self.labels):
            if len(set(names)) < len(names):
                raise Invalid(what="features and labels", got=list(names), expected="each name once")
        if len(self.labels) > 1 and "{label}" not in self.attributions:
            raise Invalid(
                what="pattern of attributions", got=self.attributions, expected="{label} in it",
                remedy="Columns of several labels must differ.",
            )  # fmt: skip

    @property
    def question(self) -> Attribution:
        """What is asked of the local attributions."""
        return Attribution(self.features, self.labels, self.attributions)

    def questions(self) -> tuple[JointAnalyzer[Any], ...]:
        """The one question."""
        return (self.question,)

    def measure(self, profile: Profile) -> Attributions:
        """The global attributions of these rows."""
        return attributions_of(profile, self.question, self.agg_method)

    def baseline(self, profile: Profile) -> Attributions:
        """What later attributions are compared with."""
        return self.measure(profile)

    def warnings(self, profile: Profile) -> tuple[str, ...]:
        """What to know before these rows are taken as a baseline."""
        found = []
        if profile.rows < ENOUGH_ROWS:
            found.append(f"only {profile.rows:,} rows were explained: the order of the features may be chance")
        for each in self.measure(profile).labels:
            lacking = undefined(each.values)
            if lacking:
                found.append(f"no attributions of {', '.join(lacking[:8])} to {each.label}")
            elif not any(each.values.values()):
                found.append(f"all attributions to {each.label} are 0: later ones cannot be compared with them")
        return tuple(found)

    def evaluate(self, learnt: Learnt, profile: Profile) -> Verdict:
        """How the global attributions agree with those learnt, label by label, then feature by feature.

        Raises `Invalid` if the baseline has other labels, `SchemaMismatch` if it has other features.
        """
        before: Attributions = learnt.constraints
        measures, violations = list[Measure](), list[Violation]()
        for now in self.measure(profile).labels:
            was = before.label(now.label)
            agreement = self._agreement(was, now)
            measures.append(agreement)
            if agreement.value < self.threshold:
                said = f"Feature attribution drift {agreement.value} exceeds threshold {self.threshold:g}"
                violations.append(Violation(now.label, CHECK, agreement.value, self.threshold, said))
            measures += self._importances(was, now)
            if not self.compatible:
                measures += _shifts(was, now)
                for measure, violation in self._values(learnt.profile, profile, now.label):
                    measures.append(measure)
                    violations += [violation] if violation is not None else []
        if not self.compatible:
            measures += self._unused(profile)
        return Verdict(tuple(measures), tuple(violations))

    def _agreement(self, was: Attributed, now: Attributed) -> Measure:
        value = attribution_ndcg(*was.beside(now))
        return Measure(now.label, "attribution_ndcg", value, self.threshold, _why(was, now) if isnan(value) else "")

    def _importances(self, was: Attributed, now: Attributed) -> Iterator[Measure]:
        """SageMaker's own figures, then what each feature had and where it stood."""
        yield Measure(now.label, "expected_value", now.expected, reason="was not told" if isnan(now.expected) else "")
        before, current = was.beside(now)
        ordered = zip(was.values, before.tolist(), current.tolist(), places(before), places(current), strict=True)
        for feature, old, new, place, later in ordered:
            subject = f"{now.label}/{feature}"
            yield Measure(subject, "attribution", new, reason="no row was explained" if isnan(new) else "")
            if not self.compatible and not isnan(new) and not isnan(old):
                yield Measure(subject, "attribution_change", new - old)
                yield Measure(subject, "rank_change", float(later - place))

    def _values(
        self, before: Profile | None, profile: Profile, label: str
    ) -> Iterator[tuple[Measure, Violation | None]]:
        """How far the local attributions of each feature moved, by SageMaker's robust comparison of numbers."""
        limit = self.value_drift_threshold
        if before is None:
            reason = "the baseline has only global attributions"
            yield Measure(label, "attribution_value_drift", nan, limit, reason), None
            return
        for feature in self.features:
            subject = f"{label}/{feature}"
            old, new = (local_column(side, self.question, label, feature) for side in (before, profile))
            if new is None:
                yield Measure(subject, "attribution_value_drift", nan, limit, "there are no local attributions"), None
                continue
            moved = drift_of(old, new, DEFAULTS, compatible=False, quirks=False)
            measure = Measure(subject, "attribution_value_drift", moved.value, limit, moved.reason)
            yield measure, self._moved(measure)

    def _moved(self, measure: Measure) -> Violation | None:
        if measure.limit is None or not measure.value > measure.limit:
            return None
        said = f"(Attribution drift) Baseline drift distance: {measure.value} exceeds threshold: {measure.limit}"
        return Violation(measure.subject, VALUES_CHECK, measure.value, measure.limit, said)

    def _unused(self, profile: Profile) -> Iterator[Measure]:
        """The share of rows with no attribution, where there are any such rows."""
        for name, count in self.question.unused(profile[self.question], profile.rows).items():
            yield Measure(name, "unexplained_rows", count / profile.rows if profile.rows else nan)


def _shifts(was: Attributed, now: Attributed) -> Iterator[Measure]:
    """Every other distance of two lists of attributions, and how far the expected value moved."""
    both = was.beside(now)
    for metric in taking("attributions").values():
        if metric.name != "attribution_ndcg":
            value = metric.compute(*both)
            yield Measure(now.label, metric.name, value, reason=_why(was, now) if isnan(value) else "")
    moved = now.expected - was.expected
    yield Measure(now.label, "expected_value_change", moved, reason="was not told" if isnan(moved) else "")


def _why(was: Attributed, now: Attributed) -> str:
    """Why two lists of attributions cannot be compared."""
    for side, said in ((was, "the baseline"), (now, "these rows")):
        lacking = undefined(side.values)
        if lacking:
            return f"{', '.join(lacking[:3])} without attributions in {said}"
    return "the attributions of one side are all alike"
