"""Which windows of which monitors are to be looked at: those that are due, and those that late data have touched."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline.catalog import Catalog, modelmonitors
from driftline.catalog.modelmonitors import Kept
from driftline.errors import CallerError
from driftline.modelmonitors import following, latecomers
from driftline.modelmonitors.cadence import Cadence
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.modelmonitors.queueing import add_first
from driftline.settings import Settings

PATIENCE = timedelta(minutes=15)
"""So long a window that is due waits for files that were found and not yet read."""

_AT_ONCE = 200
"""Windows, and monitors, that are planned in one transaction."""


def plan(catalog: Catalog, now: datetime, settings: Settings) -> int:
    """Queue all windows that are due, those that late rows or labels have touched, and baselines; says how many."""
    made = 0
    with catalog.read() as tx:
        is_due = modelmonitors.is_due(tx, now)
    if is_due:
        with catalog.begin() as tx:
            made = plan_due(tx, now)
    return made + following.follow(catalog) + latecomers.plan_again(catalog, now, settings)


def plan_due(tx: Connection, now: datetime) -> int:
    """Queue the windows that are due and complete, each once, in their order; says how many.

    A window is complete when the files are read that had been found until it was due, or after some minutes.
    """
    made = 0
    for kept in modelmonitors.due(tx, now, _AT_ONCE):
        since = max(kept.next or now, kept.created)
        if now < since + PATIENCE and modelmonitors.waiting(tx, kept.model, since):
            continue
        try:
            with tx.begin_nested():
                made += _plan(tx, kept, now)
        except CallerError as error:  # one that cannot be planned must not keep the others from running
            body = {**kept.body, "trouble": str(error)}
            modelmonitors.put(tx, kept.model, kept.name, body=body, next=None)
    return made


def _plan(tx: Connection, kept: Kept, now: datetime) -> int:
    found = ModelMonitor.of(kept)
    if found.cadence is None or kept.next is None:
        modelmonitors.put(tx, kept.model, kept.name, next=None)
        return 0
    cadence, delay = Cadence.parse(found.cadence), timedelta(seconds=found.delay_seconds)
    times = cadence.times(kept.next - delay, now - delay, _AT_ONCE)
    made = sum(add_first(tx, found, found.window(scheduled), now) for scheduled in times)
    following = cadence.after(times[-1]) if times else cadence.after(now - delay)
    modelmonitors.put(tx, kept.model, kept.name, next=None if following is None else following + delay)
    return made
