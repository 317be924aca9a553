"""Monitors, schedules, executions and their constraints in the console: made, changed and tried in a real browser."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from browsing import FAINT
from consoled import BUDGET_BYTES, UNFIT, Console, follow, token_of, watch
from loaned import MODEL
from monitored import baseline, capture, hours_ago, monitored
from playwright.sync_api import Page
from sqlalchemy import delete, insert

from driftline.catalog import executions, resources
from driftline.catalog.tables import execution
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

HELD = f"/console/models/{MODEL}/monitors/held"
LIMITS = f"{HELD}/constraints"


@pytest.fixture(scope="module")
def held(console: Console) -> Console:
    """An installation with a monitor of these tests' own."""
    watch(console.made, "held", "data-quality")
    return console


def looked_at(page: Page, pictures: Path, name: str) -> None:
    """Pictures of the page, light and dark, desk and phone, each of which everybody can read."""
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.screenshot(path=pictures / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate(FAINT) == [], (name, scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    assert page.evaluate(UNFIT) == [], name
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


def test_limits_are_tried_on_the_last_window_and_kept(held: Console, page: Page, pictures: Path) -> None:
    """What goes is seen before it is kept; the next run is judged by it, and no row is read again (DB-02)."""
    held.sign_in(page)
    page.goto(held.url + LIMITS)
    before = int(page.inner_text(".facts b >> nth=0"))
    assert before > 0
    assert page.locator("tbody tr >> nth=0 >> small.bad").count() >= 1  # those with violations first
    looked_at(page, pictures, "limits")
    column = page.input_value("tbody tr >> nth=0 >> input[type=hidden]")
    drift = page.locator("tbody tr >> nth=0 >> input[name^=drift]")
    drift.fill("9")
    drift.blur()
    page.wait_for_selector("#effect .side.good")  # shown by itself, once the field is left
    assert column in page.inner_text("#effect .side.good")
    looked_at(page, pictures, "limits-tried")
    drift.fill("much")
    page.click("text=Keep these limits")
    page.wait_for_selector("small.wrong")
    assert "expected a number that is not below 0" in page.inner_text("small.wrong >> nth=0")
    assert drift.input_value() == "much"
    drift.fill("9")
    follow(page, "text=Keep these limits")
    assert "Kept." in page.inner_text(".done")
    assert int(page.inner_text(".facts b >> nth=0")) < before
    assert page.locator("#earlier + ol li").count() == 1
    follow(page, "text=held >> nth=0")
    follow(page, "text=Run now")
    held.made.work()
    page.reload()
    assert f"{before - 1}" in page.inner_text(".facts b >> nth=0")


def test_a_monitor_is_made_changed_and_deleted_by_forms(held: Console, page: Page, pictures: Path) -> None:
    """What is wrong is told at its field, and what was typed is kept; then it runs, is paused, back-filled and gone."""
    held.sign_in(page)
    page.goto(f"{held.url}/console/models/{MODEL}")
    follow(page, "text=New monitor")
    page.fill("#name", "weekly")
    page.fill("#cadence", "cron(0 25 ? * MON *)")
    page.wait_for_selector("#coming .bad")
    page.fill("#cadence", "cron(0 6 ? * MON *)")
    page.wait_for_selector("#coming >> text=at 06:00 on Monday")
    assert page.locator("#coming time").count() == 5
    page.select_option("#basis", "rolling")
    page.fill("#days", "14")
    page.fill("#where", "salary_range is low")
    page.fill("[name='measure.psi']", "0.25")
    looked_at(page, pictures, "monitor-new")
    follow(page, "text=Make the monitor")
    assert "expected a line such as country = DE" in page.inner_text("#wrong-where")
    assert page.input_value("#days") == "14"
    page.fill("#where", "repaid_loan_on_prev_car = true")
    page.fill("#thresholds", '{"comparison_threshold": 0.2}')
    follow(page, "text=Make the monitor")
    assert page.inner_text("h1") == "weekly"
    assert "the 14 days before each window" in page.inner_text(".facts")
    assert page.locator(".intro time").count() == 5
    key = {"Authorization": f"Bearer {held.key}"}
    url = f"{held.url}/v1/models/{MODEL}/monitors/weekly"
    kept = requests.get(url, headers=key, timeout=30).json()
    assert kept["settings"] == {"measures": {"*": {"psi": 0.25}}}
    assert kept["where"] == {"repaid_loan_on_prev_car": True} and kept["against"]["days"] == 14
    follow(page, "text=Edit")
    page.fill("#cadence", "rate(1 day)")
    page.fill("#delay", "1.5")
    follow(page, "text=Keep the changes")
    after = requests.get(url, headers=key, timeout=30).json()
    assert {**after, "cadence": 0, "delay_seconds": 0, "next": 0, "modified": 0} == {
        **kept, "cadence": 0, "delay_seconds": 0, "next": 0, "modified": 0,
    }  # fmt: skip
    assert after["delay_seconds"] == 5400
    follow(page, "text=Pause")
    assert "nothing is planned until it is started" in page.inner_text("main")
    page.fill("#since", "2019-03-30T00:00")
    page.fill("#until", "2019-04-01T00:00")
    follow(page, "button:text('Backfill')")
    assert "2 runs are queued" in page.inner_text(".done")
    looked_at(page, pictures, "monitor")
    page.fill("#start", "2039-03-30T00:00")
    page.fill("#end", "2039-04-01T00:00")
    follow(page, "text=Run this window")
    assert "Nothing can be there yet" in page.inner_text(".wrong")
    follow(page, "text=Delete")
    looked_at(page, pictures, "monitor-delete")
    follow(page, "text=Delete the monitor")
    assert page.inner_text("h1") == "Car loans"
    assert requests.get(url, headers=key, timeout=30).status_code == 404


@pytest.fixture(scope="module")
def scheduled(console: Console, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A schedule of SageMaker whose last execution found a violation; its name."""
    folder = tmp_path_factory.mktemp("scheduled")
    baseline(folder)
    for age in (2, 1):
        capture(folder, "Odd", hours_ago(age), odd=age == 1)
    monitored(console.made.catalog, folder, "Odd", now=hours_ago(2) + timedelta(minutes=5))
    worker = Worker(console.made.catalog, Settings(workers=1, poll_seconds=0.1), Access(), node="tests")
    worker.start()
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            with console.made.catalog.read() as tx:
                found = executions.last_of(tx, "odd", 10)
            if len(found) == 2 and not any(each.is_open for each in found):
                return "odd"
            time.sleep(0.1)
    finally:
        worker.stop()
    raise TimeoutError("the executions did not end")


def test_an_execution_shows_what_was_read_and_the_rows_behind_a_violation(
    console: Console, scheduled: str, page: Page, pictures: Path
) -> None:
    """Hours, files, rows, pictures, log, manifest and the command that replays it (E-05)."""
    console.sign_in(page)
    page.goto(f"{console.url}/console/schedules/{scheduled}")
    follow(page, "tbody a >> nth=0")
    assert "Rows behind it" in page.inner_text(".fired")
    assert page.locator("#pictures").count() == 1 and page.locator(".card svg").count() >= 1
    assert "from 1 file" in page.inner_text(".facts")
    assert "driftline executions replay" in page.inner_text(".copied")
    looked_at(page, pictures, "execution")
    page.fill("[name=find]", "rows read")
    follow(page, "text=Filter")
    assert page.inner_text("pre.log >> nth=-1").count("\n") == 1
    follow(page, "text=Rows behind it >> nth=0")
    assert page.locator("#rows").count() == 1 and page.locator("tbody tr").count() >= 1
    looked_at(page, pictures, "captured")


def test_constraints_of_a_schedule_are_tried_and_written_where_it_reads_them(
    console: Console, scheduled: str, page: Page, pictures: Path
) -> None:
    """From statistics.json alone; the file of before is kept, and who saw an older one is refused."""
    console.sign_in(page)
    key = {"Authorization": f"Bearer {console.key}"}
    url = f"{console.url}/v1/schedules/{scheduled}/constraints"
    before = requests.get(url, headers=key, timeout=30).json()
    page.goto(f"{console.url}/console/schedules/{scheduled}/constraints")
    assert "Type of values: 0.98" in page.inner_text("tbody")
    looked_at(page, pictures, "limits-schedule")
    page.click("text=What holds for all columns")
    page.fill("[name='config.datatype_check_threshold']", "0.97")
    page.fill("[name^=completeness] >> nth=0", "")
    page.click("text=Show the effect")
    page.wait_for_selector("#effect .side.good")
    assert "age" in page.inner_text("#effect .side.good")
    follow(page, "text=Keep these limits")
    after = requests.get(url, headers=key, timeout=30).json()
    assert after["document"]["monitoring_config"]["datatype_check_threshold"] == 0.97
    assert "completeness" not in after["document"]["features"][1]
    assert json.loads(Path(after["earlier"][0]).read_text()) == before["document"]
    assert json.loads(Path(after["uri"]).read_text()) == after["document"]
    wanted = {"document": before["document"], "mark": before["mark"]}
    late = requests.put(url, headers=key, json=wanted, timeout=30)
    assert late.status_code == 409 and "changed by somebody else" in late.text
    wrong = requests.put(url, headers=key, json={**wanted, "document": {"features": 3}}, timeout=30)
    assert wrong.status_code in (400, 409)
    back = requests.put(url, headers=key, json={**wanted, "mark": after["mark"]}, timeout=30)
    assert back.status_code == 200 and back.json()["mark"] == before["mark"]
    page.goto(f"{console.url}/console/schedules/{scheduled}/constraints?text=true")
    page.fill("#document", "{")
    follow(page, "text=Keep these limits")
    assert "This is no JSON" in page.inner_text("#wrong-document") and page.input_value("#document") == "{"


def test_a_schedule_is_made_changed_and_deleted_by_forms(
    console: Console, scheduled: str, page: Page, pictures: Path
) -> None:
    """Its cron in words with the next times; another baseline makes another job definition, that of before stays."""
    assert scheduled
    console.sign_in(page)
    page.goto(f"{console.url}/console/schedules")
    follow(page, "text=New schedule")
    page.fill("#name", "made-here")
    page.fill("#endpoint", "Odd")
    page.fill("#expression", "cron(0 0/6 ? * * *)")
    page.wait_for_selector("#coming >> text=every 6 hours from 00:00")
    page.fill("#output", "reports")
    looked_at(page, pictures, "schedule-new")
    follow(page, "text=Make the schedule")
    assert "Nothing was kept" in page.inner_text(".trouble") and page.input_value("#output") == "reports"
    page.fill("#output", "s3://loans/reports")
    page.fill("#endpoint", "nowhere")
    follow(page, "text=Make the schedule")
    assert "does not exist" in page.inner_text("#wrong-endpoint")
    page.fill("#endpoint", "Odd")
    page.fill("#expression", "cron(0 25 ? * * *)")
    follow(page, "text=Make the schedule")
    assert "expected 0 to 23" in page.inner_text("#wrong-expression")
    page.fill("#expression", "cron(0 2 ? * * *)")
    follow(page, "text=Make the schedule")
    assert page.inner_text("h1") == "made-here" and "at 02:00" in page.inner_text(".facts")
    assert page.locator(".intro time").count() == 5
    key = {"Authorization": f"Bearer {console.key}"}
    url = f"{console.url}/v1/schedules/made-here"
    first = requests.get(url, headers=key, timeout=30).json()
    follow(page, "text=Edit")
    page.fill("#expression", "cron(0 * ? * * *)")
    follow(page, "text=Keep the changes")
    second = requests.get(url, headers=key, timeout=30).json()
    assert second["expression"] == "cron(0 * ? * * *)" and second["definition"] == first["definition"]
    follow(page, "text=Edit")
    page.fill("#constraints", "s3://loans/baseline/constraints.json")
    follow(page, "text=Keep the changes")
    third = requests.get(url, headers=key, timeout=30).json()
    assert third["definition"] != first["definition"] and third["endpoint"] == "Odd"
    settings = requests.get(f"{url}/settings", headers=key, timeout=30).json()
    assert settings["constraints"] == "s3://loans/baseline/constraints.json"
    looked_at(page, pictures, "schedule")
    follow(page, "text=Delete")
    follow(page, "text=Delete the schedule")
    assert requests.get(url, headers=key, timeout=30).status_code == 404


def test_many_executions_are_paged(console: Console, scheduled: str, page: Page) -> None:
    """Fifty on a page, by status too; the page of a schedule stays small (DB-02)."""
    with console.made.catalog.begin() as tx:
        one = executions.last_of(tx, scheduled, 1)[0]
        values = [
            {
                **asdict(one), "id": str(uuid4()), "schedule": "many", "name": "many", "body": {}, "job": None,
                "scheduled": one.scheduled - timedelta(hours=at), "status": "Failed" if at % 15 == 0 else "Completed",
            }
            for at in range(1500)
        ]  # fmt: skip
        tx.execute(insert(execution), values)
        kept = resources.get(tx, "monitoring-schedule", scheduled)
        resources.create(tx, replace(kept, name="many", arn=f"{kept.arn}-many"))
    asked = console.signed_in()
    whole = asked.get(f"{console.url}/console/schedules/many", timeout=30)
    assert len(whole.content) < BUDGET_BYTES and whole.text.count("/console/executions/") == 50
    console.sign_in(page)
    page.goto(f"{console.url}/console/schedules/many?status=Failed")
    assert page.locator("tbody tr").count() == 50
    follow(page, "text=Next page")
    assert page.locator("tbody tr").count() == 50 and page.locator("text=Next page").count() == 0
    with console.made.catalog.begin() as tx:
        resources.delete(tx, "monitoring-schedule", "many")
        tx.execute(delete(execution).where(execution.c.schedule == "many"))


def test_limits_of_model_quality_are_those_of_metrics_and_readers_change_none(console: Console, page: Page) -> None:
    """Each page has its facts as JSON; without scripts the effect is a page of its own."""
    console.sign_in(page, console.reader)
    path = f"{console.url}/console/models/{MODEL}/monitors/quality/constraints"
    page.goto(path)
    assert page.locator("#limits input:not([type=hidden]):enabled").count() == 0
    assert page.locator("text=Keep these limits").count() == 0
    asked = console.signed_in()
    told = asked.get(path, params={"format": "json"}, timeout=30).json()
    assert told["constraints"]["kind"] == "model-quality" and told["last"]["run"]
    limits = told["constraints"]["document"]["binary_classification_constraints"]
    metric = next(name for name, each in limits.items() if each["comparison_operator"] == "LessThanThreshold")
    form = {"token": token_of(asked.get(path, timeout=30).text), f"limit.{metric}": "0.01"}
    tried = asked.post(f"{path}/trials", data=form, timeout=30)
    assert "in place of" in tried.text and 'value="0.01"' in tried.text
    again = asked.get(path, params={"format": "json"}, timeout=30).json()
    assert again["constraints"] == told["constraints"]
