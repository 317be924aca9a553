"""How good a model is in each value, or range, of a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan, nan

from driftline.metrics.metric import METRICS
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.verdict import Measure
from driftline.monitors.within import Compute, measured
from driftline.pages import marks
from driftline.pages.blocks import Entry, Grid, section_of
from driftline.pages.body import Section
from driftline.pages.content import Content
from driftline.pages.names import title_of
from driftline.pages.plots import UNIT, span_of
from driftline.pages.terminal import number
from driftline.pages.words import hint, name_of
from driftline.profile import Profile
from driftline.profile.segments import Segments

MOST, OPEN = 30, 3
"""So many segments of a column are listed, the worst first, and so many columns are open at once."""

INTRO = "The worst segment of each column comes first. A dot is now, a hollow square the baseline."

Values = dict[str, dict[str, Measure]]
"""The measures of each segment by their names."""


def sections_of(content: Content, monitor: ModelQuality) -> Iterator[Section]:
    """A table for each column of the segments."""
    now, before = dict[str, Values](), dict[str, Values]()
    for column, question, metrics in monitor.by_segment():
        _collect(now.setdefault(column, {}), column, question, content.baseline, content.current, metrics)
        if content.baseline is not None and question in content.baseline.states:
            found = before.setdefault(column, {})
            _collect(found, column, question, content.baseline, content.baseline, metrics)
    grids = [_table(column, values, before.get(column, {})) for column, values in now.items() if values]
    if grids:
        yield section_of("within", "Segment by segment", grids=grids, intro=INTRO, legend="marks", opened=OPEN)


def _collect(
    found: Values,
    column: str,
    question: Segments,
    before: Profile | None,
    now: Profile,
    metrics: Mapping[str, Compute],
) -> None:
    for each in measured(column, question, before, now, metrics):
        found.setdefault(each.subject, {})[each.name] = each


def _table(column: str, now: Values, before: Values) -> Grid:
    names = list(dict.fromkeys(name for each in now.values() for name in each))
    first = names[0]
    sign = 1 if METRICS[first].better == "higher" else -1
    ordered = sorted(now, key=lambda subject: _worst(_value(now[subject], first), sign))
    old = {subject: before.get(subject, {}) for subject in ordered[:MOST]}
    drawn = [_value(each, first) for side in (now, old) for each in side.values()]
    span = UNIT if all(isnan(value) or 0 <= value <= 1 for value in drawn) else span_of([0.0, *drawn])
    rows = []
    for subject in ordered[:MOST]:
        value, was = _value(now[subject], first), _value(old[subject], first)
        reason = next((each.reason for each in now[subject].values() if each.reason), "")
        said = f"{title_of(first)} {number(value)}, baseline {number(was)}"
        drawing = "" if isnan(value) else marks.dumbbell(was, value, (nan, nan), span, None, said)
        told = [_entry(_value(now[subject], name), _value(old[subject], name)) for name in names]
        rows.append(
            [Entry(hint(subject.removeprefix("model[").removesuffix("]")), reason), Entry(drawing=drawing), *told]
        )
    left = f"{len(rows)} of {len(now)} segments are listed, the worst." if len(rows) < len(now) else ""
    headings = "|".join(["Segment", title_of(first), *(f"#{title_of(name)}" for name in names)])
    return Grid.of(name_of(column), headings, rows, left)


def _worst(value: float, sign: int) -> float:
    return float("inf") if isnan(value) else sign * value


def _value(measures: Mapping[str, Measure], name: str) -> float:
    found = measures.get(name)
    return nan if found is None else found.value


def _entry(value: float, was: float) -> Entry:
    return Entry(number(value), "" if isnan(was) else f"was {number(was)}")
