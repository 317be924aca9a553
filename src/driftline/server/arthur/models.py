"""Models as Arthur's client makes, reads, changes and archives them; and who it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import JSONResponse

from driftline import registry
from driftline.registry import Search
from driftline.server.arthur.found import change, described, find, find_by_partner, make
from driftline.server.rest.callers import Reading, Writing

router = APIRouter()

ORGANIZATION = "driftline"
"""The one organization there is."""
_PAGE = 100


@router.get("/users/me")
def me(call: Reading) -> dict[str, Any]:
    """Who calls, and of which organization."""
    return {"id": call.principal.name, "login": call.principal.name, "organization_id": ORGANIZATION}


@router.get("/users/me/auth_info")
def authorized(_call: Reading) -> dict[str, Any]:
    """The organizations of who calls."""
    return {"organization_ids": [ORGANIZATION], "roles": []}


@router.get("/organizations/current")
def organization(_call: Reading) -> dict[str, Any]:
    """The organization."""
    return {"id": ORGANIZATION, "name": ORGANIZATION}


@router.post("/models")
def create_model(call: Writing, sent: Annotated[dict[str, Any], Body()]) -> JSONResponse:
    """Make a model, or another version of a group of models; it is ready at once."""
    with call.catalog.begin() as tx:
        return JSONResponse(described(make(tx, sent, call.now)), 201)


@router.get("/models")
def list_models(call: Reading, page_size: Annotated[int, Query(ge=1, le=1000)] = _PAGE) -> dict[str, Any]:
    """The models, each by its latest version."""
    with call.catalog.read() as tx:
        page = registry.search(tx, Search(limit=page_size))
        found = [described(find(tx, each.id)) for each in page.items if registry.versions(tx, each.id)]
    return {"data": found, "page": 1, "page_size": page_size, "total_count": len(found)}


@router.get("/models/{id:path}")  # the client writes slashes of a name as they are
def show_model(call: Reading, id: str, id_type: Literal["id", "partner_model_id"] = "id") -> dict[str, Any]:
    """The model, by its id or by the name that the client gave it."""
    with call.catalog.read() as tx:
        return described(find(tx, id) if id_type == "id" else find_by_partner(tx, id))


@router.put("/models/{id}")
def change_model(call: Writing, id: str, sent: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Describe the model anew."""
    with call.catalog.begin() as tx:
        return described(change(tx, find(tx, id), sent, call.now))


@router.delete("/models/{id}", status_code=204)
def archive_model(call: Writing, id: str) -> Response:
    """Archive the model: it takes no more rows; those that came stay."""
    with call.catalog.begin() as tx:
        change(tx, find(tx, id), {"archived": True}, call.now)
    return Response(status_code=204)
