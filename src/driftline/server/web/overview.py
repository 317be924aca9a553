"""The first page: every model by its health, and SageMaker's schedules beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from driftline import registry
from driftline.alerting.targets import DASHBOARD
from driftline.catalog import modelmonitors, overview, resources, tags
from driftline.catalog.modelmonitors import Kept
from driftline.catalog.overview import Feed, LastExecution, LastRun
from driftline.registry import Model
from driftline.schedules import KIND
from driftline.server.rest.callers import Reading
from driftline.server.web.alerts import firing
from driftline.server.web.shown import Heading, page

router = APIRouter(include_in_schema=False)

SILENT = timedelta(days=2)
"""A model of which no row came for so long is silent."""
_ORDER = ("bad", "warn", "plain", "good")
_SCHEDULES = 1000


@dataclass(frozen=True)
class Watched:
    """A monitor, how its latest window ended (None: it said nothing yet), and why it cannot be planned."""

    name: str
    kind: str
    active: bool
    next: datetime | None
    trouble: str | None
    last: LastRun | None


@dataclass(frozen=True)
class Health:
    """How a model is: `tone` is bad, warn, plain or good, `why` says in sentences what is amiss.

    `last_hour` is the latest hour of production that has rows.
    """

    id: str
    name: str
    space: str
    owner: str | None
    tone: str
    why: tuple[str, ...]
    monitors: tuple[Watched, ...]
    last_hour: datetime | None
    imports: int


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


@router.get("/console")
def show(request: Request, call: Reading) -> Response:
    """All models, the worst first."""
    with call.catalog.read() as tx:
        models, kept = registry.models(tx), modelmonitors.of_model(tx)
        runs, hours, feeds = overview.last_runs(tx), overview.last_hours(tx), overview.feeds(tx)
        found = resources.search(tx, KIND, resources.Search(limit=_SCHEDULES)).items
        fires = firing(tx)
        executions, alerts = overview.last_executions(tx), overview.alerts(tx)
        hidden = set(tags.arns(tx, DASHBOARD, "Disabled"))
    healths = of_models(models, kept, runs, feeds, hours, call.now, {each.model for each in fires})
    schedules = [
        Scheduled(
            each.name, each.labels.get("type", ""), each.labels.get("endpoint", ""), each.status,
            "Hidden" if each.arn in hidden else alerts.get(resources.fold(each.name), "OK"),
            executions.get(resources.fold(each.name)),
        )
        for each in found
    ]  # fmt: skip
    schedules.sort(key=lambda each: each.alert != "InAlert")
    facts = {"models": healths, "firing": fires, "schedules": schedules, "as_of": call.now}
    counts = {tone: sum(each.tone == tone for each in healths) for tone in _ORDER}
    return page(request, call, "overview.html", Heading("Overview", "models"), facts, counts=counts)


def of_models(
    models: Sequence[Model],
    kept: Sequence[Kept],
    runs: Sequence[LastRun],
    feeds: Sequence[Feed],
    hours: dict[str, datetime],
    now: datetime,
    fires: Set[str] = frozenset(),
) -> list[Health]:
    """How each model is, the worst first; for models in `fires` an alert does."""
    last = {(each.model, each.monitor): each for each in runs}
    monitors, imports = defaultdict[str, list[Watched]](list), defaultdict[str, list[Feed]](list)
    for each in kept:
        known = last.get((each.model, each.name))
        active = each.status == "active"
        watched = Watched(each.name, each.kind, active, each.next, each.body.get("trouble"), known)
        monitors[each.model].append(watched)
    for feed in feeds:
        imports[feed.model].append(feed)
    found = [_health(each, monitors[each.id], imports[each.id], hours.get(each.id), now) for each in models]
    found = [
        replace(each, tone="bad", why=("An alert fires", *each.why)) if each.id in fires else each for each in found
    ]
    return sorted(found, key=lambda each: (_ORDER.index(each.tone), each.name.lower(), each.id))


def _health(
    model: Model, monitors: Sequence[Watched], feeds: Sequence[Feed], hour: datetime | None, now: datetime
) -> Health:
    fired = [each for each in monitors if each.last and each.last.status in ("CompletedWithViolations", "Failed")]
    wrong = [_fired(each.name, each.last) for each in fired if each.last]
    amiss = [f"{each.name} cannot be planned: {each.trouble}" for each in monitors if each.trouble]
    amiss += [f"{each.name} found {_lacking(each.last)}" for each in monitors if _lacking(each.last)]
    amiss += [f"An import cannot look: {each.trouble}" for each in feeds if each.trouble]
    failed = sum(each.failed for each in feeds)
    amiss += [f"{failed:,} {'file' if failed == 1 else 'files'} could not be imported"] if failed else []
    if any(each.status == "active" for each in feeds) and (hour is None or now - hour > SILENT):
        amiss.append("Silent: no row of production in two days")
    unwatched = [] if any(each.active for each in monitors) else ["Not monitored"]
    tone = "bad" if wrong else "warn" if amiss else "plain" if unwatched else "good"
    why = (*wrong, *amiss, *unwatched)
    return Health(
        model.id, model.name, model.space, model.owner, tone, why, tuple(monitors), hour, len(feeds),
    )  # fmt: skip


def _fired(name: str, last: LastRun) -> str:
    if last.status == "Failed":
        return f"{name} failed: {last.reason or 'without a reason'}"
    return f"{name} found {last.violations:,} {'violation' if last.violations == 1 else 'violations'}"


def _lacking(last: LastRun | None) -> str:
    known = {"NoData": "no rows", "NoBaseline": "no baseline", "NoLabels": "no labels"}
    return known.get(last.status, "") if last else ""
