"""What is measured beside what: each case one input and the tools that get it, in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import inputs

PROFILE, CHECK, COLUMNS = "driftline", "driftline check", "driftline columns"


@dataclass(frozen=True)
class Case:
    """One input and the tools that are measured on it, Driftline first: the others are told as multiples of it.

    `whole` measures the whole command in a fresh process; otherwise the second call in a process is measured, after
    one on `warm`. `repeats` is how often each tool has its turn; `slow` tools have one. `records` turns CPU seconds
    into records a second.
    """

    name: str
    size: str
    tools: tuple[str, ...]
    path: Callable[[], str]
    warm: Callable[[], str] | None = None
    whole: bool = False
    repeats: int = 3
    slow: tuple[str, ...] = ()
    records: int = 0


def _log(rows: int) -> Callable[[], str]:
    return lambda: str(inputs.log_parquet(rows))


def _pair(rows: int) -> Callable[[], str]:
    """Current and reference rows; the current ones have drifted a little."""
    return lambda: ",".join(map(str, (inputs.log_parquet(rows, 8, 0.3), inputs.log_parquet(rows))))


def _capture(encoding: str, rows: int) -> Callable[[], str]:
    return lambda: str(inputs.capture(rows, encoding))


def _captures(rows: int) -> list[Case]:
    small = min(rows, 100_000)
    return [
        Case(
            f"capture, {encoding.upper()} payloads, {inputs.name_of(rows)} records: {what}",
            inputs.name_of(rows),
            (tool,),
            _capture(encoding, rows),
            _capture(encoding, small),
            records=rows,
        )
        for encoding in ("csv", "base64", "json")
        for tool, what in ((COLUMNS, "to typed columns"), (PROFILE, "whole profile"))
    ]


def cases(sizes: tuple[str, ...]) -> list[Case]:
    """The cases of the sizes asked for: `100k` (a quick look), `1m`, `10m`."""
    found: list[Case] = []
    for size, rows in (("100k", 100_000), ("1m", 1_000_000)):
        if size in sizes:
            found += _small(size, rows)
    if "10m" in sizes:
        found += _large("10m", 10_000_000)
    return found


def _small(size: str, rows: int) -> list[Case]:
    wide = (5_000, 10_000) if size == "1m" else (500, 10_000)
    return [
        Case(
            f"{size} rows of Parquet, warm",
            size,
            (PROFILE, "decode", "duckdb", "polars", "whylogs"),
            _log(rows),
            _log(rows),
            repeats=5,
            slow=("whylogs",),
        ),
        Case(f"{size} rows of Parquet, whole command", size, (PROFILE, "duckdb"), _log(rows), whole=True, repeats=5),
        Case(
            f"{size} rows of CSV, warm",
            size,
            (PROFILE, "decode csv", "duckdb", "polars"),
            lambda: str(inputs.log_csv(rows)),
            lambda: str(inputs.log_csv(rows)),
        ),
        Case(
            f"drift of {size} rows against {size}, warm",
            size,
            (CHECK, "evidently"),
            _pair(rows),
            _pair(min(rows, 100_000)),
            slow=("evidently",),
        ),
        *_captures(rows),
        Case(
            f"{wide[0]:,} columns x {wide[1]:,} rows, whole command",
            size,
            (PROFILE, "duckdb"),
            lambda: str(inputs.wide_parquet(*wide)),
            whole=True,
            repeats=1,
        ),
    ]


def _large(size: str, rows: int) -> list[Case]:
    return [
        Case(
            f"{size} rows of Parquet, warm",
            size,
            (PROFILE, "decode", "duckdb"),
            _log(rows),
            _log(1_000_000),
            slow=("duckdb",),
        ),
        Case(
            f"{size} rows of Parquet, whole command",
            size,
            (PROFILE, "duckdb"),
            _log(rows),
            whole=True,
            slow=("duckdb",),
        ),
    ]
