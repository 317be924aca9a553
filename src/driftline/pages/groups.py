"""Fairness by group: how many rows each group has, and at which rates it is labelled, predicted and misjudged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

from driftline.metrics.bias_post import cells
from driftline.metrics.calibration import share_interval
from driftline.monitors.bias import Bias
from driftline.monitors.comparison import Compared
from driftline.monitors.disparities import stem
from driftline.pages import marks
from driftline.pages.blocks import Entry, Grid, section_of
from driftline.pages.body import Section
from driftline.pages.content import Content
from driftline.pages.plots import UNIT
from driftline.pages.terminal import percent
from driftline.pages.words import name_of
from driftline.profile.split import REST, SENSITIVE, Split

RATES = ("Positive labels", "Positive predictions", "Accuracy", "True positive rate", "False positive rate")
DRAWN = (0, 1)
"""Of these rates the first two are drawn, with intervals."""

MOST = 30
"""So many groups of a facet are listed, those with most rows."""

INTRO = "Rates on a scale from 0 to 1, with 95 % intervals; a hollow square is the baseline."


@dataclass(frozen=True)
class Rate:
    """A part of a whole, both counts."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """The ratio; NaN of nothing."""
        return self.part / self.whole if self.whole else nan


def sections_of(content: Content, monitor: Bias) -> Iterator[Section]:
    """A table for each facet."""
    now = _by_facet(monitor.compared(content.current, content.constraints))
    past = () if content.baseline is None else monitor.compared(content.baseline, content.constraints)
    before = {(each.group.facet, stem(each.group.value)): each.split for each in past}
    grids = [_table(facet, some, before) for facet, some in now.items()]
    if grids:
        yield section_of("groups", "Fairness by group", grids=grids, intro=INTRO, legend="marks")


def _by_facet(compared: tuple[Compared, ...]) -> dict[str, list[Compared]]:
    found: dict[str, list[Compared]] = {}
    for each in compared:
        found.setdefault(each.group.facet, []).append(each)
    return found


def _table(facet: str, some: list[Compared], before: dict[tuple[str, str], Split]) -> Grid:
    """The groups of a facet; where there is but one, all others are a row, too."""
    ordered = sorted(some, key=lambda each: -_rows(each.split, SENSITIVE))[:MOST]
    asked = [
        (f"{facet} = {each.group.value}", each.split, before.get((facet, stem(each.group.value))), SENSITIVE)
        for each in some
        if each in ordered
    ]
    left = f"{len(asked)} of {len(some)} groups are listed, those with most rows." if len(asked) < len(some) else ""
    if len(some) == 1:
        asked.append(("all others", *asked[0][1:3], REST))
    rates = [list(_rates(split, side)) for _, split, _, side in asked]
    used = [place for place in range(len(RATES)) if any(each[place].whole for each in rates)]
    rows = [_row(name, now, was, side, used) for name, now, was, side in asked]
    drawn = [f"{RATES[place]}|#Share" if place in DRAWN else f"#{RATES[place]}" for place in used]
    return Grid.of(name_of(facet), "|".join(["Group", "#Rows", *drawn]), rows, left)


def _row(name: str, now: Split, before: Split | None, side: int, used: list[int]) -> list[Entry]:
    rates = list(_rates(now, side))
    old = [None] * len(rates) if before is None else list(_rates(before, side))
    found = [
        Entry(name_of(name)),
        Entry(f"{_rows(now, side):,}", "" if before is None else _was(f"{_rows(before, side):,}")),
    ]
    for place in used:
        if place in DRAWN:
            found.append(Entry(drawing=_drawing(RATES[place].lower(), rates[place], old[place])))
        found.append(_entry(rates[place], old[place]))
    return found


def _was(text: str) -> str:
    return f"was {text}"


def _rates(split: Split, side: int) -> Iterator[Rate]:
    """Positive labels, positive predictions, right predictions, true and false positives."""
    for counts in (split.labels, split.predictions):
        yield Rate(int(counts[side, 1]), int(counts[side].sum()))
    hits, missed, false, right = cells(split, side)
    yield Rate(hits + right, hits + missed + false + right)
    yield Rate(hits, hits + missed)
    yield Rate(false, false + right)


def _rows(split: Split, side: int) -> int:
    return int(split.counts[:, side].sum())


def _drawing(title: str, rate: Rate, was: Rate | None) -> str:
    old = nan if was is None else was.value
    said = f"{title} {percent(rate.value)}, baseline {percent(old)}"
    bounds = share_interval(rate.part, rate.whole)
    return marks.dumbbell(old, rate.value, bounds, UNIT, None, said) if rate.whole else ""


def _entry(rate: Rate, was: Rate | None) -> Entry:
    if not rate.whole and (was is None or not was.whole):
        return Entry("–")
    return Entry(percent(rate.value), "" if was is None else _was(percent(was.value)))
