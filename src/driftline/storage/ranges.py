"""A seekable stream over something that gives bytes by range, with read-ahead."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

FIRST = 256 * 1024
"""How many bytes the first request of a stream asks for: a small object whole, in one request."""

AHEAD = 1 << 20
"""How much is read ahead at first; doubles with every block read in order."""

LARGEST = 8 << 20
"""How much is read ahead at most, and the size of one request when all the rest is read."""

Fetch = Callable[[int, int], "ReadableBuffer"]


class Ranges(io.RawIOBase):
    """The bytes of one version of an object, fetched as they are asked for.

    `fetch(start, stop)` returns exactly those bytes or raises; `start < stop <= size`. `version` changes when the
    object does and names the bytes in caches. One thread at a time may read.
    """

    def __init__(self, fetch: Fetch, size: int, version: str, first: ReadableBuffer = b"") -> None:
        """`first` are the leading bytes if they are known already."""
        self.size = size
        self.version = version
        self._fetch = fetch
        self._block = memoryview(first)
        self._block_start = 0
        self._position = 0
        self._ahead = AHEAD

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move without reading; returns the new position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError(f"seek to {start + offset}, before the start")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill `buffer`; less only at the end of the object."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self.size - self._position)
        done = 0
        while done < wanted:
            piece = self._at_position(wanted - done)
            view[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return done

    def readall(self) -> bytes:
        """All the rest, in large requests."""
        rest = bytearray(max(0, self.size - self._position))
        self._ahead = LARGEST
        self.readinto(rest)
        return bytes(rest)

    def _at_position(self, wanted: int) -> memoryview:
        """At most `wanted` bytes from the position on, fetched unless they are here."""
        start = self._position - self._block_start
        if not 0 <= start < len(self._block):
            self._load(wanted)
            start = 0
        return self._block[start : start + wanted]

    def _load(self, wanted: int) -> None:
        in_order = self._position == self._block_start + len(self._block)
        self._ahead = min(LARGEST, self._ahead * 2) if in_order else max(AHEAD // 4, self._ahead // 2)
        stop = min(self.size, self._position + max(wanted, self._ahead))
        self._block = memoryview(self._fetch(self._position, stop)).cast("B")
        self._block_start = self._position


def stream(ranges: Ranges) -> BinaryIO:
    """A buffered stream over `ranges`; its `raw` is `ranges` itself."""
    return io.BufferedReader(ranges, buffer_size=64 * 1024)
