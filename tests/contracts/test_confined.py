"""A catalog confined to some spaces, on SQLite and on PostgreSQL: what may not be seen is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import postgres_url
from sqlalchemy import Connection, func, insert, select

from driftline import registry
from driftline.catalog import Catalog, imports, modelruns, overview
from driftline.catalog.columns import metadata
from driftline.catalog.confines import FREE, ROWS, Confines
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.tables import import_file, import_job, model, model_run
from driftline.errors import Conflict, Denied, NotFound
from driftline.imports import jobs
from driftline.imports.job import ImportJob, Place
from driftline.registry import Model

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RISK = frozenset({"risk"})


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """A model, a job with a failed file, and a run, in each of two spaces."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    with made.begin() as tx:
        for space in ("risk", "fraud"):
            registry.create_model(tx, Model(f"of-{space}", space, space), now=NOW)
            jobs.create(tx, ImportJob(f"job-{space}", f"of-{space}", "1", Place("s3://b/"), space=space), now=NOW)
            imports.add(tx, [file(space)])
            run = ModelRun(space, f"of-{space}", "m", "1", "production", NOW, NOW, NOW, 1, NOW, ended=NOW)
            assert modelruns.add(tx, run)
    yield made
    made.close()


def file(space: str) -> dict[str, object]:
    told = {"job": f"job-{space}", "uri": f"s3://b/{space}", "etag": "e", "size": 1, "status": "failed"}
    return {**told, "attempts": 0, "rows": 0, "accepted": 0, "rejected": 0, "duplicate": 0, "body": {}, "found": NOW}


def test_every_table_has_its_spaces() -> None:
    """A new table says of which space its rows are, or that they are of none."""
    assert set(metadata.tables) == set(ROWS) | FREE
    assert not set(ROWS) & FREE


def test_what_may_not_be_seen_is_not_there(catalog: Catalog) -> None:
    """In joins, windows, subqueries, counts and aliases too, while others see all."""
    with catalog.confined(Confines(RISK, RISK)).read() as tx:
        assert [each.id for each in registry.models(tx)] == ["of-risk"]
        with pytest.raises(NotFound):
            registry.get_model(tx, "of-fraud")
        assert [(each.id, each.failed) for each in overview.feeds(tx)] == [("job-risk", 1)]
        assert [each.model for each in overview.last_runs(tx)] == ["of-risk"]
        other = model.alias()
        assert tx.execute(select(func.count()).select_from(other)).scalar() == 1
        joined = select(import_file.c.uri).join(import_job, import_job.c.id == import_file.c.job)
        assert list(tx.execute(joined).scalars()) == ["s3://b/risk"]
        inner = select(import_job.c.id).scalar_subquery()
        assert tx.execute(select(inner)).scalar() == "job-risk"
        both = select(model.c.id).union_all(select(import_job.c.model))
        assert sorted(tx.execute(both).scalars()) == ["of-risk", "of-risk"]
    with catalog.read() as tx:
        assert len(registry.models(tx)) == 2


def test_what_may_only_be_seen_is_not_changed(catalog: Catalog) -> None:
    """Neither by a change or an end, nor by something new that belongs to it; and what is not seen is not found."""
    viewer = catalog.confined(Confines(None, RISK))
    orders: tuple[Callable[[Connection], object], ...] = (
        lambda tx: registry.change_model(tx, "of-fraud", now=NOW, owner="eve"),
        lambda tx: tx.execute(model.delete().where(model.c.id == "of-fraud")),
        lambda tx: registry.change_model(tx, "of-risk", now=NOW, space="fraud"),
        lambda tx: registry.create_model(tx, Model("new", "new", "fraud"), now=NOW),
        lambda tx: imports.add(tx, [file("risk") | {"etag": "f"}, file("fraud") | {"etag": "f"}]),
        lambda tx: jobs.pause(tx, "job-fraud", now=NOW),
        lambda tx: tx.execute(model_run.delete()),
        lambda tx: tx.execute(insert(model_run), [_run("of-fraud")]),
    )
    for order in orders:
        with pytest.raises(Denied), viewer.begin() as tx:
            order(tx)
    with catalog.confined(Confines(RISK, RISK)).begin() as tx:
        assert tx.execute(model.delete().where(model.c.id == "of-fraud")).rowcount == 0
        registry.change_model(tx, "of-risk", now=NOW, owner="ada")
        tx.execute(insert(model_run), [_run("of-risk")])
    with catalog.read() as tx:
        assert [(each.id, each.owner) for each in registry.models(tx)] == [("of-fraud", None), ("of-risk", "ada")]


def _run(of: str) -> dict[str, object]:
    times = dict.fromkeys(("window_start", "window_end", "as_of", "created", "ended"), NOW)
    told = {"id": f"x-{of}", "model": of, "monitor": "n", "version": "1", "environment": "production", "run": 1}
    return {**told, **times, "status": "Completed", "violations": 0, "body": {}}


def test_an_id_whose_rows_another_space_has_is_taken(catalog: Catalog) -> None:
    """A model that is made anew elsewhere must not come with the rows of the old one."""
    with catalog.begin() as tx:
        jobs.delete(tx, "job-fraud", now=NOW)
        registry.delete_model(tx, "of-fraud")
    with catalog.confined(Confines(RISK, RISK)).begin() as tx, pytest.raises(Conflict):
        registry.create_model(tx, Model("of-fraud", "mine", "risk"), now=NOW)
