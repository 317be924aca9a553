"""Images of one's own: SageMaker's contract by a local command, its limits, and what a caller cannot reach."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from driftline.errors import Invalid, Unreadable
from driftline.formats import transformjob
from driftline.processing import command, inputs
from driftline.processing.contract import Contract, Mount
from driftline.processing.outcome import Outcome
from driftline.processing.slot import Limits, Slot
from driftline.storage.access import Access

IMAGE = "own:1"
MIB = 1 << 20


def body(folder: Path, source: str = "/opt/ml/processing/input/data", **members: Any) -> dict[str, Any]:
    """A job of the image with one input and one output, in a folder in the place of a bucket."""
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "rows.csv").write_text("a\n1\n")
    taken = {"S3Uri": f"{folder}/in", "LocalPath": source, "S3DataType": "S3Prefix"}
    given = {"S3Uri": f"{folder}/out", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    return {
        "AppSpecification": {"ImageUri": IMAGE},
        "ProcessingInputs": [{"InputName": "data", "S3Input": taken}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": given}]},
        **members,
    }


def run(folder: Path, script: str, log: Callable[[str], None] = print, **members: Any) -> Outcome:
    """How a job ends whose image is this Python script."""
    path = folder / "script.py"
    path.write_text(script)
    images = {IMAGE: f"{shlex.quote(sys.executable)} {shlex.quote(str(path))}"}
    return command.run(Contract.of("job-1", body(folder, **members)), Access(), log, images)


CONTRACT = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["DRIFTLINE_ROOT"])
ml = root / "opt/ml"
assert (ml / "processing/input/data/rows.csv").read_text() == "a\\n1\\n"
config = json.loads((ml / "config/processingjobconfig.json").read_text())
assert config["ProcessingJobName"] == "job-1", config
assert json.loads((ml / "config/resourceconfig.json").read_text())["current_host"] == "algo-1"
assert os.environ["where"] == str(ml / "processing/output"), os.environ["where"]
assert sys.argv[1:] == ["--level", "3"], sys.argv
assert not [name for name in os.environ if name.startswith("AWS_")]
pathlib.Path(os.environ["where"], "violations.json").write_text('{"violations": [{}, {}]}')
pathlib.Path(ml / "output/metrics/cloudwatch/a.jsonl").write_bytes(
    b'\\xff\\n{"MetricName": "m", "Value": 2, "Dimensions": []}\\n')
print("worked")
"""


def test_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CC-01, CC-02, CC-04, CC-05: inputs, configuration, environment, arguments; violations, metrics, log."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for images")
    said: list[str] = []
    application = {"ImageUri": IMAGE, "ContainerArguments": ["--level", "3"]}
    given = {"where": "/opt/ml/processing/output"}
    found = run(tmp_path, CONTRACT, said.append, AppSpecification=application, Environment=given)
    assert (found.execution_status, found.violations) == ("CompletedWithViolations", 2), said
    assert found.exit_message == "CompletedWithViolations: Job completed successfully with 2 violations."
    assert [each["MetricName"] for each in found.metrics] == ["m"]
    assert (tmp_path / "out" / "violations.json").is_file()
    assert said[-1] == "worked"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise SystemExit(3)", "AlgorithmError: the command failed (exit code 3)"),
        (
            "import os, pathlib; pathlib.Path(os.environ['DRIFTLINE_ROOT'], 'opt/ml/output/message')"
            ".write_text('no rows'); raise SystemExit(1)",
            "AlgorithmError: no rows (exit code 1)",
        ),
        (
            "import os, pathlib; pathlib.Path(os.environ['DRIFTLINE_ROOT'], 'opt/ml/processing/output/violations.json')"
            ".write_text('{')",
            "ClientError: violations.json is no JSON",
        ),
    ],
)
def test_what_went_wrong_is_the_reason(tmp_path: Path, script: str, reason: str) -> None:
    """CC-07, ER-20: an exit code, a message of its own, a file that is no JSON."""
    found = run(tmp_path, script)
    assert found.status == "Failed"
    assert (found.failure_reason or "").startswith(reason)


@pytest.mark.parametrize("path", ["/../../etc", "/opt/ml/../../../tmp/x", "opt/ml/x", "/opt/ml/processing/.."])
def test_no_path_leads_out_of_the_job_s_folder(tmp_path: Path, path: str) -> None:
    """CC-01: neither can inputs be written elsewhere on this machine, nor its files be taken as outputs."""
    with pytest.raises(Invalid, match="path in the container"):
        run(tmp_path, "", source=path)
    given = {"S3Uri": f"{tmp_path}/out", "LocalPath": path}
    with pytest.raises(Invalid, match="path in the container"):
        run(tmp_path, "", ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": given}]})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("prefix", ["/etc/", "file:///etc/", "gs://other/"])
def test_no_manifest_in_a_bucket_leads_to_files_of_this_machine(tmp_path: Path, prefix: str) -> None:
    """B-03: what a list in S3 names lies in S3."""
    text = json.dumps([{"prefix": prefix}, "passwd"]).encode()
    with pytest.raises(Unreadable, match="another kind of place"):
        transformjob.listed(text, "s3://bucket/list")
    (tmp_path / "list").write_text(json.dumps([{"prefix": "s3://bucket/"}, "passwd"]))
    with pytest.raises(Unreadable, match="another kind of place"):
        inputs.listed(Mount("data", "/opt/ml/processing/input", f"{tmp_path}/list", is_manifest=True), Access())


def test_the_caller_does_not_choose_what_is_loaded(tmp_path: Path) -> None:
    """CC-01: variables that would make the command load files of the caller are left out, and that is told."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sitecustomize.py").write_text("raise SystemExit(9)")
    said: list[str] = []
    given = {"PYTHONPATH": "/opt/ml/processing/input/data", "PYTHONUNBUFFERED": "1", "LD_PRELOAD": "/opt/ml/x.so"}
    found = run(tmp_path, "import os; print(os.environ['PYTHONUNBUFFERED'])", said.append, Environment=given)
    assert found.status == "Completed", said
    assert "Left out of the environment: LD_PRELOAD, PYTHONPATH" in said
    assert said[-1] == "1"


def alive(marker: str) -> list[str]:
    """Processes whose command line has the marker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path.parent.name] if marker.encode() in path.read_bytes() else []
        except OSError:
            continue
    return found


def until(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `found` returns as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError("never true")


def in_slot(folder: Path, order: str, limits: Limits, stop: Callable[[], bool] = lambda: False) -> Outcome:
    """How the job ends in a process of its own, as workers run it."""
    asked: Mapping[str, Any] = {"name": "job-1", "body": body(folder), "images": {IMAGE: order}}
    with Slot() as slot:
        return slot.run({**asked, "memory_bytes": limits.memory_bytes}, limits, print, stop)


def shell(text: str) -> str:
    return f"sh -c {shlex.quote(text)}"


def test_all_that_a_command_started_ends_with_it(tmp_path: Path) -> None:
    """CC-07: out of time, the command's children end too."""
    marker = "86399.25"
    outcome = in_slot(tmp_path, shell(f"sleep {marker} & sleep {marker}; true"), Limits(3.0, 1 << 40))
    assert "longer than MaxRuntimeInSeconds" in (outcome.failure_reason or "")
    until(lambda: not alive(marker))


def test_the_memory_of_a_command_and_its_children_is_limited(tmp_path: Path) -> None:
    """CC-07: it is not our process that holds it."""
    greedy = f"{shlex.quote(sys.executable)} -c 'import time; x = bytearray({400 * MIB}); time.sleep(60)'"
    outcome = in_slot(tmp_path, shell(f"{greedy}; true"), Limits(60.0, 300 * MIB))
    assert outcome.status == "Failed"
    assert "more than its limit of 300 MiB" in (outcome.failure_reason or "")


ENGINE = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$1" in
  info) ;;
  run) while :; do sleep 0.2; done ;;
esac
"""


def test_a_container_ends_with_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CC-06, CC-07: killing the engine's command leaves a container running, so it is removed by its name.

    A program in the place of Docker's keeps what it is told: no container engine runs where tests do.
    """
    for name in ("docker", "podman"):
        engine = tmp_path / "bin" / name
        engine.parent.mkdir(exist_ok=True)
        engine.write_text(ENGINE.format(folder=tmp_path))
        engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    calls = tmp_path / "calls"
    started = threading.Event()

    def stop() -> bool:
        if calls.exists() and "\nrun " in calls.read_text():
            started.set()
        return started.is_set()

    asked = body(tmp_path, source="/data", Environment={"DOCKER_HOST": "tcp://elsewhere", "secret": "hush"})
    with Slot() as slot:
        told = {"name": "job-1", "body": asked, "images": {}, "memory_bytes": 512 * MIB}
        assert slot.run(told, Limits(60.0, 1 << 40), print, stop).status == "Stopped"
    lines: Sequence[str] = until(lambda: found if len(found := calls.read_text().splitlines()) > 3 else None)
    assert lines[0] == "info"
    assert lines[1] == lines[3] == "rm --force driftline-job-1"
    assert f"--memory {512 * MIB}" in lines[2]
    assert ":/opt/ml " in lines[2] and ":/data " in lines[2]
    assert "hush" not in lines[2]
