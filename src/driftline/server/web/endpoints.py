"""An endpoint: what it calls and captures, how much went through it, and what watches it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from driftline.server.rest import endpoints as rest
from driftline.server.rest.asked import Name
from driftline.server.rest.callers import Reading
from driftline.server.web.shown import Heading, page

router = APIRouter(prefix="/console/endpoints", include_in_schema=False)


@router.get("/{name}")
def show(request: Request, call: Reading, name: Name) -> Response:
    """The endpoint on one page."""
    found = rest.show_endpoint(call, name)
    return page(request, call, "endpoint.html", Heading(f"Endpoint {found.name}", "models"), {"endpoint": found})
