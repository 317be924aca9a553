"""Baselines of monitors: learnt of a set or a window of the tables, or read from files, and kept as files."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from driftline import runs
from driftline.baselines import PROFILE, Baseline, read_json
from driftline.errors import CallerError, EmptyWindow, NotFound
from driftline.inferences.tables import Tables
from driftline.manifest import World
from driftline.modelmonitors.inputs import Rows, baseline_rows, folder_of, manifest_of
from driftline.modelmonitors.monitor import Basis, ModelMonitor
from driftline.modelmonitors.thresholds import adjusted
from driftline.modelmonitors.watched import Watched
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.model_quality import ModelQuality
from driftline.papers import PAPERS, STATISTICS
from driftline.reading import observe
from driftline.window import Window

__all__ = ["Learnt", "NoBaseline", "learn"]


class NoBaseline(CallerError):
    """monitor {name} has no baseline yet: {reason}. {remedy}"""

    def __init__(self, *, name: str, reason: str, remedy: str = "") -> None:
        """`reason` tells what is missing; the run is made again when it comes."""
        super().__init__(name=name, reason=reason.rstrip("."), remedy=remedy)


@dataclass(frozen=True)
class Learnt:
    """A baseline and where it lies: a folder with its files; `rows` is None where only constraints are known."""

    baseline: Baseline
    folder: str
    rows: int | None

    @property
    def files(self) -> tuple[str | None, str]:
        """Statistics, if there are any, and constraints, as a manifest names them."""
        kind = self.baseline.monitor.kind
        statistics = f"{self.folder}/{STATISTICS if kind == DataQuality.kind else PROFILE}"
        constraints = f"{self.folder}/{PAPERS[kind].constraints}"
        return (None if self.baseline.profile is None else statistics), constraints


def learn(
    found: ModelMonitor, watched: Watched, versions: tuple[str, ...], window: Window, as_of: datetime, *,
    tables: Tables, world: World,
) -> Learnt:  # fmt: skip
    """The baseline for a run on `window`, its files written; the same again gives the same files.

    Raises `NoBaseline` where the rows, or their labels, are not there yet.
    """
    made = _of_files(found, watched, world) if found.against.basis is Basis.FILES else None
    if made is None:
        made = _of_rows(found, watched, baseline_rows(found, versions, window, as_of), tables, world)
    if found.against.constraints is not None:
        given = PAPERS[found.kind].read(read_json(found.against.constraints, world.access))
        made = replace(made, constraints=given)
    made = replace(made, constraints=adjusted(made.constraints, found.thresholds))
    folder = _folder(found, window, as_of, tables)
    made.save(folder, world.access)
    kept = Baseline.load(folder, world.access, watched.monitor)  # as every later run will see it
    return Learnt(kept, folder, None if made.profile is None else made.profile.rows)


def _of_files(found: ModelMonitor, watched: Watched, world: World) -> Baseline:
    """A file baseline; a folder of a baseline that was saved stands for its files."""
    against = found.against
    return Baseline.read(against.statistics, against.constraints, world.access, watched.monitor)


def _of_rows(found: ModelMonitor, watched: Watched, rows: Rows, tables: Tables, world: World) -> Baseline:
    what = _said(found, rows)
    try:
        manifest = manifest_of(rows, watched, tables)
        made = runs.baseline_of(observe(manifest, world, judging=True), manifest.monitor)  # labels may be awaited
    except (EmptyWindow, NotFound) as error:
        remedy = "It is looked for again when rows are imported."
        raise NoBaseline(name=found.name, reason=f"there are no rows of {what}", remedy=remedy) from error
    if _is_unlabelled(made):
        remedy = "It is made when labels are imported."
        raise NoBaseline(name=found.name, reason=f"no row of {what} has a label", remedy=remedy)
    return made


def _is_unlabelled(made: Baseline) -> bool:
    if not isinstance(made.monitor, ModelQuality) or made.profile is None:
        return False
    return not made.monitor.measure(made.profile).labelled


def _said(found: ModelMonitor, rows: Rows) -> str:
    """Which rows, in words."""
    of = f"{rows.environment} of {found.model} {', '.join(rows.versions)}"
    return of if rows.window is None else f"{of} from {rows.window.start.isoformat()} to {rows.window.end.isoformat()}"


def _folder(found: ModelMonitor, window: Window, as_of: datetime, tables: Tables) -> str:
    """By what makes it: the settings, what was known, and the window where the baseline rolls with it."""
    rolls = found.against.basis is Basis.ROLLING
    told: dict[str, Any] = {"kind": found.kind, **found.asked(), "as_of": as_of.isoformat()}
    told |= {"window": window.start.isoformat()} if rolls else {}
    digest = sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return f"{folder_of(tables, found.model, found.name)}/baselines/{digest}"
