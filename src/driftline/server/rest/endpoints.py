"""Registered endpoints: listed, shown with what they call and capture, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from driftline.captures.config import CaptureConfig
from driftline.catalog import resources, tags, traffic
from driftline.catalog.endpoints import find_config
from driftline.catalog.resources import Resource, Search
from driftline.processing.served import url_of
from driftline.schedules import KIND as SCHEDULE
from driftline.server.aws.endpoints import ENDPOINT, MODEL
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Capture, Endpoint, EndpointDetail, Page, Traffic, Variant
from driftline.server.rest.asked import Name, ResourcesWanted
from driftline.server.rest.callers import Reading, Writing
from driftline.window import Window

router = APIRouter(tags=["endpoints"])

_MOST = 1000
"""Schedules of an endpoint that are named."""
DAY = timedelta(hours=24)


@router.get("/endpoints", summary="List endpoints")
def list_endpoints(call: Reading, wanted: Annotated[ResourcesWanted, Query()]) -> Page[Endpoint]:
    """A page of the registered endpoints."""
    with call.catalog.read() as tx:
        page = resources.search(tx, ENDPOINT, Search(**wanted.model_dump()))
    return Page(items=[Endpoint(**_shown(each)) for each in page.items], next_token=page.token)


@router.get("/endpoints/{name}", summary="Show an endpoint")
def show_endpoint(call: Reading, name: Name) -> EndpointDetail:
    """The endpoint, the models that it calls, what it captures and what is amiss with that, and its schedules."""
    with call.catalog.read() as tx:
        found = resources.get(tx, ENDPOINT, name)
        given = find_config(tx, found)
        watching = Search(attributes={"endpoint": found.name}, sort_by="name", descending=False, limit=_MOST)
        seen = traffic.between(tx, found.name, Window(call.now - DAY, call.now))
        return EndpointDetail(
            **_shown(found),
            variants=[_variant(tx, each, call) for each in given.get("ProductionVariants") or ()],
            capture=_capture(given.get("DataCaptureConfig")),
            traffic=Traffic.model_validate(seen, from_attributes=True),
            schedules=[each.name for each in resources.search(tx, SCHEDULE, watching).items],
        )


@router.delete("/endpoints/{name}", summary="Delete an endpoint", status_code=204)
def delete_endpoint(call: Writing, name: Name) -> None:
    """Forget the endpoint; its configuration, its models and what was captured stay."""
    with call.catalog.begin() as tx:
        found = resources.get(tx, ENDPOINT, name)
        resources.delete(tx, ENDPOINT, found.name)
        tags.remove(tx, found.arn)


def _shown(found: Resource) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in ("name", "arn", "status", "created", "modified")}
    return {**told, "config": found.body["EndpointConfigName"]}


def _variant(tx: Connection, given: Mapping[str, Any], call: Call) -> Variant:
    model = resources.find(tx, MODEL, given["ModelName"]) if given.get("ModelName") else None
    url = url_of(model.body, call.settings.models) if model else None
    return Variant(
        name=given["VariantName"],
        model=given.get("ModelName"),
        weight=given.get("InitialVariantWeight", 1.0),
        url=_without_login(url) if url else None,
    )


def _capture(given: Mapping[str, Any] | None) -> Capture | None:
    if not given:
        return None
    config = CaptureConfig.of(given)
    return Capture(
        enabled=config.enabled,
        destination=config.destination,
        sampling_percentage=config.sampling_percentage,
        options=list(config.options),
        breaches=list(config.breaches()),
    )


def _without_login(url: str) -> str:
    """The URL without user and password.

    >>> _without_login("http://ada:secret@models:8080/churn")
    'http://models:8080/churn'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
