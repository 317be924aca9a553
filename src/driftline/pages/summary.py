"""What a page says first: the verdict in one line, and the numbers that tell how much was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from driftline.pages.content import Content, Pair
from driftline.pages.tables import counted
from driftline.pages.terminal import number, percent
from driftline.pages.words import name_of
from driftline.profile import Profile


@dataclass(frozen=True)
class Headline:
    """The verdict: `tone` is `bad`, `good` or `plain`; `status` is SageMaker's word for it."""

    tone: str
    text: str
    status: str


@dataclass(frozen=True)
class Tile:
    """One number with its name and a remark; `tone` is `bad`, `warn` or empty."""

    name: str
    value: str
    remark: str = ""
    tone: str = ""


def headline(content: Content, pairs: Sequence[Pair]) -> Headline:
    """The verdict in one line."""
    found = content.verdict.violations
    if content.is_profile:
        return Headline("plain", f"Profile of {counted(content.current.rows, 'row')}", "")
    if not found:
        return Headline("good", "No violations", "Completed")
    columns = sum(1 for pair in pairs if pair.violations)
    where = f" in {columns:,} of {counted(len(pairs), 'column')}" if columns else ""
    return Headline("bad", f"{counted(len(found), 'violation')}{where}", "CompletedWithViolations")


def tiles_of(content: Content, pairs: Sequence[Pair]) -> list[Tile]:
    """Rows, columns, missing values, the largest distance and problems."""
    before, now = content.baseline, content.current
    tiles = [
        rows_tile(content),
        Tile("Columns", f"{len(now.fields):,}", _changes(pairs), "warn" if _changes(pairs) else ""),
        Tile(
            "Missing values",
            percent(_missing(now)),
            "" if before is None else f"{percent(_missing(before))} in the baseline",
        ),
    ]
    measured = [(pair.moved[1], pair) for pair in pairs if pair.distance is not None and pair.moved[1] >= 0]
    distances = [(value, pair) for value, pair in measured if not pair.is_p_value]
    if distances:
        value, most = max(distances, key=lambda each: each[0])
        limit = most.distance.limit if most.distance is not None else None
        over = limit is not None and value > limit
        tiles.append(Tile("Largest distance", number(value), name_of(most.name), "bad" if over else ""))
    tiles += input_tiles(content)
    return tiles


def rows_tile(content: Content) -> Tile:
    """How many rows there were."""
    before = content.baseline
    return Tile("Rows", f"{content.current.rows:,}", "" if before is None else f"{before.rows:,} in the baseline")


def input_tiles(content: Content) -> list[Tile]:
    """Problems and inputs, where there are any."""
    tiles, problems = [], content.problems
    if problems.count:
        lost = f"{counted(problems.rows, 'row')} lost"
        tiles.append(Tile("Problems in the input", f"{problems.count:,}", lost, "warn"))
    if content.inputs:
        tiles.append(Tile("Inputs", f"{len(content.inputs):,}", name_of(content.inputs[0])))
    return tiles


def _changes(pairs: Sequence[Pair]) -> str:
    """How many columns are new, gone or failed."""
    counts = {state: sum(1 for pair in pairs if pair.state == state) for state in ("new", "gone", "failed")}
    return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)


def _missing(profile: Profile) -> float:
    """The share of all cells that have no value, over the columns that could be analysed."""
    columns = [column for column in profile.columns if column.name not in profile.failures]
    cells = profile.rows * len(columns)
    return sum(column.missing for column in columns) / cells if cells else nan
