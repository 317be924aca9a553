"""The table of measures for a terminal, for monitors that judge more than columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isnan
from typing import TYPE_CHECKING

from driftline.monitors.quality import CONSTANT
from driftline.monitors.verdict import Measure, Verdict
from driftline.pages.measures import broken
from driftline.pages.tables import plain, short, table_of
from driftline.pages.terminal import number

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

MOST = 40
"""So many measures are shown; the page and the JSON have every one."""

_SEGMENT = "model["
"""What the subjects of measures of a segment begin with."""

_LEAST = 12
"""Subjects and names have at least so many characters."""

_NUMBERS = 24
"""What value and limit need of the width."""


def measures_table(verdict: Verdict, width: int = 120, most: int = MOST) -> Table:
    """One row a measure: subject, name, value, limit and why it has no value; those with a limit come first.

    Where all are about one subject it is left out. Numbers are shown whole, names are cut on a narrow terminal.
    """
    shown = chosen(verdict.measures, most)
    several = len({each.subject for each in shown}) > 1
    reasons = any(each.reason for each in shown)
    names = [*(["subject"] if several else []), "metric", "value", "limit", *(["reason"] if reasons else [])]
    table = table_of(*names, numeric=("value", "limit"), whole=("subject", "metric", "value", "limit"))
    subjects, called = _rooms(shown, width * 2 // 3 if reasons else width, several)
    for each in shown:
        bad = bool(broken(each, verdict.violations))
        style = "bold red" if bad else ""
        subject = [plain(short(_subject(each), subjects), style)] if several else []
        limit = "" if each.limit is None else number(each.limit)
        reason = [plain(each.reason)] if reasons else []
        told = plain(("! " if bad else "") + number(each.value), style)
        table.add_row(*subject, plain(short(each.name, called), style), told, limit, *reason)
    _keep_numbers(table)
    return table


def measures_lines(verdict: Verdict, width: int) -> Iterator[RenderableType]:
    """The table, if anything was measured, and how many measures it has no room for."""
    if verdict.measures:
        yield measures_table(verdict, width)
    count = len(verdict.measures) - MOST
    if count > 0:
        yield f"… and {count:,} more measures: see the page or the JSON"


def chosen(measures: Iterable[Measure], most: int) -> list[Measure]:
    """So many measures in their order, those with a limit before others if there is no room for all."""
    every = list(measures)
    if len(every) <= most:
        return every
    ranked = sorted(range(len(every)), key=lambda at: _rank(every[at]))
    return [every[at] for at in sorted(ranked[:most])]


def _rank(measure: Measure) -> tuple[bool, bool, bool]:
    """What is of most use first."""
    return measure.limit is None, measure.name.endswith((CONSTANT, "_change")), isnan(measure.value)


def _subject(measure: Measure) -> str:
    """What it is about; of a segment only that."""
    found = measure.subject
    return found[len(_SEGMENT) : -1] if found.startswith(_SEGMENT) and found.endswith("]") else found


def _rooms(shown: list[Measure], width: int, several: bool) -> tuple[int, int]:
    """How many characters subjects and names have; names are short, and get what they need if there is room."""
    room = max(width - _NUMBERS, 2 * _LEAST)
    longest = max((len(each.name) for each in shown), default=0)
    names = min(longest, room - _LEAST if several else room)
    return min(max((len(_subject(each)) for each in shown), default=0), room - names) if several else 0, names


def _keep_numbers(table: Table) -> None:
    for each in table.columns:
        if each.justify == "right":
            each.min_width = max(len(str(cell)) for cell in (each.header, *each.cells))
