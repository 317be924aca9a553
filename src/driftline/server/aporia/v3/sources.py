"""Data sources as Aporia's SDK 3.x names them: the sort of storage, and by which credentials it is reached."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection

from driftline.catalog import resources
from driftline.catalog.resources import Resource, Search
from driftline.errors import Conflict, Invalid, NotFound
from driftline.server.aporia.places import SCHEMES
from driftline.server.aporia.v3.asked import ROOT, Id, SourceAsked, SourceChange, Workspace
from driftline.server.aporia.v3.workspaces import space_of
from driftline.server.rest.callers import Reading, Writing

router = APIRouter(prefix=ROOT + "/data-sources")

KIND = "aporia-data-source"
_MOST = 1000
_REMEDY = "Bring the rows to files: Driftline reads objects, not databases."


@router.get("")
def list_sources(call: Reading, workspace: Workspace) -> list[dict[str, Any]]:
    """All data sources of the workspace."""
    with call.catalog.read() as tx:
        return [source_said(each) for each in _sources(tx, workspace)]


@router.post("")
def create_source(call: Writing, workspace: Workspace, asked: SourceAsked) -> dict[str, Any]:
    """The new data source; 409 if its name is taken."""
    body = {"name": asked.name, "type": _type(asked.connection), "credentials": asked.connection.get("credentials")}
    with call.catalog.begin() as tx:
        if any(each.body["name"] == asked.name for each in _sources(tx, workspace)):
            raise Conflict(
                what="data source", name=asked.name, reason="it exists already", remedy="Choose another name."
            )
        id, labels = str(uuid.uuid4()), {"space": space_of(workspace)}
        made = Resource(KIND, id, call.arn(KIND, id), body, "Ready", call.now, call.now, labels)
        resources.create(tx, made)
    return source_said(made)


@router.get("/{id}")
def show_source(call: Reading, workspace: Workspace, id: Id) -> dict[str, Any]:
    """One data source."""
    with call.catalog.read() as tx:
        return source_said(source_of(tx, workspace, id))


@router.put("/{id}")
def change_source(call: Writing, workspace: Workspace, id: Id, asked: SourceChange) -> dict[str, Any]:
    """The data source by another name, or with other credentials, for datasets that are made from now on."""
    connection = asked.connection or asked.connection_data
    with call.catalog.begin() as tx:
        body = dict(source_of(tx, workspace, id).body)
        if connection is not None:
            type = asked.data_source_type or connection.get("type") or body["type"]
            body |= {"type": _type({"type": type}), "credentials": connection.get("credentials")}
        body["name"] = asked.name or body["name"]
        return source_said(resources.update(tx, KIND, id, now=call.now, body=body))


@router.delete("/{id}")
def delete_source(call: Writing, workspace: Workspace, id: Id) -> dict[str, str]:
    """Forget the data source; datasets that were made of it stay."""
    with call.catalog.begin() as tx:
        resources.delete(tx, KIND, source_of(tx, workspace, id).name)
    return {"id": id}


def source_of(tx: Connection, workspace: str, id: str) -> Resource:
    """The data source of a workspace; raises `NotFound`."""
    found = resources.find(tx, KIND, id)
    if found is None or found.labels.get("space") != space_of(workspace):
        raise NotFound(what="data source", name=id, remedy="Data sources belong to the workspace that made them.")
    return found


def source_said(found: Resource) -> dict[str, Any]:
    """A data source, without what connects to it."""
    return {"id": found.name, "name": found.body["name"], "type": found.body["type"]}


def _sources(tx: Connection, workspace: str) -> list[Resource]:
    wanted = Search(attributes={"space": space_of(workspace)}, limit=_MOST, descending=False)
    return list(resources.search(tx, KIND, wanted).items)


def _type(connection: dict[str, Any]) -> str:
    said = str(connection.get("type"))
    if said not in SCHEMES:
        raise Invalid(what="type of data source", got=said, expected=", ".join(SCHEMES), remedy=_REMEDY)
    return said
