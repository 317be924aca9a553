"""The page about explanations: which features the model's answers rest on, beside which they rested on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan, nan

import numpy as np

from driftline.metrics.attribution import places
from driftline.monitors.attributions import AGGREGATIONS, Attributed, Attributions, local_column
from driftline.monitors.explainability import Explainability
from driftline.monitors.verdict import Measure
from driftline.pages import marks, measures
from driftline.pages.blocks import Entry, Grid, section_of
from driftline.pages.body import Body, Page, Section
from driftline.pages.content import Content
from driftline.pages.measures import Beside, Known
from driftline.pages.plots import Span
from driftline.pages.summary import Tile
from driftline.pages.terminal import number
from driftline.pages.words import name_of
from driftline.profile import Profile

FEATURES = 40
"""So many features of a label are drawn, those that mattered most on either side."""
LABELS, OPEN = 10, 3
"""So many labels have a table, those that agree least with the baseline first, and so many tables are open."""
TILES = 3
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

METHOD = (
    "An attribution is what a feature adds to the answer for one row, as against what is expected of a row of which "
    "nothing is known; attributions and expected value add up to the answer. A global attribution is one number for "
    "all rows. The nDCG compares the order of the features with the baseline's, and looks most at the top."
)
VALUES = (
    "Boxes show the local attributions of all rows, the baseline's above: the line is the median, the box holds half "
    "of the rows, the whiskers nine of ten. Right of the line across a feature raised the answer."
)


def body_of(content: Content) -> Body:
    """The head: the agreement of each label, and what is expected of a row."""
    return measures.body_of(
        content, list(_tiles(content)), subject="Label or feature", subjects="Labels", method=METHOD
    )


def _tiles(content: Content) -> Iterator[Tile]:
    monitor, before = monitor_of(content), _before(content)
    every = measures.judged(content.verdict)
    yield Tile("Features", f"{len(monitor.features):,}", f"{len(monitor.labels):,} labels" * (len(monitor.labels) > 1))
    agreed = [(each, bool(some)) for each, some in every if each.name == "attribution_ndcg"]
    for measure, is_broken in sorted(agreed, key=lambda each: _last(each[0].value))[:TILES]:
        limit = "" if measure.limit is None else f"limit {number(measure.limit)}"
        told = ", ".join(filter(None, (name_of(measure.subject), limit, measure.reason)))
        yield Tile("nDCG of the features", number(measure.value), told, "bad" if is_broken else "")
    for label in monitor.labels[:1]:
        found = next((each.value for each, _ in every if (each.subject, each.name) == (label, "expected_value")), nan)
        old = nan if before is None else _of(before, label).expected
        told = "" if isnan(old) else f"baseline {number(old)}"
        if not isnan(found):
            yield Tile("Expected value", number(found), told)
        now = _of(monitor.measure(content.current), label)
        if any(not isnan(value) for value in now.values.values()):
            yield Tile("Most important", name_of(now.ranked[0]), _first(before, label))


def _first(before: Attributions | None, label: str) -> str:
    ranked = () if before is None else _of(before, label).ranked
    return f"{name_of(ranked[0])} in the baseline" if ranked else ""


def _last(value: float) -> float:
    """To sort what is undefined behind all that is."""
    return float("inf") if isnan(value) else value


def sections_of(content: Content) -> tuple[Section, ...]:
    """Attributions label by label, then all measures."""
    monitor = monitor_of(content)
    now, before = monitor.measure(content.current), _before(content)
    agreed = {each.subject: each.value for each in content.verdict.measures if each.name == "attribution_ndcg"}
    ordered = sorted(now.labels, key=lambda each: _last(agreed.get(each.label, nan)))[:LABELS]
    grids = [_table(content, each, before) for each in ordered]
    intro = f"Global attribution: {AGGREGATIONS[monitor.agg_method]}. {VALUES}"
    if len(now.labels) > len(ordered):
        intro += f" {len(ordered)} of {len(now.labels)} labels are shown, those that agree least with the baseline."
    section = section_of("attributions", "Attributions", grids=grids, intro=intro, legend="bars", opened=OPEN)
    several = [_labels(content, now, before)] if len(now.labels) > 1 else []
    agreements = [section_of("labels", "Label by label", grids=several)] if several else []
    return (*agreements, section, measures.table_of(content, _known(before)))


def monitor_of(content: Content) -> Explainability:
    """The monitor, which is of this kind."""
    assert isinstance(content.monitor, Explainability)
    return content.monitor


def _before(content: Content) -> Attributions | None:
    """What was learnt; without it what the baseline's profile gives."""
    if isinstance(content.constraints, Attributions):
        return content.constraints
    return None if content.baseline is None else monitor_of(content).measure(content.baseline)


def _of(found: Attributions, label: str) -> Attributed:
    return next((each for each in found.labels if each.label == label), Attributed(label))


def _known(before: Attributions | None) -> Known:
    """The attributions and expected values of the baseline."""
    found: dict[tuple[str, str], Beside] = {}
    for each in () if before is None else before.labels:
        found[each.label, "expected_value"] = Beside(each.expected)
        for feature, value in each.values.items():
            found[f"{each.label}/{feature}", "attribution"] = Beside(value)
    return found


def _labels(content: Content, now: Attributions, before: Attributions | None) -> Grid:
    """Agreement and expected value of each label."""
    known = {(each.subject, each.name): each for each in content.verdict.measures}
    broken = {measure.subject for measure, some in measures.judged(content.verdict) if some}
    rows = []
    for each in now.labels:
        agreement = known.get((each.label, "attribution_ndcg"), Measure(each.label, "attribution_ndcg"))
        others = (known.get((each.label, f"attribution_{name}")) for name in ("rank_correlation", "shift"))
        old = nan if before is None else _of(before, each.label).expected
        rows.append(
            [
                Entry(name_of(each.label)),
                Entry(number(agreement.value), agreement.reason, "bad" if each.label in broken else ""),
                Entry("" if agreement.limit is None else number(agreement.limit)),
                *(Entry("–" if other is None else number(other.value)) for other in others),
                Entry(number(each.expected), "" if isnan(old) else f"was {number(old)}"),
            ]
        )
    headings = "Label|#nDCG|#Limit|#Rank correlation|#Share that moved|#Expected value"
    return Grid.of("Agreement with the baseline", headings, rows)


def _table(content: Content, now: Attributed, before: Attributions | None) -> Grid:
    """The features of a label in the order of the baseline."""
    old = {} if before is None else dict(_of(before, now.label).values)
    order = sorted(now.values, key=lambda name: -old.get(name, now.values[name]))
    most = sorted(order, key=lambda name: -max(_size(now.values[name]), _size(old.get(name, nan))))[:FEATURES]
    shown = [name for name in order if name in most]
    boxes = _boxes(content, now.label, shown)
    ranks, was = _ranks(now.values), _ranks(old)
    sizes = [value for name in shown for value in (now.values[name], old.get(name, nan)) if not isnan(value)]
    span = (min([0.0, *sizes]), max([0.0, *sizes]) or 1.0)
    drifts = {
        measure.subject: Entry(number(measure.value), tone="bad" if some else "")
        for measure, some in measures.judged(content.verdict)
        if measure.name == "attribution_value_drift" and not isnan(measure.value)
    }
    rows = []
    for name in shown:
        value, earlier = now.values[name], old.get(name, nan)
        said = f"{name_of(name)}: {number(value)}, baseline {number(earlier)}"
        rows.append(
            [
                Entry(name_of(name)),
                Entry(drawing=marks.bars(earlier, value, span, said)),
                Entry(number(value), "" if isnan(earlier) else f"was {number(earlier)}"),
                _moved(was.get(name), ranks.get(name)),
                Entry(drawing=boxes.get(name, "")),
                drifts.get(f"{now.label}/{name}", Entry()),
            ]
        )
    left = (
        f"{len(shown)} of {len(order)} features are drawn, those that mattered most." if len(shown) < len(order) else ""
    )
    headings = "Feature|Attribution|#Now|Rank|Local attributions|#Drift of these"
    return Grid.of(name_of(now.label), headings, rows, left)


def _size(value: float) -> float:
    return -1.0 if isnan(value) else abs(value)


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    """The place of each feature, 1 for the most important; none where one is not known."""
    if any(isnan(value) for value in values.values()):
        return {}
    return dict(zip(values, places(np.array(list(values.values()))), strict=True))


def _moved(was: int | None, now: int | None) -> Entry:
    if now is None or was is None:
        return Entry("" if now is None else str(now))
    if was == now:
        return Entry(str(now), "as before")
    return Entry(f"{was} → {now}", f"{'up' if now < was else 'down'} {abs(now - was)}")


def _boxes(content: Content, label: str, features: list[str]) -> dict[str, str]:
    """A drawing of the local attributions of each feature, on one scale."""
    sides = {name: (_five(content, content.baseline, label, name), _five(content, content.current, label, name))
             for name in features}  # fmt: skip
    ends = [value for both in sides.values() for five in both for value in five if not isnan(value)]
    if not ends:
        return {}
    span: Span = (min(0.0, *ends), max(0.0, *ends))
    return {
        name: marks.boxes(before, now, span, _told(name, before, now))
        for name, (before, now) in sides.items()
        if before or now
    }


def _told(name: str, before: tuple[float, ...], now: tuple[float, ...]) -> str:
    middles = [f"{side} {number(five[2])}" for side, five in (("median", now), ("baseline", before)) if five]
    return f"{name_of(name)}: local attributions, {', '.join(middles)}"


def _five(content: Content, profile: Profile | None, label: str, feature: str) -> tuple[float, ...]:
    """Five quantiles of the local attributions; empty where there are none."""
    column = None if profile is None else local_column(profile, monitor_of(content).question, label, feature)
    if column is None or not column.sketch.count:
        return ()
    return tuple(float(column.sketch.quantile(level)) for level in QUANTILES)


PAGE = Page(body_of, sections_of)
