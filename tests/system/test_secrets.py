"""What is in a job's environment stays there: not in logs, and in answers for administrators alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from monitored import baseline, capture, hours_ago, monitored

from driftline.catalog import Catalog, executions, keys, logs, resources
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

TOKEN = "a-token-that-nobody-may-see"
GOOD = "def preprocess_handler(record):\n    return {'age': 40, 'visits': 1, 'score': 0.5}\n"
BAD = "def preprocess_handler(record):\n    raise ValueError('no')\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    made.migrate()
    yield made
    made.close()


def run(catalog: Catalog, folder: Path, name: str, script: str) -> Execution:
    """How an execution ended whose environment has the token, and whose rows a script makes."""
    (folder / f"{name}.py").write_text(script)
    capture(folder, name, hours_ago(1))
    image = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    application = {"ImageUri": image, "RecordPreprocessorSourceUri": str(folder / f"{name}.py")}
    application["Environment"] = {"TOKEN": TOKEN}  # type: ignore[assignment]
    monitored(catalog, folder, name, now=hours_ago(1), DataQualityAppSpecification=application)
    worker = Worker(catalog, Settings(workers=1, poll_seconds=0.05), Access(), node="tests")
    worker.start()
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with catalog.read() as tx:
                found = [each for each in executions.last_of(tx, name, 9) if not each.is_open]
            if found:
                return found[0]
            time.sleep(0.05)
    finally:
        worker.stop()
    raise TimeoutError("the execution does not end")


def test_logs_do_not_tell_the_environment(catalog: Catalog, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """SE-06: neither the job's log nor the worker's, whether the run succeeds or fails."""
    baseline(tmp_path)
    for name, script, status in (("good", GOOD, "CompletedWithViolations"), ("bad", BAD, "Failed")):
        found = run(catalog, tmp_path, name, script)
        assert found.status in (status, "Completed"), found.failure_reason
        with catalog.read() as tx:
            assert TOKEN in json.dumps(resources.get(tx, "processing-job", found.job or "").body), "it was there"
            assert not [line.text for line in logs.read(tx, found.job or "") if TOKEN in line.text]
        assert TOKEN not in f"{found.failure_reason} {found.exit_message}"
    out, err = capfd.readouterr()
    assert TOKEN not in out + err


@pytest.fixture
def served(catalog: Catalog) -> Iterator[str]:
    """A server of the catalog, with a job and a schedule whose environments have the token."""
    now = datetime.now(UTC)
    environment = {"TOKEN": TOKEN}
    manifest = {"settings": {"script_environment": environment}, "model": f"http://ada:{TOKEN}@models/churn"}
    inline = {"MonitoringAppSpecification": {"ImageUri": "i"}, "Environment": environment}
    config = {"MonitoringJobDefinition": inline, "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}}
    bodies: dict[str, Any] = {
        "processing-job": {"Manifest": manifest, "Environment": environment},
        "monitoring-schedule": {"MonitoringScheduleConfig": config},
    }
    with catalog.begin() as tx:
        for kind, body in bodies.items():
            resources.create(tx, Resource(kind, "secretive", f"arn:{kind}", body, "Completed", now, now))
    listener = Listener(create_app(Settings(home=Path("unused")), catalog), "127.0.0.1", 0)
    listener.start()
    yield listener.url
    listener.stop()


@pytest.mark.parametrize("path", ["jobs/secretive", "schedules/secretive"])
def test_values_of_environments_are_for_administrators(catalog: Catalog, served: str, path: str) -> None:
    """SE-06: others see the names."""

    def asked(*scopes: str) -> str:
        with catalog.begin() as tx:
            key = keys.create_api_key(tx, " ".join(scopes), scopes, now=datetime.now(UTC))
        answer = requests.get(f"{served}/v1/{path}", headers={"Authorization": f"Bearer {key}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.text

    assert '"TOKEN":"(hidden)"' in asked("read")
    assert TOKEN not in asked("read", "write")
    assert f'"TOKEN":"{TOKEN}"' in asked("read", "admin")
