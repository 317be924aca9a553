"""Workspaces as Aporia's SDK 3.x looks for them, and what of a workspace is not offered."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from driftline.errors import Invalid
from driftline.server.aporia.v3.asked import ROOT, Workspace
from driftline.server.rest.callers import Reading, Writing

router = APIRouter()

DEFAULT = "default-workspace"
_EMPTY = ("data-segments", "metrics/custom-metrics", "monitors", "dashboards")
_OFFERED = "models, model-versions, data-sources, datasets"
_REMEDY = "Monitors, segments and their pages are Driftline's own: see its REST API under /v1."


@router.get("/v1/identity-service/accounts/{account}/workspaces/{workspace}")
def show_workspace(_call: Reading, account: str, workspace: Workspace) -> dict[str, str]:
    """A workspace is there as soon as it is named; its models are those of the space of that name."""
    return {"id": workspace, "name": workspace, "account": account, "space": space_of(workspace)}


@router.get(ROOT + "/{what:path}")
def list_nothing(_call: Reading, what: str) -> list[Any]:
    """There are no monitors, segments, metrics or dashboards that these clients made."""
    if what not in _EMPTY:
        raise Invalid(what="resource", got=what, expected=_OFFERED, remedy=_REMEDY)
    return []


@router.post(ROOT + "/{what:path}")
@router.put(ROOT + "/{what:path}")
@router.delete(ROOT + "/{what:path}")
def refuse(_call: Writing, what: str) -> None:
    """What these clients can make elsewhere, and not here."""
    raise Invalid(what="resource", got=what, expected=_OFFERED, remedy=_REMEDY)


def space_of(workspace: str) -> str:
    """The space that a workspace is.

    >>> space_of("default-workspace"), space_of("risk")
    ('default', 'risk')
    """
    return "default" if workspace == DEFAULT else workspace
