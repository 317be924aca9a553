"""Confusion matrices side by side, and how well each class is found."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan

import numpy as np

from driftline.metrics.calibration import share_interval
from driftline.monitors.quality import MULTICLASS, Quality
from driftline.pages import marks
from driftline.pages.blocks import Entry, Grid, Panel, section_of
from driftline.pages.body import Section
from driftline.pages.plots import UNIT
from driftline.pages.tables import counted
from driftline.pages.terminal import number, percent
from driftline.pages.words import name_of
from driftline.profile.columns import Ints
from driftline.profile.confusion import Matrix

CLASSES = 8
"""Matrices show so many classes, those with most rows; the others are joined."""
LISTED = 20
"""So many classes are listed one by one."""

HEATS = 5
"""Shades of a cell, by its share of the row."""

OTHERS = "(rest)"

WIDE = 3
"""Matrices of more classes get half of the page each."""


def sections_of(now: Quality, before: Quality | None) -> Iterator[Section]:
    """The matrices, then for more than two classes a table of them."""
    if now.matrix is None or not now.labelled:
        return
    old = None if before is None else before.matrix
    kept = _kept(now.matrix, old)
    sides = [*([("Baseline", old)] if old is not None else []), ("Current", now.matrix)]
    panels = [_panel(title, matrix, kept) for title, matrix in sides]
    intro = "Each row is what was true, each column what was predicted; shares are of the row. The diagonal is right."
    if len(now.matrix.labels) > len(kept):
        intro += f" The {len(kept)} classes with most rows are shown."
    grids = [_classes(now.matrix, old)] if now.problem_type == MULTICLASS else []
    yield section_of("confusion", "Confusion matrix", panels, grids, intro=intro, wide=len(kept) > WIDE)


def _kept(now: Matrix, before: Matrix | None) -> tuple[str, ...]:
    """The classes that are shown, in their order."""
    every = list(dict.fromkeys([*now.labels, *(before.labels if before is not None else ())]))
    if len(every) <= CLASSES + 1:
        return tuple(every)
    rows = dict(zip(now.labels, now.actual.tolist(), strict=True))
    most = sorted(every, key=lambda name: -rows.get(name, 0))[:CLASSES]
    return tuple(name for name in every if name in most)


def _joined(matrix: Matrix, kept: tuple[str, ...]) -> Matrix:
    """The same with these classes, and all others as one if there are any."""
    places = {name: place for place, name in enumerate(kept)}
    at = np.array([places.get(name, len(kept)) for name in matrix.labels], dtype=np.int64)
    size = len(kept) + bool((at == len(kept)).any())
    found: Ints = np.zeros((size, size), dtype=np.int64)
    np.add.at(found, (at[:, None], at[None, :]), matrix.counts)
    return Matrix((*kept, OTHERS)[:size], found, matrix.positive)


def _panel(title: str, every: Matrix, kept: tuple[str, ...]) -> Panel:
    matrix = _joined(every, kept)
    names = [name_of(label) for label in matrix.labels]
    totals = matrix.actual.tolist()
    rows = []
    for place, (name, total) in enumerate(zip(names, totals, strict=True)):
        cells = [_cell(count, total, at == place < len(kept)) for at, count in enumerate(matrix.counts[place].tolist())]
        rows.append([Entry(name, counted(total, "row")), *cells])
    headings = ["true ↓ guess →", *(f"#{name}" for name in names)]
    grid = Grid.of(f"Confusion matrix, {title.lower()}", "|".join(each.replace("|", "¦") for each in headings), rows)
    right = _ratio(int(every.correct.sum()), every.total)
    return Panel(title, grid=grid, kind=f"{matrix.total:,} rows, {percent(right)} right")


def _cell(count: int, total: int, is_right: bool) -> Entry:
    if not count and not is_right:
        return Entry("0", tone="old")
    share = count / total if total else 0.0
    heat = round(share * HEATS)
    tone = f"heat-{heat}" if heat else ""
    return Entry(f"{count:,}", _share(share) if total else "–", f"{tone} right" if is_right else tone)


def _share(share: float) -> str:
    """In whole percents, 0 or 100 only where it is so.

    >>> _share(0.004), _share(0.5), _share(0.9999), _share(0.0)
    ('<1\xa0%', '50\xa0%', '99\xa0%', '0\xa0%')
    """
    if 0 < share < 0.01:
        return "<1\N{NO-BREAK SPACE}%"
    return f"{min(share * 100, 99.0) if share < 1 else 100:.0f}\N{NO-BREAK SPACE}%"


def _classes(now: Matrix, before: Matrix | None) -> Grid:
    """Recall with its interval and precision, class by class, those with most rows first."""
    order = np.argsort(-now.actual, kind="stable")[:LISTED].tolist()
    rows = []
    for place in order:
        name = now.labels[place]
        hits, actual, predicted = (int(each[place]) for each in (now.correct, now.actual, now.predicted))
        recall, precision = _ratio(hits, actual), _ratio(hits, predicted)
        old, older = _before(before, name)
        bounds = share_interval(hits, actual)
        said = f"recall {number(recall)}, baseline {number(old)}"
        drawing = marks.dumbbell(old, recall, bounds, UNIT, None, said)
        told = [Entry(number(each)) for each in (recall, old, precision, older)]
        rows.append([Entry(name_of(name)), Entry(f"{actual:,}"), Entry(drawing=drawing), *told])
    said = "The recall of each class on a scale from 0 to 1, with its 95 % interval; a hollow square is the baseline."
    left = f" The {LISTED} classes with most rows are listed." if len(now.labels) > LISTED else ""
    headings = "Class|#Rows|Recall, 0 to 1|#Recall|#Baseline|#Precision|#Baseline"
    return Grid.of("Class by class", headings, rows, said + left)


def _before(matrix: Matrix | None, name: str) -> tuple[float, float]:
    """Recall and precision of a class in the baseline."""
    if matrix is None or name not in matrix.labels:
        return nan, nan
    at = matrix.labels.index(name)
    hits = int(matrix.correct[at])
    return _ratio(hits, int(matrix.actual[at])), _ratio(hits, int(matrix.predicted[at]))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else nan
