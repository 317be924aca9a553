"""Tables for a terminal: statistics, violations, what moved, problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING, Literal

from driftline.monitors.verdict import Measure, Verdict
from driftline.problems import Problems
from driftline.profile import Column, Profile
from driftline.schema import Form

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

WIDTH = 40
"""Longer names and values are cut here, with an ellipsis."""


def short(text: str, width: int = WIDTH) -> str:
    """The text on one line, cut to `width` characters.

    >>> short("a long\\nstory", 8)
    'a long …'
    """
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


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


def table_of(*headings: str, numeric: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """A table whose numbers stand to the right and whose `whole` columns are cut rather than folded."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in headings:
        cut = heading in whole
        justify: Literal["left", "right"] = "right" if heading in numeric else "left"
        table.add_column(heading, justify=justify, no_wrap=cut, overflow="ellipsis" if cut else "fold")
    return table


def plain(value: str, style: str = "") -> RenderableType:
    """Text that came from data: nothing in it is markup."""
    from rich.text import Text

    return Text(value, style=style)


def rounded(said: str) -> str:
    """The sentence with its long numbers cut to what people read; files and JSON keep every digit.

    >>> rounded("Baseline drift distance: 0.40854784501323166 exceeds threshold: 0.1")
    'Baseline drift distance: 0.4085 exceeds threshold: 0.1'
    """
    return re.sub(r"\d+\.\d{5,}(E-?\d+)?", lambda found: number(float(found[0])), said)


_STATISTICS = {"missing": 0, "distinct": 0, "mean": 0, "std dev": 100, "min": 0, "median": 115, "max": 0}
"""Columns of the table of statistics, and how wide a terminal must be to show them."""


def statistics_table(profile: Profile, width: int = 120) -> Table:
    """One row a column: type, missing, distinct, moments, most frequent values; fewer of them on a narrow terminal."""
    asked = [name for name, least in _STATISTICS.items() if width >= least]
    last = ["most frequent"] if width >= 100 else []
    table = table_of("column", "type", *asked, *last, numeric=asked, whole=["column", "type", *asked, *last])
    for column in profile.columns:
        name = plain(short(column.name, 24), "bold")
        if column.name in profile.failures:
            table.add_row(
                name, "failed", *["–"] * len(asked), *[plain(profile.failures[column.name], "red") for _ in last]
            )
            continue
        found = _statistics(column)
        table.add_row(name, type_of(column), *[found[each] for each in asked], *[plain(_most(column)) for _ in last])
    _keep_whole(table, 2 + len(asked))
    return table


def _keep_whole(table: Table, count: int) -> None:
    """The first `count` columns are as wide as what they hold; the others take the rest."""
    for each in table.columns[:count]:
        each.min_width = max(len(str(cell)) for cell in (each.header, *each.cells))


def _statistics(column: Column) -> dict[str, str]:
    moments = column.moments
    plain = column.is_numeric
    return {
        "missing": percent(1 - column.completeness),
        "distinct": number(column.distinct) if column.form is not Form.VECTOR else "–",
        "mean": number(moments.mean) if plain else "–",
        "std dev": number(moments.std_dev) if plain else "–",
        "min": number(moments.minimum) if plain else "–",
        "median": number(float(column.sketch.quantile(0.5))) if plain else "–",
        "max": number(moments.maximum) if plain else "–",
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


def violations_table(verdict: Verdict) -> Table:
    """One row a violation: column, check, value, limit and the reason in SageMaker's words."""
    table = table_of("column", "check", "value", "limit", "reason", numeric=("value", "limit"))
    for found in verdict.violations:
        value, limit = number(found.value), number(found.limit)
        check = found.check.removesuffix("_check").replace("_", " ")
        table.add_row(plain(short(found.subject, 24), "bold red"), check, value, limit, plain(rounded(found.said)))
    _keep_whole(table, 4)
    return table


def undefined_table(measures: Iterable[Measure]) -> Table:
    """One row a measure that has no value, and why."""
    table = table_of("column", "measure", "why there is no value")
    for measure in measures:
        table.add_row(plain(short(measure.subject)), measure.name, plain(measure.reason))
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
        yield f"{self.profile.rows:,} rows, {len(self.profile.fields):,} columns"
        yield from problems_lines(self.problems)


def problems_lines(problems: Problems) -> Iterator[RenderableType]:
    """How many problems there were, and the first of them; nothing where there were none."""
    if problems.count:
        yield plain(f"{problems.count:,} problems in the input ({problems.rows:,} rows left out)", "yellow")
        yield problems_table(problems)
