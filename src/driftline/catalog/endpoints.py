"""The configuration of an endpoint, which stays as it was when the endpoint was made, deleted or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import resources
from driftline.catalog.resources import Resource
from driftline.errors import NotFound

KEPT = "KeptConfig"
"""The member of an endpoint that holds its configuration; clients do not see it."""


def find_config(tx: Connection, endpoint: Resource) -> Mapping[str, Any]:
    """The members of the endpoint's configuration; none if it kept none and the configuration is gone."""
    kept: Mapping[str, Any] | None = endpoint.body.get(KEPT)
    if kept:
        return kept
    found = resources.find(tx, "endpoint-config", endpoint.body["EndpointConfigName"])
    return found.body if found else {}


def config_of(tx: Connection, endpoint: Resource) -> Mapping[str, Any]:
    """As `find_config`; raises `NotFound` where there is none."""
    found = find_config(tx, endpoint)
    if not found:
        raise NotFound(what="endpoint-config", name=endpoint.body["EndpointConfigName"])
    return found
