"""Alerts in the console: seen worst first, taken on, silenced; channels made and tried there; maintenance."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from browsing import FAINT
from consoled import BUDGET_BYTES, UNFIT, Console, follow, now, token_of
from loaned import MODEL
from playwright.sync_api import Page
from ringing import DRIFTS, Alerted

from driftline.alerting import register
from driftline.alerting.rule import Rule, Violations
from driftline.catalog import alerting, keys
from driftline.catalog.alerting import State


@dataclass
class Receiver:
    """An HTTP server that takes what it is told, with a status that can be set."""

    url: str
    told: list[dict[str, object]] = field(default_factory=list)
    status: int = 200


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made: Receiver

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(made.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    made = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_of_alerts_can_be_read_by_everybody(
    console: Console, alerted: Alerted, page: Page, pictures: Path, width: int
) -> None:
    """Labels, names, headings, contrast, no sideways scrolling: light and dark, desk and phone; pictures are kept."""
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    console.sign_in(page)
    for name, path in alerted.pages.items():
        page.goto(console.url + path)
        page.emulate_media(color_scheme="light")
        page.screenshot(path=pictures / f"{name}-light-{width}.png", full_page=True)
        assert page.evaluate(UNFIT) == [], name
        assert page.evaluate(FAINT) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert len(page.content()) < BUDGET_BYTES, name
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=pictures / f"{name}-dark-{width}.png", full_page=True)
        assert page.evaluate(FAINT) == [], name


def test_what_fires_is_taken_on_and_silenced(console: Console, alerted: Alerted, page: Page) -> None:
    """The worst first, with its past, its bound and what was sent; nobody is told of it for a while (AL-09, DB-03)."""
    console.sign_in(page)
    follow(page, "nav >> text=Alerts")
    assert page.inner_text("section.cause tbody th >> nth=0").startswith("car_value")
    assert "critical" in page.inner_text("section.cause h2 >> nth=0")
    follow(page, "section.cause >> text=Acknowledge >> nth=0")
    assert "ada looks after it" in page.inner_text("section.cause tbody tr >> nth=0")
    follow(page, "section.cause tbody th a >> nth=0")
    assert page.url.startswith(f"{console.url}/console/alerts/")
    told = page.inner_text("main")
    assert "grace" in told and "Ask the shop first." in told and "held against 0.05" in told and "503" in told
    assert page.locator(".past svg .over.dot").count() >= 1
    page.select_option(".title select", "4")
    follow(page, ".title >> text=Snooze")
    assert "not until" in page.inner_text(".facts")
    follow(page, ".title >> text=Tell again")
    assert "ops-board" in page.inner_text(".facts")
    follow(page, "text=The run that says so")
    assert "/console/runs/" in page.url


def test_a_channel_is_made_tested_and_deleted(
    console: Console, page: Page, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that is no reference does not come back; the test shows what the channel answers (AL-08)."""
    with console.made.catalog.begin() as tx:
        key = keys.create_api_key(tx, "admin-of-channels", ["read", "write", "admin"], now=now(console.made))
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    console.sign_in(page, key)
    page.goto(f"{console.url}/console/alerts/channels")
    follow(page, "text=New channel")
    page.fill("#name", "ringer")
    page.fill("#config-url", receiver.url)
    page.fill("#config-secret", "s3cret")
    follow(page, "text=Save")
    assert "expected env:NAME or file:" in page.inner_text("#config-secret-told")
    assert page.input_value("#config-secret") == "" and "s3cret" not in page.content()
    assert page.input_value("#config-url") == receiver.url
    page.fill("#config-secret", "env:HOOK_SECRET")
    page.select_option("#least", "warning")
    follow(page, "text=Save")
    page.click("#test-ringer")
    page.wait_for_selector(".well")
    assert receiver.told[-1]["state"] == "test"
    receiver.status = 500
    page.click("#test-ringer")
    page.wait_for_selector("#channels > .trouble")
    assert "500" in page.inner_text("#channels > .trouble")
    follow(page, "main tbody >> text=ringer")
    assert page.input_value("#least") == "warning" and page.input_value("#config-secret") == "env:HOOK_SECRET"
    page.click("summary")
    follow(page, "text=Delete ringer")
    assert page.locator("main tbody >> text=ringer").count() == 0
    with console.made.catalog.begin() as tx:
        keys.delete_api_key(tx, "admin-of-channels")


def test_history_and_deliveries_are_filtered_and_paged(console: Console, alerted: Alerted, page: Page) -> None:
    """By model, state, severity and time; by channel and status (DB-02)."""
    console.sign_in(page)
    page.goto(f"{console.url}/console/alerts/history?limit=1&rule={DRIFTS}")
    first = page.inner_text("main tbody")
    follow(page, "text=Next page")
    assert page.locator("main tbody tr").count() == 1 and page.inner_text("main tbody") != first
    page.goto(f"{console.url}/console/alerts/history")
    page.select_option("select[name=severity]", "critical")
    page.fill("input[name=until]", "2020-01-01")
    follow(page, "text=Show")
    assert "that these filters let through" in page.inner_text("main")
    page.fill("input[name=until]", "")
    follow(page, "text=Show")
    assert "warning" not in page.inner_text("main tbody")
    page.goto(f"{console.url}{alerted.pages['deliveries']}")
    page.select_option("select[name=channel]", "ops-board")
    page.select_option("select[name=status]", "pending")
    follow(page, "text=Show")
    assert "503" in page.inner_text("main tbody") and "3" in page.inner_text("main tbody td[data-name=Attempts]")


def test_maintenance_is_planned_and_ended(console: Console, alerted: Alerted, page: Page) -> None:
    """An end in the past is refused at its entry (AL-09)."""
    console.sign_in(page)
    page.goto(f"{console.url}{alerted.pages['maintenance']}")
    before = page.locator("main tbody tr").count()
    page.fill("#note", "a new release")
    page.fill("#until", "2020-01-01T00:00")
    follow(page, "text=Plan it")
    assert "a time in the future" in page.inner_text("#until-told")
    assert page.input_value("#note") == "a new release"
    page.fill("#until", f"{now(console.made) + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    follow(page, "text=Plan it")
    assert "all models" in page.inner_text("main tbody")
    follow(page, "tr:has-text('a new release') >> text=End it")
    assert page.locator("main tbody tr").count() == before


def test_the_alert_of_a_schedule_is_changed(console: Console, alerted: Alerted, page: Page) -> None:
    """N of the last M, and who is told (AL-01, AL-03)."""
    console.sign_in(page)
    page.goto(f"{console.url}{alerted.pages['schedule-alerts']}")
    follow(page, "main tbody >> text=watched")
    page.fill("#datapoints", "3")
    page.fill("#period", "2")
    page.fill("#topics", "my-topic")
    follow(page, "text=Save")
    assert "at most the period" in page.inner_text("#datapoints-told")
    page.fill("#datapoints", "2")
    follow(page, "text=Save")
    assert "expected an ARN" in page.inner_text("#topics-told")
    page.fill("#topics", "arn:aws:sns:us-east-1:123456789012:team")
    follow(page, "text=Save")
    page.goto(f"{console.url}{alerted.pages['schedule-alerts']}")
    assert "2 of the last 2" in page.inner_text("main tbody") and "1 topic" in page.inner_text("main tbody")
    page.goto(f"{console.url}{alerted.pages['schedule-alert']}")
    page.fill("#datapoints", "1")
    page.fill("#period", "1")
    page.fill("#topics", "")
    follow(page, "text=Save")
    assert page.input_value("#topics") == ""


def test_who_may_only_read_changes_no_alert(console: Console, alerted: Alerted, page: Page) -> None:
    """No forms, and refused what they do; the facts are there as JSON."""
    console.sign_in(page, console.reader)
    for name in ("alerts", "rule", "channels", "maintenance"):
        page.goto(f"{console.url}{alerted.pages[name]}")
        assert page.locator("main form[method=post] button").count() == 0, name
        assert page.request.get(f"{page.url}{'&' if '?' in page.url else '?'}format=json").json()
    token = page.get_attribute("input[name=token]", "value") or ""
    for path in (f"/console/alerts/{alerted.id}/acknowledge", f"/console/models/{MODEL}/rules"):
        assert page.request.post(console.url + path, form={"token": token}).status == 403
    writer = console.signed_in()
    token = token_of(writer.get(f"{console.url}/console/alerts", timeout=30).text)
    answer = writer.post(f"{console.url}/console/alerts/channels/ops-board/delete", data={"token": token}, timeout=30)
    assert answer.status_code == 403 and "admin" in answer.text


def test_a_flood_is_one_cause_and_taken_on_at_once(console: Console, page: Page) -> None:
    """The worst ten with advice, the others behind a link; the page stays small (AL-10)."""
    made = console.made
    with made.catalog.begin() as tx:
        for at in range(400):
            rule = f"flood-{at % 8}"
            if at < 8:
                many = Rule(MODEL, rule, Violations(least=10**6), enabled=False)
                register.put(tx, many, now=now(made), settings=made.settings)
            state = State(MODEL, rule, f"column-{at}", f"{at:032x}", "OK", "FIRING", 0, "flood", {}, now(made))
            body = {"about": f"column-{at}", "said": f"moved by {at}", "value": float(at), "limit": 1.0, "run": None}
            alerting.flip(tx, state, alerting.FIRING, {**body, "score": float(at), "window_end": None}, now(made))
    console.sign_in(page)
    page.goto(f"{console.url}/console/alerts")
    flood = page.locator("section.cause", has_text="flood")
    assert "400 at once" in flood.inner_text() and "consider retraining" in flood.inner_text()
    assert flood.locator("tbody tr").count() == 10 and "column-399" in flood.locator("tbody tr").first.inner_text()
    assert len(page.content()) < BUDGET_BYTES
    follow(page, "text=390 more of this cause")
    assert page.locator("tbody tr").count() == 150 and len(page.content()) < BUDGET_BYTES
    follow(page, "text=Acknowledge all")
    assert "ada looks after it" in page.locator("section.cause", has_text="flood").inner_text()
    with made.catalog.begin() as tx:
        for each in range(8):
            alerting.remove_rule(tx, MODEL, f"flood-{each}")
