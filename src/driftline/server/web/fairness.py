"""Whether groups are treated alike: the metrics of bias over time, and the report of one window by facet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from driftline.monitors.bias import Bias
from driftline.pages.names import title_of
from driftline.pages.signs import SIGNS
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web import charts, judged
from driftline.server.web.history import History
from driftline.server.web.judged import Chart, JudgedWanted, Kind, Past, has_labels

router = APIRouter(prefix="/console/models/{model}/fairness", include_in_schema=False)


@router.get("")
def show(request: Request, call: Reading, model: ModelId, wanted: Annotated[JudgedWanted, Query()]) -> Response:
    """The page."""
    return judged.show(request, call, model, wanted, KIND)


def _past(found: History, about: str) -> Past:
    """The metrics of one group over time: of that which is asked for, or the first."""
    groups = list(dict.fromkeys(subject for subject, name in found.figures if name in SIGNS))
    group = about if about in groups else next(iter(groups), "")
    rows = [
        {"group": subject, "metric": name, "at": each.at, "value": each.value, "limit": each.limit, "run": each.run}
        for (subject, name), some in found.figures.items()
        if name in SIGNS
        for each in some
    ]
    drawn = []
    for (subject, name), some in found.figures.items():
        if subject == group and name in SIGNS:
            drawing = charts.over_time(title_of(name), [(each.at, each.value) for each in some], some[-1].limit)
            drawn += [Chart(title_of(name), drawing)] if drawing else []
    return Past(drawn, rows, group, groups, "the dashed line is the limit")


NONE = "No monitor looks whether groups are treated alike."
KIND = Kind(Bias.kind, "/fairness", "Fairness", NONE, _past, has_labels)
