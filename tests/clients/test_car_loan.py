"""Two import jobs on one model, end to end: hourly predictions in four formats, labels fourteen days later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import carloan
import pytest
from s3 import Server
from serving import Served, serving, until

BUCKET = "car-loan"
MINUTES = 60.0
OLD = ("--past-days", "7300")


@dataclass(frozen=True)
class Shell:
    """The command, asking a running server."""

    served: Served

    def run(self, *arguments: str, status: int = 0) -> str:
        """What `driftline` prints, once its exit status is this."""
        command = [str(Path(sys.executable).parent / "driftline"), *arguments]
        environment = {**self.served.environment, "DRIFTLINE_URL": self.served.url, "COLUMNS": "160"}
        found = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        assert found.returncode == status, found.stderr + found.stdout
        return found.stdout

    def json(self, *arguments: str) -> Any:
        """The same as JSON."""
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture(scope="module")
def shell(s3: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A server whose S3 holds the training set; production and labels come while it runs."""
    s3.bucket(BUCKET)
    put(s3, "training")
    with serving(tmp_path_factory.mktemp("car-loan"), s3.environment(), DRIFTLINE_POLL_SECONDS="0.2") as served:
        yield Shell(served)


def put(s3: Server, what: str) -> int:
    """Write one of the three prefixes; how many files, or rows of the training set."""
    client = s3.client()

    def write(key: str, data: bytes) -> None:
        client.put_object(Bucket=BUCKET, Key=key, Body=data)

    if what == "training":
        return carloan.put_reference(write)
    return carloan.put_predictions(write) if what == "predictions" else carloan.put_labels(write)


def followed(shell: Shell, job: str, files: int) -> dict[str, Any]:
    """How far a job is once so many files are read."""

    def found() -> Any:
        shown = shell.json("imports", "show", job)
        return shown if shown["counts"]["done"] >= files else None

    shown: dict[str, Any] = until(found, 10 * MINUTES)
    return shown


def run_ended(shell: Shell, monitor: str, count: int) -> list[dict[str, Any]]:
    """The latest results of a monitor's windows, by window, once so many have ended."""

    def found() -> Any:
        runs = shell.json("monitors", "results", "loans", monitor)
        latest = [each["latest"] for each in runs]
        return latest if len(latest) >= count and all(each["ended"] for each in latest) else None

    ended: list[dict[str, Any]] = until(found, 5 * MINUTES)
    return sorted(ended, key=lambda each: str(each["window_start"]))


@pytest.mark.slow
def test_all_rows_are_reconciled_and_the_drift_is_told_on_its_day(shell: Shell, s3: Server) -> None:
    """J-12, G-05, G-06: all rows are there; the alarm is that of 2019-03-31; estimate and truth side by side.

    With DRIFTLINE_TEST_WHOLE=1 that is 50,000 = 50,000.
    """
    rows = carloan.used().num_rows
    assert rows == 50_000 or not carloan.IS_WHOLE
    ours = ["--model", "loans", "--id-column", "id", *OLD]
    both = [
        "--type",
        "binary",
        "--predictions",
        "prediction",
        "--scores",
        "probability",
        "--timestamp-column",
        "timestamp",
    ]
    training = [f"s3://{BUCKET}/training/", *ours, *both, "--actuals", "repaid", "--environment", "training"]
    dry = shell.run("imports", "create", *training, "--dry-run")
    assert "salary_range" in dry
    shell.run("imports", "create", *training, "--follow")
    predictions = put(s3, "predictions")
    made = shell.json("imports", "create", f"s3://{BUCKET}/predictions/", *ours, *both, "--poll-seconds", "1")
    counts = followed(shell, made["id"], predictions)["counts"]
    assert predictions > (7_000 if carloan.IS_WHOLE else 1_400)
    assert (counts["rows"], counts["accepted"]) == (rows, rows)
    assert (counts["rejected"], counts["duplicate"], counts["failed"]) == (0, 0, 0)
    shell.run("monitors", "create", "loans", "drift", "--kind", "data-quality", "--every", "rate(1 day)")
    shell.run("monitors", "backfill", "loans", "drift", "--since", "2019-03-11", "--until", "2019-04-10")
    shell.run("monitors", "create", "loans", "quality", "--kind", "model-quality", "--window", "P10D")
    for start, end in (("2019-03-11", "2019-03-21"), ("2019-03-31", "2019-04-10")):
        shell.run("monitors", "run", "loans", "quality", "--start", start, "--end", end)
    days = run_ended(shell, "drift", 30)
    loud = [each["window_start"][:10] for each in days if _drifted(each)]
    assert min(loud) == "2019-03-31"
    before = [_accuracy(each) for each in run_ended(shell, "quality", 2)]
    assert all(each["realised"] is None for each in before)
    moved = shell.json("models", "compare", "loans", "v1", "2019-03-01..2019-03-31", "2019-03-31..2019-04-30")
    assert moved["features"][0]["feature"] == "car_value"
    assert "car_value" in shell.run(
        "models", "drift", "loans", "v1", "2019-03-01..2019-03-31", "2019-03-29..2019-04-03"
    )
    labels = put(s3, "labels")
    late = [f"s3://{BUCKET}/actuals/", *ours, "--content", "actuals", "--actuals", "repaid"]
    made = shell.json("imports", "create", *late, "--timestamp-column", "labelled_at")
    counts = followed(shell, made["id"], labels)["counts"]
    assert (counts["rows"], counts["accepted"], counts["duplicate"]) == (rows, rows, 0)

    def realised() -> Any:
        found = [_accuracy(each) for each in run_ended(shell, "quality", 2)]
        return found if all(each["realised"] is not None for each in found) else None

    after = until(realised, 2 * MINUTES)
    assert [each["value"] for each in after] == pytest.approx([each["value"] for each in before])
    for each in after:
        assert each["realised"] == pytest.approx(each["value"], abs=0.02)
    assert after[1]["realised"] < after[0]["realised"] - 0.01


def _drifted(run: dict[str, Any]) -> bool:
    return any(each["check"] == "baseline_drift_check" for each in run["broken"])


def _accuracy(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in run["estimates"] if each["name"] == "accuracy")
    return found
