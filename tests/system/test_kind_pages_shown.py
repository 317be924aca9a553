"""The pages about model quality, bias and explanations in a real browser: alone, searched, dark, narrow, printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import FAINT, running_browser, watched_page
from pictured import every
from playwright.sync_api import Browser, Page

from driftline.pages.report import render

KINDS = ("binary", "classes", "regression", "bias", "explainability")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with watched_page(browser) as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("kinds")
    for name, content in every().items():
        (found / f"{name}.html").write_text(render(content), encoding="utf-8")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_violation_leads_to_its_measure(page: Page, folder: Path, kind: str) -> None:
    page.goto((folder / f"{kind}.html").as_uri())
    assert "violations" in page.inner_text("h1")
    page.locator(".fired a >> nth=0").click()
    assert page.locator("#table tr:target .pill.over").count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_measures_are_searched_and_sorted(page: Page, folder: Path, kind: str) -> None:
    page.goto((folder / f"{kind}.html").as_uri())
    every_row = page.locator("#table tbody tr").count()
    assert page.inner_text("#count") == f"{every_row} measures"
    page.check("#only")
    broken = page.locator("#table tbody tr:not([hidden])").count()
    assert 0 < broken < every_row and page.inner_text("#count") == f"{broken} of {every_row} measures"
    page.uncheck("#only")
    page.locator("#table thead button", has_text="Value").press("Enter")
    keys = page.eval_on_selector_all("#table tbody tr", "all => all.map(each => each.cells[2].dataset.k)")
    there = [float(key) for key in keys if key]
    assert there == sorted(there, reverse=True) and keys[len(there) :] == [""] * (len(keys) - len(there))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_text_stands_out_from_its_ground(page: Page, folder: Path, kind: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto((folder / f"{kind}.html").as_uri())
    assert page.evaluate(FAINT) == []


@pytest.mark.parametrize("width", [320, 768, 1280, 2200])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stands_over_the_edge(page: Page, folder: Path, kind: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((folder / f"{kind}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.eval_on_selector_all(".card", "all => all.filter(a => a.scrollWidth > a.clientWidth + 1).length") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_print_shows_everything(page: Page, folder: Path, kind: str) -> None:
    page.goto((folder / f"{kind}.html").as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0 and not page.is_visible("#search")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    wide = "all => all.filter(a => a.scrollWidth > a.clientWidth + 1).map(a => a.getAttribute('aria-label'))"
    page.set_viewport_size({"width": 1030, "height": 720})  # A4 across
    assert page.eval_on_selector_all(".scroll, .fit", wide) == []
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_can_be_read_without_its_script(page: Page, folder: Path, kind: str) -> None:
    found = page.context.browser
    assert found is not None
    plain = found.new_context(java_script_enabled=False).new_page()
    plain.goto((folder / f"{kind}.html").as_uri())
    assert plain.is_visible("#measures") and plain.locator("main svg").count() > 2
    plain.context.close()
