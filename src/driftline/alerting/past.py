"""The values that an alert is about, window by window, with the bound that each was held against."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline.alerting import judging, states
from driftline.alerting.judging import Finding
from driftline.alerting.rule import Absence, Rule
from driftline.catalog import alerting, modelmonitors
from driftline.catalog.alerting import Looks, State
from driftline.modelmonitors.monitor import ModelMonitor

WINDOWS = 60
"""So many of the last windows are shown."""


def values(tx: Connection, found: State, rule: Rule, now: datetime) -> list[Finding]:
    """What the rule says of the alert's subject after each of the last windows, as they are known now, in order.

    Empty for what is absent, as nothing was measured then, and where the monitor is gone.
    """
    watched = [ModelMonitor.of(each) for each in modelmonitors.of_model(tx, rule.model) if each.name == found.cause]
    if not watched or isinstance(rule.condition, Absence):
        return []
    narrow = _narrowed(rule, str(found.body.get("about", "")))
    depth = judging.depth(narrow)
    asked = Looks(rule.model, found.cause, judging.statuses(narrow))
    runs = judging.own(watched[0], alerting.looks(tx, asked, None, now, WINDOWS + depth))
    prefix = "" if rule.monitor else f"{found.cause}/"
    said = (
        each
        for place in range(max(0, len(runs) - WINDOWS), len(runs))
        for each in judging.judge(narrow, runs[max(0, place + 1 - depth) : place + 1])
    )
    return [each for each in said if states.key_of(prefix + each.subject) == found.subject]


def _narrowed(rule: Rule, subject: str) -> Rule:
    """The rule for one subject alone, if it looks at several: the others need not be judged."""
    condition: Any = rule.condition
    if not subject or "subject" not in {each.name for each in fields(condition)}:
        return rule
    return replace(rule, condition=replace(condition, subject=subject))
