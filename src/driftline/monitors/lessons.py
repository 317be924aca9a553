"""What labelled rows taught about rows without labels: calibrators or models of the error, whole or by segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from math import inf, isnan, nextafter
from typing import Any

import numpy as np

from driftline.metrics.calibration import Calibrator
from driftline.metrics.estimated_classes import ClassCalibrators
from driftline.metrics.expected_error import ErrorModel
from driftline.profile.axes import FIRST, MISSING, REST, Axis
from driftline.profile.misses import MissesState
from driftline.profile.scores import ScoresState
from driftline.profile.segments import SegmentsState

LEAST_ROWS = 500
"""A segment with fewer labelled rows has no lesson of its own."""

WEIGHTS = (1, 10, 100, 1_000)
"""By so many rows the rates of a segment may be drawn to those of all rows."""

RANGES = 20
"""Numbers are joined into at most about so many ranges with lessons of their own."""

LEAST_GAIN = 0.01
"""By this part at least must segments lessen what is unexplained; else all rows are taken together."""

Lesson = Calibrator | ErrorModel | ClassCalibrators
Learn = Callable[[Any], Lesson]
Labelled = Callable[[Any], int]

KINDS: Mapping[str, type[Lesson]] = {
    "BinaryClassification": Calibrator,
    "MulticlassClassification": ClassCalibrators,
    "Regression": ErrorModel,
}
"""What is learnt for each type of problem."""


@dataclass(frozen=True)
class Piece:
    """The lesson of one segment: of the value `name`, or, without a name, of the numbers from `low` up to `high`.

    None is without end.
    """

    name: str
    low: float | None
    high: float | None
    lesson: Lesson


@dataclass(frozen=True)
class Lessons:
    """The lesson of all rows, and of the segments of `column` if these say more; and how good the model was then.

    `rest` is the lesson for segments without a piece of their own; None is that of all rows. `realised` are the metrics
    of the labelled rows that taught, `rows` their number.
    """

    problem_type: str
    whole: Lesson
    rows: int = 0
    column: str | None = None
    pieces: tuple[Piece, ...] = ()
    rest: Lesson | None = None
    realised: Mapping[str, float] = field(default_factory=dict)

    def of(self, axis: Axis, group: int) -> Lesson:
        """The lesson for a segment of the present rows: that of its text, or of the range nearest to its numbers."""
        over = self.whole if self.rest is None else self.rest
        if not FIRST <= group < FIRST + len(axis.numbers):
            named = {piece.name: piece.lesson for piece in self.pieces if piece.low is None and piece.high is None}
            return named.get(axis.name(group), over)
        point = _inside(*axis.range_of(group))
        ranges = [(piece, _opened(piece)) for piece in self.pieces if not piece.name]
        if not ranges:
            return over
        # a range ends where the next begins, which is then the one that holds the point
        return min(reversed(ranges), key=lambda each: max(each[1][0] - point, point - each[1][1], 0.0))[0].lesson


def _inside(low: float, high: float) -> float:
    """A number of the range."""
    if high in (low, inf):
        return low
    return nextafter(high, -inf) if low == -inf else low / 2 + high / 2


def _opened(piece: Piece) -> tuple[float, float]:
    """The bounds of a range of numbers."""
    return -inf if piece.low is None else piece.low, inf if piece.high is None else piece.high


def lessons_to(lessons: Lessons) -> dict[str, Any]:
    """The lessons as JSON has them; metrics that are NaN are None."""
    realised = {name: None if isnan(value) else value for name, value in lessons.realised.items()}
    return {**asdict(lessons), "realised": realised}


def lessons_from(document: Mapping[str, Any]) -> Lessons:
    """The lessons that `lessons_to` wrote.

    >>> some = Lessons("Regression", ErrorModel(), realised={"mae": 2.0})
    >>> lessons_from(lessons_to(some)) == some
    True
    """
    kind = KINDS[document["problem_type"]]
    pieces = tuple(Piece(**{**piece, "lesson": kind(**piece["lesson"])}) for piece in document["pieces"])
    realised = {name: float("nan") if value is None else value for name, value in document["realised"].items()}
    rest = None if document["rest"] is None else kind(**document["rest"])
    given = {"whole": kind(**document["whole"]), "pieces": pieces, "rest": rest, "realised": realised}
    return Lessons(**{**document, **given})


def by_segment(
    whole: Lessons, column: str, state: SegmentsState[Any], learn: Learn, labelled: Labelled
) -> tuple[Lessons, float]:
    """The lessons with one for each segment of `column` that has enough labelled rows, and what they leave (`cost`).

    Neighbouring ranges of numbers are joined until they have `LEAST_ROWS` and a `RANGES`-th of all. What is left over
    (rare values, missing ones) has a lesson together, if that is of enough rows. `learn` makes a lesson of a state, and
    `labelled` counts its rows.
    """
    pieces, over, left = [], [], 0.0
    wanted = max(LEAST_ROWS, sum(map(labelled, state.states)) // RANGES)
    last = FIRST + len(state.axis.numbers)
    for low, high, some in _joined(state, wanted, labelled):
        if labelled(some) < LEAST_ROWS:
            over.append(some)
        else:
            pieces.append(Piece("", low, high, learn(some)))
            left += cost(pieces[-1].lesson, some)
    for group in (MISSING, REST, *range(last, len(state.axis))):
        each = state.states[group]
        if group == REST or labelled(each) < LEAST_ROWS:
            over.append(each)
        else:
            pieces.append(Piece(state.axis.name(group), None, None, learn(each)))
            left += cost(pieces[-1].lesson, each)
    rest = reduce(lambda mine, theirs: mine.merge(theirs), over)
    known = learn(rest) if labelled(rest) >= LEAST_ROWS else None
    left += cost(whole.whole if known is None else known, rest)
    return replace(whole, column=column, pieces=tuple(pieces), rest=known), left


def _joined(
    state: SegmentsState[Any], wanted: int, labelled: Labelled
) -> Iterator[tuple[float | None, float | None, Any]]:
    """Ranges of numbers with at least so many labelled rows, the last one with what is left."""
    some: Any = None
    start: float | None = None
    last = FIRST + len(state.axis.numbers)
    for group in range(FIRST, last):
        low, high = state.axis.range_of(group)
        if some is None:
            some, start = state.states[group], None if low == -inf else low
        else:
            some = some.merge(state.states[group])
        if labelled(some) >= wanted or group + 1 == last:
            yield start, None if high == inf else high, some
            some = None


def cost(lesson: Lesson, state: Any) -> float:
    """What a lesson leaves unexplained of the labelled rows that taught it, as it is to be expected of other rows.

    Of a calibrator the sum of the squared differences of label and probability, of a model of the error that of the
    residual's size and its mean. To it is added twice the variance of a row for each rate that was fitted to the rows
    (Mallows, Technometrics 15 (1973)); a rate that was drawn to another's counts as the part that was not.

    >>> state = ScoresState.of(np.array([0.5] * 4), np.array([True, True, False, False]))
    >>> cost(Calibrator((0.5,), (0.5,), (0.5,), (4,)), state)
    1.5
    """
    if isinstance(lesson, ErrorModel):
        return _cost_of_errors(lesson, state)
    if not isinstance(lesson, Calibrator) or not lesson.rates:
        return 0.0
    known: ScoresState = state.labelled()
    chances = lesson(known.values)
    squares = np.dot(known.positives, (1 - chances) ** 2) + np.dot(known.negatives, chances**2)
    at, _, _ = lesson.places(known.values)
    rows = np.bincount(at, known.positives + known.negatives, len(lesson.rates))
    rates = np.asarray(lesson.rates)
    fitted = np.minimum(rows / np.maximum(lesson.counts, 1), 1.0)
    return float(squares + 2 * np.dot(fitted, rates * (1 - rates)))


def _cost_of_errors(lesson: ErrorModel, state: MissesState) -> float:
    if not lesson.lows:
        return 0.0
    at = np.maximum(np.searchsorted(np.asarray(lesson.lows), state.values, side="right") - 1, 0)
    rows, sums, squares = (
        np.bincount(at, each, len(lesson.lows)) for each in (state.labelled, state.absolute, state.squared)
    )
    means = np.asarray(lesson.absolute)
    left = squares - 2 * means * sums + rows * means**2
    fitted = np.minimum(rows / np.asarray(lesson.counts), 1.0)
    return float(left.sum() + 2 * np.dot(fitted, np.asarray(lesson.absolute_variance)))


def adapted(whole: Calibrator, state: ScoresState) -> Calibrator:
    """The calibrator for a segment that leaves least unexplained, between that of all rows and one of its own."""
    return min((whole.adapted(state, weight) for weight in WEIGHTS), key=lambda each: cost(each, state))
