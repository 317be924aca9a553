"""The constraints of a monitor of a model: seen, tried on the last window that it looked at, and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from driftline import registry
from driftline.baselines import Baseline
from driftline.catalog import Catalog, audit, modelmonitors, modelruns
from driftline.catalog.modelmonitors import Kept
from driftline.catalog.modelruns import ModelRun, Search
from driftline.errors import Conflict
from driftline.inferences.tables import Tables
from driftline.limits import Limits, checked, mark_of
from driftline.modelmonitors import evidence, register
from driftline.modelmonitors.inputs import folder_of
from driftline.modelmonitors.monitor import Basis, ModelMonitor
from driftline.modelmonitors.running import NO_LABELS, asked_of, versions_of
from driftline.modelmonitors.watched import watched
from driftline.monitors.effects import Effect, effect_of
from driftline.monitors.monitor import Monitor
from driftline.papers import PAPERS
from driftline.storage.access import Access
from driftline.storage.uris import scheme_of

_EARLIER = 20
"""Files of before that a monitor remembers."""
_LOOKED = 50
"""Runs among which the last one with a word is sought."""


def limits_of(catalog: Catalog, model: str, name: str, access: Access) -> Limits:
    """The constraints by which the monitor judges; raises `Conflict` while it has no baseline."""
    with catalog.read() as tx:
        kept = modelmonitors.get(tx, model, name)
        uri = _learnt(tx, kept) or ModelMonitor.of(kept).against.constraints
    if uri is None:
        reason, remedy = "it has no baseline yet", "The first window that it looks at makes one: run it."
        raise Conflict(what="monitor", name=name, reason=reason, remedy=remedy)
    return Limits.read(kept.kind, uri, access, tuple(kept.body.get("earlier", ())))


def try_on(catalog: Catalog, model: str, name: str, document: Any, access: Access) -> tuple[ModelRun, Effect]:
    """What the document would change about the violations of the last window, whose profile is kept: no row is read.

    Raises `Invalid` for what are no constraints of the monitor's kind, and `Conflict` where no window was judged yet.
    """
    with catalog.read() as tx:
        kept = modelmonitors.get(tx, model, name)
        run = last_word(tx, kept)
        if run is None:
            reason, remedy = "it judged no window yet", "Run it, then try again."
            raise Conflict(what="monitor", name=name, reason=reason, remedy=remedy)
        asked = asked_of(tx, run, kept)
    judge = watched(asked.monitor, asked.versions[-1].type, [each.schema for each in asked.versions]).monitor
    constraints = checked(kept.kind, document)
    baseline = Baseline.load(run.body["baseline"]["folder"], access, judge)
    profile = evidence.profile_of(run, access)
    had = judge.evaluate(baseline.learnt, profile).violations
    return run, effect_of(had, judge.evaluate(replace(baseline.learnt, constraints=constraints), profile).violations)


def change(
    catalog: Catalog, model: str, name: str, document: Any, mark: str, *, tables: Tables, now: datetime
) -> Limits:
    """Judge by this document from the next window on; the baseline's rows stay as they are, and so do runs of before.

    `mark` is that of the document which was seen; raises `Conflict` if another is in its place, and `Invalid` for what
    are no constraints of the monitor's kind. Thresholds that were set before are in the document, and are so no more.
    """
    before = limits_of(catalog, model, name, tables.access)
    before.refuse_stale(mark)
    constraints = checked(before.kind, document)
    with catalog.read() as tx:
        kept = modelmonitors.get(tx, model, name)
        judge, is_learnt = _judge(tx, kept), _learnt(tx, kept) is not None
    baseline = Baseline.load(before.uri.rpartition("/")[0], tables.access, judge) if is_learnt else Baseline(None)
    folder = f"{folder_of(tables, model, name)}/baselines/edited-{mark_of([before.mark, document])}"
    replace(baseline, constraints=constraints, monitor=judge).save(folder, tables.access)
    rows = None if baseline.profile is None else baseline.profile.rows
    learnt = {"folder": folder, "rows": rows, "as_of": now.isoformat()} if is_learnt else None
    with catalog.begin() as tx:
        _put(tx, kept, before, _uri(f"{folder}/{PAPERS[before.kind].constraints}"), learnt, now)
        space = registry.get_model(tx, model).space
        audit.note(tx, "constraints", f"{model}/{name}", before.document, document, space)
    return limits_of(catalog, model, name, tables.access)


def _uri(place: str) -> str:
    """A place of the tables as monitors name files: a folder of this machine has a scheme there, too."""
    return place if scheme_of(place) else Path(place).absolute().as_uri()


def _put(tx: Connection, seen: Kept, before: Limits, uri: str, learnt: Mapping[str, Any] | None, now: datetime) -> None:
    found = ModelMonitor.of(modelmonitors.get(tx, seen.model, seen.name, lock=True))
    if found.asked() != ModelMonitor.of(seen).asked():
        reason, remedy = "it was changed by somebody else at this moment", "Look at it again."
        raise Conflict(what="monitor", name=seen.name, reason=reason, remedy=remedy)
    changes = {"against": replace(found.against, constraints=uri), "thresholds": {}}
    register.change(tx, seen.model, seen.name, changes, now=now)
    body = dict(modelmonitors.get(tx, seen.model, seen.name).body)
    body["learnt"] = None if found.against.basis is Basis.ROLLING else learnt
    body["earlier"] = [before.uri, *before.earlier][:_EARLIER]
    modelmonitors.put(tx, seen.model, seen.name, body=body)


def last_word(tx: Connection, kept: Kept) -> ModelRun | None:
    """Of a monitor's last runs that compared rows with a baseline that of the latest window; None without any.

    A window of which labels are known goes before those of which none are yet.
    """
    page = modelruns.search(tx, Search({"model": kept.model, "monitor": kept.name}, limit=_LOOKED))
    found = [each for each in page.items if each.body.get("output") and each.body.get("baseline")]
    return max(found, key=lambda each: (each.status != NO_LABELS, each.window_end, each.run), default=None)


def _learnt(tx: Connection, kept: Kept) -> str | None:
    """The constraints of the baseline by which the monitor judges now, or judged last; None before it has one."""
    known = kept.body.get("learnt")
    if not known:
        run = last_word(tx, kept)
        known = run.body["baseline"] if run and run.body["asked"] == ModelMonitor.of(kept).asked() else None
    return f"{known['folder']}/{PAPERS[kept.kind].constraints}" if known else None


def _judge(tx: Connection, kept: Kept) -> Monitor:
    found = ModelMonitor.of(kept)
    versions = versions_of(tx, found)
    return watched(found, versions[-1].type, [each.schema for each in versions]).monitor
