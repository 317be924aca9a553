"""What pages tell of many models at once, on both databases; rows DB-01 and DB-02."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from databases import postgres_url
from sqlalchemy import insert

from driftline import registry
from driftline.catalog import Catalog, hours, modelruns, overview, tokens
from driftline.catalog.hours import HourPart, Subject
from driftline.catalog.modelruns import ModelRun, Search
from driftline.catalog.tables import import_file, import_job
from driftline.errors import Invalid
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob, Place
from driftline.modelmonitors import register
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import ModelSchema, ModelType
from driftline.server.web import health
from driftline.server.web.health import Health

NOW = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """A model, a job that brought its predictions and one that brought its labels."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    with made.begin() as tx:
        registry.create_model(tx, Model("m", "M"), now=NOW)
        registry.create_version(tx, ModelVersion("m", "1", ModelType.BINARY, ModelSchema(())), now=NOW)
        for content, rows in ((Content.PREDICTIONS, 8), (Content.ACTUALS, 6)):
            job = jobs.create(tx, ImportJob("", "m", "1", Place(f"s3://{content}/"), content=content), now=NOW).id
            told = {
                "job": job, "digest": content, "uri": "s3://a", "etag": "e", "size": 1, "status": "done", "rows": rows,
                "accepted": rows, "body": {}, "found": NOW, "ended": NOW, "last": NOW - timedelta(days=rows),
            }  # fmt: skip
            tx.execute(insert(import_file).values(**told))
        hours.add(tx, Subject("m", "1", "production"), [HourPart(NOW.replace(minute=0), "1", "file:///a", 8)])
    yield made
    made.close()


def of(catalog: Catalog, now: datetime = NOW) -> Health:
    """How the model is."""
    with catalog.read() as tx:
        return health.of_all(tx, {}, now)[0]


def test_days_are_those_of_utc(catalog: Catalog) -> None:
    """Whatever zone the database lives in."""
    with catalog.begin() as tx:
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("SET LOCAL TIME ZONE 'America/New_York'")
        assert overview.traffic(tx, NOW - timedelta(days=1)) == {"m": {date(2026, 11, 21): 8}}


def test_nobody_is_fine_of_whom_nothing_is_known(catalog: Catalog) -> None:
    """A monitor that said nothing yet, and one that should have; once it has, all is well."""
    assert of(catalog).tone == "plain"
    with catalog.begin() as tx:
        register.create(tx, ModelMonitor("m", "drift", "data-quality", cadence="rate(1 day)"), now=NOW)
    assert (of(catalog).tone, of(catalog).why) == ("warn", ("No monitor has said anything yet",))
    at = NOW.replace(hour=0, minute=0)
    with catalog.begin() as tx:
        told = ModelRun(
            "a", "m", "drift", "1", "production", at - timedelta(1), at, NOW, 1, NOW, "Completed", ended=NOW
        )
        assert modelruns.add(tx, told)
    assert (of(catalog).tone, of(catalog).why) == ("good", ())
    late = of(catalog, NOW + timedelta(days=1, hours=1))
    assert (late.tone, late.why) == ("warn", ("drift was to look at 2026-11-22 00:00 UTC: is there a worker?",))


def test_labels_stay_those_of_jobs_that_are_deleted(catalog: Catalog) -> None:
    """Their rows stay, too."""
    with catalog.begin() as tx:
        tx.execute(import_job.update().values(status="deleted"))
        found = overview.feeds(tx, "m")
    assert of(catalog).labelled == 0.75 and of(catalog).imports == 0
    assert max(each.until for each in found if each.until) == NOW - timedelta(days=6)


def test_runs_that_were_made_at_once_are_listed_by_their_windows(catalog: Catalog) -> None:
    """The latest first, over pages; a token that is none is refused."""
    with catalog.begin() as tx:
        for place, day in enumerate((2, 5, 1, 4, 3)):
            end = NOW - timedelta(days=day)
            start = end - timedelta(days=1)
            assert modelruns.add(tx, ModelRun(str(place), "m", "d", "1", "production", start, end, NOW, 1, NOW))
        ends, token = list[int](), None
        while token or not ends:
            page = modelruns.search(tx, Search(limit=2, token=token))
            ends += [(NOW - each.window_end).days for each in page.items]
            token = page.token
        assert ends == [1, 2, 3, 4, 5]
        with pytest.raises(Invalid):
            modelruns.search(tx, Search(token=tokens.token("created", NOW, "1")))
