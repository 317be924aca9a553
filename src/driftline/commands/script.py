"""`driftline script`: a preprocessing script tried on the first records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from driftline.commands.console import finish, world_of
from driftline.commands.options import Options
from driftline.manifest import Manifest, World
from driftline.pages.tables import short, table_of
from driftline.problems import Problem
from driftline.reading import source_of
from driftline.scripts.preprocess import Failure
from driftline.sources import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType

_WIDE = 5
"""Rows that are shown beside each other."""


def script(
    action: Literal["test"],  # noqa: ARG001 - there may be others one day
    file: str,
    *inputs: str,
    rows: int = 10,
    options: Options | None = None,
) -> int:
    """Run a script's preprocess_handler on the first records, and show the rows it makes or where it fails.

    Parameters
    ----------
    action
        test: give it the first records, one by one.
    file
        The script, a path or URI.
    inputs
        Captured calls, CSV or JSON lines: files, globs, folders, URIs or prefixes, or - for standard input.
    rows
        How many records it is given.
    """
    options = options or Options()
    manifest = options.manifest(inputs)
    bounds = {"script_errors": rows, "script_records": rows}
    manifest = replace(manifest, preprocess=file, settings={**manifest.settings, **bounds})
    with world_of(inputs, options) as world:
        found, problems = _tried(manifest, world, rows)
    document = {"rows": found, "problems": [str(problem) for problem in problems]}
    finish(_Shown(found, problems), document, (), options)
    return 2 if any(isinstance(problem, Failure) for problem in problems) else 0


def _tried(manifest: Manifest, world: World, most: int) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The rows of the first records, and what went wrong with them."""
    source = source_of(manifest, world)
    found: list[dict[str, Any]] = []
    problems: list[Problem] = [*source.problems.examples]
    for task in source.tasks:
        for item in read(task, source):
            if isinstance(item, pa.RecordBatch):
                found += item.to_pylist()
            elif isinstance(item, Problem):
                problems.append(item)
            if len(found) + len(problems) >= most:
                return found, problems
    return found, problems


class _Shown:
    """Rows beside each other, since they have more columns than a terminal is wide; then what went wrong."""

    def __init__(self, rows: list[dict[str, Any]], problems: list[Problem]) -> None:
        self._rows, self._problems = rows, problems

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for at in range(0, len(self._rows), _WIDE):
            rows = self._rows[at : at + _WIDE]
            headings = [f"row {at + place + 1}" for place in range(len(rows))]
            table = table_of("column", *headings)
            for name in sorted({name for row in rows for name in row}):
                table.add_row(short(name), *(_value(row.get(name)) for row in rows))
            yield table
        if not self._rows:
            yield "no rows: the script left out all of these records"
        for problem in self._problems:
            yield str(problem)


def _value(value: Any) -> str:
    return "–" if value is None else short(str(value))
