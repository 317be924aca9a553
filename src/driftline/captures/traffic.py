"""Calls counted where they come in, in memory, and written to the catalog every second: never while a caller waits."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from threading import Event, Lock, Thread

from driftline.captures.journal import Journal
from driftline.catalog import Catalog
from driftline.catalog.traffic import Traffic, add, forget
from driftline.errors import Unavailable

log = logging.getLogger("driftline.captures")

SECONDS = 1.0
"""How often counts are written: before a run of their window begins (`delay_seconds`)."""


class Meter:
    """Counts calls by endpoint and hour; threads may share it. A kill costs the counts of the last second."""

    def __init__(self, catalog: Catalog, journal: Journal) -> None:
        """`journal` knows why calls could not be captured."""
        self._catalog, self._journal = catalog, journal
        self._lock = Lock()
        self._counted: dict[tuple[str, datetime], Traffic] = {}
        self._forgot: datetime | None = None
        self._ended = Event()
        self._thread: Thread | None = None

    def count(self, endpoint: str, at: datetime, captured: bool | None) -> None:
        """One call more; `captured` is None for one that was not to be captured."""
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        one = Traffic(1, int(captured is True), int(captured is False))
        with self._lock:
            self._counted[endpoint, hour] = self._counted.get((endpoint, hour), Traffic()).merge(one)

    def start(self) -> None:
        """Write counts from now on."""
        self._thread = Thread(target=self._run, name="driftline-traffic", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what was counted, and end."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self.write()

    def _run(self) -> None:
        while not self._ended.wait(SECONDS):
            self.write()

    def write(self) -> None:
        """Write what was counted; what the database does not take now is kept for the next time."""
        with self._lock:
            counted, self._counted = self._counted, {}
        if not counted:
            return
        reasons = {gap.endpoint: gap.reason for gap in self._journal.gaps}
        told = {
            key: found.merge(Traffic(reason=reasons.get(key[0]))) if found.dropped else found
            for key, found in counted.items()
        }
        try:
            with self._catalog.begin() as tx:
                add(tx, told)
                latest = max(hour for _, hour in told)
                if latest != self._forgot:
                    forget(tx, latest)
            self._forgot = latest
        except Unavailable as error:
            log.warning("calls counted are not written yet: %s", error)
            with self._lock:
                for key, found in self._counted.items():
                    counted[key] = counted.get(key, Traffic()).merge(found)
                self._counted = counted
