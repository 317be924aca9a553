"""Drawings of probabilities of two classes: curves, calibration, and the scores of either class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from driftline.metrics.calibration import Bin, reliability, why_no_calibration
from driftline.metrics.curves import Curves
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.quality import Quality
from driftline.pages.blocks import Panel, section_of
from driftline.pages.body import Section
from driftline.pages.content import Content
from driftline.pages.plots import Axes, diagonal, dot, line, plot, steps
from driftline.pages.terminal import number, percent
from driftline.profile.columns import Floats, Ints
from driftline.profile.scores import ScoresState

BINS = 25

WAS, IS = "was", "is"


def sections_of(content: Content, monitor: ModelQuality, now: Quality, before: Quality | None) -> Iterator[Section]:
    """ROC, precision and recall, calibration, and scores by class, of both sides."""
    question = monitor.scores
    assert question is not None
    old = None if content.baseline is None else content.baseline[question].labelled()
    new = content.current[question].labelled()
    panels = [*_curves(now, before), *_calibration(old, new), *_scores(old, new, monitor.positive)]
    if panels:
        yield section_of("curves", "Curves and calibration", panels, legend="lines")


def _curves(now: Quality, before: Quality | None) -> Iterator[Panel]:
    sides = [(WAS, before), (IS, now)]
    known = [(name, side, side.curves) for name, side in sides if side is not None and side.curves is not None]
    if not known:
        return
    roc, precise = Axes(name="false positive rate", side="true positive rate"), Axes(name="recall", side="precision")
    shapes, more = [diagonal(roc)], list[str]()
    for name, side, curves in known:
        shapes.append(line(roc, _roc(curves), name))
        more.append(line(precise, zip(curves.recalls.tolist(), curves.precisions.tolist(), strict=True), name))
        named = {each: side.named[each].value for each in ("false_positive_rate", "true_positive_rate", "precision")}
        false, hits, right = named.values()
        told = f"{_side(name)}, as predicted: false positive rate {number(false)}, true positive rate {number(hits)}"
        shapes.append(dot(roc, (false, hits), name, told) if not np.isnan(false + hits) else "")
        more.append(dot(precise, (hits, right), name, f"{_side(name)}, as predicted: recall {number(hits)}, precision "
                        f"{number(right)}") if not np.isnan(hits + right) else "")  # fmt: skip
    for title, metric, axes, drawn in (
        ("ROC curve", "auc", roc, shapes),
        ("Precision and recall", "au_prc", precise, more),
    ):
        areas = [(_side(name), side.named[metric].value) for name, side, _ in known]
        told = ", ".join(f"{side} {number(area)}" for side, area in areas)
        said = f"{title}: area under it {told}"
        kind = f"area {told}; the dots are the predictions as they were made"
        yield Panel(title, plot(axes, drawn, said), kind=kind)


def _roc(curves: Curves) -> Iterator[tuple[float, float]]:
    yield from zip(curves.false_positive_rates.tolist(), curves.true_positive_rates.tolist(), strict=True)


def _side(name: str) -> str:
    return "baseline" if name == WAS else "current"


def _calibration(old: ScoresState | None, new: ScoresState) -> Iterator[Panel]:
    sides = [(name, state) for name, state in ((WAS, old), (IS, new)) if state is not None]
    known = [(name, reliability(state)) for name, state in sides if not why_no_calibration(state)]
    if not known:
        return
    axes = Axes(name="mean probability", side="share of positive rows")
    shapes = [diagonal(axes)]
    for name, bins in known:
        shapes.append(line(axes, [(each.score, each.rate) for each in bins], name))
        shapes += [dot(axes, (each.score, each.rate), name, _told(name, each), _bounds(name, each)) for each in bins]
    story = "Above the dotted line rows are positive more often than the probability says, below it less often."
    kind = "ten bins of equal width, bars are 95 % intervals"
    yield Panel("Calibration", plot(axes, shapes, f"Calibration. {story}"), kind=kind, story=(story,))


def _told(name: str, each: Bin) -> str:
    return (
        f"{_side(name)}: {each.count:,} rows, mean probability {number(each.score)}, {percent(each.rate)} positive "
        f"({percent(each.low)} – {percent(each.high)})"
    )


def _bounds(name: str, each: Bin) -> tuple[float, float] | None:
    """Intervals are drawn of the current data alone."""
    return (each.low, each.high) if name == IS else None


def _scores(old: ScoresState | None, new: ScoresState, positive: str) -> Iterator[Panel]:
    """The distribution of scores, of positive and of other rows."""
    sides = [(name, state) for name, state in ((WAS, old), (IS, new)) if state is not None and len(state.values)]
    if not sides:
        return
    low, high = (end(state.values[at] for _, state in sides) for end, at in ((min, 0), (max, -1)))
    span = (0.0, 1.0) if low >= 0 and high <= 1 else (float(low), float(high))
    if not span[1] > span[0]:
        return
    edges = np.linspace(*span, BINS + 1)
    for title, kind in (("Scores of positive rows", "positives"), ("Scores of other rows", "negatives")):
        found = [(name, _shares(state.values, getattr(state, kind), edges)) for name, state in sides]
        drawn = [(name, shares) for name, shares in found if shares is not None]
        top = max((float(shares.max()) for _, shares in drawn), default=0.0)
        if not top:
            continue
        axes = Axes(span, (0.0, top * 1.05), "score", "share of rows")
        shapes = [line(axes, steps(edges.tolist(), shares.tolist()), name) for name, shares in drawn]
        rows = ", ".join(f"{_side(name)} {int(getattr(state, kind).sum()):,}" for name, state in sides)
        what = f"label {positive}" if kind == "positives" else f"any label but {positive}"
        yield Panel(title, plot(axes, shapes, f"{title}: distribution"), kind=f"{what}; rows: {rows}")


def _shares(values: Floats, counts: Ints, edges: Floats) -> Floats | None:
    """The share of the rows in each bin; None without rows."""
    total = int(counts.sum())
    if not total:
        return None
    found: Floats = np.histogram(values, edges, weights=counts)[0] / total
    return found
