"""How scores and labels go together: for each score how many rows were positive, negative, not labelled yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.columns import Floats, Ints
from driftline.profile.outcomes import coded, column_of, element_of, is_list, labels_of, numbers_of, spelling

LIMIT = 1 << 20
"""So many distinct scores are kept as they are."""

MANTISSA = 52

_NO_FLOATS: Floats = np.empty(0)
_NO_INTS: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class ScoresState:
    """An exact histogram: ascending distinct scores, and of each the rows that were positive, negative, unlabelled.

    `unscored` counts the rows without a score, labelled or not.

    Beyond `limit` distinct scores the lowest `dropped` bits of the mantissa are cleared, as few as bring the number
    within the limit: a score is then too near to zero by less than `2**(dropped - 52)` of itself, and scores that
    differ by less may be one. As clearing more bits includes clearing fewer, and the scores of a part are never more
    than those of the whole, the answer is the same, to the bit, in whatever order and parts the rows come.
    """

    values: Floats = field(default_factory=lambda: _NO_FLOATS)
    positives: Ints = field(default_factory=lambda: _NO_INTS)
    negatives: Ints = field(default_factory=lambda: _NO_INTS)
    unlabelled: Ints = field(default_factory=lambda: _NO_INTS)
    unscored: int = 0
    dropped: int = 0
    limit: int = LIMIT

    @classmethod
    def of(cls, scores: Floats, positive: npt.NDArray[np.bool_], limit: int = LIMIT) -> ScoresState:
        """The state of scores, none of them NaN, that all have a label: whether it is the positive one.

        >>> state = ScoresState.of(np.array([0.9, 0.2, 0.9]), np.array([True, False, False]))
        >>> state.values.tolist(), state.positives.tolist(), state.negatives.tolist()
        ([0.2, 0.9], [0, 1], [1, 1])
        """
        return _of_parts((scores[positive], scores[~positive], _NO_FLOATS), 0, limit)

    @property
    def rows(self) -> int:
        """All rows seen."""
        return int(self.positives.sum() + self.negatives.sum() + self.unlabelled.sum()) + self.unscored

    @property
    def positive_count(self) -> int:
        """Scored rows whose label is the positive one."""
        return int(self.positives.sum())

    @property
    def negative_count(self) -> int:
        """Scored rows whose label is another one."""
        return int(self.negatives.sum())

    @property
    def labelled_count(self) -> int:
        """Scored rows with a label."""
        return self.positive_count + self.negative_count

    @property
    def relative_error(self) -> float:
        """By which part of itself a score may be too near to zero; 0 while every score is kept as it is."""
        return float(2.0 ** (self.dropped - MANTISSA)) if self.dropped else 0.0

    def labelled(self) -> ScoresState:
        """The same of the labelled rows alone."""
        if not self.unlabelled.any() and not self.unscored:
            return self
        used = (self.positives + self.negatives) > 0
        none = np.zeros(int(np.count_nonzero(used)), dtype=np.int64)
        return ScoresState(
            self.values[used], self.positives[used], self.negatives[used], none, 0, self.dropped, self.limit
        )

    def merge(self, other: ScoresState) -> ScoresState:
        """The histogram of both."""
        unscored = self.unscored + other.unscored
        if not len(other.values) or not len(self.values):
            kept = self if len(self.values) else other
            return replace(kept, unscored=unscored)
        dropped = max(self.dropped, other.dropped)
        mine, theirs = (_coarser(state.values, _counts(state), dropped, state.dropped) for state in (self, other))
        return _limited(*_joined(mine, theirs), unscored, dropped, self.limit)


Histogram = tuple[Floats, npt.NDArray[np.int64]]
"""Ascending distinct values, and their counts of three kinds as rows."""


def _counts(state: ScoresState) -> npt.NDArray[np.int64]:
    return np.stack((state.positives, state.negatives, state.unlabelled))


def _joined(mine: Histogram, theirs: Histogram) -> Histogram:
    """Both histograms as one: the shorter one's values are looked up in the longer, and those that are new put in."""
    (values, counts), (more, added) = (mine, theirs) if len(mine[0]) >= len(theirs[0]) else (theirs, mine)
    at = np.searchsorted(values, more)
    known = values[np.minimum(at, len(values) - 1)] == more
    shared = at[known]
    counts = counts.copy()
    for row, some in zip(counts, added, strict=True):
        row[shared] += some[known]
    if len(shared) == len(more):
        return values, counts
    new = ~known
    places = at[new] + np.arange(len(more) - len(shared))
    old = np.ones(len(values) + len(places), dtype=np.bool_)
    old[places] = False
    both, table = np.empty(len(old)), np.empty((3, len(old)), dtype=np.int64)
    both[places], both[old] = more[new], values
    for row, some, others in zip(table, added, counts, strict=True):
        row[places], row[old] = some[new], others
    return both, table


def _summed(values: Floats, counts: npt.NDArray[np.int64]) -> Histogram:
    """Equal neighbours made one."""
    changes = values[1:] != values[:-1]
    if changes.all():
        return values, counts
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    return values[starts], np.add.reduceat(counts, starts, axis=1)


def _coarser(values: Floats, counts: npt.NDArray[np.int64], dropped: int, before: int) -> Histogram:
    if dropped == before or not len(values):
        return values, counts
    return _summed(_truncated(values, dropped), counts)


def _truncated(values: Floats, dropped: int) -> Floats:
    bits = values.view(np.uint64) & ~np.uint64((1 << dropped) - 1)
    found: Floats = bits.view(np.float64) + 0.0  # what became -0.0 is 0.0
    return found


def _limited(values: Floats, counts: npt.NDArray[np.int64], unscored: int, dropped: int, limit: int) -> ScoresState:
    if len(values) > limit:
        dropped = _fewest_dropped(values, dropped, limit)
        values, counts = _summed(_truncated(values, dropped), counts)
    positives, negatives, unlabelled = (np.ascontiguousarray(kind) for kind in counts)
    return ScoresState(values, positives, negatives, unlabelled, unscored, dropped, limit)


def _fewest_dropped(values: Floats, dropped: int, limit: int) -> int:
    """How many bits must go, at least, that no more than `limit` values differ; found by halving."""
    low, high = dropped + 1, MANTISSA
    while low < high:
        middle = (low + high) // 2
        some = _truncated(values, middle)
        if 1 + np.count_nonzero(some[1:] != some[:-1]) <= limit:
            high = middle
        else:
            low = middle + 1
    return high


def _of_parts(parts: tuple[Floats, Floats, Floats], unscored: int, limit: int) -> ScoresState:
    """The state of the scores of positive, negative and unlabelled rows."""
    found: Histogram = (_NO_FLOATS, np.zeros((3, 0), dtype=np.int64))
    for kind, scores in enumerate(parts):
        if len(scores):
            ordered = np.sort(scores) + 0.0
            ones = np.zeros((3, len(ordered)), dtype=np.int64)
            ones[kind] = 1
            some = _summed(ordered, ones)
            found = _joined(found, some) if len(found[0]) else some
    return _limited(*found, unscored, 0, limit)


@dataclass(frozen=True)
class Scores(JointAnalyzer[ScoresState]):
    """Which scores the rows of the positive class and the others got.

    `probability` and `ground_truth` are names, places or paths of columns (`place_of`); without ground truth every row
    is unlabelled. `positive` is a label in any spelling; every other label is negative. Of a list of probabilities, one
    for each class, that at the place of the positive class is the score (place 1 if it is no number).
    """

    probability: str
    ground_truth: str | None = None
    positive: str = "1"
    limit: int = LIMIT

    def start(self) -> ScoresState:
        """Nothing seen."""
        return ScoresState(limit=self.limit)

    def observe(self, state: ScoresState, batch: pa.RecordBatch) -> ScoresState:
        """With the batch's rows added."""
        column = column_of(self.probability, batch)
        wanted = spelling(self.positive)
        if is_list(column.type):
            column = element_of(column, int(wanted) if wanted.isdecimal() else 1)
        scores = numbers_of(column)
        scored = ~np.isnan(scores)
        unscored = len(scores) - int(np.count_nonzero(scored))
        if self.ground_truth is None:
            return state.merge(_of_parts((_NO_FLOATS, _NO_FLOATS, scores[scored]), unscored, self.limit))
        names, codes = coded(labels_of(column_of(self.ground_truth, batch)))
        positive = scored & (codes == (names.index(wanted) if wanted in names else -2))
        unlabelled = scored & (codes < 0)
        negative = scored & ~positive & ~unlabelled
        return state.merge(_of_parts((scores[positive], scores[negative], scores[unlabelled]), unscored, self.limit))
