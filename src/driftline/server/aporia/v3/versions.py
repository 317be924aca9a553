"""Model versions as Aporia's SDK 3.x makes them: names first, their fields come with the datasets."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from driftline import registry
from driftline.errors import Conflict
from driftline.registry import ModelVersion
from driftline.schemas.fields import ModelSchema
from driftline.server.aporia import identities
from driftline.server.aporia.datasets import forget_version, switch
from driftline.server.aporia.fields import type_of
from driftline.server.aporia.v3.asked import ROOT, Id, VersionAsked, VersionChange, Workspace
from driftline.server.aporia.v3.models import model_of, type_said
from driftline.server.aporia.v3.workspaces import space_of
from driftline.server.aporia.versions import BODY, keep, locked, own_of
from driftline.server.aws.waking import wake
from driftline.server.rest.callers import Reading, Writing

router = APIRouter(prefix=ROOT + "/model-versions")


@router.get("")
def list_versions(
    call: Reading,
    workspace: Workspace,
    model_id: str | None = None,
) -> list[dict[str, Any]]:
    """The versions of a model, or of all models of the workspace."""
    with call.catalog.read() as tx:
        named = [model_of(tx, workspace, model_id)] if model_id else registry.models(tx, space_of(workspace))
        return [version_said(each) for model in named for each in registry.versions(tx, model.id)]


@router.post("")
def create_version(call: Writing, workspace: Workspace, asked: VersionAsked) -> dict[str, Any]:
    """The new version, without fields; 409 if its model has it."""
    with call.catalog.begin() as tx:
        type = type_of(type_said(tx, model_of(tx, workspace, asked.model_id)))
        made = ModelVersion(asked.model_id, asked.name, type, ModelSchema(), {BODY: {"active": asked.is_active}})
        return version_said(registry.create_version(tx, made, now=call.now))


@router.get("/{id}")
def show_version(call: Reading, workspace: Workspace, id: Id) -> dict[str, Any]:
    """One version."""
    model, version = identities.parts(id, 2)
    with call.catalog.read() as tx:
        model_of(tx, workspace, model)
        return version_said(registry.get_version(tx, model, version))


@router.put("/{id}")
def change_version(call: Writing, workspace: Workspace, id: Id, asked: VersionChange) -> dict[str, Any]:
    """The version with its datasets started or paused; its name stays."""
    model, version = identities.parts(id, 2)
    if asked.name not in (None, version):
        remedy = "Make another version."
        raise Conflict(what="version", name=f"{version} of {model}", reason="its name stays", remedy=remedy)
    with call.catalog.begin() as tx:
        model_of(tx, workspace, model)
        found = locked(tx, model, version)
        if asked.is_active is not None:
            switch(call, tx, found, enabled=asked.is_active)
            keep(tx, found, {"active": asked.is_active}, now=call.now)
            found = registry.get_version(tx, model, version)
    wake(call)
    return version_said(found)


@router.delete("/{id}")
def delete_version(call: Writing, workspace: Workspace, id: Id) -> dict[str, str]:
    """Forget the version and end its imports; rows that came stay until they are purged."""
    model, version = identities.parts(id, 2)
    with call.catalog.read() as tx:
        model_of(tx, workspace, model)
    forget_version(call, model, version)
    return {"id": id}


def version_said(found: ModelVersion) -> dict[str, Any]:
    """A version with all that these clients read."""
    return {
        "id": identities.of(found.model, found.version),
        "name": found.version,
        "model_id": found.model,
        "is_active": bool(own_of(found).get("active", True)),
        "created_at": found.created.isoformat() if found.created else None,
    }
