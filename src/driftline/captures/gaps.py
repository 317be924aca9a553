"""Records that could not be kept: counted by endpoint and reason, and told in the log without flooding it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock

log = logging.getLogger("driftline.captures")

_QUIET_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Gap:
    """So many records of a variant are missing, since the start of the process."""

    endpoint: str
    variant: str
    reason: str
    count: int


class Gaps:
    """What is missing so far; threads may share it."""

    def __init__(self) -> None:
        """Nothing is missing."""
        self._lock = Lock()
        self._counts: dict[tuple[str, str, str], int] = {}
        self._told: dict[tuple[str, str, str], float] = {}

    def add(self, endpoint: str, variant: str, reason: str, said: str = "") -> None:
        """One record more; `reason` is of a small set, `said` are the particulars."""
        key, now = (endpoint, variant, reason), time.monotonic()
        with self._lock:
            count = self._counts[key] = self._counts.get(key, 0) + 1
            if now - self._told.get(key, -_QUIET_SECONDS) < _QUIET_SECONDS:
                return
            self._told[key] = now
        lost = f"{count} record{'s' if count > 1 else ''} not captured so far"
        log.error("capture of %s/%s has a gap, %s: %s%s", endpoint, variant, lost, reason, f" ({said})" if said else "")

    def found(self) -> tuple[Gap, ...]:
        """All gaps since the start of the process."""
        with self._lock:
            return tuple(Gap(*key, count) for key, count in self._counts.items())
