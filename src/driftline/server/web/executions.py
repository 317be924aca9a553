"""Executions of SageMaker's schedules: what was read, why it ended so, violations with a picture, and their rows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from driftline.catalog import resources
from driftline.errors import Conflict, DriftlineError
from driftline.pages import words
from driftline.processing.evidence import profiles_of
from driftline.processing.jobs import KIND as JOB
from driftline.profile import Profile
from driftline.server.aws.wire import Call
from driftline.server.rest import evidence, executions, jobs
from driftline.server.rest.answers import ExecutionDetail, LogLine, Violation
from driftline.server.rest.asked import Asked, Identity
from driftline.server.rest.callers import Reading
from driftline.server.rest.monitoring import Place
from driftline.server.web import charts
from driftline.server.web.charts import Card
from driftline.server.web.shown import Formed, Heading, Twin, page
from driftline.server.web.violated import Told, told_of
from driftline.storage.access import Access

router = APIRouter(prefix="/console/executions", include_in_schema=False)

_LINES, _SHOWN = 10_000, 500
_PICTURES = 40
"""So many violations have a picture; the worst."""


class ExecutionShown(Asked):
    """Which lines of the log are shown, and how."""

    find: Annotated[str, Query(max_length=200, description="Lines with this in them.")] = ""
    format: Twin = None


@router.get("/{id}")
def show(request: Request, call: Reading, id: Identity, wanted: Annotated[ExecutionShown, Query()]) -> Response:
    """An execution: its window, how it ended and why, what it read, its violations, and its log."""
    found = executions.show_execution(call, id)
    broken, trouble = _violations(call, found)
    log, count = _log(call, id, wanted.find)
    facts = {
        "execution": found, "inputs": evidence.show_inputs(call, id), "violations": broken, "log": log,
        "manifest": _manifest(call, found),
    }  # fmt: skip
    ranked = sorted(
        (told_of(place, each) for place, each in enumerate(broken)),
        key=lambda each: -each.excess,
    )
    drawn = {
        "trouble": trouble, "words": words, "ranked": ranked, "cards": _cards(call, found, ranked), "lines": count,
        "find": wanted.find,
    }  # fmt: skip
    return page(request, call, "execution.html", _heading(found), facts, **drawn)


@router.get("/{id}/violations/{place}")
def show_rows(request: Request, call: Reading, id: Identity, place: Place, format: Twin = None) -> Response:  # noqa: ARG001
    """The rows behind a violation, each with its file and its place in it."""
    found, rows = executions.show_execution(call, id), evidence.show_captured(call, id, place)
    violation = executions.show_violations(call, found.id).items[place]
    heading = _heading(found)
    up = (*heading.up, (heading.title, f"/console/executions/{found.id}"))
    named = list(rows.items[0].values) if rows.items else []
    looked = [each for each in rows.columns if each in named]
    facts = {"rows": rows, "violation": violation}
    drawn = {
        "columns": [*looked, *(each for each in named if each not in looked)][:24],
        "told": told_of(place, violation),
    }
    title = f"Rows: {words.name_of(violation.subject)}"
    return page(request, call, "captured.html", Heading(title, "schedules", up), facts, **drawn)


@router.post("/{id}/reruns")
def rerun(form: Formed, id: Identity) -> Response:
    """The same window once more."""
    return form.back(f"/console/executions/{executions.rerun(form.call, id).id}")


@router.post("/{id}/stop")
def stop(form: Formed, id: Identity) -> Response:
    """End it as soon as possible."""
    return form.back(f"/console/executions/{executions.stop(form.call, id).id}")


def _heading(found: ExecutionDetail) -> Heading:
    up = (("Schedules", "/console/schedules"), (found.schedule, f"/console/schedules/{found.schedule}"))
    return Heading(f"Execution of {found.scheduled:%Y-%m-%d %H:%M} UTC", "schedules", up)


def _violations(call: Call, found: ExecutionDetail) -> tuple[list[Violation], str]:
    """What broke a constraint; where the file cannot be read, why, as all else of the page can be shown."""
    if found.violation_report_uri is None or not found.violations:
        return [], ""
    try:
        return executions.show_violations(call, found.id).items, ""
    except DriftlineError as error:
        return [], str(error)


def _log(call: Call, id: str, find: str) -> tuple[list[LogLine], int]:
    """The lines with this in them, and how many there are; of many the last."""
    lines = executions.read_log(call, id, 0, _LINES).lines
    found = [each for each in lines if find.lower() in each.text.lower()]
    return found[-_SHOWN:], len(found)


def _manifest(call: Call, found: ExecutionDetail) -> dict[str, Any] | None:
    return None if found.job is None else jobs.show_job(call, found.job).manifest


def _cards(call: Call, found: ExecutionDetail, ranked: list[Told]) -> dict[int, Card]:
    """The distribution then and now behind the worst violations of columns; none where no statistics were kept."""
    if found.job is None or not ranked:
        return {}
    with call.catalog.read() as tx:
        body = resources.get(tx, JOB, found.job).body
    try:
        before, now = profiles_of(body, found.job, Access())
    except (Conflict, DriftlineError):
        return {}
    return {each.place: card for each in ranked[:_PICTURES] if (card := card_of(each.of, before, now)) is not None}


def card_of(name: str, before: Profile | None, now: Profile) -> Card | None:
    """Both distributions of a column; None for what is no column."""
    old = None if before is None or name not in before else before.column(name)
    return None if name not in now else charts.card(name, old, now.column(name))
