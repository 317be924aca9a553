"""The most frequent values: exact while they are few, with a bound on the error beyond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.analyzer import Analyzer
from driftline.profile.arrow import mask_of, places_of, values_of
from driftline.profile.columns import Cells, Runs
from driftline.profile.hashing import hash_texts
from driftline.schema import Form

LIMIT = 1000

KEPT = 10
"""Once there are too many values, only a tenth of the limit is kept: the most frequent, which is what is asked for."""

V = TypeVar("V", str, float)


@dataclass(frozen=True)
class FrequentState:
    """Counts of at most `limit` values, texts and numbers apart; each count is too low by at most `error`.

    While `error` is 0 the counts are exact and complete. Otherwise a value that is not here occurred at most `error`
    times. Two states merge by adding counts and dropping what exceeds `limit`; the largest count that is dropped adds
    to the error (after Agarwal et al., "Mergeable Summaries", PODS 2012).
    """

    texts: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[float, int] = field(default_factory=dict)
    error: int = 0
    limit: int = LIMIT

    @classmethod
    def of(cls, counts: Mapping[str, int], limit: int = LIMIT) -> FrequentState:
        """The state of these exact counts."""
        return cls(texts=dict(counts), limit=max(limit, len(counts)))

    @property
    def exact(self) -> bool:
        """Whether every value is here, with its true count."""
        return self.error == 0

    @cached_property
    def counts(self) -> dict[str, int]:
        """Value as text -> count, the most frequent first and equals in the order of the text.

        >>> FrequentState(texts={"b": 1, "a": 1}, numbers={2.0: 5}).counts
        {'2': 5, 'a': 1, 'b': 1}
        """
        every = dict(self.texts)
        for number, count in self.numbers.items():
            text = number_text(number)
            every[text] = every.get(text, 0) + count
        return dict(sorted(every.items(), key=lambda item: (-item[1], item[0])))

    def merge(self, other: FrequentState) -> FrequentState:
        """Counts of both together."""
        if not other.texts and not other.numbers and not other.error:
            return self
        texts, numbers = _add(self.texts, other.texts), _add(self.numbers, other.numbers)
        error = self.error + other.error
        over = len(texts) + len(numbers) - (self.limit if not error else max(1, self.limit // KEPT))
        if over > 0:
            ordered = np.sort(np.fromiter([*texts.values(), *numbers.values()], np.int64))
            dropped = int(ordered[over - 1])
            texts = {value: count for value, count in texts.items() if count > dropped}
            numbers = {value: count for value, count in numbers.items() if count > dropped}
            error += dropped
        return FrequentState(texts, numbers, error, self.limit)


def number_text(number: float) -> str:
    """A number as the shortest text, whole ones without a fraction.

    >>> number_text(3.0), number_text(0.25)
    ('3', '0.25')
    """
    return str(int(number)) if number == int(number) and abs(number) < 1e16 else repr(number)


def _add(mine: Mapping[V, int], theirs: Mapping[V, int]) -> dict[V, int]:
    both = dict(mine)
    for value, count in theirs.items():
        both[value] = both.get(value, 0) + count
    return both


@dataclass(frozen=True)
class Frequent(Analyzer[FrequentState]):
    """The most frequent values of a column (of the elements, in a list column)."""

    limit: int = LIMIT

    def start(self) -> FrequentState:
        """Nothing seen."""
        return FrequentState(limit=self.limit)

    def observe(self, state: FrequentState, cells: Cells) -> FrequentState:
        """With the cells' values counted."""
        cells = cells.elements
        if cells.form is Form.BOOLEAN:
            found = {"true": cells.dense.true_count, "false": cells.dense.false_count}
            return state.merge(FrequentState({text: count for text, count in found.items() if count}, limit=self.limit))
        if cells.tally is not None:
            return state.merge(_few_texts(cells.tally.texts, cells.tally.counts, self.limit))
        for runs in cells.runs:
            state = state.merge(_numbers(runs, self.limit))
        if cells.form is Form.TEXT:
            state = state.merge(_many_texts(cells.dense.filter(mask_of(~cells.reading.numeric)), self.limit))
        return state


def _cut(counts: np.ndarray[tuple[int], np.dtype[np.int64]], limit: int) -> int:
    """The count up to which values are dropped so that at most `limit` stay; 0 drops none."""
    if len(counts) <= limit:
        return 0
    counts = counts[counts > 1]
    if len(counts) <= limit:
        return 1
    return int(np.partition(counts, len(counts) - limit - 1)[len(counts) - limit - 1])


def _few_texts(texts: pa.Array, counts: np.ndarray[tuple[int], np.dtype[np.int64]], limit: int) -> FrequentState:
    cut = _cut(counts, limit)
    if cut:
        cut = max(cut, _cut(counts, max(1, limit // KEPT)))
    kept = np.flatnonzero(counts > cut)
    values = texts.take(places_of(kept)).to_pylist() if cut else texts.to_pylist()
    return FrequentState(dict(zip(values, counts[kept].tolist(), strict=True)), error=cut, limit=limit)


def _numbers(runs: Runs, limit: int) -> FrequentState:
    if runs.total == len(runs.values) > limit:
        return FrequentState(error=1, limit=limit)
    cut = _cut(runs.counts, limit)
    if cut:
        cut = max(cut, _cut(runs.counts, max(1, limit // KEPT)))
    kept = runs.counts > cut
    found = dict(zip(runs.values[kept].tolist(), runs.counts[kept].tolist(), strict=True))
    return FrequentState(numbers=found, error=cut, limit=limit)


def _many_texts(texts: pa.Array, limit: int) -> FrequentState:
    """Texts that hardly repeat: only those whose hash occurs more than once are counted."""
    if not len(texts):
        return FrequentState(limit=limit)
    hashes = hash_texts(texts)
    ordered = np.sort(hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(repeated) and len(texts) > limit:
        return FrequentState(error=1, limit=limit)
    some = texts if len(texts) <= limit else texts.filter(mask_of(np.isin(hashes, repeated)))
    counted = pc.value_counts(some)
    found = _few_texts(counted.field(0), values_of(counted.field(1)), limit)
    return FrequentState(found.texts, error=max(found.error, int(len(some) < len(texts))), limit=limit)
