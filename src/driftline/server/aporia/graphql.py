"""The few GraphQL documents that Aporia's SDK 2.x sends, told apart by the operation that each names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from driftline import registry
from driftline.errors import Invalid
from driftline.registry import ModelVersion
from driftline.schemas.fields import Kind, ModelField, Role
from driftline.server.aporia import identities, logged
from driftline.server.aporia.asked import LoggedAsked, RowsAsked, parsed
from driftline.server.aporia.datasets import forget_version
from driftline.server.aporia.fields import KINDS, TYPES
from driftline.server.aporia.refused import MONITORS, ROWS
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import called

router = APIRouter(prefix="/v1")

Variables = Mapping[str, Any]
Perform = Callable[[Call, Variables], Any]

_WORDS = {kind: word for word, kind in reversed(KINDS.items())}
_TYPES = {type: word for word, type in TYPES.items()}


def log_predictions(call: Call, said: Variables) -> dict[str, Any]:
    """Predictions, and actuals by the ids of theirs."""
    return {"warnings": logged.log(call, parsed(RowsAsked, "variables", said))}


def schema_said(call: Call, said: Variables) -> dict[str, Any]:
    """The fields of a version."""
    with call.catalog.read() as tx:
        found = registry.get_version(tx, str(said.get("modelId")), str(said.get("modelVersion")))
    sections = {
        "features": found.schema.having(Role.FEATURE),
        "predictions": found.schema.having(Role.PREDICTION, Role.SCORE, Role.RANK),
        "rawInputs": found.schema.having(Role.RAW_INPUT, Role.GROUP),
    }
    return {name: [_field(each) for each in fields] for name, fields in sections.items()}


def versions_said(call: Call, said: Variables) -> list[dict[str, Any]]:
    """The versions of a model."""
    with call.catalog.read() as tx:
        return [version_said(each) for each in registry.versions(tx, str(said.get("modelID")))]


def version_said(version: ModelVersion) -> dict[str, Any]:
    """A version as lists show it; its id is good for both SDKs."""
    id = identities.of(version.model, version.version)
    type = _TYPES.get(version.type, str(version.type))
    return {"id": id, "model_id": version.model, "model_type": type, "name": version.version}


def delete_index(call: Call, said: Variables) -> dict[str, bool]:
    """What comes before a version is deleted; its rows go with a purge, so nothing is done."""
    _version_of(said)
    call.principal.require("write")
    return {"acknowledged": True}


def delete_version(call: Call, said: Variables) -> dict[str, bool]:
    """Forget a version, and end its imports."""
    call.principal.require("write")
    forget_version(call, *_version_of(said))
    return {"deleted": True}


def refuse_aggregates(_call: Call, _said: Variables) -> None:
    """What is sent of a set that was logged are counts, not rows."""
    raise Invalid(what="training or test set", got="aggregates", expected="rows", remedy=ROWS)


def refuse_json(_call: Call, _said: Variables) -> None:
    """Data of no known form."""
    remedy = "Declare the values as raw inputs or metrics of the version, and log them with the prediction."
    raise Invalid(what="log_json", got="data of any form", expected="fields of the version", remedy=remedy)


def refuse_monitors(_call: Call, _said: Variables) -> None:
    """Monitors are Driftline's own."""
    raise Invalid(what="operation", got="runAllMonitors", expected="a run of Driftline's monitors", remedy=MONITORS)


OPERATIONS: dict[str, tuple[str, Perform]] = {
    "logPredictions": ("write", log_predictions),
    "modelVersionSchema": ("read", schema_said),
    "model_versions": ("read", versions_said),
    "deleteESIndex": ("write", delete_index),
    "deleteModelVersion": ("write", delete_version),
    "logTrainingSet": ("write", refuse_aggregates),
    "logTestSet": ("write", refuse_aggregates),
    "logTrainingSample": ("write", refuse_aggregates),
    "logArbitraryData": ("write", refuse_json),
    "runAllMonitors": ("write", refuse_monitors),
}
"""Name of an operation -> the scope that it needs, and the function that performs it."""


@router.post("/controller/graphql")
@router.post("/tenant-hasura/v1/graphql")
def perform(call: Annotated[Call, Depends(called)], asked: LoggedAsked) -> dict[str, Any]:
    """The answer to a document with one operation; raises `Invalid` for any other."""
    names = re.findall(r"[A-Za-z_]+(?=\s*\()", asked.query.partition("{")[2])
    name = next((each for each in names if each in OPERATIONS), None)
    if name is None:
        raise Invalid(what="operation", got=names[0] if names else "none", expected=", ".join(OPERATIONS))
    scope, function = OPERATIONS[name]
    call.principal.require(scope)
    return {"data": {name: function(call, asked.variables)}}


def _version_of(said: Variables) -> tuple[str, str]:
    model, version = identities.parts(str(said.get("modelVersionId")), 2)
    return model, version


def _field(field: ModelField) -> dict[str, str]:
    return {"name": field.name, "type": _WORDS[Kind.NUMERIC if field.whole else field.kind]}
