"""Monitors of models as users handle them: made, changed, paused, started, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import modelmonitors, modelruns, work
from driftline.catalog.modelmonitors import Kept
from driftline.errors import Invalid
from driftline.imports import jobs
from driftline.modelmonitors.cadence import Cadence
from driftline.modelmonitors.monitor import Basis, ModelMonitor, MonitorStatus
from driftline.modelmonitors.running import WORK, versions_of
from driftline.modelmonitors.watched import watched
from driftline.storage.uris import scheme_of


def create(tx: Connection, made: ModelMonitor, *, now: datetime) -> ModelMonitor:
    """The monitor as it is kept from now on; its windows are planned if it is active and has a cadence.

    Raises `NotFound` for the model or version, `Conflict` if the name is taken, `Invalid` for settings that cannot be.
    """
    _check(tx, made)
    first = first_due(made, now)
    body = {"asked": made.asked(), "seen": modelmonitors.last_batch(tx, jobs.lane_of(made.model))}
    modelmonitors.add(tx, Kept(made.model, made.name, made.kind, str(made.status), now, now, body, first))
    return replace(made, created=now, modified=now, next=first)


def get(tx: Connection, model: str, name: str) -> ModelMonitor:
    """The monitor; raises `NotFound`."""
    registry.get_model(tx, model)
    return ModelMonitor.of(modelmonitors.get(tx, model, name))


def of_model(tx: Connection, model: str | None = None) -> list[ModelMonitor]:
    """The monitors of a model, or all; raises `NotFound` for a model that is not there."""
    if model is not None:
        registry.get_model(tx, model)
    return [ModelMonitor.of(each) for each in modelmonitors.of_model(tx, model)]


def change(tx: Connection, model: str, name: str, changes: Mapping[str, Any], *, now: datetime) -> ModelMonitor:
    """The monitor with other settings, for the windows that are planned from now on; runs of before stay.

    Another baseline, version or setting makes the baseline anew.
    """
    kept = modelmonitors.get(tx, model, name, lock=True)
    made = replace(ModelMonitor.of(kept), **changes)
    _check(tx, made)
    body = {**kept.body, "asked": made.asked()}
    if any(name not in ("cadence", "delay_seconds", "lookback_days", "since") for name in changes):
        body["learnt"] = None
    timed = {"cadence", "delay_seconds", "since", "status"} & set(changes)
    following = first_due(made, now) if timed else kept.next
    modelmonitors.change(tx, model, name, now=now, body=body, next=following, status=str(made.status))
    return replace(made, modified=now, next=following)


def pause(tx: Connection, model: str, name: str, *, now: datetime) -> ModelMonitor:
    """Nothing more is planned until it is started."""
    return change(tx, model, name, {"status": MonitorStatus.PAUSED}, now=now)


def start(tx: Connection, model: str, name: str, *, now: datetime) -> ModelMonitor:
    """Plan again, from now on."""
    return change(tx, model, name, {"status": MonitorStatus.ACTIVE, "since": None}, now=now)


def delete(tx: Connection, model: str, name: str) -> None:
    """Forget the monitor and its runs; what is queued is not done, files stay. Raises `NotFound`."""
    modelmonitors.get(tx, model, name, lock=True)
    for each in modelruns.of_monitor(tx, model, name):
        if each.is_open:
            work.remove(tx, WORK, each.id)
    modelmonitors.remove(tx, model, name)


def forget_baseline(tx: Connection, model: str, name: str) -> None:
    """The baseline is made anew by the next run."""
    kept = modelmonitors.get(tx, model, name, lock=True)
    modelmonitors.put(tx, model, name, body={**kept.body, "learnt": None})


def first_due(made: ModelMonitor, now: datetime) -> datetime | None:
    """When its first window is to be planned: that of the first time from `since`, or now, on; None: never.

    A window that began before `since` is not looked at, as it would hold a part of its rows only.
    """
    if made.cadence is None or made.status is not MonitorStatus.ACTIVE:
        return None
    cadence = Cadence.parse(made.cadence)
    scheduled = cadence.from_on(made.since or now)
    while made.since is not None and scheduled is not None and made.window(scheduled).start < made.since:
        scheduled = cadence.after(scheduled)
    return None if scheduled is None else scheduled + timedelta(seconds=made.delay_seconds)


def _check(tx: Connection, made: ModelMonitor) -> None:
    """Raises what is wrong with a monitor before it is kept, as far as the schema tells."""
    registry.get_model(tx, made.model)
    versions = versions_of(tx, made)
    if made.version is not None or versions:  # of a model without versions nothing is known yet
        watched(made, versions[-1].type, [each.schema for each in versions])
    for uri in (made.against.statistics, made.against.constraints):
        if uri is not None and not scheme_of(uri):
            expected = "a URI such as s3://bucket/baseline/constraints.json or file:///data/constraints.json"
            raise Invalid(what="baseline", got=uri, expected=expected)
    if made.against.version is not None and made.against.basis in (Basis.TRAINING, Basis.VALIDATION):
        registry.get_version(tx, made.model, made.against.version)
