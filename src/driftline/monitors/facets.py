"""Facets: the columns whose groups are compared, and how their values, or a threshold, are to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import isnan

from driftline.errors import Invalid, SchemaMismatch
from driftline.monitors.disparities import Disparities, is_range, stem
from driftline.profile import Column, Profile
from driftline.profile.contingency import Mark
from driftline.profile.matches import ABOVE, EQUAL, MISSING, Value, threshold_of
from driftline.profile.outcomes import place_of

CONTINUOUS_SHARE = 0.05
"""Whole numbers with at least so many distinct values a row are continuous."""

MOST_COLUMNS = 3
"""So many columns can make one facet."""

Marks = tuple[Mark, ...]


@dataclass(frozen=True)
class Facet:
    """A column whose groups are compared, or several: then the groups are the combinations of theirs.

    `values` are, for each column, the values of the sensitive group, or the one number above which it lies; empty to
    ask about each distinct value.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[Value, ...], ...] = ()

    def __post_init__(self) -> None:
        """Raises `Invalid` for a facet that cannot be."""
        object.__setattr__(self, "columns", tuple(map(str, self.columns)))
        known = tuple(tuple(each) if isinstance(each, list | tuple) else (each,) for each in self.values)
        object.__setattr__(self, "values", known or ((),) * len(self.columns))
        if not 1 <= len(self.columns) <= MOST_COLUMNS:
            raise Invalid(what="facet", got=self.columns, expected=f"one to {MOST_COLUMNS} columns")
        if len(self.values) != len(self.columns):
            raise Invalid(what=f"facet {self.name}", got=self.values, expected="values for each of its columns")

    @classmethod
    def of(cls, column: str, *values: Value) -> Facet:
        """The facet of one column.

        >>> Facet.of("sex", 0) == Facet(("sex",), ((0,),)), Facet.of("sex").values
        (True, ((),))
        """
        return cls((column,), (values,))

    @property
    def name(self) -> str:
        """How it is called."""
        return " & ".join(self.columns)

    def columns_of(self, profile: Profile) -> tuple[Column, ...]:
        """Its columns in a profile; raises `SchemaMismatch` naming those there are."""
        return tuple(profile.column(profile.names[place_of(name, profile.names)]) for name in self.columns)


@dataclass(frozen=True)
class Group:
    """One group of a facet: its name and value as SageMaker writes them, and the marks of its rows."""

    facet: str
    value: str
    wanted: Marks


def reading_of(column: Column | None, values: Sequence[Value], occurs: bool, compatible: bool) -> int:
    """How values are to be read: `EQUAL` as a list of them, or `ABOVE` as a threshold, by SageMaker's rule.

    One number is a threshold if the column holds fractions, or whole numbers of which at least one in 20 rows has a
    value of its own. By that rule a column of zeros and ones is continuous in fewer than 40 rows, and 1 then means
    "above 1", which nothing is. Unless it is to be `compatible`, a column of at most two values, among which the given
    one `occurs`, is therefore never read so.
    """
    if column is None or isnan(threshold_of(values)) or not column.rows:
        return EQUAL
    kind = column.kinds.inferred
    continuous = kind == "Fractional" or (kind == "Integral" and column.distinct / column.rows >= CONTINUOUS_SHARE)
    if continuous and not compatible and occurs and column.distinct <= 2:
        return EQUAL
    return ABOVE if continuous else EQUAL


def value_text(values: Sequence[Value], reading: int, column: Column | None) -> str:
    """A group's value, or the positive values of a label, as SageMaker writes them.

    >>> value_text([1], EQUAL, None), value_text(["a", "b"], EQUAL, None), value_text([0.5], ABOVE, None)
    ('1', 'a,b', '(0.5, nan]')
    """
    if reading == EQUAL:
        return ",".join(map(str, values))
    highest = column.moments.maximum if column is not None else float("nan")
    whole = column is not None and column.kinds.inferred == "Integral" and abs(highest) < 2**63
    return f"({values[0]}, {int(highest) if whole else highest}]"


def groups_of(
    facet: Facet, profile: Profile, marks: Sequence[Marks], compatible: bool, known: Disparities | None
) -> Iterator[Group]:
    """The groups of a facet whose rows have these marks, in the order of their values.

    `known` is the baseline's analysis: unless compatible, a threshold is read as it was there, and groups of it that
    no longer occur are groups, too.
    """
    columns = facet.columns_of(profile)
    name = " & ".join(column.name for column in columns)
    before = known if known is not None and not compatible else Disparities()
    alternatives: list[list[tuple[str, Mark]]] = []
    for place, (column, values) in enumerate(zip(columns, facet.values, strict=True)):
        if not values:
            alternatives.append([(text, text) for text in _distinct(marks, place)])
            continue
        occurs = any(int(each[place]) & EQUAL for each in marks if each[place] != MISSING)
        reading = reading_of(column, values, occurs, compatible)
        if len(columns) == 1 and not isnan(threshold_of(values)):
            reading = _as_before(name, values, before, reading)
        alternatives.append([(value_text(values, reading, column), reading)])
    seen, occurring = set(), _projected(marks, facet)
    for chosen in product(*alternatives):
        group = Group(name, " & ".join(text for text, _ in chosen), tuple(mark for _, mark in chosen))
        if all(facet.values) or group.wanted in occurring:
            seen.add(stem(group.value))
            yield group
    if not any(facet.values):
        for other, value in sorted(before.keys):
            if other == name and value not in seen and value.count(" & ") == len(columns) - 1:
                yield Group(name, value, tuple(value.split(" & ")))


def column_of(profile: Profile, name: str) -> Column | None:
    """The column that a name, place or path means; None if there is none."""
    try:
        return profile.column(profile.names[place_of(name, profile.names)])
    except SchemaMismatch:
        return None


def _projected(marks: Sequence[Marks], facet: Facet) -> set[Marks]:
    """The groups that occur, where distinct values make them; columns with given values make no difference."""
    return {
        tuple(wanted)
        for each in marks
        for wanted in product(
            *[[mark] if not values else [EQUAL, ABOVE] for mark, values in zip(each, facet.values, strict=True)]
        )
    }


def _as_before(name: str, values: Sequence[Value], before: Disparities, reading: int) -> int:
    for other, value in before.keys:
        if other == name and value in (str(values[0]), f"({values[0]}"):
            return ABOVE if value.startswith("(") else EQUAL
    return reading


def _distinct(marks: Sequence[Marks], place: int) -> list[str]:
    found = {str(each[place]) for each in marks if each[place] != ""}
    return sorted(found, key=_order)


def _order(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text


def label_reading(
    column: Column | None, values: Sequence[Value], occurs: bool, compatible: bool, known: Disparities | None
) -> int:
    """How the positive values of the label are to be read; unless compatible, as the baseline's were."""
    if known is not None and known.label_value and not compatible:
        if is_range(known.label_value):
            return ABOVE
        if known.label_value == ",".join(map(str, values)):
            return EQUAL
    return reading_of(column, values, occurs, compatible)
