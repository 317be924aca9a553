"""Labels that come late: windows are run again for them, less and less often the older they are."""

from __future__ import annotations

from datetime import datetime, timedelta

from driftline import schedules
from driftline.catalog import Catalog, executions, resources
from driftline.catalog.executions import LABELS, Execution
from driftline.errors import DriftlineError, NotFound
from driftline.processing.truth import prefix_of, truth_of
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window

TYPES = ("ModelQuality", "ModelBias")
MOST = 100
"""So many windows are looked after in one pass, the latest first."""


class Latecomers:
    """Looks for labels that were not there when a window was run.

    A window is looked after when as much time has passed since the last look as between its end and that look, so
    a window of a month ago costs no more than ten looks and ten runs, however often labels come.
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
        waiting = [each for each in found if not each.is_open and LABELS in each.body and self._is_due(each, now)]
        return sum(self._again(each, now) for each in waiting[:MOST])

    def _is_due(self, each: Execution, now: datetime) -> bool:
        last = self._looked.get(each.id, each.modified)
        pause = max(timedelta(seconds=self._settings.label_poll_seconds), last - each.window_end)
        return now - last >= pause

    def _again(self, each: Execution, now: datetime) -> bool:
        self._looked[each.id] = now
        prefix = prefix_of(each.body["definition"])
        if prefix is None:
            return False
        try:
            labels = truth_of(prefix, Window(each.window_start, each.window_end), now, self._access)
        except DriftlineError:  # the next look may find the store again
            return False
        if labels.fingerprint == each.body[LABELS]:
            return False
        with self._catalog.begin() as tx:
            try:
                schedule = resources.get(tx, schedules.KIND, each.schedule)
            except NotFound:
                return False
            if schedule.status != "Scheduled":
                return False
            if executions.open_of(tx, each.schedule):
                del self._looked[each.id]  # what runs now may be this window: look again at once
                return False
            schedules.rerun(tx, each.id, now, "labels")
        return True
