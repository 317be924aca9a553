"""`kill -9` at random moments: no execution is lost, none ends twice, and what ran is taken up again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from databases import postgres_url
from monitored import baseline, capture, hours_ago, monitored

from driftline.catalog import Catalog, executions, resources, work
from driftline.catalog.executions import Execution

KILLS = int(os.environ.get("DRIFTLINE_TEST_KILLS", "50"))
SCHEDULES, HOURS = 12, 8
LONGEST_SECONDS = 300.0
BEGAN = hours_ago(0)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    url = f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url()
    made = Catalog(url)
    made.migrate()
    yield made
    made.close()


def worker(catalog: Catalog, home: Path) -> subprocess.Popen[bytes]:
    """The real `driftline worker`, which also plans."""
    url = catalog.url.render_as_string(hide_password=False).replace("+psycopg", "")
    settings = {
        "DATABASE_URL": url,
        "HOME": str(home),
        "POLL_SECONDS": "0.05",
        "LEASE_SECONDS": "1",
        "ATTEMPTS": "1000",
    }
    environment = {**os.environ, **{f"DRIFTLINE_{name}": value for name, value in settings.items()}}
    command = [str(Path(sys.executable).parent / "driftline"), "worker", "--plans"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def all_of(catalog: Catalog) -> list[Execution]:
    """Every execution; those of an hour that began while the test ran are none of its windows."""
    with catalog.read() as tx:
        found = executions.search(tx, executions.Search(limit=10_000)).items
    return [each for each in found if each.scheduled <= BEGAN]


def ago(count: int) -> datetime:
    """The beginning of the hour so many hours before the one in which the tests began."""
    return BEGAN - timedelta(hours=count)


def waiting(catalog: Catalog) -> int:
    """How much work is not done."""
    with catalog.read() as tx:
        return work.length(tx)


def ended(catalog: Catalog) -> int:
    """The number of executions that have ended."""
    return sum(not each.is_open for each in all_of(catalog))


@pytest.mark.slow
def test_nothing_is_lost_or_done_twice(catalog: Catalog, tmp_path: Path) -> None:
    """SC-12: each due window has exactly one execution, ended as its data deserve, with one job and its files."""
    baseline(tmp_path)
    for odd in (False, True):
        capture(tmp_path, f"odd-{odd}", ago(1), rows=100_000, odd=odd)
    schedules, kills_wanted = (SCHEDULES, KILLS) if not catalog.on_postgres else (SCHEDULES // 3, KILLS // 4)
    for place in range(schedules):
        for age in range(1, HOURS + 1):
            (source,) = (tmp_path / "capture" / f"odd-{age % 3 == 0}").rglob("*.jsonl")
            hour = tmp_path / "capture" / f"e{place}" / "AllTraffic" / f"{ago(age):%Y/%m/%d/%H}"
            hour.mkdir(parents=True)
            os.link(source, hour / source.name)
        monitored(catalog, tmp_path, f"e{place}", now=ago(HOURS) + timedelta(minutes=1))
    moments = random.Random(4711)
    process, kills, busy = worker(catalog, tmp_path), 0, 0
    end = time.monotonic() + LONGEST_SECONDS
    while kills < kills_wanted and time.monotonic() < end:
        enough = ended(catalog) + moments.choice((0, 0, 1, 1, 2))  # by progress, so that a fast machine stays busy too
        time.sleep(moments.uniform(0.0, 1.5))
        while ended(catalog) < enough and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        busy += any(each.status == "InProgress" for each in all_of(catalog))
        process = worker(catalog, tmp_path)
    try:
        while waiting(catalog) or len(all_of(catalog)) < schedules * HOURS:
            assert time.monotonic() < end, "the executions do not end"
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    found = all_of(catalog)
    assert kills == kills_wanted
    assert busy > kills_wanted // 5, "the worker was idle when it was killed"
    assert len({(each.schedule, each.scheduled) for each in found}) == len(found) == schedules * HOURS
    for each in found:
        age = round((BEGAN - each.window_start) / timedelta(hours=1))
        assert each.status == ("CompletedWithViolations" if age % 3 == 0 else "Completed"), each.failure_reason
    with catalog.read() as tx:
        jobs = resources.search(tx, "processing-job", resources.Search(limit=10_000)).items
        assert {each.job for each in found} == {job.name for job in jobs}
        assert {job.status for job in jobs} == {"Completed"}
        assert work.length(tx) == 0
    files = list((tmp_path / "reports").rglob("constraint_violations.json"))
    assert len(files) == schedules * HOURS
