"""Models and their tags, as Aporia's SDK 2.x asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from driftline import registry
from driftline.alerting import register
from driftline.catalog import models as kept
from driftline.errors import Invalid
from driftline.imports import jobs
from driftline.registry import Model
from driftline.server.aporia.asked import ModelAsked, ModelId, TagsAsked
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import Reading, Writing

router = APIRouter(prefix="/v1beta")

OWN = "aporia."
"""Tags that begin so are not the user's: the colour and the icon of a model."""


@router.get("/capabilities/")
def capabilities(_call: Reading) -> dict[str, bool]:
    """What the server can do: fields may be described by more than the name of a type."""
    return {"is_field_schema_supported": True}


@router.post("/models")
def create_model(call: Writing, asked: ModelAsked) -> dict[str, str]:
    """The id of the new model; 409 if it is taken, which the SDK passes over."""
    own = {f"{OWN}{name}": value for name, value in (("color", asked.color), ("icon", asked.icon)) if value}
    tags = {**_lowered(asked.tags or {}), **own}
    made = Model(asked.id, asked.name, owner=asked.owner, description=asked.description or "", tags=tags)
    with call.catalog.begin() as tx:
        return {"id": registry.create_model(tx, made, now=call.now).id}


@router.delete("/models/{model}")
def delete_model(call: Writing, model: ModelId) -> dict[str, str]:
    """Forget the model and end its imports; rows that came stay until they are purged."""
    forget(call, model)
    return {"id": model}


@router.get("/models/{model}/tags")
def model_tags(call: Reading, model: ModelId) -> dict[str, str]:
    """The user's tags of the model."""
    with call.catalog.read() as tx:
        found = registry.get_model(tx, model)
    return {name: value for name, value in found.tags.items() if not name.startswith(OWN)}


@router.post("/models/{model}/tags")
def add_model_tags(call: Writing, model: ModelId, asked: TagsAsked) -> dict[str, Any]:
    """Add tags, or change those that are there; their names are in lower case."""
    with call.catalog.begin() as tx:
        tags = {**registry.get_model(tx, model).tags, **_lowered(asked.tags)}
        registry.change_model(tx, model, tags=tags, now=call.now)
    return {"tags": {name: value for name, value in tags.items() if not name.startswith(OWN)}}


@router.delete("/models/{model}/tags/{tag}")
def delete_model_tag(call: Writing, model: ModelId, tag: str) -> dict[str, str]:
    """The tag is not there any more, whether it was or not."""
    with call.catalog.begin() as tx:
        tags = registry.get_model(tx, model).tags
        kept = {name: value for name, value in tags.items() if name != tag.lower() or name.startswith(OWN)}
        registry.change_model(tx, model, tags=kept, now=call.now)
    return {"tag": tag}


def forget(call: Call, model: str) -> None:
    """End the imports into a model and forget it; raises `NotFound`."""
    with call.catalog.begin() as tx:
        registry.get_model(tx, model)
        for job in kept.jobs_of(tx, model):
            jobs.delete(tx, job, now=call.now)
        register.end(tx, model, now=call.now, settings=call.settings)
        registry.delete_model(tx, model)


def _lowered(tags: Mapping[str, str]) -> dict[str, str]:
    for name in tags:
        if name.lower().startswith(OWN):
            raise Invalid(what="tag", got=name, expected=f"a name that does not begin with {OWN!r}")
    return {name.lower(): value for name, value in tags.items()}
