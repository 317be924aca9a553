"""A run of a monitor: its violations with value and limit, the rows behind each, its report, and running it again."""

from __future__ import annotations

from math import isfinite, nan
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from driftline.monitors.verdict import Violation
from driftline.pages import svg, words
from driftline.pages.terminal import rounded
from driftline.server.rest import modelruns as rest
from driftline.server.rest.callers import Reading
from driftline.server.rest.monitoring import BrokenConstraint, ModelRunDetail, Place, RowsWanted, RunId
from driftline.server.web.shown import Formed, Heading, Twin, page

router = APIRouter(prefix="/console/runs", include_in_schema=False)


class RowsShown(RowsWanted):
    """Which of the rows behind a violation are shown, and how."""

    format: Twin = None


@router.get("/{id}")
def show(request: Request, call: Reading, id: RunId) -> Response:
    """The run: what was looked at, what was known, what broke, and the figures with limits."""
    found = rest.show_run(call, id)
    broken = sorted((_told(each) for each in found.broken), key=lambda each: -each["excess"])
    limited = [each for each in found.figures if each.limit is not None]
    drawn = {"broken": broken, "limited": limited[:200], "windowed": found.output is not None}
    return page(request, call, "run.html", _heading(found), {"run": found}, **drawn)


@router.post("/{id}/reruns")
def rerun(form: Formed, id: RunId) -> Response:
    """The same window once more."""
    return form.back(f"/console/runs/{rest.rerun(form.call, id).id}")


@router.get("/{id}/violations/{place}")
def show_rows(
    request: Request, call: Reading, id: RunId, place: Place, wanted: Annotated[RowsShown, Query()]
) -> Response:
    """The rows behind a violation, each with its file and its place in it."""
    run, found = rest.show_run(call, id), rest.show_rows(call, id, place, wanted)
    named = [each for each in found.columns if any(each in row.values for row in found.items)]
    rest_of = [name for name in (found.items[0].values if found.items else {}) if name not in named]
    heading = _heading(
        run, f"Rows: {words.name_of(found.violation.subject)}", ((_named(run), f"/console/runs/{run.id}"),)
    )
    facts = {"run": run, "rows": found}
    drawn = {
        "found": found.items,
        "columns": [*named, *rest_of][:24],
        "title": words.check_title(found.violation.check),
    }
    return page(request, call, "rows.html", heading, facts, **drawn)


def _heading(run: ModelRunDetail, title: str = "", up: tuple[tuple[str, str], ...] = ()) -> Heading:
    return Heading(title or _named(run), "models", ((run.model, f"/console/models/{run.model}"), *up))


def _named(run: ModelRunDetail) -> str:
    return f"{run.monitor}: {run.window_start:%Y-%m-%d %H:%M} – {run.window_end:%Y-%m-%d %H:%M}"


def _told(found: BrokenConstraint) -> dict[str, Any]:
    """A violation as a table shows it, with how far it is beyond its limit, by which it is ranked."""
    value, limit = (nan if each is None else each for each in (found.value, found.limit))
    violation = Violation(found.subject, found.check, value, limit, found.said)
    return {
        "place": found.place,
        "subject": words.name_of(found.subject),
        "title": words.check_title(found.check),
        "check": found.check,
        "value": words.amount(violation, value),
        "limit": words.amount(violation, limit),
        "why": words.why(violation),
        "said": rounded(found.said),
        "meter": svg.meter(value, limit, True),
        "excess": _excess(value, limit),
    }


def _excess(value: float, limit: float) -> float:
    """How far a value is from its limit, as a share of the limit; 0 where that cannot be told.

    >>> _excess(0.3, 0.1) > _excess(0.5, 1.0), _excess(2.0, 0.0)
    (True, 0.0)
    """
    return abs(value - limit) / abs(limit) if isfinite(value) and isfinite(limit) and limit else 0.0
