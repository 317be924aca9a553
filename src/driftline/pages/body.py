"""What every page has, whatever its kind: a verdict in one line, tiles, what fired; and its sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from driftline.pages.content import Content
from driftline.pages.rows import Fired
from driftline.pages.summary import Headline, Tile


@dataclass(frozen=True)
class Section:
    """One part of a page: `template` prints `values`; `count` stands beside its title where the sections are listed."""

    anchor: str
    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    count: int | None = None


@dataclass(frozen=True)
class Body:
    """What is special about a page.

    `subject` and `subjects` head what violations and gaps are about, `table` is the anchor of the section whose table
    has everything, and its name in sentences; `method` is a sentence or two about how the numbers came about. `limited`
    is what formulas with limits are counted by; empty to leave that out.
    """

    headline: Headline
    tiles: tuple[Tile, ...]
    fired: tuple[Fired, ...]
    subject: str = "Column"
    subjects: str = "Columns"
    table: str = "columns"
    method: str = ""
    limited: str = "column"


@dataclass(frozen=True)
class Page:
    """What makes a page of one kind; the sections, which cost most, are apart as short forms do without them."""

    body: Callable[[Content], Body]
    sections: Callable[[Content], Sequence[Section]]
