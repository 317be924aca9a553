"""Where rows of CSV end: at line ends that do not stand between quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Places: TypeAlias = npt.NDArray[np.intp]

_LINE_END = 10
_BLANK = np.frombuffer(b"\r\n", np.uint8)


@dataclass(frozen=True, slots=True)
class Quoting:
    """What decides where rows end: characters of one byte each. A line that begins with `comment` is no row."""

    quote: str | None = '"'
    separator: str = ","
    escape: str | None = None
    comment: str | None = None

    def around(self) -> npt.NDArray[np.uint8]:
        """What stands before a quote that opens a value, and usually behind one that closes it."""
        return np.frombuffer(f"{self.separator}\r\n{self.quote or ''}".encode(), np.uint8)


def turns(data: bytes, quoting: Quoting) -> Places:
    r"""Places of the quotes that open and close values, in turn, if `data` begins with a row.

    A quote opens a value only at its beginning, as pyarrow sees it; elsewhere (`5" pipe`) it is a character like any
    other. Doubled quotes close and open again, or do neither. An escape and what it escapes are such a pair too.

    >>> turns(b'a,"b\n","c""d"\n', Quoting()).tolist(), turns(b'5" pipe,"x"\n', Quoting()).tolist()
    ([2, 5, 7, 9, 10, 12], [8, 10])
    >>> turns(b'#,"\na,"b\\""', Quoting(escape="\\", comment="#")).tolist()
    [6, 10]
    """
    if quoting.quote and not quoting.escape and not quoting.comment:
        if quoting.quote.encode() not in data:
            return np.empty(0, np.intp)
        text = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(text == ord(quoting.quote))
        proper = np.isin(text[places[::2] - 1], quoting.around())
        proper[0] |= places[0] == 0
        if proper.all():
            return places
    found: list[int] = []
    for match in _pattern(quoting).finditer(data):
        kind = match.lastgroup or "comment"
        if kind in ("value", "escaped"):
            start, stop = match.span(kind)
            found.append(start)
            if kind == "escaped" or match["close"]:
                found.append(stop - 1)
    return np.array(found, np.intp)


@lru_cache
def _pattern(quoting: Quoting) -> re.Pattern[bytes]:
    """Quoted values with what stands before them; escaped characters outside of them; comments."""
    kinds = []
    escape = re.escape((quoting.escape or "").encode())
    if quoting.quote:
        separator, quote = re.escape(quoting.separator.encode()), re.escape(quoting.quote.encode())
        inside = rb"[^%s%s]++|%s%s" % (quote, escape, quote, quote) + (rb"|%s." % escape if escape else b"")
        kinds.append(rb"(?:\A|[%s\r\n])(?P<value>%s(?:%s)*+(?P<close>%s)?)" % (separator, quote, inside, quote))
    if escape:
        kinds.append(rb"(?P<escaped>%s.)" % escape)
    if quoting.comment:
        kinds.append(rb"(?:\A|(?<=[\r\n]))(?P<comment>%s[^\r\n]*+)" % re.escape(quoting.comment.encode()))
    return re.compile(b"|".join(kinds), re.DOTALL)


def row_end(data: bytes, quoting: Quoting | None) -> int:
    r"""Where the last whole row ends: behind its line end; 0 if no row is whole. Without `quoting` lines are rows.

    >>> row_end(b'a,b\n1,"x\ny', Quoting()), row_end(b'a,b\n1,"x\ny', None)
    (4, 9)
    """
    end = data.rfind(b"\n")
    if quoting is None or end < 0:
        return end + 1
    quotes = turns(data, quoting)
    while end >= 0:
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0:
            return end + 1
        end = data.rfind(b"\n", 0, int(quotes[before - 1]))  # before the quote that opened: it comes ever nearer to 0
    return 0


def is_open(data: bytes, quoting: Quoting | None) -> bool:
    """Whether the last quote opens a value that is not closed."""
    return quoting is not None and len(turns(data, quoting)) % 2 == 1


def row_ends(data: bytes, quoting: Quoting | None) -> Places:
    r"""Where all rows end: behind their line ends, and at the end of the data. A CRLF ends a row and a blank one.

    >>> row_ends(b'a,b\n1,"x\ny"\n2', Quoting()).tolist()
    [4, 12, 13]
    """
    ends = np.flatnonzero(np.isin(np.frombuffer(data, np.uint8), _BLANK))
    if quoting is not None:
        ends = ends[np.searchsorted(turns(data, quoting), ends) % 2 == 0]
    ends = ends + 1
    return ends if len(ends) and ends[-1] == len(data) else np.append(ends, len(data))


def lines_of(data: bytes, quoting: Quoting | None) -> Places:
    r"""The line, from 0, on which each row begins that is not blank.

    >>> lines_of(b'a,b\n\n1,"x\ny"\n2,z\n', Quoting()).tolist()
    [0, 2, 4]
    """
    text = np.frombuffer(data, np.uint8)
    starts = np.concatenate([[0], row_ends(data, quoting)[:-1]])
    starts = starts[starts < len(data)]  # without data there is no row
    starts = starts[~np.isin(text[starts], _BLANK)]
    return np.searchsorted(np.flatnonzero(text == _LINE_END), starts)


def suspects(data: bytes, quoting: Quoting | None) -> list[tuple[int, int]]:
    r"""Quoted values over several lines with text behind the closing quote, each with the rest of its last line.

    So it looks where a quote was left open, and the next one, meant to open, closed it.

    >>> suspects(b'1,"x\n2,y\n3,"z"\n', Quoting()), suspects(b'1,"x\ny"\n', Quoting())
    ([(2, 14)], [])
    """
    if quoting is None or quoting.quote is None or len(quotes := turns(data, quoting)) < 2:
        return []
    text = np.frombuffer(data, np.uint8)
    opening, closing = quotes[: len(quotes) // 2 * 2].reshape(-1, 2).T
    apart = opening[1:] > closing[:-1] + 1  # where they touch, a quote is doubled
    opening, closing = opening[np.append(True, apart)], closing[np.append(apart, True)]
    opening, closing = opening[closing < len(data) - 1], closing[closing < len(data) - 1]
    odd = (text[opening] == ord(quoting.quote)) & ~np.isin(text[closing + 1], quoting.around())
    ends = np.append(np.flatnonzero(text == _LINE_END), len(data))
    last = np.searchsorted(ends, closing)
    found = odd & (np.searchsorted(ends, opening) < last)
    return list(zip(opening[found].tolist(), ends[last[found]].tolist(), strict=True))


def without_comments(data: bytes, quoting: Quoting) -> bytes:
    r"""The data with blank lines instead of comments, so that lines keep their numbers.

    >>> without_comments(b'#a\n1,"\n#b"\n', Quoting(comment="#"))
    b'\n1,"\n#b"\n'
    """
    return _pattern(quoting).sub(lambda match: b"" if match.lastgroup == "comment" else match[0], data)
