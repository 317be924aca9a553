"""What a page shows: a verdict with all it rests on, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from typing import Any, Literal

from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.tracks import Track
from driftline.monitors.verdict import Compared, Measure, Verdict, Violation
from driftline.problems import Problems
from driftline.profile import Column, Profile

State = Literal["", "new", "gone", "failed"]
"""Whether a column is only in the current data, only in the baseline, or could not be analysed."""

DRIFT = "baseline_drift"
"""The measure that is SageMaker's distance."""


@dataclass(frozen=True)
class Content:
    """The input of a page.

    `baseline` is None where only constraints are known, or where a profile is shown alone. `inputs` are what was
    read, `created` is when, in words; `notes` are sentences about the method and warnings. `constraints` are what the
    monitor learnt, where it is known; `estimates` what was estimated without labels, and `tracks` how right past
    estimates were.
    """

    verdict: Verdict
    current: Profile
    baseline: Profile | None
    problems: Problems
    title: str
    inputs: tuple[str, ...]
    created: str
    notes: tuple[str, ...]
    monitor: Monitor = field(default_factory=DataQuality)
    constraints: Any = None
    estimates: tuple[Compared, ...] = ()
    tracks: tuple[Track, ...] = ()

    @property
    def is_profile(self) -> bool:
        """Whether nothing was judged: the page then describes the data only."""
        return self.baseline is None and not self.verdict.measures and not self.verdict.violations


@dataclass(frozen=True)
class Pair:
    """One column in both data sets (None where a side lacks it), with what was measured and what was violated."""

    name: str
    place: int
    before: Column | None
    now: Column | None
    measures: Mapping[str, Measure]
    violations: tuple[Violation, ...]
    state: State = ""
    failure: str = ""

    @property
    def distance(self) -> Measure | None:
        """SageMaker's distance, where it was measured."""
        return self.measures.get(DRIFT)

    @property
    def exceeded(self) -> bool:
        """Whether SageMaker's distance itself is beyond its limit."""
        found = self.distance
        return found is not None and any(
            each.check == "baseline_drift_check" and each.value == found.value and each.limit == found.limit
            for each in self.violations
        )

    @cached_property
    def is_p_value(self) -> bool:
        """Whether the distance is the p-value of a test: then small values tell of drift, not large ones.

        The measure's reason or the violation says so. Without either it shows: a distance of categories is never
        above their L-infinity distance, and never above its limit without a violation.
        """
        found = self.distance
        if found is None or isnan(found.value) or found.limit is None:
            return False
        if "p-value" in found.reason or any("p-value" in each.said for each in self.violations):
            return True
        if self.exceeded or self.now is None or self.now.is_numeric or found.value <= found.limit:
            return False
        simple = self.measures.get("linf")
        return simple is None or found.value > simple.value + 1e-9

    @cached_property
    def moved(self) -> tuple[bool, float]:
        """How far it moved, to order by: columns with violations first, then by distance."""
        found = self.distance
        value = -1.0 if found is None or isnan(found.value) else found.value
        return bool(self.violations), 1 - value if self.is_p_value and value >= 0 else value


def pairs_of(content: Content) -> tuple[Pair, ...]:
    """Every column of either side, in the order of the current data, then those that are gone."""
    now = {column.name: column for column in content.current.columns}
    before = {} if content.baseline is None else {column.name: column for column in content.baseline.columns}
    measures: dict[str, dict[str, Measure]] = {}
    for measure in content.verdict.measures:
        measures.setdefault(measure.subject, {})[measure.name] = measure
    violations: dict[str, list[Violation]] = {}
    for violation in content.verdict.violations:
        violations.setdefault(violation.subject, []).append(violation)
    failures = {**({} if content.baseline is None else content.baseline.failures), **content.current.failures}

    def pair(place: int, name: str) -> Pair:
        old, new, failure = before.get(name), now.get(name), failures.get(name, "")
        fresh = content.baseline is not None and old is None
        state: State = "failed" if failure else "gone" if new is None else "new" if fresh else ""
        return Pair(name, place, old, new, measures.get(name, {}), tuple(violations.get(name, ())), state, failure)

    return tuple(pair(place, name) for place, name in enumerate(dict.fromkeys([*now, *before])))
