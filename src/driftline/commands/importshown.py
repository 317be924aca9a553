"""What the commands of imports show: a job with its counts, a dry run with every column, progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from driftline.commands.importing import mend
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, moment, table
from driftline.imports.job import Policies
from driftline.pages.tables import counted, plain, short

_POLL_SECONDS = 0.5
_SAYS_SECONDS = 5.0
"""How often progress is told where nobody sees a bar."""
_SAMPLE_WIDTH = 60


def facts_of(found: Mapping[str, Any]) -> Facts:
    """An import job, member by member."""
    pairs = [
        ("id", found["id"]),
        ("model", f"{found['model']} {found['version']}"),
        ("reads", found["uri"]),
        ("as", " ".join(filter(None, [found.get("format"), found["content"], f"for {found['environment']}"]))),
        ("batch", found["batch"]),
        ("status", found["status"]),
        *said_counts(found["counts"]),
        ("columns", _columns(found.get("columns", {}))),
        ("policies", _policies(found.get("policies", {}))),
        ("credentials", found.get("credentials")),
        ("events", found.get("events")),
        ("created", moment(found["created"])),
        ("looked", moment(found.get("looked"))),
        ("trouble", found.get("trouble")),
    ]
    return Facts(pairs)


def said_counts(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """How far a job is: files, and rows with what became of them.

    >>> told = dict(pending=0, done=2, failed=0, skipped=1, rows=10, accepted=7, rejected=2, duplicate=1)
    >>> said_counts(told)
    [('files', '2 done, 1 skipped'), ('rows', '10 = 7 accepted + 2 rejected + 1 duplicate')]
    """
    files = [f"{counts[name]:,} {name}" for name in ("pending", "done", "failed", "skipped") if counts[name]]
    return [("files", ", ".join(files) or "none yet"), ("rows", said_rows(counts))]


def said_rows(counts: Mapping[str, int]) -> str:
    """Rows, and what became of them."""
    parts = " + ".join(f"{counts[name]:,} {name}" for name in ("accepted", "rejected", "duplicate"))
    return f"{counts['rows']:,} = {parts}"


def tried(found: Mapping[str, Any]) -> Facts:
    """A dry run: every column with what it becomes, then what is wrong and the option that mends it."""
    pairs = [
        ("dry run", found["status"]),
        ("file", found["file"]),
        ("format", found["format"]),
        ("content", found["content"]),
        ("rows tried", f"{found['rows']:,}: {found['accepted']:,} accepted, {found['rejected']:,} rejected"),
        ("seconds", f"{found['seconds']:.2f}"),
    ]
    columns = [
        ("column", lambda each: each["column"]),
        ("becomes", lambda each: each["becomes"]),
        ("field", lambda each: each["field"] or "–"),
        ("kind", lambda each: each["kind"]),
        ("samples", lambda each: short(", ".join(each["samples"]), _SAMPLE_WIDTH)),
    ]
    below = ["", table(found["columns"], columns, "no columns", whole=("becomes",))] if found["columns"] else []
    return Facts(pairs, [*below, *fault_lines(found["faults"], "error"), *fault_lines(found["warnings"], "warning")])


def fault_lines(faults: list[dict[str, Any]], what: str) -> Iterator[Any]:
    """What is wrong, a line each, and below it the option that mends it."""
    for each in faults:
        yield plain(f"{what} {each['code']}: {each['message']}", "red" if what == "error" else "yellow")
        option = mend(each)
        if option:
            yield plain(f"  fix schema: {option}", "bold")


def followed(remote: Remote, found: dict[str, Any]) -> dict[str, Any]:
    """The job once all files are found and none is pending, with progress meanwhile; paused ones wait for nobody.

    Stops at once where the job cannot look, which `trouble` tells.
    """
    with _watched(remote) as tell:
        while True:
            found = remote.get(f"/imports/{found['id']}")
            tell(found["counts"])
            is_done = found["listed"] and not found["counts"]["pending"]
            if is_done or found["trouble"] or found["status"] != "active":
                return found
            time.sleep(_POLL_SECONDS)


@contextmanager
def _watched(remote: Remote) -> Iterator[Callable[[Mapping[str, int]], None]]:
    """What tells progress: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines(remote.json)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("files", total=None)

        def tell(counts: Mapping[str, int]) -> None:
            ended, pending = _ended(counts), counts["pending"]
            progress.update(task, total=ended + pending, completed=ended, description=f"{counts['rows']:,} rows, files")

        yield tell


class _Lines:
    """Tells progress by a line on standard error when it changed, not more often than every few seconds."""

    def __init__(self, quiet: bool) -> None:
        """`quiet` ones say nothing."""
        self._quiet, self._last, self._said = quiet, "", 0.0

    def __call__(self, counts: Mapping[str, int]) -> None:
        """Say how far it is."""
        ended = _ended(counts)
        text = f"{ended:,} of {counted(ended + counts['pending'], 'file')}, {counted(counts['rows'], 'row')}"
        if not self._quiet and text != self._last and time.monotonic() >= self._said + _SAYS_SECONDS:
            print(text, file=sys.stderr, flush=True)
            self._last, self._said = text, time.monotonic()


def _ended(counts: Mapping[str, int]) -> int:
    return counts["done"] + counts["failed"] + counts["skipped"]


def _columns(columns: Mapping[str, Any]) -> str:
    """Which column is what, in one line.

    >>> _columns({"id": "uuid", "prefixes": {"feature": "f/"}, "fields": {"age": "Age"}, "exclude": ["x"]})
    'id = uuid, feature = f/*, age = Age, excluded: x'
    """
    told = [f"{use} = {columns[use]}" for use in ("id", "timestamp", "version", "batch") if columns.get(use)]
    told += [f"{role} = {prefix}*" for role, prefix in columns.get("prefixes", {}).items()]
    told += [f"{role} = {' '.join(listed)}" for role, listed in columns.get("lists", {}).items()]
    told += [f"{name} = {column}" for name, column in columns.get("fields", {}).items()]
    told += [f"excluded: {' '.join(columns['exclude'])}"] if columns.get("exclude") else []
    return ", ".join(told)


def _policies(policies: Mapping[str, Any]) -> str:
    """Those that are not as usual."""
    usual = vars(Policies())
    return ", ".join(f"{name} = {value}" for name, value in policies.items() if value != usual.get(name))
