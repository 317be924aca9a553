"""Labels that come late: windows are run again for them, less and less often the older they are."""

from __future__ import annotations

from datetime import datetime, timedelta

from driftline import schedules
from driftline.catalog import Catalog, executions, resources
from driftline.catalog.executions import LABELS, Execution
from driftline.errors import Conflict, DriftlineError
from driftline.processing.truth import prefix_of, truth_of
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window

TYPES = ("ModelQuality", "ModelBias")
MOST = 100
"""So many windows are looked after in one pass, the latest first."""

_DOUBLINGS = 20
"""A window that was run more often, by hand perhaps, waits no longer: some years of the shortest pause."""


class Latecomers:
    """Looks for labels that were not there when a window was run.

    Each run of a window waits twice as long for the next one, so that labels that trickle in for a month cost some
    fifteen runs, not one for each file. A look that finds nothing new is followed by the next after an eighth of the
    window's age.
    """

    def __init__(self, catalog: Catalog, access: Access, settings: Settings) -> None:
        """What was looked after is remembered by this object alone; a new one looks once more."""
        self._catalog, self._access, self._settings = catalog, access, settings
        self._looked: dict[str, datetime] = {}

    def look(self, now: datetime) -> int:
        """Queue a run of every window whose labels have changed; says of how many."""
        since = now - timedelta(days=self._settings.label_days)
        with self._catalog.read() as tx:
            found = executions.labelled(tx, since, TYPES)
        self._looked = {each.id: self._looked[each.id] for each in found if each.id in self._looked}
        busy = {each.schedule for each in found if each.is_open}  # its windows are run one after the other
        ended = [each for each in found if each.schedule not in busy and LABELS in each.body]
        count = 0
        for each in [each for each in ended if self._is_due(each, now)][:MOST]:
            if each.schedule not in busy and self._again(each, now):
                busy.add(each.schedule)
                count += 1
        return count

    def _is_due(self, each: Execution, now: datetime) -> bool:
        pause = timedelta(seconds=self._settings.label_poll_seconds) * 2 ** min(each.run, _DOUBLINGS)
        looked = self._looked.get(each.id)
        if looked is None:
            return bool(now - each.modified >= pause)
        return bool(now - looked >= max(pause, (looked - each.window_end) / 8))

    def _again(self, each: Execution, now: datetime) -> bool:
        self._looked[each.id] = now
        prefix = prefix_of(each.body["definition"])
        if prefix is None:
            return False
        try:
            labels = truth_of(prefix, Window(each.window_start, each.window_end), now, self._access)
        except DriftlineError:  # the next look may find the store again
            return False
        return labels.fingerprint != each.body[LABELS] and self._rerun(each, now)

    def _rerun(self, each: Execution, now: datetime) -> bool:
        """Queue the window once more, unless its schedule is gone, stopped or busy, or another worker was quicker."""
        with self._catalog.begin() as tx:
            schedule = resources.find(tx, schedules.KIND, each.schedule)
            if schedule is None or schedule.status != "Scheduled":
                return False
            if executions.open_of(tx, each.schedule):
                del self._looked[each.id]  # what runs now may be this window: look again at once
                return False
            if executions.next_run(tx, each.schedule, each.scheduled) != each.run + 1:
                return False
            try:
                schedules.rerun(tx, each.id, now, "labels")
            except Conflict:
                return False
        return True
