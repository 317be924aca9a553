"""Text as blocks of whole rows, and files cut into parts of whole rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np

from driftline.formats.format import Item, Opener, Part
from driftline.formats.quotes import Quoting, is_open, row_end
from driftline.formats.text import Damaged, fill, plain_text
from driftline.problems import Problem

SIZE = 8 << 20
"""Bytes of a block, and of a part of a plain file."""

_LARGER = 1.25
"""What is left of a part may be so much larger than a block and is still read at once."""

_OPEN = 64 << 20
"""A row longer than this is taken for a quote that is never closed."""

_LONGEST = 512 << 20
"""A line longer than this is cut all the same; SageMaker's records hold payloads of up to 100 MB."""

_STEP = 1 << 20
"""Bytes read at once to cut a file: they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows of text in UTF-8; `first_line` counts from 1, `lines` are its line ends.

    `unclosed` are the places in `data` at which lines begin that are no rows, since a quote opens in them that nothing
    closes.
    """

    data: bytes
    first_line: int
    lines: int = 0
    unclosed: tuple[int, ...] = ()


def blocks_of(
    part: Part,
    opener: Opener,
    settings: Mapping[str, Any],
    *,
    quoting: Quoting | None = None,
    skip: int = 0,
    size: int = SIZE,
) -> Iterator[Block]:
    """The part as blocks of whole rows, without the first `skip` bytes of the text of the object.

    Raises `Unreadable` where a compressed file is damaged, after the whole rows before that.
    """
    with plain_text(part.uri, opener, settings) as stream:
        if part.start:
            skip = max(skip - part.start + stream.tell(), 0)
            stream.seek(part.start)
        left = None if part.stop is None else part.stop - stream.tell()
        passed = fill(stream, skip if left is None else min(skip, left))
        left = None if left is None else left - len(passed)
        rows = _Rows(part.first_line + line_ends(passed), quoting, closed=left is not None)
        last = left == 0
        while not last:
            want = rows.wanted(size)
            if left is not None and left <= want * _LARGER:
                want = left
            piece, damage = b"", None
            try:
                piece = fill(stream, want)
                last = len(piece) < want and not fill(stream, 1)
            except Damaged as error:
                damage = error
            if left is not None:
                left -= len(piece)
                last = last or left == 0
            yield from rows.more(piece, last=last)
            if damage:
                raise damage.at(part.uri, rows.line) from damage


class _Rows:
    """Pieces of text cut into blocks; carries what is not yet a whole row."""

    def __init__(self, line: int, quoting: Quoting | None, *, closed: bool) -> None:
        """With `closed`, whoever cut the part has seen that it ends with a row."""
        self.line = line
        self._quoting, self._closed, self._carried = quoting, closed, b""
        self._most = _OPEN if quoting else _LONGEST

    def wanted(self, size: int) -> int:
        """Bytes to read next: more and more while a row does not end, so that it is not copied too often."""
        return max(size, len(self._carried))

    def more(self, piece: bytes, *, last: bool) -> Iterator[Block]:
        """The whole rows up to the end of this piece; all that there is with the last one."""
        data = self._carried + piece if self._carried else piece
        ended = last and (self._closed or not is_open(data, self._quoting))
        whole = len(data) if ended else row_end(data, self._quoting)
        if whole:
            yield self._block(data[:whole])
            data = data[whole:]
        if data and (last or len(data) >= self._most):
            # All its line ends stand between quotes. So from a line that opens no quote the next line begins a row,
            # and where a line opens one, quotes are as they were, and nothing closes that one either: lines are rows.
            start, whole = 0, len(data) if last else data.rfind(b"\n") + 1 or len(data)
            while start < whole:
                stop = data.find(b"\n", start + SIZE, whole) + 1 or whole
                yield self._line_by_line(data[start:stop])
                start = stop
            data = data[whole:]
        self._carried = data

    def _line_by_line(self, data: bytes) -> Block:
        unclosed, start = [], 0
        for line in data.split(b"\n"):
            if is_open(line, self._quoting):
                unclosed.append(start)
            start += len(line) + 1
        return self._block(data, tuple(unclosed))

    def _block(self, data: bytes, unclosed: tuple[int, ...] = ()) -> Block:
        block = Block(data, self.line, line_ends(data), unclosed)
        self.line += block.lines
        return block


def line_ends(data: bytes) -> int:
    """How many there are; comparing all bytes at once is three times faster than `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == 10))


def cut_file(uri: str, opener: Opener, *, quoting: Quoting | None = None, piece: int = SIZE) -> tuple[Part, ...]:
    """A plain file as parts of about `piece` bytes that begin with a row, and end with one where they have a stop.

    Lines are taken for rows.
    """
    with opener(uri) as stream:
        return tuple(_parts(uri, stream, quoting, piece))


def _parts(uri: str, stream: BinaryIO, quoting: Quoting | None, piece: int) -> Iterator[Part]:
    start, line = 0, 1  # of the part
    end, lines = 0, 0  # of the whole rows in it
    carried = b""
    while read := fill(stream, max(min(_STEP, piece), len(carried))):
        data = carried + read
        whole = row_end(data, quoting)
        if end > start and end + whole - start > piece:
            yield Part(uri, start, end, rows=lines, size=end - start, first_line=line)
            start, line, lines = end, line + lines, 0
        end, lines, carried = end + whole, lines + line_ends(data[:whole]), data[whole:]
        if len(carried) > _OPEN:  # a quote that is not closed, or one long line: the rest is left to the reader
            yield Part(uri, start, size=stream.seek(0, 2) - start, first_line=line)
            return
    if carried:
        rows, size = lines + line_ends(carried) + 1, end + len(carried) - start
        yield Part(uri, start, rows=rows, size=size, first_line=line)
    elif end > start:
        yield Part(uri, start, end, rows=lines, size=end - start, first_line=line)


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
