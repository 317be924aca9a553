"""Settings in the console: keys, spaces, credentials, and the audit log, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from browsing import FAINT
from consoled import UNFIT, Console, follow
from playwright.sync_api import Page

from driftline.catalog import keys

PAGES = {"keys": "", "spaces": "/spaces", "credentials": "/credentials", "audit": "/audit"}


@pytest.fixture(scope="module")
def admin(console: Console) -> Iterator[str]:
    """A key that may do all, which is gone again behind these tests."""
    with console.made.catalog.begin() as tx:
        key = keys.create_api_key(tx, "root", ["read", "write", "admin"], now=datetime.now(UTC))
    yield key
    with console.made.catalog.begin() as tx:
        keys.delete_api_key(tx, "root")


def settings(console: Console, place: str = "") -> str:
    """The address of a page of the settings."""
    return f"{console.url}/console/settings{place}"


def test_keys_are_made_shown_once_tried_and_deleted(console: Console, page: Page, admin: str) -> None:
    """With a role, in a space; what is wrong stands at its entry, and what was typed is kept."""
    console.sign_in(page, admin)
    follow(page, "nav >> text=Settings")
    assert "You are key:root, admin in all spaces" in page.inner_text("#main")
    page.fill("#key-name", "/not a name")
    follow(page, "text=Make the key")
    assert "letter or digit first" in page.inner_text("#key-name-told")
    assert page.input_value("#key-name") == "/not a name"
    page.fill("#key-name", "root")
    follow(page, "text=Make the key")
    assert "exists already" in page.inner_text("#key-name-told")
    page.fill("#key-name", "boards")
    page.select_option("#key-role", "viewer")
    page.select_option("#key-space", "default")
    follow(page, "text=Make the key")
    made = page.inner_text(".made code")
    headers = {"Authorization": f"Bearer {made}"}
    told = requests.get(f"{console.url}/v1/me", headers=headers, timeout=30).json()
    assert told["roles"] == {"default": ["read"]}
    page.goto(settings(console))
    assert made not in page.content()
    row = "tr:has-text('boards')"
    assert "viewer" in page.inner_text(row) and "default" in page.inner_text(row)
    page.click(f"{row} summary")
    follow(page, f"{row} >> text=Delete it now")
    assert page.locator(row).count() == 0
    assert requests.get(f"{console.url}/v1/me", headers=headers, timeout=30).status_code == 401
    page.fill("#note", "of the pipeline")
    follow(page, "text=Make the access key")
    identity = page.inner_text(".made code >> nth=0")
    assert page.locator(".made code").count() == 2
    page.click(f"tr:has-text('{identity}') >> summary")
    follow(page, f"tr:has-text('{identity}') >> text=Delete it now")
    assert identity not in page.inner_text("#main")


def test_spaces_are_made_renamed_and_deleted_once_they_are_empty(console: Console, page: Page, admin: str) -> None:
    """A name that is taken is told at its entry."""
    console.sign_in(page, admin)
    page.goto(settings(console, "/spaces"))
    page.fill("#name", "risk")
    follow(page, "text=Make the space")
    row = "tr:has(bdi:text-is('risk'))"
    page.fill(f"{row} input[name=name]", "default")
    follow(page, f"{row} >> text=Rename")
    assert "exists already" in page.inner_text(row)
    page.fill(f"{row} input[name=name]", "fraud")
    follow(page, f"{row} >> text=Rename")
    assert page.locator(row).count() == 0
    follow(page, "tr:has(bdi:text-is('fraud')) >> text=Delete")
    assert page.locator("tr:has(bdi:text-is('fraud'))").count() == 0
    assert page.locator("tr:has(bdi:text-is('default')) button").count() == 0


def test_the_audit_log_tells_who_changed_what(console: Console, page: Page, admin: str) -> None:
    """What was done here is there, over the console; links lead to all changes of one, and of one thing."""
    console.sign_in(page, admin)
    page.goto(settings(console, "/spaces"))
    page.fill("#name", "watched")
    follow(page, "text=Make the space")
    follow(page, "tr:has(bdi:text-is('watched')) >> text=Delete")
    page.goto(settings(console, "/audit"))
    first = page.inner_text(".audit tbody tr >> nth=0")
    assert "key:root" in first and "deleted space watched" in first and "over the console" in first
    follow(page, ".audit tbody tr >> nth=0 >> text=watched")
    assert page.locator(".audit tbody tr").count() == 2
    page.click(".audit summary >> nth=0")
    assert '"name": "watched"' in page.inner_text(".audit pre >> nth=0")
    page.fill("#who", "key:nobody")
    follow(page, "text=Show")
    assert "Nothing was changed by that" in page.inner_text("#main")


def test_others_see_what_they_may_and_no_keys(console: Console, page: Page) -> None:
    """Who is no administrator is told who one is; the log and the forms are refused."""
    console.sign_in(page, console.reader)
    page.goto(settings(console))
    assert "viewer in all spaces" in page.inner_text("#main") and "made by administrators" in page.inner_text("#main")
    assert page.locator("#main form").count() == 0
    page.goto(settings(console, "/spaces"))
    assert page.locator("#main form").count() == 0
    assert page.goto(settings(console, "/audit")).status == 403  # type: ignore[union-attr]
    asked = console.signed_in()
    refused = asked.post(settings(console, "/spaces"), data={"name": "x"}, timeout=30)
    assert refused.status_code == 403


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_every_page_can_be_read_by_everybody(
    console: Console, page: Page, pictures: Path, admin: str, scheme: str, width: int
) -> None:
    """Labels, names, headings, contrast, no sideways scrolling; each has its facts as JSON."""
    headers = {"Authorization": f"Bearer {admin}"}
    kept = {"region": "eu-west-1", "endpoint_url": "http://minio:9000", "secret_key": "env:MINIO_SECRET"}
    requests.put(f"{console.url}/v1/credentials/minio", json=kept, headers=headers, timeout=30)
    requests.post(
        f"{console.url}/v1/keys",
        json={"name": f"k{scheme}{width}", "scopes": ["read"], "spaces": ["default"]},
        headers=headers,
        timeout=30,
    )
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    console.sign_in(page, admin)
    for name, path in PAGES.items():
        page.goto(settings(console, path))
        page.screenshot(path=pictures / f"settings-{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate(UNFIT) == [], name
        assert page.evaluate(FAINT) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        twin = requests.get(settings(console, path), params={"format": "json"}, headers=headers, timeout=30)
        assert isinstance(twin.json(), dict), name
    requests.delete(f"{console.url}/v1/credentials/minio", headers=headers, timeout=30)
    requests.delete(f"{console.url}/v1/keys/k{scheme}{width}", headers=headers, timeout=30)
