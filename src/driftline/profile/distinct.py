"""How many different values a column holds: the k smallest hashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from driftline.profile.analyzer import Analyzer
from driftline.profile.arrow import mask_of, texts_of
from driftline.profile.columns import Cells
from driftline.profile.hashing import Hashes, hash_numbers, hash_texts
from driftline.schema import Form

SIZE = 2048

_NO_TEXTS = texts_of([])


@dataclass(frozen=True)
class DistinctState:
    """The smallest `size` hashes that were seen, ascending.

    Below `size` distinct values the count is exact (two values share a hash once in 10**13); above, the estimate
    (size-1)/(largest kept hash as a share of all hashes) has a relative standard error of 1/sqrt(size-2), 2.2 % at
    2048. Source: Bar-Yossef et al., "Counting Distinct Elements in a Data Stream", RANDOM 2002; Beyer et al., "On
    Synopses for Distinct-Value Estimation Under Multiset Operations", SIGMOD 2007, unbiased estimator of section 4.
    """

    hashes: Hashes
    size: int = SIZE

    @property
    def exact(self) -> bool:
        """Whether `estimate` is the true number."""
        return len(self.hashes) < self.size

    @property
    def estimate(self) -> float:
        """The number of distinct values."""
        if self.exact:
            return float(len(self.hashes))
        return float(round((self.size - 1) / (float(self.hashes[-1]) / 2.0**64)))

    def add(self, hashes: Hashes) -> DistinctState:
        """With more hashes, in any order and number."""
        if not self.exact:
            hashes = hashes[hashes < self.hashes[-1]]
        if not len(hashes):
            return self
        if len(hashes) > 16 * self.size:
            # hashes are evenly spread: the lowest share of them suffices, if enough of it is distinct
            few = _sorted_set(hashes[hashes < np.uint64(2**64 * 4 * self.size // len(hashes))])
            hashes = few if len(few) >= self.size else hashes
        return DistinctState(_sorted_set(np.concatenate((self.hashes, hashes)))[: self.size], self.size)

    def merge(self, other: DistinctState) -> DistinctState:
        """The smallest hashes of both, as many as the smaller size says: beyond those one of them knows none."""
        few, many = sorted((self, other), key=lambda state: state.size)
        return few.add(many.hashes)


def _sorted_set(hashes: Hashes) -> Hashes:
    """Distinct hashes, ascending (numpy's `unique` hashes once more, which is slower)."""
    ordered = np.sort(hashes)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


@dataclass(frozen=True)
class Distinct(Analyzer[DistinctState]):
    """The number of distinct values (of elements, in a list column)."""

    size: int = SIZE

    def start(self) -> DistinctState:
        """Nothing seen."""
        return DistinctState(np.empty(0, np.uint64), self.size)

    def observe(self, state: DistinctState, cells: Cells) -> DistinctState:
        """With the cells' values added."""
        for hashes in _hashes(cells.elements):
            state = state.add(hashes)
        return state


def _hashes(cells: Cells) -> list[Hashes]:
    if cells.form is Form.BOOLEAN:
        found = [
            text for text, count in (("true", cells.dense.true_count), ("false", cells.dense.false_count)) if count
        ]
        return [hash_texts(texts_of(found))]
    hashes = [hash_numbers(runs.values) for runs in cells.runs]
    texts = _plain_texts(cells)
    return [*hashes, hash_texts(texts)] if len(texts) else hashes


def _plain_texts(cells: Cells) -> pa.Array:
    """The texts that are no numbers."""
    if cells.form is not Form.TEXT:
        return _NO_TEXTS
    texts = cells.tally.texts if cells.tally is not None else cells.dense
    numeric = cells.reading.numeric
    return texts.filter(mask_of(~numeric)) if numeric.any() else texts
