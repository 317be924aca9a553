"""Pages of one kind of monitor: what it said over time, and the parts of the report of one window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import Field
from sqlalchemy import Connection

from driftline.catalog import modelruns
from driftline.catalog.modelruns import ModelRun
from driftline.errors import NotFound
from driftline.modelmonitors.kept import content_of
from driftline.modelmonitors.monitor import NAME
from driftline.monitors.verdict import Measure, Violation
from driftline.pages import words
from driftline.pages.names import title_of
from driftline.pages.report import page_of
from driftline.server.aws.wire import Call
from driftline.server.rest.asked import Asked, Text
from driftline.server.web.history import History, history
from driftline.server.web.shown import Heading, Twin, page
from driftline.server.web.templates import OF_REPORTS
from driftline.storage.access import Access


class JudgedWanted(Asked):
    """Which monitor of the kind, which of its windows, and what of it is drawn over time."""

    monitor: Annotated[str | None, Field(pattern=NAME)] = None
    run: Annotated[str | None, Field(pattern=r"^[0-9a-f-]{4,36}$")] = None
    about: Annotated[Text, Field(max_length=700)] = ""
    format: Twin = None


@dataclass(frozen=True)
class Chart:
    """A figure over time: its title, its drawing, and what it is about in a few words."""

    title: str
    drawing: str
    remark: str = ""


@dataclass(frozen=True)
class Past:
    """What is drawn over time: the same as rows, and what else it could be about, of which `about` is."""

    charts: Sequence[Chart] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    about: str = ""
    choices: Sequence[str] = ()
    legend: str = ""


@dataclass(frozen=True)
class Kind:
    """A page: which monitors it is of, its path and title, what is said where there is none, and its past.

    `tells` says of which of two runs more can be told.
    """

    kind: str
    path: str
    title: str
    none: str
    past: Callable[[History, str], Past]
    tells: Callable[[ModelRun], bool] = bool


def show(request: Request, call: Call, model: str, wanted: JudgedWanted, kind: Kind) -> Response:
    """The page of a kind of monitor."""
    at = f"/console/models/{model}"
    heading = Heading(kind.title, "models", ((model, at),))
    with call.catalog.read() as tx:
        found = history(tx, model, kind.kind, wanted.monitor)
        run = None if found is None else _run(tx, found, wanted.run, kind)
    drawn: dict[str, Any] = {"kind": kind, "words": words, "title_of": title_of, "path": f"{at}{kind.path}"}
    if found is None or run is None:
        facts: dict[str, Any] = {"model": model, "monitor": found.monitor.name if found else None, "run": None}
        return page(request, call, "judged.html", heading, facts, **drawn)
    content, past = content_of(run, Access()), kind.past(found, wanted.about)
    told = page_of(content)
    facts = {
        "model": model, "monitor": found.monitor.name, "run": _told(run), "headline": told.body(content).headline.text,
        "violations": [_finite(each) for each in content.verdict.violations],
        "measures": [_finite(each) for each in content.verdict.measures],
        "estimates": [_finite(each) for each in content.estimates], "over_time": list(past.rows),
    }  # fmt: skip
    drawn |= {
        "body": told.body(content), "content": content, "past": past, "others": found.others,
        "sections": [each for each in told.sections(content) if each.template in OF_REPORTS],
        "windows": [each for each in reversed(found.windows) if each.latest.body.get("output")],
    }  # fmt: skip
    last = found.last
    drawn["later"] = last if last and last.start > run.window_start and wanted.run is None else None
    return page(request, call, "judged.html", heading, facts, **drawn)


def has_labels(run: ModelRun) -> bool:
    """Whether any of the run's rows has a label."""
    return bool(run.body.get("labelled"))


def _run(tx: Connection, found: History, asked: str | None, kind: Kind) -> ModelRun | None:
    """The run that is asked for, or else the latest of which something can be told; None without any.

    One that was asked for stays the same, whether its window was looked at again or is long over: links lead to it.
    """
    if asked is not None:
        named = modelruns.beginning(tx, asked)
        if (named.model, named.monitor) != (found.monitor.model, found.monitor.name) or not named.body.get("output"):
            remedy = "It is one of another monitor, or has judged nothing."
            raise NotFound(what=f"run of {found.monitor.name}", name=asked, remedy=remedy)
        return named
    runs = [each.latest for each in found.windows if each.latest.body.get("output")]
    return next((each for each in reversed(runs) if kind.tells(each)), runs[-1] if runs else None)


def _told(run: ModelRun) -> dict[str, Any]:
    names = ("id", "status", "window_start", "window_end", "as_of", "violations")
    return {name: getattr(run, name) for name in names}


def _finite(found: Measure | Violation | Any) -> dict[str, Any]:
    """As JSON has it: None for NaN."""
    told = asdict(found)
    return {name: None if isinstance(value, float) and not isfinite(value) else value for name, value in told.items()}
