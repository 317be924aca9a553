"""Signing in as a person: to the provider of identities that the settings name, and back from there."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from driftline.catalog import sessions
from driftline.catalog.sessions import Person
from driftline.errors import DriftlineError, NotFound
from driftline.server.auth import Principal
from driftline.server.errors import AwsError
from driftline.server.guard import TOO_MANY
from driftline.server.messages import head
from driftline.server.oidc.provider import Attempt, Provider
from driftline.server.web.cookies import ATTEMPT, CALLBACK, PEOPLE, SESSION, SIGN_IN
from driftline.server.web.signing import HOME, form, set_cookie, within
from driftline.server.web.templates import HEADERS

router = APIRouter(include_in_schema=False)

ENOUGH = timedelta(minutes=10)
"""So long may a person take to sign in at the provider."""
_OTHER = "The answer of the provider is not to a question of this browser, or came too late. Please try again."


@router.get(PEOPLE)
def leave(request: Request, next: str = HOME) -> Response:
    """To the provider, with a question that only its answer fits."""
    attempt = Attempt(secrets.token_urlsafe(32))
    try:
        found = RedirectResponse(_provider(request).address(attempt, _back(request)), 303, HEADERS)
    except DriftlineError as error:
        return form(request, within(next), str(error))
    kept = f"{attempt.seed}.{quote(within(next)[:1000], safe='')}"
    set_cookie(found, request, ATTEMPT, kept, ENOUGH, SIGN_IN, "lax")  # the answer comes from the provider's site
    return found


@router.get(CALLBACK)
def come_back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """A session for whom the provider signed in, if its answer is to this browser's question; else the form again."""
    seed, _, behind = request.cookies.get(ATTEMPT, "").partition(".")
    attempt, goal = Attempt(seed), within(unquote(behind) or HOME)
    if not seed or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        return _ended(form(request, HOME, _OTHER))
    if error or not code:
        said = f"The provider did not sign you in: {error[:80] or 'it sent no code'}."
        return _ended(form(request, goal, said))
    try:
        person = _admitted(request, code, lambda: _person(request, attempt, code))
    except DriftlineError as refusal:
        return _ended(form(request, goal, str(refusal)))
    app, lasting = request.app.state, timedelta(minutes=request.app.state.settings.oidc_session_minutes)
    with app.catalog.begin() as tx:
        token = sessions.create_for(tx, person, now=app.now(), lasting=lasting)
    found = RedirectResponse(goal, 303, HEADERS)
    set_cookie(found, request, SESSION, token, lasting)
    return _ended(found)


def _person(request: Request, attempt: Attempt, code: str) -> Person:
    return _provider(request).person(attempt, code, _back(request), now=request.app.state.now())


def _admitted(request: Request, code: str, look: Callable[[], Person]) -> Person:
    """Whom a code stands for; an address that brought too many wrong ones is not listened to, as with keys."""
    found: list[Person] = []

    def verify() -> Principal:
        found.append(look())
        return Principal.of(f"person:{found[0].name}", found[0].roles)

    app = request.app.state
    received = replace(head(request.scope), headers={"authorization": f"Bearer {code}"})
    app.guard.admit(received, app.clock.seconds(), verify, AwsError("too-many-requests", TOO_MANY, 429))
    return found[0]


def _provider(request: Request) -> Provider:
    found: Provider | None = request.app.state.provider
    if found is None:
        remedy = "Sign in with an API key; the operator may name one in DRIFTLINE_OIDC_ISSUER."
        raise NotFound(what="provider of identities", name="OpenID Connect", remedy=remedy)
    return found


def _back(request: Request) -> str:
    """Where the provider sends people back to, which it must know beforehand."""
    public = request.app.state.settings.public_url.rstrip("/")
    return f"{public or str(request.base_url).rstrip('/')}{CALLBACK}"


def _ended(answer: Response) -> Response:
    """The answer that ends an attempt: it is good for one."""
    answer.delete_cookie(ATTEMPT, path=SIGN_IN)
    return answer
