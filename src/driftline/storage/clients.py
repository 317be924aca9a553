"""What the HTTP clients of all clouds have in common: time-outs, retries, and when a kept one is stale."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

CONNECT_SECONDS = 5
READ_SECONDS = 60
ATTEMPTS = 3

Surroundings = tuple[tuple[str, str], ...]


def surroundings(*prefixes: str) -> Surroundings:
    """The environment variables that begin so: a connection is kept only as long as they stay the same.

    The drivers read them when a connection is made. Whoever corrects a profile in a notebook must not be answered
    by the connection made before.
    """
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith(prefixes)))


def client_options(endpoint_url: str | None) -> dict[str, Any]:
    """obstore's HTTP options; plain HTTP only to an endpoint that was given so."""
    seconds = {"connect_timeout": timedelta(seconds=CONNECT_SECONDS), "read_timeout": timedelta(seconds=READ_SECONDS)}
    plain = bool(endpoint_url and endpoint_url.startswith("http://"))
    return {**seconds, "timeout": timedelta(minutes=10), **({"allow_http": True} if plain else {})}


def retry_config() -> Mapping[str, Any]:
    """obstore's retries: few, since the caller of a failed run tries again later."""
    backoff = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2}
    return {"max_retries": ATTEMPTS - 1, "retry_timeout": timedelta(seconds=30), "backoff": backoff}
