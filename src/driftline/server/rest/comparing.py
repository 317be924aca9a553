"""Drift between any two windows of a model, and over time: answered from hourly profiles, without reading a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline import comparing, registry
from driftline.catalog.hours import Subject
from driftline.errors import Invalid, NotFound
from driftline.inferences import rollups, slices
from driftline.inferences.slices import Segment
from driftline.profile import Profile
from driftline.schemas.fields import Environment
from driftline.server.aws.wire import Call
from driftline.server.rest.asked import Asked, Moment, Text
from driftline.server.rest.callers import Reading
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.registered import ModelId, Named
from driftline.storage.access import Access
from driftline.window import Window

router = APIRouter(tags=["comparison"])

_POINTS = 1000
_SECONDS = {"hour": 3600, "day": 86_400, "month": 28 * 86_400}

Metric = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$", description="A distance, such as psi, ks or js.")]


SegmentText = Annotated[
    Text | None, Field(max_length=700, description="Only rows with this value in a field: city=Rome.")
]


class WindowsWanted(Asked):
    """Two windows of whole hours; the second one may be of another version or environment."""

    version: Annotated[Named, Field(description="Of this version of the model.")]
    environment: Annotated[Environment, Field(description="Of this environment.")] = Environment.PRODUCTION
    first_start: Annotated[Moment, Field(description="Where the first window begins.")]
    first_end: Annotated[Moment, Field(description="Where it ends.")]
    second_start: Annotated[Moment, Field(description="Where the second window begins.")]
    second_end: Annotated[Moment, Field(description="Where it ends.")]
    second_version: Annotated[Named | None, Field(description="Another version for the second window.")] = None
    second_environment: Annotated[Environment | None, Field(description="Another environment for it.")] = None
    metric: Metric = comparing.METRIC

    def first(self, model: str) -> Subject:
        """Whose first window it is."""
        return Subject(model, self.version, str(self.environment))

    def second(self, model: str) -> Subject:
        """Whose second window it is."""
        environment = self.second_environment or self.environment
        return Subject(model, self.second_version or self.version, str(environment))


class ComparisonWanted(WindowsWanted):
    """Two windows, of all rows or of a segment each."""

    first_segment: SegmentText = None
    second_segment: SegmentText = None


class SeriesWanted(Asked):
    """A window, cut into pieces that are each compared with a fixed one."""

    version: Annotated[Named, Field(description="Of this version of the model.")]
    environment: Annotated[Environment, Field(description="Of this environment.")] = Environment.PRODUCTION
    against_start: Annotated[Moment, Field(description="Where the fixed window begins.")]
    against_end: Annotated[Moment, Field(description="Where it ends.")]
    start: Annotated[Moment, Field(description="Where the series begins.")]
    end: Annotated[Moment, Field(description="Where it ends.")]
    span: Annotated[Literal["hour", "day", "month"], Field(description="How long each piece is.")] = "day"
    feature: Annotated[list[str] | None, Field(max_length=500, description="Only these features.")] = None
    metric: Metric = comparing.METRIC


class MovedFeature(BaseModel):
    """How far one feature is apart."""

    feature: str
    form: str
    value: Annotated[float | None, Field(description="Null where it is not defined.")]
    reason: Annotated[str, Field(description="Why it is not.")]
    first: Annotated[int, Field(description="Values in the first window.")]
    second: Annotated[int, Field(description="Values in the second window.")]


class Comparison(BaseModel):
    """Every feature of either window, the farthest first."""

    metric: str
    first_rows: int
    second_rows: int
    first_since: Annotated[Moment | None, Field(description="Of a long segment: rows before were not read.")] = None
    second_since: Annotated[Moment | None, Field(description="Likewise.")] = None
    features: list[MovedFeature]


class Point(BaseModel):
    """How far features are from the fixed window in one hour, day or month."""

    start: Moment
    end: Moment
    rows: int
    values: dict[str, float | None]


class Series(BaseModel):
    """The pieces of a window that have rows, in order."""

    metric: str
    points: list[Point]


@router.get("/models/{model}/comparison", summary="Compare two windows of a model")
def compare(call: Reading, model: ModelId, wanted: Annotated[ComparisonWanted, Query()]) -> Comparison:
    """The drift of every feature from the first window to the second, ranked; 404 where a window has no rows.

    Windows are widened to whole hours, but those of a segment, whose rows are read: the last 200,000 of the window.
    """
    comparing.metric_of(wanted.metric)
    before = read_side(
        call, wanted.first(model), Window(wanted.first_start, wanted.first_end), segment_of(wanted.first_segment)
    )
    now = read_side(
        call, wanted.second(model), Window(wanted.second_start, wanted.second_end), segment_of(wanted.second_segment)
    )
    found = comparing.compare(before.profile, now.profile, wanted.metric).to_dict()
    return Comparison.model_validate({**found, "first_since": before.since, "second_since": now.since})


@router.get("/models/{model}/drift", summary="Show how a model's features drift over time")
def drift(call: Reading, model: ModelId, wanted: Annotated[SeriesWanted, Query()]) -> Series:
    """The drift of each hour, day or month of a window from a fixed window; at most 1,000 of them."""
    window = Window(wanted.start, wanted.end)
    if (window.end - window.start).total_seconds() / _SECONDS[wanted.span] > _POINTS:
        expected = f"at most {_POINTS:,} pieces"
        raise Invalid(what="span", got=wanted.span, expected=expected, remedy="Take a longer span.")
    comparing.metric_of(wanted.metric)
    subject = Subject(model, wanted.version, str(wanted.environment))
    fixed = read_side(call, subject, Window(wanted.against_start, wanted.against_end)).profile
    pieces = rollups.each(call.catalog, subject, window, _access(call), wanted.span, wanted.feature)
    points = comparing.over_time(fixed, pieces, wanted.metric, wanted.feature)
    return Series(metric=wanted.metric, points=[Point.model_validate(each.to_dict()) for each in points])


@dataclass(frozen=True)
class SideRead:
    """The profile of one side; `since` if rows before it were not read."""

    profile: Profile
    since: datetime | None = None


def read_side(call: Call, subject: Subject, window: Window, segment: Segment | None = None) -> SideRead:
    """One side of a comparison: from hourly profiles, or of a segment from its rows; 404 where there are none."""
    with call.catalog.read() as tx:
        schema = registry.get_version(tx, subject.model, subject.version).schema
    since = None
    if segment is None:
        profile = rollups.read(call.catalog, subject, window, _access(call), whole=False).profile
    else:
        found = slices.of_segment(call.catalog, tables_of(call), subject, schema, window, segment)
        profile, since = found.profiles[str(segment)], None if found.is_whole else found.since
    if not profile.rows:
        which = f"{subject.model}/{subject.version}, {subject.environment}{f', {segment}' if segment else ''}"
        name = f"of {which}, from {window.start} to {window.end}"
        raise NotFound(what="rows", name=name, remedy="`driftline imports files` shows which times were imported.")
    return SideRead(profile, since)


def segment_of(text: str | None) -> Segment | None:
    """The segment that is asked for, if one is; raises `Invalid`."""
    return Segment.parse(text) if text else None


def _access(call: Call) -> Access:
    return tables_of(call).access
