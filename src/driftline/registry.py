"""The register of models: made, found, described, changed and deleted, with their versions and schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import models as kept
from driftline.catalog.models import Model, ModelVersion, Page, Search
from driftline.errors import Conflict, Invalid, NotFound
from driftline.schemas.fields import LATE, Kind, ModelField, ModelSchema

__all__ = [
    "NAME",
    "RISKS",
    "Model",
    "ModelVersion",
    "Page",
    "Search",
    "annotate",
    "change_model",
    "create_model",
    "create_version",
    "delete_model",
    "delete_version",
    "find_model",
    "find_version",
    "get_model",
    "get_version",
    "models",
    "put_schema",
    "search",
    "versions",
]

NAME = r"^[A-Za-z0-9_](?:[A-Za-z0-9_ .:@+()-]{0,126}[A-Za-z0-9_.:@+()-])?$"
"""What ids of models, names of versions and spaces look like: they are parts of paths and of URLs."""
RISKS = ("Low", "Medium", "High", "Unknown")

_NAMED = "up to 128 letters, digits and _ . : @ + ( ) - or spaces, a letter, digit or _ first"
_TAGS, _FIELDS = 50, 10_000
_NAME_LENGTH, _TEXT_LENGTH, _FIELD_LENGTH = 256, 2000, 512
_NEAR = 1000
"""Ids among which one is looked for that resembles what was asked."""
_WORDS = (Kind.STRING, Kind.TEXT, Kind.CATEGORICAL)


def create_model(tx: Connection, model: Model, *, now: datetime) -> Model:
    """The model as it is kept from now on; raises `Conflict` if its id is taken, `Invalid` for what is wrong in it."""
    made = _checked(model)
    if kept.is_taken(tx, made.id, made.space) or not kept.add(tx, made, now=now):
        raise Conflict(what="model", name=made.id, reason="it exists already", remedy="Choose a different id.")
    return get_model(tx, made.id)


def find_model(tx: Connection, id: str) -> Model | None:
    """The model, if there is one."""
    return kept.find(tx, id)


def get_model(tx: Connection, id: str) -> Model:
    """The model; raises `NotFound`, which names the one that was probably meant."""
    found = kept.find(tx, id)
    if found is None:
        near = _near(id, kept.ids(tx, None, _NEAR))
        raise NotFound(what="model", name=id, remedy=near or "Make it first: driftline models create.")
    return found


def models(tx: Connection, space: str | None = None) -> list[Model]:
    """All models, or those of a space, by id."""
    return kept.of_space(tx, space)


def search(tx: Connection, wanted: Search) -> Page:
    """A page of the models; raises `Invalid` for a token that is none."""
    return kept.search(tx, wanted)


def change_model(tx: Connection, id: str, *, now: datetime, **changes: Any) -> Model:
    """The model with these members changed: name, owner, risk, description, tags, space.

    Raises `NotFound`, `Invalid`.
    """
    kept.update(tx, _checked(replace(get_model(tx, id), **changes)), now=now)
    return get_model(tx, id)


def delete_model(tx: Connection, id: str) -> None:
    """Forget the model, its versions and its monitors; what was imported stays until it is purged.

    Raises `NotFound`, and `Conflict` while import jobs feed it.
    """
    get_model(tx, id)
    _refuse_fed("model", id, kept.jobs_of(tx, id))
    kept.remove(tx, id)


def create_version(tx: Connection, version: ModelVersion, *, now: datetime) -> ModelVersion:
    """The version as it is kept from now on; raises `NotFound` without its model, `Conflict`, `Invalid`."""
    get_model(tx, version.model)
    _check_name("version", version.version)
    _check_schema(tx, version.model, version.version, version.schema)
    if not kept.add_version(tx, version, now=now):
        name = f"{version.version} of {version.model}"
        remedy = "Choose a different version, or change the schema of this one."
        raise Conflict(what="version", name=name, reason="it exists already", remedy=remedy)
    return get_version(tx, version.model, version.version)


def find_version(tx: Connection, model: str, version: str) -> ModelVersion | None:
    """The version, if there is one."""
    return kept.find_version(tx, model, version)


def get_version(tx: Connection, model: str, version: str) -> ModelVersion:
    """The version; raises `NotFound` for it or its model."""
    found = kept.find_version(tx, model, version)
    if found is None:
        get_model(tx, model)
        near = _near(version, [each.version for each in kept.versions(tx, model)])
        remedy = near or "Make it first: driftline models add-version."
        raise NotFound(what="version", name=f"{version} of {model}", remedy=remedy)
    return found


def versions(tx: Connection, model: str) -> list[ModelVersion]:
    """Those of the model, oldest first; raises `NotFound` for a model that is not there."""
    get_model(tx, model)
    return kept.versions(tx, model)


def put_schema(tx: Connection, model: str, version: str, schema: ModelSchema, *, now: datetime) -> ModelVersion:
    """The version with another schema, for the rows that come from now on.

    Raises `NotFound`, `Invalid`, and `Conflict` where a field that has rows would take values of another kind.
    """
    found = kept.find_version(tx, model, version, lock=True) or get_version(tx, model, version)
    _check_schema(tx, model, version, schema)
    if kept.has_rows(tx, model, version):
        _refuse_turned(f"{model}/{version}", found.schema.fields, schema.fields)
    kept.update_version(tx, replace(found, schema=schema), now=now)
    return get_version(tx, model, version)


def grow(tx: Connection, model: str, version: str, fields: Iterable[ModelField], *, now: datetime) -> ModelVersion:
    """The version with those of the fields that it lacks, whatever its schema is by now: what is there stays.

    An actual of which it is not said what it is the actual of learns that. A field that does not fit into the schema is
    left out: what users say goes before what files show. Raises `NotFound`.
    """
    found = kept.find_version(tx, model, version, lock=True) or get_version(tx, model, version)
    schema = found.schema
    for each in fields:
        there = next((own for own in schema if (own.name, own.role in LATE) == (each.name, each.role in LATE)), None)
        grown = schema.with_fields([each if there is None else replace(there, of=there.of or each.of)])
        try:
            _check_schema(tx, model, version, grown)
        except (Conflict, Invalid):
            continue
        schema = grown
    return found if schema == found.schema else put_schema(tx, model, version, schema, now=now)


def annotate(tx: Connection, version: ModelVersion, body: Mapping[str, Any], *, now: datetime) -> ModelVersion:
    """The version with these members beside those that vendors' clients added before; raises `NotFound`."""
    found = kept.find_version(tx, version.model, version.version, lock=True)
    found = found or get_version(tx, version.model, version.version)
    kept.update_version(tx, replace(found, body={**found.body, **body}), now=now)
    return get_version(tx, version.model, version.version)


def delete_version(tx: Connection, model: str, version: str) -> None:
    """Forget the version; what was imported stays until it is purged.

    Raises `NotFound`, and `Conflict` while import jobs feed it.
    """
    get_version(tx, model, version)
    _refuse_fed("version", f"{version} of {model}", kept.jobs_of(tx, model, version))
    kept.remove_version(tx, model, version)


def _checked(model: Model) -> Model:
    """The model with its risk as it is spelled; raises `Invalid`."""
    _check_name("model id", model.id)
    _check_name("space", model.space)
    lengths = (("name", model.name, _NAME_LENGTH), ("description", model.description, _TEXT_LENGTH))
    for what, text, most in (*lengths, ("owner", model.owner or "", _NAME_LENGTH)):
        if len(text) > most or "\x00" in text or (what == "name" and not text.strip()):
            raise Invalid(what=f"{what} of model {model.id}", got=text[:80], expected=f"1 to {most} characters of text")
    if model.risk.title() not in RISKS:
        raise Invalid(what=f"risk of model {model.id}", got=model.risk, expected=", ".join(RISKS))
    if len(model.tags) > _TAGS:
        raise Invalid(what=f"tags of model {model.id}", got=len(model.tags), expected=f"{_TAGS} at most")
    for tag, value in model.tags.items():
        if not tag or len(tag) > 128 or len(value) > _NAME_LENGTH or "\x00" in tag + value:
            expected = f"a name of 1 to 128 characters with a value of {_NAME_LENGTH} at most"
            raise Invalid(what=f"tag of model {model.id}", got=f"{tag[:80]}={value[:80]}", expected=expected)
    return replace(model, risk=model.risk.title())


def _check_name(what: str, name: str) -> None:
    if not re.fullmatch(NAME.strip("^$"), name):
        raise Invalid(what=what, got=name[:200], expected=_NAMED)


def _check_schema(tx: Connection, model: str, version: str, schema: ModelSchema) -> None:
    """Raises `Invalid` for too much, `Conflict` where labels, which all versions share, would differ in kind."""
    if len(schema.fields) > _FIELDS:
        raise Invalid(what=f"fields of {model}/{version}", got=len(schema.fields), expected=f"{_FIELDS} at most")
    for each in schema.fields:
        if len(each.name) > _FIELD_LENGTH or not each.name.isprintable():
            expected = f"1 to {_FIELD_LENGTH} characters that can be printed"
            raise Invalid(what=f"field of {model}/{version}", got=each.name[:80], expected=expected)
    for other in kept.versions(tx, model):
        if other.version != version:
            _refuse_turned(f"{model}/{other.version}", other.schema.late, schema.late)


def _refuse_turned(whose: str, before: Sequence[ModelField], after: Sequence[ModelField]) -> None:
    """Raises `Conflict` for a field whose values the column that holds it could not take any more."""
    known = {(each.name, each.role in LATE): each for each in before}
    for each in after:
        old = known.get((each.name, each.role in LATE))
        if old is not None and not _takes(old, each):
            reason = f"{whose} keeps {_said(old)}, not {_said(each)}"
            remedy = "Give the field another name, or make a model version with fields of its own."
            raise Conflict(what="field", name=each.name, reason=reason, remedy=remedy)


def _takes(old: ModelField, new: ModelField) -> bool:
    """Whether the column of one field can hold the values of the other: whole numbers are numbers."""
    kinds = [Kind.STRING if each.kind in _WORDS else each.kind for each in (old, new)]
    return kinds[0] == kinds[1] and old.dimensions == new.dimensions and (new.whole or not old.whole)


def _said(field: ModelField) -> str:
    return f"whole {field.kind}" if field.whole else f"{field.kind} {'x'.join(map(str, field.dimensions))}".strip()


def _refuse_fed(what: str, name: str, jobs: list[str]) -> None:
    if jobs:
        counted = "1 import job feeds" if len(jobs) == 1 else f"{len(jobs)} import jobs feed"
        reason = f"{counted} it, first of all {jobs[0]}"
        remedy = "Delete those first: driftline imports delete."
        raise Conflict(what=what, name=name, reason=reason, remedy=remedy)


def _near(name: str, known: list[str]) -> str:
    found = get_close_matches(name, known, n=1)
    return f"Did you mean {found[0]!r}?" if found else ""
