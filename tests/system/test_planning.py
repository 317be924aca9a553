"""Planning on SQLite and PostgreSQL: what one schedule, one caller or one moment cannot do to the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from monitored import monitored

from driftline import schedules
from driftline.catalog import Catalog, due, executions, resources, work
from driftline.catalog.resources import Search
from driftline.catalog.work import Work
from driftline.processing import executing
from driftline.processing.monitoring import capture_prefixes, job_body
from driftline.processing.slot import Slot
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

NOW = datetime(2026, 1, 2, 3, 0, 5, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=30)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    url = f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url()
    made = Catalog(url)
    made.migrate()
    yield made
    made.close()


def test_a_schedule_that_cannot_be_planned_keeps_no_other_from_running(catalog: Catalog, tmp_path: Path) -> None:
    """SC-06, SC-09: it is Failed and says why; the others are planned; started again it is planned again."""
    for name in ("aaa", "bbb"):
        monitored(catalog, tmp_path, name, now=BEFORE)
    with catalog.begin() as tx:
        resources.delete(tx, "data-quality-job-definition", "aaa")
    with catalog.begin() as tx:
        assert schedules.plan_due(tx, NOW, Settings()) == 1
        broken = resources.get(tx, schedules.KIND, "aaa")
        assert broken.status == "Failed"
        assert broken.body["FailureReason"] == "data-quality-job-definition not found: aaa."
        assert due.find(tx, "aaa") is None
        assert [each.schedule for each in executions.open_of(tx, "bbb")] == ["bbb"]
        assert schedules.plan_due(tx, NOW, Settings()) == 0


def test_a_year_without_a_server_is_caught_up_at_once(catalog: Catalog, tmp_path: Path) -> None:
    """SC-12: the latest windows, in order, and soon: who plans holds the database."""
    monitored(catalog, tmp_path, "every-minute", expression="cron(* * * * ? *)", now=NOW - timedelta(days=365))
    began = time.monotonic()
    with catalog.begin() as tx:
        assert schedules.plan_due(tx, NOW, Settings(catch_up=3)) == 3
        found = [each.scheduled for each in executions.open_of(tx, "every-minute")]
        assert found == [datetime(2026, 1, 2, 2, 58 + each, tzinfo=UTC) for each in (0, 1)] + [NOW.replace(second=0)]
        assert due.find(tx, "every-minute") == NOW.replace(second=0) + timedelta(minutes=1)
    assert time.monotonic() - began < 5


def test_a_schedule_is_stopped_while_it_is_planned(catalog: Catalog, tmp_path: Path) -> None:
    """SC-08: whoever comes second waits for the first, and what it plans is what stays."""
    monitored(catalog, tmp_path, "churn", now=BEFORE)
    failed: list[BaseException] = []

    def stop() -> None:
        try:
            with catalog.begin() as tx:
                schedules.unplan(tx, "churn", NOW)
        except Exception as error:  # noqa: BLE001  shown below
            failed.append(error)

    with catalog.begin() as tx:
        assert schedules.plan_due(tx, NOW, Settings()) == 1
        stopping = threading.Thread(target=stop)
        stopping.start()
        time.sleep(0.5)
    stopping.join(30)
    assert not failed
    with catalog.read() as tx:
        assert due.find(tx, "churn") is None
        assert [each.status for each in executions.last_of(tx, "churn")] == ["Stopped"]


def test_names_are_the_same_whatever_their_case(catalog: Catalog, tmp_path: Path) -> None:
    """IA-02: a definition that a schedule names in another case is in use, and filters find it."""
    monitored(catalog, tmp_path, "Churn", now=BEFORE)
    with catalog.begin() as tx:
        schedules.plan_due(tx, NOW, Settings())
        assert [
            each.name for each in resources.search(tx, schedules.KIND, Search(attributes={"endpoint": "cHURN"})).items
        ]
        for name in ("endpoint", "definition", "schedule"):
            assert len(executions.search(tx, executions.Search({name: "cHURN"})).items) == 1, name


def test_waiting_for_a_baseline_is_no_attempt(catalog: Catalog, tmp_path: Path) -> None:
    """BL-11: however long it waits, a run that is then interrupted once is begun again, and not given up."""
    kept: dict[str, Any] = {"DataQualityBaselineConfig": {"BaseliningJobName": "learning"}}
    monitored(catalog, tmp_path, "churn", now=BEFORE, **kept)
    job = resources.Resource("processing-job", "learning", "arn", {}, "InProgress", BEFORE, BEFORE)
    settings = Settings(attempts=2)
    with catalog.begin() as tx:
        resources.create(tx, job)
        schedules.plan_due(tx, NOW, settings)
    worker = Worker(catalog, settings, Access(), node="a")
    with Slot() as slot:
        for after in range(3):
            worker._do(claimed(catalog, NOW + timedelta(seconds=10 * after)), slot)
    lost = claimed(catalog, NOW + timedelta(days=2000))
    with catalog.begin() as tx:
        executing.reap(tx, settings, NOW + timedelta(days=3000))
        found = executions.get(tx, lost.subject)
        assert (found.status, found.failure_reason) == ("Pending", None)


def claimed(catalog: Catalog, now: datetime) -> Work:
    """The work that is due."""
    with catalog.begin() as tx:
        tx.exec_driver_sql("UPDATE work SET run_after = '2020-01-01 00:00:00+00'")
        found = work.claim(tx, "a", now=now, lease_seconds=30)
    assert found is not None
    return found


def test_a_run_that_cannot_begin_fails_with_its_reason(catalog: Catalog, tmp_path: Path) -> None:
    """E-05: also where the baselining job has no output at the path that it names."""
    kept: dict[str, Any] = {"DataQualityBaselineConfig": {"BaseliningJobName": "learnt"}}
    monitored(catalog, tmp_path, "churn", now=BEFORE, **kept)
    with catalog.begin() as tx:
        resources.create(tx, resources.Resource("processing-job", "learnt", "arn", {}, "Completed", BEFORE, BEFORE))
        schedules.plan_due(tx, NOW, Settings())
    with Slot() as slot:
        Worker(catalog, Settings(), Access(), node="a")._do(claimed(catalog, NOW), slot)
    with catalog.read() as tx:
        (found,) = executions.last_of(tx, "churn")
    assert found.status == "Failed"
    assert (found.failure_reason or "").startswith("ClientError: output_path: got '/opt/ml/processing/output'")


def test_a_stop_that_comes_too_late_changes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    """E-01: a run that ended while it was being stopped stays as it ended."""
    monitored(catalog, tmp_path, "churn", now=BEFORE)
    with catalog.begin() as tx:
        schedules.plan_due(tx, NOW, Settings())
        before = executions.open_of(tx, "churn")[0]
        executions.update(tx, before.id, now=NOW, status="Completed")
        schedules.stop_execution(tx, before.__class__(**{**before.__dict__, "status": "InProgress"}), NOW)
        assert executions.get(tx, before.id).status == "Completed"


def test_captures_are_looked_for_under_the_registered_name(catalog: Catalog, tmp_path: Path) -> None:
    """X-11: a definition may name its endpoint in another case."""
    kept: dict[str, Any] = {
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": "churn", "LocalPath": "/opt/ml/processing/x"}}
    }
    monitored(catalog, tmp_path, "Churn", now=BEFORE, **kept)
    with catalog.begin() as tx:
        schedules.plan_due(tx, NOW, Settings())
        found = executions.open_of(tx, "Churn")[0]
        config = executing.endpoint_config(tx, found)
    assert capture_prefixes(found, config) == [f"{tmp_path}/capture/Churn/AllTraffic"]


def folders(catalog: Catalog, schedule: str) -> list[str]:
    """Where the executions of a schedule write, oldest first."""
    with catalog.read() as tx:
        found = executions.last_of(tx, schedule, 100)[::-1]
    bodies = [job_body(each, [], {}, None) for each in found]
    return [body["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] for body in bodies]


def test_no_run_writes_over_the_files_of_another(catalog: Catalog, tmp_path: Path) -> None:
    """SC-04, E-04: SageMaker's folders are hours; those of schedules that run more often have the minute too."""
    monitored(catalog, tmp_path, "often", expression="cron(0/15 * ? * * *)", now=NOW - timedelta(minutes=50))
    monitored(catalog, tmp_path, "hourly", expression="cron(30 * ? * * *)", now=NOW - timedelta(minutes=50))
    with catalog.begin() as tx:
        schedules.plan_due(tx, NOW, Settings())
        schedules.run_now(tx, "often", NOW)
    place = f"{tmp_path}/reports"
    often = [f"{place}/often/often/2026/01/02/{each}" for each in ("02/15", "02/30", "02/45", "03/00", "03/00/run-1")]
    assert folders(catalog, "often") == often
    assert folders(catalog, "hourly") == [f"{place}/hourly/hourly/2026/01/02/02"]


def test_runs_of_now_in_an_hour_have_folders_of_their_own(catalog: Catalog, tmp_path: Path) -> None:
    """SC-07, E-07: run again by hand, what was written before stays."""
    times = {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    monitored(catalog, tmp_path, "once", now=BEFORE)
    with catalog.begin() as tx:
        config = resources.get(tx, schedules.KIND, "once").body["MonitoringScheduleConfig"]
        config = {**config, "ScheduleConfig": {"ScheduleExpression": "NOW", **times}}
        resources.update(tx, schedules.KIND, "once", now=NOW, body={"MonitoringScheduleConfig": config})
        due.put(tx, "once", NOW)
        schedules.plan_due(tx, NOW, Settings())
        schedules.run_now(tx, "once", NOW + timedelta(minutes=1))
        first = executions.last_of(tx, "once", 2)[1]
        schedules.rerun(tx, first.id, NOW + timedelta(minutes=2))
    found = folders(catalog, "once")
    assert len(found) == 3
    assert sorted(each.rpartition("/")[2] for each in found) == ["03", "run-1", "run-2"]
