"""When alerts fired, as bars over a stretch of time: a row for each subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Protocol

WIDTH, HEIGHT = 600, 14
_THINNEST = 3.0
"""Of a bar, so that a short one is seen."""
_ROWS = 12


class Flipped(Protocol):
    """A change of a state."""

    @property
    def at(self) -> datetime:
        """When it changed."""

    @property
    def subject(self) -> str:
        """Of what."""

    @property
    def state(self) -> str:
        """FIRING or OK."""


@dataclass(frozen=True)
class Row:
    """When one subject fired: how often, and the bars as SVG."""

    subject: str
    times: int
    drawing: str


@dataclass(frozen=True)
class Timeline:
    """The subjects that fired most often, from `first` to `last`; `more` did, too."""

    first: datetime
    last: datetime
    rows: Sequence[Row]
    more: int = 0


def timeline(flips: Sequence[Flipped], since: datetime | None, until: datetime) -> Timeline | None:
    """Flips in their order as bars up to `until`, from `since`, or else a little before the first; None without any."""
    if not flips:
        return None
    last = max(until, flips[-1].at)
    first = since or flips[0].at - (last - flips[0].at) * 0.03
    of: dict[str, list[Flipped]] = {}
    for each in flips:
        of.setdefault(each.subject, []).append(each)
    rows = [_row(subject, some, first, last) for subject, some in of.items()]
    rows.sort(key=lambda each: (-each.times, each.subject))
    return Timeline(first, last, rows[:_ROWS], max(0, len(rows) - _ROWS))


def stretches(flips: Iterable[Flipped], until: datetime) -> list[tuple[datetime, datetime]]:
    """From when to when it fired; what still does, to the end."""
    found: list[tuple[datetime, datetime]] = []
    begun: datetime | None = None
    for each in flips:
        if each.state == "FIRING":
            begun = begun or each.at
        elif begun is not None:
            found, begun = [*found, (begun, each.at)], None
    return found if begun is None else [*found, (begun, max(begun, until))]


def _row(subject: str, flips: Sequence[Flipped], first: datetime, last: datetime) -> Row:
    found = stretches(flips, last)
    whole = (last - first).total_seconds() or 1.0
    bars = ""
    for begun, ended in found:
        left = WIDTH * min(max((begun - first).total_seconds() / whole, 0.0), 1.0)
        wide = max(WIDTH * (ended - begun).total_seconds() / whole, _THINNEST)
        left = min(left, WIDTH - _THINNEST)
        told = f"{begun.astimezone(UTC):%Y-%m-%d %H:%M} to {ended.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        bars += (
            f'<rect class="over" x="{left:.1f}" y="1" width="{min(wide, WIDTH - left):.1f}" height="{HEIGHT - 2}">'
            f"<title>{told}</title></rect>"
        )
    said = escape(f"{subject} fires {len(found)} times")
    drawing = (
        f'<svg class="bar-line" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{said}"><rect class="track" width="{WIDTH}" height="{HEIGHT}"/>{bars}</svg>'
    )
    return Row(subject, len(found), drawing)
