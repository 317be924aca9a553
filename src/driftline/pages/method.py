"""What a page tells of the method: formulas, limits in use, and why some numbers are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from driftline.metrics.metric import METRICS
from driftline.monitors.verdict import Measure
from driftline.pages.content import DRIFT
from driftline.pages.terminal import number
from driftline.pages.words import isolated, measure_title, name_of

NAMED = 12
"""So many columns are named where a reason holds for several."""


@dataclass(frozen=True)
class Formula:
    """A measure that was taken: its name, formula, range, what is of no concern, source and limits."""

    name: str
    title: str
    formula: str
    span: str
    normal: str
    source: str
    limits: str


@dataclass(frozen=True)
class Gap:
    """A measure without a value, why, and for which columns."""

    measure: str
    reason: str
    columns: str


_OURS = {
    DRIFT: (
        "Distance (baseline_drift)",
        "Numbers: the largest difference of the two distribution functions, max |F(x) − G(x)|. Categories: the largest "
        "difference of a share, max |p − q|, or the p-value of a chi-squared test where that is asked. The comparison "
        "“Robust” subtracts 1.8·√((n + m) / (n·m)), by which samples of n and m values differ by chance; “Simple” "
        "subtracts nothing.",
        "0 to 1",
        "up to its limit",
        "SageMaker Model Monitor, as Deequ computes it",
    ),
    "completeness": ("Completeness", "Rows with a value / all rows.", "0 to 1", "at least its limit", "Deequ"),
    "data_type_match": (
        "Type of values",
        "Values of the type that the baseline inferred / all values.",
        "0 to 1",
        "at least its limit",
        "Deequ",
    ),
    "domain_match": (
        "Known values",
        "Values that are among the baseline's categories / all values.",
        "0 to 1",
        "at least its limit",
        "Deequ",
    ),
    "minimum": (
        "Lowest value",
        "The lowest number, where the baseline had none below 0.",
        "any",
        "at least 0",
        "Deequ",
    ),
    "centre_shift": (
        "Shift of the centre",
        "Root mean square, over the dimensions, of |mean now − mean before| / standard deviation before.",
        "0 to infinity",
        "near 0",
        "",
    ),
    "norm_shift": (
        "Shift of the norm",
        "|mean norm now − before| / standard deviation of the norm before.",
        "0 to infinity",
        "near 0",
        "",
    ),
}


def formulas_of(measures: Iterable[Measure]) -> tuple[Formula, ...]:
    """Every measure that has a value somewhere, in order of appearance, with the limits that were in use."""
    limits: dict[str, Counter[float]] = {}
    for measure in measures:
        if isnan(measure.value):
            continue
        known = limits.setdefault(measure.name, Counter())
        if measure.limit is not None:
            known[measure.limit] += 1
    return tuple(_formula(name, found) for name, found in limits.items())


def _formula(name: str, limits: Counter[float]) -> Formula:
    ordered = limits.most_common(4)
    columns = [f"{number(limit)} ({count:,} {'column' if count == 1 else 'columns'})" for limit, count in ordered]
    said = "; ".join(columns) + ("; …" if len(limits) > len(ordered) else "")
    if name in METRICS:
        known = METRICS[name]
        meaning = " ".join(known.meaning.split("\n\n")[0].replace("`", "").split())
        return Formula(name, known.title, meaning, known.span, known.normal, known.source.replace("`", ""), said)
    title, formula, span, normal, source = _OURS.get(name, (measure_title(name), "", "", "", ""))
    return Formula(name, title, formula, span, normal, source, said)


def gaps_of(measures: Iterable[Measure]) -> tuple[Gap, ...]:
    """Measures without a value, one entry for each reason with the columns it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for measure in measures:
        if isnan(measure.value):
            found.setdefault((measure.name, measure.reason or "no reason is known"), []).append(measure.subject)
    return tuple(Gap(measure_title(name), reason, _named(columns)) for (name, reason), columns in found.items())


def _named(columns: list[str]) -> str:
    more = f" and {len(columns) - NAMED:,} more" if len(columns) > NAMED else ""
    return ", ".join(isolated(name_of(name)) for name in columns[:NAMED]) + more
