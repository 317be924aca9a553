"""Date patterns: Java's letters, as Spark takes them, into the signs of strftime."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

SIGNS = {
    "yyyy": "%Y", "uuuu": "%Y", "y": "%Y", "u": "%Y", "yy": "%y",
    "MMMM": "%B", "LLLL": "%B", "MMM": "%b", "LLL": "%b", "MM": "%m", "M": "%-m",
    "dd": "%d", "d": "%-d", "DDD": "%j", "D": "%-j",
    "EEEE": "%A", "EEE": "%a", "EE": "%a", "E": "%a", "a": "%p",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I",
    "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f",
    "XXX": "%z", "XX": "%z", "X": "%z", "Z": "%z", "xxx": "%z",
}  # fmt: skip
"""Java's letters -> strftime's sign, as DuckDB has it."""


_SHAPES = {
    "%Y": r"\d{4}", "%y": r"\d\d", "%B": "[A-Za-z]+", "%b": "[A-Za-z]{3}", "%m": r"\d\d", "%-m": r"\d\d?",
    "%d": r"\d\d", "%-d": r"\d\d?", "%j": r"\d{3}", "%-j": r"\d{1,3}", "%A": "[A-Za-z]+", "%a": "[A-Za-z]{3}",
    "%p": "[AaPp][Mm]", "%H": r"\d\d", "%-H": r"\d\d?", "%I": r"\d\d", "%-I": r"\d\d?", "%M": r"\d\d",
    "%-M": r"\d\d?", "%S": r"\d\d", "%-S": r"\d\d?", "%g": r"\d{3}", "%f": r"\d{6}", "%z": r"Z|[+-]\d\d(:?\d\d)?",
}  # fmt: skip
"""strftime's sign -> the texts it reads; DuckDB by itself would read more than Java does."""

Fault = Callable[[str, str], Exception]


def strftime_pattern(pattern: str, fault: Fault) -> str:
    """The same pattern for DuckDB; raises what `fault(letters, expected)` makes for letters that have no sign there.

    >>> strftime_pattern("yyyy-MM-dd'T'HH:mm", lambda got, said: ValueError(got))
    '%Y-%m-%dT%H:%M'
    """
    return "".join(piece if signed else piece.replace("%", "%%") for signed, piece in _pieces(pattern, fault))


def pattern_shape(pattern: str, fault: Fault) -> str:
    """The regular expression of what the pattern reads; raises as `strftime_pattern` does.

    >>> pattern_shape("d.M.yy", lambda got, said: ValueError(got)).replace(chr(92), "/")
    '(/d/d?)/.(/d/d?)/.(/d/d)'
    """
    return "".join(f"({_SHAPES[piece]})" if signed else re.escape(piece) for signed, piece in _pieces(pattern, fault))


def _pieces(pattern: str, fault: Fault) -> Iterator[tuple[bool, str]]:
    """Signs of strftime (True) and plain text (False)."""
    for match in re.finditer(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|(.)", pattern, re.DOTALL):
        said, letters, _, sign = match.groups()
        if letters is None:
            yield False, sign or said.replace("''", "'") or "'"
        elif letters in SIGNS:
            yield True, SIGNS[letters]
        else:
            raise fault(letters, f"one of the date letters {', '.join(SIGNS)}")
