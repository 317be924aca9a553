"""The rows of the table of all columns and the cards of those that moved most, ready to be printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan

from driftline.monitors.verdict import Measure, Violation
from driftline.pages import svg
from driftline.pages.content import DRIFT, Pair
from driftline.pages.shapes import Shape, moment, shape_of
from driftline.pages.terminal import number, percent, type_of
from driftline.pages.words import SHARES, amount, brief, centre, check_title, hint, name_of, story, why
from driftline.profile import Column
from driftline.schema import Form

CARDS_LEAST, CARDS_MOST = 12, 48
"""So many columns are drawn large: at least the first number, with violations up to the second."""
SPARKLINES = 1000
"""So many rows get a small drawing; beyond, a page would be slow to open."""
NOT_DISTANCES = (DRIFT, *SHARES, "minimum", "profile", "distances")
SPARK_BINS = 16


@dataclass(frozen=True)
class Cell:
    """A value as it is shown and as it is sorted by (empty where there is none), and if it is beyond its limit."""

    text: str = ""
    key: str = ""
    is_over: bool = False

    @classmethod
    def of(cls, found: Measure | None) -> Cell:
        """A measure's cell.

        >>> Cell.of(Measure("age", "psi", 0.123456, 0.1)), Cell.of(None)
        (Cell(text='0.1235', key='0.123456', is_over=True), Cell(text='', key='', is_over=False))
        """
        if found is None:
            return cls()
        key = "" if isnan(found.value) else repr(float(found.value))
        return cls(number(found.value), key, found.limit is not None and found.value > found.limit)


@dataclass(frozen=True)
class Fired:
    """A violation as it is shown: what it is about, in plain words and in SageMaker's."""

    anchor: str
    name: str
    full: str
    title: str
    check: str
    value: str
    limit: str
    why: str
    said: str


@dataclass(frozen=True)
class Row:
    """One column in the table; `state` is `new`, `gone`, `failed` or empty."""

    anchor: str
    name: str
    full: str
    kind: str
    state: str
    completeness: tuple[str, str]
    completeness_key: str
    centre: tuple[str, str]
    spark: str
    distance: Cell
    exceeded: bool
    is_p_value: bool
    measures: tuple[Cell, ...]
    fired: tuple[Fired, ...]


@dataclass(frozen=True)
class Card:
    """One column drawn large, with the numbers of both sides and the reasons."""

    row: Row
    drawing: str
    shape: Shape
    categories: tuple[tuple[str, str, str, str], ...]
    pill: str
    limit: str
    meter: str
    numbers: tuple[tuple[str, str, str], ...]
    story: tuple[str, ...]
    near: bool


def fired_of(violation: Violation, pair: Pair | None, anchors: frozenset[str] = frozenset()) -> Fired:
    """A violation as it is shown; it points to its column's card, or else to its row."""
    anchor = "" if pair is None else anchor_of(pair, "card" if pair.name in anchors else "row")
    return Fired(
        anchor,
        name_of(violation.subject),
        hint(violation.subject),
        check_title(violation.check),
        violation.check,
        amount(violation, violation.value),
        amount(violation, violation.limit),
        _joined(why(violation)),
        hint(violation.said),
    )


def anchor_of(pair: Pair, what: str) -> str:
    """The place of a column in the page; made of its number, never of its name."""
    return f"{what}-{pair.place}"


def moved_most(pairs: Iterable[Pair]) -> list[Pair]:
    """Columns by how far they moved, those with violations first; without any measure in their own order."""
    return sorted(pairs, key=lambda pair: pair.moved, reverse=True)


def drawn(pairs: Sequence[Pair]) -> list[Pair]:
    """The columns that get a card."""
    ordered = moved_most(pairs)
    broken = sum(1 for pair in ordered if pair.violations)
    judged = any(pair.measures or pair.violations for pair in ordered)
    return ordered[: max(CARDS_LEAST, min(broken, CARDS_MOST)) if judged else CARDS_MOST]


def extra_names(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """The names of the measures that get a column of their own, in order of appearance."""
    names = dict.fromkeys(name for pair in pairs for name in pair.measures)
    return tuple(name for name in names if name not in NOT_DISTANCES)


def row_of(pair: Pair, extras: Sequence[str], *, spark: bool = True, cards: frozenset[str] = frozenset()) -> Row:
    """The row of one column; without `spark` nothing is drawn."""
    column = pair.now or pair.before
    failed = bool(pair.failure)
    found = pair.distance
    return Row(
        anchor_of(pair, "row"),
        name_of(pair.name),
        hint(pair.name),
        "–" if column is None or failed else _type(pair),
        pair.state,
        ("–", "–") if failed else (_completeness(pair.before), _completeness(pair.now)),
        "" if pair.now is None or isnan(pair.now.completeness) or failed else repr(pair.now.completeness),
        ("–", "–") if failed else (centre(pair.before), centre(pair.now)),
        _spark(pair) if spark and not failed else "",
        Cell.of(found),
        pair.exceeded,
        pair.is_p_value,
        tuple(Cell.of(pair.measures.get(name)) for name in extras),
        tuple(fired_of(each, pair, cards) for each in pair.violations),
    )


def card_of(pair: Pair, row: Row) -> Card:
    """The card of one column."""
    shape = Shape(reason="It could not be analysed.") if pair.failure else shape_of(pair.before, pair.now)
    said = f"{row.name}: {'distribution of the baseline and of the current data' if pair.before else 'distribution'}"
    drawing = svg.overlay(shape.baseline, shape.current, shape.labels, said) if shape.is_histogram else ""
    found = pair.distance
    return Card(
        row,
        drawing,
        shape,
        () if shape.is_histogram else _categories(shape),
        "" if found is None or isnan(found.value) else number(found.value),
        "" if found is None or found.limit is None or isnan(found.value) else number(found.limit),
        _meter(found, row.exceeded) if not pair.is_p_value else "",
        () if pair.failure else _numbers(pair),
        tuple(map(_joined, story(pair, shape))),
        found is not None and found.limit is not None and not pair.is_p_value and found.value > 0.7 * found.limit,
    )


def _meter(found: Measure | None, exceeded: bool) -> str:
    if found is None or found.limit is None:
        return ""
    said = f"distance {number(found.value)}, limit {number(found.limit)}"
    return svg.meter(found.value, found.limit, exceeded and found.value > found.limit, said)


def _type(pair: Pair) -> str:
    """The type, of both sides where it changed; in SageMaker's files booleans and times are texts, so they did not."""
    before, now = pair.before, pair.now
    if before is not None and now is not None and before.form is Form.TEXT:
        before = None if before.kinds.inferred == now.kinds.inferred else before
    return " → ".join(dict.fromkeys(type_of(column) for column in (before, now) if column is not None))


def _completeness(column: Column | None) -> str:
    return "–" if column is None else percent(column.completeness)


def _spark(pair: Pair) -> str:
    shape = shape_of(pair.before, pair.now, SPARK_BINS)
    draw = svg.sparkline if shape.is_histogram else svg.columns
    return draw(shape.baseline, shape.current) if shape.labels else ""


def _categories(shape: Shape) -> tuple[tuple[str, str, str, str], ...]:
    """Label, drawing, share in the baseline and now, of each category."""
    top = max([*(shape.baseline or ()), *(shape.current or ())], default=1.0)
    nothing = [None] * len(shape.labels)
    sides = zip(shape.labels, shape.baseline or nothing, shape.current or nothing, strict=True)
    return tuple((label, svg.pair(old, new, top), _share(old), _share(new)) for label, old, new in sides)


def _joined(sentence: str) -> str:
    """With percentages that no line break parts from their sign."""
    return sentence.replace(" %", "\u00a0%")


def _share(share: float | None) -> str:
    return "–" if share is None else percent(share)


def _numbers(pair: Pair) -> tuple[tuple[str, str, str], ...]:
    """Name, baseline and current of the numbers that tell most about the column's kind."""
    column = pair.now or pair.before
    return () if column is None else tuple((name, tell(pair.before), tell(pair.now)) for name, tell in _told_of(column))


Tell = Callable[[Column | None], str]


def _told_of(column: Column) -> list[tuple[str, Tell]]:
    found: list[tuple[str, Tell]] = [("missing", _tell(lambda each: percent(1 - each.completeness)))]
    if column.is_numeric:
        found += [
            ("mean", _tell(lambda each: brief(each.moments.mean))),
            ("std dev", _tell(lambda each: brief(each.moments.std_dev))),
            ("median", _tell(lambda each: brief(float(each.sketch.quantile(0.5))))),
        ]
    elif column.form is Form.TIME:
        found += [
            ("earliest", _tell(lambda each: _day(each, each.moments.minimum))),
            ("latest", _tell(lambda each: _day(each, each.moments.maximum))),
        ]
    elif column.form is Form.VECTOR:
        found += [
            ("dimensions", _tell(lambda each: number(each.vector.dimension))),
            ("mean norm", _tell(lambda each: brief(each.vector.norms.mean))),
        ]
    else:
        found.append(("distinct", _tell(lambda each: number(round(each.distinct) or (nan if each.present else 0)))))
        if column.form is not Form.BOOLEAN:
            found.append(("length", _tell(lambda each: number(each.lengths.mean))))
    return found


def _day(column: Column, seconds: float) -> str:
    """A moment, without the time of day where the column spans more than three days."""
    long = column.moments.maximum - column.moments.minimum > 3 * 86_400
    return moment(seconds).partition(" ")[0] if long else moment(seconds)


def _tell(answer: Callable[[Column], str]) -> Tell:
    """The answer of a column, or a dash where a side lacks the column."""
    return lambda column: "–" if column is None else answer(column)
