"""Where a model's rows come from and what watches them: data, versions, endpoints, monitors as one small drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from driftline.captures.config import CaptureConfig
from driftline.catalog import imports as kept
from driftline.catalog import resources
from driftline.catalog.endpoints import find_config
from driftline.catalog.hours import subjects
from driftline.catalog.resources import Search
from driftline.imports import jobs
from driftline.imports.job import ImportJob, JobStatus
from driftline.modelmonitors import register
from driftline.pages.tables import counted
from driftline.schedules import KIND as SCHEDULE
from driftline.server.aws.endpoints import ENDPOINT
from driftline.server.rest import models as rest
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web import volumes
from driftline.server.web.modelforms import path_of
from driftline.server.web.shown import Heading, page

router = APIRouter(prefix="/console/models/{model}", include_in_schema=False)

MOST = 12
"""So many things of each kind are drawn; the table has all."""
_LOOKED = 500
"""Endpoints that are looked through."""
_WIDE, _HIGH, _ACROSS, _DOWN, _TOP = 204, 40, 260, 54, 30
_LETTERS = 27


@dataclass(frozen=True)
class Thing:
    """One thing of the lineage, in the column of its kind; `to` are the ids of those that it leads to."""

    id: str
    kind: str
    name: str
    about: str
    path: str
    to: tuple[str, ...] = field(default=())


KINDS = ("data", "model", "endpoint", "monitor")
_TITLES = {"data": "Data", "model": "Model versions", "endpoint": "Endpoints", "monitor": "Monitors"}


@router.get("/lineage")
def show(request: Request, call: Reading, model: ModelId) -> Response:
    """The drawing, and the same as a table."""
    found = rest.show_model(call, model)
    with call.catalog.read() as tx:
        things = list(_things(tx, model, [each.version for each in found.versions]))
    heading = Heading("Lineage", "models", ((found.name, path_of(model)),))
    counts = {kind: sum(each.kind == kind for each in things) for kind in KINDS}
    return page(
        request, call, "lineage.html", heading, {"model": found, "things": things},
        drawing=drawn(things), counts=counts, most=MOST, titles=_TITLES, names={each.id: each.name for each in things},
    )  # fmt: skip


@router.get("/volume")
def show_volume(request: Request, call: Reading, model: ModelId) -> Response:
    """Predictions and actuals, by the day on which they were read and by the day that they say."""
    found = rest.show_model(call, model)
    with call.catalog.read() as tx:
        read = kept.volumes(tx, volumes.since(call.now), model=model)
        said = volumes.predicted_on(tx, [each for each in subjects(tx, model) if each.environment == "production"])
    labelled = volumes.labelled_on(call, model, "production")
    days = {
        "predictions_read": volumes.read_on(read, "predictions"),
        "predictions_said": said,
        "actuals_read": volumes.read_on(read, "actuals"),
        "actuals_said": labelled or [],
    }
    titles = {
        "predictions_read": "Predictions by the day they were read", "predictions_said": "Predictions by their own day",
        "actuals_read": "Actuals by the day they were read", "actuals_said": "Actuals by their own day",
    }  # fmt: skip
    charts = [(titles[name], volumes.drawn(some, volumes.told(some, titles[name]))) for name, some in days.items()]
    heading = Heading("How much came", "models", ((found.name, path_of(model)),))
    return page(
        request,
        call,
        "volume.html",
        heading,
        {"model": found, **days},
        charts=charts,
        most=volumes.COUNTED if labelled is None else 0,
    )


def drawn(things: Sequence[Thing]) -> str:
    """The things in a column for each kind, with lines from each to those that it leads to.

    >>> drawn([Thing("d", "data", "s3://b/", "", "/x", ("m",)), Thing("m", "model", "1", "", "/y")]).count("<path")
    1
    """
    columns = {kind: [each for each in things if each.kind == kind][:MOST] for kind in KINDS}
    deepest = max((len(some) for some in columns.values()), default=0) or 1
    places: dict[str, tuple[int, float]] = {}
    for number, some in enumerate(columns.values()):
        down = (deepest - len(some)) * _DOWN / 2
        places |= {each.id: (number * _ACROSS, _TOP + down + place * _DOWN) for place, each in enumerate(some)}
    shown = [each for some in columns.values() for each in some]
    lines = "".join(_line(places[each.id], places[to]) for each in shown for to in each.to if to in places)
    boxes = "".join(_box(each, places[each.id]) for each in shown)
    heads = "".join(
        f'<text x="{number * _ACROSS}" y="16" class="head">{_TITLES[kind]}</text>'
        for number, kind in enumerate(columns)
    )
    width, height = _ACROSS * (len(KINDS) - 1) + _WIDE + 2, _TOP + deepest * _DOWN
    return (
        f'<svg class="lineage" viewBox="-1 0 {width} {height}" width="{width}" height="{height}" font-size="13" '
        f'role="group" aria-label="From data to model, endpoints and monitors">{heads}{lines}{boxes}</svg>'
    )


def _things(tx: Connection, model: str, versions: Sequence[str]) -> Iterator[Thing]:
    feeds = [each for each in jobs.page(tx, kept.Search({"model": model}, limit=200)).items if _is_there(each)]
    for each in feeds:
        about = f"{each.environment}, {each.content}, {each.status}"
        yield Thing(
            f"data:{each.id}", "data", each.place.uri, about, f"/console/imports/{each.id}", (f"model:{each.version}",)
        )
    served = list(serving(tx, model, [each.place.uri for each in feeds]))
    watching = register.of_model(tx, model)
    for each in versions:
        to = (*(f"endpoint:{name}" for name, _ in served), *(
            f"monitor:{one.name}" for one in watching if one.version in (None, each)))  # fmt: skip
        yield Thing(f"model:{each}", "model", f"version {each}", model, path_of(model, "versions", each, "schema"), to)
    for name, schedules in served:
        about = counted(len(schedules), "schedule") if schedules else "nothing watches it"
        to = tuple(f"schedule:{each}" for each in schedules)
        yield Thing(f"endpoint:{name}", "endpoint", name, about, f"/console/endpoints/{quote(name, safe='')}", to)
    for one in watching:
        yield Thing(
            f"monitor:{one.name}",
            "monitor",
            one.name,
            f"{one.kind}, {one.status}",
            path_of(model, "monitors", one.name),
        )
    for each in dict.fromkeys(name for _, names in served for name in names):
        yield Thing(
            f"schedule:{each}", "monitor", each, "schedule of SageMaker", f"/console/schedules/{quote(each, safe='')}"
        )


def _is_there(job: ImportJob) -> bool:
    return job.status is not JobStatus.DELETED


def serving(tx: Connection, model: str, feeds: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Endpoints that call the model by its id, or whose captures a job of it reads; with their schedules."""
    for each in resources.search(tx, ENDPOINT, Search(sort_by="name", descending=False, limit=_LOOKED)).items:
        config = find_config(tx, each)
        calls = {str(one.get("ModelName", "")).lower() for one in config.get("ProductionVariants") or ()}
        if model.lower() in calls or _is_read(config.get("DataCaptureConfig"), feeds):
            wanted = Search(attributes={"endpoint": each.name}, sort_by="name", descending=False, limit=_LOOKED)
            yield each.name, [one.name for one in resources.search(tx, SCHEDULE, wanted).items]


def _is_read(capture: object, feeds: Iterable[str]) -> bool:
    """Whether one of the paths lies in, or holds, what an endpoint captures."""
    if not isinstance(capture, dict) or not capture:
        return False
    place = CaptureConfig.of(capture).destination.rstrip("/") + "/"
    return any(uri.startswith(place) or place.startswith(uri.rstrip("/") + "/") for uri in feeds)


def _line(start: tuple[int, float], end: tuple[int, float]) -> str:
    x, y, to_x, to_y = start[0] + _WIDE, start[1] + _HIGH / 2, end[0], end[1] + _HIGH / 2
    bend = (to_x - x) / 2
    return f'<path d="M{x} {y:.1f}C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x} {to_y:.1f}" fill="none"/>'


def _box(found: Thing, place: tuple[int, float]) -> str:
    x, y = place
    name = found.name if len(found.name) <= _LETTERS else f"…{found.name[1 - _LETTERS :]}"
    told = escape(f"{found.name}: {found.about}")
    return (
        f'<a href="{escape(found.path)}" aria-label="{told}"><title>{told}</title>'
        f'<rect x="{x}" y="{y:.1f}" width="{_WIDE}" height="{_HIGH}" rx="7"/>'
        f'<text x="{x + 10}" y="{y + 17:.1f}">{escape(name)}</text>'
        f'<text x="{x + 10}" y="{y + 32:.1f}" class="about">{escape(found.about[:34])}</text></a>'
    )
