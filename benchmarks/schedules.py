"""A thousand hourly schedules that fall due at the same minute: how soon the first run ends, and the last.

`make bench-schedules` runs it with a worker process of two slots over SQLite and a folder; `--postgres` over
PostgreSQL. Each schedule has an endpoint of its own with an hour of 50 captured calls.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests" / part) for part in ("system", "contracts")]

from databases import postgres_url  # noqa: E402
from monitored import baseline, capture, hours_ago, monitored  # noqa: E402

from driftline.catalog import Catalog, due, executions, work  # noqa: E402
from driftline.settings import Settings  # noqa: E402
from driftline.storage.access import Access  # noqa: E402
from driftline.worker import Worker  # noqa: E402

POLL_SECONDS = 0.2


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--schedules", type=int, default=1000)
    options.add_argument("--postgres", action="store_true")
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalog = Catalog(postgres_url() if given.postgres else f"sqlite:///{folder / 'a.sqlite'}")
        catalog.migrate()
        prepare(catalog, folder, given.schedules)
        first, last, twice = measured(catalog, given.schedules, given.workers)
        where = "PostgreSQL" if given.postgres else "SQLite"
        print(
            f"{given.schedules} schedules on {where}, {given.workers} at a time: first run ended after {first:.2f} s,"
        )
        print(f"all after {last:.1f} s ({given.schedules / last:.0f} a second); run twice: {twice}")
    return 0


def prepare(catalog: Catalog, folder: Path, count: int) -> None:
    """Endpoints, captures, schedules; nothing is due yet."""
    baseline(folder)
    for place in range(count):
        capture(folder, f"endpoint-{place}", hours_ago(1))
        monitored(catalog, folder, f"endpoint-{place}", now=datetime.now(UTC))


def measured(catalog: Catalog, count: int, workers: int) -> tuple[float, float, int]:
    """Seconds until the first run has ended and until all have, and how many ran more than once."""
    worker = Worker(catalog, Settings(workers=workers), Access(), node="bench")
    worker.start()
    time.sleep(3.0)  # the warm processes of a server that has been up for a while
    with catalog.begin() as tx:
        for place in range(count):
            due.put(tx, f"endpoint-{place}", hours_ago(0))
    start, first = time.monotonic(), 0.0
    while True:
        time.sleep(POLL_SECONDS)
        with catalog.read() as tx:
            ended = executions.search(tx, executions.Search(equal={"status": "Completed"}, limit=2 * count)).items
            left = work.length(tx)
        first = first or (time.monotonic() - start if ended else 0.0)
        if len(ended) >= count and not left:
            break
        if time.monotonic() - start > timedelta(minutes=10).total_seconds():
            raise TimeoutError(f"{len(ended)} of {count} after ten minutes")
    worker.stop()
    return first, time.monotonic() - start, len(ended) - len({each.schedule for each in ended})


if __name__ == "__main__":
    raise SystemExit(main())
