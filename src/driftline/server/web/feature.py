"""One feature: what moved in one sentence, both distributions, its past, its values or dimensions, its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isnan
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from driftline import comparing, registry
from driftline.catalog.hours import DAY, WHOLE_HOUR
from driftline.comparing import Comparison
from driftline.errors import NotFound
from driftline.inferences import rollups, slices
from driftline.monitors.data_quality import DataQuality
from driftline.pages import words
from driftline.pages.content import Pair
from driftline.pages.shapes import Shape, shape_of
from driftline.pages.tables import counted
from driftline.pages.terminal import number
from driftline.profile import Column, Profile
from driftline.schema import Form
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import Reading
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.parts import Embedding, embedding_of
from driftline.server.rest.registered import ModelId
from driftline.server.web import charts
from driftline.server.web.features import column, drawing, told
from driftline.server.web.history import History, drift_of, drifted, history
from driftline.server.web.shown import Heading, page
from driftline.server.web.windows import Compared, Sides, chosen
from driftline.window import Window

router = APIRouter(prefix="/console/models/{model}/features", include_in_schema=False)

CATEGORIES, DIMENSIONS = 20, 40
"""So many categories are listed, the most frequent, and so many dimensions of vectors, those that moved most."""
_SERIES = timedelta(days=60)
_SHORT = timedelta(days=3)

Feature = Annotated[str, Path(max_length=512, description="The feature's name.")]


@router.get("/{feature:path}")
def show(
    request: Request, call: Reading, model: ModelId, feature: Feature, wanted: Annotated[Compared, Query()]
) -> Response:
    """The feature in both windows and over time."""
    sides = chosen(call, model, wanted)
    if sides is None:
        raise NotFound(what="rows", name=f"of {model}", remedy="Import some first.")
    before, now = (sides.profile(call, each) for each in (sides.before, sides.now))
    if feature not in before and feature not in now:
        raise NotFound(what="feature", name=f"{feature} of {model}/{sides.version} in these windows")
    with call.catalog.read() as tx:
        past = history(tx, model, DataQuality.kind)
        fields = slices.fields_of(registry.get_version(tx, model, sides.version).schema)
    ranked = comparing.compare(before, now, wanted.metric)
    moved = comparing.moved(feature, before, now, comparing.metric_of(wanted.metric))
    columns = column(before, feature), column(now, feature)
    points = _over_time(call, sides, before, feature, wanted.metric)
    vectors = _vectors(feature, before, now)
    facts = {
        "model": model, **told(sides, wanted.metric), "feature": feature, "moved": moved.to_dict(),
        "first_rows": before.rows, "second_rows": now.rows, "verdict": _verdict(past, feature, ranked, vectors),
        **_beside(ranked, feature), "points": points, "categories": _categories(*columns),
        "monitored": drift_of(past, feature), "embedding": vectors, "fields": [each for each in fields],
    }  # fmt: skip
    title = "Shift of the centre" if vectors else words.measure_title(wanted.metric)
    drawn = _drawn(feature, columns, points, vectors, title)
    up = ((model, f"/console/models/{model}"), ("Features and drift", f"/console/models/{model}/features"))
    heading = Heading(words.name_of(feature), "models", up)
    return page(request, call, "feature.html", heading, facts, **drawn, **drawing(request, sides, wanted.metric))


def _drawn(
    feature: str,
    columns: tuple[Column | None, Column | None],
    points: Sequence[dict[str, Any]],
    vectors: Embedding | None,
    title: str,
) -> dict[str, Any]:
    stemmed = sorted(vectors.dimensions, key=lambda each: each.dimension) if vectors else []
    return {
        "title": title,
        "card": charts.card(feature, *columns, labelled=True),
        "story": words.story(Pair(feature, 0, *columns, {}, ()), shape_of(*columns)) if all(columns) else [],
        "drift": charts.over_time(title, [(each["at"], each["value"]) for each in points]),
        "missing": charts.over_time("Missing in percent", [(each["at"], _percent(each["missing"])) for each in points]),
        "norms": charts.over_time("Mean norm", [(each["at"], each["norm"]) for each in points]) if vectors else "",
        "stems": charts.stems("Shift", [float("nan") if each.shift is None else each.shift for each in stemmed]),
        "dimensions": vectors.dimensions[:DIMENSIONS] if vectors else [],
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _verdict(past: History | None, feature: str, ranked: Comparison, vectors: Embedding | None) -> dict[str, str]:
    """In one sentence: what the monitor says, or else how the feature ranks among all."""
    said, last = drift_of(past, feature), past.last if past else None
    if past is not None and last is not None and said and said[-1].run == last.latest.id and said[-1].value is not None:
        value, limit = said[-1].value, said[-1].limit
        bad = feature in drifted(last)
        where = f"in its last window, {_day(last.start)} to {_day(last.end)}"
        text = f"{'Drifted' if bad else 'Not drifted'}, says the monitor {past.monitor.name} {where}"
        amounts = "" if limit is None else f": {number(value)} with a limit of {number(limit)}"
        return {"tone": "bad" if bad else "good", "text": f"{text}{amounts}.", "run": last.latest.id}
    return {"tone": "plain", "text": f"No monitor judges this feature. {_ranked(feature, ranked, vectors)}", "run": ""}


def _ranked(feature: str, ranked: Comparison, vectors: Embedding | None) -> str:
    """How far it moved, in a sentence: of vectors by their centre, of others among all features."""
    if vectors is not None and vectors.centre_shift is not None and vectors.dimensions:
        most = vectors.dimensions[0].dimension
        return f"Its centre moved by {number(vectors.centre_shift)} standard deviations, dimension {most} most of all."
    place = next((at for at, each in enumerate(ranked.features, 1) if each.feature == feature), 0)
    title, found = words.measure_title(ranked.metric), ranked.features[place - 1]
    if isnan(found.value):
        return f"{title} is not defined for it: {found.reason}."
    behind = sum(not isnan(each.value) for each in ranked.features[place:])
    return f"By {title} it moved farther than {counted(behind, 'other')}."


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if not (moment.hour or moment.minute) else f"{moment:%Y-%m-%d %H:%M}"


def _beside(ranked: Comparison, feature: str) -> dict[str, Any]:
    """The place among all features, from 1, and those before and behind it."""
    names = [each.feature for each in ranked.features]
    at = names.index(feature)
    return {
        "place": at + 1, "of": len(names), "farther": names[at - 1] if at else None,
        "nearer": names[at + 1] if at + 1 < len(names) else None,
    }  # fmt: skip


def _categories(before: Column | None, now: Column | None) -> list[dict[str, Any]]:
    """The most frequent values with their shares then and now; none for numbers."""
    shape: Shape = shape_of(before, now, categories=CATEGORIES)
    if shape.is_histogram or shape.reason:
        return []
    nothing: list[float | None] = [None] * len(shape.labels)
    sides = zip(shape.labels, shape.baseline or nothing, shape.current or nothing, strict=True)
    return [
        {"value": name, "before": old, "now": new, "change": None if old is None or new is None else new - old}
        for name, old, new in sides
    ]


def _vectors(feature: str, before: Profile, now: Profile) -> Embedding | None:
    """How vectors moved; None for what is none on either side."""
    sides = column(before, feature), column(now, feature)
    if any(each is None or each.form is not Form.VECTOR for each in sides):
        return None
    return embedding_of(feature, before, now)


def _over_time(call: Call, sides: Sides, before: Profile, feature: str, metric: str) -> list[dict[str, Any]]:
    """Of each day, or each hour of few days: how far the feature was from what it is compared with; what is missing."""
    end = sides.now.window.end
    start = min(sides.now.window.start, end - _SERIES)
    span = WHOLE_HOUR if end - sides.now.window.start <= _SHORT else DAY
    window = sides.now.window if span == WHOLE_HOUR else Window(start, end)
    measured, access = comparing.metric_of(metric), tables_of(call).access
    found = []
    for of, profile in rollups.each(call.catalog, sides.subject(sides.now), window, access, span, [feature]):
        told, here = comparing.moved(feature, before, profile, measured).to_dict(), column(profile, feature)
        norm = here.vector.norms.mean if here is not None and here.form is Form.VECTOR else None
        missing = 1 - here.completeness if here else None
        found.append({"at": of.start, "value": told["value"], "missing": missing, "rows": profile.rows, "norm": norm})
    return found
