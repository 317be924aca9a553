"""What the commands that ask a server show: tables for people, the server's own answer for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from driftline.errors import Invalid
from driftline.pages.tables import plain, short, table_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Any], str]]
"""A heading, and what of a thing stands below it."""

COLOURS = {
    "Completed": "green",
    "CompletedWithViolations": "bold red",
    "Failed": "bold red",
    "InAlert": "bold red",
    "failed": "bold red",
    "warning": "yellow",
    "Stopped": "yellow",
    "Stopping": "yellow",
    "ok": "green",
}


_PIPE = 250
"""Characters of a line that nobody sees on a terminal."""


def show(document: Any, shown: Facts | RenderableType, *, as_json: bool) -> None:
    """Print the document as JSON, or what stands for it on a terminal."""
    if as_json:
        print(json.dumps(document, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console

    # In a pipe there is no width to keep to, and folded lines are of no use to `grep`.
    console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE)
    if not isinstance(shown, Facts):
        console.print(shown)
        return
    for line in shown.lines():
        console.print(line, soft_wrap=True)  # names and URIs are for copying: they are never cut
    for each in shown.below:
        console.print(each)


def table(items: Iterable[Row], columns: Sequence[Column], nothing: str, *, whole: Sequence[str] = ()) -> Any:
    """A row for each thing, or the sentence that there is none; `whole` columns are never cut nor folded."""
    made = table_of(*(heading for heading, _ in columns), whole=whole)
    for item in items:
        made.add_row(*(coloured(told(item)) for _, told in columns))
    for column in made.columns:
        if column.header in whole:
            column.min_width = max(len(str(cell)) for cell in (column.header, *column.cells))
    return made if made.row_count else nothing


def coloured(text: str) -> RenderableType:
    """The text as it is, statuses in their colours."""
    return plain(text, COLOURS.get(text, ""))


@dataclass(frozen=True)
class Facts:
    """Names and values below each other, then whatever else belongs to the thing."""

    pairs: Sequence[tuple[str, Any]]
    below: Sequence[RenderableType] = ()

    def lines(self) -> Iterator[Text]:
        """A line for each that has a value."""
        from rich.text import Text

        told = [(name, str(value)) for name, value in self.pairs if value is not None and value != ""]
        wide = max((len(name) for name, _ in told), default=0)
        for name, value in told:
            yield Text.assemble((name.ljust(wide), "bold"), "  ", (value, COLOURS.get(value, "")))


def when(text: str | None) -> str:
    """A time of the API for people, in UTC.

    >>> when("2026-11-21T13:00:00Z"), when(None)
    ('2026-11-21 13:00:00', '–')
    """
    return "–" if text is None else f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def moment(text: str | None) -> str | None:
    """A time in UTC, and what the clock on this machine's wall says to it."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    local = found.astimezone()
    beside = "" if not local.utcoffset() else f" ({local:%Y-%m-%d %H:%M:%S %Z})"
    return f"{when(text)} UTC{beside}"


def reason(text: str | None) -> str:
    """The first sentence of a reason, short enough for a table.

    >>> reason("Job inputs had no data. Searched the hours from ...")
    'Job inputs had no data.'
    """
    first, dot, _ = (text or "").partition(". ")
    return short(first + dot.strip(), 60)


def span(start: str, end: str) -> str:
    """A window [start, end), the day told once if it is the same.

    >>> span("2026-11-21T13:00:00Z", "2026-11-21T14:00:00Z"), span("2026-11-21T23:00:00Z", "2026-11-22T00:00:00Z")
    ('2026-11-21 13:00 to 14:00', '2026-11-21 23:00 to 2026-11-22 00:00')
    """
    first, last = when(start)[:16], when(end)[:16]
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def asked_moment(option: str, text: str) -> str:
    """A time that an option names, in the API's form; without a zone it is UTC. Raises `Invalid`.

    >>> asked_moment("--since", "2026-11-20"), asked_moment("--since", "2026-11-20T13:00+01:00")
    ('2026-11-20T00:00:00+00:00', '2026-11-20T13:00:00+01:00')
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        expected = "a time such as 2026-11-20T13:00 (UTC) or 2026-11-20T13:00+01:00"
        raise Invalid(what=option, got=text, expected=expected) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
