"""The data-quality monitor: whether columns still look as the baseline says, check by check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isnan, nan
from typing import ClassVar

import numpy as np

from driftline.errors import Invalid
from driftline.metrics.metric import distances
from driftline.monitors import java
from driftline.monitors.constraints import ColumnConstraints, Config, Constraints
from driftline.monitors.drift import VECTOR_SHIFTS, Drift, drift_of, measure_all, vector_shift
from driftline.monitors.monitor import Learnt
from driftline.monitors.verdict import Measure, Verdict, Violation
from driftline.profile import Column, Profile

EVERY = "*"
"""Stands for all columns in `measures`."""

TITLES = {**{name: found.title for name, found in distances().items()}, **VECTOR_SHIFTS}
"""What limits can be set on besides SageMaker's own checks, with a title each."""

ENOUGH_ROWS = 100
"""SageMaker asks for a baseline of at least so many rows."""

Finding = tuple[Measure, Violation | None]


@dataclass(frozen=True)
class DataQuality:
    """SageMaker's six checks, and beside them the distances of other tools.

    `measures` gives limits for those: column (or `*`) -> name of a metric -> the largest value that is accepted, None
    for no limit. `compatible` keeps to what SageMaker does: no measures besides its own, nothing after a missing or
    extra column, and no drift of text with more than 120 distinct values. `strict_aws_quirks` also skips drift of
    numeric columns with at most 120 distinct current values, which SageMaker was seen to do.
    """

    kind: ClassVar[str] = "data-quality"

    compatible: bool = False
    measures: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    strict_aws_quirks: bool = False
    categorical_drift_method: str | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid` for a measure that does not exist."""
        for name in (name for limits in self.measures.values() for name in limits):
            if name not in TITLES:
                near = get_close_matches(name, TITLES, 1)
                remedy = f"Did you mean {near[0]}?" if near else ""
                raise Invalid(what="measure", got=name, expected=f"one of {', '.join(TITLES)}", remedy=remedy)

    def questions(self) -> tuple[()]:
        """None: each column is judged by itself."""
        return ()

    def baseline(self, profile: Profile) -> Constraints:
        """The constraints that a profile suggests."""
        return Constraints.suggest(profile, self.categorical_drift_method)

    def warnings(self, profile: Profile) -> tuple[str, ...]:
        """Whether there are fewer rows than SageMaker asks for."""
        if profile.rows >= ENOUGH_ROWS:
            return ()
        said = (
            f"The baseline has {profile.rows:,} rows; {ENOUGH_ROWS} or more are recommended, fewer give loose limits."
        )
        return (said,)

    def evaluate(self, baseline: Learnt, profile: Profile) -> Verdict:
        """What the profile says against the baseline, in the order of the constraints."""
        for column in self.measures:
            if column != EVERY and column not in baseline.constraints.names:
                profile.column(column)  # raises NotFound with the names that are near
        measures, violations = [], list(self._columns(baseline.constraints, profile))
        if not (self.compatible and violations):
            for expected in baseline.constraints.columns:
                with np.errstate(all="ignore"):  # distances of huge numbers overflow, and are then said to be undefined
                    found = list(self._column(expected, baseline, profile))
                measures += [measure for measure, _ in found]
                violations += [violation for _, violation in found if violation is not None]
        known = set(baseline.constraints.names)
        measures += [_failure(name, why) for name, why in profile.failures.items() if name not in known]
        return Verdict(tuple(measures), tuple(violations))

    def _columns(self, constraints: Constraints, profile: Profile) -> Iterator[Violation]:
        """Whether there are columns too many or too few; by number if compatible, else by name."""
        config = constraints.config
        if config.evaluate_constraints is False:
            return
        known = set(constraints.names)
        # a column that cannot be analysed is in no baseline either, so it is no extra one
        names = [name for name in profile.names if name in known or name not in profile.failures]
        here, there = len(names), len(known)
        extra = [name for name in names if name not in known]
        missing = [name for name in constraints.names if name not in profile]
        if (here > there) if self.compatible else extra:
            yield self._count("extra", extra, here, there)
        if (here < there) if self.compatible else missing:
            yield self._count("missing", missing, here, there)

    def _count(self, which: str, names: list[str], here: int, there: int) -> Violation:
        said = (
            f"There are {which} columns in current dataset. Number of columns in current dataset: {here}, "
            f"Number of columns in baseline constraints: {there}"
        )
        if not self.compatible:
            said += f" ({which}: {', '.join(names[:10])}{', …' if len(names) > 10 else ''})"
        return Violation(f"{which.capitalize()} columns", f"{which}_column_check", float(here), float(there), said)

    def _column(self, expected: ColumnConstraints, baseline: Learnt, profile: Profile) -> Iterator[Finding]:
        if expected.name not in profile:
            return
        if expected.name in profile.failures:
            yield _failure(expected.name, profile.failures[expected.name]), None
            return
        config, current = baseline.constraints.effective(expected), profile.column(expected.name)
        known = baseline.profile
        before = known.column(expected.name) if known is not None and expected.name in known else None
        for check in (_data_type, _completeness, _domain):
            yield from _judged(check(expected, current, config), config)
        if not self.compatible:
            yield from _judged(_non_negative(expected, current), config)
        yield from _judged(self._drift(before, current, config), config)
        if not self.compatible and before is not None:
            yield from self._extra(before, current, config)

    def _drift(self, before: Column | None, current: Column, config: Config) -> Iterator[Finding]:
        if config.perform_comparison is False:
            return
        found = drift_of(before, current, config, compatible=self.compatible, quirks=self.strict_aws_quirks)
        measure = Measure(current.name, "baseline_drift", found.value, found.limit, found.reason)
        yield measure, _drift_violation(current.name, found) if found.exceeded else None

    def _extra(self, before: Column, current: Column, config: Config) -> Iterator[Finding]:
        limits = {**self.measures.get(EVERY, {}), **self.measures.get(current.name, {})}
        found = [*measure_all(before, current), *vector_shift(before, current)]
        for measure in found:
            limit = limits.get(measure.name)
            judged = Measure(measure.subject, measure.name, measure.value, limit, measure.reason)
            if limit is None or config.evaluate_constraints is False or not measure.value > limit:
                yield judged, None
                continue
            said = f"({TITLES[measure.name]}) {_exceeds(measure.value, limit)}"
            yield judged, Violation(measure.subject, "baseline_drift_check", measure.value, limit, said)


def _judged(findings: Iterator[Finding], config: Config) -> Iterator[Finding]:
    """The findings, without a verdict where constraints are not to be evaluated."""
    for measure, violation in findings:
        yield measure, violation if config.evaluate_constraints is not False else None


def _failure(name: str, reason: str) -> Measure:
    return Measure(name, "profile", reason=reason)


def _exceeds(value: float, limit: float) -> str:
    """SageMaker's sentence; what else is said stands before it, because readers take all that follows as the limit."""
    return f"Baseline drift distance: {java.double(value)} exceeds threshold: {java.double(limit)}"


def _drift_violation(name: str, found: Drift) -> Violation:
    if found.is_p_value:
        said = f"(1 - p-value of the chi-squared test) {_exceeds(1 - found.value, 1 - found.limit)}"
    else:
        said = _exceeds(found.value, found.limit)
    return Violation(name, "baseline_drift_check", found.value, found.limit, said)


def _percent(ratio: float) -> str:
    return java.double(ratio * 100) + "%"


Check = Callable[[ColumnConstraints, Column, Config], Iterator[Finding]]


def _data_type(expected: ColumnConstraints, current: Column, config: Config) -> Iterator[Finding]:
    """The share of values of the expected type is at least the threshold."""
    if expected.inferred_type == "Unknown":
        return
    share, least = current.kinds.share(expected.inferred_type), config.datatype_check_threshold or 0.0
    said = (
        f"Data type match requirement is not met. Expected data type: {expected.inferred_type}, "
        f"Expected match: {_percent(least)}. Observed: Only {_percent(share)} of data is {expected.inferred_type}."
    )
    yield _at_least(current.name, "data_type_match", "data_type_check", share, least, said)


def _completeness(expected: ColumnConstraints, current: Column, _: Config) -> Iterator[Finding]:
    """The share of rows with a value is at least the constraint."""
    if expected.completeness is None:
        return
    share, least = current.completeness, expected.completeness
    said = f"Data completeness requirement is not met. Expected: {_percent(least)}. Observed: Only {_percent(share)}."
    yield _at_least(current.name, "completeness", "completeness_check", share, least, said)


def _domain(expected: ColumnConstraints, current: Column, config: Config) -> Iterator[Finding]:
    """The share of values inside the domain is at least the threshold."""
    if expected.domains is None:
        return
    counts = current.frequent.counts
    inside = sum(counts.get(value, 0) for value in set(expected.domains))
    share = inside / current.present if current.present else nan
    said = f"Value: {java.double(share)} does not meet the constraint requirement!"
    least = config.domain_content_threshold or 0.0
    remark = "" if current.frequent.exact else "at least: there are too many distinct values to count each"
    yield _at_least(current.name, "domain_match", "categorical_values_check", share, least, said, remark)


def _non_negative(expected: ColumnConstraints, current: Column) -> Iterator[Finding]:
    """No number is below 0, where none was in the baseline; SageMaker suggests this and never checks it."""
    if not expected.is_non_negative:
        return
    low = current.moments.minimum
    said = f"Value: {java.double(low)} does not meet the constraint requirement! No negative value is expected."
    yield _at_least(current.name, "minimum", "non_negative_check", low, 0.0, said)


def _at_least(subject: str, name: str, check: str, value: float, least: float, said: str, remark: str = "") -> Finding:
    """The measure, and a violation when it is below its limit; undefined values violate nothing."""
    if isnan(value):
        return Measure(subject, name, value, least, "the column has no values"), None
    violation = Violation(subject, check, value, least, said) if value < least else None
    return Measure(subject, name, value, least, remark), violation
