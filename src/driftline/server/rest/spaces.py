"""Spaces: models, imports and credentials are kept apart by them, and keys and people have roles in them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from driftline.catalog import spaces
from driftline.catalog.keys import SPACE
from driftline.catalog.spaces import Space
from driftline.server.rest.answers import Page
from driftline.server.rest.asked import Asked
from driftline.server.rest.callers import Administering, Reading

router = APIRouter(tags=["spaces"])

SpaceName = Annotated[str, InPath(pattern=rf"^{SPACE}$", description="The name of the space.")]


class SpaceWanted(Asked):
    """A space to be made, or the new name of one."""

    name: Annotated[str, Field(pattern=rf"^{SPACE}$", description="What it is called.")]


class SpaceValue(BaseModel):
    """A space, and how much there is in it."""

    name: str
    models: int
    imports: Annotated[int, Field(description="Import jobs, deleted ones too.")]
    credentials: int
    keys: Annotated[int, Field(description="API keys and access keys that are for this space by name.")]
    created: Annotated[datetime | None, Field(description="Null for one that something was simply put into.")]


@router.get("/spaces", summary="List spaces")
def list_spaces(call: Reading) -> Page[SpaceValue]:
    """The spaces that the caller may see, by name."""
    with call.catalog.read() as tx:
        found = [each for each in spaces.listed(tx) if call.catalog.sees(each.name)]
    return Page(items=[_shown(each) for each in found])


@router.post("/spaces", summary="Make a space", status_code=201)
def make_space(call: Administering, wanted: SpaceWanted) -> SpaceValue:
    """A space with nothing in it. 409 if there is one of the name."""
    with call.catalog.begin() as tx:
        return _shown(spaces.make(tx, wanted.name, now=call.now))


@router.patch("/spaces/{space}", summary="Rename a space")
def rename_space(call: Administering, space: SpaceName, wanted: SpaceWanted) -> SpaceValue:
    """Another name for it and for all that is in it, keys too. Roles of people in the settings do not follow."""
    with call.catalog.begin() as tx:
        return _shown(spaces.rename(tx, space, wanted.name))


@router.delete("/spaces/{space}", summary="Delete an empty space", status_code=204)
def delete_space(call: Administering, space: SpaceName) -> None:
    """Forget it. 409 while something is in it, or keys are for it."""
    with call.catalog.begin() as tx:
        spaces.remove(tx, space)


def _shown(found: Space) -> SpaceValue:
    return SpaceValue(**{name: getattr(found, name) for name in SpaceValue.model_fields})
