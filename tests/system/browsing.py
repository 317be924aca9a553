"""A real browser for pages: where it is, how it runs, and what pages are asked in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
# Texts whose contrast is below WCAG's 4.5 : 1 (level AA), with it.
FAINT = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const told = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
  return [...document.querySelectorAll("body *")].filter((node) =>
    !node.closest("svg, script, .unseen") && told(node)
  ).map((node) => {
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(behind(node))];
    return [node.outerHTML.slice(0, 80), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
}"""


def browser_path() -> str | None:
    """Where a Chromium is, if there is one."""
    asked = os.environ.get("DRIFTLINE_TEST_BROWSER")
    return next((path for name in (asked, *NAMES) if name and (path := shutil.which(name))), None)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless Chromium; the test is skipped, with the reason, where there is none."""
    path = browser_path()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed and DRIFTLINE_TEST_BROWSER names none")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


@contextmanager
def watched_page(browser: Browser) -> Iterator[Page]:
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
