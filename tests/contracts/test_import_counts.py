"""How far many jobs are, told by one question to the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from importing import Site, csv_of, rows_of
from sqlalchemy import event

from driftline.catalog import Catalog
from driftline.imports import jobs


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A model, on each database."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    catalog.migrate()
    found = Site(catalog, tmp_path)
    found.model()
    yield found
    catalog.close()


def test_a_page_of_jobs_is_counted_at_once(site: Site) -> None:
    """J-06, J-17: each has its own counts, one without files has none."""
    made = [site.job(name) for name in ("one", "two", "empty")]
    site.put("one/a.csv", csv_of(rows_of("abc")))
    site.put("two/a.csv", csv_of(rows_of("cd")))
    site.put("two/b.csv", b"")
    site.run(*made)
    asked = list[Any]()
    with site.catalog.read() as tx:
        event.listen(tx, "before_cursor_execute", lambda *said: asked.append(said[2]))
        found = jobs.counts_of(tx, [each.id for each in made])
    assert len(asked) == 1
    assert [found[each.id] for each in made] == [
        jobs.Counts(done=1, rows=3, accepted=2, duplicate=1),
        jobs.Counts(done=1, skipped=1, rows=2, accepted=2),
        jobs.Counts(),
    ]
