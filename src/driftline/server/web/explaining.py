"""Which features a model's answers rest on: agreement with the baseline over time, and the ranking of one window."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from driftline.monitors.explainability import Explainability
from driftline.pages.words import name_of
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web import charts, judged
from driftline.server.web.history import History
from driftline.server.web.judged import Chart, JudgedWanted, Kind, Past

router = APIRouter(prefix="/console/models/{model}/explainability", include_in_schema=False)

LABELS = 6
AGREEMENT = "attribution_ndcg"


@router.get("")
def show(request: Request, call: Reading, model: ModelId, wanted: Annotated[JudgedWanted, Query()]) -> Response:
    """The page."""
    return judged.show(request, call, model, wanted, KIND)


def _past(found: History, about: str) -> Past:
    """How much the order of the features agrees with the baseline's, label by label."""
    known = {subject: some for (subject, name), some in found.figures.items() if name == AGREEMENT}
    labels = [about] if about in known else list(known)[:LABELS]
    rows = [
        {"label": label, "at": each.at, "ndcg": each.value, "limit": each.limit, "run": each.run}
        for label, some in known.items()
        for each in some
    ]
    drawn = []
    for label in labels:
        points = [(each.at, each.value) for each in known[label]]
        drawing = charts.over_time("nDCG", points, known[label][-1].limit)
        drawn += [Chart(f"Agreement for {name_of(label)}", drawing)] if drawing else []
    return Past(
        drawn, rows, about, list(known), "nDCG of the order of features: 1 is the baseline's; dashed is the limit"
    )


KIND = Kind(
    Explainability.kind,
    "/explainability",
    "Explainability",
    "No monitor looks which features this model's answers rest on.",
    _past,
)
