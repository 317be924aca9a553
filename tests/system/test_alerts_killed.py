"""The alerting worker killed at random moments: each flip reaches each receiver, and counts once by its key."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from nursery import nursery

from driftline import registry
from driftline.alerting import register
from driftline.alerting.rule import Rule, Threshold
from driftline.catalog import Catalog, alerting, deliveries, modelruns
from driftline.catalog.modelruns import ModelRun
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model
from driftline.settings import Settings

AWAY_SECONDS = float(os.environ.get("AWAY_SECONDS", "6"))
"""How long one of the receivers cannot be reached; ten minutes have been tried by hand."""
PATIENCE_SECONDS = 120 + AWAY_SECONDS  # the pause between two attempts grows as long as the absence lasts
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Hook:
    """A webhook that can be away: then nothing listens at its address."""

    port: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        """Listen, at the same address as before."""
        hook = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Answers)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Be away."""
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()


def ended(catalog: Catalog, hour: int) -> None:
    """A run that has just ended; every other one measured too much drift in three columns."""
    now, end = catalog.clock(), BEGAN + timedelta(hours=hour)
    figures = [{"subject": name, "name": "baseline_drift", "value": 0.3 * (hour % 2), "limit": None} for name in "abc"]
    body = {"asked": {}, "kind": "data-quality", "origin": "schedule", "figures": figures}
    made = ModelRun(
        str(uuid.uuid4()), "churn", "drift", "", "production", end - timedelta(hours=1), end, now, 1, now,
        status="Completed", body=body, ended=now,
    )  # fmt: skip
    with catalog.begin() as tx:
        assert modelruns.add(tx, made)


def prepared(url: str, hooks: dict[str, Hook]) -> Catalog:
    """A model with a monitor, a rule, and a channel to each hook."""
    catalog = Catalog(url)
    catalog.migrate()
    with catalog.begin() as tx:
        registry.create_model(tx, Model("churn", "Churn"), now=BEGAN)
        monitors.create(tx, ModelMonitor("churn", "drift", "data-quality"), now=BEGAN)
        for name, hook in hooks.items():
            config = {"url": f"http://127.0.0.1:{hook.port}/", "secret": "env:HOOK"}
            register.put_channel(tx, name, "webhook", config, now=BEGAN)
        rule = Rule("churn", "drift", Threshold("baseline_drift", above=0.2), "drift")
        register.put(tx, rule, now=BEGAN, settings=Settings())
    return catalog


@pytest.mark.parametrize(("engine", "kills"), [("sqlite", 50), ("postgresql", 10)])
def test_each_flip_is_told_once_across_kills(tmp_path: Path, engine: str, kills: int) -> None:
    """AL-09: drift that comes and goes, two workers of which one is killed again and again, a receiver that is away."""
    hooks = {"up": Hook(), "away": Hook()}
    for each in hooks.values():
        each.open()
    url = Settings(home=tmp_path).url if engine == "sqlite" else postgres_url()
    catalog = prepared(url, hooks)
    told = {
        "DRIFTLINE_HOME": str(tmp_path),
        "DRIFTLINE_DATABASE_URL": url,
        "HOOK": "s3cret",
        "DRIFTLINE_POLL_SECONDS": "0.05",
        "DRIFTLINE_LEASE_SECONDS": "1",
    }
    dice, hours = random.Random(6), 1
    ended(catalog, 0)
    with nursery({**os.environ, **told}) as workers:
        workers.start()  # one that lives on
        _until(lambda: _judged(catalog, 0))
        gone = time.monotonic()
        hooks["away"].close()
        for _ in range(kills):
            killed = workers.start()
            until = time.monotonic() + dice.uniform(0.02, 0.4)
            while time.monotonic() < until:
                ended(catalog, hours)
                hours += 1
                time.sleep(dice.uniform(0.05, 0.3))
            workers.kill(killed)
        if hours % 2 == 0:  # the last one was bad
            ended(catalog, hours)
            hours += 1
        time.sleep(max(0.0, gone + AWAY_SECONDS - time.monotonic()))
        hooks["away"].open()
        _until(lambda: _judged(catalog, hours - 1) and _is_told(catalog))
    with catalog.read() as tx:
        log = deliveries.page(tx, {}, 1_000_000, None).items
        flips = alerting.flips(tx, alerting.states(tx, "churn")[0], 1_000_000)
    catalog.close()
    assert {found.status for found, _ in log} == {"sent"}
    assert len(flips) == hours - 1 >= kills
    for name, hook in hooks.items():
        hook.close()
        counted = Counter(each["key"] for each in hook.heard)
        states = [state for _, state in dict.fromkeys((each["key"], each["state"]) for each in hook.heard)]
        assert states == ["firing", "resolved"] * (len(flips) // 2)
        assert set(counted) == {found.message for found, _ in log if found.channel == name}
        assert len(counted) == len(flips)
        # what was taken, and its worker killed before that was noted, comes again with the same key
        assert sum(counted.values()) - len(counted) <= kills


def _judged(catalog: Catalog, hour: int) -> bool:
    """Whether the window that ends at this hour was judged."""
    with catalog.read() as tx:
        cursor = alerting.get_rule(tx, "churn", "drift").cursor
    return cursor.get("drift", "") >= (BEGAN + timedelta(hours=hour)).isoformat()


def _is_told(catalog: Catalog) -> bool:
    with catalog.read() as tx:
        return not deliveries.page(tx, {"status": "pending"}, 1, None).items


def _until(found: Any) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not found():
        assert time.monotonic() < end, "deliveries wait"
        time.sleep(0.2)
