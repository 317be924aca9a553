"""Search: whatever has a name by a part of it, runs and executions by the start of the id."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from driftline import registry
from driftline.alerting import register
from driftline.catalog import alerting, deliveries, executions, modelmonitors, modelruns, resources
from driftline.catalog import imports as kept
from driftline.catalog.executions import Execution
from driftline.catalog.modelruns import ModelRun
from driftline.errors import Conflict, NotFound
from driftline.imports import jobs
from driftline.schedules import KIND
from driftline.server.aws.endpoints import ENDPOINT
from driftline.server.rest.asked import Text
from driftline.server.rest.callers import Reading
from driftline.server.web.shown import Heading, page

router = APIRouter(prefix="/console/search", include_in_schema=False)

_MOST = 50
Asked = Annotated[Text, Query(max_length=128)]


@router.get("")
def search(request: Request, call: Reading, q: Asked = "") -> Response:
    """What was found, by kind; at most 50 of each."""
    text, run, execution = q.strip(), None, None
    with call.catalog.read() as tx:
        models = registry.search(tx, registry.Search(contains=text or None, limit=_MOST)).items
        imports = jobs.page(tx, kept.Search(text=text or None, limit=_MOST)).items
        schedules = resources.search(tx, KIND, resources.Search(name_contains=text or None, limit=_MOST)).items
        rules = [each for each in register.every(tx) if _has(text, each.name)][:_MOST]
        fires = [each for each in alerting.states(tx, state=alerting.FIRING) if _has(text, each.subject)][:_MOST]
        channels = [each.name for each in deliveries.channels(tx) if _has(text, each.name)][:_MOST]
        endpoints = resources.search(tx, ENDPOINT, resources.Search(name_contains=text or None, limit=_MOST)).items
        monitors = [each for each in modelmonitors.of_model(tx) if _has(text, each.name)][:_MOST]
        if re.fullmatch(r"[0-9a-f]{4}[0-9a-f-]{0,32}", text):
            run, execution = (_only(beginning, tx, text) for beginning in (modelruns.beginning, executions.beginning))
    facts = {
        "q": text,
        "models": [{"id": each.id, "name": each.name} for each in models],
        "imports": [{"id": each.id, "model": each.model, "uri": each.place.uri} for each in imports],
        "schedules": [{"name": each.name, "status": each.status} for each in schedules],
        "alerts": [{"id": each.id, "model": each.model, "subject": each.subject} for each in fires],
        "rules": [{"name": each.name, "model": each.model} for each in rules],
        "channels": [{"name": each} for each in channels],
        "monitors": [{"name": each.name, "model": each.model} for each in monitors],
        "endpoints": [{"name": each.name} for each in endpoints],
        "run": run,
        "execution": execution,
    }
    return page(request, call, "search.html", Heading(f"Search: {text}" if text else "Search", "search"), facts)


def _only(beginning: Callable[[Connection, str], ModelRun | Execution], tx: Connection, text: str) -> str | None:
    """The id of the one that begins so."""
    try:
        return beginning(tx, text).id
    except (NotFound, Conflict):
        return None


def _has(text: str, name: str) -> bool:
    """Whether the text is a part of the name, in any case.

    >>> _has("Car", "car_value"), _has("", "car_value")
    (True, False)
    """
    return bool(text) and text.lower() in name.lower()
