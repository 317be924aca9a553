"""Job definitions of the four kinds: one implementation, since they differ by a prefix only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import resources, tags
from driftline.catalog.endpoints import find_config
from driftline.catalog.resources import Resource, Search
from driftline.errors import NotFound
from driftline.schedules import definition_kind, source_of
from driftline.server.aws.lists import listed
from driftline.server.aws.tags import tags_of
from driftline.server.aws.wire import Call, operation
from driftline.server.errors import AwsError

TYPES = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")


def _serve(monitoring_type: str) -> None:
    """Register the four operations of one kind."""
    kind, name = definition_kind(monitoring_type), f"{monitoring_type}JobDefinition"

    @operation(f"Create{name}")
    def create(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        arn = call.arn(kind, request["JobDefinitionName"])
        body = {member: value for member, value in request.items() if member not in ("JobDefinitionName", "Tags")}
        source = source_of(body)
        labels = {"endpoint": source["EndpointName"]} if source.get("EndpointName") else {}
        _refuse_both(request, monitoring_type)
        made = Resource(kind, request["JobDefinitionName"], arn, body, "Active", call.now, call.now, labels)
        with call.catalog.begin() as tx:
            if labels:
                _refuse_unmonitored(tx, source["EndpointName"])
            resources.create(tx, made)
            tags.put(tx, arn, tags_of(request))
        return {"JobDefinitionArn": arn}

    @operation(f"Describe{name}")
    def describe(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        with call.catalog.read() as tx:
            found = _found(tx, kind, request["JobDefinitionName"])
        told = {"JobDefinitionArn": found.arn, "JobDefinitionName": found.name, "CreationTime": found.created}
        return {**found.body, **told}

    @operation(f"List{name}s")
    def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return listed(call, kind, request, _summary, "JobDefinitionSummaries", attributes={"EndpointName": "endpoint"})

    @operation(f"Delete{name}")
    def delete(request: Mapping[str, Any], call: Call) -> None:
        with call.catalog.begin() as tx:
            found = _found(tx, kind, request["JobDefinitionName"])
            _refuse_used(tx, found, monitoring_type)
            resources.delete(tx, kind, found.name)
            tags.remove(tx, found.arn)


for _type in TYPES:
    _serve(_type)


def _summary(found: Resource) -> dict[str, Any]:
    return {
        "MonitoringJobDefinitionName": found.name,
        "MonitoringJobDefinitionArn": found.arn,
        "CreationTime": found.created,
        "EndpointName": found.labels.get("endpoint", ""),
    }


def _found(tx: Connection, kind: str, name: str) -> Resource:
    found = resources.find(tx, kind, name)
    if found is None:
        raise NotFound(what="Job definition", name=name, remedy=f"There is no {kind} of this name.")
    return found


def _refuse_both(request: Mapping[str, Any], monitoring_type: str) -> None:
    given = request[f"{monitoring_type}JobInput"]
    if bool(given.get("EndpointInput")) == bool(given.get("BatchTransformInput")):
        said = f"Exactly one of EndpointInput and BatchTransformInput must be given in {monitoring_type}JobInput."
        raise AwsError("ValidationException", said)


def _refuse_unmonitored(tx: Connection, name: str) -> None:
    """The endpoint must exist and capture."""
    endpoint = resources.find(tx, "endpoint", name)
    capture = (find_config(tx, endpoint).get("DataCaptureConfig") or {}) if endpoint else {}
    if not capture.get("EnableCapture"):
        raise AwsError("ValidationException", f"Endpoint '{name}' does not exist or is not valid")


def _refuse_used(tx: Connection, found: Resource, monitoring_type: str) -> None:
    """A schedule holds its definition."""
    wanted = Search(attributes={"definition": found.name, "type": monitoring_type}, limit=1)
    users = resources.search(tx, "monitoring-schedule", wanted).items
    if users:
        said = f"Job definition {found.name} is used by monitoring schedule {users[0].name}: delete the schedule first."
        raise AwsError("ValidationException", said)
