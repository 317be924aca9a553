"""Coalitions: which sets of features are tried, their weights, and the matrix that makes Shapley values of answers.

The weighted least squares of Kernel SHAP (Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions",
2017, theorem 2) has the same left side for every row, so it is solved once and all rows share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations
from math import comb

import numpy as np
import numpy.typing as npt

from driftline.profile.columns import Floats, Ints

Bools = npt.NDArray[np.bool_]

_EVERY = 4
"""Sets of one size are listed and some picked, if there are at most so many times as many as are wanted."""


def default_samples(features: int) -> int:
    """So many coalitions are tried for each row if nothing is said: `2 M + 2048` for M features.

    >>> default_samples(14)
    2076
    """
    return 2 * features + 2048


_RANK = 1e-9
"""Relative to the greatest eigenvalue, a smaller one is none: an equal share for all is one that never is."""


@dataclass(frozen=True)
class Coalitions:
    """Sets of players: `masks` is (sets, players), `weights` sum to 1; the empty and the full set are left out.

    `solution` is (players, sets): of the answers `v` of one row, less what the empty set answers and less the share of
    the whole that a set of that size has, it makes what each player has beyond an equal share. `exact` tells that
    these are all sets, so that the result is the Shapley value itself.
    """

    masks: Bools
    weights: Floats
    solution: Floats
    exact: bool

    def __len__(self) -> int:
        """How many sets there are."""
        return len(self.masks)

    def values(self, answers: Floats, gains: Floats) -> Floats:
        """Shapley values (rows, outputs, players) of answers (rows, sets, outputs) less that of the empty set.

        `gains` (rows, outputs) is what all players together gain; the values of a row sum to it, up to rounding.
        """
        players = self.masks.shape[1]
        equal = gains / max(players, 1)
        sizes = np.count_nonzero(self.masks, axis=1).astype(np.float64)
        with np.errstate(invalid="ignore"):  # an answer that is not finite leaves its own row undefined
            rest = answers - sizes[:, None] * equal[:, None, :]
            found: Floats = np.matmul(self.solution, rest).transpose(0, 2, 1) + equal[:, :, None]
        return found


@lru_cache(maxsize=512)
def coalitions(players: int, samples: int, seed: int = 0) -> Coalitions:
    """At most `samples` sets of `players`: all there are, or the smallest and largest, and a sample of the others.

    Sets come with their complements. Of the sizes that are not tried in full each gets as many as its weight has of
    the rest, all different, and each of these the same share of that weight.

    >>> coalitions(3, 10).exact, len(coalitions(3, 10)), coalitions(20, 100).exact
    (True, 6, False)
    """
    if players <= 1:
        return Coalitions(np.zeros((0, players), dtype=np.bool_), np.empty(0), np.empty((players, 0)), True)
    exact = players < 63 and 2**players - 2 <= samples
    rng = np.random.default_rng([seed, players, samples])
    masks, weights = _tried(players, samples if not exact else 2**players, rng)
    weights = weights / weights.sum()
    return Coalitions(masks, weights, _solution(masks, weights), exact)


def _tried(players: int, samples: int, rng: np.random.Generator) -> tuple[Bools, Floats]:
    """Sets and weights, from the sizes next to none and all inwards."""
    sizes = np.arange(1, players // 2 + 1)
    totals = (players - 1) / (sizes * (players - sizes)) * np.where(2 * sizes == players, 1.0, 2.0)
    masks, weights = [], []
    left = max(samples, 2)
    full = 0
    while full < len(sizes) and left * totals[full] / totals[full:].sum() >= _count(players, full + 1) * (1 - 1e-8):
        chosen = _paired(_all_of(players, full + 1))
        masks.append(chosen)
        weights.append(np.full(len(chosen), totals[full] / len(chosen)))
        left -= len(chosen)
        full += 1
    shares = np.cumsum(totals[full:]) / totals[full:].sum() if full < len(sizes) else np.empty(0)
    wanted = np.diff(np.floor(shares * (max(left, 0) // 2) + 1e-9).astype(np.int64), prepend=0)
    for place, number in enumerate(wanted.tolist(), start=full):
        if number:
            chosen = _paired(_some_of(players, place + 1, number, rng))
            masks.append(chosen)
            weights.append(np.full(len(chosen), totals[place] / len(chosen)))
    return np.concatenate(masks), np.concatenate(weights)


def _count(players: int, size: int) -> int:
    """How many sets there are of this size and of its complement's."""
    return comb(players, size) * (1 if 2 * size == players else 2)


def _all_of(players: int, size: int) -> Bools:
    """Every set of a size; of half the players, those with the first one, whose complements are the others."""
    halved = 2 * size == players
    candidates, chosen = (range(1, players), size - 1) if halved else (range(players), size)
    number = comb(len(candidates), chosen)
    members = np.fromiter(chain.from_iterable(combinations(candidates, chosen)), np.int64).reshape(number, chosen)
    masks = np.zeros((number, players), dtype=np.bool_)
    np.put_along_axis(masks, members, True, axis=1)
    masks[:, 0] |= halved
    return masks


def _some_of(players: int, size: int, wanted: int, rng: np.random.Generator) -> Bools:
    """`wanted` different sets of a size, in the form of `_all_of`."""
    halved = 2 * size == players
    number = _count(players, size) // 2
    if number <= _EVERY * wanted:
        every = _all_of(players, size)
        return every[np.sort(rng.permutation(number)[: min(wanted, number)])]
    found = np.zeros((0, players), dtype=np.bool_)
    while len(found) < wanted:
        drawn = np.zeros((2 * wanted, players), dtype=np.bool_)
        keys = rng.random(drawn.shape)
        keys[:, 0] = -1.0 if halved else keys[:, 0]
        members: Ints = np.argpartition(keys, size - 1, axis=1)[:, :size]
        np.put_along_axis(drawn, members, True, axis=1)
        both = np.concatenate((found, drawn))
        _, first = np.unique(np.packbits(both, axis=1), axis=0, return_index=True)
        found = both[np.sort(first)]
    return found[:wanted]


def _paired(masks: Bools) -> Bools:
    return np.concatenate((masks, ~masks))


def _solution(masks: Bools, weights: Floats) -> Floats:
    """The least-squares solution under the constraint that what is beyond an equal share sums to nothing."""
    held = masks.astype(np.float64)
    apart = held - held.mean(axis=1, keepdims=True)  # each set less its own mean: orthogonal to an equal share
    weighted = apart.T * weights
    solved = np.linalg.pinv(weighted @ apart, rcond=_RANK, hermitian=True) @ weighted
    found: Floats = solved - solved.mean(axis=0)
    return found
