"""The HTML report in a real browser: loads alone, searches, sorts, goes dark, prints, stays quick when wide."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from browsing import FAINT, PAINTED, running_browser, watched_page
from playwright.sync_api import Browser, Page

from driftline.monitors.constraints import Constraints
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Learnt
from driftline.pages.content import Content
from driftline.pages.report import fragment, render
from driftline.problems import Problem, Problems
from driftline.profile import Profile

WIDE = 500
ROWS = 400


def content(columns: int) -> Content:
    def table(shift: float) -> pa.Table:
        rng = np.random.default_rng(7)
        found: dict[str, object] = {}
        for i in range(columns):
            moved = shift * (i % 5 == 0)
            numbers = rng.normal(moved, 1, ROWS)
            found[f"f{i:04}"] = numbers if i % 4 else np.where(numbers > 0, "high", "low").tolist()
        found["<b>evil</b> " + "n" * 5000] = ["\u202e" + "v" * 3000] * ROWS
        return pa.table(found)

    before, now = Profile.of(table(0.0)), Profile.of(table(2.0))
    verdict = DataQuality().evaluate(Learnt(Constraints.suggest(before), before), now)
    problems = Problems.of([Problem("a.csv", "expected 3 values, got 2", 7, None, "1,2", "Quote the separator.")])
    return Content(
        verdict, now, before, problems, "Data quality", ("a.csv",), "2026-11-21 10:00 UTC", ("A note.", "w" * 3000)
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with watched_page(browser) as found:
        yield found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "small.html"
    path.write_text(render(content(30)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "wide.html"
    path.write_text(render(content(WIDE)), encoding="utf-8")
    return path


def shown(page: Page) -> list[str]:
    """The names of the columns that the table shows, in order."""
    found: list[str] = page.eval_on_selector_all(
        "#table tbody tr:not([hidden]) th bdi", "all => all.map(each => each.textContent)"
    )
    return found


def test_the_verdict_and_the_reasons_are_there(page: Page, small: Path) -> None:
    page.goto(small.as_uri())
    assert "violations in" in page.inner_text("h1")
    assert "CompletedWithViolations" in page.inner_text(".status")
    assert page.locator(".card .overlay").count() and page.locator(".card .categories").count()
    assert "times the 0.1 that is accepted" in page.inner_text(".reasons >> nth=0")
    assert "Quote the separator." in page.inner_text("#problems")


def test_a_violation_leads_to_its_column(page: Page, small: Path) -> None:
    page.goto(small.as_uri())
    link = page.locator(".fired a >> nth=0")
    link.click()
    assert page.inner_text(":target h3") == link.inner_text()


def test_search_filters_the_rows(page: Page, small: Path) -> None:
    page.goto(small.as_uri())
    page.keyboard.press("/")
    page.keyboard.type("F001")
    assert shown(page) == [f"f001{i}" for i in range(10)]
    assert page.inner_text("#count") == "10 of 31 columns"
    page.fill("#search", "no such column")
    assert shown(page) == [] and page.is_visible("#none")
    page.fill("#search", "")
    page.check("#only")
    assert shown(page) == page.eval_on_selector_all("#table tr.broken th bdi", "all => all.map(a => a.textContent)")


def test_sorting_by_number_and_by_name_with_the_keyboard(page: Page, small: Path) -> None:
    page.goto(small.as_uri())
    page.locator("#table thead button", has_text="Distance").press("Enter")
    keys = page.eval_on_selector_all("#table tbody td:nth-child(6)", "all => all.map(each => each.dataset.k)")
    there = [float(key) for key in keys if key]
    assert there == sorted(there, reverse=True) and keys[len(there) :] == [""] * (len(keys) - len(there))
    heading = page.locator("#table thead th", has_text="Column")
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert shown(page)[1:] == [f"f{i:04}" for i in range(30)]
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "descending" and shown(page)[0] == "f0029"


def test_all_measures_show_when_asked_for(page: Page, small: Path) -> None:
    page.goto(small.as_uri())
    hellinger = page.locator("#table thead th", has_text="Hellinger")
    assert not hellinger.is_visible()
    page.check("#more")
    assert hellinger.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, small: Path, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(small.as_uri())
    page.check("#more")
    assert page.evaluate(FAINT) == []


def test_dark_by_the_system_or_by_the_button(page: Page, small: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto(small.as_uri())
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: light" and page.evaluate(ground) == light
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: dark" and page.evaluate(ground) == dark
    page.reload()
    assert page.inner_text("#theme") == "Theme: dark"


@pytest.mark.parametrize("width", [320, 400, 768, 1280, 2200])
def test_nothing_stands_over_the_edge(page: Page, small: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(small.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.eval_on_selector_all(".card", "all => all.filter(a => a.scrollWidth > a.clientWidth + 1).length") == 0


def test_names_and_values_of_the_data_are_no_markup(page: Page, small: Path) -> None:
    page.goto(small.as_uri())
    assert page.locator("bdi b, script[src], img").count() == 0
    assert page.get_by_text("<b>evil</b>").count() > 0
    page.goto("about:blank")
    page.set_content(fragment(content(5)))
    assert page.locator("bdi b").count() == 0 and page.locator("svg").count() > 0


def test_print_shows_everything(page: Page, small: Path) -> None:
    page.goto(small.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.is_visible("#table thead th:has-text('Hellinger')") and not page.is_visible("#search")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    headings = "[...document.querySelectorAll('#table thead button')].map(each => getComputedStyle(each).display)"
    assert set(page.evaluate(headings)) == {"contents"}, "Chromium does not paint buttons in headings that it repeats"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.pdf().startswith(b"%PDF")


def test_five_hundred_columns_stay_usable(page: Page, wide: Path) -> None:
    assert wide.stat().st_size < 3_000_000
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(wide.as_uri())
    page.evaluate(PAINTED)
    loaded = time.perf_counter() - began
    began = time.perf_counter()
    page.fill("#search", "f004")
    page.evaluate(PAINTED)
    searched = time.perf_counter() - began
    page.fill("#search", "")
    began = time.perf_counter()
    page.locator("#table thead button", has_text="Distance").click()
    page.evaluate(PAINTED)
    ordered = time.perf_counter() - began
    assert len(shown(page)) == WIDE + 1
    print(f"{WIDE} columns: painted in {loaded:.2f} s, searched in {searched:.2f} s, sorted in {ordered:.2f} s")
    assert loaded < 5 and searched < 2 and ordered < 2  # a fifth of it on an idle machine
