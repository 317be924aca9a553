"""Quality within segments of the rows: metrics of each value or range of a column, and where the model is worst."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import inf, isnan, nan
from typing import Any

import numpy as np

from driftline.metrics.classification import why_not
from driftline.metrics.metric import METRICS
from driftline.monitors.segments import LEAST_ROWS, Search, Segment, said, worsened, worst
from driftline.monitors.verdict import Measure
from driftline.profile import Profile
from driftline.profile.axes import FIRST, MISSING, REST, Axis
from driftline.profile.columns import Ints
from driftline.profile.confusion import ConfusionState
from driftline.profile.frequent import number_text
from driftline.profile.losses import Losses, LossesState
from driftline.profile.scores import ScoresState
from driftline.profile.segments import Segments, SegmentsState

RANGES = 8
"""Numbers are joined into about so many ranges of equally many rows of the baseline."""

TOLD = 3
"""So many of the worst segments are told."""

Compute = Callable[[Any], tuple[float, str]]
"""A metric of a state, and why it is undefined."""


@dataclass(frozen=True)
class Part:
    """A segment of a column in words, with the groups of the axis that it joins."""

    said: str
    groups: tuple[int, ...]


def parts_of(axis: Axis, rows: Ints, column: str) -> tuple[Part, ...]:
    """The segments of a column: each text by itself, numbers in about `RANGES` ranges of equally many of `rows`.

    Numbers with few different values are by themselves too.

    >>> axis = Axis(np.arange(20.0), ("x",))
    >>> [part.said for part in parts_of(axis, np.ones(23, dtype=np.int64), "age")][:3]
    ['age is 0 to 2', 'age is 3 to 5', 'age is 6 to 8']
    """
    count = len(axis.numbers)
    numbers = list(range(FIRST, FIRST + count))
    ranges: list[tuple[int, ...]] = [(group,) for group in numbers]
    if count > 2 * RANGES:
        ranges, open_ = [], []
        wanted = float(rows[FIRST : FIRST + count].sum()) / RANGES
        for group in numbers:
            open_.append(group)
            if rows[open_].sum() >= wanted:
                ranges.append(tuple(open_))
                open_ = []
        ranges += [tuple(open_)] if open_ else []
    texts = range(FIRST + count, len(axis))
    named = [Part(said(axis, group, column), (group,)) for group in (*texts, REST, MISSING)]
    return (*(Part(f"{column} is {_range(axis, each)}", each) for each in ranges), *named)


def _range(axis: Axis, groups: Sequence[int]) -> str:
    if len(groups) == 1:
        return axis.name(groups[0])
    low, high = axis.range_of(groups[0])[0], axis.range_of(groups[-1])[1]
    shown = [number_text(each) if abs(each) < inf else str(each) for each in (low, high)]
    return f"below {shown[1]}" if low == -inf else f"{shown[0]} or more" if high == inf else " to ".join(shown)


def measured(
    column: str, question: Segments, before: Profile | None, now: Profile, metrics: Mapping[str, Compute]
) -> Iterator[Measure]:
    """The metrics of each segment that has rows; ranges of numbers are those of the baseline, where it knows them.

    With fewer than `LEAST_ROWS` rows a segment has NaN, and the reason says so.
    """
    state: SegmentsState[Any] = now[question]
    sizes, states = state.rows, list(state.states)
    past = None if before is None or question not in before.states else before[question]
    axis, ruling = state.axis, sizes
    if past is not None:
        axis, old, new = past.axis.union(state.axis, past.rows, sizes)
        ruling, moved = np.zeros(len(axis), dtype=np.int64), np.zeros(len(axis), dtype=np.int64)
        np.add.at(ruling, old, past.rows)
        np.add.at(moved, new, sizes)
        joined: dict[int, Any] = {}
        for place, each in zip(new.tolist(), states, strict=True):
            joined[place] = joined[place].merge(each) if place in joined else each
        states = [joined.get(group, question.question.start()) for group in range(len(axis))]
        sizes = moved
    for part in parts_of(axis, ruling, column):
        rows = int(sizes[list(part.groups)].sum())
        if not rows:
            continue
        whole = reduce(lambda mine, theirs: mine.merge(theirs), (states[group] for group in part.groups))
        for name, compute in metrics.items():
            value, why = compute(whole) if rows >= LEAST_ROWS else (nan, f"{rows:,} rows, fewer than {LEAST_ROWS:,}")
            yield Measure(f"model[{part.said}]", name, value, None, why if isnan(value) else "")


def of_classes(names: Sequence[str], positive: str, negative: str | None) -> dict[str, Compute]:
    """Metrics of confusion matrices; two classes are told apart as `positive` and `negative`."""

    def compute(name: str, state: ConfusionState) -> tuple[float, str]:
        matrix = state.matrix(positive)
        matrix = matrix if negative is None else matrix.binarised(negative)
        why = why_not(name, matrix)
        return (nan, why) if why else (METRICS[name].compute(matrix), "")

    return {name: _bound(compute, name) for name in names}


def of_scores(names: Sequence[str]) -> dict[str, Compute]:
    """Metrics of scores."""

    def compute(name: str, state: ScoresState) -> tuple[float, str]:
        value = METRICS[name].compute(state.labelled())
        return value, "only one class occurs, or no row has a label" if isnan(value) else ""

    return {name: _bound(compute, name) for name in names}


def of_residuals(names: Sequence[str]) -> dict[str, Compute]:
    """Metrics of residuals."""

    def compute(name: str, state: Any) -> tuple[float, str]:
        value = METRICS[name].compute(state)
        return value, "too few rows have both a prediction and a label" if isnan(value) else ""

    return {name: _bound(compute, name) for name in names}


def _bound(compute: Callable[[str, Any], tuple[float, str]], name: str) -> Compute:
    return lambda state: compute(name, state)


def searched(question: Losses, before: Profile | None, now: Profile) -> tuple[list[Measure], list[str]]:
    """The worst segments, and those that got worse since the baseline, as measures and in words."""
    state: LossesState = now[question]
    if not any(each.rows.any() for each in state.single):
        return [], []
    measures, notes = [], []
    found = worst(state, question.columns, count=TOLD)
    for each in found.segments:
        measures.append(_measure(each, question))
        notes.append(f"Worst for {each.said}: {_told(each, question, 'elsewhere')}.")
    if not found.segments and found.reason:
        notes.append(f"Worst segment: {found.reason}.")
    past = None if before is None or question not in before.states else before[question]
    if past is not None and any(each.rows.any() for each in past.single):
        since: Search = worsened(past, state, question.columns, count=TOLD)
        known = {each.subject for each in measures}
        fresh = [_measure(each, question) for each in since.segments]
        measures += [each for each in fresh if each.subject not in known]
        notes += [f"Got worse for {each.said}: {_told(each, question, 'before')}." for each in since.segments]
        if not since.segments:
            notes.append(f"Got worse since the baseline: {since.reason}.")
    return measures, notes


def _measure(found: Segment, question: Losses) -> Measure:
    if question.loss == "error":
        return Measure(f"model[{found.said}]", "accuracy", 1 - found.mean)
    return Measure(f"model[{found.said}]", "mae", found.mean)


def _told(found: Segment, question: Losses, other: str) -> str:
    if question.loss == "error":
        mean, rest, sure = (f"{each:.1%}" for each in (found.mean, found.other, found.sure))
        return f"wrong in {mean} of {found.rows:,} rows, {rest} {other}; worse by at least {sure}"
    mean, rest, sure = (f"{each:.4g}" for each in (found.mean, found.other, found.sure))
    return f"off by {mean} on average in {found.rows:,} rows, {rest} {other}; worse by at least {sure}"
