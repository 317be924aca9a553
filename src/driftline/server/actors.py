"""Who acts, as the audit log has it: the caller, over which interface, and which operation the request is for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from driftline.catalog.acting import Actor, Operation
from driftline.server.auth import Principal
from driftline.server.messages import Received
from driftline.server.vendors import vendor_of

BRINGS_DATA = frozenset(
    {
        "sagemaker-runtime InvokeEndpoint",
        "cloudwatch PutMetricData",
        "sns Publish",
        "POST /v1/models/{model}/files",
        "POST /v1/hooks/{id}",
        "POST /v1/pandas_arrow",
        "POST /v1/log",
        "POST /api/v3/models/{id}/inferences",
        "PATCH /api/v3/models/{id}/inferences",
        "POST /api/v3/models/{id}/inferences/file",
        "POST /api/v3/models/{id}/inferences/integrations/sagemaker_data_capture",
        "POST /api/v3/models/{id}/reference_data",
    }
)
"""Operations that bring rows, calls, numbers or messages: what they change of definitions is audited, but no row."""
_OF_IMPORTS = "/imports/{id}"
_TOLD = "driftline/"
"""How our own commands begin to say which program they are."""


def of_request(principal: Principal, received: Received, scope: Mapping[str, Any], at: datetime, request: str) -> Actor:
    """Who acts by a request that is no AWS call."""
    vendor = vendor_of(received.path)
    own = "command line" if received.headers.get("user-agent", "").startswith(_TOLD) else "rest"
    interface = own if vendor is None else "console" if vendor.name == "browser" else vendor.name
    return Actor(principal.name, interface, at, lambda: _routed(received, scope), request)


def of_aws(principal: Principal, name: str, at: datetime, request: str) -> Actor:
    """Who acts by an AWS call; `name` is that of the API and the operation."""
    return Actor(principal.name, "aws", at, lambda: Operation(name, brings_data=name in BRINGS_DATA), request)


def _routed(received: Received, scope: Mapping[str, Any]) -> Operation:
    """The operation as its route names it, and the values of its path."""
    values: Mapping[str, Any] = scope.get("path_params", {})
    name = f"{received.method} {template(received.path, getattr(scope.get('route'), 'path', received.path))}"
    target = "/".join(str(each) for each in values.values())
    job = str(values.get("id", "")) if _OF_IMPORTS in name else ""
    return Operation(name, target, str(values.get("model", "")), job, name in BRINGS_DATA)


def template(path: str, routed: str) -> str:
    """The whole template of a path, of which a route knows its own part alone.

    >>> template("/v1/models/churn/files", "/models/{model}/files"), template("/console/keys", "/console/keys")
    ('/v1/models/{model}/files', '/console/keys')
    """
    first = "/" + path.split("/")[1]
    return routed if routed == first or routed.startswith(first + "/") else first + routed
