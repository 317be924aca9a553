"""Who acts by a command in the database itself: the account of this machine that runs it."""

from __future__ import annotations

import getpass
from datetime import datetime

from driftline.catalog.acting import Actor, Operation


def account(command: str, now: datetime) -> Actor:
    """Whom the audit log names for what a command changes; `command` is its name behind `driftline`."""
    return Actor(f"local:{_name()}", "command line", now, lambda: Operation(f"driftline {command}"))


def _name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # an account that the machine has no name for
