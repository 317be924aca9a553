"""Monitors on imported data: made, listed, changed, run over any window, and what they said over time."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from driftline import registry
from driftline.catalog import modelmonitors as kept
from driftline.catalog import modelruns, spaces
from driftline.errors import Invalid
from driftline.imports.job import Place
from driftline.imports.ownership import is_asked, refuse_unproved
from driftline.imports.places import refuse_folder
from driftline.modelmonitors import following, monitor, queueing, register, results
from driftline.modelmonitors.evidence import violations_of
from driftline.server.aws import buckets
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Page
from driftline.server.rest.asked import Range
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.monitoring import (
    BrokenConstraint,
    ModelMonitor,
    ModelRun,
    ModelRunDetail,
    MonitorChange,
    MonitorName,
    MonitorWanted,
    Result,
    RunWanted,
    Since,
    Until,
    Windows,
)
from driftline.server.rest.registered import ModelId
from driftline.storage.access import Access
from driftline.window import Window

router = APIRouter(tags=["monitors"])


@router.get("/models/{model}/monitors", summary="List the monitors of a model")
def list_monitors(call: Reading, model: ModelId) -> Page[ModelMonitor]:
    """All monitors of the model, by name."""
    with call.catalog.read() as tx:
        return Page(items=[shown(each) for each in register.of_model(tx, model)])


@router.post("/models/{model}/monitors", summary="Make a monitor of a model", status_code=201)
def create_monitor(call: Writing, model: ModelId, wanted: MonitorWanted) -> ModelMonitor:
    """A new monitor; what its settings leave out follows from the schema of the version. 409 if the name is taken."""
    _refuse_places(call, model, wanted)
    made = monitor.ModelMonitor(model, **wanted.changes())
    with call.catalog.begin() as tx:
        found = shown(register.create(tx, made, now=call.now))
    wake(call)
    return found


@router.get("/models/{model}/monitors/{name}", summary="Show a monitor of a model")
def show_monitor(call: Reading, model: ModelId, name: MonitorName) -> ModelMonitor:
    """What it watches, against what, and when it is planned next."""
    with call.catalog.read() as tx:
        found = register.get(tx, model, name)
        body = kept.get(tx, model, name).body
    return shown(found, body.get("learnt"), body.get("trouble"))


@router.patch("/models/{model}/monitors/{name}", summary="Change a monitor of a model")
def change_monitor(call: Writing, model: ModelId, name: MonitorName, wanted: MonitorChange) -> ModelMonitor:
    """Other settings for the windows to come; what was said of earlier ones stays."""
    with call.catalog.read() as tx:
        before = register.get(tx, model, name).against
    _refuse_places(call, model, wanted, before)
    with call.catalog.begin() as tx:
        return shown(register.change(tx, model, name, wanted.changes(), now=call.now))


@router.delete("/models/{model}/monitors/{name}", summary="Delete a monitor of a model", status_code=204)
def delete_monitor(call: Writing, model: ModelId, name: MonitorName) -> None:
    """Forget the monitor and its runs; their files stay."""
    with call.catalog.begin() as tx:
        register.delete(tx, model, name)


@router.post("/models/{model}/monitors/{name}/start", summary="Start a monitor of a model")
def start_monitor(call: Writing, model: ModelId, name: MonitorName) -> ModelMonitor:
    """Plan again, from now on."""
    with call.catalog.begin() as tx:
        return shown(register.start(tx, model, name, now=call.now))


@router.post("/models/{model}/monitors/{name}/pause", summary="Pause a monitor of a model")
def pause_monitor(call: Writing, model: ModelId, name: MonitorName) -> ModelMonitor:
    """Plan nothing more until it is started; what is queued runs."""
    with call.catalog.begin() as tx:
        return shown(register.pause(tx, model, name, now=call.now))


@router.post("/models/{model}/monitors/{name}/baselines", summary="Make a baseline anew", status_code=202)
def make_baseline(call: Writing, model: ModelId, name: MonitorName) -> ModelMonitor:
    """Learn the baseline of what is there now; windows that had none are run again."""
    with call.catalog.begin() as tx:
        following.learn_later(tx, model, name, call.now)
        found = shown(register.get(tx, model, name))
    wake(call)
    return found


@router.post("/models/{model}/monitors/{name}/runs", summary="Run a monitor over a window", status_code=201)
def run_monitor(call: Writing, model: ModelId, name: MonitorName, wanted: RunWanted) -> ModelRun:
    """Look at any window, version, environment and segment, as known now or at an earlier moment."""
    if (wanted.start is None) != (wanted.end is None):
        raise Invalid(what="window", got="one end", expected="start and end, or neither")
    window = None if wanted.start is None or wanted.end is None else Window(wanted.start, wanted.end)
    narrowed = {"version": wanted.version, "environment": wanted.environment, "where": wanted.where}
    with call.catalog.begin() as tx:
        register.get(tx, model, name)
        made = queueing.run_now(tx, model, name, call.now, window, as_of=wanted.as_of, **narrowed)
    wake(call)
    return run(made)


@router.post("/models/{model}/monitors/{name}/backfills", summary="Run a monitor for past times", status_code=201)
def backfill_monitor(call: Writing, model: ModelId, name: MonitorName, wanted: Range) -> Page[ModelRun]:
    """Look at the window of each time of the cadence in the range, whether it was looked at or not; 10,000 at most."""
    with call.catalog.begin() as tx:
        register.get(tx, model, name)
        made = queueing.backfill(tx, model, name, wanted.since, wanted.until, call.now)
    wake(call)
    return Page(items=[run(each) for each in made])


@router.get("/models/{model}/monitors/{name}/results", summary="Show what a monitor said over time")
def show_results(
    call: Reading, model: ModelId, name: MonitorName, since: Since = None, until: Until = None, limit: Windows = 500
) -> Page[Result]:
    """Of each window its first result and its latest, in order of time, so that a chart can show both.

    Of more windows than `limit` the latest are shown; ask for those before by `until`.
    """
    with call.catalog.read() as tx:
        found = results.results(tx, register.get(tx, model, name), since, until)
    return Page(items=[_result(each) for each in found[-limit:]])


def shown(found: monitor.ModelMonitor, learnt: Any = None, trouble: str | None = None) -> ModelMonitor:
    """A monitor as answers show it."""
    names = [each for each in ModelMonitor.model_fields if each not in ("against", "trouble", "baseline")]
    told = {name: getattr(found, name) for name in names}
    return ModelMonitor(**told, against=found.against.to_dict(), baseline=learnt, trouble=trouble)


def run(found: modelruns.ModelRun) -> ModelRun:
    """A run as lists show it."""
    return ModelRun(**_told(found))


def detail(found: modelruns.ModelRun) -> ModelRunDetail:
    """A run with what it found."""
    body = found.body
    return ModelRunDetail(
        **_told(found),
        broken=[broken(place, found) for place in range(len(violations_of(found)))],
        figures=body.get("figures", []),
        estimates=body.get("estimates", []),
        output=body.get("output"),
        baseline=body.get("baseline"),
        coverage=body.get("coverage"),
    )


def broken(place: int, found: modelruns.ModelRun) -> BrokenConstraint:
    """A violation with its number."""
    return BrokenConstraint(place=place, **found.body["broken"][place])


def _refuse_places(call: Call, model: str, wanted: MonitorChange, before: monitor.Against | None = None) -> None:
    """Raise `Denied` for files of a baseline that this caller may not have read, as with import jobs.

    Those that the monitor names already may stay: constraints that were edited lie beside its tables.
    """
    buckets.refuse(wanted.model_dump(mode="json"), call.settings.allowed_buckets)
    known = () if before is None else (before.statistics, before.constraints)
    named = (wanted.against.statistics, wanted.against.constraints) if wanted.against else ()
    new = [uri for uri in named if uri is not None and uri not in known]
    for uri in new:
        refuse_folder(Place(uri), call.settings.allowed_folders, anywhere=call.settings.is_local)
    if new and is_asked(call.settings):
        with call.catalog.begin() as tx:
            key = spaces.ingestion_key(tx, registry.get_model(tx, model).space, now=call.now)
        for uri in new:
            refuse_unproved(Place(f"{uri.rpartition('/')[0]}/"), Access(), key)


def _told(found: modelruns.ModelRun) -> dict[str, Any]:
    names = ("id", "model", "monitor", "environment", "window_start", "window_end", "as_of", "run", "status")
    more = ("reason", "violations", "created", "ended")
    return {
        **{name: getattr(found, name) for name in (*names, *more)},
        "version": found.version or None,
        "kind": found.body["kind"],
        "where": found.body["asked"].get("where", {}),
        "origin": found.body["origin"],
        "rows": found.body.get("rows"),
        "labelled": found.body.get("labelled"),
    }


def _result(found: results.Result) -> Result:
    return Result(
        window_start=found.start,
        window_end=found.end,
        runs=found.runs,
        first=detail(found.first),
        latest=detail(found.latest),
    )
