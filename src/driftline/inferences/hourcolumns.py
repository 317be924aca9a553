"""One column of a batch whose rows are in the order of their hours: the states of all hours in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.inferences import stacks
from driftline.inferences.stacks import (
    HASHES,
    NUMBERS,
    TEXTS,
    UNLIKE,
    Lowest,
    Rows,
    Stacks,
    Tallies,
    merged_moments,
    steps,
    thinned,
)
from driftline.profile.analyzers import FORMS
from driftline.profile.arrow import places_of, values_of
from driftline.profile.columns import Cells, Floats, Ints
from driftline.profile.distinct import Distinct
from driftline.profile.frequent import Frequent, FrequentState
from driftline.profile.hashing import Hashes, hash_numbers, hash_texts
from driftline.profile.kinds import KindCounts, Kinds
from driftline.profile.moments import Lengths, Moments, MomentsState
from driftline.profile.quantiles import Quantiles
from driftline.profile.texts import read_each
from driftline.profile.vectors import Vectors, VectorState
from driftline.schema import Field, Form

_KINDS = (stacks.FRACTIONAL, stacks.INTEGRAL, stacks.BOOLEAN, stacks.STRING)
_LARGE = 4_096
"""An hour of so many rows is worth a look at what its texts are like."""

_WIDE = 1 << 22
"""Texts by hours are counted in a table of at most so many cells."""

_SPREAD = 8
"""Where there are so many times more distinct values than hashes are kept, only those below a bound are sorted."""


@dataclass(frozen=True)
class Hours:
    """Where the rows of each hour are: those of hour `keys[i]` from `starts[i]` to `starts[i + 1]`; none is empty."""

    keys: Ints
    starts: Ints

    @property
    def sizes(self) -> Ints:
        """Rows of each."""
        return np.diff(self.starts)

    def kept(self, mask: npt.NDArray[np.bool_]) -> tuple[Ints, Hours]:
        """How many rows of each hour a mask leaves, and the hours that it leaves any."""
        counts = np.add.reduceat(mask, self.starts[:-1], dtype=np.int64)
        some = counts > 0
        return counts, Hours(self.keys[some], np.concatenate(([0], np.cumsum(counts[some]))))


@dataclass(frozen=True)
class Runs:
    """Numbers in ascending order within each hour, and how often each occurs, once each if None."""

    hours: Hours
    values: Floats
    counts: Ints | None


def observed(field: Field, array: pa.Array, hours: Hours, pool: dict[str, int]) -> Stacks:
    """The states of a column in each hour; new texts get a place in the pool."""
    if field.form is Form.NUMBER:
        return _of_numbers(array, hours)
    if field.form is Form.TIME and not pa.types.is_interval(array.type):
        seconds = Cells(field, array.fill_null(0) if array.null_count else array).numbers
        return _of_floats(seconds, _present(array), hours, stacks.STRING)
    if field.form is Form.BOOLEAN:
        return _of_booleans(array, hours, pool)
    if field.form is Form.TEXT:
        if pa.types.is_dictionary(array.type):
            return _of_texts(array, hours, pool)
        if len(array) < _LARGE * len(hours.keys) or not _is_varied(array):
            return _of_texts(array.dictionary_encode(), hours, pool)
    return _one_by_one(field, array, hours, pool)


def _present(array: pa.Array) -> npt.NDArray[np.bool_] | None:
    return values_of(array.is_valid()) if array.null_count else None


def _of_numbers(array: pa.Array, hours: Hours) -> Stacks:
    kind = array.type
    whole = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)
    present = _present(array)
    if pa.types.is_decimal(kind):
        array = array.cast(pa.float64())
    raw = values_of(array)
    return _of_floats(raw.astype(np.float64, copy=False), present, hours, stacks.INTEGRAL if whole else -1)


def _of_floats(values: Floats, present: npt.NDArray[np.bool_] | None, hours: Hours, kind: int) -> Stacks:
    """The states of numbers; `kind` is what they count as, fractional if below 0."""
    counts = np.zeros((len(hours.keys), 7), np.int64)
    infinite: Ints = np.zeros(len(hours.keys), np.int64)
    counts[:, stacks.PRESENT] = hours.sizes
    finite = hours
    with np.errstate(all="ignore"):
        plain = present is None and np.isfinite(np.add.reduce(values))
    if not plain:
        given = np.ones(len(values), np.bool_) if present is None else present
        is_nan = np.isnan(values) & given
        is_infinite = np.isinf(values) & given
        counts[:, stacks.NAN] = hours.kept(is_nan)[0]
        counts[:, stacks.PRESENT] = hours.kept(given)[0] - counts[:, stacks.NAN]
        infinite = hours.kept(is_infinite)[0]
        mask = given & ~is_nan & ~is_infinite
        _, finite = hours.kept(mask)
        values = values[mask]
    counts[:, kind if kind >= 0 else stacks.FRACTIONAL] = counts[:, stacks.PRESENT]
    ordered = values.copy()
    for start, end in pairwise(finite.starts.tolist()):
        ordered[start:end].sort()
    runs = _runs(finite, ordered)
    tallies, uncounted = _tallied(runs, whole=kind >= 0)
    complete = stacks.joined([Rows(hours.keys, counts), uncounted])
    return replace(_of_runs(runs, hours.keys, complete, infinite), numbers=tallies)


def _runs(hours: Hours, ordered: Floats) -> Runs:
    if not len(ordered):
        return Runs(hours, ordered, None)
    fresh = np.empty(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    fresh[hours.starts[:-1]] = True
    places = np.flatnonzero(fresh)
    if len(places) == len(ordered):
        return Runs(hours, ordered, None)
    starts = np.searchsorted(places, hours.starts)
    return Runs(Hours(hours.keys, starts), ordered[places], np.diff(places, append=len(ordered)))


def _of_runs(runs: Runs, keys: Ints, counts: Rows, infinite: Ints) -> Stacks:
    """The states of numbers that are sorted, but for how often each of them occurs."""
    found = replace(Stacks.none(), counts=counts, moments=_moments(runs, keys, infinite))
    if not len(runs.values):
        return found
    items = thinned(runs.hours.keys, runs.values, runs.counts, runs.hours.starts, stacks.SIZE)
    return replace(found, items=items, hashes=_lowest(runs.hours, hash_numbers(runs.values)))


def _moments(runs: Runs, keys: Ints, infinite: Ints) -> Rows:
    cells = np.zeros((len(keys), 7))
    cells[:, stacks.LOWEST], cells[:, stacks.HIGHEST] = np.inf, -np.inf
    cells[:, stacks.INFINITE] = infinite
    if len(runs.values):
        starts, ends = runs.hours.starts[:-1], runs.hours.starts[1:]
        values, counts = runs.values, runs.counts
        sizes = ends - starts
        totals = sizes if counts is None else np.add.reduceat(counts, starts)
        with np.errstate(all="ignore"):
            sums = np.add.reduceat(values if counts is None else values * counts, starts)
            means = sums / totals
            apart = values - (means[0] if len(means) == 1 else np.repeat(means, sizes))
            np.multiply(apart, apart, out=apart)
            centred = np.add.reduceat(apart if counts is None else apart * counts, starts)
        places = np.searchsorted(keys, runs.hours.keys)
        cells[places, :6] = np.stack((totals, means, centred, sums, values[starts], values[ends - 1]), axis=1)
    return Rows(keys, cells)


def _tallied(runs: Runs, *, whole: bool) -> tuple[Tallies, Rows]:
    """The counts of numbers; of fractions that do not repeat within an hour none are kept."""
    sizes = runs.hours.sizes
    if not len(sizes):
        return Stacks.none().numbers, Rows.none(np.int64)
    counts = np.ones(len(runs.values), np.int64) if runs.counts is None else runs.counts
    alike = whole | (np.maximum.reduceat(counts, runs.hours.starts[:-1]) > 1)
    left = (sizes > UNLIKE) & ~alike
    cells = np.zeros((int(left.sum()), 7), np.int64)
    cells[:, stacks.ERROR] = 1
    kept = np.repeat(~left, sizes)
    found = Tallies(np.repeat(runs.hours.keys, sizes)[kept], runs.values[kept], counts[kept])
    tallies, uncounted = found.cut(NUMBERS)
    return tallies, stacks.joined([Rows(runs.hours.keys[left], cells), uncounted])


def _lowest(hours: Hours, hashes: Hashes) -> Lowest:
    """The lowest hashes of each hour; the values are distinct, so that few can be above a bound that few are below."""
    sizes = hours.sizes
    owners = np.repeat(hours.keys, sizes)
    if len(sizes) and int(sizes.max()) > _SPREAD * HASHES:
        shares = np.minimum(1.0, _SPREAD / 2 * HASHES / np.maximum(sizes, 1))
        bounds = np.minimum(shares * 2.0**64, 2.0**64 - 2048).astype(np.uint64)
        low = hashes <= (bounds[0] if len(bounds) == 1 else np.repeat(bounds, sizes))
        enough = np.add.reduceat(low, hours.starts[:-1], dtype=np.int64) >= np.minimum(sizes, HASHES)
        low |= np.repeat(~enough, sizes)
        owners, hashes = owners[low], hashes[low]
    return Lowest(owners, hashes).reduced()


def _of_booleans(array: pa.Array, hours: Hours, pool: dict[str, int]) -> Stacks:
    present = _present(array)
    given = np.ones(len(array), np.bool_) if present is None else present
    yes = values_of(array) & given
    counts = np.zeros((len(hours.keys), 7), np.int64)
    counts[:, stacks.PRESENT] = counts[:, stacks.BOOLEAN] = hours.kept(given)[0]
    true = hours.kept(yes)[0]
    places = [pool.setdefault(text, len(pool)) for text in ("true", "false")]
    hashes = hash_texts(pa.array(["true", "false"]))
    sums = np.concatenate((true, counts[:, stacks.PRESENT] - true))
    keys, which = np.tile(hours.keys, 2), np.repeat([0, 1], len(hours.keys))
    some = sums > 0
    tallies = Tallies(keys[some], np.array(places)[which[some]], sums[some])
    none = Stacks.none()
    return Stacks(
        Rows(hours.keys, counts),
        none.moments,
        none.lengths,
        none.items,
        Lowest(keys[some], hashes[which[some]]),
        none.numbers,
        tallies,
        {},
    )


def _is_varied(texts: pa.Array) -> bool:
    """Whether texts seem to repeat themselves too little for a dictionary to pay."""
    some = min(len(texts), _LARGE)
    return bool(pc.count_distinct(texts[:some]).as_py() > some // 4)


def _of_texts(encoded: pa.DictionaryArray, hours: Hours, pool: dict[str, int]) -> Stacks:
    """The states of texts, of which each distinct one is read once."""
    texts = encoded.dictionary
    owners, codes, times = _counted(encoded, hours)
    fractional, integral, boolean, found = read_each(texts)
    numeric, parsed = fractional | integral, np.full(len(texts), np.nan)
    parsed[numeric] = found
    kinds = np.select([fractional, integral, boolean], _KINDS[:3], _KINDS[3])
    counts = np.zeros((len(hours.keys), 7), np.int64)
    infinite = np.zeros(len(hours.keys), np.int64)
    np.add.at(counts[:, stacks.PRESENT], owners, times)
    np.add.at(counts, (owners, kinds[codes]), times)
    np.add.at(infinite, owners, np.where(np.isinf(parsed[codes]), times, 0))
    runs = _runs_of(owners, parsed[codes], times, hours)
    numbers = _of_runs(runs, hours.keys, Rows(hours.keys, counts), infinite)
    plain = ~numeric[codes]
    keys = hours.keys[owners]
    tallies, unknown = Tallies(keys, codes, times).cut(TEXTS)
    return replace(
        numbers,
        counts=stacks.joined([numbers.counts, unknown]),
        lengths=_lengths(texts, keys, codes, times),
        hashes=stacks.joined([numbers.hashes, _lowest(_hours_of(keys[plain]), hash_texts(texts)[codes[plain]])]),
        texts=replace(tallies, values=_pooled(texts, tallies.values, pool)),
    )


def _hours_of(ordered: Ints) -> Hours:
    keys, starts = steps(ordered)
    return Hours(keys, np.append(starts, len(ordered)))


def _counted(encoded: pa.DictionaryArray, hours: Hours) -> tuple[Ints, Ints, Ints]:
    """Which hour (by its place), which text, and how often; ascending."""
    present, wide = _present(encoded), max(1, len(encoded.dictionary))
    codes = values_of(encoded.indices.fill_null(0) if encoded.null_count else encoded.indices).astype(np.int64)
    codes += np.repeat(np.arange(len(hours.keys)) * wide, hours.sizes)
    if present is not None:
        codes = codes[present]
    if len(hours.keys) * wide <= _WIDE:
        every = np.bincount(codes, minlength=1)
        pairs = np.flatnonzero(every)
        times = every[pairs].astype(np.int64)
    elif (codes[1:] > codes[:-1]).all():  # all texts differ
        pairs, times = codes, np.ones(len(codes), np.int64)
    else:
        pairs, times = np.unique(codes, return_counts=True)
    return pairs // wide, pairs % wide, times


def _runs_of(owners: Ints, values: Floats, times: Ints, hours: Hours) -> Runs:
    """The finite numbers among values, of hours by their places."""
    finite = np.isfinite(values)
    order = np.flatnonzero(finite)[np.lexsort((values[finite], owners[finite]))]
    owners, values, times = owners[order], values[order], times[order]
    if not len(values):
        return Runs(Hours(hours.keys[:0], np.zeros(1, np.int64)), values, None)
    starts = np.flatnonzero(np.append(True, (values[1:] != values[:-1]) | (owners[1:] != owners[:-1])))
    places, firsts = steps(owners[starts])
    found = Hours(hours.keys[places], np.append(firsts, len(starts)))
    return Runs(found, values[starts], np.add.reduceat(times, starts))


def _lengths(texts: pa.Array, keys: Ints, codes: Ints, times: Ints) -> Rows:
    size = values_of(pc.utf8_length(texts)).astype(np.float64)[codes]
    zero = np.zeros(len(size))
    cells = np.stack((times.astype(np.float64), size, zero, size * times, size, size, zero), axis=1)
    return Rows(keys, cells).reduced(merged_moments)


def _pooled(texts: pa.Array, codes: Ints, pool: dict[str, int]) -> Ints:
    """Places in the pool for places in the dictionary."""
    used, back = np.unique(codes, return_inverse=True)
    names = texts.take(places_of(used)).to_pylist()
    return np.array([pool.setdefault(name, len(pool)) for name in names], np.int64)[back]


def _one_by_one(field: Field, array: pa.Array, hours: Hours, pool: dict[str, int]) -> Stacks:
    """The states of what is not worth a way of its own: lists, vectors, long hours of texts that differ."""
    found = []
    for key, (start, end) in zip(hours.keys.tolist(), pairwise(hours.starts.tolist()), strict=True):
        found.append(_of_one(Cells(field, array[start:end]), key, pool))
    return Stacks.together(found)


def _of_one(cells: Cells, key: int, pool: dict[str, int]) -> Stacks:
    name, asked = cells.field.name, FORMS[cells.form]
    kinds = Kinds(name).observe(KindCounts(), cells)
    frequent = FrequentState()
    changed: dict[str, Any] = {}
    if Frequent in asked:
        frequent = Frequent(name, TEXTS).observe(FrequentState(limit=TEXTS), cells)
        places = [pool.setdefault(text, len(pool)) for text in frequent.texts]
        changed["texts"] = _tally(key, np.array(places, np.int64), frequent.texts.values())
        changed["numbers"] = _tally(key, np.array(list(frequent.numbers), np.float64), frequent.numbers.values())
    if Distinct in asked:
        hashes = Distinct(name, HASHES).observe(Distinct(name, HASHES).start(), cells).hashes
        changed["hashes"] = Lowest(np.full(len(hashes), key), hashes)
    if Lengths in asked:
        changed["lengths"] = _row(key, Lengths(name).observe(MomentsState(), cells))
    if Moments in asked:
        changed["moments"] = _row(key, Moments(name).observe(MomentsState(), cells))
    if Quantiles in asked and len(cells.numbers):
        ends = np.array([0, len(cells.numbers)])
        changed["items"] = thinned(np.array([key]), np.sort(cells.numbers), None, ends, stacks.SIZE)
    if Vectors in asked:
        changed["loose"] = {(key, Vectors(name)): Vectors(name).observe(VectorState(), cells)}
    row = (cells.present, cells.nan, kinds.fractional, kinds.integral, kinds.boolean, kinds.string, frequent.error)
    return replace(Stacks.none(), counts=Rows(np.array([key]), np.array([row], np.int64)), **changed)


def _tally(key: int, values: Any, counts: Iterable[int]) -> Tallies:
    found = np.fromiter(counts, np.int64)
    return Tallies(np.full(len(found), key), values, found)


def _row(key: int, state: MomentsState) -> Rows:
    return Rows(np.array([key]), np.array([astuple(state)], np.float64))
