"""The features of a model: those that moved most first, each with its distribution in two windows and its past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from driftline import comparing
from driftline.comparing import Comparison, Moved
from driftline.metrics.embedding import shift
from driftline.metrics.metric import distances
from driftline.monitors.data_quality import DataQuality
from driftline.pages import svg, words
from driftline.pages.summary import Tile
from driftline.profile import Column, Profile
from driftline.schema import Form
from driftline.server.rest.asked import Text
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web import charts
from driftline.server.web.charts import Card
from driftline.server.web.history import History, drift_of, drifted, history
from driftline.server.web.shown import Heading, page
from driftline.server.web.templates import count
from driftline.server.web.windows import Compared, Sides, chosen

router = APIRouter(prefix="/console/models/{model}/features", include_in_schema=False)

CARDS, BINS = 100, 20
"""So many distributions are drawn on a page, of so many bins; of more features the farthest."""


class Listed(Compared):
    """Which features are listed, and in which order."""

    find: Annotated[Text, Field(max_length=200, description="Only features with this in their name.")] = ""
    sort: Literal["moved", "name", "missing"] = "moved"


@dataclass(frozen=True)
class Shown:
    """A feature on the page: how far it moved, what is missing of it now, and what the monitor says of it."""

    moved: Moved
    missing: float | None
    monitored: float | None
    limit: float | None
    is_drifted: bool

    def to_dict(self) -> dict[str, Any]:
        """As facts."""
        told = {"missing": self.missing, "monitored": self.monitored, "limit": self.limit}
        return {**self.moved.to_dict(), **told, "is_drifted": self.is_drifted}


@router.get("")
def show_all(request: Request, call: Reading, model: ModelId, wanted: Annotated[Listed, Query()]) -> Response:
    """Every feature in both windows, ranked by how far it moved."""
    sides = chosen(call, model, wanted)
    heading = Heading("Features and drift", "models", ((model, f"/console/models/{model}"),))
    if sides is None:
        return page(request, call, "features.html", heading, {"model": model, "compared": None})
    with call.catalog.read() as tx:
        past = history(tx, model, DataQuality.kind)
    before, now = sides.profile(call, sides.before), sides.profile(call, sides.now)
    found = comparing.compare(before, now, wanted.metric)
    every = [_shown(each, now, past) for each in found.features]
    listed = _listed(every, wanted)
    cards = [(each, _card(each, before, now), _trend(each, past)) for each in listed[:CARDS]]
    facts = {
        "model": model, **told(sides, wanted.metric), "compared": _counts(found), "find": wanted.find,
        "sort": wanted.sort, "features": [each.to_dict() for each in listed], "share": _share(past),
    }  # fmt: skip
    drawn = {
        "cards": cards, "tiles": _tiles(found, every, past), "share_drawn": _share_drawn(past),
        "last": past.last.latest if past and past.last else None,
    }  # fmt: skip
    return page(request, call, "features.html", heading, facts, **drawn, **drawing(request, sides, wanted.metric))


def told(sides: Sides, metric: str) -> dict[str, Any]:
    """What the pickers of windows show."""
    return {
        "version": sides.version, "versions": sides.versions, "environments": sides.environments,
        "before": sides.before.to_dict(), "now_": sides.now.to_dict(), "metric": metric,
    }  # fmt: skip


def drawing(request: Request, sides: Sides, metric: str) -> dict[str, Any]:
    """What templates with pickers need beside."""
    return {
        "metrics": list(distances()), "query": f"?{sides.query(metric)}", "words": words, "path": request.url.path,
    }  # fmt: skip


def column(profile: Profile, name: str) -> Column | None:
    """The column, if there is one."""
    return profile.column(name) if name in profile else None


def _shown(moved: Moved, now: Profile, past: History | None) -> Shown:
    found, said = column(now, moved.feature), drift_of(past, moved.feature)
    last = past.last if past else None
    latest = said[-1] if said and last and said[-1].run == last.latest.id else None
    is_drifted = last is not None and moved.feature in drifted(last)
    missing = None if found is None else 1 - found.completeness
    return Shown(moved, missing, latest.value if latest else None, latest.limit if latest else None, is_drifted)


def _listed(every: Sequence[Shown], wanted: Listed) -> list[Shown]:
    found = [each for each in every if wanted.find.lower() in each.moved.feature.lower()]
    if wanted.sort == "name":
        return sorted(found, key=lambda each: each.moved.feature)
    return sorted(found, key=lambda each: -(each.missing or 0.0)) if wanted.sort == "missing" else found


def _card(shown: Shown, before: Profile, now: Profile) -> Card:
    name = shown.moved.feature
    one, other = column(before, name), column(now, name)
    if one is not None and other is not None and one.form is Form.VECTOR and other.form is Form.VECTOR:
        found = shift(one.vector, other.vector)
        return Card(remark=found.reason or f"Their centre moved by {count(found.centre)} standard deviations.")
    return charts.card(name, one, other, bins=BINS)


def _trend(shown: Shown, past: History | None) -> str:
    said = drift_of(past, shown.moved.feature)
    return svg.trend([each.value for each in said], said[-1].limit) if len(said) > 1 else ""


def _counts(found: Comparison) -> dict[str, Any]:
    return {"first_rows": found.first_rows, "second_rows": found.second_rows, "features": len(found.features)}


def _tiles(found: Comparison, every: Sequence[Shown], past: History | None) -> list[Tile]:
    """What the page says first: how many features drifted, which moved most, how many rows there were."""
    most = next((each for each in found.features if not isnan(each.value)), None)
    title = f"Highest {words.measure_title(found.metric)}"
    tiles = [
        Tile(title, count(most.value if most else None), words.name_of(most.feature) if most else ""),
        Tile("Rows in the window", f"{found.second_rows:,}", f"compared with {found.first_rows:,}"),
    ]
    if past is None or past.last is None:
        return tiles
    number, judged = sum(each.is_drifted for each in every), sum(each.limit is not None for each in every)
    remark, tone = f"beyond the limit of {past.monitor.name}", "bad" if number else "good"
    return [Tile("Features drifted", f"{number:,} / {judged:,}", remark, tone), *tiles]


def _share(past: History | None) -> list[dict[str, Any]]:
    """Of each window of the monitor which share of the features drifted, in [0, 1]."""
    found = []
    for each in past.windows if past else ():
        judged = {told["subject"] for told in each.latest.body.get("figures", ()) if told["name"] == "baseline_drift"}
        if judged:
            found.append({"at": each.start, "share": len(drifted(each)) / len(judged), "run": each.latest.id})
    return found


def _share_drawn(past: History | None) -> str:
    points = [(each["at"], 100 * each["share"]) for each in _share(past)]
    return charts.over_time("Drifted features in percent", points, wide=True)
