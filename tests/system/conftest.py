"""Fixtures of the tests that look at whole pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import ARGUMENTS, NAMES, browser_path
from playwright.sync_api import Browser, Page, Request, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = browser_path()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed and DRIFTLINE_TEST_BROWSER names none")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test if it says anything on the console or asks for anything but itself."""
    said: list[str] = []
    asked: list[str] = []
    found = browser.new_page(viewport={"width": 1280, "height": 900})

    def note(request: Request) -> None:
        asked.append(request.url)

    found.on("console", lambda message: said.append(message.text))
    found.on("pageerror", lambda error: said.append(str(error)))
    found.on("request", note)
    yield found
    found.close()
    assert not said
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len({url.partition("#")[0] for url in asked if url.startswith("file:")}) <= 1
