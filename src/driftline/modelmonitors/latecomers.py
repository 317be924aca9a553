"""Rows and labels that come late: the windows they touch are looked at again, and earlier results are kept."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from driftline.catalog import Catalog, modelmonitors, modelruns
from driftline.catalog.modelmonitors import Kept, Touched
from driftline.catalog.modelruns import ModelRun
from driftline.imports import jobs
from driftline.modelmonitors.monitor import Basis, ModelMonitor
from driftline.modelmonitors.queueing import rerun
from driftline.modelmonitors.running import NO_BASELINE, NO_DATA
from driftline.settings import Settings
from driftline.window import HOUR, Window

_AT_ONCE = 50
_DOUBLINGS = 12
"""Windows that are touched again and again wait no longer than a few thousand times the shortest pause."""


@dataclass(frozen=True)
class Hours:
    """Hours that one environment's new rows or labels lie in, sorted, with the moment when they were known."""

    moments: Sequence[datetime]
    committed: datetime

    def meet(self, window: Window) -> bool:
        """Whether one of them is touched by the window.

        >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        >>> [Hours([noon], noon).meet(Window(noon + HOUR * at, noon + HOUR * (at + 1))) for at in (-1, 0, 1)]
        [False, True, False]
        """
        place = bisect_left(self.moments, window.start - HOUR + timedelta(microseconds=1))
        return place < len(self.moments) and self.moments[place] < window.end


def plan_again(catalog: Catalog, now: datetime, settings: Settings) -> int:
    """Queue a run of every window that was touched since it was looked at; says of how many."""
    with catalog.read() as tx:
        behind = modelmonitors.behind(tx, jobs.lane_of(""), _AT_ONCE)
    made = 0
    for model, name in behind:
        with catalog.begin() as tx:
            kept = modelmonitors.find(tx, model, name, lock=True)
            made += 0 if kept is None else _look(tx, kept, now, settings)
    return made


def _look(tx: Connection, kept: Kept, now: datetime, settings: Settings) -> int:
    """What came for one monitor since it was looked after last; noted in the same transaction as the runs."""
    batches = modelmonitors.touched(tx, jobs.lane_of(kept.model), kept.body.get("seen", 0))
    if not batches:
        return 0
    found = ModelMonitor.of(kept)
    own = [each for each in batches if found.wants_labels or each.content != "actuals"]
    made = _again(tx, found, _hours(own, found), now, settings)
    body = {**kept.body, "seen": batches[-1].number}
    window = found.against.window(Window(now, now + HOUR)) if found.against.basis is Basis.WINDOW else None
    if window is not None and any(each.meet(window) for each in _hours(own, found)):
        body["learnt"] = None  # the baseline's own rows have changed
        made += again_without_baseline(tx, found, now)
    modelmonitors.put(tx, kept.model, kept.name, body=body)
    return made


def _hours(batches: Iterable[Touched], found: ModelMonitor) -> list[Hours]:
    """The hours of the monitor's version and environment, batch by batch."""
    told = []
    for batch in batches:
        moments = {
            datetime.fromisoformat(hour).astimezone(UTC)
            for version, environment, hour in batch.hours
            if environment == str(found.environment) and (found.version is None or version in (None, found.version))
        }
        if moments:
            told.append(Hours(sorted(moments), batch.committed))
    return told


def _again(tx: Connection, found: ModelMonitor, news: Sequence[Hours], now: datetime, settings: Settings) -> int:
    if not news:
        return 0
    first, last = min(each.moments[0] for each in news), max(each.moments[-1] for each in news)
    by_window: dict[tuple[datetime, datetime], list[ModelRun]] = {}
    for each in modelruns.of_monitor(tx, found.model, found.name, first, last + HOUR):
        by_window.setdefault((each.window_start, each.window_end), []).append(each)
    made = 0
    for looks in by_window.values():
        latest, window = looks[-1], Window(looks[0].window_start, looks[0].window_end)
        known = [each for each in news if each.committed > latest.as_of and each.meet(window)]
        if latest.status == modelruns.PENDING or not known:
            continue  # what has not begun will read them
        since = max(window.end, looks[0].created)
        if min(each.committed for each in known) > since + timedelta(days=found.lookback_days):
            continue
        rerun(tx, latest, now, "late", _pause(latest, settings))
        made += 1
    return made


def _pause(latest: ModelRun, settings: Settings) -> float:
    """Each run of a window waits twice as long for the next, so that labels that trickle in cost few runs."""
    if latest.status in (NO_DATA, NO_BASELINE):
        return 0.0
    return float(settings.label_poll_seconds * 2 ** min(latest.run - 1, _DOUBLINGS))


def again_without_baseline(tx: Connection, found: ModelMonitor, now: datetime) -> int:
    """Queue the windows once more that had nothing to be compared with; says of how many."""
    last: dict[tuple[datetime, datetime], ModelRun] = {}
    for each in modelruns.of_monitor(tx, found.model, found.name):
        last[each.window_start, each.window_end] = each
    waiting = [each for each in last.values() if each.status == NO_BASELINE]
    for each in waiting:
        rerun(tx, each, now, "baseline")
    return len(waiting)
