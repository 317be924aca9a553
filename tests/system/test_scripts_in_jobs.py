"""Scripts and batch transforms in scheduled executions, by a real worker (Q-01, Q-07, Q-08, B-03 to B-05)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from monitored import baseline, capture, hours_ago, monitored

from driftline.catalog import Catalog, executions, logs
from driftline.catalog.executions import Execution
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

IMAGE = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"

PRE = """
    import os
    def preprocess_handler(inference_record, logger):
        print("window from", os.environ["start_time"], os.environ["team"], os.environ.get("AWS_SECRET_ACCESS_KEY"))
        values = [inference_record.endpoint_output.data] + inference_record.endpoint_input.data.split(",")
        values[1] = str(float(values[1]))
        return {str(i).zfill(20): v for i, v in enumerate(values)}
"""

POST = """
    import json, os
    def postprocess_handler():
        with open(os.environ["output_path"] + "/constraint_violations.json") as file:
            count = len(json.load(file)["violations"])
        with open(os.environ["baseline_constraints"]) as file:
            names = [feature["name"] for feature in json.load(file)["features"]]
        print("violations:", count, "of", names)
        with open(os.environ["output_path"] + "/summary.txt", "w") as file:
            file.write(f"{count} violations")
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    made.migrate()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that the worker has, and no script may see."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")


def application(folder: Path, pre: str | None = None, post: str | None = None, **variables: str) -> Mapping[str, Any]:
    """The application of a definition with scripts, which are written to the folder."""
    made: dict[str, Any] = {"ImageUri": IMAGE, "Environment": {"team": "blue", **variables}}
    for member, name, text in (
        ("RecordPreprocessorSourceUri", "pre.py", pre),
        ("PostAnalyticsProcessorSourceUri", "post.py", post),
    ):
        if text is not None:
            (folder / name).write_text(dedent(text))
            made[member] = str(folder / name)
    return made


def ran(catalog: Catalog, name: str) -> tuple[Execution, list[str]]:
    """The only execution of a schedule once it has ended, and the log of its job."""
    worker = Worker(catalog, Settings(workers=1, poll_seconds=0.1), Access(), node="tests")
    worker.start()
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with catalog.read() as tx:
                found = executions.last_of(tx, name, 10)
                if found and not found[0].is_open:
                    return found[0], [line.text for line in logs.read(tx, found[0].job or "")]
            time.sleep(0.1)
        raise TimeoutError(name)
    finally:
        worker.stop()


def report(folder: Path, *names: str) -> Path:
    """Where the files of the execution of this hour lie."""
    return folder.joinpath("reports", *names, f"{hours_ago(0):%Y/%m/%d/%H}")


def test_q01_q08_both_scripts(catalog: Catalog, tmp_path: Path) -> None:
    baseline(tmp_path)
    capture(tmp_path, "churn", hours_ago(1), rows=60)
    scripts = application(tmp_path, PRE, POST)
    now = hours_ago(1) + timedelta(minutes=5)
    monitored(catalog, tmp_path, "churn", now=now, DataQualityAppSpecification=scripts)
    found, log = ran(catalog, "churn")
    assert found.status == "CompletedWithViolations", (found, log)  # the script made fractions of integers
    statistics = json.loads((report(tmp_path, "churn", "churn") / "statistics.json").read_text())
    assert [feature["name"] for feature in statistics["features"]] == ["score", "age", "visits"]
    assert statistics["dataset"]["item_count"] == 60
    assert f"window from {hours_ago(1):%Y-%m-%dT%H:%M:%SZ} blue None" in log
    count = (report(tmp_path, "churn", "churn") / "summary.txt").read_text()
    assert f"violations: {count.partition(' ')[0]} of ['score', 'age', 'visits']" in log
    assert "very-secret" not in "\n".join(log)
    assert found.exit_message in log


def test_q07_a_script_that_fails_says_where(catalog: Catalog, tmp_path: Path) -> None:
    baseline(tmp_path)
    capture(tmp_path, "churn", hours_ago(1), odd=True)
    now = hours_ago(1) + timedelta(minutes=5)
    monitored(catalog, tmp_path, "churn", now=now, DataQualityAppSpecification=application(tmp_path, PRE))
    found, log = ran(catalog, "churn")
    assert found.status == "Failed"
    said = found.failure_reason or ""
    assert said.startswith("ClientError: script pre.py line 6: ValueError: could not convert string to float: 'forty'")
    assert "00-00-000-a.jsonl line 1)" in said
    assert '  File "pre.py", line 6, in preprocess_handler' in log


def test_q07_errors_that_are_borne(catalog: Catalog, tmp_path: Path) -> None:
    baseline(tmp_path)
    capture(tmp_path, "churn", hours_ago(1), odd=True)
    scripts = application(tmp_path, PRE, script_errors="1")
    now = hours_ago(1) + timedelta(minutes=5)
    monitored(catalog, tmp_path, "churn", now=now, DataQualityAppSpecification=scripts)
    found, log = ran(catalog, "churn")
    assert found.status in ("Completed", "CompletedWithViolations"), found
    assert "49 rows read, 1 problems" in log


def test_b03_b04_b05_a_batch_transform_on_schedule(catalog: Catalog, tmp_path: Path) -> None:
    """Only what the lists of this hour name is read; ids and times of inferences are no features."""
    baseline(tmp_path)
    hour, moment = hours_ago(1), f"{hours_ago(1):%Y-%m-%dT%H:%M:%SZ}"
    for place in range(2):
        lines = [f"0.5,{30 + each % 40},{each % 7},0c1e8a0e-7d5f-4b0a-9d53-{each:012x},{moment}" for each in range(60)]
        out = tmp_path / "transform" / f"part{place}.csv.out"
        out.parent.mkdir(exist_ok=True)
        out.write_text("\n".join(lines) + "\n")
    (tmp_path / "transform" / "older.csv.out").write_text("not,of,this,hour\n")
    listed = json.dumps([{"prefix": f"{tmp_path}{os.sep}transform/"}, "part0.csv.out", "part1.csv.out"])
    folder = tmp_path / "captured" / "output" / f"{hour:%Y/%m/%d/%H}"
    folder.mkdir(parents=True)
    (folder / "5f62a63c-0c1e-4b0a-9d53-0c7a4f9c2f11.json").write_text(listed)
    source = {
        "DataCapturedDestinationS3Uri": f"{tmp_path}/captured",
        "DatasetFormat": {"Csv": {"Header": False}},
        "LocalPath": "/opt/ml/processing/input",
    }
    now = hour + timedelta(minutes=5)
    monitored(catalog, tmp_path, "nightly", now=now, DataQualityJobInput={"BatchTransformInput": source})
    found, log = ran(catalog, "nightly")
    assert found.exit_message == "Completed: Job completed successfully with no violations.", (found, log)
    statistics = json.loads((report(tmp_path, "nightly") / "statistics.json").read_text())
    assert [feature["name"] for feature in statistics["features"]] == ["score", "age", "visits"]
    assert statistics["dataset"]["item_count"] == 120
