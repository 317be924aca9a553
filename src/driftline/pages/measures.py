"""All measures of a verdict as one table that can be searched: every page but that of columns has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from driftline.monitors.monitor import Learnt, Monitor
from driftline.monitors.quality import GREATER, LESS, camel
from driftline.monitors.verdict import Measure, Verdict, Violation
from driftline.pages.body import Body, Page, Section
from driftline.pages.content import Content
from driftline.pages.names import title_of
from driftline.pages.reasons import why
from driftline.pages.rows import Cell, Fired
from driftline.pages.summary import Headline, Tile, input_tiles, rows_tile
from driftline.pages.tables import counted
from driftline.pages.terminal import number
from driftline.pages.words import check_title, hint, name_of
from driftline.profile import Profile

ROWS_MOST = 400
"""So many measures are listed, those of what broke a limit first; the report as JSON has every one."""


@dataclass(frozen=True)
class Beside:
    """What is known of a measure beside its value: what it was in the baseline, and how sure it is, in words."""

    before: float = nan
    spread: str = ""


Known = Mapping[tuple[str, str], Beside]
"""By subject and name of the measure."""


@dataclass(frozen=True)
class MeasureRow:
    """One measure as it is shown."""

    anchor: str
    subject: str
    full: str
    title: str
    name: str
    value: Cell
    spread: str
    before: Cell
    limit: Cell
    reason: str
    fired: tuple[Fired, ...]


def broken(measure: Measure, violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """The violations that are about this measure.

    >>> said = Violation("truePositiveRate", "LessThanThreshold", 0.5, 0.7, "")
    >>> len(broken(Measure("model", "true_positive_rate", 0.5, 0.7), [said]))
    1
    """
    names = (measure.subject, camel(measure.name), f"{measure.subject}: {measure.name}")
    return tuple(
        each
        for each in violations
        if each.subject in names and each.value == measure.value and each.limit == measure.limit
    )


def told_of(monitor: Monitor, constraints: Any, profile: Profile) -> Verdict:
    """What a baseline says of itself: its measures against its own constraints, without how far they moved from it."""
    found = monitor.evaluate(Learnt(constraints), profile).measures
    return Verdict(tuple(each for each in found if not each.name.endswith(("_drift", "_change"))))


def judged(verdict: Verdict) -> list[tuple[Measure, tuple[Violation, ...]]]:
    """Every measure with the violations that are about it."""
    by_value: dict[float, list[Violation]] = {}
    for each in verdict.violations:
        by_value.setdefault(each.value, []).append(each)
    return [(measure, broken(measure, by_value.get(measure.value, ()))) for measure in verdict.measures]


def fired_of(violation: Violation, place: int | None) -> Fired:
    """A violation as it is shown; it points to the row of its measure, if there is one."""
    return Fired(
        "" if place is None or place >= ROWS_MOST else f"measure-{place}",
        name_of(title_of(violation.subject) if violation.check in (LESS, GREATER) else violation.subject),
        hint(violation.subject),
        check_title(violation.check),
        violation.check,
        number(violation.value),
        number(violation.limit),
        why(violation),
        hint(violation.said),
    )


def fired_in(verdict: Verdict) -> tuple[Fired, ...]:
    """All violations in their order."""
    places = {id(each): place for place, (_, some) in enumerate(_ordered(verdict)) for each in some}
    return tuple(fired_of(each, places.get(id(each))) for each in verdict.violations)


def table_of(content: Content, known: Known | None = None) -> Section:
    """The table of all measures; `known` has what stands beside them."""
    ordered = _ordered(content.verdict)
    rows = [
        _row(place, each, some, (known or {}).get((each.subject, each.name), Beside()))
        for place, (each, some) in enumerate(ordered[:ROWS_MOST])
    ]
    said = f"{len(rows):,} of {len(ordered):,} measures are listed here; the report as JSON has every one."
    values = {
        "rows": rows,
        "has_before": any(row.before.text for row in rows),
        "has_spread": any(row.spread for row in rows),
        "remark": said if len(rows) < len(ordered) else "",
    }
    return Section("measures", "All measures", "measures.html", values, len(ordered))


def most_telling(verdict: Verdict, most: int) -> list[MeasureRow]:
    """The measures that a short form has room for: those of violations, then those with a limit, then others."""
    ordered = sorted(judged(verdict), key=lambda each: (not each[1], each[0].limit is None, isnan(each[0].value)))
    return [_row(place, each, some, Beside()) for place, (each, some) in enumerate(ordered[:most])]


def _ordered(verdict: Verdict) -> list[tuple[Measure, tuple[Violation, ...]]]:
    """In their order; where they are too many to be listed, those that broke a limit come first."""
    found = judged(verdict)
    return found if len(found) <= ROWS_MOST else sorted(found, key=lambda each: not each[1])


def _row(place: int, measure: Measure, some: tuple[Violation, ...], beside: Beside) -> MeasureRow:
    return MeasureRow(
        f"measure-{place}",
        name_of(measure.subject),
        hint(measure.subject),
        title_of(measure.name),
        measure.name,
        _cell(measure.value, bool(some)),
        beside.spread,
        _cell(beside.before) if not isnan(beside.before) else Cell(),
        _cell(measure.limit) if measure.limit is not None else Cell(),
        hint(measure.reason),
        tuple(fired_of(each, None) for each in some),
    )


def _cell(value: float, is_over: bool = False) -> Cell:
    return Cell(number(value), "" if isnan(value) else repr(float(value)), is_over)


def headline(content: Content, unknown: str = "Nothing could be judged") -> Headline:
    """The verdict in one line; `unknown` is said where every measure with a limit is undefined."""
    verdict = content.verdict
    if verdict.violations:
        return Headline("bad", counted(len(verdict.violations), "violation"), "CompletedWithViolations")
    limited = [measure for measure in verdict.measures if measure.limit is not None]
    if limited and all(isnan(measure.value) for measure in limited):
        return Headline("plain", unknown, "Completed")
    if content.baseline is None and content.constraints is None and not limited:
        return Headline("plain", counted(len(verdict.measures), "measure"), "")
    return Headline("good", "No violations", "Completed")


def body_of(content: Content, tiles: Sequence[Tile] = (), **special: str) -> Body:
    """The head of a page that is about measures; `tiles` come after that of the rows."""
    special = {"subject": "Subject", "subjects": "Subjects", "method": "", **special}
    unknown = special.pop("unknown", "Nothing could be judged")
    return Body(
        headline(content, unknown),
        (rows_tile(content), *tiles, *input_tiles(content)),
        fired_in(content.verdict),
        table="measures",
        limited="",
        **special,
    )


def plain_body(content: Content) -> Body:
    """The head of the page of a kind of monitor that has no page of its own."""
    limited = [measure for measure in content.verdict.measures if measure.limit is not None]
    return body_of(content, [Tile("Measures", f"{len(content.verdict.measures):,}", f"{len(limited):,} with a limit")])


PAGE = Page(plain_body, lambda content: (table_of(content),))
