"""How good a model is: realised and estimated over time, and the curves, matrices and segments of one window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from driftline.modelmonitors.results import Result
from driftline.monitors.model_quality import ModelQuality
from driftline.pages.names import title_of
from driftline.pages.quality import MAIN
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web import charts, judged
from driftline.server.web.charts import Known
from driftline.server.web.history import History
from driftline.server.web.judged import Chart, JudgedWanted, Kind, Past, has_labels

router = APIRouter(prefix="/console/models/{model}/quality", include_in_schema=False)

CHARTS = 6
_LEGEND = (
    "a hollow dot is estimated without labels, with its interval; a full one is what labels showed; dashed is the limit"
)


@router.get("")
def show(request: Request, call: Reading, model: ModelId, wanted: Annotated[JudgedWanted, Query()]) -> Response:
    """The page."""
    return judged.show(request, call, model, wanted, KIND)


def _past(found: History, about: str) -> Past:
    """The main metrics over time, or the one that is asked for."""
    known: dict[str, list[dict[str, Any]]] = {}
    for each in found.windows:
        for name, told in _of(each).items():
            known.setdefault(name, []).append(told)
    main = [name for name in dict.fromkeys(name for some in MAIN.values() for name in some) if name in known]
    names = [about] if about in known else (main or list(known))[:CHARTS]
    drawn = [_chart(name, known[name]) for name in names]
    return Past(drawn, [each for name in known for each in known[name]], about, list(known), _LEGEND)


def _chart(name: str, told: Sequence[dict[str, Any]]) -> Chart:
    limit = next((each["limit"] for each in reversed(told) if each["limit"] is not None), None)
    return Chart(title_of(name), charts.estimated(title_of(name), [_known(each) for each in told], limit))


def _of(window: Result) -> dict[str, dict[str, Any]]:
    """What is known of each metric in a window: what labels showed, and what was estimated."""
    body, found = window.latest.body, dict[str, dict[str, Any]]()
    nothing = {"estimate": None, "low": None, "high": None, "realised": None, "limit": None}
    start = {"at": window.start, "run": window.latest.id, **nothing}
    for each in body.get("figures", ()):
        if each["subject"] == "model" and each["value"] is not None:
            found[each["name"]] = {"name": each["name"], **start, "realised": each["value"], "limit": each["limit"]}
    for each in body.get("estimates", ()):
        told = {"estimate": each["value"], "low": each["low"], "high": each["high"]}
        realised = {} if each["realised"] is None else {"realised": each["realised"]}
        found[each["name"]] = {"name": each["name"], **start, **found.get(each["name"], {}), **told, **realised}
    return found


def _known(told: dict[str, Any]) -> Known:
    return Known(told["at"], told["estimate"], told["low"], told["high"], told["realised"])


NONE = "No monitor judges how good this model's predictions are."
KIND = Kind(ModelQuality.kind, "/quality", "Quality", NONE, _past, has_labels)
