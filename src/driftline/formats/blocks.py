"""Text as blocks of whole rows: decompressed, in UTF-8, cut where a row ends."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np

from driftline.errors import Invalid, Unreadable
from driftline.formats.format import Item, Opener, Part
from driftline.problems import Problem

SIZE = 8 << 20
"""Bytes of a block."""

_MOST = 16
"""A row longer than this many blocks is taken for a quote that is never closed."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, OSError)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows of text in UTF-8; `first_line` counts from 1, `lines` are its line ends."""

    data: bytes
    first_line: int
    lines: int = 0


@contextmanager
def plain_text(uri: str, opener: Opener, settings: Mapping[str, Any]) -> Iterator[BinaryIO]:
    """The object as UTF-8 without a mark: decompressed by its first bytes, transcoded by its mark or the setting
    `encoding`.
    """
    with opener(uri) as raw:
        head = raw.read(4)
        raw.seek(0)
        packed = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
        try:
            yield _text(uri, raw, packed, head, settings)
        except _DAMAGE as error:
            if packed is None:
                raise
            raise _damaged(uri, error) from error


def _text(uri: str, raw: BinaryIO, packed: str | None, head: bytes, settings: Mapping[str, Any]) -> BinaryIO:
    stream = _unpacked(raw, packed)
    mark = stream.read(3) if packed else head[:3]
    encoding, skip = _encoding(mark, settings, uri)
    if packed:
        stream = _Chained(mark[skip:], stream)  # type: ignore[assignment]
    else:
        stream.seek(skip)
    return stream if encoding == "utf-8" else _transcoded(stream, encoding)


def _damaged(uri: str, error: Exception, line: int | None = None) -> Unreadable:
    reason = f"the compressed data is cut off or damaged ({error})"
    return Unreadable(uri=uri, line=line, reason=reason, remedy="Upload the file again.")


def is_compressed(head: bytes) -> bool:
    """Whether these first bytes are of a compressed file."""
    return any(head.startswith(magic) for magic, _ in _MAGIC)


def _unpacked(raw: BinaryIO, packed: str | None) -> BinaryIO:
    if packed == "gzip":
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if packed == "bz2":
        return bz2.BZ2File(raw)  # type: ignore[return-value]
    if packed == "zstd":
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")  # type: ignore[no-any-return]
    return raw


def _encoding(mark: bytes, settings: Mapping[str, Any], uri: str) -> tuple[str, int]:
    """The encoding, and how many bytes of a mark to pass over."""
    for known, name in _MARKS:
        if mark.startswith(known):
            return name, len(known)
    given = str(settings.get("encoding", "utf-8"))
    try:
        name = codecs.lookup(given).name
    except LookupError as error:
        what = f"encoding of {uri}"
        raise Invalid(what=what, got=given, expected="a name such as utf-8, latin-1 or cp1252") from error
    return ("utf-8", 0) if name in ("ascii", "utf-8") else (name, 0)


class _Chained(io.RawIOBase):
    """A few bytes that were read ahead, and the rest of a stream."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first, self._rest = first, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        first, self._first = self._first, b""
        return first + self._rest.read(size if size < 0 else max(size - len(first), 0))


class _Transcoded(io.RawIOBase):
    """Text of any encoding as UTF-8; what is not of that encoding becomes the replacement character."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while True:
            piece = self._stream.read(size)
            text = self._decoder.decode(piece, final=not piece)
            if text or not piece:
                return text.encode()


def _transcoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    return _Transcoded(stream, encoding)  # type: ignore[return-value]


def blocks_of(
    part: Part, opener: Opener, settings: Mapping[str, Any], *, quote: bytes, size: int = SIZE
) -> Iterator[Block]:
    """The part as blocks of whole rows. A line end between `quote`s (none if empty) ends no row.

    Raises `Unreadable` where a compressed file is damaged, after the blocks before that.
    """
    with plain_text(part.uri, opener, settings) as stream:
        # offsets count the bytes of the file: a mark that was passed over belongs to the first part
        left = None if part.stop is None else part.stop - (part.start or stream.tell())
        if part.start:
            stream.seek(part.start)
        carried, line = b"", part.first_line
        while True:
            piece = _read(stream, size if left is None else min(size, left), part.uri, line)
            left = None if left is None else left - len(piece)
            data = carried + piece
            if not piece:
                if data:
                    yield Block(data, line, line_ends(data))
                return
            # a quote that is never closed would gather the rest of the file: then line ends count after all
            cut = row_end(data, quote=quote if len(data) < _MOST * size else b"")
            carried = data[cut:]
            if cut:
                whole = data[:cut]
                lines = line_ends(whole)
                yield Block(whole, line, lines)
                line += lines


def _read(stream: BinaryIO, size: int, uri: str, line: int) -> bytes:
    try:
        return stream.read(size)
    except _DAMAGE as error:
        raise _damaged(uri, error, line) from error


def line_ends(data: bytes) -> int:
    """How many there are; comparing all bytes at once is three times faster than `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == 10))


def row_end(data: bytes, *, quote: bytes) -> int:
    r"""Where the last whole row of the bytes ends: behind its line end; 0 if no row is whole.

    A line end between quotes ends no row: an odd number of quotes stands before it.

    >>> row_end(b'a,b\n1,"x\ny', quote=b'"')
    4
    """
    end = data.rfind(b"\n")
    before = data.count(quote, 0, max(end, 0)) if quote else 0
    while end >= 0 and before % 2:
        above = data.rfind(b"\n", 0, end)
        before -= data.count(quote, max(above, 0), end)
        end = above
    return end + 1


def cut_file(uri: str, opener: Opener, *, quote: bytes, piece: int) -> tuple[Part, ...]:
    """A plain file as parts of about `piece` bytes that begin and end with a row; lines are taken for rows."""
    parts: list[Part] = []
    at, line, carried = 0, 1, b""
    with opener(uri) as stream:
        while data := carried + (read := stream.read(piece)):
            cut = row_end(data, quote=quote) if read else len(data)
            if cut:
                lines = line_ends(data[:cut])
                parts.append(Part(uri, at, at + cut, rows=lines, size=cut, first_line=line))
                at, line = at + cut, line + lines
            carried = data[cut:]
            if not read:
                break
    return tuple(parts)


def cut_unread(uri: str, size: int, opener: Opener, piece: int) -> tuple[Part, ...]:
    """A large plain file as parts that begin and end with a line, without reading it; `first_line` 0 says so."""
    cuts = [0]
    with opener(uri) as stream:
        while cuts[-1] < size:
            cuts.append(_line_start(stream, min(cuts[-1] + piece, size)))
    return tuple(Part(uri, at, stop, size=stop - at, first_line=0) for at, stop in pairwise(cuts))


def _line_start(stream: BinaryIO, at: int) -> int:
    """Behind the first line end from `at` on; the end of the stream if there is none."""
    stream.seek(at)
    while chunk := stream.read(1 << 16):
        end = chunk.find(b"\n")
        if end >= 0:
            return at + end + 1
        at += len(chunk)
    return at


def numbered(items: Iterator[Item], part: Part, opener: Opener) -> Iterator[Item]:
    """The items, problems with their line in the file: lines before the part are counted only if one needs it."""
    before: int | None = None
    for item in items:
        if part.first_line or not isinstance(item, Problem) or item.line is None:
            yield item
            continue
        before = _lines_before(part, opener) if before is None else before
        yield replace(item, line=before + item.line + 1)


def _lines_before(part: Part, opener: Opener) -> int:
    lines, left = 0, part.start
    with opener(part.uri) as stream:
        while left and (data := stream.read(min(SIZE, left))):
            lines, left = lines + line_ends(data), left - len(data)
    return lines
