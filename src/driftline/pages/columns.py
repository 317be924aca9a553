"""The page about data quality, and of a profile alone: what moved most, and a table of all columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from driftline.pages import words
from driftline.pages.body import Body, Page, Section
from driftline.pages.content import DRIFT, Content, Pair, pairs_of
from driftline.pages.rows import SPARKLINES, Fired, card_of, drawn, extra_names, fired_of, moved_most, row_of
from driftline.pages.summary import headline, tiles_of

METHOD = (
    "Means and standard deviations (of the population) are over finite numbers; medians and drawings come from "
    "quantile sketches, exact for small data and within 0.2 % in rank beyond. NaN counts as missing. Bars and areas "
    "are shares of the values that are present."
)


def body_of(content: Content) -> Body:
    """The page's head."""
    pairs = pairs_of(content)
    cards = frozenset(pair.name for pair in drawn(pairs))
    return Body(
        headline(content, pairs),
        tuple(tiles_of(content, pairs)),
        tuple(fired_in(content, pairs, cards)),
        method=METHOD,
    )


def sections_of(content: Content) -> tuple[Section, ...]:
    """What moved most, if there is a column at all, and the table."""
    pairs = pairs_of(content)
    moved = moved_section(content, pairs)
    table = _table(pairs, frozenset(pair.name for pair in drawn(pairs)))
    return (moved, table) if moved.values["cards"] else (table,)


def fired_in(content: Content, pairs: Sequence[Pair], cards: frozenset[str]) -> list[Fired]:
    """All violations: those of the data set first, then those of the columns that moved most."""
    named = {pair.name: (place, pair) for place, pair in enumerate(moved_most(pairs))}
    found = [(*named.get(each.subject, (-1, None)), each) for each in content.verdict.violations]
    return [fired_of(each, pair, cards) for _, pair, each in sorted(found, key=lambda each: each[0])]


def moved_section(content: Content, pairs: Sequence[Pair], title: str = "") -> Section:
    """Columns drawn large: those that moved most, or were broken."""
    shown = drawn(pairs)
    has_distance = _has_distance(pairs)
    said = f"{len(shown):,} of {len(pairs):,} columns are drawn here"
    said += f"{', those that broke a limit first' if content.verdict.violations else ''}; the table below has them all."
    values = {
        "cards": [card_of(pair, row_of(pair, (), spark=False)) for pair in shown],
        "has_distance": has_distance,
        "remark": said if len(shown) < len(pairs) else "",
    }
    title = title or ("What moved most" if has_distance else "Distributions")
    return Section("moved", title, "moved.html", values)


def _table(pairs: Sequence[Pair], cards: frozenset[str]) -> Section:
    """Every column as a row; only those that moved most have a drawing."""
    extras = extra_names(pairs)
    sparks = frozenset(pair.name for pair in moved_most(pairs)[:SPARKLINES])
    values = {
        "rows": [row_of(pair, extras, spark=pair.name in sparks, cards=cards) for pair in pairs],
        "extras": [_extra(name, pairs) for name in extras],
        "has_distance": _has_distance(pairs),
        "sparks": len(sparks),
    }
    return Section("columns", "All columns", "columns.html", values, len(pairs))


def _has_distance(pairs: Sequence[Pair]) -> bool:
    return any(DRIFT in pair.measures for pair in pairs)


def _extra(name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    """A measure's heading; hidden until asked for, unless it is PSI or somewhere has a limit."""
    limited = any(name in pair.measures and pair.measures[name].limit is not None for pair in pairs)
    return {"name": name, "title": words.measure_title(name), "hidden": not limited and name != "psi"}


PAGE = Page(body_of, sections_of)
