"""Rules in the console: made by forms and as YAML, tried on what was before they are kept, deleted."""

from __future__ import annotations

from pathlib import Path

from browsing import FAINT
from consoled import UNFIT, Console, follow, now
from loaned import MODEL
from playwright.sync_api import Browser, Page
from ringing import DRIFTS, Alerted

from driftline.alerting import register


def test_a_rule_is_tried_in_place_before_it_is_kept(
    console: Console, alerted: Alerted, page: Page, pictures: Path
) -> None:
    """Errors stand at their entry and nothing typed is lost; what it would have told is shown; then it is kept."""
    console.sign_in(page)
    page.goto(f"{console.url}{alerted.pages['rules']}")
    follow(page, "text=New rule for")
    assert page.url.endswith("/new-rule")
    page.fill("#name", "far-off")
    page.fill("#condition-measure", "baseline_drift")
    page.fill("#condition-above", "much")
    page.fill("#owner", "grace")
    page.press("#owner", "Enter")
    page.wait_for_selector("#condition-above[aria-invalid]")
    assert page.url.endswith("/new-rule")
    assert "Expected a number" in page.inner_text("#condition-above-told")
    assert page.input_value("#condition-above") == "much" and page.input_value("#owner") == "grace"
    page.fill("#condition-above", "0.05")
    page.select_option("#days", "all")
    page.click("text=Try >> nth=-1")
    page.wait_for_selector(".trial .lines svg rect.over")
    page.screenshot(path=pictures / "trial-light-1280.png", full_page=True)
    assert "It would have fired" in page.inner_text(".trial") and "car_value" in page.inner_text(".trial .lines tbody")
    assert page.evaluate("document.activeElement.id") == "try"
    page.click(".trial summary")
    assert "above 0.05" in page.inner_text(".trial details tbody")
    assert page.evaluate(UNFIT) == [] and page.evaluate(FAINT) == []
    assert "far-off" not in [each["name"] for each in rules_of(console)]
    follow(page, "text=Save")
    assert "baseline_drift above 0.05, at once" in page.inner_text("main tbody")
    follow(page, "main tbody >> text=far-off")
    page.fill("#count", "3")
    page.fill("#last", "2")
    follow(page, "text=Save")
    assert "1 <= count <= last" in page.inner_text("#count-told")
    page.click("summary")
    follow(page, "text=Delete far-off")
    assert "far-off" not in page.inner_text("main tbody")


def test_a_rule_does_not_take_the_place_of_another_unasked(console: Console, alerted: Alerted, page: Page) -> None:
    """And where it is of another kind, what both kinds have stays."""
    console.sign_in(page)
    page.goto(f"{console.url}{alerted.pages['new-rule']}")
    page.fill("#name", DRIFTS)
    page.fill("#condition-measure", "rows")
    page.fill("#condition-fall", "0.5")
    page.check("#condition-relative")
    follow(page, "text=Save")
    assert "open that one, or take another" in page.inner_text("#name-told")
    assert page.is_checked("#condition-relative")
    page.goto(f"{console.url}{alerted.pages['rule']}?kind=change")
    assert page.input_value("#condition-measure") == "baseline_drift" and page.input_value("#owner") == "grace"


def test_the_rules_of_a_model_are_changed_as_yaml(console: Console, alerted: Alerted, page: Page) -> None:
    """In the shape that the command line takes; one that is wrong is named, and none of them is kept."""
    console.sign_in(page)
    page.goto(f"{console.url}{alerted.pages['rules-yaml']}?rule={DRIFTS}")
    text = page.input_value("#text")
    assert text.startswith(f"- name: {DRIFTS}") and "above: 0.05" in text and "created" not in text
    both = text + "- name: quiet-days\n  condition: {kind: absence, of: labels, hours: 0}\n"
    page.fill("#text", both)
    follow(page, "text=Save")
    assert "rule 2 (quiet-days): condition.absence.hours" in page.inner_text(".trouble")
    assert page.input_value("#text") == both
    page.fill("#text", "- &a {name: x, condition: {kind: violations}}\n- *a\n")
    follow(page, "text=Save")
    assert "expected each rule written out" in page.inner_text(".trouble")
    page.fill("#text", both.replace("hours: 0", "hours: 48"))
    page.click("text=Try on all that was")
    page.wait_for_selector("#rules tbody tr")
    assert page.inner_text("#rules tbody tr >> nth=0").startswith(DRIFTS)
    follow(page, "text=Save")
    assert "no labels for 48 hours" in page.inner_text("main tbody")
    register_gone(console, MODEL, "quiet-days")


def test_rules_of_schedules_are_made_likewise(console: Console, page: Page) -> None:
    """Over executions: how many failed or found violations (AL-01)."""
    console.sign_in(page)
    page.goto(f"{console.url}/console/alerts/of-schedules/new-rule?kind=violations")
    page.fill("#name", "any-schedule")
    page.check("#condition-failed")
    page.fill("#schedule", "watched")
    follow(page, "text=Save")
    assert "a run with violations, or one that failed" in page.inner_text("main tbody")
    follow(page, "main tbody >> text=any-schedule")
    page.click("summary")
    follow(page, "text=Delete any-schedule")
    assert "any-schedule" not in page.inner_text("main")


def test_alerts_rules_and_channels_are_found_by_name(console: Console, alerted: Alerted, page: Page) -> None:
    """By the search that stands on each page."""
    console.sign_in(page)
    for text, place in (("DRIFTS-F", "/rules/"), ("ops-b", "/channels/"), ("car_val", "/console/alerts/")):
        page.fill("#q", text)
        with page.expect_navigation():
            page.press("#q", "Enter")
        follow(page, f"main a[href*='{place}'] >> nth=0")
        assert place in page.url


def test_rules_are_tried_without_any_script(console: Console, alerted: Alerted, browser: Browser) -> None:
    """The page that follows says the same."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    console.sign_in(page)
    page.goto(f"{console.url}{alerted.pages['rule']}")
    page.select_option("#days", "all")
    follow(page, "text=Try >> nth=-1")
    assert "It would have fired" in page.inner_text(".trial")
    context.close()


def rules_of(console: Console) -> list[dict[str, object]]:
    """The rules of the model, by REST."""
    found: list[dict[str, object]] = console.signed_in().get(
        f"{console.url}/v1/models/{MODEL}/rules", timeout=30
    ).json()["items"]  # fmt: skip
    return found


def register_gone(console: Console, model: str, name: str) -> None:
    """Forget a rule that a test made."""
    with console.made.catalog.begin() as tx:
        register.delete(tx, model, name, now=now(console.made), settings=console.made.settings)
