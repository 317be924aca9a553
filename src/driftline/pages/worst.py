"""Segments: where the model is worst, or got worse, and how good it is in each value of a column."""

from __future__ import annotations

from collections.abc import Iterator

from driftline.monitors.segments import Search, worsened, worst
from driftline.pages import marks
from driftline.pages.blocks import Entry, Grid, section_of
from driftline.pages.body import Section
from driftline.pages.content import Content
from driftline.pages.plots import span_of
from driftline.pages.tables import counted
from driftline.pages.terminal import number, percent
from driftline.pages.words import hint
from driftline.profile.losses import Losses

LOSSES = {
    "error": "share of wrong predictions",
    "brier": "mean squared distance of the probability from the truth",
    "log_loss": "mean log loss",
    "absolute": "mean absolute error",
    "squared": "mean squared error",
}
INTRO = (
    "All values of the columns, and of pairs of them, were compared. As thousands are looked at some are bad by "
    "chance: p-values are corrected for their number, and the order is by the excess that is sure even so."
)


def sections_of(content: Content) -> Iterator[Section]:
    """The worst segments of every search that was asked for."""
    grids = [grid for question in content.current.states if isinstance(question, Losses)
             for grid in _found(content, question)]  # fmt: skip
    if grids:
        yield section_of("segments", "Worst segments", grids=grids, intro=INTRO)


def _found(content: Content, question: Losses) -> Iterator[Grid]:
    now, loss = content.current[question], LOSSES[question.loss]
    yield _grid(f"Worse than the other rows: {loss}", "Other rows", worst(now, question.columns))
    if content.baseline is not None and content.baseline[question].single:
        found = worsened(content.baseline[question], now, question.columns)
        yield _grid(f"Worse than in the baseline: {loss}", "Baseline", found)


def _grid(title: str, against: str, found: Search) -> Grid:
    span = span_of([0.0, *(value for each in found.segments for value in (each.mean, each.other))])
    rows = [
        [
            Entry(hint(each.said)),
            Entry(f"{each.rows:,}", percent(each.share)),
            Entry(drawing=marks.dumbbell(each.other, each.mean, (each.other + each.sure, each.mean), span, None)),
            Entry(number(each.mean)),
            Entry(number(each.other)),
            Entry(number(each.sure)),
            Entry("below 0.0001" if each.p_value < 1e-4 else number(each.p_value)),
        ]
        for each in found.segments
    ]
    said = f"{counted(found.looked_at, 'segment')} looked at. Over all {found.rows:,} rows it is {number(found.mean)}."
    said += (
        f" {found.reason.capitalize()}." if found.reason else " The band of a dot begins at the excess that is sure."
    )
    headings = f"Segment|#Rows|Segment and {against.lower()}|#Segment|#{against}|#Sure excess|#p-value"
    return Grid.of(title, headings, rows, said)
