"""Which features machines are told of: of each model, and of all together, the worst; and how many are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

MEASURES = ("baseline_drift", "completeness")
"""What is told of features: subjects of these are columns of the model's schema, and never values of its rows."""
MODEL = "model"
_MOST_OF_MODEL = 64


@dataclass(frozen=True)
class Feature:
    """A column, what was measured of it, and how bad that is: 1 is at its limit."""

    name: str
    values: tuple[tuple[str, float], ...]
    badness: float


@dataclass(frozen=True)
class Figures:
    """What a run measured: rows, their share with a label, the model, and its features, the worst first."""

    rows: int | None = None
    coverage: float | None = None
    of_model: tuple[tuple[str, float], ...] = ()
    features: tuple[Feature, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Kept:
    """The features that are told, by run; and by model how many are not."""

    features: Mapping[str, Sequence[Feature]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)


def figures_of(body: Mapping[str, Any], most: int) -> Figures:
    """What a run's row says, with its `most` worst features.

    >>> told = [{"subject": name, "name": "baseline_drift", "value": value, "limit": 0.1} for name, value in
    ...         {"age": 0.3, "sex": 0.05}.items()]
    >>> figures_of({"rows": 9, "figures": told}, 1).features
    (Feature(name='age', values=(('baseline_drift', 0.3),), badness=2.99...),)
    """
    columns: dict[str, list[tuple[str, float, float]]] = {}
    model: list[tuple[str, float]] = []
    for each in body.get("figures", ()):
        value = each["value"]
        if value is None or not isfinite(value):
            continue
        if each["name"] in MEASURES:
            bad = _badness(each["name"], value, each.get("limit"))
            columns.setdefault(each["subject"], []).append((each["name"], value, bad))
        elif each["subject"] == MODEL and len(model) < _MOST_OF_MODEL:
            model.append((each["name"], value))
    found = [
        Feature(name, tuple((measure, value) for measure, value, _ in told), max(bad for *_, bad in told))
        for name, told in columns.items()
    ]
    found.sort(key=lambda each: (-each.badness, each.name))
    labelled, rows = body.get("labelled"), body.get("rows")
    coverage = labelled / rows if rows and labelled is not None else None
    left_out = max(body.get("columns", 0), len(found)) - min(len(found), most)
    return Figures(rows, coverage, tuple(dict(model).items()), tuple(found[:most]), left_out)


def _badness(name: str, value: float, limit: float | None) -> float:
    """How far a value is on the way to its limit, or beyond it.

    >>> _badness("baseline_drift", 0.2, 0.1), _badness("completeness", 0.5, 0.75), _badness("completeness", 1.0, 1.0)
    (2.0, 2.0, 0.0)
    """
    wrong, allowed = (1.0 - value, 1.0 - (limit or 0.0)) if name == "completeness" else (value, limit or 1.0)
    return 0.0 if wrong <= 0.0 else wrong / allowed if allowed > 0.0 else inf


def kept(runs: Sequence[tuple[str, str, Figures]], of_model: int, series: int) -> Kept:
    """Of (model, run, figures) so many of the worst features of a model, and all in all so many series at most."""
    ranked = sorted(
        ((each, model, run) for model, run, figures in runs for each in figures.features),
        key=lambda one: (-one[0].badness, one[1], one[0].name),
    )
    features: dict[str, list[Feature]] = {}
    taken: dict[str, int] = {}
    left_out = _left_out(runs)
    for each, model, run in ranked:
        if taken.get(model, 0) < of_model and series >= len(each.values):
            features.setdefault(run, []).append(each)
            taken[model] = taken.get(model, 0) + 1
            series -= len(each.values)
        else:
            left_out[model] = left_out.get(model, 0) + 1
    return Kept(features, left_out)


def _left_out(runs: Sequence[tuple[str, str, Figures]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for model, _, figures in runs:
        found[model] = found.get(model, 0) + figures.left_out
    return found
