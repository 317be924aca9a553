"""Work beside jobs: what runs in a worker's process for import jobs and for monitors of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from driftline.alerting import delivering, telling
from driftline.catalog import Catalog, batches
from driftline.catalog.work import Work
from driftline.imports import clearing, jobs, tending
from driftline.imports.running import run as run_imports
from driftline.modelmonitors import following
from driftline.modelmonitors import running as modelmonitors
from driftline.processing.outcome import COMPLETED, Outcome
from driftline.scripts.sandbox import Log
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.topics import delivering as notifying
from driftline.topics import publishing

Labour = Callable[[Catalog, Work, Settings, Access, Log], str]
"""Does the work and ends it in the catalog, in one transaction with what it made; says in a line what that was."""


def importing(catalog: Catalog, claimed: Work, settings: Settings, access: Access, log: Log) -> str:
    """Import what waits; a set that is complete then becomes a baseline, and many batches make the tables untidy."""
    with catalog.read() as tx:
        model = jobs.get(tx, claimed.subject).model
        before = batches.next_number(tx, jobs.lane_of(model))
    said = run_imports(catalog, claimed, settings, access, log)
    with catalog.begin() as tx:
        tending.plan(tx, model, before, now=catalog.clock())
    following.follow(catalog, claimed.subject)
    return said


def _deliver(catalog: Catalog, claimed: Work, settings: Settings, _access: Access, _log: Log) -> str:
    """Send a message to its channel."""
    return delivering.run(catalog, claimed, settings)


LABOURS: Mapping[str, Labour] = {
    jobs.WORK: importing,
    clearing.WORK: clearing.run,
    tending.WORK: tending.run,
    modelmonitors.WORK: modelmonitors.run,
    following.LEARN: following.run,
    telling.WORK: _deliver,
    publishing.WORK: notifying.run,
}
"""Kind of work -> how it is done."""


def asked(claimed: Work, settings: Settings, access: Access) -> dict[str, Any]:
    """The order to a process to do this work; it holds the database's URL, and goes through a pipe only."""
    told = settings.model_dump(mode="json", exclude={"secret_key", "access_key"})
    return {
        "labour": asdict(claimed),
        "settings": {**told, "database_url": settings.url},
        "endpoint_url": access.endpoint_url,
        "region": access.region,
    }


def perform(order: Mapping[str, Any], access: Access, log: Log) -> Outcome:
    """Do the work of an order."""
    claimed, settings = Work(**order["labour"]), Settings(**order["settings"])
    catalog = Catalog(settings.url)
    try:
        return Outcome(COMPLETED, LABOURS[claimed.kind](catalog, claimed, settings, access, log))
    finally:
        catalog.close()
