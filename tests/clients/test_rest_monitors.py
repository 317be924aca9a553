"""Monitors on imported data over REST, by plain HTTP: from a monitor to its runs, to the rows behind a violation."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from loaned import MODEL, VERSION, Installation, analysis, reference

from driftline.catalog import keys
from driftline.schemas.fields import Environment
from driftline.server.app import create_app
from driftline.server.listen import Listener

MONITORS = f"/models/{MODEL}/monitors"
WINDOW = {"start": "2019-03-31T00:00:00Z", "end": "2019-04-01T00:00:00Z"}


@dataclass(frozen=True)
class Api:
    """The REST API of a server over an installation, with a key."""

    url: str
    key: str
    made: Installation

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        """The answer, once it has the status."""
        answer = self.raw(method, path, body, **query)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def raw(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        """The answer as it is."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return requests.request(method, f"{self.url}/v1{path}", json=body, params=query, headers=headers, timeout=60)

    def run(self, name: str, body: Any = None) -> Any:
        """A run over a window, once it has ended."""
        made = self.ask("POST", f"{MONITORS}/{name}/runs", body or WINDOW, 201)
        self.made.work()
        return self.ask("GET", f"/model-runs/{made['id']}")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server of a model with a training set and two days of production."""
    made = Installation(tmp_path_factory.mktemp("rest"))
    made.predictions(reference().slice(0, 5_000), Environment.TRAINING)
    made.predictions(analysis("2019-03-30", "2019-03-31"))
    made.predictions(analysis("2019-03-31", "2019-04-01"))
    with made.catalog.begin() as tx:
        key = keys.create_api_key(tx, "tests", ["read", "write"], now=datetime.now(UTC))
    listener = Listener(create_app(made.settings, made.catalog), "127.0.0.1", 0)
    listener.start()
    yield Api(listener.url, key, made)
    listener.stop()
    made.catalog.close()


def test_a_monitor_is_made_shown_changed_paused_and_deleted(api: Api) -> None:
    """Its life, by every route; IA-05."""
    made = api.ask("POST", MONITORS, {"name": "life", "kind": "data-quality", "cadence": "rate(1 hour)"}, 201)
    assert made["against"]["basis"] == "training"
    assert made["next"] is not None
    assert api.ask("POST", MONITORS, {"name": "life", "kind": "bias"}, 400)["error"]["code"] == "invalid"
    assert "life" in api.ask("POST", MONITORS, {"name": "life", "kind": "data-quality"}, 409)["error"]["message"]
    changed = api.ask("PATCH", f"{MONITORS}/life", {"delay_seconds": 60, "lookback_days": 3})
    assert (changed["delay_seconds"], changed["lookback_days"]) == (60, 3)
    changed = api.ask("PATCH", f"{MONITORS}/life", {"cadence": None, "columns": ["car_value"], "where": None})
    assert (changed["cadence"], changed["next"], changed["columns"]) == (None, None, ["car_value"])
    changed = api.ask("PATCH", f"{MONITORS}/life", {"cadence": "rate(1 day)", "columns": None})
    assert (changed["next"] is None, changed["columns"]) == (False, None)
    assert api.ask("POST", f"{MONITORS}/life/pause")["next"] is None
    assert api.ask("POST", f"{MONITORS}/life/start")["next"] is not None
    assert [each["name"] for each in api.ask("GET", MONITORS)["items"]] == ["life"]
    assert api.ask("POST", f"{MONITORS}/life/baselines", status=202)["name"] == "life"
    api.made.work()
    assert api.ask("GET", f"{MONITORS}/life")["baseline"]["rows"] == 5_000
    api.ask("DELETE", f"{MONITORS}/life", status=204)
    assert api.ask("GET", f"{MONITORS}/life", status=404)["error"]["code"] == "not-found"


def test_a_run_leads_to_its_report_its_rows_and_a_download(api: Api) -> None:
    """From a violation to rows: file, row number, id, values; as a page and as files."""
    api.ask("POST", MONITORS, {"name": "rows", "kind": "data-quality", "version": VERSION}, 201)
    found = api.run("rows")
    assert found["status"] == "CompletedWithViolations"
    report = api.raw("GET", f"/model-runs/{found['id']}/report")
    assert "<html" in report.text and report.headers["content-security-policy"].startswith("sandbox ")
    place = next(each["place"] for each in found["broken"] if each["subject"] == "car_value")
    rows = f"/model-runs/{found['id'][:8]}/violations/{place}"
    page = api.ask("GET", f"{rows}/rows", limit=2)
    assert len(page["items"]) == 2
    assert page["items"][0]["uri"] == "s3://loans/3.parquet"
    assert page["groups"][0]["change"] != 0
    after = api.ask("GET", f"{rows}/rows", limit=2, after=page["next_after"])
    assert {each["id"] for each in after["items"]}.isdisjoint(each["id"] for each in page["items"])
    least = min(range(len(page["groups"])), key=lambda at: page["groups"][at]["change"])
    other = api.ask("GET", f"{rows}/rows", group=least)
    assert other["said"] != page["said"]
    download = api.raw("GET", f"{rows}/download", format="csv")
    told = list(csv.DictReader(io.StringIO(download.text)))
    assert told[0]["file"] == "s3://loans/3.parquet"
    assert f"-{place}.csv" in download.headers["content-disposition"]
    assert api.ask("GET", f"/model-runs/{found['id']}/violations/99/rows", status=404)
    alarms = api.ask("GET", "/files/3/alarms")["items"]
    assert found["id"] in [each["run"]["id"] for each in alarms]


def test_windows_segments_and_moments_of_ones_own(api: Api) -> None:
    """Any window, segment, and what was known at a moment; ER-27."""
    api.ask("POST", MONITORS, {"name": "any", "kind": "data-quality"}, 201)
    segment = {"salary_range": "40K - 60K €"}
    whole = api.run("any", {"start": "2019-03-30T12:00:00Z", "end": "2019-03-31T12:00:00Z"})
    some = api.run("any", {"start": "2019-03-30T12:00:00Z", "end": "2019-03-31T12:00:00Z", "where": segment})
    assert 0 < some["rows"] < whole["rows"] == 165
    assert (some["run"], some["where"]) == (2, segment)
    before = api.run("any", {**WINDOW, "as_of": "2020-01-01T00:00:00Z"})
    assert before["status"] in ("NoData", "NoBaseline")
    assert api.ask("POST", f"{MONITORS}/any/runs", {"start": WINDOW["start"]}, 400)
    again = api.ask("POST", f"/model-runs/{whole['id']}/reruns", status=201)
    assert again["run"] == 3
    api.made.work()
    results = api.ask("GET", f"{MONITORS}/any/results")["items"]
    assert len(api.ask("GET", f"{MONITORS}/any/results", limit=1)["items"]) == 1
    assert [each["runs"] for each in results if each["window_start"].startswith("2019-03-30T12")] == [2]


def test_runs_are_listed_by_page(api: Api) -> None:
    """The latest first, with the token of the page behind."""
    api.ask("POST", MONITORS, {"name": "pages", "kind": "data-quality", "cadence": "rate(6 hours)"}, 201)
    span = {"since": "2019-03-30T00:00:00Z", "until": "2019-03-31T00:00:00Z"}
    made = api.ask("POST", f"{MONITORS}/pages/backfills", span, 201)["items"]
    assert len(made) == 4
    first = api.ask("GET", "/model-runs", monitor="pages", limit=3)
    rest = api.ask("GET", "/model-runs", monitor="pages", limit=3, token=first["next_token"])
    assert {each["id"] for each in (*first["items"], *rest["items"])} == {each["id"] for each in made}
    assert rest["next_token"] is None
    api.ask("DELETE", f"{MONITORS}/pages", status=204)
    assert api.made.work() == []


def test_settings_that_cannot_be_are_refused_before_anything_is_kept(api: Api) -> None:
    """What, got what, allowed what."""

    def told(body: dict[str, Any], status: int = 400) -> str:
        answer = api.ask("POST", MONITORS, {"name": "wrong", "kind": "data-quality", **body}, status)
        return str(answer["error"]["message"])

    assert "one of compatible, measures" in told({"settings": {"measure": {}}})
    assert "rate(N hours) or cron(...)" in told({"cadence": "hourly"})
    assert "fields such as car_value" in told({"columns": ["cars"]})
    assert "an actual of the model: repaid" in told({"kind": "model-quality", "label": "paid"})
    assert "start and end" in told({"against": {"basis": "window"}})
    assert "not found" in told({"version": "9"}, 404)
    assert "the URL of its /invocations" in told({"kind": "explainability", "settings": {"model": "os:system"}})
    assert api.ask("GET", f"{MONITORS}/wrong", status=404)
