"""The seam between Driftline and the places where objects lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Object:
    """One stored object as a listing shows it; `size` in bytes, `modified` in UTC."""

    uri: str
    size: int
    etag: str = ""
    modified: datetime | None = None


class Storage(Protocol):
    """A place that holds objects under URIs.

    Every method raises `NotFound`, `Denied`, `Unreadable` or `StorageUnavailable` naming the URI (and for `Denied`
    the missing permission), never an exception of a driver.
    """

    def list(self, prefix: str) -> Iterator[Object]:
        """Every object below `prefix`, at any depth, in the byte order of the URIs; or the object itself."""
        ...

    def open(self, uri: str) -> BinaryIO:
        """A seekable binary stream that fetches ranges as they are read."""
        ...

    def put(self, uri: str, data: bytes) -> None:
        """Write the whole object atomically: readers see the old bytes or the new, never a part."""
        ...

    def put_if_absent(self, uri: str, data: bytes) -> bool:
        """Write only if nothing is there; False if something was."""
        ...

    def delete(self, uri: str) -> None:
        """Remove the object; nothing happens if there is none."""
        ...
