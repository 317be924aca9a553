"""What the endpoints ask of a caller: a scope each; and who it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import HTTPBearer

from driftline.catalog.keys import EVERYWHERE
from driftline.server.auth import Principal
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Caller
from driftline.server.rest.subjects import space_of

router = APIRouter(tags=["caller"])


def called(request: Request) -> Call:
    """What the endpoint is given, as AWS operations are; the caller was verified before.

    Of the catalog it has the spaces that the caller may see, and may change those in which the caller may write.
    """
    return _call(request, "write")


def admitted(request: Request, scope: str, space: str | None = None) -> Call:
    """The call, if the caller has the scope: in this space, `*` for all; in any one without a space.

    What the path names must be of a space that the caller sees (else `NotFound`), and in which the scope is allowed
    (else `Denied`). The catalog of the call keeps that for all else.
    """
    made = _call(request, scope)
    made.principal.require(scope, space)
    if made.catalog.is_confined:
        with made.catalog.read() as tx:
            found = space_of(tx, request.url.path, request.path_params)
        if found is not None and made.catalog.sees(found):
            made.principal.require(scope, found)
    return made


def _call(request: Request, scope: str) -> Call:
    state = request.app.state
    principal: Principal = request.scope["state"]["principal"]
    catalog = state.catalog.confined(principal.confines(scope))
    return Call(catalog, state.now(), state.settings, principal, state.parts)


_KEY = HTTPBearer(scheme_name="key", description="An API key, or instead of it an AWS signature.", auto_error=False)
"""For the description alone: who calls was verified before."""


def _allowed(scope: str, space: str | None = None) -> Any:
    """A dependency: the call, if it is admitted, else 403. The description of the API names the scope."""

    def check(request: Request, _key: Annotated[object, Depends(_KEY)]) -> Call:
        return admitted(request, scope, space)

    return Security(check, scopes=[scope])


Reading = Annotated[Call, _allowed("read")]
"""A parameter of an endpoint that only shows."""
Writing = Annotated[Call, _allowed("write")]
"""A parameter of an endpoint that changes or runs."""
Administering = Annotated[Call, _allowed("admin", EVERYWHERE)]
"""A parameter of an endpoint that makes or deletes what belongs to all spaces."""
Appointing = Annotated[Call, _allowed("admin")]
"""A parameter of an endpoint that makes or deletes keys, or what else the administrators of some spaces may."""


@router.get("/me", summary="Who calls, and what is allowed")
def me(call: Reading) -> Caller:
    """The caller's name, scopes and spaces; for trying a key."""
    roles = {space: sorted(scopes) for space, scopes in call.principal.roles.items()}
    return Caller(
        name=call.principal.name, scopes=sorted({each for one in roles.values() for each in one}), roles=roles
    )
