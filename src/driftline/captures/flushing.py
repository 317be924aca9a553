"""Segments become objects: several at a time, each once, and again later where a storage does not answer."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread

from driftline.captures.segments import Claimed, Left, claim
from driftline.errors import DriftlineError
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

log = logging.getLogger("driftline.captures")

THREADS = 8
LARGE = 16 << 20
"""Segments of more bytes (single calls of many megabytes) are stored one at a time, so that memory stays bounded."""

_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 60.0


class Flushing:
    """Stores the segments of a folder, and remembers which destinations do not answer and when to ask them again."""

    def __init__(self, folder: Path, access: Access) -> None:
        """All destinations are asked."""
        self._folder, self._access = folder, access
        self.objects = self.failures = 0
        self.reset()

    def reset(self) -> None:
        """Forget which destinations do not answer."""
        self._lock, self._large = Lock(), Lock()
        self._failed: dict[str, tuple[int, float]] = {}

    def waits(self, digest: str) -> bool:
        """Whether a destination did not answer and is not asked now."""
        return time.monotonic() < self._failed.get(digest, (0, 0.0))[1]

    def store(self, paths: Sequence[Path], *, patient: bool = True, threads: int = THREADS) -> bool:
        """Store those that belong to nobody; False if some are left, because their destination does not answer.

        Destinations that lately did not answer are not asked if `patient`.
        """
        waiting, left = deque(paths), Event()
        work = (waiting, patient, left)
        others = [Thread(target=self._work, args=work, daemon=True) for _ in range(min(threads, len(paths)) - 1)]
        for thread in others:
            thread.start()
        self._work(*work)
        for thread in others:
            thread.join()
        return not left.is_set()

    def _work(self, waiting: deque[Path], patient: bool, left: Event) -> None:
        failed: set[str] = set()
        while waiting:
            try:
                path = waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            digest = Left(path, 0).digest
            if digest in failed or (patient and self.waits(digest)):
                left.set()
            elif not self._store(path, digest):
                failed.add(digest)
                left.set()

    def _store(self, path: Path, digest: str) -> bool:
        """Store one; False if its destination does not answer."""
        try:
            if path.stat().st_size <= LARGE:
                return self._put(path, digest)
            with self._large:
                return self._put(path, digest)
        except FileNotFoundError:
            return True  # somebody else stored it
        except OSError as error:
            self._fail(digest, str(path), error)
            return False

    def _put(self, path: Path, digest: str) -> bool:
        with claim(path) as found:
            if found is None:
                return True
            try:
                if found.data:
                    self._send(found)
            except DriftlineError as error:
                self._fail(digest, found.uri, error)
                return False
            path.unlink(missing_ok=True)
        if self._failed.pop(digest, None):
            log.warning("captured data are stored again at %s", found.destination)
        return True

    def _send(self, found: Claimed) -> None:
        storage_for(found.uri, self._access).put(found.uri, found.data, kms_key=found.kms_key)
        with self._lock:
            self.objects += 1

    def _fail(self, digest: str, where: str, error: Exception) -> None:
        with self._lock:
            self.failures += 1
            times, until = self._failed.get(digest, (0, 0.0))
            if time.monotonic() < until:  # another thread has told
                return
            pause = min(_FIRST_SECONDS * 2**times, _LONGEST_SECONDS)
            self._failed[digest] = (times + 1, time.monotonic() + pause)
        log.error("captured data wait in %s, again in %g s: %s: %s", self._folder, pause, where, error)
