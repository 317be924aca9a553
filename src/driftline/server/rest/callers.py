"""What the endpoints ask of a caller: a scope each; and who it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import HTTPBearer

from driftline.server.auth import Principal
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Caller

router = APIRouter(tags=["caller"])


def called(request: Request) -> Call:
    """What the endpoint is given, as AWS operations are; the caller was verified before."""
    state = request.app.state
    principal: Principal = request.scope["state"]["principal"]
    return Call(state.catalog, state.now(), state.settings, principal, state.parts)


_KEY = HTTPBearer(scheme_name="key", description="An API key, or instead of it an AWS signature.", auto_error=False)
"""For the description alone: who calls was verified before."""


def _allowed(scope: str) -> Any:
    """A dependency: the call, if the caller has the scope; else 403. The description of the API names the scope."""

    def check(request: Request, _key: Annotated[object, Depends(_KEY)]) -> Call:
        made = called(request)
        made.principal.require(scope)
        return made

    return Security(check, scopes=[scope])


Reading = Annotated[Call, _allowed("read")]
"""A parameter of an endpoint that only shows."""
Writing = Annotated[Call, _allowed("write")]
"""A parameter of an endpoint that changes or runs."""
Administering = Annotated[Call, _allowed("admin")]
"""A parameter of an endpoint that shows, makes or deletes keys."""


@router.get("/me", summary="Who calls, and what is allowed")
def me(call: Reading) -> Caller:
    """The caller's name and scopes; for trying a key."""
    return Caller(name=call.principal.name, scopes=sorted(call.principal.scopes))
