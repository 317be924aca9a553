"""The seam between Driftline and the places where objects lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from driftline.errors import Invalid

PAGE = 1000
"""Objects of one answer of a store."""


@dataclass(frozen=True, slots=True)
class Object:
    """One stored object as a listing shows it; `size` in bytes, `modified` in UTC."""

    uri: str
    size: int
    etag: str = ""
    modified: datetime | None = None


def refuse_key(uri: str, kms_key: str | None) -> None:
    """For storages other than S3: raise `Invalid` if the object should be encrypted with a key of AWS KMS."""
    if kms_key:
        remedy = "Write to s3://, or leave the key out."
        raise Invalid(what=f"KMS key for {uri}", got=kms_key, expected="a key for objects of S3 only", remedy=remedy)


class Storage(Protocol):
    """A place that holds objects under URIs.

    Every method raises `NotFound`, `Denied`, `Unreadable` or `StorageUnavailable` naming the URI (and for `Denied`
    the missing permission), never an exception of a driver.
    """

    def list(self, prefix: str) -> Iterator[Object]:
        """Every object below `prefix`, at any depth, in the byte order of the URIs; or the object itself."""
        ...

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[Sequence[Object]]:
        """What `list` finds, page by page, a page for each answer of the store: memory does not grow with their number.

        The order is the store's own, always the same one: that of the keys at Amazon and in folders, while servers
        that keep keys as files list a folder before `a-b`. `after` is a URI, which need not exist: what lies behind it
        is listed; a folder's ends with a slash. Pages may be empty.
        """
        ...

    def open(self, uri: str) -> BinaryIO:
        """A seekable binary stream that fetches ranges as they are read."""
        ...

    def put(self, uri: str, data: bytes, *, kms_key: str | None = None) -> None:
        """Write the whole object atomically: readers see the old bytes or the new, never a part.

        `kms_key` is the key of AWS KMS (id, ARN or alias) that S3 encrypts the object with; raises `Invalid` where
        the storage knows no such keys.
        """
        ...

    def put_if_absent(self, uri: str, data: bytes) -> bool:
        """Write only if nothing is there; False if something was."""
        ...

    def delete(self, uri: str) -> None:
        """Remove the object; nothing happens if there is none."""
        ...
