"""A server with a console, imported rows and monitors that looked at them, shared by the tests of a process; a browser.

A test that changes things makes its own first, or leaves these as they were.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.compute as pc
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from browsing import running_browser
from deltalake import DeltaTable
from loaned import MODEL, SCHEMA, VERSION, Installation, analysis, day, reference
from playwright.sync_api import Browser, Page
from sqlalchemy import insert

from driftline.alerting import planning as judging
from driftline.alerting.register import put as register_rule
from driftline.alerting.rule import Rule, Violations
from driftline.catalog import alerts, executions, hours, keys, modelruns, resources
from driftline.catalog.executions import Execution
from driftline.catalog.hours import HourPart, Subject
from driftline.catalog.imports import digest_of
from driftline.catalog.resources import Resource
from driftline.catalog.tables import import_file
from driftline.inferences import rollups
from driftline.inferences.hours import Hourly
from driftline.inferences.sheetbytes import store
from driftline.modelmonitors import queueing, register
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.schemas.fields import Environment
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.storage.access import Access

FIRST, LAST = "2019-03-29", "2019-04-02"
BUDGET_BYTES, BUDGET_SECONDS = 300_000, 30.0
"""Of a page; the seconds only tell a page that hangs: how long pages take is measured, not tested."""

# Form fields and links without a name (folded away, they have none yet), tables without headings, headings that skip a
# level, and ids that occur twice.
UNFIT = """() => {
  const found = [];
  const named = (node) => (node.getAttribute("aria-label") || node.innerText || node.title || "").trim();
  for (const node of document.querySelectorAll("input:not([type=hidden], [hidden]), select"))
    if (!node.labels.length) found.push("no label: " + node.outerHTML.slice(0, 80));
  for (const node of document.querySelectorAll("a, button"))
    if (node.checkVisibility() && !named(node) && !node.querySelector(".unseen"))
      found.push("no name: " + node.outerHTML.slice(0, 80));
  for (const node of document.querySelectorAll("table"))
    if (!node.querySelector("th[scope]")) found.push("no headings: " + node.outerHTML.slice(0, 80));
  for (const node of document.querySelectorAll("svg"))
    if (!node.hasAttribute("aria-hidden") && !node.getAttribute("aria-label")) found.push("mute drawing");
  let level = 0;
  for (const node of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(node.tagName[1]);
    if (next > level + 1) found.push("skips a level: " + node.innerText);
    level = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push("twice: " + id);
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  if (!document.documentElement.lang || !document.querySelector("main")) found.push("no language or main");
  return found;
}"""


@dataclass(frozen=True)
class Console:
    """A server, keys that may write and that may only read, and the pages there are."""

    url: str
    key: str
    reader: str
    made: Installation
    pages: dict[str, str]

    def sign_in(self, page: Page, key: str = "") -> None:
        """Give the key, as a person does."""
        page.goto(f"{self.url}/console")
        page.fill("input[name=key]", key or self.key)
        follow(page, "button")
        assert page.inner_text("h1") == "Overview"

    def signed_in(self) -> requests.Session:
        """The same without a browser."""
        found = requests.Session()
        asked = found.get(f"{self.url}/console/sign-in", timeout=30)
        form = {"key": self.key, "token": token_of(asked.text)}
        answer = found.post(f"{self.url}/console/sign-in", data=form, timeout=30, allow_redirects=False)
        assert answer.status_code == 303
        return found


def follow(page: Page, selector: str) -> None:
    """Click, and be on the page that follows."""
    with page.expect_navigation():
        page.click(selector)


def serious(page: Page) -> list[str]:
    """What axe-core finds on the page that keeps somebody out, seriously or entirely: the rule, and where."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def token_of(text: str) -> str:
    """The token of the first form of a page."""
    found = re.search(r'name="token" value="(\w+)"', text)
    assert found is not None
    return found[1]


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A model with a training set, days of production, a monitor of two kinds, a failed file and labels."""
    made = Installation(tmp_path_factory.mktemp("console"))
    training = reference().slice(0, 8_000)
    made.predictions(training, Environment.TRAINING)
    made.labels(training, Environment.TRAINING)
    for at in range((day(LAST) - day(FIRST)).days):
        start = day(FIRST) + timedelta(at)
        made.predictions(analysis(f"{start:%Y-%m-%d}", f"{start + timedelta(1):%Y-%m-%d}"))
    profile_hours(made)
    watch(made, "drift", "data-quality")
    watch(made, "quality", "model-quality")
    made.labels(analysis(FIRST, "2019-04-01"))
    with made.catalog.begin() as tx:
        queueing.backfill(tx, MODEL, "quality", day(FIRST), day(LAST), made.catalog.clock())
    made.work()
    job, number = next(iter(made.jobs.values())), fail(made)
    with made.catalog.begin() as tx:
        rule = Rule(MODEL, "moved", Violations(), monitor="drift", text="Ask the shop.")
        register_rule(tx, rule, now=now(made), settings=made.settings)
    judging.plan(made.catalog, now(made), made.settings)
    execution = schedule(made)
    with made.catalog.begin() as tx:
        key = keys.create_api_key(tx, "ada", ["read", "write"], now=datetime.now(UTC))
        reader = keys.create_api_key(tx, "eve", ["read"], now=datetime.now(UTC))
        run = next(each for each in modelruns.of_monitor(tx, MODEL, "drift") if each.violations)
    pages = {
        "overview": "/console", "model": f"/console/models/{MODEL}", "run": f"/console/runs/{run.id}",
        "rows": f"/console/runs/{run.id}/violations/0", "features": f"/console/models/{MODEL}/features",
        "feature": f"/console/models/{MODEL}/features/car_value", "imports": "/console/imports",
        "category": f"/console/models/{MODEL}/features/salary_range",
        "import": f"/console/imports/{job}", "file": f"/console/files/{number}", "schedules": "/console/schedules",
        "schedule": "/console/schedules/watched", "execution": f"/console/executions/{execution}",
        "search": "/console/search?q=car",
    }  # fmt: skip
    listener = Listener(create_app(made.settings, made.catalog), "127.0.0.1", 0)
    listener.start()
    yield Console(listener.url, key, reader, made, pages)
    listener.stop()
    made.catalog.close()


def profile_hours(made: Installation) -> None:
    """The hourly profiles of all rows, as a pass of an import job writes them, merged to days and months."""
    rows = DeltaTable(made.tables.inferences_uri(MODEL, VERSION)).to_pyarrow_table()
    for environment in ("training", "production"):
        subject = Subject(MODEL, VERSION, environment)
        hourly = Hourly(subject, SCHEMA)
        for batch in rows.filter(pc.field("_environment") == environment).to_batches():
            hourly.observe(batch)
        sheets = hourly.sheets()
        places = store(sheets, f"{made.folder}/hours-{environment}", Access())
        with made.catalog.begin() as tx:
            hours.add(tx, subject, [HourPart(at, "1", places[at], sheet.rows) for at, sheet in sheets.items()])
        rollups.roll_up(made.catalog, subject, f"{made.folder}/days", Access(), until=made.catalog.clock())


def watch(made: Installation, name: str, kind: str) -> None:
    """A monitor that looked at each day."""
    with made.catalog.begin() as tx:
        register.create(tx, ModelMonitor(MODEL, name, kind, cadence="rate(1 day)"), now=made.catalog.clock())
        queueing.backfill(tx, MODEL, name, day(FIRST), day(LAST), made.catalog.clock())
    made.work()


def now(made: Installation) -> datetime:
    """The time."""
    return made.catalog.clock()


def schedule(made: Installation) -> str:
    """A schedule of SageMaker that ran once, without its files; the id of the execution."""
    definition = {"MonitoringJobDefinition": {"MonitoringInputs": []}, "MonitoringType": "DataQuality"}
    config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, **definition}
    at, arn = now(made).replace(minute=0, second=0, microsecond=0), "arn:aws:sagemaker:us-east-1:1:schedule/watched"
    labels = {"type": "DataQuality", "endpoint": "shop"}
    body = {"MonitoringScheduleConfig": config}
    kept = Resource("monitoring-schedule", "watched", arn, body, "Scheduled", at, at, labels)
    ran = Execution(
        str(uuid4()), "watched", at, at - timedelta(hours=1), at, at, at, status="Failed",
        failure_reason="No object was captured in the hour.", type="DataQuality", endpoint="shop",
    )  # fmt: skip
    with made.catalog.begin() as tx:
        resources.create(tx, kept)
        alerts.add(tx, alerts.Alert("watched", "watched", at, at, alerts.IN_ALERT))
        assert executions.add(tx, ran)
    return ran.id


def fail(made: Installation) -> int:
    """A file that could not be read."""
    fault: dict[str, Any] = {
        "code": "R-02", "message": "a <b>time</b> that is none", "row": 3, "column": "timestamp",
        "value": "<i>soon</i>", "count": 2, "rows": [3, 9], "field": None,
    }  # fmt: skip
    found = now(made)
    uri = "s3://loans/<odd>.parquet"
    values: dict[str, Any] = {
        "number": 99, "job": next(iter(made.jobs.values())), "digest": digest_of(uri), "uri": uri, "etag": "e",
        "size": 1, "status": "failed", "attempts": 1, "rows": 9, "rejected": 9, "body": {"faults": [fault]},
        "found": found, "ended": found,
    }  # fmt: skip
    with made.catalog.begin() as tx:
        tx.execute(insert(import_file).values(**values))
    return 99


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For no longer than a module: its loop would be in the way of processes that others fork, and of Ctrl-C."""
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test if it says anything on the console or asks another server."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found, said = context.new_page(), list[str]()
    asked = list[str]()
    found.on("console", lambda message: said.append(message.text))
    found.on("pageerror", lambda error: said.append(str(error)))
    found.on("request", lambda request: asked.append(request.url))
    yield found
    context.close()
    assert not [each for each in said if "403" not in each]
    assert [each for each in asked if not each.startswith(("http://127.0.0.1:", "data:"))] == []


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages are kept: in DRIFTLINE_TEST_PICTURES, if that is set."""
    found = Path(os.environ.get("DRIFTLINE_TEST_PICTURES") or tmp_path_factory.mktemp("pictures"))
    found.mkdir(parents=True, exist_ok=True)
    return found
