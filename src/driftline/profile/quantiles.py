"""The quantile sketch: SageMaker's KLL item by item for small data, a faster block form of it beyond.

A sketch is a list of levels; an item of level h stands for 2**h values. SageMaker's (Deequ 2.0.2's) sketch is
deterministic: level h holds up to `2*(ceil(k*c**h/2)+1)` items, and when all capacities together are exceeded, the
first full level is sorted and every second item of it moves up. That is reproduced exactly, insertion by insertion,
until `64*k` values (131,072) were seen in one sequence. Beyond, whole blocks of `32*k` values are sorted, every 32nd
value enters at level 5, and levels are compacted from the top's point of view (the top holds k items, each level
below c times as many), which keeps the error flat however many values come. Both forms are the same structure, so
they merge with each other and are written in the same way.

Rank error: 0 as long as nothing was compacted, else at most `4/k` of the count (0.2 % at k = 2048; measured
0.03-0.06 %, tests/laws).

Source: Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams", FOCS 2016; SageMaker's parameters and
compaction order as published by its own output files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, nan

import numpy as np

from driftline.profile.analyzer import Analyzer
from driftline.profile.columns import Cells, Floats, Ints, Runs

K = 2048
C = 0.64

_EMPTY: Floats = np.empty(0)
_BLOCK = 32
"""A block holds this many times k values; every 32nd of them is kept, at level log2(32)."""
_EXACT = 64
"""Sequences of up to this many times k values are compacted exactly as SageMaker does."""


@dataclass(frozen=True)
class Sketch:
    """Levels of items, level h weighing 2**h each, and how often each level was compacted."""

    levels: tuple[Floats, ...] = (_EMPTY,)
    compactions: tuple[int, ...] = (0,)
    k: int = K
    c: float = C

    @classmethod
    def from_levels(cls, levels: Sequence[Sequence[float] | Floats], k: int = K, c: float = C) -> Sketch:
        """The sketch with these levels, as `sketch.data` of a statistics file holds them."""
        arrays = tuple(np.asarray(level, dtype=np.float64) for level in levels) or (_EMPTY,)
        return cls(arrays, (0,) * len(arrays), k, c)

    @cached_property
    def count(self) -> int:
        """How many values it stands for."""
        return sum(len(level) << height for height, level in enumerate(self.levels))

    @property
    def rank_error(self) -> float:
        """The largest error of `rank` as a ratio of `count`, in [0, 1]."""
        return 0.0 if len(self.levels) == 1 else min(1.0, 4 / self.k)

    @cached_property
    def _points(self) -> tuple[Floats, Ints]:
        values = np.concatenate(self.levels)
        weights = np.repeat(1 << np.arange(len(self.levels)), [len(level) for level in self.levels])
        order = np.argsort(values, kind="stable")
        values, weights = values[order], weights[order].astype(np.int64)
        if not len(values):
            return values, weights
        starts = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
        return values[starts], np.add.reduceat(weights, starts)

    @cached_property
    def _cumulative(self) -> Ints:
        return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(self._points[1])))

    def points(self) -> tuple[Floats, Ints]:
        """The distinct items in ascending order and the number of values each stands for."""
        return self._points

    def rank(self, x: float | Floats, inclusive: bool = True) -> Ints:
        """How many values are below `x`, or not above it if `inclusive`.

        >>> int(Sketch.from_levels([[1.0, 2.0, 2.0, 3.0]]).rank(2.0, inclusive=False))
        1
        """
        found: Ints = self._cumulative[np.searchsorted(self._points[0], x, side="right" if inclusive else "left")]
        return found

    def quantile(self, q: float | Floats) -> Floats:
        """The lowest value whose inclusive rank is at least `q * count`, for `q` in [0, 1]; NaN without values.

        >>> float(Sketch.from_levels([[3.0, 1.0, 2.0]]).quantile(0.5))
        2.0
        """
        if not self.count:
            return np.full(np.shape(q), nan)
        wanted = np.maximum(np.ceil(np.asarray(q, dtype=np.float64) * self.count), 1)
        found: Floats = self._points[0][np.searchsorted(self._cumulative[1:], np.minimum(wanted, self.count))]
        return found

    def buckets(self, low: float, high: float, n: int = 10) -> list[tuple[float, float, float]]:
        """`n` equal-width buckets (lower, upper, count) over [low, high], as SageMaker counts them.

        A bucket holds what lies in [lower, upper), the last one also its upper bound; bound i is
        `low + (high-low)*i/n`.

        >>> [count for _, _, count in Sketch.from_levels([[1.0, 2.0, 2.0, 3.0, 5.0, 8.0, 13.0]]).buckets(1.0, 13.0)]
        [3.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
        """
        if not self.count:
            return []
        edges = np.array([low + (high - low) * i / n for i in range(n + 1)])
        below = self.rank(edges, inclusive=False)
        upper = below[1:].copy()
        upper[-1] = self.rank(float(edges[-1]), inclusive=True)
        counts = upper - below[:-1]
        return [(float(edges[i]), float(edges[i + 1]), float(counts[i])) for i in range(n)]

    def insert(self, values: Floats) -> Sketch:
        """With `values` inserted one after the other, exactly as SageMaker does."""
        levels, compactions = list(self.levels), list(self.compactions)
        total = sum(_capacity(self.k, self.c, height) for height in range(len(levels)))
        upper = sum(len(level) for level in levels[1:])
        at = 0
        bottom = levels[0]
        while at < len(values):
            room = total - upper - len(bottom) + 1
            bottom = np.concatenate((bottom, values[at : at + room]))
            at += room
            if len(bottom) + upper > total:
                levels[0] = bottom
                _condense(levels, compactions, self.k, self.c)
                bottom = levels[0]
                total = sum(_capacity(self.k, self.c, height) for height in range(len(levels)))
                upper = sum(len(level) for level in levels[1:])
        levels[0] = bottom
        return Sketch(tuple(levels), tuple(compactions), self.k, self.c)

    def add_blocks(self, blocks: Iterable[Runs | Floats]) -> Sketch:
        """With sorted blocks or run lists added: every 32nd value enters at level 5, what is over at the bottom."""
        height = _BLOCK.bit_length() - 1
        levels = [*self.levels, *[_EMPTY] * (height + 1 - len(self.levels))]
        compactions = [*self.compactions, *[0] * (len(levels) - len(self.compactions))]
        pieces = [_thinned(block) if isinstance(block, Runs) else _thin(block) for block in blocks]
        levels[height] = np.concatenate((levels[height], *[kept for kept, _ in pieces]))
        levels[0] = np.concatenate((levels[0], *[over for _, over in pieces]))
        _compress(levels, compactions, self.k, self.c)
        return Sketch(tuple(levels), tuple(compactions), self.k, self.c)

    def merge(self, other: Sketch) -> Sketch:
        """Levels laid together, then compacted to capacity; of two k the smaller one holds, as does its error."""
        if not other.count:
            return self
        if not self.count:
            return other
        k = min(self.k, other.k)
        heights = max(len(self.levels), len(other.levels))
        mine, theirs = _padded(self, heights), _padded(other, heights)
        levels = [np.concatenate(pair) if len(pair[1]) else pair[0] for pair in zip(mine[0], theirs[0], strict=True)]
        compactions = [a + b for a, b in zip(mine[1], theirs[1], strict=True)]
        if self.count + other.count <= _EXACT * k:
            while sum(map(len, levels)) >= sum(_capacity(k, self.c, h) for h in range(len(levels))):
                _condense(levels, compactions, k, self.c)
        else:
            _compress(levels, compactions, k, self.c)
        return Sketch(tuple(levels), tuple(compactions), k, self.c)

    def within(self, k: int) -> Sketch:
        """With no more items than a sketch of `k` has; the error that is stated stays that of its own k."""
        levels, compactions = list(self.levels), list(self.compactions)
        _compress(levels, compactions, k, self.c)
        return Sketch(tuple(levels), tuple(compactions), self.k, self.c)


def _padded(sketch: Sketch, heights: int) -> tuple[list[Floats], list[int]]:
    lacking = heights - len(sketch.levels)
    return [*sketch.levels, *[_EMPTY] * lacking], [*sketch.compactions, *[0] * lacking]


def _capacity(k: int, c: float, height: int) -> int:
    """SageMaker's capacity of a level, counted from the bottom."""
    return 2 * (ceil(k * c**height / 2) + 1)


def _condense(levels: list[Floats], compactions: list[int], k: int, c: float) -> None:
    """SageMaker's step: compact the first level that is full into the one above."""
    for height, level in enumerate(levels):
        if len(level) >= _capacity(k, c, height):
            even = len(level) - len(level) % 2
            _move_up(levels, compactions, height, np.sort(level[:even]), level[even:])
            return


def _compress(levels: list[Floats], compactions: list[int], k: int, c: float) -> None:
    """Bring every level to its capacity as seen from the top, from the bottom up."""
    height = 0
    while height < len(levels):
        level = levels[height]
        if len(level) > max(8, ceil(k * c ** (len(levels) - 1 - height))):
            ordered = np.sort(level)
            middle = len(level) // 2
            if len(level) % 2:  # the one that stays behind is the median: it pulls no rank to either side
                _move_up(levels, compactions, height, np.delete(ordered, middle), ordered[middle : middle + 1])
            else:
                _move_up(levels, compactions, height, ordered, _EMPTY)
        height += 1


def _move_up(levels: list[Floats], compactions: list[int], height: int, ordered: Floats, left: Floats) -> None:
    """Every second of the ordered items goes one level up; which second alternates 0, 1, 1, 0, 0, 1, 1, ..."""
    if height + 1 == len(levels):
        levels.append(_EMPTY)
        compactions.append(0)
    offset = (compactions[height] + 1) // 2 % 2
    levels[height + 1] = np.concatenate((levels[height + 1], ordered[offset::2]))
    levels[height] = left.copy()
    compactions[height] += 1


@dataclass(frozen=True)
class Quantiles(Analyzer[Sketch]):
    """The quantile sketch of a column's numbers, with SageMaker's k and c."""

    k: int = K
    c: float = C

    def start(self) -> Sketch:
        """Nothing seen."""
        return Sketch(k=self.k, c=self.c)

    def observe(self, state: Sketch, cells: Cells) -> Sketch:
        """With the cells' numbers inserted, in order while few and in sorted blocks once many."""
        count = len(cells.numbers)
        if state.count + count <= _EXACT * self.k:
            return state.insert(cells.numbers) if count else state
        if cells.bins is not None:
            return state.add_blocks([cells.bins])
        return state.add_blocks(cells.sorted_blocks if self.k == K else _blocks(cells.numbers, _BLOCK * self.k))


def _blocks(numbers: Floats, size: int) -> list[Floats]:
    return [np.sort(numbers[at : at + size]) for at in range(0, len(numbers), size)]


def _spread(over: int, count: int) -> Ints:
    """`over` places spread evenly among `count`."""
    places: Ints = (np.arange(over) * count + count // 2) // max(over, 1)
    return places


def _thin(block: Floats) -> tuple[Floats, Floats]:
    """Every 32nd of a sorted block, and those that are over, taken evenly out of it before."""
    over = len(block) % _BLOCK
    if not over:
        return block[_BLOCK // 2 :: _BLOCK], _EMPTY
    places = _spread(over, len(block))
    return np.delete(block, places)[_BLOCK // 2 :: _BLOCK], block[places]


def _thinned(runs: Runs) -> tuple[Floats, Floats]:
    """The same of a run list."""
    ends, counts = np.cumsum(runs.counts), runs.counts
    places = np.searchsorted(ends, _spread(runs.total % _BLOCK, runs.total), side="right")
    if len(places):
        counts = counts - np.bincount(places, minlength=len(counts))
        ends = np.cumsum(counts)
    picked = np.searchsorted(ends, np.arange(_BLOCK // 2, ends[-1], _BLOCK), side="right")
    return runs.values[picked], runs.values[places]
