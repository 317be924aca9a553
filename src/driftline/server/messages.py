"""A request as it came and an answer as it goes, apart from any web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request: `path` and `query` as sent (still quoted), header names in lower case, `peer` its address."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    peer: str = ""


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def head(scope: Mapping[str, Any]) -> Received:
    """The request of an ASGI scope, its body not yet read; a header that came twice is joined by a comma."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    path = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client")
    peer = client[0] if client else ""
    query = scope["query_string"].decode("latin-1")
    return Received(scope["method"], path.decode("latin-1"), query, headers, b"", peer)
