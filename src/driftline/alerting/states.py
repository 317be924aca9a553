"""States of what rules watch: judged window by window, flipped once, in one transaction for each model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from driftline.alerting import absence, judging, watching
from driftline.alerting.conditions import Absence, InAlert, Violations
from driftline.alerting.finding import Finding
from driftline.alerting.rule import SCHEDULES, Rule
from driftline.alerting.watching import Watched
from driftline.catalog import alerting, alerts, looks
from driftline.catalog.alerting import FIRING, OK, KeptRule, State
from driftline.catalog.resources import fold

_LONGEST = 200
"""Characters of a subject in a key."""
_MOST_SILENT = 20
_SLACK = timedelta(minutes=5)
"""Who notes the end of an execution may do so a little later than its time."""
_ANY_END = Violations(failed=True)
_OVER = "it is over"


@dataclass(frozen=True)
class Seen:
    """How far a rule has judged: the end of the last window of each monitor; whether more windows wait.

    `silent` says of which monitors nothing can be said yet, and why.
    """

    cursor: Mapping[str, str]
    more: bool = False
    silent: tuple[str, ...] = ()


def judge(tx: Connection, kept: KeptRule, now: datetime) -> bool:
    """Judge what has come since the rule looked last, and flip what changed; whether there is more to judge.

    Of several windows that wait only the first is judged, so that no flip is passed over.
    """
    rule = Rule.of(kept)
    known = {each.subject: each for each in alerting.states(tx, rule.model, rule.name)}
    seen = Seen(kept.cursor)
    if not rule.enabled:
        _close(tx, known.values(), now, "the rule is off")
    elif not rule.is_of_windows:
        found = list(absence.judge(tx, rule, watching.watched(tx, rule), now))
        _flip(tx, rule, _cause(rule), found, known, now)
        gone = {key_of(each.subject) for each in found}
        _close(tx, (each for key, each in known.items() if key not in gone), now, _OVER)
    else:
        watched = watching.watched(tx, rule)
        waiting = _waiting(tx, kept, rule, watched)
        silent = {each: said for each, said in _silent_before(kept).items() if each not in waiting}
        for each in watched:
            if each.name in waiting:
                judged = _changes if isinstance(rule.condition, InAlert) else _windows
                seen = judged(tx, rule, each, known, seen, now)
        names = {each.name for each in watched}
        kept_silent = tuple(f"{name}: {said}" for name, said in silent.items() if name in names)
        seen = replace(seen, silent=(*kept_silent, *seen.silent))
        _close(tx, (each for each in known.values() if each.cause not in names), now, f"its {_what(rule)} is gone")
    alerting.looked(tx, kept, None if seen.more else now, seen.cursor, seen.silent[:_MOST_SILENT])
    return seen.more


def close(tx: Connection, model: str, rule: str, now: datetime, why: str) -> None:
    """What fires for a rule does so no longer."""
    _close(tx, alerting.states(tx, model, rule), now, why)


def key_of(subject: str) -> str:
    """The subject as a key, of which databases take so many characters.

    >>> key_of("age"), len(key_of("a" * 1000))
    ('age', 217)
    """
    if len(subject) <= _LONGEST:
        return subject
    return f"{subject[:_LONGEST]}~{sha256(subject.encode()).hexdigest()[:16]}"


def _waiting(tx: Connection, kept: KeptRule, rule: Rule, watched: Sequence[Watched]) -> set[str]:
    """The names of what has to be judged: of many schedules only those of which executions have ended since."""
    names = {each.name for each in watched}
    if rule.model != SCHEDULES or kept.looked is None:
        return names
    ended = looks.modified_since(tx, kept.looked - _SLACK, judging.statuses(replace(rule, condition=_ANY_END)))
    return {each for each in names if fold(each) in ended}


def _silent_before(kept: KeptRule) -> dict[str, str]:
    told = (each.partition(": ") for each in kept.body.get("silent", ()))
    return {name: said for name, _, said in told}


def _cause(rule: Rule) -> str:
    """What alerts on what failed to come have in common."""
    condition = rule.condition
    return f"no {condition.of}" if isinstance(condition, Absence) else "rejected rows"


def _what(rule: Rule) -> str:
    return "schedule" if rule.model == SCHEDULES else "monitor"


def _windows(tx: Connection, rule: Rule, found: Watched, known: Mapping[str, State], seen: Seen, now: datetime) -> Seen:
    """Judge the next window of a monitor, or the last one again where there is none, as it may know more by now."""
    asked = found.asked(rule)
    told = seen.cursor.get(found.name)
    through = None if told is None else datetime.fromisoformat(told)
    until = looks.next_window(tx, asked, through) or through
    if until is None:
        return seen
    runs = watching.trail(tx, rule, found, until)
    beside = watching.beside(tx, rule, runs)
    findings = judging.judge(rule, runs, beside)
    _flip(tx, rule, found.name, findings, known, now, prefix=prefix_of(rule, found.name))
    own = [each for each in known.values() if each.cause == found.name] if runs else []
    gone = [each for each in own if judging.is_gone(rule, runs[-1], str(each.body["about"]))]
    _close(tx, gone, now, "it is no more among what the monitor measures, or among the worst of many columns")
    why = judging.why_silent(rule, runs, beside) if runs and not findings else None
    silent = seen.silent if why is None else (*seen.silent, f"{found.name}: {why}")
    more = seen.more or looks.next_window(tx, asked, until) is not None
    return Seen({**seen.cursor, found.name: until.isoformat()}, more, silent)


def _changes(tx: Connection, rule: Rule, found: Watched, known: Mapping[str, State], seen: Seen, now: datetime) -> Seen:
    """Follow the next change of a schedule's own alert; of a rule that is new, the last one."""
    told = seen.cursor.get(found.name)
    changes = alerts.changes_after(tx, found.name, None if told is None else int(told), 2)
    if not changes:
        return replace(seen, cursor={**seen.cursor, found.name: told or "0"})
    change = changes[0]
    body, fires = change.body, change.status == alerts.IN_ALERT
    said = f"{change.name} is {change.status}: {body.get('bad', 1)} of the last executions failed or found violations"
    finding = Finding(
        "alert", fires, said if fires else f"{change.name} is {change.status}", float(body.get("bad", 0)),
        run=body.get("execution"), score=1.0, worst=tuple(body.get("worst", ())), report=body.get("report") or "",
        endpoint=body.get("endpoint") or "",
    )  # fmt: skip
    _flip(tx, rule, found.name, [finding], known, now, prefix=prefix_of(rule, found.name))
    return Seen({**seen.cursor, found.name: str(change.id)}, seen.more or len(changes) > 1, seen.silent)


def prefix_of(rule: Rule, name: str) -> str:
    """What subjects begin with where a rule looks at several monitors, or schedules."""
    return f"{name}/" if rule.monitor is None and rule.schedule is None else ""


def _flip(
    tx: Connection, rule: Rule, cause: str, findings: Sequence[Finding], known: Mapping[str, State], now: datetime,
    prefix: str = "",
) -> None:  # fmt: skip
    """Write what changed; what fires on keeps its flip, and tells its latest value."""
    for each in findings:
        subject = key_of(prefix + each.subject)
        before = known.get(subject)
        if before is None:
            if each.fires:
                alerting.flip(tx, _new(rule, subject, cause, now), FIRING, each.to_dict(), now)
        elif each.fires != (before.state == FIRING):
            alerting.flip(tx, before, FIRING if each.fires else OK, each.to_dict(), now)
        elif each.fires and before.body != each.to_dict():
            alerting.change_state(tx, before.id, body=each.to_dict())


def _new(rule: Rule, subject: str, cause: str, now: datetime) -> State:
    identity = sha256(f"{rule.model}\0{rule.name}\0{subject}".encode()).hexdigest()[:32]
    return State(rule.model, rule.name, subject, identity, OK, OK, 0, cause, {}, now)


def _close(tx: Connection, known: Iterable[State], now: datetime, why: str) -> None:
    for each in known:
        if each.state == FIRING:
            alerting.flip(tx, each, OK, {**each.body, "said": why, "closed": why != _OVER}, now)
