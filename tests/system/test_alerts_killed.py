"""The alerting worker killed at random moments: each flip reaches the receiver, and counts once by its key."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from driftline import registry
from driftline.alerting import register
from driftline.alerting.rule import Rule, Threshold
from driftline.catalog import Catalog, deliveries, modelruns
from driftline.catalog.modelruns import ModelRun
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model
from driftline.settings import Settings

KILLS = 12
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def ended(catalog: Catalog, hour: int, drift: float) -> None:
    """A run that has just ended, which measured this drift in three columns."""
    now, end = catalog.clock(), BEGAN + timedelta(hours=hour)
    figures = [{"subject": name, "name": "baseline_drift", "value": drift, "limit": None} for name in "abc"]
    body = {"asked": {}, "kind": "data-quality", "origin": "schedule", "figures": figures}
    made = ModelRun(
        str(uuid.uuid4()), "churn", "drift", "", "production", end - timedelta(hours=1), end, now, 1, now,
        status="Completed", body=body, ended=now,
    )  # fmt: skip
    with catalog.begin() as tx:
        assert modelruns.add(tx, made)


def test_each_flip_is_told_once_across_kills(tmp_path: Path) -> None:
    """AL-09: drift that comes and goes, two workers of which one is killed again and again."""
    heard: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    catalog = Catalog(Settings(home=tmp_path).url)
    catalog.migrate()
    with catalog.begin() as tx:
        registry.create_model(tx, Model("churn", "Churn"), now=BEGAN)
        monitors.create(tx, ModelMonitor("churn", "drift", "data-quality"), now=BEGAN)
        config = {"url": f"http://127.0.0.1:{hook.server_port}/", "secret": "env:HOOK"}
        register.put_channel(tx, "ops", "webhook", config, now=BEGAN)
        register.put(tx, Rule("churn", "drift", Threshold("baseline_drift", above=0.2), "drift"), now=BEGAN)
    told = {
        "DRIFTLINE_HOME": str(tmp_path),
        "HOOK": "s3cret",
        "DRIFTLINE_WORKERS": "1",
        "DRIFTLINE_POLL_SECONDS": "0.05",
    }
    environment = {**os.environ, **told, "DRIFTLINE_LEASE_SECONDS": "1"}
    command = [sys.executable, "-m", "driftline", "worker", "--plans"]
    dice, place = random.Random(6), iter(range(10_000))
    steady = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(KILLS):
            killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until = time.monotonic() + dice.uniform(1.0, 3.0)
            while time.monotonic() < until:
                hour = next(place)
                ended(catalog, hour, 0.3 * (hour % 2))
                time.sleep(0.2)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        if next(place) % 2 == 0:  # the last window was bad
            ended(catalog, 9_999, 0.0)
        _settle(catalog)
    finally:
        steady.terminate()
        steady.wait(30)
        hook.shutdown()
        hook.server_close()
    counted = Counter(each["key"] for each in heard)
    order = list(dict.fromkeys((each["key"], each["state"]) for each in heard))
    assert [state for _, state in order] == ["firing", "resolved"] * (len(order) // 2)
    assert len(order) >= KILLS
    assert sum(counted.values()) - len(counted) <= KILLS  # taken, and its worker killed before that was noted
    with catalog.read() as tx:
        log = deliveries.page(tx, {}, 1000, None).items
    assert {found.status for found, _ in log} == {"sent"}
    assert len(log) == len(counted)
    catalog.close()


def _settle(catalog: Catalog) -> None:
    """Wait until nothing flips and nothing waits any more."""
    end, before = time.monotonic() + 90, -1
    while time.monotonic() < end:
        with catalog.read() as tx:
            log = deliveries.page(tx, {}, 1000, None).items
        if len(log) == before and len(log) % 2 == 0 and all(found.status == "sent" for found, _ in log):
            return
        before = len(log)
        time.sleep(3)
    pytest.fail("deliveries wait")
