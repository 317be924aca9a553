"""Models as Aporia's SDK 3.x makes, lists, changes and deletes them."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import models as kept
from driftline.errors import NotFound
from driftline.registry import Model
from driftline.server.aporia.fields import TYPES, type_of
from driftline.server.aporia.models import OWN, forget
from driftline.server.aporia.v3.asked import ROOT, Id, ModelAsked, ModelChange, Workspace
from driftline.server.aporia.v3.workspaces import space_of
from driftline.server.rest.callers import Reading, Writing

router = APIRouter(prefix=ROOT + "/models")

_DEFAULTS = {"type": "binary", "color": "#3564C9", "icon": "general", "aggregation_period": "daily"}
"""What these clients must find with every model, also where another client made it."""
_COLORS = re.compile(r"#[0-9A-Fa-f]{6}")
_WORDS = {str(type): word for word, type in TYPES.items()}


@router.get("")
def list_models(call: Reading, workspace: Workspace) -> list[dict[str, Any]]:
    """All models of the workspace."""
    with call.catalog.read() as tx:
        return [model_said(tx, each) for each in registry.models(tx, space_of(workspace))]


@router.post("")
def create_model(call: Writing, workspace: Workspace, asked: ModelAsked) -> dict[str, Any]:
    """The new model; its id is made of its name."""
    type_of(asked.type)
    told = asked.model_dump()
    own = {f"{OWN}{name}": told[name] for name in _DEFAULTS if told[name]}
    with call.catalog.begin() as tx:
        made = Model(
            _free_id(tx, asked.name, space_of(workspace)),
            asked.name,
            space_of(workspace),
            owner=asked.owner,
            description=asked.description or "",
            tags=own,
        )
        return model_said(tx, registry.create_model(tx, made, now=call.now))


@router.get("/{id}")
def show_model(call: Reading, workspace: Workspace, id: Id) -> dict[str, Any]:
    """One model."""
    with call.catalog.read() as tx:
        return model_said(tx, model_of(tx, workspace, id))


@router.put("/{id}")
def change_model(call: Writing, workspace: Workspace, id: Id, asked: ModelChange) -> dict[str, Any]:
    """The model with what is given changed."""
    told = {name: value for name, value in asked.model_dump().items() if value is not None}
    kind = told.pop("model_type", None) or told.get("type")
    if kind:
        type_of(kind)
        told["type"] = kind
    with call.catalog.begin() as tx:
        found = model_of(tx, workspace, id)
        own = {f"{OWN}{name}": told.pop(name) for name in _DEFAULTS if name in told}
        changed = registry.change_model(tx, id, now=call.now, **told, tags={**found.tags, **own})
        return model_said(tx, changed)


@router.delete("/{id}")
def delete_model(call: Writing, workspace: Workspace, id: Id) -> dict[str, str]:
    """Forget the model and end its imports; rows that came stay until they are purged."""
    with call.catalog.read() as tx:
        model_of(tx, workspace, id)
    forget(call, id)
    return {"id": id}


def model_of(tx: Connection, workspace: str, id: str) -> Model:
    """The model of a workspace; raises `NotFound`."""
    found = registry.get_model(tx, id)
    if found.space != space_of(workspace):
        raise NotFound(what="model", name=f"{id} of {workspace}", remedy=f"It is in the space {found.space!r}.")
    return found


def type_said(tx: Connection, model: Model) -> str:
    """What the model predicts, in these clients' words: as it was said, or as its latest version says."""
    said = model.tags.get(f"{OWN}type")
    if said is None:
        versions = registry.versions(tx, model.id)
        said = _WORDS.get(str(versions[-1].type)) if versions else None
    return said or _DEFAULTS["type"]


def model_said(tx: Connection, model: Model) -> dict[str, Any]:
    """A model with all that these clients read."""
    own = {name: model.tags.get(f"{OWN}{name}", fallback) for name, fallback in _DEFAULTS.items()}
    return {
        **own,
        "id": model.id,
        "name": model.name,
        "type": type_said(tx, model),
        "color": own["color"] if _COLORS.fullmatch(own["color"]) else _DEFAULTS["color"],
        "description": model.description or None,
        "owner": model.owner,
        "created_at": model.created.isoformat() if model.created else None,
    }


def _free_id(tx: Connection, name: str, space: str) -> str:
    """An id made of the name that no model has."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:100] or "model"
    id, count = stem, 1
    while kept.is_taken(tx, id, space):
        count += 1
        id = f"{stem}-{count}"
    return id
