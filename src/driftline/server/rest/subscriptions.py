"""The address that confirms a subscription to a topic, for whoever was sent its token."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from driftline.catalog import topics
from driftline.catalog.acting import Actor, Operation, acting
from driftline.errors import NotFound
from driftline.server.aws.sns import CONFIRMING

router = APIRouter()


@router.get(CONFIRMING, include_in_schema=False)
def confirm(
    request: Request,
    topic: Annotated[str, Query(max_length=512, pattern=r"^[\x21-\x7e]+$")],
    token: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")],
) -> HTMLResponse:
    """Say yes to the subscription of this token."""
    state = request.app.state
    who = Actor("subscriber", "aws", state.now(), lambda: Operation(f"GET {CONFIRMING}", topic))
    with acting(who), state.catalog.begin() as tx:
        found = topics.confirm(tx, topic, token)
    if found is None:
        raise NotFound(what="subscription", name="of this token", remedy="Subscribe again to be sent another.")
    said = f"<p>Subscription confirmed: {escape(found.endpoint)} is told what is published to {escape(topic)}.</p>"
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Subscription confirmed</title><body>{said}</body></html>'
    )
