"""The server's application: AWS's protocols, REST and the console over one catalog."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from driftline.captures.recorder import Recorder
from driftline.catalog.database import Catalog
from driftline.catalog.keys import EVERYWHERE
from driftline.errors import DriftlineError
from driftline.server import aporia, arize, arthur, logs, measures, oidc, openapi, rest, vendors, web
from driftline.server.auth import CatalogKeys, Keys, caller
from driftline.server.aws.models import APIS
from driftline.server.aws.served import OPERATIONS
from driftline.server.aws.wire import Operation, Wire
from driftline.server.edge import Clock, Edge
from driftline.server.errors import INTERNAL, REST_CODES, AwsError, Told, told
from driftline.server.gauges import Gauges
from driftline.server.guard import TOO_MANY, Guard
from driftline.server.limits import Rate
from driftline.server.messages import Answer, head
from driftline.server.rest import subscriptions
from driftline.settings import Settings
from driftline.version import VERSION


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    catalog: Catalog,
    *,
    keys: Keys | None = None,
    operations: Mapping[tuple[str, str], Operation] = OPERATIONS,
    parts: Iterable[Any] = (),
) -> Edge:
    """The application, for any ASGI server. `parts` are running things that operations ask for by their class.

    Reads botocore's models now (half a second), so that no request waits for them.
    """
    logs.configure_plainly()
    for api in APIS.values():
        api.known  # noqa: B018
    clock = Clock(_now)
    known = keys or CatalogKeys(catalog, clock.seconds)
    running = {type(part): part for part in parts}
    rate, guard = Rate(settings.requests_per_second), Guard(settings.failures_per_minute)
    wire = Wire(settings, catalog, known, rate, guard, operations, running)
    inner = FastAPI(
        title="Driftline",
        version=VERSION,
        description="What the server has and does, beside SageMaker's own API.",
        docs_url=None,
        redoc_url=None,
    )
    inner.state.catalog, inner.state.settings, inner.state.parts = catalog, settings, running
    inner.state.clock, inner.state.now, inner.state.keys, inner.state.guard = clock, clock.now, known, guard
    inner.state.provider = oidc.provider_of(settings)
    inner.state.gauges = running.get(Gauges) or Gauges(catalog, settings, clock.seconds)
    inner.include_router(rest.router)
    inner.include_router(subscriptions.router)
    inner.include_router(arize.router)
    inner.include_router(arthur.router)
    inner.include_router(aporia.router)
    inner.include_router(web.router)
    _add_probes(inner)
    inner.add_exception_handler(DriftlineError, _driftline_error)
    inner.add_exception_handler(RequestValidationError, _invalid_request)
    inner.add_exception_handler(HTTPException, _http_error)
    inner.add_exception_handler(Exception, _fault)
    return Edge(wire, known, inner, clock)


def _add_probes(inner: FastAPI) -> None:
    """The paths that need no key."""

    @inner.get("/health", include_in_schema=False)
    def health() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok", "version": VERSION}

    @inner.get("/ready", include_in_schema=False)
    def ready(request: Request) -> dict[str, str]:
        """The database answers too; 503 if not."""
        _ready(request.app.state.catalog)
        return {"status": "ok"}

    @inner.get("/metrics", include_in_schema=False)
    def metrics(request: Request) -> Response:
        """Prometheus' text; from other machines only with a key that may read."""
        _check_metrics_caller(request)
        recorder = request.app.state.parts.get(Recorder)
        counts = recorder.journal.counts if recorder else None
        return _response(measures.exposition(counts, request.app.state.gauges))

    @inner.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        """The REST API for people."""
        return HTMLResponse(openapi.page(request.app.openapi()))


def _ready(catalog: Catalog) -> bool:
    """Whether the database answers; raises `Unavailable` if not."""
    with catalog.read():
        return True


_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-real-ip")
"""Headers of proxies, which are near whoever asks them."""


def _check_metrics_caller(request: Request) -> None:
    received = head(request.scope)
    try:
        near = ipaddress.ip_address(received.peer).is_loopback
    except ValueError:
        near = received.peer == ""  # a Unix socket
    if not near or any(name in received.headers for name in _FORWARDED):
        state = request.app.state
        verify = partial(caller, received, state.keys, now=state.now())
        too_many = AwsError("too-many-requests", TOO_MANY, 429)
        state.guard.admit(received, state.clock.seconds(), verify, too_many).require("read", EVERYWHERE)


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


def _refused(request: Request, found: Told) -> Response:
    return _response(vendors.refused(head(request.scope), found))


def _driftline_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, DriftlineError):
        raise error
    return _refused(request, told(error, REST_CODES, rest=True))


def _http_error(request: Request, error: Exception) -> Response:
    """An unknown path, a method that a path has not."""
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "invalid")
    answer = _refused(request, Told(code, str(error.detail), error.status_code))
    answer.headers.update(error.headers or {})
    return answer


def _fault(request: Request, _error: Exception) -> Response:
    """The answer to a fault; the edge logs it."""
    return _refused(request, Told(REST_CODES.failure, INTERNAL, 500))


def _invalid_request(request: Request, error: Exception) -> Response:
    """What is wrong with a request, without the values: they may be secret, or nothing that JSON can say."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _refused(request, Told("invalid", "; ".join(found), 422))
