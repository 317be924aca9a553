"""The first page: every model by its health, and SageMaker's schedules beside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from driftline.alerting.targets import DASHBOARD
from driftline.catalog import overview, resources, tags
from driftline.catalog.overview import LastExecution
from driftline.pages import svg
from driftline.schedules import KIND
from driftline.server.rest.asked import Asked
from driftline.server.rest.callers import Reading
from driftline.server.web.alerts import firing
from driftline.server.web.health import DAYS, ORDER, Health, of_all
from driftline.server.web.shown import Heading, Twin, page

router = APIRouter(include_in_schema=False)

_SCHEDULES = 1000
_MODELS = 50
"""So many models are on a page."""


@dataclass(frozen=True)
class Scheduled:
    """One of SageMaker's monitoring schedules, its alert (Hidden: not to be shown here) and its latest execution."""

    name: str
    type: str
    endpoint: str
    status: str
    alert: str
    last: LastExecution | None


@router.get("/")
def lead(request: Request) -> Response:
    """Browsers are led to the console; for programs nothing is here."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404, "Not Found. The REST API is under /v1, and described at /docs.")
    return RedirectResponse("/console", 303)


class Shown(Asked):
    """Which models are shown, and how."""

    health: Annotated[Literal["bad", "warn", "plain", "good"] | None, Query(description="With this health.")] = None
    page: Annotated[int, Query(ge=1, le=100_000, description="Which page of them, from 1 on.")] = 1
    format: Twin = None


@router.get("/console")
def show(request: Request, call: Reading, wanted: Annotated[Shown, Query()]) -> Response:
    """All models, the worst first."""
    with call.catalog.read() as tx:
        fires = firing(tx)
        healths = of_all(tx, Counter(each.model for each in fires), call.now)
        found = resources.search(tx, KIND, resources.Search(limit=_SCHEDULES)).items
        executions, alerts = overview.last_executions(tx), overview.alerts(tx)
        hidden = set(tags.arns(tx, DASHBOARD, "Disabled"))
    schedules = [
        Scheduled(
            each.name, each.labels.get("type", ""), each.labels.get("endpoint", ""), each.status,
            "Hidden" if each.arn in hidden else alerts.get(resources.fold(each.name), "OK"),
            executions.get(resources.fold(each.name)),
        )
        for each in found
    ]  # fmt: skip
    schedules.sort(key=lambda each: each.alert != "InAlert")
    counts = {tone: sum(each.tone == tone for each in healths) for tone in ORDER}
    chosen = [each for each in healths if wanted.health in (None, each.tone)]
    shown = chosen[(wanted.page - 1) * _MODELS : wanted.page * _MODELS]
    facts = {
        "counts": {**counts, "all": len(healths)}, "models": shown, "firing": fires, "schedules": schedules,
        "health": wanted.health, "page": wanted.page, "pages": max(-(-len(chosen) // _MODELS), 1), "as_of": call.now,
    }  # fmt: skip
    drawn = {each.id: _traffic(each) for each in shown}
    return page(request, call, "overview.html", Heading("Overview", "models"), facts, drawn=drawn)


def _traffic(model: Health) -> str:
    """The rows of each of the last days as bars; nothing where no row came."""
    if not any(model.days):
        return ""
    return svg.columns(None, model.days, f"{sum(model.days):,} rows in {DAYS} days, {model.days[-1]:,} today")
