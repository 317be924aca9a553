"""States of many columns in many hours, laid side by side in flat arrays, so that thousands of them merge at once.

A key says whose state a row of an array belongs to. To join stacks lays arrays end to end; to reduce them merges what
has the same key. Each of them is the same commutative monoid as the state of the profile that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from driftline.profile.columns import Floats, Ints
from driftline.profile.hashing import Hashes, hash_rows

Cells = npt.NDArray[Any]
T = TypeVar("T", "Rows", "Items", "Lowest", "Tallies")

SIZE = 128
"""Items of a sketch of one hour; those of a day and a month have more, see `rollups`."""

HASHES = 64
"""Hashes of distinct values that are kept of each hour."""

NUMBERS, TEXTS = 128, 1000
"""So many distinct numbers and texts are counted each; beyond, a tenth of them, as `profile.frequent` does it."""

UNLIKE = 16
"""More fractions than so many of which none occurs twice are not counted: others will come, and none of these."""

_KEPT = 10
_FINER = 3
_SLACK = 4
"""A sketch may have a quarter more items than it is thinned to, so that one that was is not thinned again."""

PRESENT, NAN, FRACTIONAL, INTEGRAL, BOOLEAN, STRING, ERROR = range(7)
"""Columns of `Stacks.counts`."""

COUNT, MEAN, CENTRED, SUM, LOWEST, HIGHEST, INFINITE = range(7)
"""Columns of `Stacks.moments` and `Stacks.lengths`, as in `MomentsState`."""


@dataclass(frozen=True)
class Rows:
    """Matrices: a row of `cells` for each key."""

    keys: Ints
    cells: Cells

    @classmethod
    def none(cls, kind: type[np.int64 | np.float64]) -> Rows:
        """No rows of seven cells."""
        return cls(np.empty(0, np.int64), np.empty((0, 7), kind))

    def reduced(self, merge: Callable[[Cells, Ints], Cells]) -> Rows:
        """One row a key; `merge` is given the rows in the order of their keys, and where each key begins."""
        if ascends(self.keys):
            return self
        order = np.argsort(self.keys, kind="stable")
        keys, starts = steps(self.keys[order])
        return Rows(keys, merge(self.cells[order], starts))


@dataclass(frozen=True)
class Items:
    """Items of quantile sketches: a value of height h stands for 2**h values; in the order of the keys if reduced."""

    keys: Ints
    values: Floats
    heights: npt.NDArray[np.uint8]

    def reduced(self, size: int) -> Items:
        """At most about `size` items a key, in the order of the keys; those of a key with no more stay as they are."""
        if not len(self.keys):
            return self
        ordered = self if ascends(self.keys, strictly=False) else self._taken(np.argsort(self.keys, kind="stable"))
        owners, starts = steps(ordered.keys)
        sizes = np.diff(starts, append=len(ordered.keys))
        many = sizes > size + size // _SLACK
        if not many.any():
            return ordered
        some = ordered._taken(np.flatnonzero(np.repeat(many, sizes)))
        some = some._taken(places_by(some.keys, some.values))
        weights = np.left_shift(np.int64(1), some.heights.astype(np.int64))
        starts = np.concatenate(([0], np.cumsum(sizes[many])))
        found = joined(
            [
                ordered._taken(np.flatnonzero(np.repeat(~many, sizes))),
                thinned(owners[many], some.values, weights, starts, size),
            ]
        )
        return found._taken(np.argsort(found.keys, kind="stable"))

    def _taken(self, order: Ints) -> Items:
        return Items(self.keys[order], self.values[order], self.heights[order])


def thinned(owners: Ints, values: Floats, weights: Ints | None, starts: Ints, size: int) -> Items:
    """At most about `size` items for the values of each of `owners`, sorted from each of `starts` to the next.

    Values stand for `weights` values each, once if None; no owner is without values. If there are N of them in all, and
    2**h is the lowest power that leaves M = N // 2**h <= size, the items are those at the ranks (i + p) N / M, each
    with the weight 2**h. What is left, less than 2**h, is spread as evenly, in items of 2**(h-3) and so on. So the
    ranks are wrong by little more than 1 / M of N. The phase p, in [0, 1), is a hash of the values: where many sketches
    are merged, their errors are of all signs and sizes, and level out.

    >>> found = thinned(np.array([7]), np.arange(10.0), None, np.array([0, 10]), 4)
    >>> found.values.tolist(), found.heights.tolist()
    ([4.0, 9.0, 4.0, 9.0], [2, 2, 0, 0])
    """
    ends = None if weights is None else np.cumsum(weights)
    before = starts[:-1] if ends is None else np.concatenate(([0], ends))[starts[:-1]]
    totals = np.diff(starts if ends is None else np.append(before, ends[-1]))
    phases = _phases(values[starts[:-1]], values[starts[1:] - 1], totals)
    heights = np.zeros(len(owners), np.int64)
    while (over := (totals >> heights) > size).any():
        heights += over
    left, found = totals, []
    while left.any():
        picked = left >> heights
        group = np.repeat(np.arange(len(owners)), picked)
        place = np.arange(len(group)) - np.repeat(np.cumsum(picked) - picked, picked)
        ranks = before[group] + ((place + phases[group]) * (totals[group] / picked[group])).astype(np.int64)
        places = ranks if ends is None else np.searchsorted(ends, ranks, side="right")
        found.append(Items(owners[group], values[places], heights[group].astype(np.uint8)))
        left = left - (picked << heights)
        heights = np.maximum(heights - _FINER, 0)
    return joined(found)


def _phases(lowest: Floats, highest: Floats, totals: Ints) -> Floats:
    """A number of [0, 1) for each set of values, not that near 1 that rounding could make it 1."""
    hashes = hash_rows([lowest, highest, totals.astype(np.float64)], len(totals))
    found: Floats = (hashes >> np.uint64(32)).astype(np.float64) * 2.0**-32
    return found


@dataclass(frozen=True)
class Lowest:
    """The lowest hashes of distinct values."""

    keys: Ints
    hashes: Hashes

    def reduced(self, size: int = HASHES) -> Lowest:
        """The `size` lowest distinct hashes of each key."""
        if not len(self.keys):
            return self
        order = np.argsort(self.keys, kind="stable")
        keys, hashes = self.keys[order], self.hashes[order]
        for _, where in pieces(keys):
            hashes[where].sort()
        fresh = np.concatenate(([True], (hashes[1:] != hashes[:-1]) | (keys[1:] != keys[:-1])))
        keys, hashes = keys[fresh], hashes[fresh]
        kept = places_in(keys) < size
        return Lowest(keys[kept], hashes[kept])


@dataclass(frozen=True)
class Tallies:
    """How often each value occurred: a number, or the place of a text in a pool."""

    keys: Ints
    values: Cells
    counts: Ints

    def reduced(self, limit: int) -> tuple[Tallies, Rows]:
        """At most `limit` values a key, and by how much the counts of others may be too low, as rows of counts."""
        if not len(self.keys):
            return self, Rows.none(np.int64)
        order = places_by(self.keys, self.values)
        keys, values, counts = self.keys[order], self.values[order], self.counts[order]
        fresh = np.concatenate(([True], (values[1:] != values[:-1]) | (keys[1:] != keys[:-1])))
        starts = np.flatnonzero(fresh)
        return Tallies(keys[starts], values[starts], np.add.reduceat(counts, starts)).cut(limit)

    def cut(self, limit: int) -> tuple[Tallies, Rows]:
        """Keys in order that have more than `limit` values keep the most frequent ones, a tenth of the limit."""
        owners, starts = steps(self.keys)
        sizes = np.diff(starts, append=len(self.keys))
        many = sizes > limit
        if not many.any():
            return self, Rows.none(np.int64)
        most = max(1, limit // _KEPT)
        dropped = many.astype(np.int64)  # what occurred once goes first, and is often all
        for place in np.flatnonzero(many & (np.add.reduceat(self.counts > 1, starts) > most)).tolist():
            counts = self.counts[starts[place] : starts[place] + sizes[place]]
            dropped[place] = int(np.partition(counts[counts > 1], -most - 1)[-most - 1])
        kept = self.counts > np.repeat(dropped, sizes)
        cells = np.zeros((int(many.sum()), 7), np.int64)
        cells[:, ERROR] = dropped[many]
        return Tallies(self.keys[kept], self.values[kept], self.counts[kept]), Rows(owners[many], cells)


@dataclass(frozen=True)
class Stacks:
    """All that is known of columns in hours: what a profile holds of each, in another layout.

    `texts` are places in a pool that is kept beside. `loose` are the states of columns of other forms, vectors and
    lists, as they are: (key, analyzer) -> state.
    """

    counts: Rows
    moments: Rows
    lengths: Rows
    items: Items
    hashes: Lowest
    numbers: Tallies
    texts: Tallies
    loose: dict[tuple[int, Any], Any]

    @classmethod
    def none(cls) -> Stacks:
        """Nothing seen."""
        keys, floats = np.empty(0, np.int64), np.empty(0)
        some = Tallies(keys, floats, keys)
        return cls(
            Rows.none(np.int64),
            Rows.none(np.float64),
            Rows.none(np.float64),
            Items(keys, floats, np.empty(0, np.uint8)),
            Lowest(keys, np.empty(0, np.uint64)),
            some,
            Tallies(keys, keys, keys),
            {},
        )

    @property
    def size(self) -> int:
        """How many items, hashes and counts it holds."""
        return sum(len(each.keys) for each in (self.items, self.hashes, self.numbers, self.texts, self.counts))

    @classmethod
    def together(cls, parts: Sequence[Stacks]) -> Stacks:
        """All of them, still to be reduced."""
        if len(parts) == 1:
            return parts[0]
        loose: dict[tuple[int, Any], Any] = {}
        for part in parts:
            for key, state in part.loose.items():
                loose[key] = loose[key].merge(state) if key in loose else state
        flat: dict[str, Any] = {name: joined([getattr(part, name) for part in parts]) for name in _FLAT}
        return cls(**flat, loose=loose)

    def moved(self, move: Callable[[Ints], Ints], texts: Ints) -> Stacks:
        """With other keys, and with texts at other places of another pool."""
        changed = {name: replace(each, keys=move(each.keys)) for name, each in self._flat()}
        changed["texts"] = replace(changed["texts"], values=texts[self.texts.values])
        loose = {(int(move(np.array([key]))[0]), asked): state for (key, asked), state in self.loose.items()}
        return replace(self, **changed, loose=loose)

    def between(self, first: int, end: int) -> Stacks:
        """Of reduced stacks what has keys from `first` up to `end`; keys count from `first` then."""
        changed: dict[str, Any] = {}
        for name, each in self._flat():
            low, high = np.searchsorted(each.keys, (first, end))
            cut = [getattr(each, member.name)[low:high] for member in fields(each)]
            changed[name] = replace(type(each)(*cut), keys=cut[0] - first)
        loose = {(key - first, asked): state for (key, asked), state in self.loose.items() if first <= key < end}
        return replace(self, **changed, loose=loose)

    def having(self, keys: Ints) -> Stacks:
        """What has one of these keys."""
        changed: dict[str, Any] = {}
        for name, each in self._flat():
            mask = np.isin(each.keys, keys)
            changed[name] = type(each)(*[getattr(each, member.name)[mask] for member in fields(each)])
        known = set(keys.tolist())
        return replace(self, **changed, loose={key: state for key, state in self.loose.items() if key[0] in known})

    def _flat(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in _FLAT]

    def reduced(self, size: int | None) -> Stacks:
        """One state a key, its sketch of at most about `size` items, or all of them, in no order, if None."""
        numbers, uncounted = self.numbers.reduced(NUMBERS)
        texts, unknown = self.texts.reduced(TEXTS)
        with np.errstate(all="ignore"):  # sums of huge numbers overflow to infinity, which is then the answer
            return replace(
                self,
                counts=joined([self.counts, uncounted, unknown]).reduced(np.add.reduceat),
                moments=self.moments.reduced(merged_moments),
                lengths=self.lengths.reduced(merged_moments),
                items=self.items if size is None else self.items.reduced(size),
                hashes=self.hashes.reduced(),
                numbers=numbers,
                texts=texts,
            )


_FLAT = ("counts", "moments", "lengths", "items", "hashes", "numbers", "texts")


def merged_moments(cells: Cells, starts: Ints) -> Cells:
    """The moments of several sets together: the sums of squares about the mean of all of them."""
    found = np.add.reduceat(cells, starts)
    sizes = np.diff(starts, append=len(cells))
    counts = np.maximum(found[:, COUNT], 1)
    means = np.add.reduceat(cells[:, COUNT] * cells[:, MEAN], starts) / counts
    apart = cells[:, MEAN] - np.repeat(means, sizes)
    found[:, MEAN] = means
    found[:, CENTRED] += np.add.reduceat(np.where(cells[:, COUNT] > 0, cells[:, COUNT] * apart**2, 0.0), starts)
    found[:, LOWEST] = np.minimum.reduceat(cells[:, LOWEST], starts)
    found[:, HIGHEST] = np.maximum.reduceat(cells[:, HIGHEST], starts)
    return found


def joined(parts: Sequence[T]) -> T:
    """All of one kind end to end."""
    if len(parts) == 1:
        return parts[0]
    kind = type(parts[0])
    return kind(*[np.concatenate([getattr(part, member.name) for part in parts]) for member in fields(kind)])


def steps(ordered: Ints) -> tuple[Ints, Ints]:
    """The distinct ones of ascending keys, and where each begins.

    >>> [found.tolist() for found in steps(np.array([3, 3, 5]))]
    [[3, 5], [0, 2]]
    """
    if not len(ordered):
        return ordered, np.empty(0, np.int64)
    starts = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1))
    return ordered[starts], starts


def pieces(ordered: Ints) -> Iterator[tuple[int, slice]]:
    """Each of the distinct ones of ascending keys, and where it is.

    >>> list(pieces(np.array([3, 3, 5])))
    [(3, slice(0, 2, None)), (5, slice(2, 3, None))]
    """
    keys, starts = steps(ordered)
    for key, (start, end) in zip(keys.tolist(), pairwise([*starts.tolist(), len(ordered)]), strict=True):
        yield key, slice(start, end)


def places_by(keys: Ints, values: Cells) -> Ints:
    """The places in the order of the keys and, of one key, of the values.

    What is in order already costs little, and short pieces are sorted in the processor's cache, unlike by `lexsort`.

    >>> places_by(np.array([3, 1, 3]), np.array([5.0, 6.0, 4.0])).tolist()
    [1, 2, 0]
    """
    order = np.argsort(keys, kind="stable")
    ordered, sorted_keys = values[order], keys[order]
    if ((ordered[1:] >= ordered[:-1]) | (sorted_keys[1:] != sorted_keys[:-1])).all():
        return order
    for _, where in pieces(sorted_keys):
        order[where] = order[where][np.argsort(ordered[where], kind="stable")]
    return order


def places_in(ordered: Ints) -> Ints:
    """For each of ascending keys how many equal ones come before it."""
    _, starts = steps(ordered)
    return np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))


def ascends(keys: Ints, *, strictly: bool = True) -> bool:
    """Whether keys are in order, and distinct if strictly."""
    return bool((keys[1:] > keys[:-1]).all() if strictly else (keys[1:] >= keys[:-1]).all())
