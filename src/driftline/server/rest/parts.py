"""Where a feature drifted, in values of a field or dimensions of vectors; and how good the model was in any window."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline import comparing, registry
from driftline.catalog.hours import Subject
from driftline.errors import Invalid
from driftline.inferences import slices
from driftline.inferences.slices import Slices
from driftline.metrics import embedding
from driftline.modelmonitors import quality
from driftline.profile import Column, Profile
from driftline.schema import Form
from driftline.schemas.fields import Environment
from driftline.server.aws.wire import Call
from driftline.server.rest.asked import Asked, Moment, Text
from driftline.server.rest.callers import Reading
from driftline.server.rest.comparing import MovedFeature, SegmentText, WindowsWanted, read_side, segment_of
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.registered import ModelId, Named
from driftline.window import Window

router = APIRouter(tags=["comparison"])

FeatureName = Annotated[Text, Field(min_length=1, max_length=512, description="The feature.")]


class PartsWanted(WindowsWanted):
    """Two windows, a feature, and the field whose values part the rows."""

    feature: FeatureName
    field: Annotated[Text, Field(min_length=1, max_length=512, description="A field of few values, such as a segment.")]


class EmbeddingWanted(WindowsWanted):
    """Two windows and a feature of vectors."""

    feature: FeatureName


class QualityWanted(Asked):
    """A window of a version, of all its rows or of a segment."""

    version: Annotated[Named, Field(description="Of this version of the model.")]
    environment: Annotated[Environment, Field(description="Of this environment.")] = Environment.PRODUCTION
    start: Annotated[Moment, Field(description="Where the window begins.")]
    end: Annotated[Moment, Field(description="Where it ends.")]
    segment: SegmentText = None


class Quality(BaseModel):
    """What labels show of a window."""

    rows: int
    labelled: Annotated[int, Field(description="So many of the rows have a label.")]
    since: Annotated[Moment | None, Field(description="Rows before were not read; null: all were.")]
    problem_type: str
    figures: Annotated[dict[str, float | None], Field(description="Metric -> value; null where it is not defined.")]
    reason: Annotated[str, Field(description="Why there are none.")]


class Part(BaseModel):
    """How far the feature is apart among the rows with one value."""

    value: str
    moved: MovedFeature
    first_rows: int
    second_rows: int
    first_share: Annotated[float | None, Field(description="Of all rows of the first window, in [0, 1].")]
    second_share: float | None
    first_missing: Annotated[float | None, Field(description="Share of its rows without the feature.")]
    second_missing: float | None
    is_few: Annotated[bool, Field(description="Too few rows on either side to tell.")]


class Parts(BaseModel):
    """The values of a field, that in which the feature moved most first."""

    feature: str
    field: str
    metric: str
    first_since: Annotated[Moment | None, Field(description="Rows before were not read; null: all were.")]
    second_since: Moment | None
    parts: list[Part]


class Norms(BaseModel):
    """How long vectors are."""

    count: int
    mean: float | None
    std_dev: float | None
    minimum: float | None
    maximum: float | None


class Dimension(BaseModel):
    """One dimension: its mean on both sides, and how far that moved in standard deviations of the first."""

    dimension: Annotated[int, Field(description="From 0.")]
    first: float
    second: float
    shift: float | None


class Embedding(BaseModel):
    """How vectors moved from the first window to the second; the dimensions that moved most come first."""

    feature: str
    centre_shift: Annotated[float | None, Field(description="In standard deviations, root mean square of dimensions.")]
    norm_shift: Annotated[float | None, Field(description="Of the mean norm, in its standard deviations.")]
    cosine: Annotated[float | None, Field(description="Of the angle between both mean vectors.")]
    reason: Annotated[str, Field(description="Why it is not defined.")]
    first: Norms
    second: Norms
    dimensions: list[Dimension]


@router.get("/models/{model}/parts", summary="Show in which segment a feature drifted")
def show_parts(call: Reading, model: ModelId, wanted: Annotated[PartsWanted, Query()]) -> Parts:
    """The drift of a feature within each value of a field, ranked; values with few rows come last.

    Rows are read for it: the last 200,000 of each window, and the first 40 values that are met.
    """
    comparing.metric_of(wanted.metric)
    asked = (wanted.feature, wanted.field)
    before = _sliced(call, wanted.first(model), Window(wanted.first_start, wanted.first_end), asked)
    now = _sliced(call, wanted.second(model), Window(wanted.second_start, wanted.second_end), asked)
    return parts_of(before, now, asked, wanted.metric)


def parts_of(before: Slices, now: Slices, asked: tuple[str, str], metric: str) -> Parts:
    """The answer for both sides, already read."""
    found = comparing.by_value(before.profiles, now.profiles, asked[0], metric)
    return Parts(
        feature=asked[0],
        field=asked[1],
        metric=metric,
        first_since=None if before.is_whole else before.since,
        second_since=None if now.is_whole else now.since,
        parts=[Part.model_validate(each.to_dict()) for each in found],
    )


@router.get("/models/{model}/embeddings", summary="Show how the vectors of a feature moved")
def show_embedding(call: Reading, model: ModelId, wanted: Annotated[EmbeddingWanted, Query()]) -> Embedding:
    """Norms, the shift of the centre, and of each dimension, between two windows; 400 for what is no vector."""
    before = read_side(call, wanted.first(model), Window(wanted.first_start, wanted.first_end)).profile
    now = read_side(call, wanted.second(model), Window(wanted.second_start, wanted.second_end)).profile
    return embedding_of(wanted.feature, before, now)


def embedding_of(feature: str, before: Profile, now: Profile) -> Embedding:
    """How the vectors of a feature moved; raises `Invalid` for what is no vector, `NotFound` for no such column."""
    sides = [each.column(feature) for each in (before, now)]
    for each in sides:
        if each.form is not Form.VECTOR:
            raise Invalid(what="feature", got=feature, expected=f"a field of vectors, not of {each.form.value}s")
    one, other = (each.vector for each in sides)
    found = embedding.shift(one, other)
    ranked = sorted(range(len(found.dimensions)), key=lambda place: -abs(_known(found.dimensions[place]) or 0.0))
    dimensions = [
        Dimension(
            dimension=place, first=one.mean[place], second=other.mean[place], shift=_known(found.dimensions[place])
        )
        for place in ranked
    ]
    return Embedding(
        feature=feature,
        centre_shift=_known(found.centre),
        norm_shift=_known(found.norm),
        cosine=_known(found.cosine),
        reason=found.reason,
        first=_norms(sides[0]),
        second=_norms(sides[1]),
        dimensions=dimensions,
    )


@router.get("/models/{model}/quality", summary="Show how good a model was in a window")
def show_quality(call: Reading, model: ModelId, wanted: Annotated[QualityWanted, Query()]) -> Quality:
    """The figures that labels give for any window, version, environment and segment; rows are read, at most 200,000."""
    subject = Subject(model, wanted.version, str(wanted.environment))
    window = Window(wanted.start, wanted.end)
    found = quality.figures_of(call.catalog, tables_of(call), subject, window, segment_of(wanted.segment))
    return Quality(**asdict(found))


def _norms(column: Column) -> Norms:
    found = column.vector.norms
    told = {name: _known(getattr(found, name)) for name in ("mean", "std_dev", "minimum", "maximum")}
    return Norms(count=column.vector.count, **told)


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


def _sliced(call: Call, subject: Subject, window: Window, asked: tuple[str, str]) -> Slices:
    with call.catalog.read() as tx:
        schema = registry.get_version(tx, subject.model, subject.version).schema
    return slices.by_value(call.catalog, tables_of(call), subject, schema, window, asked)
