"""Drift of one column: SageMaker's comparison under its configuration, and every other distance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan

from driftline.metrics.distance import (
    category_shares,
    chi_squared,
    decile_shares,
    kolmogorov_smirnov,
    l_infinity,
    robust,
)
from driftline.metrics.embedding import shift
from driftline.metrics.metric import distances
from driftline.monitors.constraints import MOST_CATEGORIES, Config
from driftline.monitors.verdict import Measure
from driftline.profile import Column
from driftline.schema import Form

VECTOR_SHIFTS = {"centre_shift": "Shift of the centre", "norm_shift": "Shift of the norm"}
"""Measures of embeddings, with their titles."""


@dataclass(frozen=True)
class Drift:
    """A distance (or a p-value) with its limit; NaN with a reason where it is not defined."""

    value: float
    limit: float
    reason: str = ""
    is_p_value: bool = False

    @property
    def exceeded(self) -> bool:
        """Whether the column drifted: the distance is above the limit, or the p-value below it."""
        return self.value < self.limit if self.is_p_value else self.value > self.limit


def drift_of(before: Column | None, current: Column, config: Config, *, compatible: bool, quirks: bool) -> Drift:
    """SageMaker's drift of a column: on distribution functions of numbers, on shares of categories.

    `Robust` subtracts what small samples differ by chance, `Simple` does not; `ChiSquared` gives a p-value.
    `compatible` compares text only where SageMaker keeps a histogram of it, `quirks` skips numbers where it does.
    """
    limit = config.comparison_threshold or 0.0
    reason = why_not(before, current)
    if reason or before is None:
        return Drift(nan, limit, reason)
    if before.kinds.inferred != current.kinds.inferred:
        types = f"{before.kinds.inferred} before, {current.kinds.inferred} now"
        return Drift(nan, limit, f"the inferred types differ: {types}")
    if current.is_numeric:
        if quirks and current.distinct <= MOST_CATEGORIES:
            return Drift(nan, limit, "skipped as SageMaker does: at most 120 distinct values")
        simple = kolmogorov_smirnov(before.sketch, current.sketch)
        return Drift(_corrected(simple, config, before.sketch.count, current.sketch.count), limit)
    if compatible and max(len(before.frequent.counts), len(current.frequent.counts)) > MOST_CATEGORIES:
        return Drift(nan, limit, f"more than {MOST_CATEGORIES} distinct values, of which SageMaker has no histogram")
    return _categorical(before.frequent.counts, current.frequent.counts, config)


def _categorical(before: Mapping[str, int], current: Mapping[str, int], config: Config) -> Drift:
    limit = config.categorical_comparison_threshold
    limit = (config.comparison_threshold or 0.0) if limit is None else limit
    if config.categorical_drift_method == "ChiSquared":
        _, p_value = chi_squared(before, current)
        return Drift(p_value, limit, "fewer than two groups large enough" if isnan(p_value) else "", is_p_value=True)
    simple = l_infinity(*category_shares(before, current))
    return Drift(_corrected(simple, config, sum(before.values()), sum(current.values())), limit)


def _corrected(simple: float, config: Config, before: int, current: int) -> float:
    return simple if config.comparison_method == "Simple" else robust(simple, before, current)


def why_not(before: Column | None, current: Column) -> str:
    """Why two columns cannot be compared; empty if they can."""
    if before is None:
        return "the baseline has no statistics of this column"
    for column, which in ((before, "baseline"), (current, "current data")):
        if not column.present:
            return f"the {which} has no values"
        if column.form in (Form.TIME, Form.VECTOR, Form.OTHER):
            return f"{column.form.value} columns have no distribution to compare"
        if column.is_numeric and not column.sketch.count:
            return f"the {which} has no finite numbers"
    if before.is_numeric != current.is_numeric:
        return f"the inferred types differ: {before.kinds.inferred} before, {current.kinds.inferred} now"
    if not current.is_numeric and not (before.frequent.exact and current.frequent.exact):
        return "too many distinct values to compare"
    return ""


def measure_all(before: Column, current: Column) -> Iterator[Measure]:
    """Every distance of the table; those that the columns' kind does not admit are left out."""
    reason = why_not(before, current)
    if reason:
        if before.form is not Form.VECTOR:
            yield Measure(current.name, "distances", reason=reason)
        return
    numeric = current.is_numeric
    shares = (
        decile_shares(before.sketch, current.sketch)
        if numeric
        else category_shares(before.frequent.counts, current.frequent.counts)
    )
    constant = before.moments.minimum == before.moments.maximum
    why = "not defined for a constant baseline" if constant else "the numbers are too large"
    for metric in distances().values():
        if metric.takes == "shares":
            yield _measure(current.name, metric.name, metric.compute(*shares), why)
        elif numeric:
            yield _measure(current.name, metric.name, metric.compute(before.sketch, current.sketch), why)


def _measure(subject: str, name: str, value: float, why: str) -> Measure:
    return Measure(subject, name, value, reason=why if isnan(value) else "")


def vector_shift(before: Column, current: Column) -> Iterator[Measure]:
    """How far embeddings moved: the way of their centre in standard deviations of the baseline (root mean square
    over the dimensions), and the way of the mean norm in its standard deviations.
    """
    if before.form is not Form.VECTOR or current.form is not Form.VECTOR:
        return
    found = shift(before.vector, current.vector)
    if found.dimensions:
        for name, value in zip(VECTOR_SHIFTS, (found.centre, abs(found.norm)), strict=True):
            yield _measure(current.name, name, value, "not defined for a constant baseline")
    else:
        yield Measure(current.name, "centre_shift", reason=found.reason)
