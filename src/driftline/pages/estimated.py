"""What was estimated without labels, beside what came true, and how right past estimates were."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from driftline.monitors.tracks import Track
from driftline.monitors.verdict import Compared
from driftline.pages import marks
from driftline.pages.blocks import Entry, Grid, section_of
from driftline.pages.body import Section
from driftline.pages.content import Content
from driftline.pages.names import title_of
from driftline.pages.plots import span_of
from driftline.pages.terminal import number, percent

INTRO = (
    "Estimates come from the model's probabilities, or from a learned model of its errors, and need no labels. A right "
    "interval holds 95 % of the realised values."
)


def sections_of(content: Content) -> Iterator[Section]:
    """A table of estimates, then one of the record; nothing where nothing was estimated."""
    if not content.estimates:
        return
    grids = [
        _estimates(content.estimates),
        *([_record(content.tracks)] if any(each.count > 1 for each in content.tracks) else []),
    ]
    yield section_of("estimates", "Estimated without labels", grids=grids, intro=INTRO, opened=1)


def _estimates(estimates: tuple[Compared, ...]) -> Grid:
    rows = []
    for each in estimates:
        span = span_of([each.value, each.low, each.high, each.realised], room=0.15)
        title = title_of(each.name)
        said = f"{title}: estimated {number(each.value)}, realised {number(each.realised)}"
        drawing = marks.dumbbell(each.realised, each.value, (each.low, each.high), span, None, said)
        interval = "" if isnan(each.low) else f"{number(each.low)} – {number(each.high)}"
        rows.append(
            [
                Entry(title, each.reason),
                Entry(drawing=drawing if not isnan(each.value) else ""),
                Entry(number(each.value)),
                Entry(interval),
                Entry(number(each.realised)),
                _held(each.held),
            ]
        )
    labelled = max(each.labelled for each in estimates)
    said = (
        f"A dot with its interval is the estimate of all rows, a hollow square the value of the {labelled:,} rows that "
        "have labels; each row has a scale of its own."
    )
    headings = "Metric|Estimate and realised|#Estimate|#95 % interval|#Realised|Was it right?"
    return Grid.of("Estimated and realised", headings, rows, said)


def _held(held: bool | None) -> Entry:
    if held is None:
        return Entry("not known yet", tone="old")
    return Entry("within the interval") if held else Entry("outside the interval", tone="bad")


def _record(tracks: tuple[Track, ...]) -> Grid:
    rows = [
        [
            Entry(title_of(each.name)),
            Entry(f"{each.count:,}"),
            Entry(percent(each.held), f"{percent(each.held_low)} – {percent(each.held_high)}" if each.count else ""),
            Entry(number(each.error)),
            Entry(number(each.size)),
            Entry(number(each.width)),
        ]
        for each in tracks
    ]
    headings = "Metric|#Past estimates|#Held|#Mean error|#Mean size of the error|#Mean width of intervals"
    said = "Held are the past intervals that the realised value lay in; the range below has 95 % confidence."
    return Grid.of("How right past estimates were", headings, rows, said)
