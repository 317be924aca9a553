"""Capture with real processes, a real S3 server and real kills; X-18."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import capturing
import pytest
from captured import ids, objects, records
from s3 import READER, Server, use

from driftline.captures import CaptureConfig, CaptureLogger, Journal, Limits

PROGRAM = Path(capturing.__file__)
KILLS = 15


def start(journal: Path, destination: str, run: str, answers: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The program; its answers are in a file, which outlives it."""
    command = [sys.executable, str(PROGRAM), str(journal), destination, run]
    with answers.open("ab") as file:
        return subprocess.Popen(command, stdout=file, env={**os.environ, **env})


def kill_one(
    journal: Path, destination: str, run: str, folder: Path, env: Mapping[str, str], rng: random.Random
) -> None:
    """Two processes on one journal; the one is killed at a random moment after its first answer, then the other."""
    answers = [folder / f"{run}-{each}.answers" for each in "ab"]
    processes = [start(journal, destination, path.stem, path, env) for path in answers]
    try:
        until = time.monotonic() + 30
        while not all(path.exists() and path.stat().st_size for path in answers):
            assert time.monotonic() < until
            assert all(process.poll() is None for process in processes)
            time.sleep(0.01)
        for process in processes:
            time.sleep(rng.random() * 0.25)
            process.send_signal(signal.SIGKILL)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def answered(folder: Path) -> set[str]:
    """All calls that had an answer; half a line is none."""
    return {
        line
        for path in folder.glob("*.answers")
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
        if line.endswith("\n")
    }


@pytest.fixture(params=["folder", "s3"])
def destination(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where captured data go."""
    if request.param == "folder":
        yield str(tmp_path / "captured")
        return
    server: Server = request.getfixturevalue("s3")
    use(monkeypatch, server.environment())
    bucket = server.bucket(f"captured-{random.SystemRandom().randrange(10**9)}")
    yield f"s3://{bucket}/data-capture"


def test_a_kill_at_any_moment_loses_and_doubles_nothing(destination: str, tmp_path: Path) -> None:
    """Every record whose caller had an answer is there exactly once, whatever the process was doing."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng, journal = random.Random(seed), tmp_path / "journal"
    (tmp_path / "answers").mkdir()
    for turn in range(KILLS):
        kill_one(journal, destination, f"run{turn}", tmp_path / "answers", {}, rng)
    last = Journal(journal)
    assert last.flush()
    assert not list(journal.glob("*.segment"))
    calls, found = {line.strip() for line in answered(tmp_path / "answers")}, Counter(ids(destination))
    assert len(calls) > 20 * KILLS
    assert not calls - found.keys(), "lost"
    assert not [call for call, count in found.items() if count > 1], "doubled"
    assert len(found.keys() - calls) <= 3 * 2 * KILLS, "at most one call in each thread was not answered"
    events = [record["eventMetadata"]["eventId"] for record in records(destination)]
    assert len(set(events)) == len(events)


def test_a_storage_that_refuses_gets_everything_later(
    s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials that do not suffice, then others: the caller never waits, and nothing is lost."""
    destination = f"s3://{s3.bucket(f'refuses-{random.SystemRandom().randrange(10**9)}')}/captured"
    use(monkeypatch, s3.environment(READER))
    journal = Journal(tmp_path, limits=Limits(seconds=0.2))
    logger = CaptureLogger(destination, endpoint="churn", journal=journal)
    slowest = 0.0
    for number in range(300):
        began = time.monotonic()
        assert logger.log(input="1,2", output="0", inference_id=str(number))
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.003)
    assert journal.counts.failures
    assert slowest < 0.5
    use(monkeypatch, s3.environment())
    until = time.monotonic() + 20
    while journal.counts.backlog_bytes and time.monotonic() < until:
        time.sleep(0.1)
    assert sorted(ids(destination), key=int) == [str(number) for number in range(300)]
    journal.close()


def test_a_server_that_stalls_delays_nobody(s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle, as a storage that hangs; the process may end in time all the same."""
    use(monkeypatch, s3.environment())
    bucket = s3.bucket(f"stalls-{random.SystemRandom().randrange(10**9)}")
    journal = Journal(tmp_path, limits=Limits(seconds=0.1))
    logger = CaptureLogger(f"s3://{bucket}/captured", endpoint="churn", journal=journal)
    with ExitStack() as stack:
        s3.process.send_signal(signal.SIGSTOP)
        stack.callback(s3.process.send_signal, signal.SIGCONT)
        began = time.monotonic()
        for number in range(200):
            assert logger.log(input="1,2", output="0", inference_id=str(number))
            time.sleep(0.002)
        journal.close(seconds=1)
        assert time.monotonic() - began < 5
    until = time.monotonic() + 30
    while list(tmp_path.iterdir()) and time.monotonic() < until:  # the thread of the first still stores
        assert Journal(tmp_path).flush()
        time.sleep(0.1)
    assert sorted(ids(f"s3://{bucket}/captured"), key=int) == [str(number) for number in range(200)]


def test_captured_data_are_encrypted_with_the_key(s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KmsKeyId of DataCaptureConfig."""
    use(monkeypatch, s3.environment())
    bucket = s3.bucket("encrypted-captures")
    config = CaptureConfig(f"s3://{bucket}/captured", kms_key="alias/captured")
    with CaptureLogger(config, endpoint="churn", journal=tmp_path) as logger:
        logger.log(input="1,2", output="0", inference_id="a")
        assert logger.flush()
    (uri,) = objects(config.destination)
    head = s3.client().head_object(Bucket=bucket, Key=uri.removeprefix(f"s3://{bucket}/"))
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/captured")
    assert ids(config.destination) == ["a"]


def test_the_normal_end_of_a_process_stores_what_is_left(tmp_path: Path) -> None:
    """Without close."""
    program = (
        "from driftline.captures import *\n"
        f"logger = CaptureLogger({str(tmp_path / 'out')!r}, endpoint='churn', journal={str(tmp_path / 'journal')!r})\n"
        "logger.log(input='1', inference_id='a')\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(str(tmp_path / "out")) == ["a"]


def test_a_disk_that_takes_only_a_part_of_a_record(tmp_path: Path) -> None:
    """A file that may grow no more stands for a full disk: that record is a gap, those around it are whole."""
    program = f"""
import resource
from driftline.captures import *
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
journal = Journal({str(tmp_path / "journal")!r}, limits=Limits(seconds=3600))
logger = CaptureLogger({str(tmp_path / "out")!r}, endpoint="churn", journal=journal)
for number in range(200):
    if logger.log(input="1,2", output="0", inference_id=str(number)):
        print(number)
journal.close()
assert 0 < journal.counts.dropped < 50, journal.counts
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the journal cannot be written: File too large" in done.stderr
    kept = done.stdout.split()
    assert 150 < len(kept) < 200
    assert sorted(ids(str(tmp_path / "out")), key=int) == kept
