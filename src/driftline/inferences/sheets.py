"""A profile in the flat layout: what is kept of an hour, a day or a month, cheap to merge by the hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from driftline.inferences import stacks
from driftline.inferences.stacks import Stacks, pieces
from driftline.profile import Profile
from driftline.profile.analyzers import FORMS
from driftline.profile.arrow import mask_of, texts_of
from driftline.profile.columns import Ints
from driftline.profile.count import Count, CountState
from driftline.profile.distinct import Distinct, DistinctState
from driftline.profile.frequent import Frequent, FrequentState
from driftline.profile.hashing import hash_numbers, hash_texts
from driftline.profile.kinds import KindCounts, Kinds
from driftline.profile.moments import Lengths, Moments, MomentsState
from driftline.profile.quantiles import K, Quantiles, Sketch
from driftline.profile.texts import read_each
from driftline.schema import Field

STATED = stacks.SIZE
"""The k of sketches of hours: their ranks are wrong by less than 4 / k of the count, however they were merged."""

_HEIGHTS = 64


@dataclass(frozen=True)
class Sheet:
    """What is known of `rows` rows; the keys of `stacks` are places of `fields`, its texts are places in `pool`."""

    rows: int = 0
    fields: tuple[Field, ...] = ()
    stacks: Stacks = field(default_factory=Stacks.none)
    pool: tuple[str, ...] = ()
    failures: dict[str, str] = field(default_factory=dict)

    @classmethod
    def merged(cls, parts: Sequence[Sheet], size: int | None) -> Sheet:
        """The sheet of all rows, each sketch of about `size` items, or of all that there are if None."""
        if len(parts) == 1 and size is not None:
            return replace(parts[0], stacks=parts[0].stacks.reduced(size))
        fields: dict[str, tuple[int, Field]] = {}
        pool: dict[str, int] = {}
        found, failures = [], dict[str, str]()
        for part in parts:
            places = [fields.setdefault(each.name, (len(fields), each))[0] for each in part.fields]
            texts = [pool.setdefault(text, len(pool)) for text in part.pool]
            found.append(part.stacks.moved(np.array(places, np.int64).__getitem__, np.array(texts, np.int64)))
            failures |= part.failures
        together = Stacks.together(found) if found else Stacks.none()
        rows = sum(part.rows for part in parts)
        known = tuple(each for _, each in fields.values())
        return cls(rows, known, together.reduced(size), tuple(pool), failures)

    def only(self, names: Sequence[str]) -> Sheet:
        """With these columns alone."""
        wanted = np.array([place for place, each in enumerate(self.fields) if each.name in names], np.int64)
        places = np.zeros(len(self.fields), np.int64)
        places[wanted] = np.arange(len(wanted))
        kept = self.stacks.having(wanted).moved(places.__getitem__, np.arange(len(self.pool)))
        return replace(self, stacks=kept, fields=tuple(self.fields[place] for place in wanted.tolist()))

    def profile(self) -> Profile:
        """The profile, under the usual questions; what was left out of the sheet is not answered."""
        states: dict[Any, Any] = {}
        for fill in (_counts, _moments, _sketches, _frequent):
            fill(self, states)
        states |= {asked: state for (_, asked), state in self.stacks.loose.items()}
        return Profile(self.rows, self.fields, states, dict(self.failures))


def _counts(sheet: Sheet, states: dict[Any, Any]) -> None:
    rows = sheet.stacks.counts
    for place, cells in zip(rows.keys.tolist(), rows.cells.tolist(), strict=True):
        name = sheet.fields[place].name
        states[Count(name)] = CountState(cells[stacks.PRESENT], cells[stacks.NAN])
        states[Kinds(name)] = KindCounts(*cells[stacks.FRACTIONAL : stacks.STRING + 1])


def _moments(sheet: Sheet, states: dict[Any, Any]) -> None:
    for rows, question in ((sheet.stacks.moments, Moments), (sheet.stacks.lengths, Lengths)):
        for place, cells in zip(rows.keys.tolist(), rows.cells.tolist(), strict=True):
            count, mean, centred, total, low, high, infinite = cells
            found = MomentsState(int(count), mean, centred, total, low, high, int(infinite))
            states[question(sheet.fields[place].name)] = found


def _sketches(sheet: Sheet, states: dict[Any, Any]) -> None:
    items = sheet.stacks.items
    groups = items.keys * _HEIGHTS + items.heights
    narrow = groups.astype(np.uint16) if len(sheet.fields) * _HEIGHTS < 1 << 16 else groups
    order = np.argsort(narrow, kind="stable")  # of 16 bits: a radix sort, many times faster than by comparing
    values = items.values[order]
    found: dict[int, dict[int, Any]] = {}
    for key, where in pieces(groups[order]):
        found.setdefault(key // _HEIGHTS, {})[key % _HEIGHTS] = values[where]
    for place, each in enumerate(sheet.fields):
        if Quantiles in FORMS[each.form]:
            levels: dict[int, Any] = found.get(place, {})
            arrays = [levels.get(height, values[:0]) for height in range(max(levels, default=0) + 1)]
            states[Quantiles(each.name)] = Sketch.from_levels(arrays, k=STATED).within(K)


def _frequent(sheet: Sheet, states: dict[Any, Any]) -> None:
    """Frequent values, and how many distinct ones there are, which is exact where all values are counted."""
    hashes = _parts(sheet.stacks.hashes.keys, sheet.stacks.hashes.hashes)
    numbers = _parts(sheet.stacks.numbers.keys, sheet.stacks.numbers.values, sheet.stacks.numbers.counts)
    texts = _parts(sheet.stacks.texts.keys, sheet.stacks.texts.values, sheet.stacks.texts.counts)
    errors = dict(
        zip(sheet.stacks.counts.keys.tolist(), sheet.stacks.counts.cells[:, stacks.ERROR].tolist(), strict=True)
    )
    for place, each in enumerate(sheet.fields):
        if Frequent not in FORMS[each.form] and Distinct not in FORMS[each.form]:
            continue
        names, times = texts.get(place, ((), ()))
        counted = {sheet.pool[name]: int(count) for name, count in zip(names, times, strict=True)}
        values, times = numbers.get(place, ((), ()))
        floats = {float(value): int(count) for value, count in zip(values, times, strict=True)}
        frequent = FrequentState(counted, floats, errors.get(place, 0))
        if Frequent in FORMS[each.form]:
            states[Frequent(each.name)] = frequent
        states[Distinct(each.name)] = _distinct(frequent, hashes.get(place, (np.empty(0, np.uint64),))[0])


def _distinct(frequent: FrequentState, hashes: Any) -> DistinctState:
    """Where all values are counted these are all; texts that read as numbers are numbers here, as in `Distinct`."""
    if not frequent.exact or not (frequent.texts or frequent.numbers):
        return DistinctState(hashes, stacks.HASHES)
    texts = texts_of(list(frequent.texts))
    fractional, integral, _, parsed = read_each(texts)
    numbers = np.concatenate((np.array(list(frequent.numbers), np.float64), parsed[np.isfinite(parsed)]))
    plain = hash_texts(texts.filter(mask_of(~(fractional | integral))))
    return DistinctState(np.unique(np.concatenate((hash_numbers(numbers), plain))))


def _parts(keys: Ints, *columns: Any) -> dict[int, tuple[Any, ...]]:
    """For each of ascending keys its piece of each column."""
    return {key: tuple(column[place] for column in columns) for key, place in pieces(keys)}
