"""The REST API under /v1: a router, and what its endpoints ask of a caller."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from driftline.catalog.database import Catalog
from driftline.server.auth import Principal
from driftline.server.aws.wire import Call

router = APIRouter(
    prefix="/v1",
    responses={
        400: {"description": "Refused: what was sent is wrong"},
        401: {"description": "No key, or one that is not known"},
        403: {"description": "The key lacks the scope"},
    },
)
"""Endpoints under /v1. An error of `driftline.errors` becomes `{"error": {"code", "message"}}` with its status."""


def called(request: Request) -> Call:
    """What the endpoint is given, as AWS operations are; the caller was verified before."""
    state = request.app.state
    principal: Principal = request.scope["state"]["principal"]
    return Call(state.catalog, state.now(), state.settings, principal, state.parts)


def _allowed(scope: str) -> Any:
    """A dependency: the call, if the caller has the scope; else 403."""

    def check(request: Request) -> Call:
        made = called(request)
        made.principal.require(scope)
        return made

    return Depends(check)


Reading = Annotated[Call, _allowed("read")]
"""A parameter of an endpoint that only shows."""
Writing = Annotated[Call, _allowed("write")]
"""A parameter of an endpoint that changes or runs."""
Administering = Annotated[Call, _allowed("admin")]
"""A parameter of an endpoint that makes or deletes keys."""


@router.get("/me", summary="Who calls, and what is allowed")
def me(call: Reading) -> dict[str, Any]:
    """The caller's name and scopes; for trying a key."""
    return {"name": call.principal.name, "scopes": sorted(call.principal.scopes)}


def ready(catalog: Catalog) -> bool:
    """Whether the database answers; raises `Unavailable` if not."""
    with catalog.read():
        return True
