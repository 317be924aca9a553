"""The groups into which a column puts the rows: its values, or ranges of its numbers, few enough to keep them all."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from math import inf

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.arrow import values_of
from driftline.profile.columns import Floats, Ints
from driftline.profile.frequent import number_text
from driftline.profile.outcomes import coded, labels_of, numbers_of

MISSING, REST, FIRST = 0, 1, 2
"""The group of the rows without a value, that of all values that have no group of their own, the first other group."""

MOST_DROPPED = 62
"""So many low bits can be cleared: what stays is the sign, and whether the number is below or above 1 in size."""

_NO_FLOATS: Floats = np.empty(0)


def truncated(values: Floats, dropped: int) -> Floats:
    """Numbers moved towards zero by clearing the lowest `dropped` bits.

    The order stays, and clearing more bits joins whole groups. So to clear just as many bits as leave few enough
    distinct numbers gives the same groups in whatever order and parts the numbers come.

    >>> truncated(np.array([5.0, 6.5, -7.0, 100.0]), 51).tolist()
    [4.0, 6.0, -6.0, 96.0]
    """
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64) & ~np.uint64((1 << dropped) - 1)
    found: Floats = bits.view(np.float64) + 0.0  # what became -0.0 is 0.0
    return found


def coarsened(values: Floats, dropped: int, limit: int) -> tuple[Floats, int]:
    """The distinct truncated values, and the number of dropped bits, at least `dropped`, that makes them `limit`."""
    ordered = np.sort(values)
    found = _steps(truncated(ordered, dropped))
    if len(found) <= limit or dropped >= MOST_DROPPED:
        return found, dropped
    few = range(dropped + 1, MOST_DROPPED)  # truncating keeps the order, so a count is one pass
    dropped = few[0] + bisect_left(few, True, key=lambda bits: len(_steps(truncated(found, bits))) <= limit)
    return _steps(truncated(found, dropped)), dropped


def _steps(ordered: Floats) -> Floats:
    """The distinct ones of ascending numbers."""
    kept: Floats = ordered[np.concatenate((np.ones(min(len(ordered), 1), dtype=np.bool_), ordered[1:] != ordered[:-1]))]
    return kept


@dataclass(frozen=True)
class Axis:
    """Groups of a column: the first for missing values, the second for the rest, then ranges of numbers, then texts.

    Numbers are themselves while there are at most `limit` different ones, then those that are alike when `dropped` bits
    are cleared; with `edges` they are the ranges from each edge up to the next. Beyond `limit` texts those with the
    fewest rows go to the rest; a text that is here lacks at most `error` rows. Text that reads as a number is one.
    """

    numbers: Floats = field(default_factory=lambda: _NO_FLOATS)
    texts: tuple[str, ...] = ()
    dropped: int = 0
    error: int = 0
    edges: tuple[float, ...] = ()
    limit: int = 200

    def __len__(self) -> int:
        """The number of groups."""
        return FIRST + len(self.numbers) + len(self.texts)

    def range_of(self, group: int) -> tuple[float, float]:
        """The lowest number of a group of numbers, and the first above that is none of it; (-inf, inf) of others.

        Below zero it is the first number that is none of it and the greatest that is.
        """
        if not FIRST <= group < FIRST + len(self.numbers):
            return -inf, inf
        low = float(self.numbers[group - FIRST])
        if self.edges:
            return low, float(self.numbers[group - FIRST + 1]) if group - FIRST + 1 < len(self.numbers) else inf
        if not self.dropped:
            return low, low
        bits = int(np.array([abs(low)]).view(np.uint64)[0]) + (1 << self.dropped)
        far = float(np.array([bits], dtype=np.uint64).view(np.float64)[0]) if bits < 0x7FF << 52 else inf
        return (low, far) if low > 0 or not bits else (-far, far) if low == 0 else (-far, low)

    def name(self, group: int) -> str:
        """The group in short.

        >>> axis, _ = Axis.of(pa.array(["b", "a", "2", None]))
        >>> [axis.name(group) for group in range(len(axis))]
        ['missing', 'other', '2', 'a', 'b']
        """
        if group < FIRST:
            return ("missing", "other")[group]
        if group >= FIRST + len(self.numbers):
            return self.texts[group - FIRST - len(self.numbers)]
        low, high = self.range_of(group)
        if low == high:
            return number_text(low) if abs(low) < inf else str(low)
        return f"below {high:g}" if low == -inf else f"{low:g} or more" if high == inf else f"{low:g} to {high:g}"

    @classmethod
    def of(cls, values: pa.Array, edges: tuple[float, ...] = (), limit: int = 200) -> tuple[Axis, Ints]:
        """The groups of these values, and for each value its group.

        >>> axis, groups = Axis.of(pa.array([17, 70, 18, None]), edges=(18.0, 65.0))
        >>> [axis.name(group) for group in groups.tolist()]
        ['below 18', '65 or more', '18 to 65', 'missing']
        """
        numbers, names, codes = read(values)
        known = ~np.isnan(numbers)
        dropped = 0
        if edges:
            keys = np.array([-inf, *edges])
            places = np.searchsorted(keys, numbers, side="right") - 1
        else:
            keys, dropped = coarsened(numbers[known], 0, limit)
            places = np.searchsorted(keys, truncated(numbers, dropped))
        sizes = np.bincount(codes[codes >= 0], minlength=len(names))
        kept, error = _largest(dict(zip(names, sizes.tolist(), strict=True)), limit)
        texts = {name: FIRST + len(keys) + place for place, name in enumerate(kept)}
        groups = np.array([texts.get(name, REST) for name in names] + [MISSING], dtype=np.int64)[codes]
        return cls(keys, kept, dropped, error, tuple(edges), limit), np.where(known, FIRST + places, groups)

    def union(self, other: Axis, mine: Ints, theirs: Ints) -> tuple[Axis, Ints, Ints]:
        """The groups of both, and for each group of either its place among them; `mine`, `theirs` are their rows."""
        numbers, dropped = self.numbers if len(self.numbers) else other.numbers, 0
        if not self.edges:
            both = np.concatenate((self.numbers, other.numbers))
            numbers, dropped = coarsened(both, max(self.dropped, other.dropped), self.limit)
        sizes: dict[str, int] = {}
        for axis, rows in ((self, mine), (other, theirs)):
            for text, count in zip(axis.texts, rows[FIRST + len(axis.numbers) :].tolist(), strict=True):
                sizes[text] = sizes.get(text, 0) + count
        kept, error = _largest(sizes, self.limit)
        found = Axis(numbers, kept, dropped, self.error + other.error + error, self.edges, self.limit)
        return found, self._places_in(found), other._places_in(found)

    def _places_in(self, wider: Axis) -> Ints:
        """Where each group went."""
        keys = self.numbers if self.edges else truncated(self.numbers, wider.dropped)
        places = {text: FIRST + len(wider.numbers) + place for place, text in enumerate(wider.texts)}
        texts = [places.get(text, REST) for text in self.texts]
        found = np.concatenate(([MISSING, REST], FIRST + np.searchsorted(wider.numbers, keys), texts))
        return found.astype(np.int64)


def read(values: pa.Array) -> tuple[Floats, list[str], Ints]:
    """For each value its number, NaN if it is none; the distinct texts, and for each value which it is, else -1.

    >>> numbers, names, codes = read(pa.array(["x", "2.0", None]))
    >>> numbers.tolist(), names, codes.tolist()
    ([nan, 2.0, nan], ['x'], [0, -1, -1])
    """
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    kind = values.type
    if pa.types.is_null(kind):
        values = values.cast(pa.string())
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if numeric or pa.types.is_boolean(kind):
        return numbers_of(values), [], np.full(len(values), -1, dtype=np.int64)
    encoded = values if pa.types.is_dictionary(values.type) else values.cast(pa.string()).dictionary_encode()
    entries = encoded.dictionary.cast(pa.string())
    # each distinct text is read once; places beyond the entries stand for missing values
    places = values_of(encoded.indices.fill_null(len(entries)) if encoded.null_count else encoded.indices)
    parsed = numbers_of(entries)
    names, codes = coded(labels_of(pc.if_else(pa.array(np.isnan(parsed)), entries, None)))
    return np.append(parsed, np.nan)[places], names, np.append(codes, -1)[places]


def _largest(sizes: dict[str, int], limit: int) -> tuple[tuple[str, ...], int]:
    """The `limit` texts with the most rows, in their own order, and the most rows that one of the others has."""
    if len(sizes) <= limit:
        return tuple(sorted(sizes)), 0
    ordered = sorted(sizes, key=lambda text: (-sizes[text], text))
    return tuple(sorted(ordered[:limit])), sizes[ordered[limit]]
