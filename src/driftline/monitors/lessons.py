"""What labelled rows taught about rows without labels: calibrators or models of the error, whole or by segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import inf, isnan, nextafter
from typing import Any

import numpy as np

from driftline.metrics.calibration import Calibrator
from driftline.metrics.estimated_classes import ClassCalibrators
from driftline.metrics.expected_error import ErrorModel
from driftline.profile.axes import Axis
from driftline.profile.segments import SegmentsState

LEAST_ROWS = 500
"""A segment with fewer labelled rows has no lesson of its own."""

LEAST_GAIN = 0.01
"""By this part at least must segments lessen what is unexplained; else all rows are taken together."""

Lesson = Calibrator | ErrorModel | ClassCalibrators

KINDS: Mapping[str, type[Lesson]] = {
    "BinaryClassification": Calibrator,
    "MulticlassClassification": ClassCalibrators,
    "Regression": ErrorModel,
}
"""What is learnt for each type of problem."""


@dataclass(frozen=True)
class Piece:
    """The lesson of one segment: of the text `name`, or of the numbers from `low` up to `high` (None: without end)."""

    name: str
    low: float | None
    high: float | None
    lesson: Lesson


@dataclass(frozen=True)
class Lessons:
    """The lesson of all rows, and of the segments of `column` if these say more; and how good the model was then.

    `realised` are the metrics of the labelled rows that taught, `rows` their number.
    """

    problem_type: str
    whole: Lesson
    rows: int = 0
    column: str | None = None
    pieces: tuple[Piece, ...] = ()
    realised: Mapping[str, float] = field(default_factory=dict)

    def of(self, axis: Axis, group: int) -> Lesson:
        """The lesson for a segment of the present rows: that of its text, or of the range nearest to its numbers."""
        low, high = axis.range_of(group)
        if (low, high) == (-inf, inf):
            return next((piece.lesson for piece in self.pieces if piece.name == axis.name(group)), self.whole)
        point = _inside(low, high)
        ranges = [(piece, bounds) for piece in self.pieces if (bounds := _opened(piece)) is not None]
        if not ranges:
            return self.whole
        # a range ends where the next begins, which is then the one that holds the point
        return min(reversed(ranges), key=lambda each: max(each[1][0] - point, point - each[1][1], 0.0))[0].lesson


def _inside(low: float, high: float) -> float:
    """A number of the range."""
    if high in (low, inf):
        return low
    return nextafter(high, -inf) if low == -inf else low / 2 + high / 2


def _opened(piece: Piece) -> tuple[float, float] | None:
    """The bounds of a range of numbers; None for a text."""
    if piece.low is None and piece.high is None:
        return None
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
    return Lessons(**{**document, "whole": kind(**document["whole"]), "pieces": pieces, "realised": realised})


def pieces_of(state: SegmentsState[Any], learn: Any, labelled: Any) -> tuple[Piece, ...]:
    """A lesson for each segment with enough labelled rows; `learn` makes it, `labelled` counts the rows of a state."""
    found = []
    for group, each in enumerate(state.states):
        if group == 1 or labelled(each) < LEAST_ROWS:  # the rest is of many values, and others in other data
            continue
        low, high = state.axis.range_of(group)
        bounds = (None if low == -inf else low, None if high == inf else high)
        found.append(Piece(state.axis.name(group), *bounds, learn(each)))
    return tuple(found)


def unexplained(lessons: Sequence[Calibrator | ErrorModel]) -> float:
    """The variance that lessons leave, as it is to be expected on other rows than those that taught them.

    Of a calibrator that of the label, of a model of the error that of the residual's size; the sum over blocks is
    divided by the rows less the blocks, as each block has a mean of its own.

    >>> round(unexplained([Calibrator((0.0,), (1.0,), (0.5,), (101,))]), 4)
    0.2525
    """
    total = rows = blocks = 0.0
    for lesson in lessons:
        counts = np.asarray(lesson.counts, dtype=np.float64)
        if isinstance(lesson, Calibrator):
            rates = np.asarray(lesson.rates)
            spread = rates * (1 - rates)
        else:
            spread = np.asarray(lesson.absolute_variance)
        total += float(np.dot(counts, spread))
        rows += float(counts.sum())
        blocks += len(counts)
    return total / (rows - blocks) if rows > blocks else inf
