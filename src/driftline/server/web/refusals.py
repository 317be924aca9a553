"""What a browser is shown of an error: the way to sign in, or a page that says what is wrong."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from driftline.server.errors import Told
from driftline.server.messages import Answer, Received
from driftline.server.web.cookies import SIGN_IN
from driftline.server.web.templates import HEADERS, printed

_HTML = {**HEADERS, "content-type": "text/html; charset=utf-8"}
_AGAIN = (
    '<!doctype html><html lang="en"><title>Driftline</title><meta http-equiv="refresh" content="0; url={0}">'
    '<p><a href="{0}">Go on</a></p></html>'
)


def refused(received: Received, found: Told) -> Answer:
    """The page of an error; who is not signed in is led to where that is done, and back."""
    if found.status == 401:
        return _to_sign_in(received)
    page = printed("refused.html", title=_title(found.status), said=found.message, code=found.code)
    return Answer(found.status, page.encode(), _HTML)


def _to_sign_in(received: Received) -> Answer:
    """To the form; a link of another site is followed once more from here, since then the session's cookie is sent."""
    asked = received.path + (f"?{received.query}" if received.query else "")
    if received.method == "GET" and received.headers.get("sec-fetch-site") == "cross-site":
        return Answer(200, _AGAIN.format(escape(asked)).encode(), _HTML)
    behind = f"?next={quote(asked, safe='')}" if received.method == "GET" and received.path != "/console" else ""
    return Answer(303, b"", {**HEADERS, "location": SIGN_IN + behind})


def _title(status: int) -> str:
    """A few words for a status.

    >>> _title(404), _title(418)
    ('There is no such thing', 'That cannot be done')
    """
    known = {403: "Your role does not allow that", 404: "There is no such thing", 409: "Not in this state"}
    return known.get(status, "Something went wrong here" if status >= 500 else "That cannot be done")
