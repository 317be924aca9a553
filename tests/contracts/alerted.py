"""A model with a monitor and a channel of this process, for the tests of alerts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url

from driftline import registry
from driftline.alerting import delivering, planning, register, telling
from driftline.alerting.rule import Rule, Threshold
from driftline.catalog import Catalog, alerting, modelruns, work
from driftline.catalog.modelruns import ModelRun
from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.channels import CHANNELS
from driftline.channels.members import Member
from driftline.channels.message import Message
from driftline.hosts import Reach
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.settings import Settings

MODEL = "churn"
NOW = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCHEMA = ModelSchema(
    (ModelField("age", Role.FEATURE, Kind.NUMERIC), ModelField("churn", Role.PREDICTION, Kind.BOOLEAN))
)
SETTINGS = Settings(public_url="https://drift.example/")


@dataclass
class Board:
    """A channel of this process that takes what it is told, unless it is away or refuses."""

    title: str = "board"
    members: tuple[Member, ...] = ()
    told: list[Message] = field(default_factory=list)
    fault: Exception | None = None

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Keep the message."""
        if self.fault is not None:
            raise self.fault
        self.told.append(message)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    """The channel, as one of the table."""
    made = Board()
    monkeypatch.setitem(CHANNELS, "board", made)
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path, board: Board) -> Iterator[Catalog]:
    """A catalog of either database with a model, an hourly monitor of it and the channel; others have their own."""
    made = opened(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    yield made
    made.close()


def opened(url: str) -> Catalog:
    """A catalog with a model, an hourly monitor of it and a channel."""
    made = Catalog(url)
    made.migrate()
    with made.begin() as tx:
        registry.create_model(tx, Model(MODEL, "Churn"), now=NOW)
        registry.create_version(tx, ModelVersion(MODEL, "1", ModelType.BINARY, SCHEMA), now=NOW)
        monitors.create(tx, ModelMonitor(MODEL, "drift", "data-quality", cadence="rate(1 hour)"), now=NOW)
        register.put_channel(tx, "ops", "board", {}, now=NOW)
    return made


def ended(
    catalog: Catalog, hour: int, drift: Mapping[str, float] | None = None, *, run: int = 1, status: str = "Completed",
    violations: int = 0, monitor: str = "drift", **more: Any,
) -> None:  # fmt: skip
    """A run of the monitor on the hour that ends so many hours after noon, which measured these drifts."""
    end = NOW.replace(minute=0) + hour * HOUR
    figures = [{"subject": name, "name": "baseline_drift", "value": value, "limit": 0.1} for name, value in
               (drift or {}).items()]  # fmt: skip
    body = {"asked": {}, "kind": "data-quality", "origin": "schedule", "rows": 100, "figures": figures, **more}
    made = ModelRun(
        str(uuid.uuid4()), MODEL, monitor, "", "production", end - HOUR, end, end, run, end,
        status=status, violations=violations, body=body, ended=end + timedelta(minutes=run),
    )  # fmt: skip
    with catalog.begin() as tx:
        assert modelruns.add(tx, made)


def put(catalog: Catalog, *rules: Rule) -> None:
    """Keep rules."""
    with catalog.begin() as tx:
        for each in rules:
            register.put(tx, each, now=NOW, settings=SETTINGS)


def rule(condition: Any = None, name: str = "drifts", **more: Any) -> Rule:
    """A rule on the drift of each column."""
    return Rule(MODEL, name, condition or Threshold("baseline_drift", above=0.2), **{"monitor": "drift", **more})


def deliver(catalog: Catalog, now: datetime = NOW + 60 * DAY) -> int:
    """Send all that waits; how many were tried."""
    tried = 0
    while True:
        with catalog.begin() as tx:
            claimed = work.claim(tx, "worker", now=now, lease_seconds=60, kinds=(telling.WORK,))
        if claimed is None:
            return tried
        delivering.run(catalog, claimed, SETTINGS)
        tried += 1


def look(catalog: Catalog, hour: float) -> int:
    """Judge and deliver at so many hours after noon."""
    made = planning.plan(catalog, NOW.replace(minute=30) + hour * HOUR, SETTINGS)
    deliver(catalog)
    return made


def states(catalog: Catalog) -> dict[str, str]:
    """The state of each subject."""
    with catalog.read() as tx:
        return {each.subject: each.state for each in alerting.states(tx, MODEL)}
