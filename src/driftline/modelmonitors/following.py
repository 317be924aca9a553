"""What follows when a training or validation set was imported: the baselines that are made of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import Catalog, modelmonitors, work
from driftline.catalog.modelmonitors import Kept, Set
from driftline.catalog.work import Work
from driftline.inferences.tables import Tables
from driftline.manifest import World
from driftline.modelmonitors import register
from driftline.modelmonitors.latecomers import again_without_baseline
from driftline.modelmonitors.learning import NoBaseline, learn
from driftline.modelmonitors.monitor import Against, Basis, ModelMonitor
from driftline.modelmonitors.queueing import lane_of
from driftline.modelmonitors.running import versions_of
from driftline.modelmonitors.watched import watched
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window

LEARN = "model-baseline"
"""The kind of work in the queue; its subject is `model/monitor`."""

DEFAULT = "data-quality"
"""The monitor that a model gets with its first set, unless it has one that compares with that."""

Log = Callable[[str], None]


def follow(catalog: Catalog, job: str | None = None) -> int:
    """Queue the baselines that a job's set makes, or any job's, once all of its files are read; says how many.

    Called again with nothing new it does nothing. For a `job` that is named, a version whose set no monitor of data
    quality compares with gets one that looks at each day.
    """
    with catalog.read() as tx:
        if not any(_is_new(tx, each, job is not None) for each in modelmonitors.sets(tx, job)):
            return 0
    now = catalog.clock()
    with catalog.begin() as tx:
        return sum(_follow(tx, each, job is not None, now) for each in modelmonitors.sets(tx, job))


def _is_new(tx: Connection, found: Set, makes: bool) -> bool:
    """Whether a monitor was not told of all of a set, or one is to be made that compares with it."""
    wanting = _wanting(tx, found)
    last = found.last.isoformat()
    known = all(each.body.get("followed", {}).get(found.job, "") >= last for each in wanting)
    return not known or (makes and not any(each.kind == DEFAULT for each in wanting))


def _follow(tx: Connection, found: Set, makes: bool, now: datetime) -> int:
    if registry.find_version(tx, found.model, found.version) is None:
        return 0
    wanting = _wanting(tx, found)
    if makes and not any(each.kind == DEFAULT for each in wanting):
        wanting.append(_default(tx, found, now))
    made = 0
    for each in wanting:
        kept = modelmonitors.get(tx, each.model, each.name, lock=True)
        followed = kept.body.get("followed", {})
        if followed.get(found.job, "") < found.last.isoformat():
            body = {**kept.body, "followed": {**followed, found.job: found.last.isoformat()}}
            modelmonitors.put(tx, each.model, each.name, body=body)
            learn_later(tx, each.model, each.name, now)
            made += 1
    return made


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


def _wanting(tx: Connection, found: Set) -> list[Kept]:
    """The monitors whose baseline is made of a set."""
    return [each for each in modelmonitors.of_model(tx, found.model) if _compares_with(ModelMonitor.of(each), found)]


def _compares_with(found: ModelMonitor, of: Set) -> bool:
    if found.against.basis != of.environment:
        return False
    version = found.against.version or found.version
    return version in (None, of.version) and found.against.batch in (None, of.batch)


def _default(tx: Connection, found: Set, now: datetime) -> Kept:
    """Data quality of the version, day by day, against the set that was imported."""
    name = DEFAULT
    if modelmonitors.find(tx, found.model, name) is not None:
        suffix = re.sub(r"[^a-zA-Z0-9]+", "-", found.version).strip("-") or "version"
        name = f"{DEFAULT}-{suffix}"[:63].rstrip("-")
    if modelmonitors.find(tx, found.model, name) is None:
        against = Against(Basis(found.environment))
        made = ModelMonitor(found.model, name, DEFAULT, version=found.version, cadence="rate(1 day)", against=against)
        register.create(tx, made, now=now)
    return modelmonitors.get(tx, found.model, name)
