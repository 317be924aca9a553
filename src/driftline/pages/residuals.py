"""Drawings of a regression: how far off it is, and whether its predictions are spread like the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np

from driftline.errors import SchemaMismatch
from driftline.metrics.regression import absolute_error_quantile
from driftline.monitors.model_quality import ModelQuality
from driftline.pages.bins import bins_of
from driftline.pages.blocks import Panel, section_of
from driftline.pages.body import Section
from driftline.pages.content import Content
from driftline.pages.plots import Axes, Point, diagonal, dot, line, plot, span_of, steps
from driftline.pages.terminal import number
from driftline.profile import Column, Profile
from driftline.profile.outcomes import place_of
from driftline.profile.residuals import ResidualsState

BINS = 31
SHARES = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""The quantiles at which predictions are set against the truth."""
SIZES = (0.0, *SHARES, 0.99)

Side = tuple[str, ResidualsState, Profile]


def sections_of(content: Content, monitor: ModelQuality) -> Iterator[Section]:
    """Distribution of the residuals, size of the errors, and quantiles of predictions against those of the truth."""
    sides = [
        (name, profile[monitor.residuals], profile)
        for name, profile in (("was", content.baseline), ("is", content.current))
        if profile is not None and profile[monitor.residuals].sketch.count
    ]
    panels = [*_distribution(sides), *_sizes(sides), *_quantiles(sides, monitor)]
    if panels:
        yield section_of("residuals", "Errors", panels, legend="lines")


def _distribution(sides: Sequence[Side]) -> Iterator[Panel]:
    bins = bins_of([state.sketch for _, state, _ in sides], BINS, measured=False) if sides else None
    if bins is None:
        return
    found = [(name, bins.shares(state.sketch)) for name, state, _ in sides]
    top = max(max(shares) for _, shares in found)
    axes = Axes((bins.edges[0], bins.edges[-1]), (0.0, top * 1.05), "prediction − truth", "share of rows")
    shapes = [line(axes, steps(bins.edges, shares), name) for name, shares in found]
    if axes.across[0] < 0 < axes.across[1]:
        shapes.append(line(axes, [(0.0, 0.0), (0.0, top * 1.05)], "zero"))
    beyond = max(max(bins.beyond(state.sketch)) for _, state, _ in sides)
    kind = "right of 0 predictions are too high" + (", far ends not drawn" if beyond > 0 else "")
    yield Panel("Residuals", plot(axes, shapes, "Distribution of prediction minus truth"), kind=kind)


def _sizes(sides: Sequence[Side]) -> Iterator[Panel]:
    """How large an error a share of the rows does not exceed."""
    found = [(name, [(q, absolute_error_quantile(state, q)) for q in SIZES]) for name, state, _ in sides]
    top = max((size for _, points in found for _, size in points), default=0.0)
    if not (top > 0 and isfinite(top)):
        return
    axes = Axes((0.0, 1.0), (0.0, top * 1.05), "share of rows", "error at most")
    shapes = [line(axes, points, name) for name, points in found]
    for name, state, _ in sides:
        middle = absolute_error_quantile(state, 0.5)
        side = "baseline" if name == "was" else "current"
        shapes.append(dot(axes, (0.5, middle), name, f"{side}: half of the rows are off by at most {number(middle)}"))
    said = "Size of the error that a share of the rows does not exceed"
    yield Panel("Size of errors", plot(axes, shapes, said), kind="the dots are the medians")


def _quantiles(sides: Sequence[Side], monitor: ModelQuality) -> Iterator[Panel]:
    drawn = []
    for name, _, profile in sides:
        predicted = _column(profile, monitor.inference_attribute or "")
        truth = _column(profile, monitor.ground_truth_attribute)
        if predicted is not None and truth is not None and predicted.sketch.count and truth.sketch.count:
            levels = np.array(SHARES)
            ends = zip(truth.sketch.quantile(levels).tolist(), predicted.sketch.quantile(levels).tolist(), strict=True)
            drawn.append((name, list(ends)))
    values = [value for _, points in drawn for point in points for value in point]
    if not values or not np.isfinite(values).all():
        return
    span = span_of(values)
    axes = Axes(span, span, "quantile of the truth", "quantile of predictions")
    shapes = [diagonal(axes), *(shape for name, points in drawn for shape in _dotted(axes, name, points))]
    story = "On the dotted line predictions are spread like the truth; a flatter course means that they spread less."
    said = f"Quantiles of the predictions against those of the truth. {story}"
    kind = "5 % to 95 %, every 5 %; each column by itself"
    yield Panel("Predicted and true, by quantile", plot(axes, shapes, said), kind=kind, story=(story,))


def _dotted(axes: Axes, name: str, points: Sequence[Point]) -> Iterator[str]:
    yield line(axes, points, name)
    side = "baseline" if name == "was" else "current"
    for share, point in zip(SHARES, points, strict=True):
        told = f"{side}, {share:.0%}: truth {number(point[0])}, prediction {number(point[1])}"
        yield dot(axes, point, name, told)


def _column(profile: Profile, attribute: str) -> Column | None:
    try:
        return profile.column(profile.names[place_of(attribute, profile.names)])
    except SchemaMismatch:
        return None
