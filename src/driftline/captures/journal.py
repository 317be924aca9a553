"""The journal: records are safe from a kill of the process before their callers are answered, and stored soon after."""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Lock, Thread

from driftline.captures.flushing import THREADS, Flushing
from driftline.captures.gaps import Gap, Gaps
from driftline.captures.segments import Segment, Stream, free_bytes, look
from driftline.storage.access import Access

log = logging.getLogger("driftline.captures")

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """When the journal stores what it holds, and how much it holds at most.

    A segment is stored `seconds` after its first record, or when it has `segment_bytes`. While a destination cannot
    be reached its records are kept, up to `backlog_bytes` for each destination and as long as `reserve_bytes` of the
    disk stay free; what comes then is not captured, counted and told in the log. `open_segments` bounds the files
    that are open. `durable` waits at each record until the disk has it: records then outlive a power cut too, not
    only the end of the process, for some milliseconds a call.
    """

    seconds: float = 5.0
    segment_bytes: int = 4 * MIB
    backlog_bytes: int = 1024 * MIB
    reserve_bytes: int = 512 * MIB
    open_segments: int = 128
    durable: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What a journal did since it was opened: records taken and dropped, objects stored, attempts that failed.

    `backlog_bytes` is what waits in the folder, that of other processes too, as of the last look.
    """

    records: int
    dropped: int
    objects: int
    failures: int
    backlog_bytes: int


class Journal:
    """Records on their way to a storage, in a folder of the local disk; threads and processes may share the folder.

    A thread stores them; it begins with the first record, or with `start`. It stores what ended processes left in
    the folder, too, so all users of a folder must reach the same storage (`access`, and what the AWS tools read).
    """

    def __init__(self, folder: Path | str, *, access: Access | None = None, limits: Limits | None = None) -> None:
        """Open the folder, made if need be, for its owner alone; raises `OSError`."""
        self.folder, self.limits = Path(folder).absolute(), limits or Limits()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._gaps = Gaps()
        self._flushing = Flushing(self.folder, access or Access())
        self._lock, self._storing = Lock(), Lock()
        self._open: dict[Stream, Segment] = {}
        self._backlog: dict[str, int] = {}
        self._records = 0
        self._closed = False
        self._wake = Event()
        self._thread: Thread | None = None
        self._look()
        _journals.add(self)
        atexit.register(_close, weakref.ref(self))

    def append(self, stream: Stream, moment: datetime, line: bytes) -> bool:
        """Keep a record: once this returns True, the end of the process cannot lose it. Never waits for a storage.

        False if it could not be kept; that is counted, told in the log, and no error of the caller.
        """
        reason = self._refusal(stream, len(line))
        if reason is None:
            try:
                self._write(stream, moment, line)
            except OSError as error:
                reason = f"the journal cannot be written: {error.strerror or error}"
        if reason is not None:
            self.drop(stream.endpoint, stream.variant, reason)
            return False
        if not self._closed and (self._thread is None or not self._thread.is_alive()):
            self.start()
        return True

    def drop(self, endpoint: str, variant: str, reason: str) -> None:
        """Count and tell a record that was not captured."""
        self._gaps.add(endpoint, variant, reason, f"folder {self.folder}")

    def _refusal(self, stream: Stream, size: int) -> str | None:
        """Why a record of this size has no room."""
        if self._backlog.get(stream.digest, 0) + size > self.limits.backlog_bytes:
            return "the journal is full: its destination was not reachable for long"
        try:
            short = free_bytes(self.folder) - size < self.limits.reserve_bytes
        except OSError as error:
            return f"the journal cannot be written: {error.strerror or error}"
        return "the disk of the journal is nearly full" if short else None

    def _write(self, stream: Stream, moment: datetime, line: bytes) -> None:
        while True:
            segment = self._segment(stream, moment)
            try:
                if segment.append(line):
                    break
            except OSError:
                self._give_free(stream, segment)  # what is stored soon makes room on the disk
                raise
            self._forget(stream, segment)
        with self._lock:
            self._records += 1
            self._backlog[stream.digest] = self._backlog.get(stream.digest, 0) + len(line)
        if segment.size >= self.limits.segment_bytes or self._closed:
            self._give_free(stream, segment)

    def _give_free(self, stream: Stream, segment: Segment) -> None:
        """Write it no more, and have it stored now."""
        self._forget(stream, segment)
        segment.seal()
        self._wake.set()

    def _segment(self, stream: Stream, moment: datetime) -> Segment:
        with self._lock:
            segment = self._open.get(stream)
            if segment is None:
                if len(self._open) >= self.limits.open_segments:
                    self._open.pop(next(iter(self._open))).seal()
                segment = Segment.create(self.folder, stream, moment, durable=self.limits.durable)
                self._open[stream] = segment
            return segment

    def _forget(self, stream: Stream, segment: Segment) -> None:
        with self._lock:
            if self._open.get(stream) is segment:
                del self._open[stream]

    def start(self) -> None:
        """Store what is in the folder from now on, also what was left behind. Nothing happens if that goes on."""
        with self._lock:
            self._closed = False
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="driftline-captures", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = min(1.0, self.limits.seconds / 4)
        while not self._closed:
            self._turn()
            self._wake.wait(pause)
            self._wake.clear()
        self._turn()

    def _turn(self) -> None:
        """Store what is due; all there is when the journal is closed."""
        try:
            if self._closed:
                self.flush()
            else:
                self._seal(self.limits.seconds)
                self._store(patient=True)
        except OSError as error:
            log.error("the journal of captured data in %s cannot be read: %s", self.folder, error)

    def _seal(self, age_seconds: float) -> None:
        """Give segments of this age free, but those whose destination does not answer: they go on growing."""
        now = time.monotonic()
        with self._lock:
            due = [
                stream
                for stream, segment in self._open.items()
                if now - segment.born >= age_seconds and not self._flushing.waits(stream.digest)
            ]
            sealed = [self._open.pop(stream) for stream in due]
        for segment in sealed:
            segment.seal()

    def _look(self) -> list[Path]:
        """The segments in the folder but those that we write, oldest first; the backlog is what they hold."""
        found = look(self.folder)
        backlog: dict[str, int] = {}
        for left in found:
            backlog[left.digest] = backlog.get(left.digest, 0) + left.size
        with self._lock:
            self._backlog = backlog
            ours = {segment.path for segment in self._open.values()}
        return [left.path for left in found if left.path not in ours]

    def flush(self) -> bool:
        """Store what is there now, and wait for it; False if something is left, which is tried again later.

        Raises `OSError` if the folder cannot be read.
        """
        with self._lock:
            sealed = list(self._open.values())
            self._open.clear()
        for segment in sealed:
            segment.seal()
        return self._store(patient=False)

    def _store(self, *, patient: bool) -> bool:
        """Store what nobody writes; one thread at a time, so that whoever asks for it has waited for all of it."""
        with self._storing:
            found = self._look()
            if not found:
                return True
            done = self._flushing.store(found, patient=patient, threads=1 if self._closed else THREADS)
            self._look()
            return done

    def close(self, seconds: float = 10.0) -> None:
        """Store what is there and end the thread; wait `seconds` for it at most.

        What is left then, and what is appended later, is stored at the next start. So it is at a normal end of the
        process without `close`.
        """
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be captured since this journal was opened."""
        return self._gaps.found()

    @property
    def counts(self) -> Counts:
        """What it did so far."""
        dropped = sum(gap.count for gap in self._gaps.found())
        with self._lock:
            waiting = sum(self._backlog.values())
            return Counts(self._records, dropped, self._flushing.objects, self._flushing.failures, waiting)

    def _after_fork(self) -> None:
        """A forked process writes segments of its own, by a thread of its own."""
        for segment in self._open.values():
            segment.abandon()
        self._lock, self._storing, self._wake, self._gaps = Lock(), Lock(), Event(), Gaps()
        self._open, self._thread = {}, None
        self._flushing.reset()


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _close(journal: weakref.ref[Journal]) -> None:
    found = journal()
    if found is not None:
        found.close()


def _forked() -> None:
    for journal in list(_journals):
        journal._after_fork()


os.register_at_fork(after_in_child=_forked)
