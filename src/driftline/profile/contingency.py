"""How many rows of which group had which label and which prediction: all that bias metrics are made of, but one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.columns import Ints
from driftline.profile.confusion import Probability
from driftline.profile.matches import (
    ABOVE,
    EQUAL,
    MISSING,
    Matches,
    Value,
    distinct_codes,
    matches_of,
    predicted_matches,
)
from driftline.profile.outcomes import column_of
from driftline.profile.split import REST, SENSITIVE, UNKNOWN, Split

MOST_FACETS, MOST_GROUPS = 1_000, 10_000
"""So many distinct values of facets, and of the group variable, are told apart."""

Mark = str | int
"""What a row is to a facet: a text if each distinct value is asked about ("" for none), else bits (`matches.py`)."""

Cell = tuple[tuple[Mark, ...], str, int, int]
"""A facet's marks, a value of the group variable ("" for none), the label's and the prediction's bits."""

_BITS = [MISSING, 0, EQUAL, ABOVE, EQUAL | ABOVE]
_GUARD = 16
"""Distinct spellings beyond so many times the limit are not even looked at."""


@dataclass(frozen=True)
class ContingencyState:
    """Rows by cell.

    `crowded` is set for good, and the counts are dropped, once the facet has more than `facets` distinct values;
    `scattered`, once the group variable has more than `groups`: it is then no longer told apart.
    """

    counts: Mapping[Cell, int] = field(default_factory=dict)
    rows: int = 0
    crowded: bool = False
    scattered: bool = False
    facets: int = MOST_FACETS
    groups: int = MOST_GROUPS

    def merge(self, other: ContingencyState) -> ContingencyState:
        """The counts of both."""
        counts = dict(self.counts)
        for cell, count in other.counts.items():
            counts[cell] = counts.get(cell, 0) + count
        crowded = self.crowded or other.crowded or len({marks for marks, _, _, _ in counts}) > self.facets
        scattered = self.scattered or other.scattered or len({group for _, group, _, _ in counts}) > self.groups
        if crowded:
            counts = {}
        elif scattered:
            counts = _ungrouped(counts)
        ordered = dict(sorted(counts.items()))
        return ContingencyState(ordered, self.rows + other.rows, crowded, scattered, self.facets, self.groups)

    @cached_property
    def marks(self) -> tuple[tuple[Mark, ...], ...]:
        """What rows are to the facet, as far as it occurs."""
        return tuple(dict.fromkeys(marks for marks, _, _, _ in self.counts))

    def split(self, wanted: Sequence[Mark], reading: int = EQUAL) -> Split:
        """The rows as two groups.

        A row is of the sensitive group if its marks are the wanted ones, column by column: the text if `wanted` has
        one, else the bit (`EQUAL` or `ABOVE`). `reading` is the bit by which labels and predictions are positive.

        >>> state = ContingencyState({((1,), "", 1, 0): 5, ((0,), "", 0, 0): 3})
        >>> state.split([EQUAL]).labels.tolist()
        [[3, 0], [0, 5]]
        """
        cells, (known, unknown) = self._cells, self._totals[reading]
        if all(isinstance(want, str) for want in wanted):
            chosen = [cells.places[tuple(wanted)]] if tuple(wanted) in cells.places else []
        else:
            chosen = [place for marks, place in cells.places.items() if side_of(marks, wanted) == SENSITIVE]
        sensitive = cells.table(np.concatenate([cells.of(place) for place in chosen] or [cells.none]), reading)
        return Split(np.stack((known - sensitive, sensitive, unknown), axis=1))

    @cached_property
    def _totals(self) -> dict[int, tuple[Ints, Ints]]:
        """By reading: the rows with all marks and those that miss one, (group, label, prediction)."""
        cells = self._cells
        missing = [any(mark in ("", MISSING) for mark in marks) for marks in cells.places]
        parts = [
            np.concatenate([cells.of(place) for place, each in enumerate(missing) if each is which] or [cells.none])
            for which in (False, True)
        ]
        return {reading: (cells.table(parts[0], reading), cells.table(parts[1], reading)) for reading in (EQUAL, ABOVE)}

    @cached_property
    def _cells(self) -> _Cells:
        places = {marks: place for place, marks in enumerate(self.marks)}
        names = sorted({group for _, group, _, _ in self.counts if group})
        groups = {name: place for place, name in enumerate([*names, ""])}
        cells = [(places[marks], groups[group], label, predicted) for marks, group, label, predicted in self.counts]
        rows = np.array(cells, dtype=np.int64).reshape(-1, 4)
        order = np.argsort(rows[:, 0], kind="stable")
        edges = np.searchsorted(rows[order, 0], np.arange(len(places) + 1))
        counts = np.array(list(self.counts.values()), dtype=np.int64)
        return _Cells(places, len(groups), edges, rows[order, 1:], counts[order])


@dataclass(frozen=True)
class _Cells:
    """The cells in the order of their marks: those of place i are `edges[i]` to `edges[i + 1]`."""

    places: dict[tuple[Mark, ...], int]
    groups: int
    edges: Ints
    outcomes: Ints
    counts: Ints

    @property
    def none(self) -> Ints:
        """No cell."""
        return np.empty(0, dtype=np.int64)

    def of(self, place: int) -> Ints:
        """The cells with these marks."""
        return np.arange(self.edges[place], self.edges[place + 1])

    def table(self, rows: Ints, reading: int) -> Ints:
        """The counts of some cells, (group, label, prediction); the last group is none."""
        group, *bits = self.outcomes[rows].T
        labels, predictions = (np.where(each < 0, UNKNOWN, (each & reading) > 0) for each in bits)
        found = np.bincount((group * 3 + labels) * 3 + predictions, self.counts[rows], self.groups * 9)
        return found.astype(np.int64).reshape(self.groups, 3, 3)


def side_of(marks: Sequence[Mark], wanted: Sequence[Mark]) -> int:
    """Which group rows with these marks are of; see `ContingencyState.split`.

    >>> side_of(["F"], ["F"]), side_of([ABOVE], [EQUAL]), side_of([""], ["F"])
    (1, 0, 2)
    """
    if any(mark in ("", MISSING) for mark in marks):
        return UNKNOWN
    same = (
        mark == want if isinstance(want, str) else bool(int(mark) & want)
        for mark, want in zip(marks, wanted, strict=True)
    )
    return SENSITIVE if all(same) else REST


def _ungrouped(counts: Mapping[Cell, int]) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for (marks, _, label, predicted), count in counts.items():
        cell = (marks, "", label, predicted)
        found[cell] = found.get(cell, 0) + count
    return found


@dataclass(frozen=True)
class Contingency(JointAnalyzer[ContingencyState]):
    """How many rows of which facet had which label and which prediction, by the values of a group variable.

    `columns` are the facet's, several for a combination; `values` are, for each of them, those of the sensitive group
    or its threshold, or empty to ask about each distinct value. `positives` are the values of the label that are
    positive, or their threshold. `label`, `prediction` (or `probability` with its `threshold`) and `group` may be
    absent. Columns are given by name, place or path (`place_of`).
    """

    columns: tuple[str, ...]
    values: tuple[tuple[Value, ...], ...]
    positives: tuple[Value, ...]
    label: str | None = None
    prediction: str | None = None
    probability: Probability | None = None
    threshold: float = 0.5
    classes: tuple[str, ...] = ()
    group: str | None = None
    facets: int = MOST_FACETS
    groups: int = MOST_GROUPS

    def start(self) -> ContingencyState:
        """Nothing seen."""
        return ContingencyState(facets=self.facets, groups=self.groups)

    def observe(self, state: ContingencyState, batch: pa.RecordBatch) -> ContingencyState:
        """With the batch's rows counted; raises `SchemaMismatch` if a column is missing."""
        seen = ContingencyState(rows=batch.num_rows, facets=self.facets, groups=self.groups)
        axes = [axis_of(column_of(name, batch), values, _GUARD * self.facets) for name, values in self._facet]
        if None in axes:
            return state.merge(ContingencyState({}, seen.rows, True, False, self.facets, self.groups))
        grouped = (
            axis_of(column_of(self.group, batch), (), _GUARD * self.groups) if self.group is not None else _NO_AXIS
        )
        label = _bits(matches_of(column_of(self.label, batch), self.positives)) if self.label is not None else _NO_BITS
        predicted = predicted_matches(
            batch, self.prediction, self.probability, self.threshold, self.positives, self.classes
        )
        every = [*axes, grouped or _NO_AXIS, label, _bits(predicted)]
        found = {
            (tuple(cell[: len(axes)]), str(cell[-3]), int(cell[-2]), int(cell[-1])): count
            for cell, count in _counted([axis for axis in every if axis is not None], batch.num_rows)
        }
        counted = ContingencyState(found, seen.rows, False, grouped is None, self.facets, self.groups)
        return state.merge(counted)

    @property
    def _facet(self) -> Iterator[tuple[str, tuple[Value, ...]]]:
        return zip(self.columns, self.values, strict=True)


Axis = tuple[list[Mark], Ints | None]
"""The marks there may be, and for each row the place of its own; None if all have the first."""

_NO_AXIS: Axis = ([""], None)
_NO_BITS: Axis = ([MISSING], None)


def axis_of(array: pa.Array, values: Sequence[Value], most: int) -> Axis | None:
    """What the rows of a facet's column are to its values, or which distinct value they have; None for too many."""
    if values:
        return _bits(matches_of(array, values))
    found = distinct_codes(array, most)
    return None if found is None else (["", *found[0]], found[1] + 1)


def _bits(codes: Matches) -> Axis:
    return list(_BITS), codes + np.int8(1)


def _counted(axes: Sequence[Axis], rows: int) -> Iterator[tuple[list[Mark], int]]:
    """Each combination of marks that occurs, with its rows."""
    sizes = [len(names) for names, _ in axes]
    span = int(np.prod(sizes, dtype=object))
    code: Ints = np.zeros(rows, dtype=np.int64 if span >= 1 << 31 else np.int32)
    for names, places in axes:
        code *= len(names)
        if places is not None:
            code += places
    if span > 4 * rows + 1_024:
        seen, counts = np.unique(code, return_counts=True)
    else:
        every = np.bincount(code, minlength=1)
        seen = np.flatnonzero(every)
        counts = every[seen]
    chosen = np.unravel_index(seen, sizes)
    columns = [[names[place] for place in places.tolist()] for (names, _), places in zip(axes, chosen, strict=True)]
    yield from zip(map(list, zip(*columns, strict=True)), counts.tolist(), strict=True)
