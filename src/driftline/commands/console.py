"""What a command shows: a progress bar on a terminal, then a table or JSON; figures to stdout, the rest to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from driftline.commands.options import Options
from driftline.errors import Invalid, StorageUnavailable
from driftline.manifest import Manifest, World
from driftline.pages.tables import plain as words
from driftline.pages.tables import table_of
from driftline.reading import source_of
from driftline.storage.file import STANDARD_INPUT

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass
class Bar:
    """A progress bar counting bytes."""

    progress: Progress

    def begin(self, total: int) -> None:
        """Show the bar."""
        self.task = self.progress.add_task("reading", total=total or None)

    def advance(self, size: int) -> None:
        """Move it."""
        self.progress.advance(self.task, size)


@contextmanager
def world_of(inputs: Sequence[str], options: Options) -> Iterator[World]:
    """What the run works with; what came in on standard input is a file meanwhile, if it is among the inputs."""
    if STANDARD_INPUT not in inputs:
        yield options.world()
        return
    if sys.stdin is None or sys.stdin.isatty():
        remedy = "Pipe it, as in `zcat data.csv.gz | driftline profile -`; a file of that name is `./-`."
        raise Invalid(what="INPUT", got="-", expected="data on standard input", remedy=remedy)
    with TemporaryDirectory(prefix="driftline-") as folder:
        file = Path(folder) / "standard-input"
        try:
            with file.open("wb") as spool:
                copyfileobj(sys.stdin.buffer, spool, 1 << 20)
        except OSError as error:
            remedy = f"It is kept in {folder} until it is read: TMPDIR chooses another place."
            raise StorageUnavailable(where="standard input", reason=error.strerror or "", remedy=remedy) from error
        yield options.world(str(file))


@contextmanager
def watching(inputs: Sequence[str], options: Options) -> Iterator[World]:
    """What the run works with, with a progress bar if somebody is there to see it."""
    with world_of(inputs, options) as world, _watched(world, options) as watched:
        yield watched


@contextmanager
def _watched(world: World, options: Options) -> Iterator[World]:
    if options.quiet or options.json or not sys.stderr.isatty():
        yield world
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as progress:
        yield replace(world, watch=Bar(progress))


def plan(manifest: Manifest, options: Options) -> int:
    """Show what a run would read; the exit status is 0, since nothing was judged."""
    with world_of(manifest.inputs, options) as world:
        source = source_of(manifest, world)
    parts = [(task, piece) for task in source.tasks for piece in task.pieces]
    found = {
        "objects": list(source.objects),
        "tasks": len(source.tasks),
        "bytes": sum(task.size for task in source.tasks),
        "skipped": source.skipped,
        "problems": [str(problem) for problem in source.problems.examples],
    }
    table = table_of("object", "format", "parts", "bytes", numeric=("parts", "bytes"))
    for uri, pieces in groupby((piece for _, piece in parts), key=lambda piece: piece.part.uri):
        known = list(pieces)
        table.add_row(words(uri), known[0].format, f"{len(known):,}", f"{sum(piece.part.size for piece in known):,}")
    finish(table, found, (), options)
    return 0


def finish(shown: Any, document: Any, written: Sequence[str], options: Options) -> None:
    """Print what was found, and where it was written."""
    if options.json:
        unicode = "utf" in (sys.stdout.encoding or "").lower()
        print(json.dumps(plain(document), ensure_ascii=not unicode, allow_nan=False))
    elif not options.quiet:
        from rich.console import Console

        console = Console()
        console.print(shown)
        for uri in written:
            console.print(f"written: {uri}", markup=False, highlight=False, soft_wrap=True)


def plain(value: Any) -> Any:
    """The value with every number that JSON lacks as text: "NaN", "Infinity", "-Infinity".

    >>> plain({"a": [float("nan"), 1.0]})
    {'a': ['NaN', 1.0]}
    """
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and value not in (float("inf"), float("-inf")) and value == value:  # noqa: PLR0124
        return value
    if isinstance(value, float):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124
    return value
