"""The features of a model: distributions of two windows over each other, the farthest first; and one over time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from driftline import comparing
from driftline.catalog.hours import DAY, WHOLE_HOUR
from driftline.errors import NotFound
from driftline.inferences import rollups
from driftline.metrics.metric import distances
from driftline.pages import words
from driftline.pages.content import Pair
from driftline.pages.shapes import shape_of
from driftline.profile import Column, Profile
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import Reading
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.registered import ModelId
from driftline.server.web import charts
from driftline.server.web.shown import Heading, page
from driftline.server.web.windows import Compared, Sides, chosen
from driftline.window import Window

router = APIRouter(prefix="/console/models/{model}/features", include_in_schema=False)

CARDS = 100
"""So many distributions are drawn on a page; of more features the farthest."""
_SERIES = timedelta(days=60)
_SHORT = timedelta(days=3)

Feature = Annotated[str, Path(max_length=512, description="The feature's name.")]
Wanted = Annotated[Compared, Query()]


@router.get("")
def show_all(request: Request, call: Reading, model: ModelId, wanted: Wanted) -> Response:
    """Every feature in both windows, ranked by how far it moved."""
    sides = chosen(call, model, wanted)
    heading = Heading("Features and drift", "models", ((model, f"/console/models/{model}"),))
    if sides is None:
        facts: dict[str, Any] = {"model": model, "compared": None}
        return page(request, call, "features.html", heading, facts)
    before, now = sides.profile(call, sides.before), sides.profile(call, sides.now)
    found = comparing.compare(before, now, wanted.metric)
    cards = [
        (each, charts.card(each.feature, _column(before, each.feature), _column(now, each.feature)))
        for each in found.features[:CARDS]
    ]
    facts = {"model": model, **_told(sides, wanted), "compared": found.to_dict()}
    return page(request, call, "features.html", heading, facts, cards=cards, **_drawn(request))


@router.get("/{feature:path}")
def show(request: Request, call: Reading, model: ModelId, feature: Feature, wanted: Wanted) -> Response:
    """One feature: both distributions, what moved in words, and its drift and missing values over time."""
    sides = chosen(call, model, wanted)
    if sides is None:
        raise NotFound(what="rows", name=f"of {model}", remedy="Import some first.")
    before, now = (sides.profile(call, each, [feature]) for each in (sides.before, sides.now))
    if feature not in before and feature not in now:
        raise NotFound(what="feature", name=f"{feature} of {model}/{sides.version} in these windows")
    found = comparing.compare(before, now, wanted.metric, [feature])
    columns = _column(before, feature), _column(now, feature)
    points = _over_time(call, sides, before, feature, wanted.metric)
    facts = {
        "model": model, **_told(sides, wanted), "feature": feature, "moved": found.features[0].to_dict(),
        "first_rows": found.first_rows, "second_rows": found.second_rows, "points": points,
    }  # fmt: skip
    drawn = {
        "card": charts.card(feature, *columns, labelled=True),
        "story": words.story(Pair(feature, 0, *columns, {}, ()), shape_of(*columns)),
        "drift": charts.over_time(words.measure_title(wanted.metric), [(at, value) for at, value, _ in points]),
        "missing": charts.over_time("Missing values", [(at, value) for at, _, value in points]),
        **_drawn(request),
    }
    up = ((model, f"/console/models/{model}"), ("Features and drift", f"/console/models/{model}/features"))
    return page(request, call, "feature.html", Heading(words.name_of(feature), "models", up), facts, **drawn)


def _told(sides: Sides, wanted: Compared) -> dict[str, Any]:
    return {
        "version": sides.version, "versions": sides.versions, "environments": sides.environments,
        "before": sides.before.to_dict(), "now_": sides.now.to_dict(), "metric": wanted.metric,
    }  # fmt: skip


def _drawn(request: Request) -> dict[str, Any]:
    query = request.url.query
    return {
        "metrics": list(distances()),
        "query": f"?{query}" if query else "",
        "words": words,
        "path": request.url.path,
    }


def _column(profile: Profile, name: str) -> Column | None:
    return profile.column(name) if name in profile else None


def _over_time(
    call: Call, sides: Sides, before: Profile, feature: str, metric: str
) -> list[tuple[datetime, float | None, float | None]]:
    """Of each day, or each hour of few days: how far the feature was from what it is compared with; what is missing."""
    end = sides.now.window.end
    start = min(sides.now.window.start, end - _SERIES)
    span = WHOLE_HOUR if end - sides.now.window.start <= _SHORT else DAY
    window = sides.now.window if span == WHOLE_HOUR else Window(start, end)
    access = tables_of(call).access
    pieces = list(rollups.each(call.catalog, sides.subject(sides.now), window, access, span, [feature]))
    points = comparing.over_time(before, pieces, metric, [feature])
    found = []
    for (of, profile), point in zip(pieces, points, strict=True):
        column = _column(profile, feature)
        found.append((of.start, point.to_dict()["values"][feature], 1 - column.completeness if column else None))
    return found
