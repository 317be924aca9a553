"""The flip test's count: whether rows of one group would be judged alike by their nearest rows of the other.

Every row of the sensitive group d is compared with the vote of the predictions of the five rows of the rest a that are
nearest by Euclidean distance of the features as they are (of one row, if a has fewer than ten). Rows that are equally
far share what is left of the vote, so the answer does not depend on the order of rows.

Source: Black, Yeom, Fredrikson, "FlipTest: Fairness Testing via Optimal Transport", FAT* 2020, in the form that
SageMaker Clarify gives it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from driftline.profile.columns import Floats, Ints
from driftline.profile.contingency import side_of
from driftline.profile.neighbours import Marks, NeighboursState, Sample
from driftline.profile.split import REST, SENSITIVE, Flips

Mask = npt.NDArray[np.bool_]

NEIGHBOURS, LEAST_ROWS = 5, 10
"""So many rows vote, if there are at least so many of the rest; else one."""

_CHUNK = 1 << 22
"""So many distances are held at a time."""

_SLACK = 1e-12
"""By which part of the squared lengths a distance by products may be off; ties are decided by exact ones."""


def flips(state: NeighboursState, wanted: Marks, reading: int) -> Flips:
    """What the test counts; `wanted` and `reading` are as in `ContingencyState.split`.

    A group of several samples is thinned to the share of the rows that all of them have kept, so that rows of either
    are equally likely to be there, and to as many rows as one of them has at most.
    """
    groups: dict[int, list[Sample]] = {REST: [], SENSITIVE: []}
    for marks, sample in state.samples.items():
        groups.get(side_of(marks, wanted), []).append(sample)
    asked, against = (_uniform(groups[side], state.limit) for side in (SENSITIVE, REST))
    total, total_against = (sum(sample.total for sample in groups[side]) for side in (SENSITIVE, REST))
    rows, others = int(asked.counts.sum()), int(against.counts.sum())
    if not rows or not others:
        return Flips(0, 0, rows, total, others, total_against)
    most = NEIGHBOURS if total_against >= LEAST_ROWS else 1
    share = votes(asked.table, against.table, (against.predictions & reading) > 0, against.counts, min(most, others))
    positive, elected = (asked.predictions & reading) > 0, share > 0.5
    favoured, harmed = (int(asked.counts[mask].sum()) for mask in (positive & ~elected, ~positive & elected))
    return Flips(favoured, harmed, rows, total, others, total_against)


def _uniform(samples: Sequence[Sample], limit: int) -> Sample:
    """The samples as one, of at most `limit` distinct rows, in which every row of the group was equally likely to be.

    Those with the smallest hashes are, as each sample has all of its group below its own bound.
    """
    bounds = [sample.hashes[-1] for sample in samples if not sample.is_whole]
    kept = [sample.below(min(bounds)) if bounds else sample for sample in samples]
    found = Sample()
    for sample in kept:
        found = found.joined(sample, limit)
    return found


def votes(asked: Floats, voters: Floats, positive: Mask, counts: Ints, k: int) -> Floats:
    """For each asked row the share of positives in [0, 1] among the `k` nearest voters, who count `counts` each.

    >>> voters, positive = np.array([[1.0], [-1.0], [3.0]]), np.array([True, False, True])
    >>> votes(np.array([[0.0]]), voters, positive, np.array([1, 1, 1]), 1).tolist()
    [0.5]
    """
    found = np.empty(len(asked))
    nearest = min(k, len(voters))
    centre = voters.mean(axis=0)
    moved = voters - centre
    lengths = np.einsum("ij,ij->i", moved, moved)
    step = max(1, _CHUNK // len(voters))
    for at in range(0, len(asked), step):
        some = asked[at : at + step] - centre
        squares = lengths - 2 * (some @ moved.T)
        slack = _SLACK * (np.einsum("ij,ij->i", some, some) + lengths.max(initial=0.0))
        bound = np.partition(squares, nearest - 1, axis=1)[:, nearest - 1] + slack
        rows, columns = np.nonzero(squares <= bound[:, None])
        apart = asked[at : at + step][rows] - voters[columns]
        exact = np.einsum("ij,ij->i", apart, apart)
        found[at : at + step] = _shared(rows, exact, counts[columns], positive[columns], k)
    return found


def _shared(rows: Ints, distances: Floats, counts: Ints, positive: Mask, k: int) -> Floats:
    """The share of positives among the k nearest of each row; rows equally far share what they have of the vote."""
    order = np.lexsort((distances, rows))
    rows, distances = rows[order], distances[order]
    weights, hits = counts[order].astype(np.float64), (counts * positive)[order].astype(np.float64)
    fresh = np.concatenate(([True], (rows[1:] != rows[:-1]) | (distances[1:] != distances[:-1])))
    starts = np.flatnonzero(fresh)
    weights, hits, rows = np.add.reduceat(weights, starts), np.add.reduceat(hits, starts), rows[starts]
    before = np.cumsum(weights) - weights
    first = np.concatenate(([True], rows[1:] != rows[:-1]))
    before -= np.repeat(before[first], np.diff(np.append(np.flatnonzero(first), len(rows))))
    taken = np.clip(k - before, 0.0, weights)
    found: Floats = np.bincount(rows, taken * hits / weights) / k
    return found
