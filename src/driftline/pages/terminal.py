"""Tables for a terminal: statistics, violations, what moved, problems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING

from driftline.monitors.verdict import Verdict
from driftline.pages.tables import counted, plain, short, table_of
from driftline.problems import Problems
from driftline.profile import Column, Profile
from driftline.schema import Form

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table
    from rich.text import Text


def number(value: float) -> str:
    """A number for people: four significant digits, thousands apart; `–` where there is none.

    >>> number(1234567.0), number(0.123456), number(3.0), number(float("nan"))
    ('1,234,567', '0.1235', '3', '–')
    """
    if isnan(value):
        return "–"
    if not isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def percent(ratio: float) -> str:
    """A ratio as a percentage that is 0 or 100 % only when it is.

    >>> percent(1.0), percent(0.99999), percent(0.5), percent(0.123456)
    ('100 %', '99.999 %', '50 %', '12.3 %')
    """
    if isnan(ratio):
        return "–"
    return f"{ratio * 100:.3g} %" if ratio <= 0.99 or ratio == 1 else f"{ratio * 100:.6g} %"


def rounded(said: str) -> str:
    """The sentence with its long numbers cut to what people read; files and JSON keep every digit.

    >>> rounded("Baseline drift distance: 0.40854784501323166 exceeds threshold: 0.1")
    'Baseline drift distance: 0.4085 exceeds threshold: 0.1'
    """
    return re.sub(r"\d+\.\d{5,}(E-?\d+)?", lambda found: number(float(found[0])), said)


MOST = "most frequent"
_STATISTICS = ("missing", "distinct", "mean", "std dev", "min", "median", "max", MOST)
"""Columns of the table of statistics behind name and type."""

_BY_WEIGHT = (("missing",), ("mean",), (MOST,), ("distinct",), ("min", "max"), ("std dev",), ("median",))
"""Which of them are shown first where a terminal is too narrow for all."""

_LEAST_OF_MOST = 16
"""Frequent values are shown where there is room for so many characters of them."""

_BETWEEN = 2
"""Blanks that part two columns of a table."""

Line = dict[str, "Text"]


def statistics_table(profile: Profile, width: int = 120) -> Table:
    """One row a column: type, missing, distinct, moments, most frequent values; fewer of them on a narrow terminal.

    What is shown is shown whole, but for the last: numbers that are cut would be wrong ones.
    """
    lines = [_line(profile, column) for column in profile.columns]
    shown, room = _fitting(lines, width)
    names = ["column", "type", *shown]
    table = table_of(*names, numeric=set(_STATISTICS) - {MOST}, whole=names)
    for line in lines:
        table.add_row(*(line[name] for name in names))
    if names[-1] == MOST:
        table.columns[-1].max_width = room + _LEAST_OF_MOST
    _keep_whole(table, len(names) - (names[-1] == MOST))
    return table


def _line(profile: Profile, column: Column) -> Line:
    name = plain(short(column.name, 24), "bold")
    if column.name in profile.failures:
        return {"column": name, "type": plain("failed", "red"), **dict.fromkeys(_STATISTICS, plain("–"))}
    found = {each: plain(told) for each, told in _statistics(column).items()}
    return {"column": name, "type": plain(type_of(column)), **found, MOST: plain(_most(column))}


def _fitting(lines: list[Line], width: int) -> tuple[list[str], int]:
    """The statistics that fit beside name and type, in their order, and how many characters are left."""
    wide = {
        each: max([len(each), *(line[each].cell_len for line in lines)]) for each in ("column", "type", *_STATISTICS)
    }
    wide[MOST] = _LEAST_OF_MOST
    room = width - wide["column"] - wide["type"] - 2 * _BETWEEN
    shown: set[str] = set()
    for group in _BY_WEIGHT:
        needed = sum(wide[each] + _BETWEEN for each in group)
        idle = group == (MOST,) and not any(line[MOST].plain for line in lines)
        if needed <= room and not idle:
            room -= needed
            shown.update(group)
    return [each for each in _STATISTICS if each in shown], room


def _keep_whole(table: Table, count: int) -> None:
    """The first `count` columns are as wide as what they hold; the others take the rest."""
    for each in table.columns[:count]:
        each.min_width = max(len(str(cell)) for cell in (each.header, *each.cells))


def _statistics(column: Column) -> dict[str, str]:
    moments = column.moments
    numeric = column.is_numeric
    return {
        "missing": percent(1 - column.completeness),
        "distinct": number(column.distinct) if column.form is not Form.VECTOR else "–",
        "mean": number(moments.mean) if numeric else "–",
        "std dev": number(moments.std_dev) if numeric else "–",
        "min": number(moments.minimum) if numeric else "–",
        "median": number(float(column.sketch.quantile(0.5))) if numeric else "–",
        "max": number(moments.maximum) if numeric else "–",
    }


def type_of(column: Column) -> str:
    """The inferred type, with the form where that says more."""
    plain = column.form in (Form.NUMBER, Form.TEXT)
    return column.kinds.inferred if plain or not column.present else column.form.value.capitalize()


def _most(column: Column) -> str:
    if column.form is Form.TIME:
        return _span(column)
    if column.form is Form.VECTOR:
        return f"{column.vector.dimension} dimensions, norm {number(column.vector.norms.mean)}"
    counts = column.frequent.counts
    if column.form is Form.NUMBER and (not column.frequent.exact or len(counts) > 20):
        return ""
    shown = [f"{short(value, 16)} {percent(count / column.present)}" for value, count in list(counts.items())[:3]]
    return ", ".join(shown) if counts and next(iter(counts.values())) > 1 else ""


def _span(column: Column) -> str:
    from datetime import UTC, datetime, timedelta

    if not column.moments.count:
        return ""
    ends = (column.moments.minimum, column.moments.maximum)
    return " … ".join(f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=end):%Y-%m-%d %H:%M}" for end in ends)


def violations_table(verdict: Verdict, subject: str = "column") -> Table:
    """One row a violation: what it is about, check, value, limit and the reason in SageMaker's words."""
    table = table_of(subject, "check", "value", "limit", "reason", numeric=("value", "limit"))
    for found in verdict.violations:
        value, limit = number(found.value), number(found.limit)
        check = found.check.removesuffix("_check").replace("_", " ")
        table.add_row(plain(short(found.subject, 24), "bold red"), check, value, limit, plain(rounded(found.said)))
    _keep_whole(table, 4)
    return table


def problems_table(problems: Problems) -> Table:
    """One row a problem that is kept word for word."""
    table = table_of("where", "line", "column", "problem", "remedy", numeric=("line",))
    for each in problems.examples:
        line = "" if each.line is None else f"{each.line:,}"
        value = "" if each.value is None else f": {short(each.value, 30)!r}"
        said = plain(f"{each.reason}{value}")
        table.add_row(plain(each.uri), line, plain(each.column or ""), said, plain(each.remedy))
    return table


@dataclass(frozen=True)
class Statistics:
    """A profile and the problems of its input, to be printed."""

    profile: Profile
    problems: Problems

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The table of statistics, its size, the problems."""
        yield statistics_table(self.profile, options.max_width)
        yield f"{counted(self.profile.rows, 'row')}, {counted(len(self.profile.fields), 'column')}"
        yield from failures_lines(self.profile)
        yield from problems_lines(self.problems)


def failures_lines(profile: Profile) -> Iterator[RenderableType]:
    """Why columns could not be analysed."""
    for column, reason in profile.failures.items():
        yield plain(f"not analysed: {column}: {reason}", "red")


def problems_lines(problems: Problems) -> Iterator[RenderableType]:
    """How many problems there were, and the first of them; nothing where there were none."""
    if problems.count:
        said = f"{counted(problems.count, 'problem')} in the input ({counted(problems.rows, 'row')} left out)"
        yield plain(said, "yellow")
        yield problems_table(problems)
