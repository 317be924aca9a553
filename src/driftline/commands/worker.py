"""`driftline worker`: workers alone, beside a server on this or another machine."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Annotated

from cyclopts import Parameter

from driftline.catalog import Catalog
from driftline.server import logs as structured
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker


def worker(*, plans: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Run jobs and executions from the queue of DRIFTLINE_DATABASE_URL, beside other workers, until interrupted.

    Parameters
    ----------
    plans
        Also plan what is due, as `driftline serve` does.
    """
    settings = Settings()
    structured.configure(stream=sys.stderr)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalog = Catalog(settings.url)
    catalog.migrate()
    labour = Worker(catalog, settings, Access(), plans=plans)
    labour.start()
    print(f"driftline worker {labour.node}: waiting for work", flush=True)
    _until_told()
    labour.stop()
    return 0


def _until_told() -> None:
    """Wait for an interrupt or a polite end."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    ended.wait()
