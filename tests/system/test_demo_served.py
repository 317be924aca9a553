"""`driftline demo --serve` as a new user has it: every page that a link leads to is opened, and read by axe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from consoled import BUDGET_BYTES, follow, serious
from playwright.sync_api import Page
from spaced import routes_of

from driftline.server.web import router

PAGES = sorted({path for method, path in routes_of(router) if method == "GET"})
ELSEWHERE = {
    "/",
    "/console/alerts/channels/{name}",
    "/console/alerts/of-schedules/rules/{name}",
    "/console/console.js",
    "/console/files/{number}/rejects.csv",
    "/console/imports/{id}/purge",
    "/console/models/{model}/compare/quality",
    "/console/models/{model}/new-rule",
    "/console/models/{model}/parts",
    "/console/search",
    "/console/sign-in",
    "/console/sign-in/callback",
    "/console/sign-in/people",
    "/console/style.css",
    "/console/times",
}
"""Forms, parts of pages, downloads, and pages of what the demo has none of: the tests of their area open them."""
LINKS = "[...document.querySelectorAll('main a, nav a')].map((each) => each.getAttribute('href')).filter(Boolean)"


@dataclass(frozen=True)
class Demo:
    """Where it serves, and the key that it says."""

    url: str
    key: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The command, on a free port, once it says the key; ended at the end."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    command = [sys.executable, "-m", "driftline", "demo", "--serve", "--port", "0"]
    with (tmp_path_factory.mktemp("said") / "log").open("w") as log:
        running = subprocess.Popen(
            command, cwd=tmp_path_factory.mktemp("demo"), env=known, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert running.stdout is not None
            said = ""
            for line in running.stdout:
                said += line
                if "sign in with this key" in line:
                    break
            url, key = re.search(r"http://127\.0\.0\.1:\d+", said), re.search(r"dl_\S+", said)
            assert url is not None and key is not None, (said, Path(log.name).read_text()[-3000:])
            yield Demo(url[0], key[0])
        finally:
            running.terminate()
            running.communicate(timeout=60)


def route_of(path: str) -> str:
    """The route that answers a path, as it is declared: one with the fewest names."""
    found = [each for each in PAGES if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", each), path)]
    return min(found, key=lambda each: each.count("{"), default=path)


def looked_at(page: Page, picture: Path) -> list[str]:
    """Take a picture in dark on a phone, and in light at a desk; what axe finds seriously wrong."""
    found = list[str]()
    for scheme, width in (("dark", 390), ("light", 1280)):
        page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.screenshot(path=picture.with_name(f"{picture.name}-{scheme}-{width}.png"), full_page=True)
        found += serious(page)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"wider than {width} pixels")
    return found


def test_every_page_that_a_link_leads_to(demo: Demo, page: Page, pictures: Path) -> None:
    """Each opens, is small, has no serious fault for those who cannot see it, and says no error (DB-01, DB-02)."""
    page.goto(f"{demo.url}/console")
    page.fill("input[name=key]", demo.key)
    follow(page, "button")
    tiles = page.inner_text(".tiles")
    assert "In alarm" in tiles and "of 2" in tiles
    waiting, seen, faults = deque(["/console"]), dict[str, str](), dict[str, list[str]]()
    while waiting:
        path = waiting.popleft()
        answer = page.goto(demo.url + path)
        assert answer is not None and answer.ok, path
        assert len(answer.body()) < BUDGET_BYTES, path
        route = route_of(urlsplit(path).path)
        faults[route] = looked_at(page, pictures / re.sub(r"\W+", "-", f"demo{route}").strip("-"))
        seen[route] = path
        for link in page.evaluate(LINKS):
            parts = urlsplit(urljoin(demo.url + path, link))
            route = route_of(parts.path)
            if not parts.path.startswith("/console") or "format=" in parts.query or route in seen:
                continue
            if route not in {route_of(urlsplit(each).path) for each in waiting}:
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    assert {route: found for route, found in faults.items() if found} == {}
    assert set(PAGES) - set(seen) == ELSEWHERE
