"""The values that an alert is about, window by window, with the bound that each was held against."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline.alerting import judging, states, watching
from driftline.alerting.conditions import InAlert
from driftline.alerting.finding import Finding
from driftline.alerting.rule import Rule
from driftline.catalog.alerting import State

WINDOWS = 60
"""So many of the last windows are shown."""


def values(tx: Connection, found: State, rule: Rule, now: datetime) -> list[Finding]:
    """What the rule says of the alert's subject after each of the last windows, as they are known now, in order.

    Empty for what is absent, as nothing was measured then, and where the monitor is gone.
    """
    watched = [each for each in watching.watched(tx, rule) if each.name == found.cause]
    if not watched or not rule.is_of_windows or isinstance(rule.condition, InAlert):
        return []
    narrow = _narrowed(rule, str(found.body.get("about", "")))
    runs = watching.trail(tx, narrow, watched[0], now, WINDOWS)
    beside = watching.beside(tx, narrow, runs)
    prefix = states.prefix_of(rule, found.cause)
    said = [each for _, after in list(judging.after_each(narrow, runs, beside))[-WINDOWS:] for each in after]
    return [each for each in said if states.key_of(prefix + each.subject) == found.subject]


def _narrowed(rule: Rule, subject: str) -> Rule:
    """The rule for one subject alone, if it looks at several: the others need not be judged."""
    condition: Any = rule.condition
    if not subject or "subject" not in {each.name for each in fields(condition)}:
        return rule
    return replace(rule, condition=replace(condition, subject=subject))
