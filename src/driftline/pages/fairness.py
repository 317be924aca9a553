"""The page about bias: how differently groups are labelled and predicted, beside how it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import isfinite, isnan, nan

from driftline.monitors.bias import Bias
from driftline.monitors.disparities import NEUTRAL, Disparity
from driftline.monitors.verdict import Measure
from driftline.pages import groups, marks, measures, used
from driftline.pages.blocks import Entry, Grid, section_of
from driftline.pages.body import Body, Page, Section
from driftline.pages.content import Content
from driftline.pages.measures import Beside, Known
from driftline.pages.names import title_of
from driftline.pages.plots import Span
from driftline.pages.signs import SIGNS, said_of
from driftline.pages.summary import Tile
from driftline.pages.terminal import number, percent
from driftline.pages.words import name_of

GROUPS, OPEN = 6, 2
"""So many groups have a table of their own, those with violations first, and so many tables are open at once."""
STEPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
"""Scales reach so far from neutral, or 1."""
FAIR: Span = (0.8, 1.25)
"""Ratios of acceptance that the four-fifths rule lets pass."""

INTRO = (
    "Each group is compared with all other rows. The line across is the neutral value, where there is no bias; a dot "
    "is now, with its interval if one was asked for, a hollow square is its limit, and an arrow points at what is "
    "beyond the scale."
)
METHOD = (
    "A metric breaks its constraint where it is farther from neutral than its limit, in whichever direction; with "
    "intervals, where all of the interval is. Limits are the baseline's values unless others were set. “The group” is "
    "the sensitive one that a table is about, “the others” are all rows outside it. Rates by group have 95 % intervals "
    "after Wilson."
)

Found = tuple[Measure, bool]
"""A measure, and if it breaks its constraint."""


def body_of(content: Content) -> Body:
    """The head: how many metrics are farther from neutral, and the widest gaps."""
    found = by_group(content)
    every = [each for some in found.values() for each in some]
    limited = [each for each in every if each[0].limit is not None]
    broken = sum(is_broken for _, is_broken in limited)
    grown = Tile("Farther from neutral", f"{broken:,}", f"of {len(limited):,} metrics", "bad" if broken else "")
    tiles = [Tile("Groups", f"{len(found):,}"), *([grown] if limited else []), *_widest(every)]
    return measures.body_of(content, tiles, subject="Group and metric", subjects="Groups", method=METHOD)


def sections_of(content: Content) -> tuple[Section, ...]:
    """Metrics by group, fairness by group, the columns that are used, all measures."""
    return tuple(_sections(content))


def _sections(content: Content) -> Iterator[Section]:
    monitor = monitor_of(content)
    found, bounds = by_group(content), _bounds(content)
    first = sorted(found, key=lambda subject: -sum(is_broken for _, is_broken in found[subject]))[:GROUPS]
    grids = [_table(subject, found[subject], bounds) for subject in first]
    if grids:
        left = f" {len(grids)} of {len(found)} groups are shown." if len(grids) < len(found) else ""
        yield section_of("bias", "Bias by group", grids=grids, intro=INTRO + left, legend="marks limits", opened=OPEN)
    yield from groups.sections_of(content, monitor)
    asked = [name for facet in monitor.facets for name in facet.columns]
    asked += [name for name in (monitor.ground_truth_attribute, monitor.inference_attribute) if name]
    asked += [monitor.probability_attribute] if isinstance(monitor.probability_attribute, str) else []
    yield from used.sections_of(content, asked, "Facets, labels and predictions")
    yield measures.table_of(content, _known(bounds))


def monitor_of(content: Content) -> Bias:
    """The monitor, which is of this kind."""
    assert isinstance(content.monitor, Bias)
    return content.monitor


def by_group(content: Content) -> dict[str, list[Found]]:
    """The bias metrics of each group, in their order."""
    found: dict[str, list[Found]] = {}
    for measure, some in measures.judged(content.verdict):
        if measure.name in SIGNS:
            found.setdefault(measure.subject, []).append((measure, bool(some)))
    return found


def _bounds(content: Content) -> dict[tuple[str, str], Disparity]:
    """The metrics with intervals, where these were asked for; the flip test, which is costly, is not repeated."""
    monitor = monitor_of(content)
    if monitor.confidence is None:
        return {}
    again = replace(monitor, post_training=tuple(name for name in monitor.post_training if name != "FT"))
    stages = again.measure(content.current, content.constraints).stages
    return {(group.subject, each.name): each for _, stage in stages for group in stage.groups
            for each in group.disparities}  # fmt: skip


def _known(bounds: dict[tuple[str, str], Disparity]) -> Known:
    known = {key: Beside(spread=_interval(each)) for key, each in bounds.items()}
    return {key: beside for key, beside in known.items() if beside.spread}


def _interval(found: Disparity | None) -> str:
    return "" if found is None or isnan(found.low) else f"{number(found.low)} – {number(found.high)}"


def _widest(every: Sequence[Found]) -> Iterator[Tile]:
    """The metrics that tell most: the widest gap in predictions or else labels, and the ratio that is least even."""
    for name, title in (("DPPL", "Widest gap in predictions"), ("DPL", "Widest gap in labels")):
        known = [measure for measure, _ in every if measure.name == name and not isnan(measure.value)]
        if known:
            most = max(known, key=lambda each: abs(each.value))
            yield Tile(title, percent(abs(most.value)), f"{name_of(most.subject)}: {name}")
    ratios = [measure for measure, _ in every if measure.name == "DI" and not isnan(measure.value)]
    if ratios:
        least = min(ratios, key=lambda each: min(each.value, 1 / each.value if each.value else 0.0))
        is_fair = FAIR[0] <= least.value <= FAIR[1]
        rule = f"{FAIR[0]} to {FAIR[1]} passes the four-fifths rule"
        yield Tile(
            "Disparate impact", number(least.value), f"{name_of(least.subject)}; {rule}", "" if is_fair else "warn"
        )


def _table(subject: str, found: Sequence[Found], bounds: dict[tuple[str, str], Disparity]) -> Grid:
    reach = _reach(found, bounds)
    rows = [_row(measure, is_broken, bounds.get((subject, measure.name)), reach) for measure, is_broken in found]
    headings = f"Metric|Neutral ± {number(reach)}|#Value|#Limit|What it says"
    return Grid.of(name_of(subject), headings, rows)


def _row(measure: Measure, is_broken: bool, bounds: Disparity | None, reach: float) -> list[Entry]:
    neutral = NEUTRAL.get(measure.name, 0.0)
    before = nan if measure.limit is None else measure.limit
    ends = (nan, nan) if bounds is None else (bounds.low, bounds.high)
    said = f"{measure.name}: {number(measure.value)}, limit {number(before)}, neutral {number(neutral)}"
    drawing = marks.dumbbell(before, measure.value, ends, (neutral - reach, neutral + reach), neutral, said)
    told = said_of(measure.name, measure.value) or measure.reason
    grown = "Farther from neutral than its limit." if is_broken else ""
    return [
        Entry(measure.name, title_of(measure.name).removesuffix(f" ({measure.name})")),
        Entry(drawing="" if isnan(measure.value) and isnan(before) else drawing),
        Entry(number(measure.value), _interval(bounds), "bad" if is_broken else ""),
        Entry("" if isnan(before) else number(before), tone="old"),
        Entry(told, grown, "wide"),
    ]


def _reach(found: Iterable[Found], bounds: dict[tuple[str, str], Disparity]) -> float:
    """How far the scale of a table reaches from neutral: as far as four values of five do, at most 1.

    One large value, such as the class imbalance of a small group, would else leave the others no room.
    """
    values = []
    for measure, _ in found:
        neutral = NEUTRAL.get(measure.name, 0.0)
        known = bounds.get((measure.subject, measure.name))
        ends = () if known is None else (known.low, known.high)
        values += [abs(each - neutral) for each in (measure.value, measure.limit or neutral, *ends) if isfinite(each)]
    values.sort()
    most = values[(4 * len(values)) // 5] if values else 1.0
    return next((step for step in STEPS if step >= most), 1.0)


PAGE = Page(body_of, sections_of)
