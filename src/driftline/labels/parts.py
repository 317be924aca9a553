"""The objects that a merge leaves: parts of folders of hours, with names that are the same each time."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, uuid5

from driftline.errors import NotFound
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

SIZE = 64 << 20
"""Bytes of an object; so much is held in memory."""

_PART = re.compile(r"part-(\d{5})-[0-9a-f-]{36}\.c000\.jsonl")


class Parts:
    """Lines for one folder after the other, written in parts.

    A folder that was written before is written anew: the names depend on the folder and the owner only, and parts that
    are left over from then are removed. Those of another owner stay as they are.
    """

    def __init__(self, root: str, access: Access, size: int = SIZE, owner: str = "") -> None:
        """`root` is the URI above all folders; parts have about `size` bytes and belong to `owner`."""
        self._root, self._access, self._size, self._owner = root.rstrip("/"), access, size, owner
        self._folder: str | None = None
        self._waiting: list[bytes] = []
        self._length = self._number = 0
        self.written: list[str] = []

    def open(self, folder: str) -> None:
        """What is added from now on is of this folder, a path below the root."""
        if folder != self._folder:
            self.close()
            self._folder = folder

    def add(self, data: bytes) -> None:
        """More whole lines."""
        self._waiting.append(data)
        self._length += len(data)
        if self._length >= self._size:
            self._write()

    def close(self) -> None:
        """The folder is complete."""
        if self._folder is None:
            return
        if self._waiting:
            self._write()
        self._remove_rest()
        self._folder, self._number = None, 0

    def _write(self) -> None:
        uri = self._uri(self._number)
        storage_for(uri, self._access).put(uri, b"".join(self._waiting), kms_key=self._access.kms_key)
        self.written.append(uri)
        self._waiting, self._length, self._number = [], 0, self._number + 1

    def _uri(self, number: int) -> str:
        name = uuid5(NAMESPACE_URL, f"{self._owner} {self._folder or ''}")
        return f"{self._prefix()}part-{number:05d}-{name}.c000.jsonl"

    def _prefix(self) -> str:
        return f"{self._root}/{self._folder}/" if self._folder else f"{self._root}/"

    def _remove_rest(self) -> None:
        storage = storage_for(self._prefix(), self._access)
        try:
            found = [each.uri for each in storage.list(self._prefix())]
        except NotFound:
            return
        for uri in found:
            name = _PART.fullmatch(uri.rpartition("/")[2])
            if name and int(name[1]) >= self._number and uri == self._uri(int(name[1])):
                storage.delete(uri)
