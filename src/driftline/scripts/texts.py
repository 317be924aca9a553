"""Records in a block of text: lines, or rows of CSV whose quoted values hold line ends."""

from __future__ import annotations

from collections.abc import Iterator


def texts_of(data: bytes, kind: str) -> Iterator[tuple[int, str]]:
    r"""Every record with the number of line ends before it; empty lines are none.

    >>> list(texts_of(b'a,b\r\n\n1,"x\ny"\n2,z', "csv"))
    [(0, 'a,b'), (2, '1,"x\ny"'), (4, '2,z')]
    """
    lines = data.decode("utf-8", "replace").split("\n")
    if kind != "csv" or b'"' not in data:
        for place, line in enumerate(lines):
            if line and line != "\r":
                yield place, line.removesuffix("\r")
        return
    start, quotes = 0, 0
    for place, line in enumerate(lines):
        quotes += line.count('"')
        if quotes % 2 == 0 or place == len(lines) - 1:
            text = "\n".join(lines[start : place + 1]).removesuffix("\r")
            if text:
                yield start, text
            start, quotes = place + 1, 0
