"""What a page tells of the method: formulas, limits in use, and why some numbers are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from driftline.metrics.metric import METRICS
from driftline.monitors.quality import CONSTANT, NAMED_AT
from driftline.monitors.verdict import Measure
from driftline.pages.content import DRIFT
from driftline.pages.names import ESTIMATED, title_of
from driftline.pages.tables import counted
from driftline.pages.terminal import number
from driftline.pages.words import isolated, name_of

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


_MOVED = (
    "Numbers: the largest difference of the distribution functions; categories: of a share. Less what samples of this "
    "size differ by through chance, 1.8·√((n + m) / (n·m))."
)
_ROBUST = "Deequ's robust comparison, which SageMaker Model Monitor uses"

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
    "label_coverage": (
        "Label coverage",
        "Rows that have a prediction and a label / all rows.",
        "0 to 1",
        "the greater, the surer",
        "",
    ),
    "label_drift": ("Drift of labels", _MOVED, "0 to 1", "up to its limit", _ROBUST),
    "prediction_drift": ("Drift of predictions", _MOVED, "0 to 1", "up to its limit", _ROBUST),
    "score_drift": ("Drift of probabilities", _MOVED, "0 to 1", "up to its limit", _ROBUST),
    "facet_drift": ("Drift of facets", _MOVED, "0 to 1", "near 0", _ROBUST),
    "attribution_value_drift": ("Drift of local attributions", _MOVED, "0 to 1", "up to its limit", _ROBUST),
    "attribution": (
        "Global attribution",
        "The attributions of a feature to all rows, as one number: the mean of their sizes, unless another way was "
        "asked for.",
        "0 to infinity, in units of the answer",
        "as in the baseline",
        "SageMaker Clarify",
    ),
    "attribution_change": ("Change of the attribution", "Attribution now − before.", "any", "near 0", ""),
    "rank_change": ("Change of rank", "Place among the features now − before; 1 is the most important.", "", "0", ""),
    "expected_value": (
        "Expected value",
        "The mean answer of the model for rows of the background, of which nothing is known.",
        "any",
        "as in the baseline",
        "SageMaker Clarify",
    ),
    "expected_value_change": ("Change of the expected value", "Expected value now − before.", "any", "near 0", ""),
    "unexplained_rows": ("Rows not explained", "Rows without a finite attribution / all rows.", "0 to 1", "0", ""),
    "flip_test_coverage": (
        "Rows of the flip test",
        "Rows of the group that were compared with their neighbours / all its rows.",
        "0 to 1",
        "1",
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


def formulas_of(measures: Iterable[Measure], noun: str = "column") -> tuple[Formula, ...]:
    """Every measure that has a value somewhere, in order of appearance, with the limits that were in use.

    `noun` is what shares a limit; empty not to tell how many do. What constant classifiers have is no measure of its
    own, nor is an estimate, nor a metric of rankings cut at a place.
    """
    limits: dict[str, Counter[float]] = {}
    for measure in measures:
        name = measure.name.partition(NAMED_AT)[0]
        if isnan(measure.value) or name.endswith(CONSTANT) or name.startswith(ESTIMATED):
            continue
        known = limits.setdefault(name, Counter())
        if measure.limit is not None:
            known[measure.limit] += 1
    return tuple(_formula(name, found, noun) for name, found in limits.items())


def _formula(name: str, limits: Counter[float], noun: str) -> Formula:
    ordered = limits.most_common(4)
    told = [number(limit) + (f" ({counted(count, noun)})" if noun else "") for limit, count in ordered]
    said = "; ".join(told) + ("; …" if len(limits) > len(ordered) else "")
    if name in METRICS:
        known = METRICS[name]
        meaning = " ".join(known.meaning.split("\n\n")[0].replace("`", "").split())
        return Formula(name, known.title, meaning, known.span, known.normal, known.source.replace("`", ""), said)
    title, formula, span, normal, source = _OURS.get(name, (title_of(name), "", "", "", ""))
    return Formula(name, title, formula, span, normal, source, said)


def gaps_of(measures: Iterable[Measure]) -> tuple[Gap, ...]:
    """Measures without a value, one entry for each reason with the columns it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for measure in measures:
        if isnan(measure.value):
            found.setdefault((measure.name, measure.reason or "no reason is known"), []).append(measure.subject)
    return tuple(Gap(title_of(name), reason, _named(columns)) for (name, reason), columns in found.items())


def _named(columns: list[str]) -> str:
    more = f" and {len(columns) - NAMED:,} more" if len(columns) > NAMED else ""
    return ", ".join(isolated(name_of(name)) for name in columns[:NAMED]) + more
