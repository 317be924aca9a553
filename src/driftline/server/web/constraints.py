"""Constraints edited in place: a table or JSON, what it changes about the last window, and keeping it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from driftline.documents.jackson import dumps
from driftline.errors import DriftlineError, Invalid
from driftline.limits import checked
from driftline.monitors.quality import QualityConstraints
from driftline.pages import words
from driftline.server.aws.wire import Call
from driftline.server.rest import constraints as rest
from driftline.server.rest.asked import Asked, Name
from driftline.server.rest.callers import Reading
from driftline.server.rest.constraints import Changed, ConstraintsShown, ConstraintsTried, ConstraintsWanted
from driftline.server.rest.monitoring import MonitorName
from driftline.server.rest.registered import ModelId
from driftline.server.web import constraintforms as forms
from driftline.server.web.constraintforms import Errors, Values
from driftline.server.web.shown import Form, Formed, Heading, Twin, page
from driftline.server.web.templates import HEADERS, printed

router = APIRouter(prefix="/console", include_in_schema=False)

ROWS = 50
"""Columns on a page; the filter finds the others."""
_MODEL, _SCHEDULE = "/models/{model}/monitors/{name}/constraints", "/schedules/{name}/constraints"


class Wanted(Asked):
    """Which columns are shown, and how."""

    q: Annotated[str, Query(max_length=200, description="Part of the name.")] = ""
    after: Annotated[int, Query(ge=0, le=1_000_000, description="So many are passed over.")] = 0
    text: Annotated[bool, Query(description="As JSON.")] = False
    saved: Annotated[bool, Query(description="They were just kept.")] = False
    format: Twin = None


WantedQuery = Annotated[Wanted, Query()]


@dataclass(frozen=True)
class Target:
    """Whose constraints they are: where its page is, where its runs are, and what REST does for it."""

    title: str
    path: str
    runs: str
    part: str
    show: Callable[[Call], ConstraintsShown]
    trial: Callable[[Call, ConstraintsTried], Changed]
    keep: Callable[[Call, ConstraintsWanted], ConstraintsShown]

    @property
    def own(self) -> str:
        """Where its constraints are edited."""
        return f"{self.path}/constraints"


def _of_monitor(model: str, name: str) -> Target:
    path = f"/console/models/{quote(model, safe='')}/monitors/{name}"
    return Target(
        name, path, "/console/runs/", "models",
        lambda call: rest.show_of_monitor(call, model, name),
        lambda call, wanted: rest.try_of_monitor(call, model, name, wanted),
        lambda call, wanted: rest.change_of_monitor(call, model, name, wanted),
    )  # fmt: skip


def _of_schedule(name: str) -> Target:
    return Target(
        name, f"/console/schedules/{name}", "/console/executions/", "schedules",
        lambda call: rest.show_of_schedule(call, name),
        lambda call, wanted: rest.try_of_schedule(call, name, wanted),
        lambda call, wanted: rest.change_of_schedule(call, name, wanted),
    )  # fmt: skip


@router.get(_MODEL)
def show_of_monitor(
    request: Request, call: Reading, model: ModelId, name: MonitorName, wanted: WantedQuery
) -> Response:
    """The limits of a monitor of a model."""
    return _shown(request, call, _of_monitor(model, name), wanted)


@router.get(_SCHEDULE)
def show_of_schedule(request: Request, call: Reading, name: Name, wanted: WantedQuery) -> Response:
    """The constraints of a SageMaker schedule."""
    return _shown(request, call, _of_schedule(name), wanted)


@router.post(f"{_MODEL}/trials")
def try_of_monitor(request: Request, form: Formed, model: ModelId, name: MonitorName, wanted: WantedQuery) -> Response:
    """What was typed, tried on the last window."""
    return _tried(request, form, _of_monitor(model, name), wanted)


@router.post(f"{_SCHEDULE}/trials")
def try_of_schedule(request: Request, form: Formed, name: Name, wanted: WantedQuery) -> Response:
    """What was typed, tried on the last execution."""
    return _tried(request, form, _of_schedule(name), wanted)


@router.post(_MODEL)
def keep_of_monitor(request: Request, form: Formed, model: ModelId, name: MonitorName, wanted: WantedQuery) -> Response:
    """Judge by what was typed."""
    return _kept(request, form, _of_monitor(model, name), wanted)


@router.post(_SCHEDULE)
def keep_of_schedule(request: Request, form: Formed, name: Name, wanted: WantedQuery) -> Response:
    """Judge by what was typed."""
    return _kept(request, form, _of_schedule(name), wanted)


def _tried(request: Request, form: Form, target: Target, wanted: Wanted) -> Response:
    """The effect alone for htmx, in the whole page for others."""
    shown = target.show(form.call)
    effect, trouble, errors = _effect(form, target, shown)
    if request.headers.get("hx-request") == "true":
        told = printed("effect.html", **_told(target, effect, trouble, errors))
        return HTMLResponse(told, headers=HEADERS)
    return _page(request, form.call, target, wanted, shown, typed=form.values, said=(effect, trouble, errors))


def _effect(form: Form, target: Target, shown: ConstraintsShown) -> tuple[Changed | None, str, Errors]:
    document, errors = forms.document_of(shown.kind, shown.document, form.values)
    if errors:
        return None, "Mend what is marked first.", errors
    return *_trial(form.call, target, document), {}


def _trial(call: Call, target: Target, document: Any) -> tuple[Changed | None, str]:
    try:
        return target.trial(call, ConstraintsTried(document=document)), ""
    except (DriftlineError, ValueError) as error:
        return None, str(error)


def _kept(request: Request, form: Form, target: Target, wanted: Wanted) -> Response:
    """Kept, if nothing is wrong with it; else the page with what is, and with what was typed."""
    shown = target.show(form.call)
    document, errors = forms.document_of(shown.kind, shown.document, form.values)
    trouble = "Nothing was kept: mend what is marked first." if errors else ""
    if not errors:
        try:
            target.keep(form.call, ConstraintsWanted(document=document, mark=form.values.get("mark", "")))
            return form.back(f"{target.own}?{_query(wanted, saved=True)}")
        except (Invalid, ValidationError) as error:
            said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            errors, trouble = {"document": said}, f"Nothing was kept: {said}"
    return _page(request, form.call, target, wanted, shown, typed=form.values, said=(None, trouble, errors))


def _shown(request: Request, call: Call, target: Target, wanted: Wanted) -> Response:
    return _page(request, call, target, wanted, target.show(call))


def _page(
    request: Request,
    call: Call,
    target: Target,
    wanted: Wanted,
    shown: ConstraintsShown,
    *,
    typed: Values | None = None,
    said: tuple[Changed | None, str, Errors] = (None, "", {}),
) -> Response:
    last, why = _trial(call, target, shown.document)
    broken: dict[str, tuple[Any, ...]] = {}
    for each in (*last.stays, *last.uncertain) if last else ():
        broken[each.subject] = (*broken.get(each.subject, ()), each)
    constraints, names = checked(shown.kind, shown.document), list[str]()
    if not isinstance(constraints, QualityConstraints) and shown.kind in forms.TABLES:
        found = [each for each in constraints.names if wanted.q.lower() in each.lower()]
        names = sorted(found, key=lambda each: each not in broken)
    as_text = wanted.text or shown.kind not in forms.TABLES
    shows = names[wanted.after : wanted.after + ROWS]
    facts = {"constraints": shown, "last": last}
    drawn = {
        "target": target, "wanted": wanted, "as_text": as_text, "typed": typed or {}, "why": why,
        "sheet": None if as_text else forms.sheet_of(constraints, shows, broken),
        "text": dumps(shown.document), "forms": forms, "found": len(names), "titles": _TITLES,
        "pages": _pages(wanted, len(names)), "query": _query(wanted), **_told(target, *said),
    }  # fmt: skip
    heading = Heading(f"Limits of {target.title}", target.part, ((target.title, target.path),))
    return page(request, call, "constraints.html", heading, facts, **drawn)


def _told(target: Target, effect: Changed | None, trouble: str, errors: Errors) -> dict[str, Any]:
    return {"effect": effect, "trouble": trouble, "errors": errors, "words": words, "runs": target.runs}


def _pages(wanted: Wanted, found: int) -> Mapping[str, str]:
    """Where the page before and the next one are."""
    told = {}
    if wanted.after:
        told["prev"] = _query(wanted, after=max(wanted.after - ROWS, 0))
    if wanted.after + ROWS < found:
        told["next"] = _query(wanted, after=wanted.after + ROWS)
    return told


def _query(wanted: Wanted, **changes: Any) -> str:
    values = {"q": wanted.q, "after": wanted.after, "text": wanted.text, "saved": False, **changes}
    return urlencode({name: str(value).lower() if value is True else value for name, value in values.items() if value})


_TITLES = {"GreaterThanThreshold": "at most", "LessThanThreshold": "at least"}
"""What a limit of a metric means, by the operator that tells of a violation."""
