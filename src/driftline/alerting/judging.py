"""What a rule finds in runs: of each subject its last value, whether that is bad, and whether the rule fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf, isfinite
from typing import Any

from driftline.alerting import verdicts
from driftline.alerting.conditions import ANY, Anomaly, Change, Partial, Season, Threshold, Violations
from driftline.alerting.finding import Finding, Judged
from driftline.alerting.rule import SCHEDULES, Rule
from driftline.catalog.modelruns import ModelRun
from driftline.modelmonitors.running import COMPLETED, FAILED, NO_DATA, NO_LABELS, VIOLATED
from driftline.window import HOUR

_COUNTS = ("rows", "labelled", "violations")
RANGE = ("minimum", "mean", "maximum")
"""Measures of columns of numbers."""
CALLS, CAPTURED = "calls", "captured"
"""Of an endpoint in a window."""
_OF_MODEL = "model"
_WORST = 10
"""So many violations of a run are named."""
_REPORT = "constraint_violations.json"

Times = tuple[datetime, datetime]
"""Start and end of a window."""
Beside = Mapping[Times, Mapping[str, float]]
"""What windows are held against beside their own past: what another monitor measured, or how many rows came."""


def statuses(rule: Rule) -> tuple[str, ...]:
    """The statuses of runs that the rule can judge by: those in which there is what it looks at."""
    match rule.condition:
        case Violations(failed=failed):
            return (COMPLETED, VIOLATED, FAILED) if failed else (COMPLETED, VIOLATED)
        case Partial():
            ended = (COMPLETED, VIOLATED, NO_LABELS, NO_DATA)
            return (*ended, FAILED) if rule.model == SCHEDULES else ended
        case Threshold(measure=measure) | Change(measure=measure) | Anomaly(measure=measure):
            if measure == "rows":
                return COMPLETED, VIOLATED, NO_LABELS, NO_DATA
            if measure == "labelled" or measure.startswith("estimated:"):
                return COMPLETED, VIOLATED, NO_LABELS
            return COMPLETED, VIOLATED
    return COMPLETED, VIOLATED, NO_LABELS


def depth(rule: Rule) -> int:
    """How many windows in a row have to be known to judge one; those of a season lie further back."""
    condition = rule.condition
    is_next = isinstance(condition, Anomaly) and condition.season.length is None
    if isinstance(condition, Change) or (isinstance(condition, Anomaly) and is_next):
        return rule.last + condition.windows
    return rule.last


def reach(rule: Rule) -> timedelta:
    """How far before a window the windows lie that its season holds it against."""
    return max(_seasons(rule), default=timedelta(0))


def past(rule: Rule, runs: Sequence[ModelRun]) -> set[Times]:
    """The windows of the season that the last ones are held against."""
    return {(each.window_start - ago, each.window_end - ago) for each in runs[-rule.last :] for ago in _seasons(rule)}


def _seasons(rule: Rule) -> list[timedelta]:
    """How long before a window each of those lies that its season holds it against."""
    condition = rule.condition
    season = condition.season.length if isinstance(condition, Anomaly) else None
    if season is None or not isinstance(condition, Anomaly):
        return []
    return [season * count for count in range(1, condition.windows + 1)]


def judge(rule: Rule, runs: Sequence[ModelRun], beside: Beside | None = None) -> list[Finding]:
    """What the rule says after these windows, of each subject that has a value in the last; in their order.

    `runs` are one for each window, the latest last, and those that `past` asks for among them.
    """
    if not runs:
        return []
    last, told = runs[-1], [(_times(each), _values(rule, each)) for each in runs]
    found = []
    for subject in told[-1][1]:
        points = [(times, each[subject]) for times, each in told if subject in each]
        judged = [each for each in _judged(rule, points, subject, beside or {}) if each is not None][-rule.last :]
        if judged:
            found.append(_finding(rule, subject, judged, last))
    return found


def after_each(
    rule: Rule, runs: Sequence[ModelRun], beside: Beside | None = None
) -> Iterator[tuple[ModelRun, list[Finding]]]:
    """What the rule says after each of these windows, in their order."""
    known = {_times(each): each for each in runs}
    for place, run in enumerate(runs):
        recent = runs[max(0, place + 1 - depth(rule)) : place + 1]
        before = [
            known[times] for times in sorted(past(rule, recent) - {_times(each) for each in recent}) if times in known
        ]
        yield run, judge(rule, [*before, *recent], beside)


def why_silent(rule: Rule, runs: Sequence[ModelRun], beside: Beside) -> str | None:
    """Why nothing can be said of the last of these windows; None where it is only that it measured nothing."""
    condition, last = rule.condition, runs[-1]
    until = f"window until {last.window_end:%Y-%m-%d %H:%M} UTC"
    if isinstance(condition, Anomaly):
        known = (
            len({_times(each) for each in runs} & past(rule, runs[-1:])) if condition.season.length else len(runs) - 1
        )
        if known < condition.least:
            return f"{until}: {known} past windows of its season, {condition.least} are needed"
    if isinstance(condition, Partial) and not is_on_hour(_times(last)):
        return f"{until}: it does not begin and end on the hour"
    if isinstance(condition, Change) and condition.to and _times(last) not in beside:
        return f"{until}: {condition.to} has no such window"
    return None


def is_gone(rule: Rule, run: ModelRun, subject: str) -> bool:
    """Whether a run measured what the rule is about, of others, and nothing at all of this subject.

    So it is when a column is no more, and with so many that only those with the worst figures are kept.
    """
    condition = rule.condition
    if not isinstance(condition, Threshold | Change | Anomaly):
        return False
    told = run.body.get("figures", ())
    is_measured = any(each["name"] == condition.measure for each in told)
    return is_measured and all(each["subject"] != subject for each in told)


def is_on_hour(times: Times) -> bool:
    """Whether a window begins and ends on the hour, by which rows are counted."""
    return (
        all(each == each.replace(minute=0, second=0, microsecond=0) for each in times) and times[1] - times[0] >= HOUR
    )


def measures(runs: Sequence[ModelRun]) -> list[str]:
    """The names of all that can be measured in these runs."""
    names = {each["name"] for run in runs for each in run.body.get("figures", ())}
    estimated = {each["name"] for run in runs for each in run.body.get("estimates", ())}
    ranges = RANGE if any(run.body.get("ranges") for run in runs) else ()
    return [*_COUNTS, *ranges, *sorted(names), *sorted(f"{side}:{each}" for each in estimated for side in _SIDES)]


def values_of(rule: Rule, runs: Iterable[ModelRun]) -> dict[Times, Mapping[str, float]]:
    """What the runs of another monitor measured, by window."""
    return {_times(each): _values(rule, each) for each in runs}


def _times(run: ModelRun) -> Times:
    return run.window_start, run.window_end


def _finding(rule: Rule, subject: str, judged: Sequence[Judged], last: ModelRun) -> Finding:
    latest, bad = judged[-1], sum(each.is_bad for each in judged)
    said = latest.said if rule.last == 1 else f"{latest.said}; {bad} of the last {len(judged)} windows"
    output = last.body.get("output")
    return Finding(
        subject, bad >= rule.count, said, latest.value, latest.limit, latest.score, last.id, last.window_end,
        worst=tuple(_worst(last, rule.condition.check)) if isinstance(rule.condition, Violations) else (),
        report=last.body.get("report") or (f"{output}/{_REPORT}" if output else ""),
        endpoint=last.body.get("endpoint", ""),
    )  # fmt: skip


def _judged(rule: Rule, points: Sequence[tuple[Times, float]], subject: str, beside: Beside) -> Iterator[Judged | None]:
    """Each window that the rule judges; None for one of which it can say nothing."""
    condition, series = rule.condition, [value for _, value in points]
    match condition:
        case Threshold():
            yield from (verdicts.beyond(condition, value) for value in series)
        case Change(to=None):
            for place in range(1, len(series)):
                yield verdicts.changed(condition, series[place], series[max(0, place - condition.windows) : place])
        case Change():
            for times, value in points:
                there = beside.get(times, {}).get(subject)
                yield None if there is None else verdicts.changed(condition, value, [there])
        case Anomaly():
            yield from _unusual(rule, condition, points)
        case Partial():
            yield from (_partial(condition, value, beside.get(times, {})) for times, value in points)
        case Violations():
            yield from (_violations(condition, value) for value in series)


def _unusual(rule: Rule, condition: Anomaly, points: Sequence[tuple[Times, float]]) -> Iterator[Judged | None]:
    """The last windows, each against its season or against those just before."""
    ago, known = _seasons(rule), dict(points)
    for place in range(max(0, len(points) - rule.last), len(points)):
        (start, end), value = points[place]
        times = [(start - each, end - each) for each in ago]
        before = [known[each] for each in times if each in known]
        if condition.season is Season.NONE:
            before = [each for _, each in points[max(0, place - condition.windows) : place]]
        yield verdicts.unusual(condition, value, before)


def _partial(condition: Partial, value: float, there: Mapping[str, float]) -> Judged | None:
    if CAPTURED in there:
        return verdicts.partial(condition, there[CAPTURED], there[CALLS], "calls")
    return verdicts.partial(condition, value, there.get(_OF_MODEL, 0.0))


def _violations(condition: Violations, value: float) -> Judged:
    which = "violations" if condition.check == ANY else f"violations of {condition.check}"
    said = "the run failed" if value == inf else f"{value:g} {which}"
    return Judged(min(value, 1e9), value >= condition.least, float(condition.least), min(value, 1e9), said)


_SIDES = {"estimated": "value", "realised": "realised"}
"""What a measure's name begins with -> the member of an estimate."""


def _values(rule: Rule, run: ModelRun) -> Mapping[str, float]:
    """Of each subject what the run measured; what is no number is left out."""
    condition = rule.condition
    if isinstance(condition, Violations):
        return {_OF_MODEL: inf if run.status == FAILED else _count(condition, run)}
    if isinstance(condition, Partial):
        is_fit = is_on_hour(_times(run))
        return {_OF_MODEL: float(run.body.get("rows", 0))} if is_fit else {}
    if not isinstance(condition, Threshold | Change | Anomaly):
        return {}
    side, _, name = condition.measure.partition(":")
    if condition.measure in _COUNTS:
        counted = run.violations if side == "violations" else run.body.get(side, 0 if side == "rows" else None)
        found: dict[str, Any] = {_OF_MODEL: counted}
    elif side in _SIDES and name:
        told = run.body.get("estimates", ())
        estimates = [each[_SIDES[side]] for each in told if each["name"] == name]
        found = {_OF_MODEL: estimates[0]} if estimates else {}
    elif condition.measure in RANGE and "ranges" in run.body:
        place = RANGE.index(condition.measure)
        found = {subject: told[place] for subject, told in run.body["ranges"].items()}
    else:
        told = run.body.get("figures", ())
        found = {each["subject"]: each["value"] for each in told if each["name"] == condition.measure}
    wanted = found if condition.subject == ANY else {condition.subject: found.get(condition.subject)}
    return {subject: float(value) for subject, value in wanted.items() if value is not None}


def _count(condition: Violations, run: ModelRun) -> float:
    if condition.check == ANY:
        return float(run.violations)
    return float(sum(each["check"] == condition.check for each in run.body.get("broken", ())))


def _worst(run: ModelRun, check: str) -> Iterator[str]:
    """The violations of a run in a line each, those first that are farthest beyond their limit, in limits."""
    yield from run.body.get("worst", ())
    broken = [each for each in run.body.get("broken", ()) if check in (ANY, each["check"])]
    for each in sorted(broken, key=_beyond, reverse=True)[:_WORST]:
        yield f"{each['subject']}: {each['said']}"[:300]


def _beyond(violation: Mapping[str, Any]) -> float:
    value, limit = violation.get("value"), violation.get("limit")
    return -1.0 if value is None or limit is None or not isfinite(value) else verdicts.far(value, limit)
