"""The bias monitor: how differently groups of rows are labelled and predicted, and whether that has grown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, ClassVar

from driftline.errors import Invalid
from driftline.metrics.bias_post import AMPLIFICATION, POST
from driftline.metrics.bias_pre import PRE
from driftline.monitors.comparison import Compared, Flipped, Reasons, disparity_of, group_of
from driftline.monitors.disparities import Disparities, Disparity, FacetGroup, Stage, written
from driftline.monitors.facets import Facet, column_of, groups_of, label_reading, value_text
from driftline.monitors.monitor import Learnt
from driftline.monitors.shifts import of_column
from driftline.monitors.verdict import Measure, Verdict, Violation
from driftline.profile import Column, Profile
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.contingency import Contingency, ContingencyState
from driftline.profile.matches import EQUAL, Value
from driftline.profile.neighbours import LIMIT, Neighbours

CHECK = "bias_drift_check"
"""SageMaker's `constraint_check_type`."""

ENOUGH_ROWS = 100


@dataclass(frozen=True)
class Bias:
    """SageMaker Clarify's bias monitor: its 21 metrics for each group of each facet.

    Attributes are names, places or paths of columns (`place_of`); a facet's column need not be an input of the model.
    `label_values_or_threshold` are the labels that are positive, or the number above which they are. The predicted
    label is `inference_attribute`; without it, a row is predicted positive where `probability_attribute` is above
    `probability_threshold`, or, of several columns, the greatest is that of a positive label (`classes` names them).
    `group_variable` is what CDDL and CDDPL condition on. `features` are what the flip test compares rows by: all other
    columns, if there are none; it keeps at most `flip_rows` distinct rows of a group and samples beyond. Without labels
    or predictions only what needs none is measured.

    With `confidence`, such as 0.95, metrics have intervals and break a constraint only if the whole interval does.
    `compatible` measures nothing beside SageMaker's metrics, and reads thresholds by its rule to the letter.
    """

    kind: ClassVar[str] = "bias"

    facets: tuple[Facet, ...]
    label_values_or_threshold: tuple[Value, ...] = (1,)
    ground_truth_attribute: str | None = None
    inference_attribute: str | None = None
    probability_attribute: str | tuple[str, ...] | None = None
    probability_threshold: float = 0.5
    classes: tuple[str, ...] = ()
    group_variable: str | None = None
    features: tuple[str, ...] = ()
    pre_training: tuple[str, ...] = PRE
    post_training: tuple[str, ...] = POST
    flip_rows: int = LIMIT
    confidence: float | None = None
    compatible: bool = False

    def __post_init__(self) -> None:
        """Raises `Invalid` for settings that cannot be."""
        for name in ("label_values_or_threshold", "classes", "features", "pre_training", "post_training"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        facets = tuple(Facet(**each) if isinstance(each, Mapping) else each for each in self.facets)
        object.__setattr__(self, "facets", facets)
        if isinstance(self.probability_attribute, list):
            object.__setattr__(self, "probability_attribute", tuple(self.probability_attribute))
        if not self.facets:
            raise Invalid(what="facets", got="none", expected="at least one", remedy="Name a column to compare by.")
        if not self.label_values_or_threshold:
            raise Invalid(what="label_values_or_threshold", got="none", expected="the positive labels, or a threshold")
        if self.ground_truth_attribute is None and not self._is_predicted:
            raise Invalid(what="label", got="nothing", expected="a column of labels, of predictions, or both")
        for names, known in ((self.pre_training, PRE), (self.post_training, POST)):
            for name in (name for name in names if name not in known):
                raise Invalid(what="bias metric", got=name, expected=f"one of {', '.join(known)}")
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise Invalid(what="confidence", got=self.confidence, expected="a number between 0 and 1, such as 0.95")

    @property
    def _is_predicted(self) -> bool:
        return self.inference_attribute is not None or bool(self.probability_attribute)

    @property
    def _probability(self) -> str | tuple[str, ...] | None:
        return self.probability_attribute if self.inference_attribute is None else None

    def contingency(self, facet: Facet) -> Contingency:
        """The question that counts a facet's rows."""
        return Contingency(
            facet.columns,
            facet.values,
            self.label_values_or_threshold,
            self.ground_truth_attribute,
            self.inference_attribute,
            self._probability,
            float(self.probability_threshold),
            self.classes,
            self.group_variable,
        )

    def neighbours(self, facet: Facet) -> Neighbours | None:
        """The question that keeps a facet's rows for the flip test; None if that is not asked for."""
        if "FT" not in self.post_training or not self._is_predicted:
            return None
        several = self.probability_attribute or ()
        given = (self.ground_truth_attribute, *([several] if isinstance(several, str) else several))
        return Neighbours(
            facet.columns,
            facet.values,
            self.label_values_or_threshold,
            self.inference_attribute,
            self._probability,
            float(self.probability_threshold),
            self.classes,
            self.features,
            tuple(name for name in given if name is not None),
            self.flip_rows,
        )

    def questions(self) -> tuple[JointAnalyzer[Any], ...]:
        """What is asked of facets, labels and predictions together."""
        asked = [(self.contingency(facet), self.neighbours(facet)) for facet in self.facets]
        return tuple(question for both in asked for question in both if question is not None)

    def compared(self, profile: Profile, known: Disparities | None = None) -> tuple[Compared, ...]:
        """Every group with its counts; `known` is the baseline's analysis, whose reading of thresholds is kept."""
        found = []
        for facet in self.facets:
            state, question = profile[self.contingency(facet)], self.neighbours(facet)
            reading = self._reading(profile, known)
            near = None if question is None else Flipped(profile[question], reading)
            groups = groups_of(facet, profile, state.marks, self.compatible, known)
            found += [
                Compared(group, state.split(group.wanted, reading), self._why_not(state), near) for group in groups
            ]
        return tuple(found)

    def _why_not(self, state: ContingencyState) -> Reasons:
        group = "there is no group variable" if self.group_variable is None else ""
        if state.scattered:
            group = f"more than {state.groups:,} distinct values of the group variable"
        return Reasons("" if self.ground_truth_attribute is not None else "there are no labels", group)

    def _label(self, profile: Profile) -> Column | None:
        """The column that is the label, or the prediction if there is no label."""
        name = self.ground_truth_attribute if self.ground_truth_attribute is not None else self.inference_attribute
        return None if name is None else column_of(profile, name)

    def _reading(self, profile: Profile, known: Disparities | None) -> int:
        """How the positive values of the label are read."""
        counts = profile[self.contingency(self.facets[0])].counts
        occurs = any(bits > 0 and bits & EQUAL for cell in counts for bits in cell[2:])
        return label_reading(self._label(profile), self.label_values_or_threshold, occurs, self.compatible, known)

    def measure(self, profile: Profile, known: Disparities | None = None) -> Disparities:
        """All metrics of all groups; `known` is as in `compared`."""
        return self._measured(self.compared(profile, known), profile, known)

    def _measured(self, compared: Sequence[Compared], profile: Profile, known: Disparities | None) -> Disparities:
        column, reading = self._label(profile), self._reading(profile, known)
        name = column.name if column is not None else str(self.ground_truth_attribute or self.probability_attribute)
        value = value_text(self.label_values_or_threshold, reading, column)
        if known is not None:  # ground truth has no name of its own: it is told by the baseline's
            name = next((stage.label for _, stage in known.stages), name)
        pre, post = (
            Stage(name, value, tuple(group_of(each, names, self.confidence) for each in compared))
            for names in (self.pre_training, self.post_training)
        )
        return Disparities(
            pre if self.pre_training and self.ground_truth_attribute is not None else None,
            post if self.post_training and self._is_predicted else None,
        )

    def baseline(self, profile: Profile) -> Disparities:
        """The analysis that later windows are held to."""
        return self.measure(profile)

    def warnings(self, profile: Profile) -> tuple[str, ...]:
        """What to know before these rows are taken as a baseline."""
        return tuple(self._warnings(profile))

    def _warnings(self, profile: Profile) -> Iterator[str]:
        for measure in self._unasked(profile):
            yield f"{measure.subject}: {measure.reason}."
        for each in self.compared(profile):
            rows = int(each.split.counts[:, 1].sum())
            if rows < ENOUGH_ROWS:
                yield f"{each.group.facet} = {each.group.value}: the group has {rows:,} rows, which say little."

    def evaluate(self, learnt: Learnt, profile: Profile) -> Verdict:
        """Every metric against the baseline's value, and what is farther from neutral than it was."""
        expected: Disparities = learnt.constraints
        compared = self.compared(profile, expected)
        found = self._measured(compared, profile, expected)
        measures: list[Measure] = []
        violations: list[Violation] = []
        for name, stage in found.stages:
            known = expected.stage(name)
            before = known.keyed if known is not None else {}
            for group in stage.groups:
                judged = [_judged(group, each, before.get(group.key)) for each in group.disparities]
                measures += [measure for measure, _ in judged]
                violations += [violation for _, violation in judged if violation is not None]
        absent = {key: group for _, stage in expected.stages for key, group in stage.keyed.items()}
        reason = "the baseline has this group, these data do not"
        measures += [Measure(absent[key].subject, "bias", reason=reason) for key in sorted(absent.keys() - found.keys)]
        measures += self._unasked(profile)
        if not self.compatible:
            measures += [measure for each in compared for measure in self._more(each)]
            measures += self._shifts(learnt.profile, profile)
        return Verdict(tuple(measures), tuple(violations))

    def _more(self, compared: Compared) -> Iterator[Measure]:
        """What is measured beside SageMaker's metrics: amplification, and the share of rows the flip test looked at."""
        subject = FacetGroup(compared.group.facet, compared.group.value).subject
        if self.ground_truth_attribute is not None and self._is_predicted:
            for name in AMPLIFICATION[: 1 if self.group_variable is None else 2]:
                found = disparity_of(name, compared)
                yield Measure(subject, name, found.value, reason=found.reason)
        if "FT" in self.post_training and compared.flips is not None and compared.flips.total:
            yield Measure(subject, "flip_test_coverage", compared.flips.rows / compared.flips.total)

    def _unasked(self, profile: Profile) -> Iterator[Measure]:
        """Facets whose groups cannot be told."""
        for facet in self.facets:
            state = profile[self.contingency(facet)]
            if state.crowded:
                yield Measure(
                    facet.name, "bias", reason=f"more than {state.facets:,} distinct values: give a threshold"
                )
            elif not state.counts:
                yield Measure(facet.name, "bias", reason="there are no rows")

    def _shifts(self, before: Profile | None, now: Profile) -> Iterator[Measure]:
        """How far facets, labels and predictions moved since the baseline."""
        if before is None:
            return
        several = self.probability_attribute or ()
        predicted = [several] if isinstance(several, str) else list(several)
        named = {name: "facet_drift" for facet in self.facets for name in facet.columns}
        named |= {name: "label_drift" for name in [self.ground_truth_attribute] if name is not None}
        named |= {name: "prediction_drift" for name in [self.inference_attribute, *predicted] if name is not None}
        for name, drift in named.items():
            yield from (measure for measure, _ in of_column(drift, name, (before, now), None))


def _judged(group: FacetGroup, found: Disparity, before: FacetGroup | None) -> tuple[Measure, Violation | None]:
    known = before.named.get(found.name) if before is not None else None
    limit = None if known is None or isnan(known.value) else known.value
    measure = Measure(group.subject, found.name, found.value, limit, found.reason)
    if limit is None or not found.is_farther_than(limit):
        return measure, None
    said = f"Metric value {written(found.value)} doesn't meet the baseline constraint requirement {written(limit)}"
    return measure, Violation(f"{group.subject}: {found.name}", CHECK, found.value, limit, said)
