"""Tables and short texts for a terminal; light, since commands that only ask a server need no more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and marks that change the direction of text, which may be left open."""

WIDTH = 40
"""Longer names and values are cut here, with an ellipsis."""


def short(text: str, width: int = WIDTH) -> str:
    """The text on one line, cut to `width` characters.

    >>> short("a long\\nstory", 8)
    'a long …'
    """
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def table_of(*headings: str, numeric: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """A table whose numbers stand to the right and whose `whole` columns are cut rather than folded."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in headings:
        cut = heading in whole
        justify: Literal["left", "right"] = "right" if heading in numeric else "left"
        table.add_column(heading, justify=justify, no_wrap=cut, overflow="ellipsis" if cut else "fold")
    return table


def plain(value: str, style: str = "") -> Text:
    """Text that came from data: nothing in it is markup, and nothing a command to the terminal.

    >>> plain("\\x1b[2Jname").plain == "\\ufffd[2Jname"
    True
    """
    from rich.text import Text

    return Text(_COMMANDS.sub("\N{REPLACEMENT CHARACTER}", value), style=style)
