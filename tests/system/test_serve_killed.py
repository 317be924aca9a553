"""`kill -9` of the whole server, while schedules run and calls are captured: it comes back, and nothing is amiss."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from captured import ids
from models import running_model
from monitored import ARN, baseline, capture, hours_ago, monitored

from driftline.catalog import Catalog, executions, resources, traffic, work
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource
from driftline.window import Window

KILLS = int(os.environ.get("DRIFTLINE_TEST_SERVE_KILLS", "12"))
SCHEDULES, HOURS, CALLERS = 4, 6, 3
LONGEST_SECONDS = 600.0
KEY, SECRET = "DRIFTLINETESTS", "a-secret-for-tests-0123456789"
BEGAN = hours_ago(0)


@dataclass
class Server:
    """`driftline serve` in a home, started again and again at one address."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it has a group of its own, in which all its children are."""
        settings = {"HOME": str(self.home), "ACCESS_KEY": KEY, "SECRET_KEY": SECRET, "ATTEMPTS": "1000"}
        settings |= {"POLL_SECONDS": "0.05", "LEASE_SECONDS": "5", "WORKERS": "1", "DELAY_SECONDS": "0"}
        environment = {**os.environ, **{f"DRIFTLINE_{name}": value for name, value in settings.items()}}
        command = [str(Path(sys.executable).parent / "driftline"), "serve", "--port", str(self.port)]
        with (self.home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def end(self, number: int) -> int:
        """Send the signal to all its processes, and wait for it; the result is its exit status."""
        assert self.process is not None
        os.killpg(self.process.pid, number)
        return self.process.wait(30)

    def client(self, service: str) -> Any:
        """A client that tries once: a second attempt would be a second call."""
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=f"http://127.0.0.1:{self.port}", config=config, **keys)


@dataclass
class Calls:
    """What the callers tried, and which calls had an answer."""

    tried: set[str] = field(default_factory=set)
    answered: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def work(self, client: Any, name: str) -> None:
        """Call until the end; a call without an answer is not repeated."""
        number = 0
        while not self.ended.is_set():
            call, number = f"{name}-{number}", number + 1
            self.tried.add(call)
            try:
                client.invoke_endpoint(EndpointName="live", Body=b"41,2", ContentType="text/csv", InferenceId=call)
            except (BotoCoreError, ClientError):  # nobody is there, or it died with the call
                self.ended.wait(0.05)
            else:
                self.answered.append(call)
                self.ended.wait(0.005)


@contextmanager
def calling(server: Server) -> Iterator[Calls]:
    """Callers for the length of a block."""
    calls = Calls()
    clients = [server.client("sagemaker-runtime") for _ in range(CALLERS)]
    threads = [threading.Thread(target=calls.work, args=(each, f"c{place}")) for place, each in enumerate(clients)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        calls.ended.set()
        for thread in threads:
            thread.join()


def live(catalog: Catalog, folder: Path, url: str) -> None:
    """The endpoint that is called: all its calls are captured."""
    config = {
        "EndpointConfigName": "live",
        "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "live"}],
        "DataCaptureConfig": {
            "DestinationS3Uri": f"{folder}/live",
            "InitialSamplingPercentage": 100,
            "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        },
    }
    container = {"Image": "live:1", "Environment": {"DRIFTLINE_MODEL_URL": url}}
    bodies: dict[str, Any] = {"endpoint-config": config, "endpoint": {"EndpointConfigName": "live"}}
    bodies["model"] = {"ModelName": "live", "PrimaryContainer": container}
    now = datetime.now(UTC)
    with catalog.begin() as tx:
        for kind, body in bodies.items():
            resources.create(tx, Resource(kind, "live", f"{ARN}:{kind}/live", body, "InService", now, now))


def past(catalog: Catalog, folder: Path) -> None:
    """Schedules with hours to catch up on, every third of them odd; the files of all are the same two."""
    baseline(folder)
    for odd in (False, True):
        capture(folder, f"odd-{odd}", BEGAN, rows=20_000, odd=odd)
    for place in range(SCHEDULES):
        for age in range(1, HOURS + 1):
            (source,) = (folder / "capture" / f"odd-{age % 3 == 0}").rglob("*.jsonl")
            hour = folder / "capture" / f"e{place}" / "AllTraffic" / f"{BEGAN - timedelta(hours=age):%Y/%m/%d/%H}"
            hour.mkdir(parents=True)
            os.link(source, hour / source.name)
        monitored(catalog, folder, f"e{place}", now=BEGAN - timedelta(hours=HOURS) + timedelta(minutes=1))


def all_of(catalog: Catalog) -> list[Execution]:
    """Every execution; those of an hour that began while the test ran are none of its windows."""
    with catalog.read() as tx:
        found = executions.search(tx, executions.Search(limit=10_000)).items
    return [each for each in found if each.scheduled <= BEGAN]


def ended(catalog: Catalog) -> int:
    """The number of executions that have ended."""
    return sum(not each.is_open for each in all_of(catalog))


def waited(condition: Any, end: float) -> None:
    """Wait until it holds; the test fails if that is never."""
    while not condition():
        assert time.monotonic() < end, "there is no progress"
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.slow
def test_a_server_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """SC-12, X-18: by progress, not by time, so that server and callers are busy on any machine."""
    home, end = tmp_path / "home", time.monotonic() + LONGEST_SECONDS
    home.mkdir()
    catalog = Catalog(f"sqlite:///{home / 'driftline.sqlite'}")
    catalog.migrate()
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng, server, busy = random.Random(seed), Server(home, free_port()), 0
    past(catalog, tmp_path)
    with running_model() as model:
        live(catalog, tmp_path, model.url)
        server.start()
        try:
            with calling(server) as calls:
                for _ in range(KILLS):
                    answers = len(calls.answered) + max(0, rng.randrange(-15, 60))  # or while it is starting
                    most = min(ended(catalog) + rng.choice((0, 1, 2)), SCHEDULES * HOURS)
                    waited(lambda: len(calls.answered) >= answers and ended(catalog) >= most, end)  # noqa: B023
                    time.sleep(rng.uniform(0.0, 0.2))
                    assert server.end(signal.SIGKILL) == -signal.SIGKILL
                    print(f"{len(calls.answered)} answers, {ended(catalog)} runs")
                    busy += any(each.status == "InProgress" for each in all_of(catalog))
                    server.start()
                answers = len(calls.answered)
                waited(lambda: len(calls.answered) > answers and ended(catalog) == SCHEDULES * HOURS, end)
            assert server.end(signal.SIGTERM) == 0
        finally:
            if server.process is not None and server.process.poll() is None:
                server.end(signal.SIGKILL)
    assert busy > KILLS // 4, "no execution ran when it was killed"
    executed(catalog, tmp_path)
    kept(catalog, calls, tmp_path)
    catalog.close()


def executed(catalog: Catalog, folder: Path) -> None:
    """Each window was run once, as its data deserve, by one job that left its files."""
    found = all_of(catalog)
    assert len({(each.schedule, each.scheduled) for each in found}) == len(found) == SCHEDULES * HOURS
    for each in found:
        age = round((BEGAN - each.window_start) / timedelta(hours=1))
        assert each.status == ("CompletedWithViolations" if age % 3 == 0 else "Completed"), each.failure_reason
    with catalog.read() as tx:
        jobs = resources.search(tx, "processing-job", resources.Search(limit=10_000)).items
        assert {each.job for each in found} == {job.name for job in jobs}
        assert {job.status for job in jobs} == {"Completed"}
        assert work.length(tx) == 0
    assert len(list((folder / "reports").rglob("constraint_violations.json"))) == SCHEDULES * HOURS


def kept(catalog: Catalog, calls: Calls, folder: Path) -> None:
    """Every call that had an answer is captured once; of the others at most those that a kill cut off."""
    found, answered = Counter(ids(str(folder / "live"))), set(calls.answered)
    assert len(answered) > 10 * KILLS
    assert not answered - found.keys(), "lost"
    assert not [call for call, count in found.items() if count > 1], "doubled"
    assert found.keys() <= calls.tried
    assert len(found.keys() - answered) <= CALLERS * KILLS
    assert not list((folder / "home" / "journal").glob("*.segment"))
    with catalog.read() as tx:
        seen = traffic.between(tx, "live", Window(BEGAN, BEGAN + timedelta(hours=2)))
    assert 0 < seen.calls == seen.captured <= len(found)
