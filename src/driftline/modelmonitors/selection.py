"""From a violation to the rows that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from driftline.baselines import Baseline
from driftline.errors import NotFound
from driftline.formats.truth import TRUTH
from driftline.modelmonitors.conditions import (
    Condition,
    Every,
    InGroup,
    Labelled,
    Missing,
    Negative,
    OfOtherKind,
    Outside,
    Wrong,
)
from driftline.modelmonitors.moved import Moved, moved
from driftline.monitors.bias import Bias
from driftline.monitors.disparities import is_range
from driftline.monitors.explainability import Explainability
from driftline.monitors.facets import Facet
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.quality import BINARY, RANKING, REGRESSION
from driftline.monitors.verdict import Violation
from driftline.profile import Profile
from driftline.profile.attribution import local_name
from driftline.profile.outcomes import spelling

_MISSES = ("recall", "truePositiveRate", "falseNegativeRate")
_FALSE_ALARMS = ("precision", "falsePositiveRate", "trueNegativeRate")
"""Of these metrics only one kind of mistake counts."""

REJECTED = (
    " Values that could not be read as the field's kind were rejected on import, and are among the"
    " rejected rows of their files."
)
"""What is to be known of values of another kind, where rows were imported."""


@dataclass(frozen=True)
class Selection:
    """The rows of a run's window that a violation is about; none, if `condition` is None, for the reason that is said.

    `columns` are those to look at. Of a drift, `groups` are the categories or bins that moved, and the rows those of
    one of them.
    """

    said: str
    condition: Condition | None = None
    columns: tuple[str, ...] = ()
    groups: tuple[Moved, ...] = field(default_factory=tuple)


def rows_of(
    violation: Violation, monitor: Monitor, baseline: Baseline, current: Profile, group: int | None = None
) -> Selection:
    """Which rows; `group` chooses among the groups of a drift, by default that which grew most.

    Raises `NotFound` for a group that there is not.
    """
    if isinstance(monitor, ModelQuality):
        return _quality(violation, monitor, baseline, current, group)
    if isinstance(monitor, Bias):
        return _bias(violation, monitor)
    if isinstance(monitor, Explainability):
        return _explainability(violation, monitor, baseline, current)
    return _columns(violation, baseline, current, group)


def _columns(violation: Violation, baseline: Baseline, current: Profile, group: int | None) -> Selection:
    name = violation.subject
    expected = next((each for each in baseline.constraints.columns if each.name == name), None)
    if expected is None or name not in current:
        return Selection(f"{violation.said} No single row is to blame: the columns of the table differ.")
    if violation.check == "baseline_drift_check":
        return _drift(name, baseline.profile, current, group)
    found: dict[str, Condition] = {
        "data_type_check": OfOtherKind(name, expected.inferred_type),
        "completeness_check": Missing(name),
        "categorical_values_check": Outside(name, expected.domains or ()),
        "non_negative_check": Negative(name),
    }
    condition = found.get(violation.check)
    if condition is None:
        return Selection(f"No rows are known that make {violation.check} fail.", None, (name,))
    said = f"Rows {condition.said}."
    if violation.check == "data_type_check":
        said += REJECTED
    return Selection(said, condition, (name,))


def _drift(name: str, before: Profile | None, current: Profile, group: int | None) -> Selection:
    """The categories or bins that moved; the rows of the one that grew most, unless another one is chosen."""
    if before is None or name not in before or name not in current:
        return Selection("The baseline has no statistics of the column, so nothing says what moved.", None, (name,))
    groups = moved(before.column(name), current.column(name))
    if not groups:
        return Selection("The two distributions cannot be told apart group by group.", Every(), (name,))
    if group is not None and not 0 <= group < len(groups):
        raise NotFound(what="group", name=str(group), remedy=f"There are those from 0 to {len(groups) - 1}.")
    grown = max(groups, key=lambda each: each.change)
    chosen = grown if group is None else groups[group]
    told = f"{100 * chosen.before:.1f} % of the baseline and {100 * chosen.now:.1f} % of the window"
    condition = chosen.condition(name)
    return Selection(f"Rows {condition.said}: {told}.", condition, (name,), groups)


def _quality(
    violation: Violation, monitor: ModelQuality, baseline: Baseline, current: Profile, group: int | None
) -> Selection:
    guess = monitor.inference_attribute or monitor.confusion.probability
    looked = tuple(each for each in (guess if isinstance(guess, str) else None, TRUTH) if each)
    if violation.check.startswith("estimated") or violation.subject.startswith("estimated"):
        return Selection("Rows of the window: an estimate is made of all of them.", Every(), looked[:1])
    if violation.subject in current and violation.check == "baseline_drift_check":
        return _drift(violation.subject, baseline.profile, current, group)
    if monitor.problem_type == REGRESSION:
        condition: Condition = Labelled(monitor.inference_attribute or "", monitor.ground_truth_attribute)
        return Selection(f"Rows {condition.said}.", condition, looked)
    if monitor.problem_type == RANKING:
        return Selection("Rows of the window: a ranking is judged as a whole.", Every(), looked)
    wrong = Wrong(monitor.confusion)
    if monitor.problem_type == BINARY:
        positive = spelling(monitor.positive)
        if violation.subject in _MISSES:
            wrong = replace(wrong, missed=positive)
        elif violation.subject in _FALSE_ALARMS:
            wrong = replace(wrong, taken=positive)
    return Selection(f"Rows {wrong.said}.", wrong, looked)


def _bias(violation: Violation, monitor: Bias) -> Selection:
    """The rows of the group; the subject is `FACET = VALUE: METRIC`."""
    who, _, metric = violation.subject.rpartition(": ")
    name, _, value = who.partition(" = ")
    facet = next((each for each in monitor.facets if each.name == name), None)
    if facet is None:
        return Selection(f"No facet is called {name}.")
    condition = _group(facet, value)
    return Selection(f"Rows {condition.said}, which {metric} compares with all others.", condition, facet.columns)


def _group(facet: Facet, value: str) -> InGroup:
    """The group of a facet as the verdict writes its value: `0`, `a,b`, `(30, 90]`, several joined by ` & `."""
    values: list[tuple[Any, ...]] = []
    above: list[bool] = []
    parts = value.split(" & ") if len(facet.columns) > 1 else [value]
    for part, given in zip(parts, facet.values, strict=False):
        above.append(is_range(part))
        values.append(given or (part,))
    return InGroup(facet.columns[: len(values)], tuple(values), tuple(above))


def _explainability(violation: Violation, monitor: Explainability, baseline: Baseline, current: Profile) -> Selection:
    """The rows where the feature counted most whose weight changed most."""
    label, _, feature = violation.subject.partition("/")
    if not feature:
        was = {each.label: each for each in baseline.constraints.labels}
        now = {each.label: each for each in monitor.measure(current).labels}
        if label not in was or label not in now:
            return Selection("The baseline has no such label.")
        changes = {name: abs(value - was[label].values.get(name, 0.0)) for name, value in now[label].values.items()}
        feature = max(changes, key=lambda name: changes[name]) if changes else ""
    column = local_name(label, feature, monitor.attributions)
    condition = Every(column)
    said = f"Rows {condition.said}: the weight of {feature} changed most since the baseline."
    return Selection(said, condition, (column,))
