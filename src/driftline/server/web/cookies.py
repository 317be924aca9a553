"""Cookies of the console: who is signed in, and the token by which a form shows that it is one of ours."""

from __future__ import annotations

import hmac
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from driftline.server.messages import Received

SESSION, VISIT = "driftline_session", "driftline_visit"
"""Of those who are signed in; and of those who are about to, so that their form, too, is known as ours."""
ATTEMPT = "driftline_attempt"
"""Of those whom the provider of identities is to sign in: what its answer is checked against."""
SIGN_IN, STYLE, SCRIPT = "/console/sign-in", "/console/style.css", "/console/console.js"
PEOPLE, CALLBACK = f"{SIGN_IN}/people", f"{SIGN_IN}/callback"
FREE = (SIGN_IN, PEOPLE, CALLBACK, STYLE, SCRIPT)
"""Paths that need no session."""


def session_of(received: Received) -> str | None:
    """The token of the session in a request that says no other key; None without one.

    >>> session_of(Received("GET", "/console", "", {"cookie": "a=b; driftline_session=dls_1"}, b""))
    'dls_1'
    """
    if "authorization" in received.headers or "X-Amz-Signature" in received.query:
        return None
    try:
        found = SimpleCookie(received.headers.get("cookie", "")).get(SESSION)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def form_token(cookie: str) -> str:
    """What a form carries that whoever has this cookie sends: other sites cannot know it.

    >>> form_token("dls_1") == form_token("dls_2")
    False
    """
    return hmac.new(cookie.encode("utf-8", "replace"), b"form", sha256).hexdigest()


def is_ours(cookie: str | None, token: str) -> bool:
    """Whether a form carries the token that belongs to the cookie which came with it."""
    return bool(cookie) and hmac.compare_digest(form_token(cookie or ""), token.encode("ascii", "replace").decode())
