"""A run of a monitor: its violations with value and limit, the rows behind each, its report, and running it again."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from driftline.baselines import Baseline
from driftline.catalog import modelruns
from driftline.errors import DriftlineError
from driftline.modelmonitors.evidence import profile_of
from driftline.pages import words
from driftline.server.aws.wire import Call
from driftline.server.rest import modelruns as rest
from driftline.server.rest.callers import Reading
from driftline.server.rest.monitoring import ModelRunDetail, Place, RowsWanted, RunId
from driftline.server.web.charts import Card
from driftline.server.web.executions import card_of
from driftline.server.web.shown import Formed, Heading, Twin, page
from driftline.server.web.violated import Told, told_of
from driftline.storage.access import Access

router = APIRouter(prefix="/console/runs", include_in_schema=False)

_PICTURES = 40
"""So many violations have a picture; the worst."""


class RowsShown(RowsWanted):
    """Which of the rows behind a violation are shown, and how."""

    format: Twin = None


@router.get("/{id}")
def show(request: Request, call: Reading, id: RunId) -> Response:
    """The run: what was looked at, what was known, what broke, and the figures with limits."""
    found = rest.show_run(call, id)
    told = (told_of(each.place, each) for each in found.broken)
    broken = sorted(told, key=lambda each: -each.excess)
    limited = [each for each in found.figures if each.limit is not None]
    drawn = {
        "broken": broken, "limited": limited[:200], "limits": len(limited), "windowed": found.output is not None,
        "cards": _cards(call, found.id, broken), "replay": _replay(found),
    }  # fmt: skip
    facts = {"run": found, "files": rest.show_files(call, id).items if found.output else []}
    return page(request, call, "run.html", _heading(found), facts, **drawn)


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
        "group": wanted.group,
    }
    return page(request, call, "rows.html", heading, facts, **drawn)


def _heading(run: ModelRunDetail, title: str = "", up: tuple[tuple[str, str], ...] = ()) -> Heading:
    return Heading(title or _named(run), "models", ((run.model, f"/console/models/{run.model}"), *up))


def _named(run: ModelRunDetail) -> str:
    return f"{run.monitor}: {run.window_start:%Y-%m-%d %H:%M} – {run.window_end:%Y-%m-%d %H:%M} UTC"


def _replay(found: ModelRunDetail) -> str:
    """The command that looks at the same rows once more: as they were known then."""
    moments = (found.window_start, found.window_end, found.as_of)
    start, end, known = (each.astimezone(UTC).isoformat().replace("+00:00", "Z") for each in moments)
    return f"driftline monitors run {found.model} {found.monitor} --start {start} --end {end} --as-of {known}"


def _cards(call: Call, id: str, ranked: list[Told]) -> dict[int, Card]:
    """The distribution then and now behind the worst violations of columns, from the profiles that the run kept."""
    with call.catalog.read() as tx:
        run = modelruns.beginning(tx, id)
    if not ranked or not run.body.get("baseline"):
        return {}
    try:
        baseline = Baseline.load(run.body["baseline"]["folder"], Access())
        now = profile_of(run, Access())
    except DriftlineError:  # its files are gone: the words remain
        return {}
    found = ((each.place, card_of(each.of, baseline.profile, now)) for each in ranked[:_PICTURES])
    return {place: card for place, card in found if card is not None}
