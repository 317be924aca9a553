"""Signing in with OpenID Connect: against a provider that is a program of its own, and against one that deceives."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from identities import CLIENT, SECRET, Told, told
from joserfc.jwk import RSAKey
from sqlalchemy import select, update

from driftline.catalog import Catalog
from driftline.catalog.tables import session
from driftline.errors import Invalid
from driftline.server.app import create_app
from driftline.server.errors import AwsError
from driftline.server.listen import Listener
from driftline.server.oidc import provider_of
from driftline.server.oidc.asking import ProviderUnavailable
from driftline.server.oidc.provider import AGAIN_SECONDS, AWAY_SECONDS, Attempt
from driftline.settings import Settings

ROLES = {"risk-team": {"risk": "editor"}, "ada@example.org": {"*": "viewer"}, "ops": {"*": "admin"}}


@pytest.fixture(scope="module")
def provider() -> Iterator[Told]:
    with told() as found:
        yield found


@pytest.fixture(scope="module")
def server(provider: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(provider, tmp_path_factory.mktemp("people")) as url:
        yield url


@contextmanager
def serving(provider: Told, folder: Path, **more: Any) -> Iterator[str]:
    """A server whose people this provider signs in."""
    (folder / "secret").write_text(SECRET + "\n")
    told = {"oidc_issuer": provider.url, "oidc_client_id": CLIENT, "oidc_client_secret": f"file:{folder / 'secret'}"}
    settings = Settings(home=folder, **{**told, "oidc_roles": ROLES, **more})
    catalog = Catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    catalog.migrate()
    listener = Listener(create_app(settings, catalog), "127.0.0.1", 0)
    listener.start()
    yield listener.url
    listener.stop()
    catalog.close()


@pytest.fixture
def browser(provider: Told) -> Iterator[requests.Session]:
    """One that keeps cookies; the provider tells the truth again afterwards."""
    key, provider.claims = provider.key, {"groups": ["risk-team"]}
    with requests.Session() as found:
        yield found
    provider.key, provider.published, provider.algorithm, provider.description = key, [], "RS256", {}


def leave(server: str, browser: requests.Session, provider: Told, behind: str = "/console") -> dict[str, str]:
    """Go to the provider, which notes the challenge; what it is asked."""
    answer = browser.get(f"{server}/console/sign-in/people", params={"next": behind}, allow_redirects=False, timeout=30)
    assert answer.status_code == 303, answer.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    provider.challenge = asked["code_challenge"]
    provider.claims.setdefault("nonce", asked["nonce"])
    return asked


def come_back(server: str, browser: requests.Session, asked: dict[str, str], **more: str) -> requests.Response:
    """Back from the provider."""
    sent = {"state": asked["state"], "code": "good", **more}
    return browser.get(f"{server}/console/sign-in/callback", params=sent, allow_redirects=False, timeout=30)


def refused(server: str, browser: requests.Session, answer: requests.Response, *words: str) -> None:
    """Nobody is signed in, the page says why, and both ways are offered."""
    assert answer.status_code == 403, answer.text
    for word in (*words, "Sign in with", "API key"):
        assert word in answer.text, (word, answer.text)
    assert not browser.cookies.get("driftline_session")
    assert browser.get(f"{server}/console", allow_redirects=False, timeout=30).status_code == 303


def test_a_person_has_the_roles_of_a_group(server: str, browser: requests.Session, provider: Told) -> None:
    """The code is asked for with PKCE, state and nonce, and exchanged with the secret, which is shown nowhere."""
    asked = leave(server, browser, provider, "/console/imports?limit=5")
    assert asked["redirect_uri"] == f"{server}/console/sign-in/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"] == "openid email profile"
    answer = come_back(server, browser, asked)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/imports?limit=5")
    _, sent, authorization = next(each for each in provider.asked if each[0] == "/token")
    assert SECRET not in str(sent) and authorization.startswith("Basic ")
    me = browser.get(f"{server}/v1/me", timeout=30).json()
    assert me == {"name": "person:7", "scopes": ["read", "write"], "roles": {"risk": ["read", "write"]}}
    page = browser.get(f"{server}/console/imports", timeout=30)
    assert page.ok and "Signed in with 7" in page.text
    cookies = {each.name: each for each in browser.cookies}
    assert set(cookies) == {"driftline_session"}, "the attempt is over"
    assert (cookies["driftline_session"].expires or 0) - time.time() <= 3600
    assert come_back(server, browser, asked).status_code == 403, "an answer is good once"


def test_a_verified_address_has_roles_and_others_have_none(
    server: str, browser: requests.Session, provider: Told
) -> None:
    """Neither one that is not verified, nor a group that is called like it."""
    provider.claims = {"email": "Ada@Example.org", "email_verified": True, "groups": "risk-team"}
    assert come_back(server, browser, leave(server, browser, provider)).status_code == 303
    me = browser.get(f"{server}/v1/me", timeout=30).json()
    assert me["name"] == "person:ada@example.org"
    assert me["roles"] == {"*": ["read"], "risk": ["read", "write"]}
    browser.cookies.clear()
    for claims in (
        {"email": "ada@example.org"}, {"email": "ada@example.org", "email_verified": "true"},
        {"groups": ["ada@example.org"]}, {"groups": ["Ops"]}, {"groups": {"ops": 1}}, {},
    ):  # fmt: skip
        provider.claims = dict(claims)
        answer = come_back(server, browser, leave(server, browser, provider))
        refused(server, browser, answer, "signing in on Driftline as 7, who has no role")


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iss": "https://evil.example"}, "invalid_claim"),
        ({"aud": "another"}, "invalid_claim"),
        ({"aud": None}, "missing_claim"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "azp"),
        ({"exp": 1_700_000_000}, "expired_token"),
        ({"exp": None}, "missing_claim"),
        ({"iat": 4_000_000_000}, "token is not good"),
        ({"sub": None}, "missing_claim"),
    ],
)
def test_a_token_that_is_not_right_signs_nobody_in(
    server: str, browser: requests.Session, provider: Told, claims: dict[str, Any], word: str
) -> None:
    provider.claims = {"groups": ["ops"], **claims}
    asked = leave(server, browser, provider)
    refused(server, browser, come_back(server, browser, asked), word)


def test_another_browser_or_question_signs_nobody_in(server: str, browser: requests.Session, provider: Told) -> None:
    """A wrong state or none, one of another attempt or browser, a wrong code or verifier, the provider's refusal."""
    asked = leave(server, browser, provider)
    for state in ("", "wrong", asked["nonce"]):
        stranger = requests.Session()
        leave(server, stranger, provider)
        refused(server, stranger, come_back(server, stranger, {"state": state}), "not to a question of this browser")
    with requests.Session() as other:
        refused(server, other, come_back(server, other, asked), "not to a question of this browser")
    later = leave(server, browser, provider)
    refused(server, browser, come_back(server, browser, asked), "not to a question of this browser")
    assert later["state"] != asked["state"]
    refused(
        server, browser, come_back(server, browser, leave(server, browser, provider), code="wrong"), "invalid_grant"
    )
    asked = leave(server, browser, provider)
    provider.challenge = "that of another verifier"
    refused(server, browser, come_back(server, browser, asked), "invalid_grant")
    denied = come_back(server, browser, leave(server, browser, provider), error="access_denied<b>")
    refused(server, browser, denied, "access_denied&lt;b&gt;")


def test_only_signatures_of_the_provider_are_believed(server: str, browser: requests.Session, provider: Told) -> None:
    """Not of an unknown key, not without one, and not with what everybody knows as the secret."""
    provider.claims = {"groups": ["ops"]}
    for algorithm in ("none", "HS256"):
        provider.algorithm = algorithm
        refused(server, browser, come_back(server, browser, leave(server, browser, provider)), "token is not good")
    provider.algorithm, provider.published = "RS256", [provider.key]
    provider.key = RSAKey.generate_key(2048, {"kid": "1"})
    refused(server, browser, come_back(server, browser, leave(server, browser, provider)), "bad_signature")


def test_a_new_key_of_the_provider_is_fetched(provider: Told, browser: requests.Session) -> None:
    """At most twice a minute, so that forged tokens do not make the server ask without end."""
    moment = [0.0]
    found = provider_of(Settings(oidc_issuer=provider.url, oidc_client_id=CLIENT, oidc_roles=ROLES))
    assert found is not None
    found.seconds = lambda: moment[0]
    for at, is_known in ((0.0, True), (AGAIN_SECONDS - 1, False), (AGAIN_SECONDS, True)):
        moment[0] = at
        attempt = Attempt(f"seed at {at}")
        provider.challenge, provider.claims["nonce"] = attempt.challenge, attempt.nonce
        if at:
            provider.key = RSAKey.generate_key(2048, {"kid": str(at)})
        if is_known:
            assert found.person(attempt, "good", "http://x/", now=datetime.now(UTC)).name == "7"
        else:
            with pytest.raises(AwsError, match="token is not good"):
                found.person(attempt, "good", "http://x/", now=datetime.now(UTC))
    assert len([path for path, *_ in provider.asked if path == "/keys"]) >= 2


def test_a_provider_that_is_away_is_not_asked_by_everybody(provider: Told, browser: requests.Session) -> None:
    """Again after five seconds; until then people are told at once."""
    moment = [0.0]
    found = provider_of(Settings(oidc_issuer=provider.url, oidc_client_id=CLIENT, oidc_roles=ROLES))
    assert found is not None
    found.seconds = lambda: moment[0]
    before = len(provider.asked)
    for at, asked in ((0.0, 1), (AWAY_SECONDS - 1, 1), (AWAY_SECONDS, 2)):
        moment[0], provider.is_away = at, True
        with pytest.raises(ProviderUnavailable, match="answered 503"):
            found.address(Attempt("seed"), "http://x/")
        assert len(provider.asked) - before == asked
    provider.is_away = False
    with pytest.raises(ProviderUnavailable):
        found.address(Attempt("seed"), "http://x/")
    moment[0] += AWAY_SECONDS
    assert found.address(Attempt("seed"), "http://x/").startswith(f"{provider.url}/authorization?")


def test_a_provider_that_is_another_or_away_leaves_keys_to_sign_in_with(
    provider: Told, browser: requests.Session, tmp_path: Path
) -> None:
    """The page says so, and the form for keys is there."""
    provider.description = {"issuer": "https://another.example"}
    with serving(provider, tmp_path) as url:
        answer = browser.get(f"{url}/console/sign-in/people", timeout=30)
        refused(url, browser, answer, "issuer that the provider of identities says it is")
    provider.description = {"token_endpoint": "http://169.254.169.254/token"}
    with serving(provider, tmp_path) as url:
        answer = come_back(url, browser, leave(url, browser, provider))
        refused(url, browser, answer, "access denied: signing people in", "DRIFTLINE_OIDC_HOSTS")
    settings = {"oidc_issuer": "http://127.0.0.1:1", "oidc_client_id": CLIENT}
    with serving(provider, tmp_path, **settings) as url:
        answer = browser.get(f"{url}/console/sign-in/people", timeout=30)
        refused(url, browser, answer, "does not answer")


def test_a_person_is_signed_out_when_the_time_is_over(
    provider: Told, browser: requests.Session, tmp_path: Path
) -> None:
    """A role that was taken away is gone with the session at the latest."""
    with serving(provider, tmp_path, oidc_session_minutes=10) as url:
        assert come_back(url, browser, leave(url, browser, provider)).status_code == 303
        assert browser.get(f"{url}/v1/me", timeout=30).ok
        catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
        with catalog.begin() as tx:
            row = tx.execute(select(session)).one()
            assert timedelta(minutes=9) < row.until - datetime.now(UTC) <= timedelta(minutes=10)
            tx.execute(update(session).values(until=datetime.now(UTC)))
        catalog.close()
        assert browser.get(f"{url}/v1/me", timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"oidc_issuer": "accounts.example.org"}, "DRIFTLINE_OIDC_ISSUER"),
        ({"oidc_client_id": ""}, "DRIFTLINE_OIDC_CLIENT_ID"),
        ({"oidc_roles": {}}, "DRIFTLINE_OIDC_ROLES: got 'nothing'"),
        ({"oidc_roles": {"ops": {"*": "owner"}}}, "expected viewer, editor, admin"),
        ({"oidc_roles": {"ops": {"a/b": "viewer"}}}, "got 'a/b'"),
        ({"oidc_client_secret": "s3cret"}, "DRIFTLINE_OIDC_CLIENT_SECRET"),
    ],
)
def test_settings_that_are_not_right_are_refused_at_the_start(settings: dict[str, Any], said: str) -> None:
    """And a secret is not repeated."""
    good = {"oidc_issuer": "https://accounts.example.org", "oidc_client_id": CLIENT, "oidc_roles": ROLES}
    assert provider_of(Settings()) is None
    assert provider_of(Settings.model_validate(good)) is not None
    with pytest.raises(Invalid, match=re.escape(said)) as caught:
        provider_of(Settings.model_validate({**good, **settings}))
    assert "s3cret" not in str(caught.value)
