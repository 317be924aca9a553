"""Signing in with an API key, and out; and the console's style, which needs neither."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from driftline.catalog import sessions
from driftline.catalog.keys import digest
from driftline.errors import Denied
from driftline.server.auth import caller, digest_of
from driftline.server.errors import AwsError
from driftline.server.guard import TOO_MANY
from driftline.server.messages import head
from driftline.server.oidc import Provider
from driftline.server.web.cookies import PEOPLE, SCRIPT, SESSION, SIGN_IN, STYLE, VISIT, form_token, is_ours
from driftline.server.web.shown import Sent, values_of
from driftline.server.web.templates import HEADERS, printed, script, style

router = APIRouter(include_in_schema=False)

HOME = "/console"
_WITHIN = re.compile(r"/console(?:[/?][!-\[\]-~]*)?")
Sending = Literal["strict", "lax"]
_KEPT = {**HEADERS, "cache-control": "public, max-age=86400"}


@router.get(STYLE)
def show_style() -> Response:
    """The style; pages name it with a mark that changes with it."""
    return Response(style(), media_type="text/css", headers=_KEPT)


@router.get(SCRIPT)
def show_script() -> Response:
    """The script, likewise."""
    return Response(script(), media_type="text/javascript", headers=_KEPT)


@router.get(SIGN_IN)
def ask(request: Request, next: str = HOME) -> Response:
    """The form."""
    return form(request, within(next))


@router.post(SIGN_IN)
def sign_in(request: Request, data: Sent = b"") -> Response:
    """A session for whoever gives a key that is known; the form again, with the reason, for others."""
    values = values_of(data)
    behind = within(values.get("next", HOME))
    if not is_ours(request.cookies.get(VISIT), values.get("token", "")):
        return form(request, behind, "The form was too old. Please send it again.")
    state, key = request.app.state, values.get("key", "").strip()
    received = replace(head(request.scope), headers={"authorization": f"Bearer {key}"})
    verify = partial(caller, received, state.keys, now=state.now())
    try:
        too_many = AwsError("too-many-requests", TOO_MANY, 429)
        state.guard.admit(received, state.clock.seconds(), verify, too_many).require("read")
    except (AwsError, Denied) as error:
        return form(request, behind, str(error))
    with state.catalog.begin() as tx:
        token = sessions.create(tx, digest_of(key), now=state.now())
    found = RedirectResponse(behind, 303, HEADERS)
    set_cookie(found, request, SESSION, token, sessions.LASTING)
    found.delete_cookie(VISIT, path=HOME)
    return found


@router.post("/console/sign-out")
def sign_out(request: Request, data: Sent = b"") -> Response:
    """The session ends at once."""
    session = request.cookies.get(SESSION, "")
    if is_ours(session, values_of(data).get("token", "")):
        with request.app.state.catalog.begin() as tx:
            sessions.end(tx, digest(session))
    found = RedirectResponse(SIGN_IN, 303, HEADERS)
    found.delete_cookie(SESSION, path="/")
    return found


def form(request: Request, behind: str, trouble: str = "") -> Response:
    """The page with both ways to sign in, and what went wrong."""
    visit = request.cookies.get(VISIT) or secrets.token_urlsafe(16)
    provider: Provider | None = request.app.state.provider
    people = None if provider is None else f"{PEOPLE}?{urlencode({'next': behind})}"
    told = {"title": "Sign in", "behind": behind, "trouble": trouble, "token": form_token(visit)}
    shown = printed("sign-in.html", **told, people=people, provider=provider.name if provider else "")
    found = HTMLResponse(shown, 403 if trouble else 200, HEADERS)
    set_cookie(found, request, VISIT, visit, sessions.LASTING, HOME)
    return found


def set_cookie(
    answer: Response,
    request: Request,
    name: str,
    value: str,
    lasting: timedelta,
    path: str = "/",
    sent: Sending = "strict",
) -> None:
    """A cookie that no script sees, and that does not outlast what it is for; other sites do not send strict ones."""
    lasts = int(lasting.total_seconds())
    secure = "https" in (request.url.scheme, request.app.state.settings.public_url.partition(":")[0])
    answer.set_cookie(name, value, max_age=lasts, path=path, secure=secure, httponly=True, samesite=sent)


def within(path: str) -> str:
    """The path, if it is one of the console; else its first page.

    >>> within("/console/models/a?version=1"), within("//evil.example"), within("/console/sign-in")
    ('/console/models/a?version=1', '/console', '/console')
    """
    return path if _WITHIN.fullmatch(path) and not path.startswith(SIGN_IN) else HOME
