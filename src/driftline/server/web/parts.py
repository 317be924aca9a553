"""In which segment a feature drifted: each value of a field, that in which it moved most first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from driftline import registry
from driftline.errors import NotFound
from driftline.inferences import slices
from driftline.pages import svg, words
from driftline.pages.shapes import shape_of
from driftline.profile import Profile
from driftline.server.rest.asked import Text
from driftline.server.rest.callers import Reading
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.parts import parts_of
from driftline.server.rest.registered import ModelId
from driftline.server.web.features import column, drawing, told
from driftline.server.web.shown import Heading, page
from driftline.server.web.windows import Compared, chosen

router = APIRouter(prefix="/console/models/{model}/parts", include_in_schema=False)

Named = Annotated[Text, Field(min_length=1, max_length=512)]


class Parted(Compared):
    """Two windows, a feature, and the field whose values part the rows."""

    feature: Named
    field: Named


@router.get("")
def show(request: Request, call: Reading, model: ModelId, wanted: Annotated[Parted, Query()]) -> Response:
    """The feature within each value of the field."""
    sides = chosen(call, model, wanted)
    if sides is None:
        raise NotFound(what="rows", name=f"of {model}", remedy="Import some first.")
    with call.catalog.read() as tx:
        schema = registry.get_version(tx, model, sides.version).schema
    tables, asked = tables_of(call), (wanted.feature, wanted.field)
    before, now = (
        slices.by_value(call.catalog, tables, sides.subject(each), schema, each.window, asked)
        for each in (sides.before, sides.now)
    )
    found = parts_of(before, now, asked, wanted.metric)
    is_vector = any(each.moved.form == "vector" for each in found.parts)
    drawn = {
        "title": "Shift of the centre" if is_vector else words.measure_title(wanted.metric),
        "sparks": {each.value: _spark(before.profiles.get(each.value), now.profiles.get(each.value), wanted.feature)
                   for each in found.parts},
        "fields": slices.fields_of(schema),
    }  # fmt: skip
    facts = {"model": model, **told(sides, wanted.metric), "parts": found.model_dump(), "is_vector": is_vector}
    at = f"/console/models/{model}"
    up = ((model, at), ("Features and drift", f"{at}/features"), (wanted.feature, f"{at}/features/{wanted.feature}"))
    heading = Heading(f"{words.name_of(wanted.feature)} by {words.name_of(wanted.field)}", "models", up)
    return page(request, call, "segments.html", heading, facts, **drawn, **drawing(request, sides, wanted.metric))


def _spark(before: Profile | None, now: Profile | None, feature: str) -> str:
    """Both distributions, small."""
    first, second = (None if each is None else column(each, feature) for each in (before, now))
    shape = shape_of(first, second, 16)
    if shape.reason:
        return ""
    return (svg.sparkline if shape.is_histogram else svg.columns)(shape.baseline, shape.current)
