"""How far vectors moved: their centre, their length, and dimension by dimension."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np

from driftline.profile.columns import Floats
from driftline.profile.vectors import VectorState


@dataclass(frozen=True)
class Shift:
    """From one set of vectors to another; NaN where it is not defined, and `reason` then says why.

    `centre` is how far the mean vector moved, in standard deviations of the first set: the root mean square over the
    dimensions. `norm` is how far the mean norm moved, in its standard deviations. `cosine` is the cosine of the angle
    between both mean vectors, in [-1, 1]. `dimensions` has the move of each dimension's mean, in its own deviations.
    """

    centre: float = nan
    norm: float = nan
    cosine: float = nan
    dimensions: tuple[float, ...] = ()
    reason: str = ""


def shift(first: VectorState, second: VectorState) -> Shift:
    """From the first set of vectors to the second.

    >>> import numpy as np
    >>> from driftline.profile.moments import MomentsState
    >>> norms = MomentsState.from_summary(4, 1.0, 0.5, 0.5, 1.5)
    >>> may = VectorState(4, np.array([0.0, 1.0]), np.array([4.0, 16.0]), norms)
    >>> june = VectorState(4, np.array([1.0, 1.0]), np.array([4.0, 16.0]), norms)
    >>> found = shift(may, june)
    >>> found.dimensions, round(found.centre, 3), found.norm, round(found.cosine, 3)
    ((1.0, 0.0), 0.707, 0.0, 0.707)
    """
    if not first.count or not second.count:
        which = "second" if first.count else "first"
        return Shift(reason=f"the {which} side has no vectors")
    if first.dimension != second.dimension:
        return Shift(reason=f"{first.dimension} dimensions before, {second.dimension} now")
    spread = first.std_dev
    with np.errstate(all="ignore"):
        moves = np.where(spread > 0, (second.mean - first.mean) / spread, nan)
    known = moves[np.isfinite(moves)]
    centre = float(np.sqrt(np.mean(known**2))) if len(known) else nan
    deviation = first.norms.std_dev
    norm = (second.norms.mean - first.norms.mean) / deviation if deviation else nan
    reason = "" if len(known) else "not defined for a constant first side"
    return Shift(centre, norm, _cosine(first.mean, second.mean), tuple(moves.tolist()), reason)


def _cosine(one: Floats, other: Floats) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.dot(one, other) / lengths) if lengths else nan
