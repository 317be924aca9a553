"""How far predicted numbers are from the actual ones: joint moments from which every metric of a regression follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.columns import BLOCK, Cells, Floats
from driftline.profile.outcomes import column_of, numbers_of
from driftline.profile.quantiles import Quantiles, Sketch
from driftline.schema import Field, Form

TERMS = 6
"""The terms whose products are summed: 1, |r|, r, r², z and z², see `ResidualsState`."""

_ONE, _ABSOLUTE, _RESIDUAL, _SQUARE, _TRUTH, _TRUTH_SQUARE = range(TERMS)

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ResidualsState:
    """Sums over the rows that have a finite prediction p and a finite truth y, with the residual r = p - y.

    `products` holds, row by row of a 6 × 6 table, the sums of the products of 1, |r|, r, r², z and z² with each other,
    where z = y - `centre` and `centre` is the mean truth. When states merge, their tables are first brought to the
    common centre, which is exact algebra (the terms of one centre are linear in those of another) and keeps the terms
    small, as in Chan, Golub and LeVeque's rule for variances. `relative` sums |r / y| over the rows whose truth is not
    0, of which there are `count - zeros`. `sketch` holds the residuals' quantiles.
    """

    centre: float = 0.0
    products: Floats = field(default_factory=lambda: np.zeros(TERMS * TERMS))
    relative: float = 0.0
    zeros: int = 0
    lowest: float = inf
    highest: float = -inf
    unlabelled: int = 0
    unpredicted: int = 0
    infinite: int = 0
    sketch: Sketch = field(default_factory=Sketch)

    @property
    def table(self) -> Table:
        """`products` as a table."""
        return self.products.reshape(TERMS, TERMS)

    @property
    def count(self) -> int:
        """Rows that were compared."""
        return int(self.products[0])

    @property
    def rows(self) -> int:
        """All rows seen."""
        return self.count + self.unlabelled + self.unpredicted + self.infinite

    @property
    def means(self) -> Floats:
        """The means of |r|, r, r², z and z² in this order; NaN without rows."""
        found: Floats = self.table[0, 1:] / self.count if self.count else np.full(TERMS - 1, np.nan)
        return found

    @property
    def covariance(self) -> Table:
        """The sample covariance of |r|, r, r², z and z²; NaN with fewer than two rows."""
        if self.count < 2:
            return np.full((TERMS - 1, TERMS - 1), np.nan)
        means = self.means
        found: Table = (self.table[1:, 1:] - self.count * np.multiply.outer(means, means)) / (self.count - 1)
        return found

    def centred_at(self, centre: float) -> Table:
        """The table as it is with another centre."""
        step = centre - self.centre
        change = np.eye(TERMS)
        change[_ONE, _TRUTH] = -step
        change[_ONE, _TRUTH_SQUARE] = step * step
        change[_TRUTH, _TRUTH_SQUARE] = -2 * step
        return np.einsum("ia,ij,jb->ab", change, self.table, change) if step else self.table

    def merge(self, other: ResidualsState) -> ResidualsState:
        """The sums of both."""
        left = replace(
            self,
            unlabelled=self.unlabelled + other.unlabelled,
            unpredicted=self.unpredicted + other.unpredicted,
            infinite=self.infinite + other.infinite,
        )
        if not other.count:
            return left
        if not self.count:
            counted = (left.unlabelled, left.unpredicted, left.infinite)
            return replace(other, unlabelled=counted[0], unpredicted=counted[1], infinite=counted[2])
        centre = self.centre + (other.centre - self.centre) * (other.count / (self.count + other.count))
        return replace(
            left,
            centre=centre,
            products=(self.centred_at(centre) + other.centred_at(centre)).reshape(-1),
            relative=self.relative + other.relative,
            zeros=self.zeros + other.zeros,
            lowest=min(self.lowest, other.lowest),
            highest=max(self.highest, other.highest),
            sketch=self.sketch.merge(other.sketch),
        )


@dataclass(frozen=True)
class Residuals(JointAnalyzer[ResidualsState]):
    """The residuals of a regression: `prediction` less `ground_truth`, given by name, place or path (`place_of`)."""

    prediction: str
    ground_truth: str

    def start(self) -> ResidualsState:
        """Nothing seen."""
        return ResidualsState()

    def observe(self, state: ResidualsState, batch: pa.RecordBatch) -> ResidualsState:
        """With the batch's rows added; raises `SchemaMismatch` if a column is missing."""
        truth, predicted = (numbers_of(column_of(each, batch)) for each in (self.ground_truth, self.prediction))
        unlabelled = np.isnan(truth)
        unpredicted = np.isnan(predicted) & ~unlabelled
        used = np.isfinite(truth) & np.isfinite(predicted)
        missing, unguessed, compared = (int(np.count_nonzero(mask)) for mask in (unlabelled, unpredicted, used))
        infinite = len(truth) - missing - unguessed - compared
        if compared < len(truth):
            truth, predicted = truth[used], predicted[used]
        found = ResidualsState(unlabelled=missing, unpredicted=unguessed, infinite=infinite)
        for at in range(0, len(truth), BLOCK):
            found = found.merge(_block(truth[at : at + BLOCK], predicted[at : at + BLOCK]))
        return replace(state.merge(found), sketch=_continued(state.sketch, predicted - truth))


def residuals_of(truth: Floats, predicted: Floats) -> ResidualsState:
    """The state of finite truths and predictions.

    >>> residuals_of(np.array([1.0, 2.0]), np.array([2.0, 4.0])).means.tolist()
    [1.5, 1.5, 2.5, 0.0, 0.25]
    """
    found = ResidualsState()
    for at in range(0, len(truth), BLOCK):
        found = found.merge(_block(truth[at : at + BLOCK], predicted[at : at + BLOCK]))
    return replace(found, sketch=_continued(found.sketch, predicted - truth))


def _continued(sketch: Sketch, residuals: Floats) -> Sketch:
    """With the residuals inserted, as the numbers of any column are."""
    column = pa.Array.from_buffers(pa.float64(), len(residuals), [None, pa.py_buffer(np.ascontiguousarray(residuals))])
    return Quantiles("residual", sketch.k, sketch.c).observe(sketch, Cells(Field("residual", Form.NUMBER), column))


def _block(truth: Floats, predicted: Floats) -> ResidualsState:
    residual = predicted - truth
    size = np.abs(residual)
    centre = _sum(truth) / len(truth)
    apart = truth - centre
    terms = (size, residual, residual * residual, apart, apart * apart)
    table = np.empty((TERMS, TERMS))
    table[0] = table[:, 0] = [len(truth), *map(_sum, terms)]
    for row in range(1, TERMS):
        for column in range(row, TERMS):
            table[row, column] = table[column, row] = np.add.reduce(terms[row - 1] * terms[column - 1])
    other = truth != 0
    with np.errstate(over="ignore"):  # a truth next to 0 makes the ratio infinite
        relative = float(np.add.reduce(size[other] / np.abs(truth[other])))
    zeros = len(truth) - int(np.count_nonzero(other))
    return ResidualsState(centre, table.reshape(-1), relative, zeros, float(residual.min()), float(residual.max()))


def _sum(values: Floats) -> float:
    """The sum, one value added after the other, so that SageMaker's figures come out to their last digits."""
    return float(np.cumsum(values)[-1])
