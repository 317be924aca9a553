"""Monitors of a model: one with its settings, what comes next and what it said; made, changed, run and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from driftline import registry
from driftline.cronwords import said
from driftline.errors import CallerError, Invalid
from driftline.modelmonitors import register
from driftline.monitors.data_quality import TITLES
from driftline.server.aws.wire import Call
from driftline.server.rest import modelmonitors as rest
from driftline.server.rest import modelruns
from driftline.server.rest.asked import PageWanted, Range
from driftline.server.rest.callers import Reading
from driftline.server.rest.monitoring import MonitorChange, MonitorName, MonitorWanted, RunsWanted, RunWanted
from driftline.server.rest.registered import ModelId
from driftline.server.web import monitorforms as forms
from driftline.server.web.models import next_times
from driftline.server.web.monitorforms import Errors, Known, Values
from driftline.server.web.shown import Formed, Heading, Twin, page
from driftline.server.web.times import Coming

router = APIRouter(prefix="/console/models/{model}/monitors", include_in_schema=False)

_RUNS = 50
_ACTIONS = {"start": rest.start_monitor, "pause": rest.pause_monitor, "baseline": rest.make_baseline}


class RunsShown(PageWanted):
    """Which runs of a monitor are shown, and how."""

    limit: Annotated[int, Query(ge=1, le=_RUNS)] = _RUNS
    made: Annotated[int | None, Query(ge=0, le=100_000, description="So many runs were just queued.")] = None
    format: Twin = None


@router.get("/new")
def show_new(request: Request, call: Reading, model: ModelId) -> Response:
    """The form of a new monitor."""
    return _form(request, call, model, None, forms.texts_of(None), {})


@router.post("/new")
def create(request: Request, form: Formed, model: ModelId) -> Response:
    """The monitor, or the form with what is wrong."""
    wanted, errors = forms.wanted_of(form.values)
    if not errors:
        try:
            asked = MonitorWanted(name=form.values.get("name", ""), kind=form.values.get("kind", ""), **wanted)  # type: ignore[arg-type]
            return form.back(_path(model, rest.create_monitor(form.call, model, asked).name))
        except (CallerError, ValidationError) as error:
            errors = forms.placed(error)
    return _form(request, form.call, model, None, form.values, errors)


@router.get("/{name}")
def show(
    request: Request, call: Reading, model: ModelId, name: MonitorName, wanted: Annotated[RunsShown, Query()]
) -> Response:
    """The monitor: what it watches and against what, its next five times, and its runs, the latest made first."""
    return _page(request, call, model, name, wanted, {}, {})


@router.get("/{name}/edit")
def show_edit(request: Request, call: Reading, model: ModelId, name: MonitorName) -> Response:
    """The form of a monitor that is there."""
    return _form(request, call, model, name, forms.texts_of(rest.show_monitor(call, model, name)), {})


@router.post("/{name}/edit")
def change(request: Request, form: Formed, model: ModelId, name: MonitorName) -> Response:
    """Other settings for the windows to come, or the form with what is wrong."""
    kind = rest.show_monitor(form.call, model, name).kind
    values = {**form.values, "kind": kind, "name": name}
    wanted, errors = forms.wanted_of(values)
    if not errors:
        try:
            rest.change_monitor(form.call, model, name, MonitorChange(**wanted))
            return form.back(_path(model, name))
        except (CallerError, ValidationError) as error:
            errors = forms.placed(error)
    return _form(request, form.call, model, name, values, errors)


@router.get("/{name}/delete")
def show_delete(request: Request, call: Reading, model: ModelId, name: MonitorName) -> Response:
    """What goes with the monitor, before it does."""
    found = rest.show_monitor(call, model, name)
    up = (*_up(model), (name, _path(model, name)))
    facts = {
        "path": f"{_path(model, name)}/delete",
        "back": _path(model, name),
        "action": "Delete the monitor",
        "goes": [f"The monitor {found.name} and the list of its runs."],
        "stays": ["The files of its runs, and the rows that it looked at."],
    }
    return page(request, call, "sure.html", Heading(f"Delete {name}?", "models", up), facts)


@router.post("/{name}/delete")
def delete(form: Formed, model: ModelId, name: MonitorName) -> Response:
    """Gone, and back to the model."""
    rest.delete_monitor(form.call, model, name)
    return form.back(f"/console/models/{quote(model, safe='')}")


@router.post("/{name}/runs")
def run(request: Request, form: Formed, model: ModelId, name: MonitorName) -> Response:
    """Look at a window now: the last one, or the one that was typed."""
    try:
        start, end = _span(form.values, "start", "end")
        made = rest.run_monitor(form.call, model, name, RunWanted(start=start, end=end))
    except (CallerError, ValidationError) as error:
        return _page(request, form.call, model, name, RunsShown(), form.values, {"run": _said(error)})
    return form.back(f"/console/runs/{made.id}")


@router.post("/{name}/backfills")
def backfill(request: Request, form: Formed, model: ModelId, name: MonitorName) -> Response:
    """Look at all windows of a range."""
    try:
        since, until = _span(form.values, "since", "until")
        made = rest.backfill_monitor(form.call, model, name, Range(since=since, until=until))  # type: ignore[arg-type]
    except (CallerError, ValidationError) as error:
        return _page(request, form.call, model, name, RunsShown(), form.values, {"backfill": _said(error)})
    return form.back(f"{_path(model, name)}?made={len(made.items)}")


@router.post("/{name}/{action}")
def act(form: Formed, model: ModelId, name: MonitorName, action: Literal["start", "pause", "baseline"]) -> Response:
    """Start it, pause it, or make its baseline anew."""
    return form.back(_path(model, _ACTIONS[action](form.call, model, name).name))


def _page(
    request: Request, call: Call, model: str, name: str, wanted: RunsShown, typed: Values, errors: Errors
) -> Response:
    found = rest.show_monitor(call, model, name)
    asked = RunsWanted(model=model, monitor=name, limit=_RUNS, token=wanted.token)
    ran = modelruns.list_runs(call, asked)
    with call.catalog.read() as tx:
        coming = next_times(register.get(tx, model, name), call.now)
    facts = {"monitor": found, "next": coming, "runs": ran.items, "next_token": ran.next_token}
    drawn = {
        "when_said": _spoken(found.cadence), "against": _against(found.against), "typed": typed, "errors": errors,
        "kinds": forms.KINDS, "made": wanted.made, "path": _path(model, name), "length": _length(found.window_seconds),
        "delay": _length(found.delay_seconds or None),
    }  # fmt: skip
    return page(request, call, "monitor.html", Heading(name, "models", _up(model)), facts, **drawn)


def _form(request: Request, call: Call, model: str, name: str | None, values: Values, errors: Errors) -> Response:
    with call.catalog.read() as tx:
        known = Known.of({each.version: each.schema for each in registry.versions(tx, model)})
    up = _up(model) if name is None else (*_up(model), (name, _path(model, name)))
    facts = {"model": model, "monitor": name, "values": {k: v for k, v in values.items() if k != "token"}}
    drawn = {
        "errors": errors, "known": known, "forms": forms, "distances": TITLES,
        "coming": Coming.of(values.get("cadence", ""), call.now),
        "back": f"/console/models/{quote(model, safe='')}" if name is None else _path(model, name),
    }  # fmt: skip
    title = "New monitor" if name is None else f"Change {name}"
    return page(request, call, "monitorform.html", Heading(title, "models", up), facts, **drawn)


def _span(values: Values, first: str, last: str) -> tuple[datetime | None, datetime | None]:
    """Two moments of a form; raises `Invalid`."""
    errors: Errors = {}
    found = forms.moment(first, values, errors), forms.moment(last, values, errors)
    if errors:
        raise Invalid(what="window", got=next(iter(values.get(each) for each in errors)), expected="a time in UTC")
    return found


def _said(error: CallerError | ValidationError) -> str:
    return error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)


def _path(model: str, name: str) -> str:
    return f"/console/models/{quote(model, safe='')}/monitors/{name}"


def _up(model: str) -> tuple[tuple[str, str], ...]:
    return ((model, f"/console/models/{quote(model, safe='')}"),)


def _spoken(cadence: str | None) -> str:
    return "on demand" if cadence is None else said(cadence)


def _against(found: Mapping[str, Any]) -> str:
    """A baseline in a few words."""
    told = forms.BASES[found["basis"]]
    if found["basis"] == "window":
        return f"the window from {found['start'][:16]} to {found['end'][:16]}"
    if found["basis"] == "rolling":
        gap = f", {found['gap_days']:g} days earlier" if found.get("gap_days") else ""
        return f"the {found.get('days', 7):g} days before each window{gap}"
    extra = [f"version {found['version']}"] if found.get("version") else []
    extra += [f"batch {found['batch']}"] if found.get("batch") else []
    return f"{told} ({', '.join(extra)})" if extra else told


def _length(seconds: float | None) -> str | None:
    """A time span as people say it.

    >>> _length(86400.0), _length(5400.0), _length(None)
    ('1 day', '1:30:00', None)
    """
    if seconds is None:
        return None
    span = timedelta(seconds=seconds)
    days = span.days
    return f"{days} day{'s' if days != 1 else ''}" if span == timedelta(days=days) else str(span)
