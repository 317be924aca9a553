"""Clients of other makes, browsers too: below which paths they call, how each says its key, how an error looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from driftline.server import openapi
from driftline.server.aws.shapes import dumps
from driftline.server.errors import Told
from driftline.server.messages import Answer, Received
from driftline.server.web import refusals
from driftline.server.web.cookies import session_of

_JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Vendor:
    """A client of another make: `key` finds the API key in a request, `refused` makes the answer of an error."""

    name: str
    key: Callable[[Received], str | None]
    refused: Callable[[Received, Told], Answer]


def bearer(received: Received) -> str | None:
    """The key of `Authorization: Bearer KEY`, and of `Authorization: KEY` too.

    >>> bearer(Received("GET", "/", "", {"authorization": "dl_1"}, b"")), bearer(Received("GET", "/", "", {}, b""))
    ('dl_1', None)
    """
    said = received.headers.get("authorization", "").strip()
    kind, _, key = said.partition(" ")
    return (key.strip() if kind.lower() == "bearer" else said) or None


def api_key(received: Received) -> str | None:
    """The key of `x-api-key: KEY`.

    >>> api_key(Received("GET", "/", "", {"x-api-key": "dl_1"}, b""))
    'dl_1'
    """
    return received.headers.get("x-api-key", "").strip() or None


def detailed(_received: Received, found: Told) -> Answer:
    """An error with a message, and a detail for clients that ask for more."""
    error = {"code": found.code, "message": found.message, "detail": found.message}
    return Answer(found.status, dumps({"error": error}), _JSON)


def graphql(_received: Received, found: Told) -> Answer:
    """An error as GraphQL has it; its status is that of the error, but 200 where the request itself was understood."""
    status = found.status if found.status in (401, 403, 413, 429) or found.status >= 500 else 200
    error = {"message": found.message, "extensions": {"code": found.code, "status": found.status}}
    return Answer(status, dumps({"data": None, "errors": [error]}), _JSON)


VENDORS = {
    "/console": Vendor("browser", session_of, refusals.refused),
    "/v1beta": Vendor("aporia", bearer, detailed),
    "/v1/controller/graphql": Vendor("aporia", bearer, detailed),
    "/v1/tenant-hasura": Vendor("aporia", bearer, detailed),
    "/v1/crud-service": Vendor("aporia", bearer, detailed),
    "/v1/identity-service": Vendor("aporia", bearer, detailed),
    "/api/v1": Vendor("aporia", bearer, detailed),
    "/graphql": Vendor("arize", api_key, graphql),
    "/v1/pandas_arrow": Vendor("arize", bearer, detailed),
    "/v1/log": Vendor("arize", bearer, detailed),
    "/api/v3": Vendor("arthur", bearer, detailed),
}
"""Path, with all that is below it, -> whose client calls there."""


def vendor_of(path: str) -> Vendor | None:
    """Whose client calls this path; None for our own.

    >>> vendor_of("/v1/log").name, vendor_of("/v1/logs"), vendor_of("/v1beta/models").name
    ('arize', None, 'aporia')
    """
    return next((found for at, found in VENDORS.items() if path == at or path.startswith(at + "/")), None)


def spoken(received: Received) -> Received:
    """The request with its key said as our own clients do, whoever's client it is from.

    Who is signed in to the console may follow its links to the REST API, but not change anything there.

    >>> spoken(Received("GET", "/api/v3/users/me", "", {"authorization": "dl_1"}, b"")).headers
    {'authorization': 'Bearer dl_1'}
    """
    vendor = vendor_of(received.path)
    key = vendor.key(received) if vendor else session_of(received) if received.method == "GET" else None
    return (
        received if key is None else replace(received, headers={**received.headers, "authorization": f"Bearer {key}"})
    )


def refused(received: Received, found: Told) -> Answer:
    """An error as the client that sent this request knows them.

    >>> refused(Received("GET", "/v1beta/models", "", {}, b""), Told("invalid", "no", 400)).body
    b'{"error":{"code":"invalid","message":"no","detail":"no"}}'
    """
    vendor = vendor_of(received.path)
    return vendor.refused(received, found) if vendor else openapi.refused(found)
