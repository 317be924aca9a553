"""What a monitor said over time: of each window what was known first, and what is known now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from driftline.catalog import modelmonitors, modelruns
from driftline.catalog.modelruns import ModelRun
from driftline.imports import jobs
from driftline.imports.job import ImportFile
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.modelmonitors.running import NO_BASELINE, NO_DATA


@dataclass(frozen=True)
class Result:
    """One window: its first word and its last, which are one where it was looked at once; `runs` counts the looks."""

    start: datetime
    end: datetime
    first: ModelRun
    latest: ModelRun
    runs: int


@dataclass(frozen=True)
class Alarm:
    """A run that a file took part in; `is_latest` if no later run spoke of the same window."""

    run: ModelRun
    is_latest: bool


def results(
    tx: Connection, found: ModelMonitor, since: datetime | None = None, until: datetime | None = None
) -> list[Result]:
    """Of each window that meets [since, until) its results, in order; other versions and segments are left out.

    A first word is one that says something of rows: not that there were none yet.
    """
    own = (found.version or "", str(found.environment), found.where)
    by_window: dict[tuple[datetime, datetime], list[ModelRun]] = {}
    for each in modelruns.of_monitor(tx, found.model, found.name, since, until):
        if not each.is_open and (each.version, each.environment, each.body["asked"].get("where", {})) == own:
            by_window.setdefault((each.window_start, each.window_end), []).append(each)
    return [_result(looks) for looks in by_window.values()]


def _result(looks: list[ModelRun]) -> Result:
    said = [each for each in looks if each.status not in (NO_DATA, NO_BASELINE)] or looks
    ordered = sorted(looks, key=lambda each: (each.as_of, each.run))
    return Result(looks[0].window_start, looks[0].window_end, said[0], ordered[-1], len(looks))


def alarms_of(tx: Connection, file: int, *, every: bool = False) -> tuple[ImportFile, list[Alarm]]:
    """The runs with violations whose windows and rows the file had part in, latest windows first; or `every` run.

    Raises `NotFound`.
    """
    found = jobs.file(tx, file)
    if found.first is None or found.last is None:
        return found, []
    job = jobs.get(tx, found.job)
    meeting = modelruns.meeting(tx, job.model, str(job.environment), found.first, found.last)
    runs = [each for each in meeting if each.version in ("", job.version) and _knew(each, found)]
    last = _last(meeting)
    shown = [each for each in runs if every or each.violations]
    return found, [Alarm(each, last[_key(each)] == each.id) for each in shown]


def _knew(run: ModelRun, file: ImportFile) -> bool:
    """Whether the file had been read when the run looked."""
    return file.ended is None or run.as_of >= file.ended


def _last(runs: Iterable[ModelRun]) -> dict[tuple[str, datetime, datetime], str]:
    """The last look at each window."""
    found: dict[tuple[str, datetime, datetime], ModelRun] = {}
    for each in runs:
        if _key(each) not in found or each.run > found[_key(each)].run:
            found[_key(each)] = each
    return {key: each.id for key, each in found.items()}


def _key(run: ModelRun) -> tuple[str, datetime, datetime]:
    return run.monitor, run.window_start, run.window_end


def files_of(tx: Connection, run: ModelRun) -> list[ImportFile]:
    """The files of the model whose rows may be in the run's window."""
    found = modelmonitors.files_meeting(tx, run.model, run.environment, run.window_start, run.window_end)
    return [jobs.file_of(each) for each in found]
