"""The console in a real browser, over a real server with imported rows: every page is walked, read and looked at."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import requests
from browsing import FAINT
from consoled import BUDGET_BYTES, BUDGET_SECONDS, UNFIT, Console, follow, token_of
from loaned import MODEL
from playwright.sync_api import Browser, Page


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


def test_rows_of_a_chosen_group_stay_those_of_it(console: Console) -> None:
    """On the next page, and in what is downloaded."""
    asked = console.signed_in()
    found = asked.get(f"{console.url}{console.pages['rows']}?group=1&limit=1", timeout=30).text
    assert re.search(r'href="\?after=\d+&amp;group=1"', found)
    assert found.count("/download?format=csv&amp;group=1") + found.count("/download?format=parquet&amp;group=1") == 2


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
