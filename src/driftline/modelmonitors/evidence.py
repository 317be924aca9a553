"""The violations of a run that has ended, and for each the rows that it rests on."""

from __future__ import annotations

from math import nan
from typing import Any

from driftline.baselines import Baseline
from driftline.catalog.modelruns import ModelRun
from driftline.errors import Conflict, NotFound
from driftline.manifest import World
from driftline.modelmonitors.running import Asked
from driftline.modelmonitors.selection import Selection, rows_of
from driftline.modelmonitors.watched import watched
from driftline.modelmonitors.written import PROFILE
from driftline.monitors.verdict import Violation
from driftline.profile import Profile, decode
from driftline.storage.access import Access
from driftline.storage.storages import storage_for


def violations_of(run: ModelRun) -> list[Violation]:
    """What broke a constraint, in the order of the report."""
    return [_violation(each) for each in run.body.get("broken", ())]


def violation_of(run: ModelRun, place: int) -> Violation:
    """The violation at a place, from 0; raises `NotFound`."""
    found = violations_of(run)
    if not 0 <= place < len(found):
        remedy = f"There are those from 0 to {len(found) - 1}." if found else f"It is {run.status}, without any."
        raise NotFound(what=f"violation of run {run.id}", name=str(place), remedy=remedy)
    return found[place]


def selection_of(asked: Asked, place: int, world: World, group: int | None = None) -> Selection:
    """Which rows of the run's window the violation at this place is about.

    Raises `NotFound` for a violation or group that is not there, `Conflict` for a run that left no files.
    """
    violation = violation_of(asked.run, place)
    before = asked.run.body.get("baseline")
    if before is None:
        raise Conflict(what="run", name=asked.run.id, reason=f"it is {asked.run.status} and compared nothing")
    seen = watched(asked.monitor, asked.versions[-1].type, [each.schema for each in asked.versions])
    baseline = Baseline.load(before["folder"], world.access, seen.monitor)
    return rows_of(violation, seen.monitor, baseline, profile_of(asked.run, world.access), group)


def output_of(run: ModelRun) -> str:
    """Where the run's files are; raises `Conflict` for one that wrote none."""
    found = run.body.get("output")
    if found is None:
        raise Conflict(what="run", name=run.id, reason=f"it is {run.status} and wrote no files")
    return str(found)


def read_file(run: ModelRun, name: str, access: Access) -> bytes:
    """One of the run's files; raises `Conflict` for a run that wrote none."""
    uri = f"{output_of(run)}/{name}"
    with storage_for(uri, access).open(uri) as stream:
        return stream.read()


def profile_of(run: ModelRun, access: Access) -> Profile:
    """What the run kept of its rows; raises `Conflict` for a run that wrote no files."""
    return decode(read_file(run, PROFILE, access), f"{output_of(run)}/{PROFILE}")


def _violation(told: dict[str, Any]) -> Violation:
    numbers = {name: nan if told[name] is None else told[name] for name in ("value", "limit")}
    return Violation(told["subject"], told["check"], said=told["said"], **numbers)
