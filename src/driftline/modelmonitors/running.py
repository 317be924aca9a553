"""A run of a monitor, from the queue to its word: rows as they are known now, judged; files first, then the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline import registry, runs
from driftline.baselines import Baseline
from driftline.calling import opener
from driftline.catalog import Catalog, modelmonitors, modelruns, work
from driftline.catalog.modelmonitors import Kept
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.work import Work
from driftline.errors import CallerError, DataError, EmptyWindow, NotFound
from driftline.inferences.tables import Tables
from driftline.manifest import World
from driftline.modelmonitors.inputs import folder_of, manifest_of, rows_of
from driftline.modelmonitors.learning import Learnt, NoBaseline, learn
from driftline.modelmonitors.monitor import Basis, ModelMonitor, MonitorStatus
from driftline.modelmonitors.watched import Watched, watched
from driftline.modelmonitors.written import figures, save
from driftline.record import FILE as RECORD
from driftline.registry import ModelVersion
from driftline.reports import Report
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.versions import Version
from driftline.window import Window

WORK = "model-monitor"
"""The kind of work in the queue; its subject is a run, its lane the monitor."""

ROUNDS, ROUND_SECONDS = 6, 60.0
"""A run that could not be done is queued so often again, first after so many seconds, then twice as many."""

COMPLETED, VIOLATED, FAILED = "Completed", "CompletedWithViolations", "Failed"
NO_DATA, NO_LABELS, NO_BASELINE = "NoData", "NoLabels", "NoBaseline"
"""What is neither good nor bad: no rows in the window, no label of any yet, nothing to compare with yet."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class Ended:
    """How a run ended: its status, the reason in words, and what the row says of it; `learnt` if that is new."""

    status: str
    reason: str | None = None
    violations: int = 0
    told: Mapping[str, Any] | None = None
    learnt: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Asked:
    """All that a run is told: itself, the monitor as it was asked, the versions, what is known of the baseline."""

    run: ModelRun
    monitor: ModelMonitor
    versions: tuple[ModelVersion, ...]
    learnt: Mapping[str, Any] | None
    record: str | None

    @property
    def window(self) -> Window:
        """What is looked at."""
        return Window(self.run.window_start, self.run.window_end)


def run(catalog: Catalog, held: Work, settings: Settings, access: Access, log: Log) -> str:
    """Do the run that is the work's subject, and end both in one transaction; says in a line how it ended.

    Begun again after a crash it reads what it had read before, and writes the same files. Raises `Unavailable` to be
    tried again; what is wrong with the data or the monitor ends the run.
    """
    asked = _begin(catalog, held)
    if asked is None:
        return f"run {held.subject} is gone or has ended"
    tables = Tables(settings.tables_root, access, settings.home / "cache")
    world = World(access, log=log, invoke=opener(settings.allowed_hosts))
    try:
        ended = perform(asked, tables, world)
    except NoBaseline as error:
        ended = Ended(NO_BASELINE, str(error))
    except EmptyWindow:
        ended = Ended(NO_DATA, f"No rows of {asked.run.model} in the window.")
    except NotFound as error:
        status = NO_DATA if error.facts.get("what") in ("table", "Delta table", "input") else FAILED
        ended = Ended(status, str(error))
    except (CallerError, DataError) as error:
        ended = Ended(FAILED, str(error))
    return _end(catalog, held, asked, ended)


def lost(tx: Connection, held: Work, reason: str, now: datetime) -> None:
    """The run could not be done as often as it was tried, and its work is gone: later, or else it has failed.

    So that no window is lost while a store is away, it is queued again a few times, after longer and longer pauses.
    """
    found = modelruns.find(tx, held.subject, lock=True)
    if found is None or not found.is_open:
        return
    rounds = found.body.get("rounds", 0) + 1
    if rounds > ROUNDS:
        modelruns.change(tx, found.id, status=FAILED, reason=reason, ended=now)
        return
    modelruns.change(tx, found.id, reason=reason, body={**found.body, "rounds": rounds})
    after = now + timedelta(seconds=ROUND_SECONDS * 2 ** (rounds - 1))
    work.enqueue(tx, WORK, found.id, now=now, run_after=after)  # in no lane, where it would hold up the others


def perform(asked: Asked, tables: Tables, world: World) -> Ended:
    """Read, judge and write the files of a run; raises the errors of `driftline.errors`."""
    names = tuple(each.version for each in asked.versions)
    seen = watched(asked.monitor, asked.versions[-1].type, [each.schema for each in asked.versions])
    known, new = _baseline(asked, seen, names, tables, world)
    manifest = manifest_of(rows_of(asked.monitor, names, asked.window, asked.run.as_of), seen, tables)
    statistics, constraints = known.files
    manifest = replace(manifest, record=asked.record, statistics=statistics, constraints=constraints)
    opened: dict[str, Version] = {}
    report = runs.judge(manifest, known.baseline, replace(world, opened=opened.update))
    report = replace(report, created=asked.run.as_of)
    folder = output_of(tables, asked.run)
    save(report, folder, manifest, opened, world.access)
    told = {
        "output": folder,
        "rows": report.current.rows,
        "baseline": {"folder": known.folder, "rows": known.rows},
        "coverage": None if report.coverage is None else report.coverage.to_dict(),
        "labelled": _labelled(report),
        "warnings": list(report.baseline.warnings),
        "record": f"{folder}/{RECORD}" if report.record else None,
        **figures(report),
    }
    said = report.notes[0] if report.notes else None
    return Ended(_status(report), said, len(report.violations), told, new)


def output_of(tables: Tables, run: ModelRun) -> str:
    """Where a run's files are."""
    window = f"{run.window_start:%Y%m%dT%H%M%SZ}-{run.window_end:%Y%m%dT%H%M%SZ}"
    return f"{folder_of(tables, run.model, run.monitor)}/runs/{window}/{run.run}"


def versions_of(tx: Connection, found: ModelMonitor) -> tuple[ModelVersion, ...]:
    """The versions that a monitor watches; raises `NotFound`."""
    if found.version is not None:
        return (registry.get_version(tx, found.model, found.version),)
    return tuple(registry.versions(tx, found.model))


def _begin(catalog: Catalog, held: Work) -> Asked | None:
    """Note that the run has begun, and what it knows; None, and the work forgotten, where there is nothing to do."""
    now = catalog.clock()
    with catalog.begin() as tx:
        found = modelruns.find(tx, held.subject, lock=True)
        kept = None if found is None else modelmonitors.find(tx, found.model, found.monitor)
        if found is None or kept is None or not found.is_open:
            work.finish(tx, held)
            return None
        if found.status == modelruns.PENDING:
            fixed = found.body.get("as_of")
            as_of = now if fixed is None else datetime.fromisoformat(fixed)
            modelruns.change(tx, found.id, status=modelruns.RUNNING, as_of=as_of)
            found = replace(found, status=modelruns.RUNNING, as_of=as_of)
        return asked_of(tx, found, kept)


def asked_of(tx: Connection, found: ModelRun, kept: Kept | None = None) -> Asked:
    """What a run is, or was, told; raises `NotFound` where its monitor or version is gone."""
    kept = kept or modelmonitors.get(tx, found.model, found.monitor)
    told = ModelMonitor(
        model=found.model, name=found.monitor, kind=kept.kind, status=MonitorStatus(kept.status), **found.body["asked"]
    )
    learnt = kept.body.get("learnt") if _is_own(told, kept) else None
    return Asked(found, told, versions_of(tx, told), learnt, kept.body.get("record"))


def _is_own(told: ModelMonitor, kept: Kept) -> bool:
    """Whether a run looks at what its monitor watches now: then it has the monitor's baseline, too."""
    return told.asked() == ModelMonitor.of(kept).asked()


def _baseline(
    asked: Asked, seen: Watched, names: tuple[str, ...], tables: Tables, world: World
) -> tuple[Learnt, Mapping[str, Any] | None]:
    """The monitor's baseline, or one that is made now; what to remember of it if that is new."""
    rolls = asked.monitor.against.basis is Basis.ROLLING
    if asked.learnt is not None and not rolls:
        folder = asked.learnt["folder"]
        known = Baseline.load(folder, world.access, seen.monitor)
        return Learnt(known, folder, asked.learnt["rows"]), None
    version = asked.monitor.against.version
    of = names if version is None else (version,)
    made = learn(asked.monitor, seen, of, asked.window, asked.run.as_of, tables=tables, world=world)
    told = {"folder": made.folder, "rows": made.rows, "as_of": asked.run.as_of.isoformat()}
    return made, None if rolls else told


def _end(catalog: Catalog, held: Work, asked: Asked, ended: Ended) -> str:
    now = catalog.clock()
    with catalog.begin() as tx:
        if not work.finish(tx, held):
            return f"run {held.subject} belongs to another worker"
        body = {**asked.run.body, **(ended.told or {})}
        modelruns.change(
            tx, asked.run.id, status=ended.status, reason=ended.reason, violations=ended.violations, body=body,
            ended=now,
        )  # fmt: skip
        kept = modelmonitors.find(tx, asked.run.model, asked.run.monitor, lock=True)
        if kept is not None and _is_own(asked.monitor, kept):
            news = {"learnt": ended.learnt} if ended.learnt is not None else {}
            news |= {"record": body["record"]} if body.get("record") else {}
            if news:
                modelmonitors.put(tx, kept.model, kept.name, body={**kept.body, **news})
    window = f"{asked.run.window_start:%Y-%m-%dT%H:%MZ}/{asked.run.window_end:%Y-%m-%dT%H:%MZ}"
    return f"{asked.run.monitor} of {asked.run.model}, {window}, run {asked.run.run}: {ended.status}"


def _status(report: Report) -> str:
    if report.violations:
        return VIOLATED
    return NO_LABELS if report.monitor.kind == "model-quality" and not _labelled(report) else COMPLETED


def _labelled(report: Report) -> int | None:
    """How many rows have a label; None where none are looked for."""
    return None if report.coverage is None else report.coverage.labelled
