"""Runs that are queued: by hand for any window, for past windows, once more, and the first look at a window."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import modelmonitors, modelruns, work
from driftline.catalog.modelruns import ModelRun
from driftline.errors import Conflict, Invalid
from driftline.modelmonitors.cadence import Cadence
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.modelmonitors.running import WORK, versions_of
from driftline.window import Window

MOST = 10_000
"""Windows that one back-fill looks at: more than the hours of a year."""


def run_now(
    tx: Connection, model: str, name: str, now: datetime, window: Window | None = None, *,
    as_of: datetime | None = None, **narrowed: Any,
) -> ModelRun:  # fmt: skip
    """Look at a window, the last one of the cadence if none is named; what is queued is its next run.

    `narrowed` are another `version`, `environment` or `where`; `as_of` looks at what was known then. Raises `Invalid`
    for a window that is not over yet or of which nothing says how long it is.
    """
    found = ModelMonitor.of(modelmonitors.get(tx, model, name, lock=True)).only(**narrowed)
    versions_of(tx, found)
    window = window or found.window(_last(found, now))
    if as_of is not None and as_of > now:
        raise Invalid(what="as_of", got=as_of.isoformat(), expected="a time in the past")
    told = {} if as_of is None else {"as_of": as_of.isoformat()}
    return _again(tx, found, window, now, "now", told)


def backfill(tx: Connection, model: str, name: str, since: datetime, until: datetime, now: datetime) -> list[ModelRun]:
    """Look at the windows of all scheduled times in (since, until], in order, whether they were looked at or not.

    Raises `Invalid` for a range that is none, reaches into the future, or holds too many, and without a cadence.
    """
    found = ModelMonitor.of(modelmonitors.get(tx, model, name, lock=True))
    if found.cadence is None:
        raise Invalid(what="monitor", got=name, expected="one with a cadence", remedy="Name one window instead.")
    if not since < until <= now:
        got = f"{since.isoformat()} to {until.isoformat()}"
        raise Invalid(what="range", got=got, expected="a start before the end, both in the past")
    times = Cadence.parse(found.cadence).times(since + timedelta(microseconds=1), until, MOST + 1)
    if len(times) > MOST:
        raise Invalid(what="range", got=f"{since.isoformat()} to {until.isoformat()}", expected=f"{MOST} windows")
    return [_again(tx, found, found.window(scheduled), now, "backfill", {}) for scheduled in times]


def rerun(tx: Connection, before: ModelRun, now: datetime, origin: str = "rerun", pause: float = 0.0) -> ModelRun:
    """The same window once more, with the settings it had, and what is known by then."""
    run = modelruns.next_run(tx, before.model, before.monitor, before.window_start, before.window_end)
    body = {"asked": before.body["asked"], "kind": before.body["kind"], "origin": origin}
    made = replace(
        before, id=str(uuid.uuid4()), run=run, created=now, as_of=now, status=modelruns.PENDING, violations=0,
        reason=None, body=body, ended=None,
    )  # fmt: skip
    return queue(tx, made, now, pause)


def add_first(tx: Connection, found: ModelMonitor, window: Window, now: datetime) -> bool:
    """Queue the first look at a window; False if there was one."""
    made = made_run(found, window, 1, now, "schedule")
    if not modelruns.add(tx, made):
        return False
    work.enqueue(tx, WORK, made.id, now=now, lane=lane_of(found.model, found.name))
    return True


def queue(tx: Connection, made: ModelRun, now: datetime, pause: float = 0.0) -> ModelRun:
    """Keep a run and the work that does it; raises `Conflict` if somebody else added it at this moment."""
    if not modelruns.add(tx, made):
        reason = f"run {made.run} of {made.window_start.isoformat()} was added meanwhile"
        raise Conflict(what="run of", name=made.monitor, reason=reason, remedy="Try again.")
    after = now + timedelta(seconds=pause)
    lane = None if pause else lane_of(made.model, made.monitor)  # what waits in a lane holds up all behind it
    work.enqueue(tx, WORK, made.id, now=now, run_after=after, lane=lane)
    return made


def made_run(
    found: ModelMonitor, window: Window, run: int, now: datetime, origin: str, told: Mapping[str, Any] | None = None
) -> ModelRun:
    """A run that is yet to be done; the settings are kept as they are now."""
    return ModelRun(
        id=str(uuid.uuid4()),
        model=found.model,
        monitor=found.name,
        version=found.version or "",
        environment=str(found.environment),
        window_start=window.start,
        window_end=window.end,
        as_of=now,
        run=run,
        created=now,
        body={"asked": found.asked(), "kind": found.kind, "origin": origin, **(told or {})},
    )


def lane_of(model: str, name: str) -> str:
    """Runs of one monitor are done one after the other, so that estimates learn from those before."""
    return f"monitor:{model}/{name}"[:256]


def _again(
    tx: Connection, found: ModelMonitor, window: Window, now: datetime, origin: str, told: Mapping[str, Any]
) -> ModelRun:
    if window.start >= now:
        got = window.start.isoformat()
        raise Invalid(what="window", got=got, expected="a start in the past", remedy="Nothing can be there yet.")
    run = modelruns.next_run(tx, found.model, found.name, window.start, window.end)
    return queue(tx, made_run(found, window, run, now, origin, told), now)


def _last(found: ModelMonitor, now: datetime) -> datetime:
    """The latest scheduled time that has passed; now without a cadence."""
    if found.cadence is None:
        return now
    cadence = Cadence.parse(found.cadence)
    if cadence.every is not None:
        following = cadence.after(now)
        assert following is not None
        return following - cadence.every
    assert cadence.cron is not None
    last = cadence.cron.last_before(now + timedelta(microseconds=1))
    if last is None:
        raise Invalid(what="cadence", got=found.cadence, expected="one that has been due already")
    return last
