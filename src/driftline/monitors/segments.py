"""The segments in which a model is worst, or got worse, found among all values of columns and of pairs of them.

Every segment with enough rows is compared with the rest of the rows (or with itself in the baseline). As thousands are
looked at, some are bad by chance: p-values are multiplied by the number of segments looked at (Bonferroni), and
segments are ranked by the excess of their mean loss that is sure even so, not by the excess itself, which is greatest
where rows are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import erfc, exp, inf, isnan, lgamma, log, log1p, nan, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from driftline.monitors.verdict import Measure
from driftline.profile import Profile
from driftline.profile.axes import FIRST, MISSING, REST, Axis
from driftline.profile.columns import Floats
from driftline.profile.frequent import number_text
from driftline.profile.losses import Cells, LossesState, pairs
from driftline.profile.segments import SegmentsState

LEAST_ROWS = 50
CUTS = 8
"""Numbers are cut at about so many places into all that is below and all that is above."""

ALPHA = 0.05

Masks = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """Rows that a few words describe, with their mean loss and that of those they are compared with.

    `sure` is by how much at least the mean exceeds the `other`, with 95 % confidence for all segments looked at
    together; `p_value` is corrected for them too. `share` is that of all rows, in [0, 1].
    """

    said: str
    columns: tuple[str, ...]
    rows: int
    share: float
    mean: float
    other: float
    sure: float
    p_value: float


@dataclass(frozen=True)
class Search:
    """The segments found, the worst first, how many were looked at, and the mean loss of all rows.

    Without a segment that is surely worse, `reason` says so.
    """

    segments: tuple[Segment, ...]
    looked_at: int
    mean: float
    rows: int
    reason: str = ""


@dataclass(frozen=True)
class Clauses:
    """What may be said of one column: for each saying a mask over the groups of its axis."""

    said: tuple[str, ...]
    masks: Masks


@dataclass(frozen=True)
class Candidates:
    """Segments of the same columns, with what they are compared with: parallel arrays."""

    columns: tuple[int, ...]
    places: tuple[npt.NDArray[np.intp], ...]
    rows: Floats
    mean: Floats
    other: Floats
    spread: Floats
    others: Floats


def measured(
    column: str, state: SegmentsState[Any], name: str, compute: Callable[[Any], float], least: int = LEAST_ROWS
) -> tuple[Measure, ...]:
    """A metric of each segment of the column, in the order of its groups; NaN with a reason where rows are few.

    `compute` is a function of the state that was asked by segment, such as `expected_calibration_error` of `Scores`.
    """
    found = []
    for group, rows in enumerate(state.rows.tolist()):
        subject = said(state.axis, group, column)
        if rows >= least:
            value = compute(state.states[group])
            found.append(Measure(subject, name, value, None, "undefined for these rows" if isnan(value) else ""))
        elif rows:
            found.append(Measure(subject, name, nan, None, f"{rows:,} rows, fewer than {least:,}"))
    return tuple(found)


def edges_of(profile: Profile, names: tuple[str, ...], ranges: int = 12) -> tuple[tuple[float, ...], ...]:
    """Edges for `Losses` and `Segments` that cut each column of numbers into ranges of about equally many rows.

    For a column of few different numbers, or of texts, there are none. The profile is that of the baseline, so that
    ranges mean the same from then on.

    >>> import pyarrow as pa
    >>> edges_of(Profile.of(pa.table({"x": list(range(100)), "y": ["a"] * 100})), ("x", "y"), 4)
    ((24.0, 49.0, 74.0), ())
    """
    found = []
    for name in names:
        column = profile.column(name)
        many = column.is_numeric and column.distinct > 2 * ranges
        edges = np.unique(column.sketch.quantile(np.arange(1, ranges) / ranges)) if many else np.empty(0)
        found.append(tuple(edges.tolist()))
    return tuple(found)


def worst(state: LossesState, names: tuple[str, ...], *, least: int = LEAST_ROWS, count: int = 5) -> Search:
    """The segments whose mean loss most surely exceeds that of all other rows; `names` are those of the columns."""
    return _searched(state, None, names, least, count)


def worsened(
    before: LossesState, now: LossesState, names: tuple[str, ...], *, least: int = LEAST_ROWS, count: int = 5
) -> Search:
    """The segments whose mean loss most surely exceeds that of the same segment before."""
    past, present = before.aligned(now)
    return _searched(present, past, names, least, count)


def _searched(state: LossesState, before: LossesState | None, names: tuple[str, ...], least: int, count: int) -> Search:
    if not state.single or not state.single[0].rows.any():
        return Search((), 0, nan, 0, "no row has both a prediction and a label, or no column was given")
    total = tuple(float(each.sum()) for each in _parts(state.single[0]))
    clauses = [clauses_of(axis, cells, name) for axis, cells, name in zip(state.axes, state.single, names, strict=True)]
    found = list(_candidates(state, before, clauses, total, least))
    looked = sum(len(each.rows) for each in found)
    mean, rows = total[1] / total[0], int(total[0])
    if not looked:
        return Search((), 0, mean, rows, f"no segment has {least} rows and leaves as many others")
    margin = NormalDist().inv_cdf(1 - ALPHA / looked)
    ordered = sorted(
        ((float(sure), some, at) for some in found for at, sure in _surest(some, margin)), key=lambda each: -each[0]
    )
    binary = total[1] == total[2] and before is None
    picked = _distinct(ordered, clauses)
    described = (_described(sure, some, at, clauses, names, rows, looked, binary) for sure, some, at in picked)
    segments = tuple(islice((each for each in described if each.p_value < ALPHA), count))
    reason = "" if segments else f"of {looked:,} segments none is surely worse"
    return Search(segments, looked, mean, rows, reason)


def clauses_of(axis: Axis, cells: Cells, name: str) -> Clauses:
    """Each group of a column by itself, and for numbers what is below and above about `CUTS` places."""
    masks: dict[bytes, tuple[str, Floats]] = {}

    def add(words: str, mask: Floats) -> None:
        if 0 < float(mask @ cells.rows) < cells.rows.sum():
            masks.setdefault((mask * (cells.rows > 0)).tobytes(), (words, mask))

    for group in range(len(axis)):
        mask = np.zeros(len(axis))
        mask[group] = 1.0
        add(said(axis, group, name), mask)
    numbers = np.arange(FIRST, FIRST + len(axis.numbers))
    below = np.cumsum(cells.rows[numbers]) if len(numbers) else np.empty(0)
    cuts = np.unique(np.searchsorted(below, np.arange(1, CUTS + 1) / (CUTS + 1) * below[-1])) if len(below) else ()
    for cut in np.asarray(cuts, dtype=np.int64).tolist():
        mask = np.zeros(len(axis))
        mask[FIRST : FIRST + cut + 1] = 1.0
        add(f"{name} is {_bound(axis, FIRST + cut, below=True)}", mask)
        rest = np.zeros(len(axis))
        rest[FIRST + cut + 1 : FIRST + len(numbers)] = 1.0
        if cut + 1 < len(numbers):
            add(f"{name} is {_bound(axis, FIRST + cut + 1, below=False)}", rest)
    every = tuple(words for words, _ in masks.values())
    return Clauses(every, np.stack([mask for _, mask in masks.values()]) if masks else np.zeros((0, len(axis))))


def said(axis: Axis, group: int, name: str) -> str:
    """The group of the column `name` in words.

    >>> [said(axis, group, "age") for axis in (Axis(np.array([7.0]), ("x",)),) for group in range(4)]
    ['age is missing', 'age is none of its frequent values', 'age is 7', "age is 'x'"]
    """
    if group in (MISSING, REST):
        return f"{name} is missing" if group == MISSING else f"{name} is none of its frequent values"
    if group >= FIRST + len(axis.numbers):
        return f"{name} is {axis.name(group)!r}"
    return f"{name} is {axis.name(group)}"


def _bound(axis: Axis, group: int, *, below: bool) -> str:
    low, high = axis.range_of(group)
    edge = high if below else low
    shown = number_text(edge) if abs(edge) < inf else str(edge)
    exact = low == high or (below and edge <= 0 and not axis.edges)
    if below:
        return f"at most {shown}" if exact else f"below {shown}"
    return f"above {shown}" if low < 0 and not exact and not axis.edges else f"at least {shown}"


def _parts(cells: Cells) -> tuple[Floats, Floats, Floats]:
    return cells.rows.astype(np.float64), cells.sums, cells.squares


def _candidates(
    state: LossesState, before: LossesState | None, clauses: list[Clauses], total: tuple[float, ...], least: int
) -> Iterator[Candidates]:
    """The segments of single columns, then of pairs, that have enough rows and enough to compare them with."""
    for at, one in enumerate(clauses):
        sums = [one.masks @ part for part in _parts(state.single[at])]
        past = None if before is None else [one.masks @ part for part in _parts(before.single[at])]
        yield _compared((at,), sums, past, total, least)
    for place, (first, second) in enumerate(pairs(len(clauses)) if state.paired else ()):
        left, right = clauses[first].masks, clauses[second].masks

        def crossed(cells: Cells, left: Masks = left, right: Masks = right) -> list[Floats]:
            shape = (left.shape[1], right.shape[1])
            return [(left @ part.reshape(shape) @ right.T) for part in _parts(cells)]

        past = None if before is None else crossed(before.paired[place])
        yield _compared((first, second), crossed(state.paired[place]), past, total, least)


def _compared(
    columns: tuple[int, ...], sums: list[Floats], past: list[Floats] | None, total: tuple[float, ...], least: int
) -> Candidates:
    against = [whole - part for whole, part in zip(total, sums, strict=True)] if past is None else past
    kept = np.nonzero((sums[0] >= least) & (against[0] >= least))
    (rows, first, second), (others, third, fourth) = ([each[kept] for each in side] for side in (sums, against))
    mean, other = first / rows, third / others
    spreads = [
        np.maximum(square - value * value * size, 0.0) / np.maximum(size - 1, 1) / size
        for square, value, size in ((second, mean, rows), (fourth, other, others))
    ]
    return Candidates(columns, kept, rows, mean, other, np.sqrt(spreads[0] + spreads[1]), others)


def _surest(some: Candidates, margin: float) -> Iterator[tuple[int, float]]:
    """Those whose excess is above nothing for sure, with what is sure of it."""
    sure = some.mean - some.other - margin * some.spread
    for at in np.flatnonzero((sure > 0) & (some.spread > 0)).tolist():
        yield at, float(sure[at])


def _distinct(
    ordered: list[tuple[float, Candidates, int]], clauses: list[Clauses]
) -> Iterator[tuple[float, Candidates, int]]:
    """Without those that overlap one before in a common column: they are bad because that one is."""
    taken: list[dict[int, Floats]] = []
    for sure, some, at in ordered:
        masks = {
            column: clauses[column].masks[places[at]] for column, places in zip(some.columns, some.places, strict=True)
        }
        if not any(_alike(masks, other) for other in taken):
            taken.append(masks)
            yield sure, some, at


def _alike(mine: dict[int, Floats], theirs: dict[int, Floats]) -> bool:
    """Whether they are about a common column, and have rows together in each that is common."""
    both = mine.keys() & theirs.keys()
    return bool(both) and all(bool((mine[column] * theirs[column]).any()) for column in both)


def _described(
    sure: float,
    some: Candidates,
    at: int,
    clauses: list[Clauses],
    names: tuple[str, ...],
    total: int,
    looked: int,
    binary: bool,
) -> Segment:
    words = [clauses[column].said[places[at]] for column, places in zip(some.columns, some.places, strict=True)]
    rows, mean, other = int(some.rows[at]), float(some.mean[at]), float(some.other[at])
    chance = erfc((mean - other) / float(some.spread[at]) / sqrt(2)) / 2
    if binary:  # few wrong rows are not normal; theirs is the exact tail
        chance = max(chance, binomial_tail(round(mean * rows), rows, other))
    columns = tuple(names[column] for column in some.columns)
    return Segment(" and ".join(words), columns, rows, rows / total, mean, other, sure, min(1.0, chance * looked))


def binomial_tail(hits: int, rows: int, rate: float) -> float:
    """The probability of at least `hits` of `rows`, each with probability `rate`.

    >>> round(binomial_tail(2, 3, 0.5), 9)
    0.5
    """
    if hits <= 0 or rate >= 1:
        return 1.0
    if rate <= 0:
        return 0.0
    term = exp(
        lgamma(rows + 1) - lgamma(hits + 1) - lgamma(rows - hits + 1) + hits * log(rate) + (rows - hits) * log1p(-rate)
    )
    found = 0.0
    for at in range(hits, rows + 1):
        found += term
        term *= (rows - at) / (at + 1) * rate / (1 - rate)
        if term < found * 1e-16:
            break
    return min(1.0, found)
