"""DuckDB's connections across a fork: a child must not close those of its parent's threads, which do not run in it."""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakSet

_OPEN: WeakSet[Any] = WeakSet()
_HELD: list[Any] = []
_GUARD = threading.Lock()


def opened(connection: Any) -> Any:
    """The connection, which lives on in forked processes, unused, though the thread that has it does not."""
    with _GUARD:
        _OPEN.add(connection)
    return connection


def _hold() -> None:
    """Before a fork; the child keeps what is held then for good."""
    _GUARD.acquire()
    _HELD.extend(_OPEN)


def _let_go() -> None:
    """In the parent, after it."""
    _HELD.clear()
    _GUARD.release()


os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_GUARD.release)
