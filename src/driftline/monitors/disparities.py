"""What a bias analysis finds: for each group of each facet its metrics, before and after training."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isinf, isnan, nan

PRE_TRAINING, POST_TRAINING = "Pre-training", "Post-Training"
"""SageMaker's names of the stages, which its CloudWatch dimension `BiasStage` has."""

NEUTRAL = {"DI": 1.0}
"""The value that says there is no bias, where that is not 0."""

_RANGE = re.compile(r"\((?P<low>[^,()\[\]]+), [^,()\[\]]+\]")


@dataclass(frozen=True)
class Disparity:
    """One metric of one group; NaN with a reason where it is not defined.

    `low` and `high` bound it with the confidence that was asked for; NaN if none was. `note` tells what the figure
    rests on where that is not all rows.
    """

    name: str
    value: float = nan
    reason: str = ""
    low: float = nan
    high: float = nan
    note: str = ""

    def is_farther_than(self, before: float) -> bool:
        """Whether this is farther from neutral than `before` was, in whichever direction.

        That is `|value - c| > |before - c|`, c being 0, or 1 for DI. With an interval all of it has to be farther:
        the interval and the range that is allowed have no point in common. What is undefined never is.

        >>> Disparity("CI", -0.3).is_farther_than(0.2), Disparity("CI", 0.1).is_farther_than(0.2)
        (True, False)
        >>> Disparity("DI", 0.9).is_farther_than(0.8), Disparity("CI", 0.3, "", 0.1, 0.5).is_farther_than(0.2)
        (False, False)
        """
        if isnan(self.value) or isnan(before):
            return False
        centre = NEUTRAL.get(self.name, 0.0)
        allowed = abs(before - centre)
        if isnan(self.low) or isinf(self.value):
            return abs(self.value - centre) > allowed
        return self.low > centre + allowed or self.high < centre - allowed


@dataclass(frozen=True)
class FacetGroup:
    """The metrics of one sensitive group.

    `facet` is the column (several joined by ` & `), `value` the value that makes the group, or the range of a
    threshold, as SageMaker writes it: `0`, `a,b`, `(30, 90]`.
    """

    facet: str
    value: str
    disparities: tuple[Disparity, ...] = ()

    @property
    def subject(self) -> str:
        """What measures of it are about.

        >>> FacetGroup("sex", "0").subject
        'sex = 0'
        """
        return f"{self.facet} = {self.value}"

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other groups, whatever the data's maximum was."""
        return self.facet, stem(self.value)

    @property
    def named(self) -> dict[str, Disparity]:
        """The metrics by name."""
        return {each.name: each for each in self.disparities}


@dataclass(frozen=True)
class Stage:
    """One stage of an analysis: what was the label, which of its values are positive, and the groups."""

    label: str
    label_value: str
    groups: tuple[FacetGroup, ...] = ()

    @property
    def keyed(self) -> dict[tuple[str, str], FacetGroup]:
        """The groups by their keys."""
        return {group.key: group for group in self.groups}


@dataclass(frozen=True)
class Disparities:
    """A bias analysis: the stages that were asked for."""

    pre: Stage | None = None
    post: Stage | None = None

    @property
    def stages(self) -> Iterator[tuple[str, Stage]]:
        """The stages there are, by SageMaker's names, pre-training first."""
        if self.pre is not None:
            yield PRE_TRAINING, self.pre
        if self.post is not None:
            yield POST_TRAINING, self.post

    def stage(self, name: str) -> Stage | None:
        """One of the stages."""
        return self.pre if name == PRE_TRAINING else self.post

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """The keys of all groups."""
        return frozenset(group.key for _, stage in self.stages for group in stage.groups)

    @property
    def label_value(self) -> str:
        """The positive values of the label; empty if there is no stage."""
        return next((stage.label_value for _, stage in self.stages), "")


def stem(value: str) -> str:
    """A group's value without the data's maximum, which differs from window to window.

    >>> stem("(30, 90]"), stem("30"), stem("a & (0.5, 1.0]")
    ('(30', '30', 'a & (0.5')
    """
    return _RANGE.sub(lambda found: f"({found['low']}", value)


def is_range(value: str) -> bool:
    """Whether a value stands for all above a threshold.

    >>> is_range("(30, 90]"), is_range("30")
    (True, False)
    """
    return _RANGE.fullmatch(value) is not None


def written(value: float) -> str:
    """A figure as SageMaker prints it in sentences.

    >>> written(0.5), written(inf)
    ('0.5', 'Infinity')
    """
    return ("Infinity" if value > 0 else "-Infinity") if value in (inf, -inf) else repr(float(value))
