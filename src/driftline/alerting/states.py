"""States of what rules watch: judged window by window, flipped once, in one transaction for each model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from driftline.alerting import absence, judging
from driftline.alerting.judging import Finding
from driftline.alerting.rule import Absence, Rule
from driftline.catalog import alerting, modelmonitors
from driftline.catalog.alerting import FIRING, OK, KeptRule, Looks, State
from driftline.modelmonitors.monitor import ModelMonitor

_LONGEST = 200
"""Characters of a subject in a key."""


@dataclass(frozen=True)
class Seen:
    """How far a rule has judged: the end of the last window of each monitor, and whether more windows wait."""

    cursor: Mapping[str, str]
    more: bool = False


def judge(tx: Connection, kept: KeptRule, now: datetime) -> bool:
    """Judge what has come since the rule looked last, and flip what changed; whether there is more to judge.

    Of several windows that wait only the first is judged, so that no flip is passed over.
    """
    rule = Rule.of(kept)
    known = {each.subject: each for each in alerting.states(tx, rule.model, rule.name)}
    watched = [ModelMonitor.of(each) for each in modelmonitors.of_model(tx, rule.model)]
    watched = [each for each in watched if judging.watches(rule, each)]
    seen = Seen(kept.cursor)
    if not rule.enabled:
        _close(tx, known.values(), now, "the rule is off")
    elif isinstance(rule.condition, Absence):
        found = list(absence.judge(tx, rule, watched, now))
        _flip(tx, rule, f"no {rule.condition.of}", found, known, now)
        gone = {key_of(each.subject) for each in found}
        _close(tx, (each for key, each in known.items() if key not in gone), now, "it is over")
    else:
        for each in watched:
            seen = _windows(tx, rule, each, known, seen, now)
        names = {each.name for each in watched}
        _close(tx, (each for each in known.values() if each.cause not in names), now, "its monitor is gone")
    alerting.looked(tx, kept, None if seen.more else now, seen.cursor)
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


def _windows(
    tx: Connection, rule: Rule, found: ModelMonitor, known: Mapping[str, State], seen: Seen, now: datetime
) -> Seen:
    """Judge the next window of a monitor, or the last one again where there is none, as it may know more by now."""
    asked = Looks(rule.model, found.name, judging.statuses(rule))
    told = seen.cursor.get(found.name)
    through = None if told is None else datetime.fromisoformat(told)
    until = alerting.next_window(tx, asked, through) or through
    if until is None:
        return seen
    runs = judging.own(found, alerting.looks(tx, asked, None, until, 2 * judging.depth(rule)))
    findings = judging.judge(rule, runs)
    _flip(tx, rule, found.name, findings, known, now, prefix="" if rule.monitor else f"{found.name}/")
    more = seen.more or alerting.next_window(tx, asked, until) is not None
    return Seen({**seen.cursor, found.name: until.isoformat()}, more)


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
            alerting.flip(tx, each, OK, {**each.body, "said": why}, now)
