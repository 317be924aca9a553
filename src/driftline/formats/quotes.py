"""Where rows of CSV end: at line ends that do not stand between quotes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Places: TypeAlias = npt.NDArray[np.int64]

_LINE_END = 10
_BLANK = (10, 13)


@dataclass(frozen=True, slots=True)
class Quoting:
    """How values are quoted: the characters, each one byte."""

    quote: str = '"'
    separator: str = ","
    escape: str | None = None


def turns(data: bytes, quoting: Quoting) -> Places:
    r"""Places of the quotes that open and close values, in turn.

    A quote opens a value only at its beginning, as pyarrow sees it; elsewhere (`5" pipe`) it is a character like any
    other. Doubled quotes close and open again, or do neither.

    >>> turns(b'a,"b\n","c""d"\n', Quoting()).tolist(), turns(b'5" pipe,"x"\n', Quoting()).tolist()
    ([2, 5, 7, 9, 10, 12], [8, 10])
    """
    quote = quoting.quote.encode()
    if quote not in data:
        return np.empty(0, np.int64)
    text = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(text == quote[0])
    if quoting.escape is None:
        opening = places[::2]
        before = text[opening - 1]
        proper = np.isin(before, np.frombuffer(f"{quoting.separator}\r\n{quoting.quote}".encode(), np.uint8))
        if opening[0] == 0:
            proper[0] = True
        if proper.all():
            return places
    return _one_by_one(data, places, quoting)


def _one_by_one(data: bytes, places: Places, quoting: Quoting) -> Places:
    """The same where quotes stand within values."""
    starts = f"{quoting.separator}\r\n".encode()
    quote, escape = quoting.quote.encode()[0], (quoting.escape or "").encode()
    found: list[int] = []
    inside, doubled = False, -1
    for place in places.tolist():
        if place == doubled or (escape and _is_escaped(data, place, escape[0])):
            continue
        if inside:
            if data[place + 1 : place + 2] and data[place + 1] == quote:
                doubled = place + 1
                continue
            inside = False
        elif place and data[place - 1] not in starts:
            continue
        else:
            inside = True
        found.append(place)
    return np.array(found, np.int64)


def _is_escaped(data: bytes, place: int, escape: int) -> bool:
    """Whether an odd number of escapes stands before."""
    start = place
    while start and data[start - 1] == escape:
        start -= 1
    return (place - start) % 2 == 1


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
        end = data.rfind(b"\n", 0, int(quotes[before - 1]))
    return 0


def is_open(data: bytes, quoting: Quoting | None) -> bool:
    """Whether the last quote opens a value that is not closed."""
    return quoting is not None and len(turns(data, quoting)) % 2 == 1


def suspects(data: bytes, quoting: Quoting | None) -> Places:
    r"""Places of the quotes that open values over several lines that end with text behind the closing quote.

    So it looks where a quote was left open, and the next one, meant to open, closed it.

    >>> suspects(b'1,"x\n2,y\n3,"z"\n', Quoting()).tolist(), suspects(b'1,"x\ny"\n', Quoting()).tolist()
    ([2], [])
    """
    if quoting is None or quoting.quote.encode() not in data:
        return np.empty(0, np.int64)
    text, quotes = np.frombuffer(data, np.uint8), turns(data, quoting)
    closing = quotes[1::2]
    opening, closing = quotes[::2][: len(closing)][closing < len(data) - 1], closing[closing < len(data) - 1]
    usual = np.frombuffer(f"{quoting.separator}\r\n{quoting.quote}".encode(), np.uint8)
    odd = ~np.isin(text[closing + 1], usual)
    lines = [
        b"\n" in data[start:stop] for start, stop in zip(opening[odd].tolist(), closing[odd].tolist(), strict=True)
    ]
    return opening[odd][np.array(lines, np.bool_)]


def row_ends(data: bytes, quoting: Quoting | None) -> Places:
    r"""Where all rows end: behind their line ends, and at the end of the data.

    >>> row_ends(b'a,b\n1,"x\ny"\n2', Quoting()).tolist()
    [4, 12, 13]
    """
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _LINE_END)
    if quoting is not None:
        ends = ends[np.searchsorted(turns(data, quoting), ends) % 2 == 0]
    ends = ends + 1
    return ends if len(ends) and ends[-1] == len(data) else np.append(ends, len(data))


def lines_of(data: bytes, quoting: Quoting | None) -> npt.NDArray[Any]:
    r"""The line, from 0, on which each row begins that is not blank.

    >>> lines_of(b'a,b\n\n1,"x\ny"\n2,z\n', Quoting()).tolist()
    [0, 2, 4]
    """
    text = np.frombuffer(data, np.uint8)
    starts = np.concatenate([[0], row_ends(data, quoting)[:-1]])
    starts = starts[~np.isin(text[starts], _BLANK)]
    return np.searchsorted(np.flatnonzero(text == _LINE_END), starts)
