"""A model: each monitor's verdicts over time, quality as estimated and as realised, what feeds it, what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from driftline.catalog import imports as kept
from driftline.catalog import overview
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.overview import Feed, LastRun
from driftline.cronwords import said
from driftline.imports import jobs
from driftline.modelmonitors import register, results
from driftline.modelmonitors.cadence import Cadence
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.modelmonitors.results import Result
from driftline.server.rest import models as rest
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web import charts
from driftline.server.web.alerts import firing
from driftline.server.web.charts import Known
from driftline.server.web.health import labelled
from driftline.server.web.lineage import serving
from driftline.server.web.shown import Heading, page

router = APIRouter(prefix="/console/models", include_in_schema=False)

WINDOWS, NEXT = 60, 5
"""So many windows of each monitor are shown, and so many of the times that come."""


@dataclass(frozen=True)
class Word:
    """What a monitor said of a window: how the run ended, and what it found."""

    run: str
    status: str
    violations: int
    as_of: datetime
    reason: str | None


@dataclass(frozen=True)
class Window:
    """A window: what was known first, what is known now, and how often it was looked at."""

    start: datetime
    end: datetime
    looks: int
    first: Word
    latest: Word


@dataclass(frozen=True)
class Verdicts:
    """What a monitor said of its last windows, in order, and when it looks next.

    `figures` are, by name, what was estimated and what labels showed.
    """

    name: str
    kind: str
    status: str
    version: str | None
    where: Mapping[str, Any]
    cadence: str | None
    against: str
    next: tuple[datetime, ...]
    windows: tuple[Window, ...]
    figures: dict[str, list[Known]] = field(default_factory=dict)


@dataclass(frozen=True)
class Labels:
    """The share of rows that have a label, in [0, 1], until when rows have some, and how many days that is ago."""

    share: float
    until: datetime | None
    days_behind: float | None


@router.get("/{model}")
def show(request: Request, call: Reading, model: ModelId) -> Response:
    """The model on one page."""
    detail = rest.show_model(call, model)
    with call.catalog.read() as tx:
        last = {each.monitor: each for each in overview.last_runs(tx, model)}
        monitors = [_verdicts(tx, each, last.get(each.name), call.now) for each in register.of_model(tx, model)]
        fires = firing(tx, model)
        feeds = [_feed(tx, each) for each in jobs.page(tx, kept.Search({"model": model}, limit=50)).items]
        labels = _labels(overview.feeds(tx, model), call.now)
        endpoints = [name for name, _ in serving(tx, model, [each["uri"] for each in feeds])]
    drawn = {each.name: charts.by_name(each.figures) for each in monitors}
    spoken = {each.name: "on demand" if each.cadence is None else said(each.cadence) for each in monitors}
    facts = {
        "model": detail, "firing": fires, "monitors": monitors, "imports": feeds, "labels": labels,
        "endpoints": endpoints,
    }  # fmt: skip
    return page(request, call, "model.html", Heading(detail.name, "models"), facts, drawn=drawn, spoken=spoken)


def _labels(feeds: Sequence[Feed], now: datetime) -> Labels | None:
    """What is known of its labels in production; None where none came."""
    share = labelled(feeds)
    brought = [each for each in feeds if each.environment == "production" and each.content != "predictions"]
    until = max((each.until for each in brought if each.until is not None), default=None)
    return None if share is None else Labels(share, until, None if until is None else (now - until) / timedelta(days=1))


def _verdicts(tx: Connection, found: ModelMonitor, last: LastRun | None, now: datetime) -> Verdicts:
    shown: Sequence[Result] = ()
    if last is not None:
        since = last.window_end - (last.window_end - last.window_start) * WINDOWS
        shown = results.results(tx, found, since)[-WINDOWS:]
    windows = tuple(Window(each.start, each.end, each.runs, _word(each.first), _word(each.latest)) for each in shown)
    return Verdicts(
        found.name, found.kind, str(found.status), found.version, found.where, found.cadence, str(found.against.basis),
        next_times(found, now), windows, _figures(shown),
    )  # fmt: skip


def _word(run: ModelRun) -> Word:
    return Word(run.id, run.status, run.violations, run.as_of, run.reason)


def _figures(shown: Sequence[Result]) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = {}
    for each in shown:
        for told in each.latest.body.get("estimates", ()):
            known = Known(each.start, told["value"], told["low"], told["high"], told["realised"])
            found.setdefault(told["name"], []).append(known)
    return found


def next_times(found: ModelMonitor, now: datetime) -> tuple[datetime, ...]:
    """The five times for which it looks next; none while it is paused, or runs only on demand."""
    if found.cadence is None or found.next is None:
        return ()
    cadence, delay, moments = Cadence.parse(found.cadence), timedelta(seconds=found.delay_seconds), list[datetime]()
    moment = found.next - delay if found.next > now else cadence.from_on(now - delay)
    while moment is not None and len(moments) < NEXT:
        moments.append(moment + delay)
        moment = cadence.after(moment)
    return tuple(moments)


def _feed(tx: Connection, job: Any) -> dict[str, Any]:
    told = {name: getattr(job, name) for name in ("id", "version", "content", "environment", "status")}
    return {**told, "uri": job.place.uri, "counts": jobs.counts(tx, job.id), "trouble": kept.get(tx, job.id).trouble}
