"""What a job started ends with the process that started it, however that one ends; and how much memory it holds."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_SCRIPT = 'read -r _ || exec "$@" 2>/dev/null'
"""Waits for a line; where the pipe ends without one, its writer is dead, and the command is run."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def ending(command: Sequence[str]) -> Iterator[None]:
    """Run the command if this process is killed within the block; a process of its own waits for that."""
    waiting = subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        waiting.communicate(b"\n")


def memory_bytes(session: int) -> int:
    """Memory that the processes of a session hold; 0 where the platform does not say."""
    return sum(pages for owner, pages in _processes() if owner == session) * PAGE_BYTES


def _processes() -> Iterator[tuple[int, int]]:
    """Session and resident pages of each process."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="latin-1").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        yield int(fields[3]), int(fields[21])
