"""A DuckDB that can only calculate: no files, no network, no extensions, no settings, a limit of memory and time."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from driftline.formats.forks import opened
from driftline.formats.sql import casts, functions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SECONDS = 60.0
"""An expression may take so long for one batch; then it is ended."""

_LIMITS: dict[str, str | bool | int] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "memory_limit": "1GB",
    "threads": 1,
}

_SETTINGS = (
    "SET enable_progress_bar = false",
    "SET TimeZone = 'UTC'",
    "SET lock_configuration = true",
)


class Session:
    """One locked connection with one relation, `rows`, which holds the batch at hand."""

    def __init__(self, careful: bool = False) -> None:
        """`careful` keeps what stands in `TRY` there: else a part that occurs twice is computed once, before it."""
        import duckdb

        limits = {**_LIMITS, "disabled_optimizers": "common_subexpressions"} if careful else dict(_LIMITS)
        self._connection: DuckDBPyConnection = opened(duckdb.connect(config=limits))
        for macro in (*casts.MACROS, *functions.MACROS):
            self._connection.execute(f"CREATE MACRO {macro}")
        for setting in _SETTINGS:
            self._connection.execute(setting)

    @contextmanager
    def holding(self, rows: pa.Table) -> Iterator[None]:
        """`rows` are what the relation of that name holds meanwhile."""
        self._connection.register("rows", rows)
        try:
            yield
        finally:
            self._connection.unregister("rows")

    def type_of(self, sql: str, relation: str) -> str:
        """DuckDB's type of an expression; raises `duckdb.Error` for one that has none."""
        return str(self._connection.sql(f"SELECT {sql} FROM {relation}").types[0])

    def select(self, columns: list[str], seconds: float | None = None) -> pa.Table:
        """The columns computed for all rows; raises `duckdb.Error`, and `duckdb.InterruptException` after `seconds`."""
        query = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(columns))
        timer = threading.Timer(seconds or SECONDS, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            table: Any = self._connection.sql(f"SELECT {query} FROM rows").to_arrow_table()
            return table
        finally:
            timer.cancel()
            timer.join()  # it holds the connection, which must not live on at the interpreter's exit


_LOCAL = threading.local()


@atexit.register
def _forget() -> None:
    """The main thread's sessions go before the interpreter does: else DuckDB's bindings complain of leaks."""
    _LOCAL.__dict__.clear()


def session(careful: bool = False) -> Session:
    """The session of this thread; made when first asked for, since that takes some 15 ms."""
    name = "careful" if careful else "quick"
    if not hasattr(_LOCAL, name):
        setattr(_LOCAL, name, Session(careful))
    found: Session = getattr(_LOCAL, name)
    return found
