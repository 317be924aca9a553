"""Global attributions: how much each feature moves a model's answers, which an explainability monitor learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan, nan

import numpy as np

from driftline.errors import Invalid, SchemaMismatch
from driftline.profile import Column, Profile
from driftline.profile.attribution import Attribution, local_name
from driftline.profile.columns import Floats
from driftline.profile.outcomes import place_of

MEAN_ABS, MEDIAN, MEAN_SQ = "mean_abs", "median", "mean_sq"

AGGREGATIONS = {
    MEAN_ABS: "mean size of the attributions",
    MEDIAN: "median of the attributions",
    MEAN_SQ: "mean square of the attributions",
}
"""How the attributions of all rows become one, in SageMaker's names."""


@dataclass(frozen=True)
class Attributed:
    """What each feature contributes to the answers for one label; NaN where no row was explained."""

    label: str
    values: Mapping[str, float] = field(default_factory=dict)
    expected: float = nan

    @property
    def features(self) -> tuple[str, ...]:
        """In the order in which they were given."""
        return tuple(self.values)

    @property
    def ranked(self) -> tuple[str, ...]:
        """The features from the most important down.

        >>> Attributed("label0", {"age": 0.1, "income": 0.3}).ranked
        ('income', 'age')
        """
        return tuple(sorted(self.values, key=lambda name: -self.values[name]))

    def beside(self, now: Attributed) -> tuple[Floats, Floats]:
        """Both sides as arrays in the order of this one's features; raises `SchemaMismatch` unless these are the same.

        >>> Attributed("y", {"a": 1.0, "b": 2.0}).beside(Attributed("y", {"b": 3.0, "a": 4.0}))[1].tolist()
        [4.0, 3.0]
        """
        for one, other, said in ((self, now, "now"), (now, self, "in the baseline")):
            for name in one.values:
                if name not in other.values:
                    remedy = "Learn a new baseline for the model's new features."
                    raise SchemaMismatch(column=name, reason=f"has no attribution {said}", remedy=remedy)
        return tuple(np.array([side.values[name] for name in self.values]) for side in (self, now))  # type: ignore[return-value]


@dataclass(frozen=True)
class Attributions:
    """The global attributions of every label; `method` is SageMaker's name of how they were found."""

    labels: tuple[Attributed, ...] = ()
    method: str = "kernel_shap"

    def label(self, name: str) -> Attributed:
        """Those of one label; raises `Invalid` naming the labels there are."""
        for each in self.labels:
            if each.label == name:
                return each
        known = ", ".join(each.label for each in self.labels) or "none"
        raise Invalid(
            what="label of the attributions", got=name, expected=known, remedy="Learn a baseline for these labels."
        )


def attributions_of(profile: Profile, question: Attribution, aggregation: str) -> Attributions:
    """The global attributions that a profile of local ones gives; raises `Invalid` for an unknown aggregation."""
    if aggregation not in AGGREGATIONS:
        raise Invalid(what="agg_method", got=aggregation, expected=f"one of {', '.join(AGGREGATIONS)}")
    state = profile[question]
    expected = question.expected(state)
    if aggregation == MEDIAN:
        table = {
            label: {feature: _median(local_column(profile, question, label, feature)) for feature in question.features}
            for label in question.labels
        }
    else:
        table = question.mean(state, "absolute" if aggregation == MEAN_ABS else "squares")
    return Attributions(tuple(Attributed(label, table[label], expected[label]) for label in question.labels))


def local_column(profile: Profile, question: Attribution, label: str, feature: str) -> Column | None:
    """What the profile knows of the local attributions of a feature to a label; None if it has no such column."""
    try:
        return profile.column(profile.names[place_of(local_name(label, feature, question.pattern), profile.names)])
    except SchemaMismatch:
        return None


def _median(column: Column | None) -> float:
    return nan if column is None else float(column.sketch.quantile(0.5))


def undefined(values: Mapping[str, float]) -> list[str]:
    """The features without an attribution.

    >>> undefined({"age": 0.1, "income": nan})
    ['income']
    """
    return [name for name, value in values.items() if isnan(value)]
