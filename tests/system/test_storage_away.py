"""Object storage that refuses, and that stalls: runs wait for it, and then finish."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import s3
from monitored import baseline, capture, hours_ago, monitored
from s3 import Server, running_s3, use

from driftline.catalog import Catalog, executions
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

BUCKET = "away"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that the surroundings lead to."""
    with running_s3(tmp_path / "s3") as server:
        use(monkeypatch, server.environment())
        server.bucket(BUCKET)
        yield server


def upload(folder: Path, store: Server) -> None:
    """All files of a folder into the bucket."""
    client = store.client()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            client.upload_file(str(path), BUCKET, path.relative_to(folder).as_posix())


def refuse(store: Server, folder: Path, seconds: float) -> None:
    """End the server, and start it again on the same ports later."""
    store.process.kill()
    store.process.wait()
    time.sleep(seconds)
    command = s3._command(folder, folder / "s3.json", store.ports)
    log = subprocess.DEVNULL
    object.__setattr__(store, "process", subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))


def stall(store: Server, seconds: float) -> None:
    """Let the server be silent for a while: connections open, nothing answers."""
    os.kill(store.process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(store.process.pid, signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["refuse", "stall"])
def test_runs_wait_for_the_storage(store: Server, tmp_path: Path, how: str) -> None:
    """Every window is analysed once the storage is back, and none fails meanwhile."""
    files = tmp_path / "files"
    files.mkdir()
    baseline(files)
    for age in (1, 2, 3):
        capture(files, "s", hours_ago(age))
    upload(files, store)
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    monitored(catalog, f"s3://{BUCKET}", "s", now=hours_ago(3) + timedelta(minutes=1))
    away = threading.Thread(target=stall, args=(store, 6.0))
    if how == "refuse":
        away = threading.Thread(target=refuse, args=(store, tmp_path / "s3", 4.0))
    away.start()
    worker = Worker(catalog, Settings(workers=2, poll_seconds=0.1, attempts=20), Access(), node="tests")
    worker.start()
    try:
        end = time.monotonic() + 120
        while True:
            with catalog.read() as tx:
                found = executions.last_of(tx, "s", 10)
            if len(found) == 3 and not any(each.is_open for each in found):
                break
            assert time.monotonic() < end, [(each.status, each.failure_reason) for each in found]
            time.sleep(0.2)
    finally:
        worker.stop()
        away.join()
        catalog.close()
    assert [(each.status, each.failure_reason) for each in found] == [("Completed", None)] * 3
