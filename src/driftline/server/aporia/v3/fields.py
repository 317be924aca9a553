"""The fields of a model as Aporia's SDK 3.x lists them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from driftline import registry
from driftline.registry import ModelVersion
from driftline.schemas.fields import Kind, ModelField, Role
from driftline.server.aporia import identities
from driftline.server.aporia.v3.asked import Workspace
from driftline.server.aporia.v3.models import model_of
from driftline.server.rest.callers import Reading

router = APIRouter()

_TYPES = {
    Kind.NUMERIC: "numeric",
    Kind.BOOLEAN: "boolean",
    Kind.STRING: "categorical",
    Kind.CATEGORICAL: "categorical",
    Kind.TEXT: "text",
    Kind.TIMESTAMP: "datetime",
    Kind.TENSOR: "embedding",
    Kind.LIST: "array",
}
_GROUPS = {
    Role.RAW_INPUT: "raw_inputs",
    Role.GROUP: "raw_inputs",
    Role.FEATURE: "features",
    Role.PREDICTION: "predictions",
    Role.SCORE: "predictions",
    Role.RANK: "predictions",
    Role.ACTUAL: "actuals",
    Role.ACTUAL_SCORE: "actuals",
    Role.RELEVANCE: "actuals",
}
"""Role -> the group that these clients know; fields of other roles they do not."""


@router.get("/v1/crud-service/{account}/{workspace}/fields")
def list_fields(call: Reading, workspace: Workspace, model_id: str) -> list[dict[str, Any]]:
    """The fields of all versions of a model, each once, as its latest version has it."""
    with call.catalog.read() as tx:
        model_of(tx, workspace, model_id)
        versions = registry.versions(tx, model_id)
    found = {
        (each.name, _GROUPS[each.role]): (each, of) for of in versions for each in of.schema if each.role in _GROUPS
    }
    return [_said(each, group, of) for (_, group), (each, of) in found.items()]


def _said(field: ModelField, group: str, version: ModelVersion) -> dict[str, Any]:
    return {
        "id": identities.of(version.model, group, field.name),
        "name": field.name,
        "model_id": version.model,
        "type": _TYPES[field.kind],
        "group": group,
        "properties": {"prediction": field.of} if group == "actuals" else None,
        "created_at": version.created.isoformat() if version.created else None,
        "updated_at": version.modified.isoformat() if version.modified else None,
    }
