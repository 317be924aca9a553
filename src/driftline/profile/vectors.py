"""Embeddings: the norm of each vector and the moments of each dimension."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from driftline.profile.analyzer import Analyzer
from driftline.profile.arrow import values_of
from driftline.profile.columns import Cells, Floats
from driftline.profile.moments import MomentsState, moments_of


@dataclass(frozen=True)
class VectorState:
    """Moments of vectors of one dimension; `odd` vectors had another dimension or a value that is not finite.

    `centre` and `centred` hold, for each dimension, the mean and the sum of squared distances from it.
    """

    count: int = 0
    centre: Floats = field(default_factory=lambda: np.empty(0))
    centred: Floats = field(default_factory=lambda: np.empty(0))
    norms: MomentsState = field(default_factory=MomentsState)
    odd: int = 0

    @property
    def dimension(self) -> int:
        """Number of dimensions; 0 without vectors."""
        return len(self.centre)

    @property
    def mean(self) -> Floats:
        """The mean of each dimension."""
        return self.centre

    @property
    def std_dev(self) -> Floats:
        """The population standard deviation of each dimension."""
        return np.sqrt(np.maximum(self.centred, 0.0) / max(self.count, 1))

    def merge(self, other: VectorState) -> VectorState:
        """Moments of both; of two dimensions the one with more vectors stays, the others become `odd`."""
        odd = self.odd + other.odd
        if not self.count or not other.count:
            kept = self if self.count else other
            return VectorState(kept.count, kept.centre, kept.centred, kept.norms, odd)
        if self.dimension != other.dimension:
            more, less = sorted((self, other), key=lambda state: (-state.count, -state.dimension))
            return VectorState(more.count, more.centre, more.centred, more.norms, odd + less.count)
        count = self.count + other.count
        step = other.centre - self.centre
        return VectorState(
            count,
            self.centre + step * (other.count / count),
            self.centred + other.centred + step * step * (self.count * (other.count / count)),
            self.norms.merge(other.norms),
            odd,
        )


@dataclass(frozen=True)
class Vectors(Analyzer[VectorState]):
    """Per-dimension mean and standard deviation, and moments of the Euclidean norm, of fixed-size vectors."""

    def start(self) -> VectorState:
        """Nothing seen."""
        return VectorState()

    def observe(self, state: VectorState, cells: Cells) -> VectorState:
        """With the cells' vectors added."""
        size = cells.array.type.list_size
        values = values_of(cells.dense.flatten().cast(pa.float64()).fill_null(float("nan")))
        vectors = values.reshape(-1, size) if size else np.empty((0, 0))
        finite = np.isfinite(vectors).all(axis=1)
        odd = len(vectors) - int(np.count_nonzero(finite))
        vectors = vectors[finite] if odd else vectors
        if not len(vectors):
            return state.merge(VectorState(odd=odd))
        centre = vectors.mean(axis=0)
        centred = np.square(vectors - centre).sum(axis=0)
        norms = moments_of(np.sqrt(np.square(vectors).sum(axis=1)))
        return state.merge(VectorState(len(vectors), centre, centred, norms, odd))
