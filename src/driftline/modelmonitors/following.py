"""What follows when a training or validation set was imported: the baselines that are made of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline.catalog import Catalog, modelmonitors, work
from driftline.catalog.work import Work
from driftline.imports import jobs
from driftline.imports.job import ImportJob
from driftline.inferences.tables import Tables
from driftline.manifest import World
from driftline.modelmonitors import register
from driftline.modelmonitors.latecomers import again_without_baseline
from driftline.modelmonitors.learning import NoBaseline, learn
from driftline.modelmonitors.monitor import Against, Basis, ModelMonitor
from driftline.modelmonitors.queueing import lane_of
from driftline.modelmonitors.running import versions_of
from driftline.modelmonitors.watched import watched
from driftline.schemas.fields import Environment
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window

LEARN = "model-baseline"
"""The kind of work in the queue; its subject is `model/monitor`."""

DEFAULT = "data-quality"
"""The monitor that a model gets with its first set, unless it has one that compares with that."""

Log = Callable[[str], None]


def follow(catalog: Catalog, job: str) -> int:
    """Queue the baselines that the job's set makes, once all of its files are read; says how many.

    Called again with nothing new it does nothing. A version whose set no monitor of data quality compares with gets
    one that looks at each day.
    """
    now = catalog.clock()
    with catalog.begin() as tx:
        found = jobs.find(tx, job)
        if found is None or found.environment is Environment.PRODUCTION:
            return 0
        last = modelmonitors.last_commit(tx, job)
        if last is None or modelmonitors.waiting_of_sets(tx, found.model, found.version, str(found.environment)):
            return 0
        wanting = [each for each in register.of_model(tx, found.model) if _compares_with(each, found)]
        if not any(each.kind == DEFAULT for each in wanting):
            wanting.append(_default(tx, found, now))
        return sum(_learn_later(tx, each, last, now) for each in wanting)


def run(catalog: Catalog, held: Work, settings: Settings, access: Access, log: Log) -> str:
    """Make the baseline that is the work's subject; says in a line what came of it. Raises `Unavailable`."""
    model, _, name = held.subject.rpartition("/")
    now = catalog.clock()
    with catalog.begin() as tx:
        kept = modelmonitors.find(tx, model, name)
        if kept is None:
            work.finish(tx, held)
            return f"monitor {held.subject} is gone"
        found = ModelMonitor.of(kept)
        versions = versions_of(tx, found)
    names = (found.against.version,) if found.against.version else tuple(each.version for each in versions)
    seen = watched(found, versions[-1].type, [each.schema for each in versions])
    tables, window = Tables(settings.tables_root, access, settings.home / "cache"), Window(now - timedelta(1), now)
    try:
        made = learn(found, seen, names, window, now, tables=tables, world=World(access, log=log))
    except NoBaseline as error:
        with catalog.begin() as tx:
            work.finish(tx, held)
        return str(error)
    with catalog.begin() as tx:
        if not work.finish(tx, held):
            return f"baseline {held.subject} belongs to another worker"
        again = modelmonitors.find(tx, model, name, lock=True)
        if again is not None and again.body["asked"] == kept.body["asked"]:
            told = {"folder": made.folder, "rows": made.rows, "as_of": now.isoformat()}
            modelmonitors.put(tx, model, name, body={**again.body, "learnt": told})
            again_without_baseline(tx, found, now)
    return f"baseline of {held.subject}: {made.rows} rows"


def learn_later(tx: Connection, model: str, name: str, now: datetime) -> None:
    """Forget a monitor's baseline and queue the making of another."""
    register.forget_baseline(tx, model, name)
    work.enqueue(tx, LEARN, f"{model}/{name}", now=now, lane=lane_of(model, name))


def _compares_with(found: ModelMonitor, job: ImportJob) -> bool:
    """Whether a monitor's baseline is made of the job's set."""
    if found.against.basis != str(job.environment):
        return False
    version = found.against.version or found.version
    return version in (None, job.version) and found.against.batch in (None, job.batch)


def _default(tx: Connection, job: ImportJob, now: datetime) -> ModelMonitor:
    """Data quality of the version, day by day, against the set that was imported."""
    name = DEFAULT
    if modelmonitors.find(tx, job.model, name) is not None:
        suffix = re.sub(r"[^a-zA-Z0-9]+", "-", job.version).strip("-") or "version"
        name = f"{DEFAULT}-{suffix}"[:63].rstrip("-")
    known = modelmonitors.find(tx, job.model, name)
    if known is not None:
        return ModelMonitor.of(known)
    against = Against(Basis(str(job.environment)))
    made = ModelMonitor(job.model, name, DEFAULT, version=job.version, cadence="rate(1 day)", against=against)
    return register.create(tx, made, now=now)


def _learn_later(tx: Connection, found: ModelMonitor, last: datetime, now: datetime) -> bool:
    """Queue the making of a baseline, unless it is made of all that is there."""
    kept = modelmonitors.get(tx, found.model, found.name, lock=True)
    learnt = kept.body.get("learnt")
    if learnt is not None and datetime.fromisoformat(learnt["as_of"]) >= last:
        return False
    learn_later(tx, found.model, found.name, now)
    return True
