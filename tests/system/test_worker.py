"""Workers on SQLite and PostgreSQL: due windows run once, in order, and end as they should."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from monitored import baseline, capture, hours_ago, monitored

from driftline import schedules
from driftline.catalog import Catalog, alerts, due, executions, logs, resources, traffic, work
from driftline.catalog.executions import Execution
from driftline.catalog.traffic import Traffic
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    url = f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url()
    made = Catalog(url)
    made.migrate()
    yield made
    made.close()


@contextmanager
def working(catalog: Catalog, node: str = "tests", **settings: Any) -> Iterator[Worker]:
    """A worker for the length of a block."""
    made = Worker(catalog, Settings(workers=2, poll_seconds=0.1, **settings), Access(), node=node)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def until(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `found` returns as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError("never true")


def ended(catalog: Catalog, schedule: str, count: int) -> list[Execution]:
    """The executions of a schedule, oldest first, once so many have ended and none is open."""
    with catalog.read() as tx:
        found = executions.last_of(tx, schedule, 1000)
    return found[::-1] if len(found) >= count and not any(each.is_open for each in found) else []


def test_missed_windows_are_caught_up_in_order(catalog: Catalog, tmp_path: Path) -> None:
    """SC-06, SC-12, E-01: each once, over the hour before its scheduled time, the files in the scheduled hour."""
    baseline(tmp_path)
    for age in (4, 3, 2, 1):
        capture(tmp_path, "Churn", hours_ago(age), odd=age == 2)
    monitored(catalog, tmp_path, "Churn", now=hours_ago(4) + timedelta(minutes=5))
    with working(catalog), working(catalog, "other"):
        found = until(lambda: ended(catalog, "churn", 4))
    assert [each.scheduled for each in found] == [hours_ago(age) for age in (3, 2, 1, 0)]
    assert [each.window_start for each in found] == [hours_ago(age) for age in (4, 3, 2, 1)]
    assert [each.status for each in found] == ["Completed", "Completed", "CompletedWithViolations", "Completed"]
    assert found[2].exit_message == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert all(one.modified <= other.modified for one, other in itertools.pairwise(found))
    folder = tmp_path / "reports" / "Churn" / "Churn" / f"{hours_ago(1):%Y/%m/%d/%H}"
    names = {"statistics.json", "constraints.json", "constraint_violations.json"}
    assert {path.name for path in folder.iterdir()} == names
    (violation,) = json.loads((folder / "constraint_violations.json").read_text())["violations"]
    assert (violation["feature_name"], violation["constraint_check_type"]) == ("age", "data_type_check")
    with catalog.read() as tx:
        job = resources.get(tx, "processing-job", found[2].job or "")
        assert job.status == "Completed"
        assert job.body["MonitoringScheduleArn"].endswith("monitoring-schedule/Churn")
        assert found[2].exit_message in [line.text for line in logs.read(tx, job.name)]
        assert [change.status for change in alerts.changes(tx, "churn")] == ["OK", "InAlert"]
        assert work.length(tx) == 0


def test_an_hour_without_data(catalog: Catalog, tmp_path: Path) -> None:
    """E-06, ER-01: SageMaker's reason, and what was searched; no job."""
    baseline(tmp_path)
    monitored(catalog, tmp_path, "quiet", now=hours_ago(1))
    with working(catalog):
        (found,) = until(lambda: ended(catalog, "quiet", 1))
    assert (found.status, found.job) == ("Failed", None)
    assert (found.failure_reason or "").startswith("Job inputs had no data")
    assert str(tmp_path / "capture" / "quiet" / "AllTraffic") in (found.failure_reason or "")


def test_an_hour_without_data_that_completes(catalog: Catalog, tmp_path: Path) -> None:
    """E-06: where the operator wishes so, a quiet hour is no failure, and says the same."""
    baseline(tmp_path)
    monitored(catalog, tmp_path, "quiet", now=hours_ago(1))
    with working(catalog, empty_window_completes=True):
        (found,) = until(lambda: ended(catalog, "quiet", 1))
    assert (found.status, found.failure_reason) == ("Completed", None)
    assert (found.exit_message or "").startswith("Completed: Job inputs had no data")


def test_traffic_that_could_not_be_captured(catalog: Catalog, tmp_path: Path) -> None:
    """X-15: an hour whose records were all lost fails even where quiet hours complete; a part of them is logged."""
    baseline(tmp_path)
    full = "the disk of the journal is nearly full"
    with catalog.begin() as tx:
        traffic.add(
            tx, {("Lost", hours_ago(1)): Traffic(9, 0, 9, full), ("part", hours_ago(1)): Traffic(59, 50, 9, full)}
        )
    monitored(catalog, tmp_path, "lost", now=hours_ago(1))
    capture(tmp_path, "part", hours_ago(1))
    monitored(catalog, tmp_path, "part", now=hours_ago(1))
    with working(catalog, empty_window_completes=True):
        (lost,) = until(lambda: ended(catalog, "lost", 1))
        (part,) = until(lambda: ended(catalog, "part", 1))
    assert lost.status == "Failed"
    said = f"Job inputs had no data. Endpoint lost was called 9 times, but 9 of 9 calls could not be captured ({full})."
    assert (lost.failure_reason or "").startswith(said)
    assert part.status == "Completed"
    with catalog.read() as tx:
        first = logs.read(tx, part.job or "")[0].text
    assert first == f"Capture has a gap: 9 of 59 calls could not be captured ({full})"


def test_a_broken_baseline_fails_with_its_reason(catalog: Catalog, tmp_path: Path) -> None:
    """E-05, ER-04, BL-20."""
    capture(tmp_path, "broken", hours_ago(1))
    monitored(catalog, tmp_path, "broken", now=hours_ago(1))
    with working(catalog):
        (found,) = until(lambda: ended(catalog, "broken", 1))
    assert found.status == "Failed"
    assert "constraints.json" in (found.failure_reason or "") or "statistics.json" in (found.failure_reason or "")


def test_by_hand(catalog: Catalog, tmp_path: Path) -> None:
    """E-07: run now, again, and a range of the past; one execution at a time."""
    baseline(tmp_path)
    for age in range(1, 6):
        capture(tmp_path, "s", hours_ago(age))
    monitored(catalog, tmp_path, "s", now=datetime.now(UTC))
    now = datetime.now(UTC)
    with catalog.begin() as tx:
        due.put(tx, "s", None)
        first = schedules.run_now(tx, "S", now)
        again = schedules.rerun(tx, first.id, now)
        filled = schedules.backfill(tx, "s", hours_ago(4), hours_ago(1), now)
    assert (again.run, again.window_start) == (1, first.window_start)
    assert [each.scheduled for each in filled] == [hours_ago(age) for age in (4, 3, 2)]
    with working(catalog):
        found = until(lambda: ended(catalog, "s", 5))
    assert {each.status for each in found} == {"Completed"}
    reports = tmp_path / "reports" / "s" / "s"
    assert (reports / f"{hours_ago(0):%Y/%m/%d/%H}" / "run-1" / "statistics.json").exists()


def test_too_long_and_too_large(catalog: Catalog, tmp_path: Path) -> None:
    """CC-07: the limits of time and memory end a run, with a reason."""
    baseline(tmp_path)
    for name in ("slow", "large"):
        capture(tmp_path, name, hours_ago(1), rows=200_000)
    monitored(catalog, tmp_path, "slow", now=hours_ago(1), StoppingCondition={"MaxRuntimeInSeconds": 0.01})
    with working(catalog):
        (found,) = until(lambda: ended(catalog, "slow", 1))
    assert "MaxRuntimeInSeconds" in (found.failure_reason or "")
    monitored(catalog, tmp_path, "large", now=hours_ago(1))
    with working(catalog, job_memory_bytes=1 << 20):
        (found,) = until(lambda: ended(catalog, "large", 1))
    assert "memory" in (found.failure_reason or "")


def test_stopped_while_it_runs(catalog: Catalog, tmp_path: Path) -> None:
    """The running execution ends as Stopped, the queued one at once."""
    baseline(tmp_path)
    for age in (1, 2):
        capture(tmp_path, "s", hours_ago(age))
    sleeping = {"ImageUri": "sleeper:1"}
    monitored(catalog, tmp_path, "s", now=hours_ago(2), DataQualityAppSpecification=sleeping)
    with working(catalog, images={"sleeper:1": "sleep 600"}):
        until(lambda: running(catalog))
        with catalog.begin() as tx:
            schedules.stop(tx, "s", datetime.now(UTC))
        found = until(lambda: ended(catalog, "s", 2))
    assert [each.status for each in found] == ["Stopped", "Stopped"]
    with catalog.read() as tx:
        assert work.length(tx) == 0


def running(catalog: Catalog) -> bool:
    """Whether an execution has a job and goes on."""
    with catalog.read() as tx:
        return any(each.job and each.status == "InProgress" for each in executions.open_of(tx, "s"))
