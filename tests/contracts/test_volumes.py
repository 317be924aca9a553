"""How much was read day by day, on both databases; row DB-04."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from sqlalchemy import insert

from driftline.catalog import Catalog, imports
from driftline.catalog.imports import Volume
from driftline.catalog.tables import import_file
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob, Place

NOW = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    yield made
    made.close()


def test_volumes_are_summed_by_the_day_on_which_reading_ended(catalog: Catalog) -> None:
    """By the day in UTC, contents apart, of a model or of one of its jobs; what waits is not there."""
    with catalog.begin() as tx:
        made = [
            jobs.create(tx, ImportJob("", model, "1", Place("s3://in/"), content=content), now=NOW).id
            for model, content in (("a", Content.PREDICTIONS), ("a", Content.ACTUALS), ("b", Content.PREDICTIONS))
        ]
        for number, (job, hours, status) in enumerate(
            [(0, 0, "done"), (0, 1, "failed"), (0, 0, "pending"), (1, 0, "done"), (2, 0, "done"), (0, 2000, "done")]
        ):
            values: dict[str, Any] = {
                "job": made[job], "digest": str(number), "uri": f"s3://in/{number}", "etag": "e", "size": 1,
                "status": status, "rows": 6, "accepted": 3, "rejected": 2, "duplicate": 1, "body": {}, "found": NOW,
                "ended": NOW - timedelta(hours=hours),
            }  # fmt: skip
            tx.execute(insert(import_file).values(**values))
    with catalog.read() as tx:
        found = imports.volumes(tx, NOW - timedelta(days=60), model="a")
        of_job = imports.volumes(tx, NOW - timedelta(days=60), job=made[2])
    assert found == [
        Volume(date(2026, 11, 20), "predictions", "production", 1, 3, 2, 1),
        Volume(date(2026, 11, 21), "actuals", "production", 1, 3, 2, 1),
        Volume(date(2026, 11, 21), "predictions", "production", 1, 3, 2, 1),
    ]
    assert [each.day for each in of_job] == [date(2026, 11, 21)]
