"""Two windows, versions or segments side by side: features by how far they are apart, rows, labels, quality."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from driftline import comparing, registry
from driftline.catalog.hours import Subject
from driftline.errors import Invalid, NotFound
from driftline.inferences import slices
from driftline.inferences.slices import Segment
from driftline.metrics.metric import distances
from driftline.modelmonitors import quality
from driftline.modelmonitors.quality import Figures
from driftline.monitors.quality import CONSTANT
from driftline.pages import svg, words
from driftline.pages.names import title_of
from driftline.pages.quality import MAIN
from driftline.pages.shapes import shape_of
from driftline.profile import Profile
from driftline.schemas.fields import Environment
from driftline.server.aws.wire import Call
from driftline.server.rest.asked import Asked, Text
from driftline.server.rest.callers import Reading
from driftline.server.rest.comparing import Metric, SideRead, read_side
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.registered import ModelId, Named
from driftline.server.web.features import column
from driftline.server.web.shown import Heading, Twin, page
from driftline.server.web.windows import Compared, Day, chosen
from driftline.window import Window

router = APIRouter(prefix="/console/models/{model}/compare", include_in_schema=False)

ROWS = 500
"""So many features are listed, those that are farthest apart; the CSV has all."""

Value = Annotated[Text, Field(max_length=512)]


class Sided(Asked):
    """Both sides: a version, an environment, days (both ends included), and perhaps a segment each."""

    a_version: Named | None = None
    a_environment: Environment | None = None
    a_from: Day = None
    a_to: Day = None
    a_field: Value = ""
    a_value: Value = ""
    b_version: Named | None = None
    b_environment: Environment | None = None
    b_from: Day = None
    b_to: Day = None
    b_field: Value = ""
    b_value: Value = ""
    metric: Metric = comparing.METRIC
    format: Twin = None


@dataclass(frozen=True)
class Half:
    """One side: whose rows, and which."""

    subject: Subject
    first: date
    last: date
    segment: Segment | None

    @property
    def window(self) -> Window:
        """From the first day to the end of the last."""
        start, end = (datetime.combine(each, time(), UTC) for each in (self.first, self.last))
        return Window(start, end + timedelta(days=1))

    def to_dict(self) -> dict[str, str]:
        """As a form and a link have it."""
        named = {"version": self.subject.version, "environment": self.subject.environment}
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        segment = self.segment or Segment("", "")
        return {**named, **days, "field": segment.field, "value": segment.value}


Wanted = Annotated[Sided, Query()]


@router.get("")
def show(request: Request, call: Reading, model: ModelId, wanted: Wanted) -> Response:
    """Every feature of both sides, those that are farthest apart first."""
    heading = Heading("Compare", "models", ((model, f"/console/models/{model}"),))
    halves = _halves(call, model, wanted)
    if halves is None:
        return page(request, call, "compare.html", heading, {"model": model, "sides": None})
    read, troubles = zip(*(_read(call, each) for each in halves), strict=True)
    before, now = (each.profile for each in read)
    found = comparing.compare(before, now, wanted.metric)
    features = [
        {**each.to_dict(), "missing_a": _missing(before, each.feature), "missing_b": _missing(now, each.feature)}
        for each in ([] if any(troubles) else found.features)
    ]
    facts = {
        "model": model, "metric": wanted.metric, "features": features,
        "sides": {name: {**half.to_dict(), "rows": side.profile.rows, "since": side.since, "trouble": trouble}
                  for name, half, side, trouble in zip("ab", halves, read, troubles, strict=True)},
    }  # fmt: skip
    sparks = [_spark(before, now, each["feature"]) for each in features[:ROWS]]
    drawn = _choices(call, model, halves, wanted)
    return page(request, call, "compare.html", heading, facts, **drawn, sparks=sparks)


@router.get("/quality")
def show_quality(request: Request, call: Reading, model: ModelId, wanted: Wanted) -> Response:
    """How good the model was on both sides, as far as there are labels."""
    halves = _halves(call, model, wanted)
    at = f"/console/models/{model}"
    heading = Heading("Quality of both sides", "models", ((model, at), ("Compare", f"{at}/compare")))
    if halves is None:
        return page(request, call, "compare.html", heading, {"model": model, "sides": None})
    tables = tables_of(call)
    for each in halves:
        if each.first > each.last:
            raise Invalid(what="window", got=f"{each.first} to {each.last}", expected="a first day before the last")
    sides = [quality.figures_of(call.catalog, tables, each.subject, each.window, each.segment) for each in halves]
    facts = {"model": model, "coverage": dict(zip("ab", sides, strict=True)), "figures": _figures(*sides)}
    drawn = _choices(call, model, halves, wanted)
    return page(request, call, "comparedquality.html", heading, facts, **drawn)


def _halves(call: Call, model: str, wanted: Sided) -> tuple[Half, Half] | None:
    """Both sides; what is not asked for is the last week of production against the training set."""
    usual = chosen(call, model, Compared())
    if usual is None:
        return None
    sides = []
    for name, side in zip("ab", (usual.before, usual.now), strict=True):
        told: dict[str, Any] = {each[2:]: value for each, value in wanted.model_dump().items() if each.startswith(name)}
        environment = str(told["environment"] or side.environment)
        segment = Segment(told["field"], told["value"]) if told["field"] else None
        half = Half(
            Subject(model, told["version"] or usual.version, environment), told["from"] or side.first,
            told["to"] or side.last, segment,
        )  # fmt: skip
        sides.append(half)
    return sides[0], sides[1]


def _choices(call: Call, model: str, halves: tuple[Half, Half], wanted: Sided) -> dict[str, Any]:
    """What both forms offer, and the link to exactly this."""
    with call.catalog.read() as tx:
        versions = list(registry.versions(tx, model))
    fields = dict.fromkeys(name for each in versions for name in slices.fields_of(each.schema))
    told = {
        f"{name}_{key}": value for name, half in zip("ab", halves, strict=True) for key, value in half.to_dict().items()
    }
    return {
        "versions": [each.version for each in versions], "environments": [str(each) for each in Environment],
        "fields": list(fields), "metrics": list(distances()), "words": words, "title_of": title_of,
        "query": f"?{urlencode({**told, 'metric': wanted.metric})}",
    }  # fmt: skip


def _read(call: Call, half: Half) -> tuple[SideRead, str]:
    """The side, or nothing and what is wrong with what was asked: the form is shown again with it."""
    if half.first > half.last:
        return SideRead(Profile()), "The first day is behind the last: choose an earlier one."
    try:
        return read_side(call, half.subject, half.window, half.segment), ""
    except NotFound as error:
        where = f" where {half.segment.field} is “{half.segment.value}”" if half.segment else ""
        what = error.facts.get("what")
        told = f"There are no rows{where} in these days. Choose other days, or another segment."
        return SideRead(Profile()), told if what == "rows" else str(error)
    except Invalid as error:
        return SideRead(Profile()), str(error)


def _missing(side: Profile, feature: str) -> float | None:
    found = column(side, feature)
    return None if found is None else 1 - found.completeness


def _spark(before: Profile, now: Profile, feature: str) -> str:
    """Both distributions, small."""
    shape = shape_of(column(before, feature), column(now, feature), 20)
    if shape.reason:
        return ""
    return (svg.sparkline if shape.is_histogram else svg.columns)(shape.baseline, shape.current)


def _figures(a: Figures, b: Figures) -> list[dict[str, Any]]:
    """Each metric of either side, those that are told first on reports before the others."""
    main = MAIN.get(a.problem_type or b.problem_type, ())
    names = [name for name in dict.fromkeys([*a.figures, *b.figures]) if not name.endswith(CONSTANT)]
    ordered = sorted(names, key=lambda name: main.index(name) if name in main else len(main))
    return [
        {"name": name, "a": a.figures.get(name), "b": b.figures.get(name), "is_main": name in main} for name in ordered
    ]
