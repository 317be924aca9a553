"""Model versions as Aporia's SDK 2.x declares them, and what else it says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import models as kept
from driftline.errors import Invalid
from driftline.registry import ModelVersion
from driftline.server.aporia.asked import ImportanceAsked, ModelId, VersionAsked, VersionName
from driftline.server.aporia.fields import schema_of, type_of
from driftline.server.rest.callers import Writing

router = APIRouter(prefix="/v1beta/models/{model}/versions")

BODY = "aporia"
"""The member of a version's body that these clients' data are in."""


@router.post("")
def create_version(call: Writing, model: ModelId, asked: VersionAsked) -> dict[str, str]:
    """The version; the same again changes nothing, 409 if it is there with other fields."""
    type = type_of(asked.model_type)
    schema = schema_of(type, asked.version_schema.model_dump(), asked.mapping)
    said = digest_of(asked)
    body: dict[str, Any] = {"declared": said, "labels": asked.labels or []}
    body |= {"mapping": asked.mapping or {}, "feature_importance": asked.feature_importance or {}}
    made = ModelVersion(model, asked.name, type, schema, {BODY: body})
    with call.catalog.begin() as tx:
        found = registry.find_version(tx, model, asked.name)
        if found is None or own_of(found).get("declared") != said:
            registry.create_version(tx, made, now=call.now)
    return {"id": asked.name, "name": asked.name, "model_id": model}


@router.post("/{version}/feature_importance")
def put_importance(call: Writing, model: ModelId, version: VersionName, asked: ImportanceAsked) -> dict[str, Any]:
    """How much each feature matters; raises `Invalid` for what is no feature."""
    with call.catalog.begin() as tx:
        found = locked(tx, model, version)
        names = {each.name for each in found.schema}
        for name in asked.feature_importance:
            if name not in names:
                raise Invalid(what="feature_importance", got=name, expected=f"a feature of {model}/{version}")
        keep(tx, found, {"feature_importance": asked.feature_importance}, now=call.now)
    return {"feature_importance": asked.feature_importance}


def own_of(version: ModelVersion) -> dict[str, Any]:
    """What these clients said of a version."""
    return dict(version.body.get(BODY, {}))


def locked(tx: Connection, model: str, version: str) -> ModelVersion:
    """The version, which nobody else changes until the transaction ends; raises `NotFound`."""
    return kept.find_version(tx, model, version, lock=True) or registry.get_version(tx, model, version)


def keep(tx: Connection, version: ModelVersion, changes: Mapping[str, Any], *, now: datetime) -> None:
    """Keep what a client said of a version beside what it said before."""
    body = {**version.body, BODY: {**own_of(version), **changes}}
    kept.update_version(tx, replace(version, body=body), now=now)


def digest_of(asked: BaseModel) -> str:
    """By what the same request is known again: it may hold what must not be kept."""
    return sha256(json.dumps(asked.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
