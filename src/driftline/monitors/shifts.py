"""How far labels and predictions moved from a baseline's, by SageMaker's robust comparison and by every distance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan

from driftline.errors import SchemaMismatch
from driftline.metrics.distance import category_shares, l_infinity, robust
from driftline.metrics.metric import taking
from driftline.monitors import java
from driftline.monitors.constraints import DEFAULTS
from driftline.monitors.drift import drift_of, measure_all
from driftline.monitors.verdict import Measure, Violation
from driftline.profile import Column, Profile
from driftline.profile.confusion import Confusion, ConfusionState
from driftline.profile.outcomes import place_of

Shift = tuple[Measure, Violation | None]

ACTUAL, PREDICTED = 0, 1


def of_classes(
    name: str, subject: str, side: int, profiles: Sequence[Profile | None], question: Confusion, limit: float | None
) -> Iterator[Shift]:
    """The shift of actual (`side` 0) or predicted (1) classes from the first profile to the second; predictions count
    without labels, too.

    `name` is that of the measure which `limit` limits: the robust L-infinity distance of the shares.
    """
    states = [profile[question] for profile in profiles if profile is not None]
    counted = [_counts(state, side) for state in states]
    why = _why_not(states, counted)
    if why:
        yield Measure(subject, name, nan, limit, why), None
        return
    old, new = counted
    shares = category_shares(old, new)
    yield _judged(subject, name, robust(l_infinity(*shares), sum(old.values()), sum(new.values())), limit)
    for metric in taking("shares").values():
        yield Measure(subject, metric.name, metric.compute(*shares)), None


def of_column(name: str, attribute: str, profiles: Sequence[Profile | None], limit: float | None) -> Iterator[Shift]:
    """The shift of a column of numbers; `name` is that of the robust distance, which `limit` limits."""
    before, now = (None if profile is None else _column(profile, attribute) for profile in profiles)
    if before is None or now is None:
        why = "the baseline has no statistics of it" if before is None else "these data have no statistics of it"
        yield Measure(attribute, name, nan, limit, why), None
        return
    moved = drift_of(before, now, DEFAULTS, compatible=False, quirks=False)
    if moved.reason:
        yield Measure(now.name, name, nan, limit, moved.reason), None
        return
    yield _judged(now.name, name, moved.value, limit)
    for measure in measure_all(before, now):
        yield measure, None


def _why_not(states: Sequence[ConfusionState], counted: Sequence[Mapping[str, int]]) -> str:
    if len(states) < 2:
        return "the baseline has only constraints, no statistics"
    for state, counts, which in zip(states, counted, ("baseline has", "current data have"), strict=True):
        if state.overflown:
            return f"the {which} more than {state.limit:,} classes"
        if not counts:
            return f"the {which} no labels" if not state.labelled else f"the {which} no predictions"
    return ""


def _counts(state: ConfusionState, side: int) -> dict[str, int]:
    found: dict[str, int] = dict(state.awaiting) if side == PREDICTED else {}
    for pair, count in state.counts.items():
        found[pair[side]] = found.get(pair[side], 0) + count
    return found


def _column(profile: Profile, attribute: str) -> Column | None:
    try:
        return profile.column(profile.names[place_of(attribute, profile.names)])
    except SchemaMismatch:
        return None


def _judged(subject: str, name: str, value: float, limit: float | None) -> Shift:
    measure = Measure(subject, name, value, limit)
    if limit is None or not value > limit:
        return measure, None
    what = name.replace("_", " ").capitalize()
    said = f"({what}) Baseline drift distance: {java.double(value)} exceeds threshold: {java.double(limit)}"
    return measure, Violation(subject, "baseline_drift_check", value, limit, said)
