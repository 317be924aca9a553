"""What a rule finds in runs: of each subject its last value, whether that is bad, and whether the rule fires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from statistics import fmean
from typing import Any

from driftline.alerting.rule import ANY, Absence, Change, Rule, Threshold, Violations
from driftline.catalog.modelruns import ModelRun
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.modelmonitors.running import COMPLETED, FAILED, NO_DATA, NO_LABELS, VIOLATED
from driftline.window import Window

_COUNTS = ("rows", "labelled", "violations")
_OF_MODEL = "model"


@dataclass(frozen=True)
class Finding:
    """What a rule says of one subject; `score` is how far the value is beyond its limit, for putting the worst first.

    `run` is the run with the value, `window_end` the end of its window; there are none where something is absent.
    """

    subject: str
    fires: bool
    said: str
    value: float | None = None
    limit: float | None = None
    score: float = 0.0
    run: str | None = None
    window_end: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """As a state keeps it."""
        end = None if self.window_end is None else self.window_end.isoformat()
        told = {"about": self.subject, "said": self.said, "value": self.value, "limit": self.limit}
        return {**told, "score": self.score if isfinite(self.score) else None, "run": self.run, "window_end": end}


@dataclass(frozen=True)
class Judged:
    """One window as a rule sees it."""

    value: float
    is_bad: bool
    limit: float | None
    score: float
    said: str


def statuses(rule: Rule) -> tuple[str, ...]:
    """The statuses of runs that the rule can judge by: those in which there is what it looks at."""
    match rule.condition:
        case Violations(failed=failed):
            return (COMPLETED, VIOLATED, FAILED) if failed else (COMPLETED, VIOLATED)
        case Threshold(measure=measure) | Change(measure=measure):
            if measure == "rows":
                return COMPLETED, VIOLATED, NO_LABELS, NO_DATA
            if measure == "labelled" or measure.startswith("estimated:"):
                return COMPLETED, VIOLATED, NO_LABELS
            return COMPLETED, VIOLATED
        case Absence():
            return COMPLETED, VIOLATED, NO_LABELS


def depth(rule: Rule) -> int:
    """How many windows have to be known to judge one."""
    before = rule.condition.windows if isinstance(rule.condition, Change) else 0
    return rule.last + before


def own(found: ModelMonitor, runs: Iterable[ModelRun]) -> list[ModelRun]:
    """Of each window of the monitor the last look, in order; looks at other rows or other windows are left out."""
    wanted = (found.version or "", str(found.environment), dict(found.where))
    by_window: dict[tuple[datetime, datetime], ModelRun] = {}
    for each in runs:
        if (each.version, each.environment, dict(each.body["asked"].get("where", {}))) != wanted:
            continue
        window = Window(each.window_start, each.window_end)
        if found.cadence is not None and found.window(each.window_end) != window:
            continue
        key = (each.window_end, each.window_start)
        if key not in by_window or (each.as_of, each.run) >= (by_window[key].as_of, by_window[key].run):
            by_window[key] = each
    return [by_window[key] for key in sorted(by_window)]


def watches(rule: Rule, found: ModelMonitor) -> bool:
    """Whether the rule is about this monitor."""
    if rule.monitor not in (None, found.name) or rule.version not in (None, found.version):
        return False
    return rule.where is None or dict(rule.where) == dict(found.where)


def judge(rule: Rule, runs: Sequence[ModelRun]) -> list[Finding]:
    """What the rule says after these windows, of each subject that has a value in the last; in their order.

    `runs` are one for each window, the latest last.
    """
    if not runs:
        return []
    last, told = runs[-1], [_values(rule, each) for each in runs]
    found = []
    for subject in told[-1]:
        series = [each[subject] for each in told if subject in each]
        judged = [each for each in _judged(rule, series) if each is not None][-rule.last :]
        if judged:
            found.append(_finding(rule, subject, judged, last))
    return found


def measures(runs: Iterable[ModelRun]) -> list[str]:
    """The names of all that can be measured in these runs."""
    names = {each["name"] for run in runs for each in run.body.get("figures", ())}
    estimated = {each["name"] for run in runs for each in run.body.get("estimates", ())}
    return [*_COUNTS, *sorted(names), *sorted(f"{side}:{each}" for each in estimated for side in _SIDES)]


def _finding(rule: Rule, subject: str, judged: Sequence[Judged], last: ModelRun) -> Finding:
    latest, bad = judged[-1], sum(each.is_bad for each in judged)
    said = latest.said if rule.last == 1 else f"{latest.said}; {bad} of the last {len(judged)} windows"
    return Finding(
        subject, bad >= rule.count, said, latest.value, latest.limit, latest.score, last.id, last.window_end
    )  # fmt: skip


def _judged(rule: Rule, series: Sequence[float]) -> Iterable[Judged | None]:
    condition = rule.condition
    if isinstance(condition, Change):
        for place in range(1, len(series)):
            yield _changed(condition, series[place], series[max(0, place - condition.windows) : place])
    elif isinstance(condition, Threshold):
        yield from (_beyond(condition, value) for value in series)
    elif isinstance(condition, Violations):
        for value in series:
            said = "the run failed" if value == inf else f"{value:g} violations"
            yield Judged(min(value, 1e9), value >= condition.least, float(condition.least), min(value, 1e9), said)


def _beyond(condition: Threshold, value: float) -> Judged:
    said = f"{condition.measure} {value:.4g}"
    if condition.above is not None and value > condition.above:
        return Judged(value, True, condition.above, _far(value, condition.above), f"{said}, above {condition.above:g}")
    if condition.below is not None and value < condition.below:
        return Judged(value, True, condition.below, _far(value, condition.below), f"{said}, below {condition.below:g}")
    return Judged(value, False, condition.above if condition.above is not None else condition.below, 0.0, said)


def _changed(condition: Change, value: float, before: Sequence[float]) -> Judged | None:
    """A window against the mean of those before; None where there is no share of a mean of 0."""
    mean = fmean(before)
    if condition.relative and mean == 0:
        return None
    moved = (value - mean) / (abs(mean) if condition.relative else 1.0)
    by = f"{100 * abs(moved):.1f} %" if condition.relative else f"{abs(moved):.4g}"
    said = f"{condition.measure} {value:.4g}, {'up' if moved >= 0 else 'down'} by {by} from {mean:.4g}"
    if condition.rise is not None and moved > condition.rise:
        return Judged(value, True, condition.rise, _far(moved, condition.rise), said)
    if condition.fall is not None and -moved > condition.fall:
        return Judged(value, True, condition.fall, _far(-moved, condition.fall), said)
    return Judged(value, False, condition.rise if condition.rise is not None else condition.fall, 0.0, said)


def _far(value: float, limit: float) -> float:
    """How far beyond its limit, in limits, so that measures of all sizes can be put in order."""
    return abs(value - limit) / (abs(limit) or 1.0)


_SIDES = {"estimated": "value", "realised": "realised"}
"""What a measure's name begins with -> the member of an estimate."""


def _values(rule: Rule, run: ModelRun) -> Mapping[str, float]:
    """Of each subject what the run measured; what is no number is left out."""
    condition = rule.condition
    if isinstance(condition, Violations):
        return {_OF_MODEL: inf if run.status == FAILED else float(run.violations)}
    if isinstance(condition, Absence):
        return {}
    side, _, name = condition.measure.partition(":")
    if condition.measure in _COUNTS:
        counted = run.violations if side == "violations" else run.body.get(side, 0 if side == "rows" else None)
        found: dict[str, Any] = {_OF_MODEL: counted}
    elif side in _SIDES and name:
        told = run.body.get("estimates", ())
        estimates = [each[_SIDES[side]] for each in told if each["name"] == name]
        found = {_OF_MODEL: estimates[0]} if estimates else {}
    else:
        told = run.body.get("figures", ())
        found = {each["subject"]: each["value"] for each in told if each["name"] == condition.measure}
    wanted = found if condition.subject == ANY else {condition.subject: found.get(condition.subject)}
    return {subject: float(value) for subject, value in wanted.items() if value is not None}
