"""Models, endpoint configurations and endpoints: what serves elsewhere, registered by URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from driftline.captures.config import CaptureConfig
from driftline.captures.forward import Forwarder
from driftline.catalog import resources, tags
from driftline.catalog.endpoints import KEPT, config_of
from driftline.catalog.resources import Resource
from driftline.errors import Conflict
from driftline.processing.served import url_of
from driftline.server.aws.lists import listed
from driftline.server.aws.tags import tags_of
from driftline.server.aws.wire import Call, operation
from driftline.server.errors import AwsError

MODEL, CONFIG, ENDPOINT = "model", "endpoint-config", "endpoint"

_WORDS = {MODEL: "model", CONFIG: "endpoint configuration", ENDPOINT: "endpoint"}
_MEMBERS = {MODEL: "Model", CONFIG: "EndpointConfig", ENDPOINT: "Endpoint"}


@operation("CreateModel")
def create_model(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Register a model; its URL, if it names one, must be one that may be called."""
    url = url_of(request, call.settings.models)
    if url is not None and Forwarder in call.parts:
        call.part(Forwarder).check(url)
    return _create(MODEL, request, call)


@operation("CreateEndpointConfig")
def create_config(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Register which models an endpoint calls, and what it captures."""
    if request.get("DataCaptureConfig"):
        CaptureConfig.of(request["DataCaptureConfig"])
    with call.catalog.read() as tx:
        for variant in request["ProductionVariants"]:
            if variant.get("ModelName"):
                _found(tx, MODEL, variant["ModelName"], call)
    return _create(CONFIG, request, call)


@operation("CreateEndpoint")
def create_endpoint(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Register an endpoint; it is in service at once, since its models are."""
    with call.catalog.read() as tx:
        config = _found(tx, CONFIG, request["EndpointConfigName"], call)
    return _create(ENDPOINT, {**request, KEPT: config.body}, call)


@operation("UpdateEndpoint")
def update_endpoint(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Another configuration for the endpoint, from now on."""
    with call.catalog.begin() as tx:
        found = _found(tx, ENDPOINT, request["EndpointName"], call)
        config = _found(tx, CONFIG, request["EndpointConfigName"], call)
        body = {**found.body, "EndpointConfigName": config.name, KEPT: config.body}
        resources.update(tx, ENDPOINT, found.name, now=call.now, body=body)
    return {"EndpointArn": found.arn}


@operation("DescribeModel")
def describe_model(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The model as it was registered."""
    with call.catalog.read() as tx:
        return _described(_found(tx, MODEL, request["ModelName"], call))


@operation("DescribeEndpointConfig")
def describe_config(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The configuration as it was registered."""
    with call.catalog.read() as tx:
        return _described(_found(tx, CONFIG, request["EndpointConfigName"], call))


@operation("DescribeEndpoint")
def describe_endpoint(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The endpoint with its variants and what it captures."""
    with call.catalog.read() as tx:
        found = _found(tx, ENDPOINT, request["EndpointName"], call)
        config = config_of(tx, found)
    told = {**_described(found), "EndpointStatus": found.status, "LastModifiedTime": found.modified}
    told["ProductionVariants"] = [_variant(each) for each in config["ProductionVariants"]]
    capture = config.get("DataCaptureConfig")
    return {**told, "DataCaptureConfig": _capture(capture)} if capture else told


def _serve_lists_and_deletes(kind: str) -> None:
    """Register the List and Delete operations of a kind."""
    name = _MEMBERS[kind]

    @operation(f"List{name}s")
    def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return listed(call, kind, request, _summary, f"{name}s")

    @operation(f"Delete{name}")
    def delete(request: Mapping[str, Any], call: Call) -> None:
        with call.catalog.begin() as tx:
            found = _found(tx, kind, request[f"{name}Name"], call)
            resources.delete(tx, kind, found.name)
            tags.remove(tx, found.arn)


for _kind in (MODEL, CONFIG, ENDPOINT):
    _serve_lists_and_deletes(_kind)


def _create(kind: str, request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    name = request[f"{_MEMBERS[kind]}Name"]
    arn = call.arn(kind, name)
    body = {member: value for member, value in request.items() if member != "Tags"}
    with _existing(kind, arn), call.catalog.begin() as tx:
        resources.create(tx, Resource(kind, name, arn, body, "InService", call.now, call.now))
        tags.put(tx, arn, tags_of(request))
    return {f"{_MEMBERS[kind]}Arn": arn}


@contextmanager
def _existing(kind: str, arn: str) -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        said = f'Cannot create already existing {_WORDS[kind]} "{arn}".'
        raise AwsError("ValidationException", said) from error


def _found(tx: Connection, kind: str, name: str, call: Call) -> Resource:
    found = resources.find(tx, kind, name)
    if found is None:
        raise AwsError("ValidationException", f'Could not find {_WORDS[kind]} "{call.arn(kind, name)}".')
    return found


def _described(found: Resource) -> dict[str, Any]:
    return {**found.body, f"{_MEMBERS[found.kind]}Arn": found.arn, "CreationTime": found.created}


def _summary(found: Resource) -> dict[str, Any]:
    name = _MEMBERS[found.kind]
    told = {f"{name}Name": found.name, f"{name}Arn": found.arn, "CreationTime": found.created}
    return {**told, "LastModifiedTime": found.modified, "EndpointStatus": found.status}


def _variant(given: Mapping[str, Any]) -> dict[str, Any]:
    count, weight = given.get("InitialInstanceCount", 1), given.get("InitialVariantWeight", 1.0)
    told = {"VariantName": given["VariantName"], "CurrentWeight": weight, "DesiredWeight": weight}
    return {**told, "CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _capture(given: Mapping[str, Any]) -> dict[str, Any]:
    is_on = given.get("EnableCapture", True)
    return {
        "EnableCapture": is_on,
        "CaptureStatus": "Started" if is_on else "Stopped",
        "CurrentSamplingPercentage": given["InitialSamplingPercentage"],
        "DestinationS3Uri": given["DestinationS3Uri"],
        "KmsKeyId": given.get("KmsKeyId", ""),
    }
