"""When rules are looked at: after runs have ended, and every minute for what failed to come."""

from __future__ import annotations

from datetime import datetime, timedelta

from driftline.alerting import actions, delivering, digests, states, telling
from driftline.catalog import Catalog, alerting, deliveries
from driftline.catalog.deliveries import FAILED
from driftline.settings import Settings

EVERY = timedelta(minutes=1)
"""A rule is looked at so often, and sooner when a run of its model has ended."""

_LOST = timedelta(minutes=1)
_ROUNDS = 100
"""Windows that are judged in a row, each in a transaction of its own, before other things get their turn."""


def plan(catalog: Catalog, now: datetime, settings: Settings) -> int:
    """Judge by the rules that are due, and queue what is to be told; says how many messages that makes."""
    with catalog.read() as tx:
        due = alerting.due(tx, now - EVERY, now)
        is_lost = bool(deliveries.lost(tx, telling.WORK, now - _LOST, 1))
    made = digests.send_due(catalog, now, settings)  # they tell what was before
    made += sum(_look(catalog, model, now, settings) for model in due) + actions.act(catalog, now, settings)
    return made + (_requeue(catalog, now) if is_lost else 0)


def _look(catalog: Catalog, model: str, now: datetime, settings: Settings) -> int:
    """Judge by all rules of a model, window by window, each in one transaction with what is told of it."""
    made = 0
    for _ in range(_ROUNDS):
        with catalog.begin() as tx:
            more = [states.judge(tx, each, now) for each in alerting.rules(tx, model, lock=True)]
            made += telling.tell(tx, model, now, settings)
        if not any(more):
            break
    return made


def _requeue(catalog: Catalog, now: datetime) -> int:
    """Queue deliveries again whose worker ended too often while it sent them; what is old is given up."""
    with catalog.begin() as tx:
        found = deliveries.lost(tx, telling.WORK, now - _LOST)
        for each in found:
            if now - each.created >= delivering.GIVEN_UP:
                reason = each.reason or "no worker lived long enough to send it"
                deliveries.change(tx, each.id, status=FAILED, reason=reason, ended=now)
            else:
                telling.enqueue(tx, each, deliveries.message(tx, each.message).model, now)
    return len(found)
