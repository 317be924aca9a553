"""AWS's wire protocols: a request finds its operation, is verified, validated and performed, and its answer shaped."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from driftline.catalog.confines import DEFAULT
from driftline.catalog.database import Catalog
from driftline.server.auth import Keys, Principal, signer
from driftline.server.aws import buckets
from driftline.server.aws.models import APIS, TARGETS, VERSIONS, Api
from driftline.server.aws.protocols import PROTOCOLS, inflated
from driftline.server.aws.query import FORM, fields
from driftline.server.aws.shapes import rest_answer, rest_request
from driftline.server.errors import AwsError
from driftline.server.guard import TOO_MANY, Guard
from driftline.server.limits import Rate
from driftline.server.messages import Answer, Received
from driftline.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """What an operation is given beside its request; `parts` are the running things of the server, by their class."""

    catalog: Catalog
    now: datetime
    settings: Settings
    principal: Principal
    parts: Mapping[type[Any], Any] = field(default_factory=dict)
    received: Received | None = None

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource, in lower case as SageMaker has them; `kind` is its word there."""
        return f"arn:aws:sagemaker:{self.settings.region}:{self.settings.account}:{kind}/{name.lower()}"

    def part(self, kind: type[T]) -> T:
        """The part of the server that is of this class; KeyError if it was started without."""
        return cast(T, self.parts[kind])


_SHOWING = ("Describe", "List", "Get", "BatchGet", "Search")
"""How operations begin that only show; all are of the space `default`."""
Perform = Callable[[Mapping[str, Any], Call], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Operation:
    """An operation that is served: the name that the model has for it, and the function that performs it."""

    api: Api
    name: str
    perform: Perform

    @property
    def model(self) -> Any:
        """botocore's model of the operation."""
        return self.api.model.operation_model(self.name)


Operations = dict[tuple[str, str], Operation]

OPERATIONS: Operations = {}
"""Every operation that is served, by API and name; filled by `operation`."""


def operation(name: str, *, api: str = "sagemaker", into: Operations | None = None) -> Callable[[Perform], Perform]:
    """Serve an operation by a function: `def f(request, call) -> answer`.

    The request has only members that the model knows, checked against it, times as aware datetimes. Of the answer
    the members that the model knows are sent; None for an operation without an answer. Errors of
    `driftline.errors` become AWS's, or raise `AwsError`. One function may serve several names, decorated for each.
    """
    table = OPERATIONS if into is None else into

    def register(perform: Perform) -> Perform:
        if (api, name) in table:
            raise ValueError(f"{api} {name} is served already, by {table[api, name].perform.__module__}")
        table[api, name] = Operation(APIS[api], name, perform)
        return perform

    return register


@dataclass(frozen=True)
class Route:
    """Which operation a request is for, in which protocol; `named` is what its path names."""

    api: Api
    name: str
    named: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "json"


@dataclass(frozen=True)
class Wire:
    """All that answering AWS requests needs."""

    settings: Settings
    catalog: Catalog
    keys: Keys
    rate: Rate
    guard: Guard
    operations: Mapping[tuple[str, str], Operation]
    parts: Mapping[type[Any], Any] = field(default_factory=dict)

    def admit(self, route: Route, received: Received, *, now: datetime, moment: float) -> Principal:
        """Who calls; raises `AwsError`. `moment` is in seconds of a clock that never goes back."""
        status = 429 if route.api.is_rest else 400
        verify = partial(signer, received, self.keys, scope=route.api.scope, now=now)
        principal = self.guard.admit(received, moment, verify, AwsError("ThrottlingException", TOO_MANY, status))
        if not self.rate.take(principal.name, moment):
            raise AwsError("ThrottlingException", "Rate exceeded", status)
        return principal

    def perform(self, route: Route, received: Received, principal: Principal, *, now: datetime) -> Answer:
        """The answer to a caller who was admitted; raises `DriftlineError`."""
        found = self.operations.get((route.api.name, route.name))
        if found is None:
            raise _unserved(route)
        principal.require("read" if found.name.startswith(_SHOWING) else "write", DEFAULT)
        call = Call(self.catalog, now, self.settings, principal, self.parts, received)
        return _perform(found, route, received, call)


def _perform(found: Operation, route: Route, received: Received, call: Call) -> Answer:
    model = found.model
    if route.api.is_rest:
        request = rest_request(model.input_shape, received, route.named)
        return rest_answer(model.output_shape, found.perform(request, call) or {})
    protocol = PROTOCOLS[route.protocol]
    body = inflated(received.body, received.headers.get("content-encoding", ""))
    request = protocol.read(model.input_shape, body)
    buckets.refuse(request, call.settings.allowed_buckets)
    return protocol.write(model, found.perform(request, call) or {}, str(uuid.uuid4()))


def is_aws(method: str, path: str) -> bool:
    """Whether a request belongs to AWS's protocols and not to REST; `path` as sent."""
    return (method == "POST" and (path == "/" or path.startswith("/service/"))) or _at(method, path) is not None


def route(received: Received) -> Route:
    """Which operation a request is for; raises `AwsError` for those of services that are not here."""
    found = _at(received.method, received.path)
    if found is not None:
        return found
    found = _spoken(received)
    if found is not None:
        return found
    target = received.headers.get("x-amz-target", "")
    prefix, _, name = target.partition(".")
    if prefix in TARGETS and name:
        return Route(TARGETS[prefix], name)
    if "/iam/aws4_request" in received.headers.get("authorization", ""):
        # By this very code the SDK's check of a role knows that it cannot look, and goes on without.
        said = "Driftline has no IAM: roles are taken as they are given, by their full ARN, and never assumed."
        raise AwsError("AccessDenied", said, 403)
    served = ", ".join(f"{prefix}.*" for prefix in TARGETS)
    said = (
        f"X-Amz-Target {target[:128]!r} is of none of the APIs served here ({served})."
        if target
        else (
            f"No operation: neither X-Amz-Target ({served}) nor a path of SageMaker Runtime. If AWS_ENDPOINT_URL "
            "points here, point the other AWS services elsewhere with variables of their own (AWS_ENDPOINT_URL_S3)."
        )
    )
    raise AwsError("UnknownOperationException", said)


def _spoken(received: Received) -> Route | None:
    """The operation of a request in CBOR, whose path names it, or of a form."""
    named = re.fullmatch(r"/service/(\w+)/operation/(\w+)", received.path)
    if named and named[1] in TARGETS:
        return Route(TARGETS[named[1]], named[2], protocol="cbor")
    if received.path == "/" and received.headers.get("content-type", "").startswith(FORM):
        form = fields(received.body)
        if form.get("Version") in VERSIONS:
            return Route(VERSIONS[form["Version"]], form.get("Action", ""), protocol="query")
    return None


def _at(method: str, path: str) -> Route | None:
    if not path.startswith(("/endpoints/", "/Batch")):
        return None
    for api in APIS.values():
        found = api.operation_at(method, path) if api.is_rest else None
        if found is not None:
            return Route(api, *found)
    return None


def _unserved(wanted: Route) -> AwsError:
    if wanted.name in wanted.api.known:
        said = (
            f"Driftline does not serve {wanted.api.name} {wanted.name}; its documentation lists the operations it does."
        )
        return AwsError("UnsupportedOperationException", said)
    return AwsError("UnknownOperationException", f"{wanted.api.name} has no operation {wanted.name[:128]!r}.")
