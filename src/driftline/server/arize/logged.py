"""Rows that Arize's SDKs log: tables as Arrow, and single predictions or actuals; kept at once, read later."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Body, Depends, Request
from sqlalchemy import Connection

from driftline import registry
from driftline.errors import Invalid
from driftline.imports.job import Content
from driftline.imports.pushed import inbox_of, push
from driftline.registry import Model, ModelVersion
from driftline.schemas.columns import Columns
from driftline.schemas.fields import LATE, Environment, Kind, ModelField, ModelSchema, Role
from driftline.schemas.inferred import infer
from driftline.schemas.names import columns_of
from driftline.schemas.roles import guessed
from driftline.server.arize import mapping
from driftline.server.arize.jobs import find_model, free_id
from driftline.server.arize.messages import Logged, logged_row, logged_table
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import Writing
from driftline.storage.access import Access

router = APIRouter(prefix="/v1", include_in_schema=False)

_SAMPLE = 8
"""So many record batches of a table show which fields it has."""


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("/pandas_arrow")
def log_table(call: Writing, request: Request, body: Annotated[bytes, Depends(_body)]) -> dict[str, Any]:
    """Keep a table, which says in its metadata whose it is and which column is what."""
    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
            told = replace(logged_table(stream.schema.metadata or {}), space=_space(request))
            sample = pa.Table.from_batches(islice(stream, _SAMPLE), stream.schema)
    except pa.ArrowException as error:
        raise Invalid(what="body", got=str(error), expected="an Arrow IPC stream", remedy="Send it again.") from error
    _keep(call, told, sample, body, "arrow")
    return {}


@router.post("/log")
def log_row(call: Writing, request: Request, sent: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Keep one prediction, one actual, or both."""
    told, row = logged_row(sent)
    body = json.dumps(row, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    _keep(call, replace(told, space=_space(request)), pa.Table.from_pylist([row]), body, "jsonlines")
    return {}


def _space(request: Request) -> str:
    """The space by the header that each of the two calls has."""
    said = (request.headers.get(name) for name in ("arize-space-id", "grpc-metadata-arize-space-id"))
    return next(filter(None, said), "default")


def _keep(call: Call, told: Logged, sample: pa.Table, body: bytes, format: str) -> None:
    """The bytes in the ledger of the model's own job, the model made and its schema grown by what is new."""
    if told.environment is Environment.VALIDATION and not (told.batch or told.columns.batch):
        remedy = "Validation rows belong to a batch."
        raise Invalid(what="batch_id", got=told.batch, expected="a text that is not empty", remedy=remedy)
    content = mapping.content_of(told.columns)
    with call.catalog.begin() as tx:
        version, columns = _version(tx, call, told, sample, content)
    inbox = inbox_of(
        call.settings,
        version.model,
        version.version,
        format=format,
        content=content,
        columns=columns,
        environment=told.environment,
        batch=told.batch,
    )
    push(call.catalog, inbox, body, sha256(body).hexdigest(), access=Access(), now=call.now)
    wake(call)


def _version(
    tx: Connection, call: Call, told: Logged, sample: pa.Table, content: Content
) -> tuple[ModelVersion, Columns]:
    """The version that the rows are of, which has their fields, and in which columns these are.

    Actuals of no version are of the latest one.
    """
    model = find_model(tx, told.model, told.space)
    if model is None:
        id = free_id(tx, told.model, told.space)
        model = registry.create_model(tx, Model(id, told.model, told.space), now=call.now)
    known = registry.versions(tx, model.id)
    name = told.version or (known[-1].version if known and content is Content.ACTUALS else mapping.NO_VERSION)
    version = registry.find_version(tx, model.id, name)
    if version is None:
        fields = _fields(told.columns, sample, content)
        made = ModelVersion(model.id, name, told.type, ModelSchema(fields), {"arize": {"modelType": told.said}})
        return registry.create_version(tx, made, now=call.now), told.columns
    columns = fitted(told.columns, version.schema)
    there = {(each.name, each.role in LATE) for each in version.schema}
    new = [each for each in _fields(columns, sample, content) if (each.name, each.role in LATE) not in there]
    if new:
        version = registry.put_schema(tx, model.id, name, version.schema.with_fields(new), now=call.now)
    return version, columns


def fitted(columns: Columns, schema: ModelSchema) -> Columns:
    """The columns of a role that has one field only are those of that field, whatever they are called.

    >>> schema = ModelSchema((ModelField("pred", Role.PREDICTION, Kind.STRING),))
    >>> fitted(Columns(lists={"prediction": ("label",)}), schema).fields
    {'prediction/pred': 'label'}
    """
    fields, lists = dict(columns.fields), dict(columns.lists)
    names = {each.name for each in schema}
    for role, listed in columns.lists.items():
        own = schema.having(Role(role))
        if len(listed) == 1 and len(own) == 1 and listed[0] not in names:
            fields[f"{role}/{own[0].name}"] = listed[0]
            del lists[role]
    return replace(columns, fields=fields, lists=lists)


def _fields(columns: Columns, sample: pa.Table, content: Content) -> tuple[ModelField, ...]:
    """The fields that the sample shows, of the sides that such rows have; texts stay texts, whatever they read as."""
    sides = {Content.PREDICTIONS: (False,), Content.ACTUALS: (True,), Content.BOTH: (False, True)}[content]
    typed = {
        each.name: each for each in guessed(columns, columns_of(sample.schema)).values() if each.kind is Kind.STRING
    }
    found = [typed.get(each.name, each) if each.kind is not Kind.TEXT else each for each in infer(columns, sample)]
    return tuple(each for each in found if (each.role in LATE) in sides)
