"""The demo's history on a server: rows that came for months, monitors that looked at them, a rule that fires."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from driftline import registry
from driftline.alerting import register as rules
from driftline.alerting.rule import Absence, Missing, Rule, Severity, Threshold
from driftline.catalog import Catalog, keys, work
from driftline.catalog.acting import acting
from driftline.commands import demoschedule
from driftline.commands.acting import account
from driftline.commands.serve import run
from driftline.imports import making, watching
from driftline.imports.dryrun import PASSED
from driftline.imports.job import Content, ImportJob, Place
from driftline.imports.making import Wanted
from driftline.modelmonitors import queueing
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment, ModelType
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

Say = Callable[[str], None]

_VERSION = "1"
_MOVED = Threshold("baseline_drift", above=0.1)
_DRIFT = "data-quality"
"""What the monitor is called that comes with a training set."""
_WEEK, _FOUR_WEEKS = "rate(7 days)", "rate(28 days)"
_QUALITY = {
    "car-loan": {
        "accuracy": 0.93, "auc": 0.965, "f0_5": 0.935, "f1": 0.93, "f2": 0.92, "false_negative_rate": 0.09,
        "false_positive_rate": 0.058, "precision": 0.94, "recall": 0.91, "true_negative_rate": 0.942,
        "true_positive_rate": 0.91,
    },
    "employment": {
        "accuracy": 0.81, "auc": 0.88, "f0_5": 0.79, "f1": 0.81, "f2": 0.83, "false_negative_rate": 0.16,
        "false_positive_rate": 0.25, "precision": 0.78, "recall": 0.84, "true_negative_rate": 0.75,
        "true_positive_rate": 0.84,
    },
}  # fmt: skip
"""What quality may fall to: four weeks are some thousand people, and chance moves all a little."""
_FAIRNESS = {
    "car-loan": {"CI": 0.25, "DPL": 0.42, "AD": 0.05, "DI": 0.3, "DPPL": 0.45, "RD": 0.2},
    "employment": {"CI": 0.1, "DPL": 0.12, "AD": 0.06, "DI": 0.8, "DPPL": 0.12, "RD": 0.06},
}
"""What groups may differ by."""
_LABELS_AFTER = timedelta(days=14)
_LASTS = timedelta(days=300)
_PAUSE_SECONDS = 0.1
_TIME, _KEY = "timestamp", "demo"
_ROLES = {"prediction": ("prediction",), "score": ("probability",)}


@dataclass(frozen=True)
class History:
    """A model, the data of the package it is told from, and what is watched of it.

    `normal` and `later` choose the rows that it was tested on and those of its use. Labels come two weeks after them.
    """

    id: str
    data: str
    title: str
    about: str
    label: str
    leave_out: tuple[str, ...]
    normal: Callable[[pa.Table], pa.Table]
    later: Callable[[pa.Table], pa.Table]
    watched: tuple[ModelMonitor, ...] = ()
    rules: tuple[Rule, ...] = ()


def _monitor(model: str, name: str, kind: str, cadence: str = _FOUR_WEEKS, **more: Any) -> ModelMonitor:
    return ModelMonitor(model, name, kind, cadence=cadence, **more)


def _fairness(model: str, column: str, value: str) -> ModelMonitor:
    facets = [{"columns": [column], "values": [[value]]}]
    settings = {"facets": facets, "pre_training": ("CI", "DPL"), "post_training": ("DPPL", "DI", "AD", "RD")}
    return _monitor(model, "fairness", "bias", settings=settings, thresholds=_FAIRNESS[model])


def _of_period(period: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.filter(pc.equal(table["period"], period))


def _of_year(year: int) -> Callable[[pa.Table], pa.Table]:
    """The rows of a year of the survey, which tells no more of the time: so many were asked on each of 300 days."""

    def chosen(table: pa.Table) -> pa.Table:
        rows = table.filter(pc.equal(table["year"], year))
        days = (timedelta(place % _LASTS.days) for place in range(rows.num_rows))
        moments = [datetime(year, 1, 1, 6) + each for each in days]
        return rows.append_column(_TIME, pa.array(moments, pa.timestamp("ms")))

    return chosen


HISTORIES = (
    History(
        "car-loan", "car_loan", "Car loans", "Who will pay back. From one day on, other people ask.", "repaid",
        ("period", "labelled_at"), _of_period("reference"), _of_period("analysis"),
        (
            _monitor("car-loan", _DRIFT, "data-quality", _WEEK),
            _monitor("car-loan", "quality", "model-quality", thresholds=_QUALITY["car-loan"]),
            _fairness("car-loan", "salary_range", "0 - 20K €"),
        ),
        (
            Rule("car-loan", "moved", _MOVED, monitor=_DRIFT, severity=Severity.CRITICAL, owner="credit-risk",
                 text="Look at what moved first; do not retrain on rows without labels."),
            Rule("car-loan", "no-labels", Absence(Missing.LABELS, 24 * 21.0), owner="credit-risk"),
        ),
    ),
    History(
        "employment", "employment", "Employment in Massachusetts", "Who has work: a census. Nothing much happens.",
        "employed",
        ("year",), _of_year(2015), _of_year(2018),
        (
            _monitor("employment", _DRIFT, "data-quality"),
            _monitor("employment", "quality", "model-quality", thresholds=_QUALITY["employment"]),
            _fairness("employment", "sex", "female"),
        ),
        (Rule("employment", "moved", _MOVED, monitor=_DRIFT),),
    ),
)  # fmt: skip


def serve(output: Path, port: int | None) -> int:
    """Serve the histories below a folder, telling them first where they are not told; until interrupted."""
    given: dict[str, Any] = {} if port is None else {"port": port}
    settings = Settings(home=output / "server", **given)

    history, whole = output / "history", output / "history" / "whole"
    if not whole.exists():  # what an interrupted demo left
        for each in (settings.home, history):
            shutil.rmtree(each, ignore_errors=True)

    def say(line: str) -> None:
        print(line, flush=True)

    def first(catalog: Catalog) -> Sequence[str]:
        if not whole.exists():
            say("Ten months of car loans and of a census, moved so that they end today, come to a server.")
            tell(history, catalog, settings, say)
            whole.touch()
        with catalog.begin() as tx:
            if any(each.name == _KEY for each in keys.api_keys(tx)):
                keys.delete_api_key(tx, _KEY)
            key = keys.create_api_key(tx, _KEY, keys.SCOPES, now=catalog.clock())
        return ("", f"Open the console and sign in with this key: {key}")

    def audited(catalog: Catalog) -> Sequence[str]:
        with acting(account("demo", catalog.clock())):
            return first(catalog)

    return run(settings, first=audited)


def tell(folder: Path, catalog: Catalog, settings: Settings, say: Say) -> None:
    """Write the histories' files below a folder, import them, and let monitors look at every week of them."""
    now = catalog.clock()
    worker = Worker(catalog, settings, Access(), node="demo")
    worker.start()
    try:
        for each in HISTORIES:
            _begin(each, folder / each.id, catalog, now)
        say("Rows and labels are imported ...")
        _until_done(catalog)
        say("Monitors look at every week of them, and at an endpoint's last hours ...")
        for each in HISTORIES:
            _watch(each, catalog, now, settings)
        demoschedule.begin(folder, catalog, settings, now)
        _until_done(catalog)
        demoschedule.end(catalog, catalog.clock())
    finally:
        worker.stop()


def _begin(told: History, folder: Path, catalog: Catalog, now: datetime) -> None:
    """Its files, and jobs that import them: what it was tested on, predictions week by week, labels week by week."""
    with as_file(files("driftline") / "data" / f"{told.data}.parquet") as packed:
        table = pq.read_table(packed)
    normal, later = told.normal(table), _moved(told.later(table), now)
    kept = [name for name in later.column_names if name not in told.leave_out]
    _write(normal.select([name for name in kept if name != _TIME]), folder / "training" / "rows.parquet")
    for week, rows in _weeks(later.select(kept)):
        _write(rows.drop_columns([told.label]), folder / "predictions" / f"{week:%Y-%m-%d}.parquet")
    known = pc.less(later[_TIME], pa.scalar((now - _LABELS_AFTER).replace(tzinfo=None), pa.timestamp("ms")))
    for week, rows in _weeks(later.filter(known)):
        _write(rows.select(["id", _TIME, told.label]), folder / "labels" / f"{week:%Y-%m-%d}.parquet")
    with catalog.begin() as tx:
        registry.create_model(tx, Model(told.id, told.title, description=told.about), now=now)
    _import(told, folder / "training", Content.BOTH, Environment.TRAINING, catalog)
    _import(told, folder / "predictions", Content.PREDICTIONS, Environment.PRODUCTION, catalog)
    _import(told, folder / "labels", Content.ACTUALS, Environment.PRODUCTION, catalog)


def _moved(rows: pa.Table, now: datetime) -> pa.Table:
    """The rows, moved by whole days so that the last of them came within the last day."""
    last: datetime = pc.max(rows[_TIME]).as_py()
    days = pa.scalar(timedelta((now.replace(tzinfo=None) - last).days), pa.duration("ms"))
    return rows.set_column(rows.column_names.index(_TIME), _TIME, pc.add(rows[_TIME], days))


def _weeks(rows: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """The rows week by week, each with its first day."""
    weeks = pc.floor_temporal(rows[_TIME], multiple=1, unit="week")
    for week in sorted(weeks.unique().to_pylist()):
        yield week, rows.filter(pc.equal(weeks, pa.scalar(week, weeks.type)))


def _write(rows: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)


def _import(told: History, folder: Path, content: Content, environment: Environment, catalog: Catalog) -> None:
    columns = Columns(
        "id", None if environment is Environment.TRAINING else _TIME, lists={**_ROLES, "actual": (told.label,)}
    )
    uri = f"{folder.resolve()}/"
    job = ImportJob("", told.id, _VERSION, Place(uri), columns, content, environment)
    wanted = Wanted(job, content, True, ModelType.BINARY)
    ready, tried = making.attempt(catalog, wanted, Access(), now=catalog.clock())
    if tried.status != PASSED:
        raise making.Untried(tried)
    with catalog.begin() as tx:
        made = making.make(tx, ready, now=catalog.clock())
    watching.look_through(catalog, made, Access(), now=catalog.clock())


def _watch(told: History, catalog: Catalog, now: datetime, settings: Settings) -> None:
    with catalog.begin() as tx:
        known = {each.name for each in monitors.of_model(tx, told.id)}
        for each in told.watched:
            if each.name in known:
                monitors.change(tx, told.id, each.name, {"cadence": each.cadence}, now=now)
            else:
                monitors.create(tx, each, now=now)
            queueing.backfill(tx, told.id, each.name, now - _LASTS, now, now)
        for rule in told.rules:
            rules.put(tx, rule, now=catalog.clock(), settings=settings)


def _until_done(catalog: Catalog) -> None:
    """Wait until there is no work."""
    while True:
        with catalog.read() as tx:
            if not work.length(tx):
                return
        time.sleep(_PAUSE_SECONDS)
