"""An alert that fires in the console's installation, with a rule, a channel, deliveries and maintenance of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from consoled import Console, now
from loaned import MODEL

from driftline.alerting import planning as judging
from driftline.alerting import register
from driftline.alerting.rule import Rule, Severity, Threshold
from driftline.catalog import alerting, deliveries

DRIFTS = "drifts-far"


@dataclass(frozen=True)
class Alerted:
    """An alert that fires for one of the rules of these tests, and the pages there are."""

    id: str
    pages: dict[str, str]


@pytest.fixture(scope="module")
def alerted(console: Console) -> Iterator[Alerted]:
    """A rule on the drift of each column that fires, with a channel, deliveries and maintenance; gone afterwards."""
    made, at = console.made, now(console.made)
    rule = Rule(
        MODEL, DRIFTS, Threshold("baseline_drift", above=0.05), monitor="drift", severity=Severity.CRITICAL,
        owner="grace", text="Ask the shop first.", channels=("ops-board",),
    )  # fmt: skip
    with made.catalog.begin() as tx:
        register.put_channel(
            tx, "ops-board", "webhook", {"url": "https://hooks.invalid/x", "secret": "env:HOOK"}, now=at
        )
        register.put(tx, rule, now=at, settings=made.settings)
        quiet = register.add_quiet(tx, MODEL, at + timedelta(days=1), at + timedelta(days=2), "new tables", now=at)
    judging.plan(made.catalog, at, made.settings)
    with made.catalog.begin() as tx:
        found = next(each for each in alerting.states(tx, MODEL, DRIFTS) if each.state == alerting.FIRING)
        sent = deliveries.page(tx, {"channel": "ops-board"}, 1, None).items[0][0]
        deliveries.change(tx, sent.id, attempts=3, reason="webhook does not take what it is told: 503.")
    pages = {
        "alerts": "/console/alerts", "alert-history": "/console/alerts/history", "alert": f"/console/alerts/{found.id}",
        "rules": f"/console/alerts/rules?model={MODEL}", "rule": f"/console/models/{MODEL}/rules/{DRIFTS}",
        "new-rule": f"/console/models/{MODEL}/new-rule?kind=change",
        "rules-yaml": f"/console/models/{MODEL}/rules-as-yaml", "channels": "/console/alerts/channels",
        "channel": "/console/alerts/channels/ops-board", "new-channel": "/console/alerts/new-channel?kind=email",
        "deliveries": "/console/alerts/deliveries", "maintenance": "/console/alerts/maintenance",
        "schedule-alerts": "/console/alerts/schedules", "schedule-alert": "/console/alerts/schedules/watched",
    }  # fmt: skip
    yield Alerted(found.id, pages)
    with made.catalog.begin() as tx:
        register.delete(tx, MODEL, DRIFTS, now=now(made), settings=made.settings)
        register.delete_channel(tx, "ops-board")
        register.end_quiet(tx, quiet.id)
