"""Monitors of models in the catalog, on SQLite and on PostgreSQL: planned once, found when late, kept when killed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from sqlalchemy import insert

from driftline import registry
from driftline.catalog import Catalog, batches, modelmonitors, modelruns, work
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.tables import import_file
from driftline.errors import Conflict, Invalid, NotFound
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob, Place
from driftline.modelmonitors import following, planning, queueing, register, results, running
from driftline.modelmonitors.monitor import Against, Basis, ModelMonitor
from driftline.processing import executing
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import Environment, Kind, ModelField, ModelSchema, ModelType, Role
from driftline.settings import Settings
from driftline.window import Window

MODEL = "churn"
NOW = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCHEMA = ModelSchema(
    (
        ModelField("age", Role.FEATURE, Kind.NUMERIC),
        ModelField("churn", Role.PREDICTION, Kind.BOOLEAN),
        ModelField("churned", Role.ACTUAL, Kind.BOOLEAN),
    )
)
SETTINGS = Settings(label_poll_seconds=60)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with a model of two versions."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    with made.begin() as tx:
        registry.create_model(tx, Model(MODEL, "Churn"), now=NOW)
        for version in ("1", "2"):
            registry.create_version(tx, ModelVersion(MODEL, version, ModelType.BINARY, SCHEMA), now=NOW)
    yield made
    made.close()


def create(catalog: Catalog, name: str = "drift", kind: str = "data-quality", **asked: Any) -> ModelMonitor:
    """A monitor of each hour, as kept at NOW."""
    with catalog.begin() as tx:
        told = {"cadence": "rate(1 hour)", **asked}
        return register.create(tx, ModelMonitor(MODEL, name, kind, **told), now=NOW)


def runs_of(catalog: Catalog, name: str = "drift") -> list[ModelRun]:
    """Its runs by window."""
    with catalog.read() as tx:
        return modelruns.of_monitor(tx, MODEL, name)


def end(catalog: Catalog, run: ModelRun, status: str = "Completed", as_of: datetime | None = None) -> None:
    """Note that a run has ended, which knew what was known at `as_of`."""
    with catalog.begin() as tx:
        work.remove(tx, "model-monitor", run.id)
        modelruns.change(tx, run.id, status=status, as_of=as_of or run.as_of, ended=as_of or run.as_of)


def brought(
    catalog: Catalog, content: Content, hours: list[list[str]], committed: datetime, environment: str = "production"
) -> str:
    """A batch of a job that is committed; the job."""
    stream = jobs.lane_of(MODEL)
    with catalog.begin() as tx:
        asked = ImportJob("", MODEL, "1", Place("s3://x/"), content=content, environment=Environment(environment))
        job = jobs.create(tx, asked, now=NOW)
        number = batches.next_number(tx, stream)
        batches.begin(tx, stream, number, job.id, {"touched": hours}, now=committed)
        batches.commit(tx, stream, number, now=committed)
    return job.id


def test_windows_are_planned_once_and_in_order(catalog: Catalog) -> None:
    """After a break all windows are planned, each once; the delay is kept."""
    create(catalog, delay_seconds=600)
    assert planning.plan(catalog, NOW + timedelta(minutes=35), SETTINGS) == 0
    for _ in range(2):
        planning.plan(catalog, NOW + 3 * HOUR, SETTINGS)
    found = runs_of(catalog)
    assert [each.window_start.hour for each in found] == [12, 13, 14]
    with catalog.begin() as tx:
        assert work.length(tx) == 3
        kept = modelmonitors.get(tx, MODEL, "drift")
    assert kept.next == datetime(2026, 1, 10, 16, 10, tzinfo=UTC)


def test_a_window_waits_for_files_that_are_known(catalog: Catalog) -> None:
    """A file that was found and is not read yet holds a window up, but not for ever."""
    create(catalog)
    job = brought(catalog, Content.PREDICTIONS, [], NOW)
    values = {"job": job, "digest": "d", "uri": "s3://x/1", "etag": "e", "size": 1, "status": "pending", "body": {}}
    with catalog.begin() as tx:
        tx.execute(insert(import_file).values(**values, found=NOW))
    assert planning.plan(catalog, NOW + timedelta(minutes=31), SETTINGS) == 0
    assert planning.plan(catalog, NOW + timedelta(minutes=31) + planning.PATIENCE, SETTINGS) == 1


def test_late_rows_and_labels_look_again_at_what_they_touch(catalog: Catalog) -> None:
    """G-10: within the look-back, once for many batches; labels only where labels count; earlier results stay."""
    create(catalog, "quality", "model-quality")
    create(catalog)
    planning.plan(catalog, NOW + 3 * HOUR, SETTINGS)
    for name in ("drift", "quality"):
        for each in runs_of(catalog, name):
            end(catalog, each, as_of=NOW + 3 * HOUR)
    hour = "2026-01-10T13:00:00Z"
    brought(catalog, Content.PREDICTIONS, [["1", "production", hour]], NOW + 2 * HOUR)  # known when they looked
    assert planning.plan(catalog, NOW + 4 * HOUR - timedelta(minutes=31), SETTINGS) == 0
    brought(catalog, Content.ACTUALS, [["1", "production", hour]], NOW + 3 * HOUR + DAY)
    brought(catalog, Content.ACTUALS, [["1", "production", hour]], NOW + 3 * HOUR + 2 * DAY)
    with catalog.begin() as tx:
        for name in ("drift", "quality"):
            register.pause(tx, MODEL, name, now=NOW)
            modelmonitors.put(tx, MODEL, name, status="active")
    assert planning.plan(catalog, NOW + 3 * DAY, SETTINGS) == 1
    assert planning.plan(catalog, NOW + 3 * DAY, SETTINGS) == 0
    assert [each.run for each in runs_of(catalog)] == [1, 1, 1]
    again = [each for each in runs_of(catalog, "quality") if each.run == 2]
    assert [each.window_start.hour for each in again] == [13]
    assert again[0].body["origin"] == "late"
    end(catalog, again[0], as_of=NOW + 3 * DAY)
    brought(catalog, Content.ACTUALS, [["1", "production", hour]], NOW + 40 * DAY)
    assert planning.plan(catalog, NOW + 41 * DAY, SETTINGS) == 0  # behind the look-back of 30 days
    brought(catalog, Content.PREDICTIONS, [["2", "production", hour], ["1", "training", hour]], NOW + 4 * DAY)
    assert planning.plan(catalog, NOW + 41 * DAY, SETTINGS) == 2  # rows touch both monitors
    with catalog.read() as tx:
        found = results.results(tx, register.get(tx, MODEL, "quality"))
    assert [(each.first.run, each.latest.run) for each in found] == [(1, 1), (1, 2), (1, 1)]


def test_what_comes_before_a_run_has_begun_needs_no_other(catalog: Catalog) -> None:
    """A run that waits will read it."""
    create(catalog)
    planning.plan(catalog, NOW + HOUR, SETTINGS)
    brought(catalog, Content.PREDICTIONS, [["1", "production", "2026-01-10T12:00:00Z"]], NOW + HOUR)
    assert planning.plan(catalog, NOW + HOUR, SETTINGS) == 0


def test_sets_make_baselines_once(catalog: Catalog) -> None:
    """A set is followed when all of it is read; a default monitor is made once and stays deleted."""
    create(catalog, "two", version="2")
    job = brought(catalog, Content.BOTH, [["1", "training", "2026-01-01T00:00:00Z"]], NOW, "training")
    assert following.follow(catalog, job) == 1
    assert following.follow(catalog, job) == following.follow(catalog) == 0
    with catalog.begin() as tx:
        made = register.get(tx, MODEL, following.DEFAULT)
        assert (made.version, made.against.basis) == ("1", Basis.TRAINING)
        register.delete(tx, MODEL, following.DEFAULT)
    assert following.follow(catalog) == 0
    create(catalog, "one", version="1")
    assert following.follow(catalog) == 1
    production = brought(catalog, Content.PREDICTIONS, [], NOW)
    assert following.follow(catalog, production) == 0


def test_runs_by_hand_have_numbers_of_their_own(catalog: Catalog) -> None:
    """Any window, again and again; back-fills in order; what cannot be is refused."""
    create(catalog)
    window = Window(NOW - DAY, NOW)
    with catalog.begin() as tx:
        made = [queueing.run_now(tx, MODEL, "drift", NOW, window, version="2") for _ in range(2)]
        last = queueing.run_now(tx, MODEL, "drift", NOW)
        filled = queueing.backfill(tx, MODEL, "drift", NOW - 3 * HOUR, NOW, NOW)
        again = queueing.rerun(tx, made[0], NOW)
    assert [each.run for each in (*made, again)] == [1, 2, 3]
    assert made[0].version == "2"
    assert (last.window_start, last.window_end) == (NOW.replace(hour=11, minute=0), NOW.replace(minute=0))
    assert [(each.window_end.hour, each.run) for each in filled] == [(10, 1), (11, 1), (12, 2)]
    with catalog.begin() as tx:
        with pytest.raises(Invalid, match="a start in the past"):
            queueing.run_now(tx, MODEL, "drift", NOW, Window(NOW + HOUR, NOW + DAY))
        with pytest.raises(Invalid, match="both in the past"):
            queueing.backfill(tx, MODEL, "drift", NOW, NOW + DAY, NOW)
        with pytest.raises(Invalid, match="10000 windows"):
            queueing.backfill(tx, MODEL, "drift", NOW - 500 * DAY, NOW, NOW)
        with pytest.raises(NotFound, match="version"):
            queueing.run_now(tx, MODEL, "drift", NOW, window, version="9")


def test_pages_of_runs_and_beginnings_of_ids(catalog: Catalog) -> None:
    """Tokens lead to each run once; an id may be cut as long as it is clear."""
    create(catalog)
    with catalog.begin() as tx:
        queueing.backfill(tx, MODEL, "drift", NOW - 5 * HOUR, NOW, NOW)
        first = modelruns.search(tx, modelruns.Search({"model": MODEL}, limit=3))
        rest = modelruns.search(tx, modelruns.Search({"model": MODEL}, limit=3, token=first.token))
        assert len({each.id for each in (*first.items, *rest.items)}) == 5
        assert rest.token is None
        assert modelruns.beginning(tx, first.items[0].id[:8]) == first.items[0]
        with pytest.raises(NotFound):
            modelruns.beginning(tx, "ffffffff-")
        assert not modelruns.add(tx, replace(first.items[0], id=str(uuid.uuid4())))


def test_names_are_taken_once_and_near_ones_told(catalog: Catalog) -> None:
    """Conflict, and a hint."""
    create(catalog)
    with pytest.raises(Conflict, match="has one of this name"):
        create(catalog)
    with catalog.begin() as tx:
        with pytest.raises(NotFound, match="Did you mean 'drift'"):
            register.get(tx, MODEL, "drfit")
        register.delete(tx, MODEL, "drift")
        assert register.of_model(tx, MODEL) == []


def test_a_model_of_the_same_name_begins_anew(catalog: Catalog) -> None:
    """Runs of a model that was deleted hold up none of its successor's."""
    create(catalog)
    planning.plan(catalog, NOW + HOUR, SETTINGS)
    with catalog.begin() as tx:
        registry.delete_model(tx, MODEL)
        registry.create_model(tx, Model(MODEL, "Churn"), now=NOW)
        registry.create_version(tx, ModelVersion(MODEL, "1", ModelType.BINARY, SCHEMA), now=NOW)
    create(catalog)
    assert runs_of(catalog) == []
    assert planning.plan(catalog, NOW + HOUR, SETTINGS) == 1


def test_a_change_of_what_is_watched_makes_another_baseline(catalog: Catalog) -> None:
    """Times do not."""
    create(catalog)
    with catalog.begin() as tx:
        body = {**modelmonitors.get(tx, MODEL, "drift").body, "learnt": {"folder": "x", "rows": 1, "as_of": "y"}}
        modelmonitors.put(tx, MODEL, "drift", body=body)
        register.change(tx, MODEL, "drift", {"cadence": "rate(2 hours)"}, now=NOW)
        assert modelmonitors.get(tx, MODEL, "drift").body["learnt"] is not None
        register.change(tx, MODEL, "drift", {"against": Against(Basis.ROLLING)}, now=NOW)
        assert modelmonitors.get(tx, MODEL, "drift").body["learnt"] is None


def test_a_run_that_cannot_be_done_is_tried_again_for_a_while(catalog: Catalog) -> None:
    """A store that is away for an hour loses no window; one that never comes back ends as Failed, with the reason."""
    create(catalog)
    with catalog.begin() as tx:
        made = queueing.run_now(tx, MODEL, "drift", NOW)
    moment, rounds = NOW, 0
    while True:
        with catalog.begin() as tx:
            held = work.claim(tx, "worker", now=moment, lease_seconds=60)
        if held is None:
            break
        executing.give_up(catalog, held, "storage at s3://x does not answer")
        moment, rounds = moment + DAY, rounds + 1
        moment = max(moment, catalog.clock() + rounds * DAY)
    [found] = runs_of(catalog)
    assert (found.id, found.status) == (made.id, "Failed")
    assert found.reason == "storage at s3://x does not answer"
    assert rounds == running.ROUNDS + 1
