"""`driftline monitors`: what people see of monitors on imported rows, and what machines get."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from loaned import MODEL, Installation, analysis, reference

from driftline.catalog import keys
from driftline.schemas.fields import Environment
from driftline.server.app import create_app
from driftline.server.listen import Listener


@dataclass(frozen=True)
class Shell:
    """The command, asking a server."""

    made: Installation
    environment: dict[str, str]

    def run(self, *arguments: str, status: int = 0) -> str:
        """What `driftline monitors` prints, once its exit status is this."""
        command = [str(Path(sys.executable).parent / "driftline"), "monitors", *arguments]
        found = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert found.returncode == status, found.stderr + found.stdout
        return found.stdout + found.stderr

    def json(self, *arguments: str, status: int = 0) -> Any:
        """The same as JSON."""
        return json.loads(self.run(*arguments, "--json", status=status))


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A server of a model with a training set and two days, of which the second has drifted."""
    made = Installation(tmp_path_factory.mktemp("commands"))
    training = reference().slice(0, 5_000)
    made.predictions(training, Environment.TRAINING)
    made.labels(training, Environment.TRAINING)
    made.predictions(analysis("2019-03-30", "2019-04-01"))
    with made.catalog.begin() as tx:
        key = keys.create_api_key(tx, "tests", ["read", "write"], now=datetime.now(UTC))
    listener = Listener(create_app(made.settings, made.catalog), "127.0.0.1", 0)
    listener.start()
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    yield Shell(made, {**known, "DRIFTLINE_URL": listener.url, "DRIFTLINE_API_KEY": key, "COLUMNS": "200"})
    listener.stop()
    made.catalog.close()


def test_a_monitor_from_its_making_to_the_rows_of_an_alarm(shell: Shell, tmp_path: Path) -> None:
    """Create, back-fill, results, rows, download, report, and from the file back to the alarm."""
    said = shell.run(
        "create", MODEL, "drift", "--kind", "data-quality", "--every", "rate(1 day)", "--threshold",
        "comparison_threshold=0.15", "--delay", "PT1H", "--threshold", "car_value.comparison_threshold=0.1",
    )  # fmt: skip
    assert "against" in said
    assert "training" in said
    shell.json("backfill", MODEL, "drift", "--since", "2019-03-30", "--until", "2019-04-01")
    shell.made.work()
    told = shell.run("results", MODEL, "drift")
    assert "CompletedWithViolations" in told
    assert "2019-03-31 00:00 to 2019-04-01 00:00" in told
    loud = next(each["latest"] for each in shell.json("results", MODEL, "drift") if each["latest"]["violations"])
    assert "car_value" in shell.run("result", loud["id"][:8], "--fail-on-violations", status=1)
    place = next(str(each["place"]) for each in loud["broken"] if each["subject"] == "car_value")
    shown = shell.run("rows", loud["id"][:8], place, "--limit", "3")
    assert "s3://loans/3.parquet" in shown
    assert "There are more" in shown
    shell.run("rows", loud["id"][:8], place, "--output", str(tmp_path / "rows.csv"))
    assert (tmp_path / "rows.csv").read_text().startswith('"file","row","id","time","version"')
    shell.run("report", loud["id"][:8], "--output", str(tmp_path / "report.html"))
    assert "<html" in (tmp_path / "report.html").read_text()
    assert loud["id"][:8] in shell.run("alarms", "3")
    assert "CompletedWithViolations" in shell.run("runs", "--model", MODEL, "--monitor", "drift")


def test_quality_shows_what_was_estimated_beside_what_came(shell: Shell) -> None:
    """Estimates before labels, on the line of the window."""
    shell.run("create", MODEL, "quality", "--kind", "model-quality", "--window", "P2D")
    made = shell.json("run", MODEL, "quality", "--start", "2019-03-30", "--end", "2019-04-01")
    assert made["status"] == "Pending"
    shell.made.work()
    assert "estimated, ? realised" in shell.run("results", MODEL, "quality")
    assert "NoLabels" in shell.run("result", made["id"])
    shell.json("rerun", made["id"])
    shell.made.work()


def test_what_is_wrong_is_told_in_one_line(shell: Shell) -> None:
    """Exit status 2, and a remedy."""
    assert "Did you mean 'drift'?" in shell.run("show", MODEL, "drft", status=2)
    assert "NAME=VALUE" in shell.run("create", MODEL, "x", "--kind", "bias", "--setting", "facets", status=2)
    assert "columns that tell groups apart" in shell.run("create", MODEL, "x", "--kind", "bias", status=2)


def test_a_monitor_is_changed_paused_started_and_deleted(shell: Shell) -> None:
    """Its life on the command line."""
    shell.run("create", MODEL, "life", "--kind", "bias", "--facet", "repaid_loan_on_prev_car=1")
    assert shell.json("change", MODEL, "life", "--every", "rate(1 hour)")["cadence"] == "rate(1 hour)"
    assert "paused" in shell.run("pause", MODEL, "life")
    assert "active" in shell.run("start", MODEL, "life")
    assert "life" in shell.run("list", MODEL)
    shell.run("baseline", MODEL, "life")
    shell.made.work()
    assert "training (5,000 rows)" in shell.run("show", MODEL, "life")
    shell.run("delete", MODEL, "life")
    assert "life" not in [each["name"] for each in shell.json("list", MODEL)]
