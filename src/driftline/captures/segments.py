"""The journal's files: a segment is an object to be, kept on the local disk until it is stored.

Its first line tells where the object belongs, the rest are the object's bytes. A segment is locked while somebody
writes or stores it; the system lets go of the lock when that process ends, however it ends. So a segment that can be
locked belongs to nobody, and whoever locks it may store it. Where it belongs is settled before its first record: to
store it again after a kill writes the same bytes under the same key.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from driftline.captures.record import hour_of, object_name

log = logging.getLogger("driftline.captures")

SUFFIX = ".segment"
_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{12}-[0-9a-f-]{36}\.segment")
_PART = ".part"
_DAMAGED = ".damaged"
_FORGOTTEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls whose records may share objects: those of one variant of an endpoint, in one hour (UTC)."""

    destination: str
    endpoint: str
    variant: str
    hour: str
    kms_key: str | None = None

    @classmethod
    def at(cls, moment: datetime, destination: str, endpoint: str, variant: str, kms_key: str | None = None) -> Stream:
        """The stream of a call that came at `moment`."""
        return cls(destination, endpoint, variant, hour_of(moment), kms_key)

    def uri(self, moment: datetime, unique: str) -> str:
        """The key of an object whose first call came at `moment`.

        >>> moment = datetime(2024, 5, 6, 7, 22, 3, 16_900, tzinfo=UTC)
        >>> Stream.at(moment, "s3://b/captured", "churn", "AllTraffic").uri(moment, "5f62a63c")
        's3://b/captured/churn/AllTraffic/2024/05/06/07/22-03-016-5f62a63c.jsonl'
        """
        name = object_name(moment, unique)
        return f"{self.destination}/{self.endpoint}/{self.variant}/{self.hour}/{name}"

    @property
    def digest(self) -> str:
        """The destination in short, as names of segments have it."""
        return blake2b(self.destination.encode(), digest_size=6).hexdigest()


class Segment:
    """A segment that this process writes. Threads may share it."""

    def __init__(self, path: Path, descriptor: int, size: int, *, durable: bool) -> None:
        """`descriptor` is open and locked; `durable` waits for the disk at each record."""
        self.path, self.size = path, size
        self.born = time.monotonic()
        self._descriptor: int | None = descriptor
        self._durable = durable
        self._lock = Lock()

    @classmethod
    def create(cls, folder: Path, stream: Stream, moment: datetime, *, durable: bool) -> Segment:
        """A new segment for records from `moment` on; raises `OSError`.

        It gets its name once it is locked and knows where it belongs, so that nobody takes it for left behind.
        """
        unique = str(uuid.uuid4())
        path = folder / f"{moment.astimezone(UTC):%Y%m%dT%H%M%S}-{stream.digest}-{unique}{SUFFIX}"
        fresh = path.with_suffix(_PART)
        head = json.dumps({"uri": stream.uri(moment, unique), "kms_key": stream.kms_key}).encode() + b"\n"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(descriptor, head)
            fresh.rename(path)
            if durable:
                _flush_folder(folder)
        except OSError:
            os.close(descriptor)
            fresh.unlink(missing_ok=True)
            raise
        return cls(path, descriptor, len(head), durable=durable)

    def append(self, line: bytes) -> bool:
        """Hand a record to the operating system; False if the segment is sealed. Raises `OSError`.

        What could be written of a record only in part is taken back.
        """
        with self._lock:
            if self._descriptor is None:
                return False
            try:
                _write(self._descriptor, line)
                if self._durable:
                    os.fsync(self._descriptor)
            except OSError:
                self._take_back()
                raise
            self.size += len(line)
            return True

    def _take_back(self) -> None:
        """Cut off the part of a record; a segment that cannot be cut is not written again: readers leave its end."""
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, self.size)
        except OSError:
            os.close(self._descriptor)
            self._descriptor = None

    def seal(self) -> None:
        """Write it no more: from now on anybody may store it."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def abandon(self) -> None:
        """In a process that was forked: let go of what belongs to the parent, which holds the lock of the file on."""
        self._lock = Lock()
        self.seal()


@dataclass(frozen=True, slots=True)
class Left:
    """A segment as a look into the folder shows it."""

    path: Path
    size: int

    @property
    def digest(self) -> str:
        """Its destination in short."""
        return self.path.name.split("-", 2)[1]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A segment of nobody's, locked: the object that it is to be. `data` ends with a whole record."""

    path: Path
    uri: str
    kms_key: str | None
    data: bytes

    @property
    def destination(self) -> str:
        """The object without its last parts (endpoint, variant, hour and name)."""
        return self.uri.rsplit("/", 7)[0]


def look(folder: Path) -> list[Left]:
    """The segments in a folder, oldest first; what was begun and forgotten is removed."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if _NAME.fullmatch(entry.name):
                    found.append(Left(Path(entry.path), entry.stat().st_size))
                elif entry.name.endswith(_PART) and time.time() - entry.stat().st_mtime > _FORGOTTEN_SECONDS:
                    Path(entry.path).unlink()
    return sorted(found, key=lambda left: left.path.name)


@contextmanager
def claim(path: Path) -> Iterator[Claimed | None]:
    """The segment, ours for the length of a block; None if it is somebody's, or gone. Raises `OSError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield _read(path, descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, descriptor: int) -> Claimed | None:
    """What is in it; what a kill left of a last record is no record: its caller has had no answer."""
    if os.fstat(descriptor).st_nlink == 0:  # stored and removed between our look and our lock
        return None
    with os.fdopen(os.dup(descriptor), "rb") as file:
        head, _, data = file.read().partition(b"\n")
    try:
        found = json.loads(head)
    except ValueError:  # only a power cut does this: no kill can
        path.rename(path.with_suffix(_DAMAGED))
        log.error("the captured data in %s cannot be read: the disk lost their beginning", path.with_suffix(_DAMAGED))
        return None
    return Claimed(path, found["uri"], found["kms_key"], data[: data.rfind(b"\n") + 1])


def free_bytes(folder: Path) -> int:
    """What the disk has left for us."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
