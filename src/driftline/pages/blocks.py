"""What sections of a page are built of: panels with a drawing, and tables, as plain values that a template prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from driftline.pages.body import Section


@dataclass(frozen=True)
class Heading:
    """The top of a column; numbers stand to the right."""

    text: str
    numeric: bool = False


@dataclass(frozen=True)
class Entry:
    """What stands in one cell: a text, a smaller one below, a drawing. `tone` is a class of the style sheet."""

    text: str = ""
    small: str = ""
    tone: str = ""
    drawing: str = ""


@dataclass(frozen=True)
class Grid:
    """A table; the first entry of each row is its heading. `title` names it to who cannot see it."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Entry, ...], ...]
    remark: str = ""

    @classmethod
    def of(cls, title: str, headings: str, rows: Iterable[Iterable[Entry]], remark: str = "") -> Grid:
        """Headings are parted by `|`; one that begins with `#` is of numbers.

        >>> Grid.of("Sizes", "Group|#Rows", [[Entry("a"), Entry("3")]]).headings
        (Heading(text='Group', numeric=False), Heading(text='Rows', numeric=True))
        """
        tops = tuple(Heading(each.removeprefix("#"), each.startswith("#")) for each in headings.split("|"))
        return cls(title, tops, tuple(map(tuple, rows)), remark)


@dataclass(frozen=True)
class Panel:
    """A drawing or a small table with a title, a few words and a number beside the title."""

    title: str
    drawing: str = ""
    grid: Grid | None = None
    pill: str = ""
    tone: str = ""
    kind: str = ""
    story: tuple[str, ...] = ()


def section_of(
    anchor: str,
    title: str,
    panels: Iterable[Panel] = (),
    grids: Iterable[Grid] = (),
    *,
    intro: str = "",
    legend: str = "",
    wide: bool = False,
    opened: int | None = None,
) -> Section:
    """A section of panels, then tables; `legend` is `both` (baseline and current), `marks` or `bars`, or empty.

    `wide` panels are at most two in a row; tables beyond the first `opened` ones are folded.
    """
    values = {
        "panels": tuple(panels),
        "grids": tuple(grids),
        "intro": intro,
        "legend": legend,
        "wide": wide,
        "opened": opened,
    }
    return Section(anchor, title, "blocks.html", values)
