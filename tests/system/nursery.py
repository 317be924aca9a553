"""Forks workers from a process that has imported them, so that many can be started and killed in little time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Nursery:
    """Starts workers, and ends them as an operator, or a machine that loses its power, would."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """The process that forks."""
        self._process = process

    def start(self) -> int:
        """The process id of a new worker."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("start\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def kill(self, worker: int) -> None:
        """End one of them without a word."""
        os.kill(worker, signal.SIGKILL)


@contextmanager
def nursery(environment: Mapping[str, str]) -> Iterator[Nursery]:
    """The nursery of workers with this environment; what it started and lives ends with it."""
    process = subprocess.Popen(
        [sys.executable, __file__], env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield Nursery(process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _serve() -> None:
    """Fork a worker for each line that is read."""
    from driftline.catalog import Catalog
    from driftline.server import logs
    from driftline.settings import Settings
    from driftline.storage.access import Access
    from driftline.worker import Worker

    logs.configure(stream=sys.stderr)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            settings = Settings()
            Worker(Catalog(settings.url), settings, Access(), slots=0).start()
            signal.pause()
        print(child, flush=True)


if __name__ == "__main__":
    _serve()
