"""Models as Arthur's client knows them: each of its ids is one version of a model of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from driftline import registry
from driftline.errors import Invalid
from driftline.registry import Model, ModelVersion, Search
from driftline.server.arize.mapping import model_id
from driftline.server.arthur.attributes import attributes_of, output_of, schema_of, type_of

FIRST = "1"
"""The version of a model that is not made as another one of its group."""
_OWN = "arthur"


@dataclass(frozen=True)
class Found:
    """A version of a model with the id by which the client called it."""

    id: str
    model: Model
    version: ModelVersion


def find(tx: Connection, id: str) -> Found:
    """The version of this id: `MODEL` is the first or the only one, `MODEL@VERSION` another; raises `NotFound`.

    A model that was made elsewhere has the id that it has there, and means its latest version.
    """
    name, at, version = id.rpartition("@")
    if at and (model := registry.find_model(tx, name)) is not None:
        found = registry.find_version(tx, name, version)
        if found is not None:
            return Found(id, model, found)
    model = registry.get_model(tx, id)
    every = registry.versions(tx, model.id)
    if not every:
        return Found(id, model, registry.get_version(tx, model.id, FIRST))  # raises: there is none
    return Found(id, model, next((each for each in every if _document(each).get("id") == id), every[-1]))


def find_by_partner(tx: Connection, partner: str) -> Found:
    """The model that the client named so when it made it; raises `NotFound`."""
    for model in registry.search(tx, Search(contains=None, limit=1000)).items:
        for each in registry.versions(tx, model.id):
            if _document(each).get("partner_model_id") == partner:
                return Found(str(_document(each)["id"]), model, each)
    return find(tx, model_id(partner))


def make(tx: Connection, given: Mapping[str, Any], now: Any) -> Found:
    """A model as the client describes it, or another version of the group that it names.

    Raises `Invalid`, `Conflict` if there is one of its id, `NotFound` for a group that is none.
    """
    partner, attributes = given.get("partner_model_id"), given.get("attributes") or []
    if not isinstance(partner, str) or not partner or not isinstance(attributes, list):
        raise Invalid(what="model", got=partner, expected="partner_model_id, and attributes in a list")
    type = type_of(given.get("output_type"), attributes)
    group, name = given.get("model_group_id"), str(given.get("display_name") or partner)
    if group:
        model = registry.get_model(tx, str(group))
        version = model_id(str(given.get("version_label") or partner))
    else:
        about = str(given.get("description") or "")
        tags = {str(each): "" for each in given.get("tags") or ()}
        model = registry.create_model(tx, Model(model_id(partner), name, description=about, tags=tags), now=now)
        version = FIRST
    id = f"{model.id}@{version}" if group else model.id
    body = {_OWN: {**given, "id": id, "number": len(registry.versions(tx, model.id)) + 1}}
    made = ModelVersion(model.id, version, type, schema_of(attributes, type), body)
    return Found(id, model, registry.create_version(tx, made, now=now))


def change(tx: Connection, found: Found, given: Mapping[str, Any], now: Any) -> Found:
    """The model as the client describes it now; raises `Conflict` where rows would not fit any more, `Invalid`."""
    document = {**_document(found.version), **given, "id": found.id}
    attributes = document.get("attributes") or []
    version = found.version
    if given.get("attributes"):
        schema = schema_of(attributes, version.type)
        version = registry.put_schema(tx, version.model, version.version, schema, now=now)
    return Found(found.id, found.model, registry.annotate(tx, version, {_OWN: document}, now=now))


def described(found: Found) -> dict[str, Any]:
    """The model as the client reads it: what it sent, with its id; it is ready as soon as it is made."""
    kept = {name: value for name, value in _document(found.version).items() if name not in ("number", "archived")}
    version, model = found.version, found.model
    fallback = {
        "partner_model_id": found.id,
        "input_type": "TABULAR",
        "output_type": output_of(version.type),
        "display_name": model.name,
        "description": model.description or None,
        "is_batch": False,
        "attributes": attributes_of(version.schema.fields),
    }
    archived = bool(_document(version).get("archived"))
    return {
        **fallback,
        **kept,
        "id": found.id,
        "status": "Archived" if archived else "Ready",
        "archived": archived,
        "created_at": version.created.isoformat() if version.created else None,
        "updated_at": version.modified.isoformat() if version.modified else None,
        "model_group_id": model.id,
        "version_sequence_num": _document(version).get("number", 1),
        "version_label": version.version,
    }


def _document(version: ModelVersion) -> Mapping[str, Any]:
    found: Mapping[str, Any] = version.body.get(_OWN, {})
    return found
