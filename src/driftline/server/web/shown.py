"""A page as it is answered: as HTML for people, or the facts that it shows as JSON; and forms as they come in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Body, Depends, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import Field

from driftline.catalog import sessions
from driftline.catalog.keys import digest
from driftline.errors import Denied, Invalid
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import admitted
from driftline.server.web.cookies import SESSION, form_token, is_ours
from driftline.server.web.downloads import CSV, sheet, table_of
from driftline.server.web.templates import HEADERS, printed

Twin = Annotated[
    str | None,
    Field(pattern=r"^(json|csv(:[\w.]{1,100})?)$", description="The facts of the page as JSON, a table of it as CSV."),
]
"""A member of what a page is asked by."""


@dataclass(frozen=True)
class Heading:
    """What a page is called, in which part of the console it is (`models`, `imports`, `schedules` or none), and `up`:
    the pages above it, each a name and a path."""

    title: str
    part: str = ""
    up: tuple[tuple[str, str], ...] = ()


def page(
    request: Request, call: Call, template: str, heading: Heading, facts: Mapping[str, Any], **drawn: Any
) -> Response:
    """The facts in a template, with what is drawn of them; as `json` the facts alone, as `csv` a table of them."""
    asked = request.query_params.get("format") or ""
    if asked == "json":
        return JSONResponse(jsonable_encoder(facts), headers=HEADERS)
    if asked.partition(":")[0] == CSV:
        return _sheet(jsonable_encoder(facts), asked, heading.title)
    session = request.cookies.get(SESSION, "")
    who = _who(call, session)
    values = {
        "heading": heading,
        "now": call.now,
        "who": who or call.principal.name,
        "may_write": who is not None and call.principal.may("write"),
        "token": form_token(session),
        "twin": _twin(request, "json"),
        "csv_of": lambda name: _twin(request, f"{CSV}:{name}"),
        "asked": request.query_params.get("q", "") if heading.part == "search" else "",
    }
    return HTMLResponse(printed(template, **values, **facts, **drawn), headers=HEADERS)


def _twin(request: Request, format: str) -> str:
    """Where the same is told in another format."""
    return str(request.url.include_query_params(format=format).replace(scheme="", netloc=""))


def _sheet(facts: Mapping[str, Any], asked: str, title: str) -> Response:
    name, rows = table_of(facts, asked)
    file = re.sub(r"[^a-z0-9]+", "-", f"{title} {name}".lower()).strip("-")[:100]
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{file}.csv"'}
    return Response(sheet(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _who(call: Call, session: str) -> str | None:
    """The name of the key that somebody signed in with; None for who did not."""
    if not session:
        return None
    with call.catalog.read() as tx:
        found = sessions.find(tx, digest(session), now=call.now)
    return found.name if found else None


@dataclass(frozen=True)
class Form:
    """What was sent by a form of ours, by somebody who may change things; `who` is the name of the key."""

    call: Call
    who: str
    values: Mapping[str, str]

    def back(self, path: str) -> Response:
        """To the page that shows what became of it."""
        return RedirectResponse(path, 303, HEADERS)


_FIELDS = 2000
"""Of one form: those of a table of constraints are the most."""
Sent = Annotated[bytes, Body(media_type="application/x-www-form-urlencoded")]


def values_of(data: bytes) -> dict[str, str]:
    """The values of a form, one of each name; raises `Invalid` for too many of them.

    >>> values_of(b"key=dl_1&next=%2Fconsole")
    {'key': 'dl_1', 'next': '/console'}
    """
    text = data.decode("utf-8", "replace")
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError as error:
        got = f"{text.count('&') + 1:,} fields"
        raise Invalid(what="form", got=got, expected=f"at most {_FIELDS:,}", remedy="Send it as JSON.") from error
    return {name: told[-1].replace("\0", "\ufffd") for name, told in found.items()}  # no database keeps zero bytes


def _formed(request: Request, data: Sent = b"") -> Form:
    call = admitted(request, "write")
    values = values_of(data)
    session = request.cookies.get(SESSION, "")
    who = _who(call, session)
    if who is None or not is_ours(session, values.get("token", "")):
        raise Denied(action="write", resource="the console", remedy="Open the page again, and send its own form.")
    return Form(call, who, values)


Formed = Annotated[Form, Depends(_formed)]
"""A parameter of what a form does: raises `Denied` for forms of other sites, and for keys that may only read."""
