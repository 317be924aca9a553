"""Alerts from outside: rules by the command line and REST, a real worker, a webhook that checks the signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from driftline import registry
from driftline.catalog import Catalog, keys, modelruns
from driftline.catalog.modelruns import ModelRun
from driftline.cli import main
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

RULES = """
- name: drift
  monitor: drift
  condition: {kind: threshold, measure: baseline_drift, above: 0.2}
  severity: critical
  text: See the runbook.
"""


@dataclass
class Receiver:
    """A webhook that takes what is signed, from its third request on."""

    events: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0

    def answer(self, headers: Any, body: bytes) -> int:
        """The status of the answer."""
        self.requests += 1
        signed = hmac.new(b"s3cret", f"{headers['Driftline-Timestamp']}.".encode() + body, hashlib.sha256).hexdigest()
        if headers["Driftline-Signature"] != f"v1={signed}":
            return 400
        if self.requests < 3:
            return 503
        self.events.append(json.loads(body))
        return 200


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    """The webhook and its address."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(made.answer(self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made, f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    """A server with a model and a monitor, and a worker beside it, for the commands of this process."""
    settings = Settings(home=tmp_path, poll_seconds=0.1, workers=1)
    made = Catalog(settings.url)
    made.migrate()
    now = datetime.now(UTC)
    with made.begin() as tx:
        registry.create_model(tx, Model("churn", "Churn"), now=now)
        monitors.create(tx, ModelMonitor("churn", "drift", "data-quality", cadence="rate(1 hour)"), now=now)
        key = keys.create_api_key(tx, "tests", ["read", "write", "admin"], now=now)
    monkeypatch.setenv("HOOK", "s3cret")  # before the worker's processes begin
    listener, worker = Listener(create_app(settings, made), "127.0.0.1", 0), Worker(made, settings, Access())
    listener.start()
    worker.start()
    monkeypatch.setenv("DRIFTLINE_URL", listener.url)
    monkeypatch.setenv("DRIFTLINE_API_KEY", key)
    yield made
    worker.stop()
    listener.stop()
    made.close()


def ended(catalog: Catalog, hour: int, drift: float) -> None:
    """A run that has just ended, which measured this drift."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=10 - hour)
    figures = [{"subject": "age", "name": "baseline_drift", "value": drift, "limit": 0.1}]
    body = {"asked": {}, "kind": "data-quality", "origin": "schedule", "rows": 100, "figures": figures}
    now = catalog.clock()
    start = end - timedelta(hours=1)
    made = ModelRun(
        str(uuid.uuid4()), "churn", "drift", "", "production", start, end, now, 1, now,
        status="Completed", body=body, ended=now,
    )  # fmt: skip
    with catalog.begin() as tx:
        assert modelruns.add(tx, made)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    """What a command answers."""
    assert main(["alerts", *arguments, "--json"]) == status
    answers = [line for line in capsys.readouterr().out.splitlines() if line[:1] in ("{", "[")]  # the server logs there
    return json.loads(answers[-1])


def until(found: Any, seconds: float = 180.0) -> Any:
    """What is found, once it is there."""
    end = time.monotonic() + seconds
    while not (there := found()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)
    return there


def test_from_a_rule_to_a_signed_webhook(
    catalog: Catalog, receiver: tuple[Receiver, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """AL-04, AL-07, AL-08, AL-09: each flip arrives once, though the receiver was away at first."""
    hook, url = receiver
    (tmp_path / "rules.yaml").write_text(RULES)
    ended(catalog, 1, 0.3)
    trial = said(capsys, "try-rules", "churn", str(tmp_path / "rules.yaml"))["drift"]
    assert [each["state"] for each in trial["flips"]] == ["FIRING"]
    assert said(capsys, "list") == []
    given = ("--config.url", url, "--config.secret", "env:HOOK")
    assert said(capsys, "put-channel", "ops", "webhook", *given)["least"] == "info"
    said(capsys, "put-rules", "churn", str(tmp_path / "rules.yaml"))
    firing = until(lambda: hook.events and hook.events[0])
    assert (firing["state"], firing["severity"], firing["monitoringScheduleName"]) == ("firing", "critical", "drift")
    assert "runbook" in firing["text"]
    alert = said(capsys, "list")[0]
    assert (alert["subject"], alert["value"], alert["limit"]) == ("age", 0.3, 0.2)
    assert said(capsys, "ack", alert["id"][:6])["acknowledged_by"].startswith("key:")
    assert said(capsys, "snooze", alert["id"], "--until", "2099-01-01")["snoozed"].startswith("2099")
    ended(catalog, 2, 0.1)
    until(lambda: len(hook.events) == 2)
    assert [each["state"] for each in hook.events] == ["firing", "resolved"]
    assert said(capsys, "list") == []
    log = until(lambda: [each for each in said(capsys, "deliveries") if each["status"] == "sent"][1:] or None)
    assert log[0]["attempts"] == 3
    shown = said(capsys, "show", alert["id"])
    assert [each["state"] for each in shown["flips"]] == ["OK", "FIRING"]
    for command in ("rules churn", "channels", "list --state any", f"show {alert['id']}", "deliveries", "quiets"):
        assert main(["alerts", *command.split()]) == 0
    assert "baseline_drift" in capsys.readouterr().out


def test_the_rest_of_its_life(catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be is refused, what is there is deleted; a channel that does not answer says so."""
    assert main(["alerts", "put-channel", "ops", "webhook", "--config.url", "http://127.0.0.1:9/"]) == 2
    assert "secret" in capsys.readouterr().err
    given = ("--config.url", "http://127.0.0.1:9/", "--config.secret", "env:HOOK", "--least", "critical")
    said(capsys, "put-channel", "ops", "webhook", *given)
    assert main(["alerts", "test-channel", "ops"]) == 2
    told = capsys.readouterr().err
    assert "webhook" in told
    assert "s3cret" not in told
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps([{"name": "r", "condition": {"kind": "absence", "of": "money", "hours": 1}}]))
    assert main(["alerts", "put-rules", "churn", str(rules)]) == 2
    rules.write_text("{")
    assert main(["alerts", "put-rules", "churn", str(rules)]) == 2
    capsys.readouterr()
    rules.write_text(json.dumps([{"name": "r", "condition": {"kind": "absence", "of": "imports", "hours": 1}}]))
    said(capsys, "put-rules", "churn", str(rules))
    quiet = said(capsys, "quiet", "--until", "2099-01-01", "--model", "churn", "--note", "moving")
    assert [each["note"] for each in said(capsys, "quiets")] == ["moving"]
    said(capsys, "end-quiet", quiet["id"])
    said(capsys, "delete-rule", "churn", "r")
    said(capsys, "delete-channel", "ops")
    assert (said(capsys, "rules", "churn"), said(capsys, "channels"), said(capsys, "quiets")) == ([], [], [])
    assert main(["alerts", "show", "abcdef"]) == 2


def test_rules_of_schedules_and_pages_of_alerts(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """AL-11, AL-12: every condition by the command line, why one says nothing yet; alerts page by page."""
    config = ("--config.url", "http://127.0.0.1:9/", "--config.secret", "env:HOOK", "--digest", "day")
    assert said(capsys, "put-channel", "team", "webhook", *config)["digest"] == "day"
    rules = tmp_path / "rules.json"
    told: dict[str, dict[str, Any]] = {
        "usual": {"kind": "anomaly", "measure": "rows", "side": "below"},
        "segment": {"kind": "change", "measure": "rows", "fall": 0.5, "relative": True, "to": "drift"},
        "part": {"kind": "partial", "below": 0.9},
        "rejects": {"kind": "rejected", "above": 0.05},
        "values": {"kind": "violations", "check": "categorical_values_check"},
        "stale": {"kind": "absence", "of": "version", "hours": 1000},
        "stopped": {"kind": "absence", "of": "schedule", "hours": 1},
        "drift": {"kind": "threshold", "measure": "baseline_drift", "above": 0.2},
        "any": {"kind": "threshold", "measure": "baseline_drift", "above": 0.1},
    }
    rules.write_text(json.dumps([{"name": name, "condition": each} for name, each in told.items()]))
    ended(catalog, 1, 0.3)
    assert len(said(capsys, "put-rules", "churn", str(rules))) == len(told)
    alerts = until(lambda: said(capsys, "list")[1:] and said(capsys, "list"))
    assert len(alerts) == 2 and len(said(capsys, "list", "--limit", "1")) == 1
    page = asked("/alerts?limit=1")
    rest = asked(f"/alerts?limit=1&token={page['next_token']}")
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == {each["id"] for each in alerts}
    assert (page["items"][0]["escalated"], page["items"][0]["schedule"], rest["next_token"]) == (False, None, None)
    silent = until(lambda: asked("/models/churn/rules/usual")["silent"])
    assert "0 past windows of its season, 4 are needed" in silent[0]
    rules.write_text(json.dumps([{"name": "usual", "condition": told["usual"]}]))
    assert said(capsys, "try-rules", "churn", str(rules))["usual"]["silent"] == silent
    rules.write_text(json.dumps([{"name": "alert", "condition": {"kind": "monitoring-alert"}}]))
    assert said(capsys, "put-schedule-rules", str(rules))[0]["model"] == ""
    assert [each["name"] for each in said(capsys, "schedule-rules")] == ["alert"]
    assert main(["alerts", "put-rules", "churn", str(rules)]) == 2
    rules.write_text(json.dumps([{"name": "failed", "condition": {"kind": "violations", "failed": True}}]))
    assert said(capsys, "try-schedule-rules", str(rules))["failed"]["windows"] == 0
    said(capsys, "delete-schedule-rule", "alert")
    assert main(["alerts", "schedule-rules"]) == 0


def asked(path: str) -> Any:
    """What the REST API answers."""
    key = os.environ["DRIFTLINE_API_KEY"]
    url = f"{os.environ['DRIFTLINE_URL']}/v1{path}"
    return requests.get(url, headers={"authorization": f"Bearer {key}"}, timeout=60).json()
