"""One group against the rest: its metrics from its counts, with reasons where there are none, and with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan

import numpy as np

from driftline.metrics import bias_post, bias_pre
from driftline.metrics.bias_post import LABEL_FREE, POST
from driftline.metrics.bias_pre import PRE
from driftline.metrics.bootstrap import DRAWS, intervals
from driftline.metrics.flips import flips
from driftline.metrics.metric import METRICS
from driftline.monitors.disparities import Disparity, FacetGroup
from driftline.monitors.facets import Group
from driftline.profile.neighbours import NeighboursState
from driftline.profile.split import Flips, Split

_CONDITIONAL = ("CDDL", "CDDPL", "CDDPL-CDDL")

_LEAST_DRAWS, _MOST_DRAWN = 30, 500_000
"""Of very many strata so few replicates are drawn, whose deviation is known to about an eighth; and so many counts."""


@dataclass(frozen=True)
class Reasons:
    """Why metrics that need labels, or a group variable, have none; empty where they may."""

    labels: str = ""
    group_variable: str = ""


@dataclass(frozen=True)
class Flipped:
    """The rows that the flip test compares, and the reading of their predictions."""

    state: NeighboursState
    reading: int

    @property
    def why_not(self) -> str:
        """Why rows cannot be compared; empty if they can."""
        if self.state.crowded:
            return f"more than {self.state.strata} distinct values of the facet"
        texts = self.state.texts
        return f"not all features are numbers: {', '.join(texts[:5])}" if texts else ""


@dataclass(frozen=True)
class Compared:
    """A group with what its metrics are made of."""

    group: Group
    split: Split
    reasons: Reasons
    near: Flipped | None = None

    @cached_property
    def flips(self) -> Flips | None:
        """What the flip test counts; None where it cannot be asked."""
        if self.near is None or self.near.why_not:
            return None
        return flips(self.near.state, self.group.wanted, self.near.reading)


def group_of(compared: Compared, names: Sequence[str], confidence: float | None = None) -> FacetGroup:
    """The metrics of a group, with intervals if a confidence is given."""
    found = [disparity_of(name, compared) for name in names]
    if confidence is not None:
        found = list(_bounded(found, compared, confidence))
    return FacetGroup(compared.group.facet, compared.group.value, tuple(found))


def disparity_of(name: str, compared: Compared) -> Disparity:
    """One metric of a group."""
    if name == "FT":
        return _flip_test(compared)
    stage = bias_pre if name in PRE else bias_post
    why = (
        (compared.reasons.labels if name in POST and name not in LABEL_FREE else "")
        or (compared.reasons.group_variable if name in _CONDITIONAL else "")
        or stage.why_not(name, compared.split)
    )
    return Disparity(name, reason=why) if why else Disparity(name, METRICS[name].compute(compared.split))


def _flip_test(compared: Compared) -> Disparity:
    counted = compared.flips
    if counted is None:
        return Disparity("FT", reason=compared.near.why_not if compared.near else "there are no predictions")
    why = bias_post.flips_why_not(counted)
    if why:
        return Disparity("FT", reason=why)
    note = ""
    if not counted.is_exact:
        note = (
            f"of a sample: {counted.rows:,} of {counted.total:,} rows of the group, "
            f"compared with {counted.against:,} of {counted.total_against:,} others"
        )
    return Disparity("FT", bias_post.flip_test(counted), note=note)


def _bounded(found: Sequence[Disparity], compared: Compared, confidence: float) -> Iterator[Disparity]:
    """With their confidence intervals."""
    plain = {each.name: METRICS[each.name].compute for each in found if each.name != "FT" and not isnan(each.value)}
    # strata are drawn for what needs them alone: without them there are few counts to draw
    strata = {name: plain.pop(name) for name in _CONDITIONAL if name in plain}
    bounds = intervals(compared.split.collapsed(), plain, confidence)
    if strata:
        draws = max(_LEAST_DRAWS, min(DRAWS, _MOST_DRAWN // max(1, int(np.count_nonzero(compared.split.counts)))))
        bounds |= intervals(compared.split, strata, confidence, draws)
    if compared.flips is not None and "FT" in {each.name for each in found}:
        bounds |= intervals(compared.flips, {"FT": bias_post.flip_test}, confidence)
    for each in found:
        low, high = bounds.get(each.name, (each.low, each.high))
        yield replace(each, low=low, high=high)
