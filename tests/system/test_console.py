"""The console in a real browser, over a real server with imported rows: every page is walked, read and looked at."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.compute as pc
import pytest
import requests
from browsing import FAINT, running_browser
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

# Form fields and links without a name, tables without headings, headings that skip a level, and ids that occur twice.
UNFIT = """() => {
  const found = [];
  const named = (node) => (node.getAttribute("aria-label") || node.innerText || node.title || "").trim();
  for (const node of document.querySelectorAll("input:not([type=hidden], [hidden]), select"))
    if (!node.labels.length) found.push("no label: " + node.outerHTML.slice(0, 80));
  for (const node of document.querySelectorAll("a, button"))
    if (!named(node) && !node.querySelector(".unseen")) found.push("no name: " + node.outerHTML.slice(0, 80));
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


def token_of(text: str) -> str:
    """The token of the first form of a page."""
    found = re.search(r'name="token" value="(\w+)"', text)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
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
        register_rule(tx, Rule(MODEL, "moved", Violations(), monitor="drift", text="Ask the shop."), now=now(made))
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


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages are kept: in DRIFTLINE_TEST_PICTURES, if that is set."""
    found = Path(os.environ.get("DRIFTLINE_TEST_PICTURES") or tmp_path_factory.mktemp("pictures"))
    found.mkdir(parents=True, exist_ok=True)
    return found


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_every_page_can_be_read_by_everybody(
    console: Console, page: Page, pictures: Path, scheme: str, width: int
) -> None:
    """Labels, names, headings, contrast, no sideways scrolling: light and dark, desk and phone; pictures are kept."""
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    console.sign_in(page)
    for name, path in console.pages.items():
        page.goto(console.url + path)
        page.screenshot(path=pictures / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate(UNFIT) == [], name
        assert page.evaluate(FAINT) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_every_page_is_small_quick_and_has_a_twin_in_json(console: Console) -> None:
    """Under 300 KB; the facts of each page are there for programs, too."""
    asked = console.signed_in()
    for name, path in console.pages.items():
        began = time.perf_counter()
        answer = asked.get(console.url + path, timeout=30)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200, (name, answer.text)
        assert len(answer.content) < BUDGET_BYTES, name
        assert seconds < BUDGET_SECONDS, (name, seconds)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "style=" not in answer.text.replace("style.css", "")
        assert "<script>" not in answer.text
        twin = asked.get(console.url + path, params={"format": "json"}, timeout=30)
        assert isinstance(twin.json(), dict), name
    key = {"Authorization": f"Bearer {console.key}"}
    told = requests.get(f"{console.url}/console?format=json", headers=key, timeout=30).json()
    assert [each["id"] for each in told["models"]] == [MODEL]


def test_from_the_overview_to_the_rows_behind_an_alarm(console: Console, page: Page) -> None:
    """Model, verdicts, run, violation, rows, file: each leads to the next (DB-01, DB-02, DB-05)."""
    console.sign_in(page)
    assert "drift found" in page.inner_text("main")
    follow(page, "text=Car loans")
    assert page.locator(".strip a.bad").count() >= 1
    assert page.locator(".strip a.good").count() >= 1
    assert "estimated" in page.inner_text("#main") and page.locator("svg.plot").count() >= 1
    follow(page, ".strip a.bad >> nth=0")
    assert "Rows behind it" in page.inner_text(".fired")
    follow(page, "text=Rows behind it >> nth=0")
    assert page.locator("#rows").count() == 1
    follow(page, "main table tbody td a >> nth=-1")
    assert page.inner_text("h1").startswith("File ")
    assert page.get_by_text("Alarms it took part in").count() == 1


def test_two_date_pickers_choose_the_windows(console: Console, page: Page) -> None:
    """The distribution now against any other window (DB-06)."""
    console.sign_in(page)
    page.goto(f"{console.url}/console/models/{MODEL}/features/car_value")
    before = page.inner_text(".facts b >> nth=0")
    page.fill("input[name=start]", "2019-03-29")
    page.fill("input[name=end]", "2019-03-29")
    follow(page, "button.main")
    assert "start=2019-03-29" in page.url
    assert float(page.inner_text(".facts b >> nth=0")) < float(before)
    assert "165" in page.inner_text(".facts")


def test_a_run_is_run_again_and_an_import_is_paused(console: Console, page: Page) -> None:
    """What forms do; and a failed file is read again."""
    console.sign_in(page)
    page.goto(console.url + console.pages["run"])
    follow(page, "text=Run again")
    assert "look 2" in page.inner_text(".facts")
    page.goto(console.url + console.pages["import"])
    follow(page, "text=Pause")
    assert page.inner_text(".title .pill") == "paused"
    follow(page, "text=Start")
    assert page.inner_text(".title .pill") == "active"
    assert page.get_by_text("a <b>time</b> that is none").count() == 1
    follow(page, "text=Read again")
    assert page.get_by_text("Read again").count() == 0


def test_an_alert_that_fires_is_seen_first_and_taken_on(console: Console, page: Page) -> None:
    """On the overview and at its model, with the run that says so (AL-09)."""
    console.sign_in(page)
    assert "Ask the shop." in page.inner_text("section >> nth=0")
    follow(page, "text=Acknowledge >> nth=0")
    assert page.inner_text("h1") == "Car loans"
    assert page.inner_text("section >> nth=0 >> tbody td >> nth=-1") == "ada"
    follow(page, "section >> nth=0 >> tbody th a >> nth=0")
    assert "/console/runs/" in page.url


def test_a_schedule_shows_its_executions_and_why_one_failed(console: Console, page: Page) -> None:
    """Alert, next times, executions with their reason (DB-02, E-05)."""
    console.sign_in(page)
    assert "in alert" in page.inner_text("main")
    follow(page, "text=watched")
    assert "No object was captured" in page.inner_text("main")
    assert page.locator(".intro time").count() == 5
    follow(page, "main tbody a >> nth=0")
    assert page.inner_text(".trouble") == "No object was captured in the hour."
    page.goto(f"{console.url}/console/schedules/watched")
    follow(page, "text=Stop")
    assert page.inner_text(".title .pill") == "stopped"
    follow(page, "text=Start")
    assert page.inner_text(".title .pill") == "scheduled"


def test_who_may_only_read_is_shown_no_forms_and_refused_what_they_do(console: Console, page: Page) -> None:
    """Scopes hold in the console as everywhere."""
    console.sign_in(page, console.reader)
    page.goto(console.url + console.pages["run"])
    assert page.get_by_text("Run again").count() == 0
    token = page.get_attribute("input[name=token]", "value")
    answer = page.request.post(f"{console.url}{console.pages['run']}/reruns", form={"token": token or ""})
    assert answer.status == 403
    assert "scope &#39;write&#39;" in answer.text()


def test_forms_of_other_sites_do_nothing(console: Console) -> None:
    """A form without the token that belongs to the session is refused; and so is a key that is not known."""
    asked = console.signed_in()
    for form in ({}, {"token": "0" * 64}, {"token": "é"}):
        answer = asked.post(f"{console.url}{console.pages['run']}/reruns", data=form, timeout=30)
        assert answer.status_code == 403
    refused = requests.post(f"{console.url}/console/sign-in", data={"key": console.key}, timeout=30)
    assert refused.status_code == 403
    wrong = requests.Session()
    token = token_of(wrong.get(f"{console.url}/console/sign-in", timeout=30).text)
    told = wrong.post(f"{console.url}/console/sign-in", data={"key": "dl_no", "token": token}, timeout=30)
    assert told.status_code == 403
    assert "not known" in told.text


def test_a_link_leads_through_signing_in_to_its_page(console: Console, page: Page) -> None:
    """And to nowhere else; signing out ends the session for good."""
    path = console.pages["import"] + "?status=failed"
    page.goto(console.url + path)
    page.fill("input[name=key]", console.key)
    follow(page, "button")
    assert page.url == console.url + path
    cookies = page.context.cookies()
    session = next(each for each in cookies if each["name"] == "driftline_session")
    assert session["httpOnly"] and session["sameSite"] == "Strict"
    answer = page.request.get(f"{console.url}/v1/model-runs")
    assert answer.status == 200
    assert page.request.delete(f"{console.url}/v1/models/{MODEL}").status == 401
    follow(page, "text=Sign out")
    kept = {"Cookie": f"driftline_session={session['value']}"}
    gone = requests.get(console.url + path, headers=kept, timeout=30, allow_redirects=False)
    assert gone.headers["location"].startswith("/console/sign-in?next=")
    away = requests.get(f"{console.url}/console/sign-in", params={"next": "//evil.example"}, timeout=30)
    assert 'name="next" value="/console"' in away.text
    cross = {**kept, "Sec-Fetch-Site": "cross-site"}
    again = requests.get(console.url + path, headers=cross, timeout=30, allow_redirects=False)
    assert 'http-equiv="refresh"' in again.text


def test_what_is_not_there_is_told_on_a_page(console: Console, page: Page) -> None:
    """Not as JSON."""
    asked = console.signed_in()
    missing = asked.get(f"{console.url}/console/models/none", timeout=30)
    assert missing.status_code == 404
    assert "There is no such thing" in missing.text
    assert asked.get(f"{console.url}/console/nowhere", timeout=30).status_code == 404
    assert asked.get(f"{console.url}/console/imports?status=<b>", timeout=30).status_code == 422
    home = requests.get(f"{console.url}/", headers={"Accept": "text/html"}, timeout=30, allow_redirects=False)
    assert home.headers["location"] == "/console"
    assert requests.get(f"{console.url}/", timeout=30).status_code == 404


def test_pages_are_read_without_any_script(console: Console, browser: Browser) -> None:
    """All is there but the reader's own time."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    console.sign_in(page)
    page.goto(console.url + console.pages["run"])
    assert "Rows behind it" in page.content()
    context.close()
