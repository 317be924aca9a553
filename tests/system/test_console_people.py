"""People sign in to the console at a provider of identities, which is a program of its own, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consoled import UNFIT, follow
from identities import CLIENT, SECRET, real
from playwright.sync_api import Browser, Page

from driftline import registry
from driftline.catalog import Catalog
from driftline.registry import Model
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.settings import Settings

ADA = {"sub": "ada", "email": "ada@example.org", "email_verified": True, "groups": ["risk-team"]}
EVE = {"sub": "eve", "email": "eve@example.org", "email_verified": True, "groups": ["guests"]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a model in each of two spaces, and a provider that knows two people."""
    folder = tmp_path_factory.mktemp("people")
    catalog = Catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    catalog.migrate()
    with catalog.begin() as tx:
        for space in ("risk", "fraud"):
            registry.create_model(tx, Model(f"{space}-model", f"Model of {space}", space), now=catalog.clock())
    (folder / "secret").write_text(SECRET)
    with real(ADA, EVE) as issuer:
        secret = {"oidc_client_secret": f"file:{folder / 'secret'}"}
        told = {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_roles": {"risk-team": {"risk": "viewer"}}}
        listener = Listener(
            create_app(Settings.model_validate({"home": folder, **told, **secret}), catalog), "127.0.0.1", 0
        )
        listener.start()
        yield listener.url
        listener.stop()
    catalog.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Page]:
    """A page of somebody who was not here before."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_a_person_signs_in_and_out(served: str, visit: Page, pictures: Path) -> None:
    """DB-01: to the provider, and back to the page that was asked for; only the space of the role is there."""
    visit.goto(f"{served}/console/models/risk-model")
    assert visit.inner_text("h1") == "Sign in"
    assert visit.evaluate(UNFIT) == []
    for scheme in ("light", "dark"):
        visit.emulate_media(color_scheme=scheme)
        visit.screenshot(path=pictures / f"sign-in-{scheme}.png")
    visit.set_viewport_size({"width": 390, "height": 700})
    visit.screenshot(path=pictures / "sign-in-phone.png")
    visit.set_viewport_size({"width": 1280, "height": 900})
    follow(visit, "text=Sign in with 127.0.0.1")
    visit.click("button[value=ada]")
    visit.wait_for_url(f"{served}/console/models/risk-model")
    visit.wait_for_selector("h1:has-text('Model of risk')")
    assert visit.locator("button[title='Signed in with ada@example.org']").count() == 1
    visit.goto(f"{served}/console")
    assert "Model of risk" in visit.content()
    assert "Model of fraud" not in visit.content()
    visit.goto(f"{served}/console/models/fraud-model")
    assert "There is no such thing" in visit.content()
    visit.goto(f"{served}/console")
    follow(visit, "button[title^='Signed in with']")
    assert visit.inner_text("h1") == "Sign in"
    visit.goto(f"{served}/console/imports")
    assert visit.inner_text("h1") == "Sign in"


def test_a_person_without_a_role_is_told_so(served: str, visit: Page, pictures: Path) -> None:
    visit.goto(f"{served}/console/sign-in")
    follow(visit, "text=Sign in with 127.0.0.1")
    visit.click("button[value=eve]")
    visit.wait_for_selector("[role=alert]")
    assert "as eve@example.org" in visit.inner_text("[role=alert]")
    assert visit.evaluate(UNFIT) == []
    visit.screenshot(path=pictures / "sign-in-without-role.png")
    visit.goto(f"{served}/console")
    assert visit.inner_text("h1") == "Sign in"
