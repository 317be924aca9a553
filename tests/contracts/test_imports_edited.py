"""Schemas that are edited while a batch is under way: what users say stays, what files bring is added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from importing import SCHEMA, Site, csv_of, rows_of

from driftline import registry
from driftline.catalog import Catalog
from driftline.imports import jobs, running
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role

GROWS = Columns(id="id", timestamp="at", prefixes={"feature": "new_"})
EDITED = (ModelField("amount", Role.FEATURE, Kind.NUMERIC, required=True), *SCHEMA.fields[1:])
CITY = ModelField("city", Role.FEATURE, Kind.STRING)
SEEN = ModelField("a", Role.FEATURE, Kind.NUMERIC, required=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A model, on each database."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    catalog.migrate()
    found = Site(catalog, tmp_path)
    found.model()
    yield found
    catalog.close()


def meanwhile(patch: pytest.MonkeyPatch, does: Callable[[], None]) -> None:
    """Have this done when a batch is planned, and not committed yet."""
    true = running._commit

    def then(*args: Any) -> None:
        does()
        true(*args)

    patch.setattr(running, "_commit", then)


def known(site: Site) -> dict[str, ModelField]:
    """The fields of the version."""
    with site.catalog.read() as tx:
        return {each.name: each for each in registry.get_version(tx, "m", "1").schema}


def put(site: Site, *fields: ModelField) -> None:
    """Have a user write this schema."""
    with site.catalog.begin() as tx:
        registry.put_schema(tx, "m", "1", ModelSchema(fields), now=site.catalog.clock())


def test_an_edit_meanwhile_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-12, J-04: a field that the user added, changed, or said before the file did."""
    job = site.job(columns=GROWS)
    site.put("in/a.csv", csv_of(rows_of("abc", new_a=1, new_b="x")))
    meanwhile(monkeypatch, lambda: put(site, *EDITED, CITY, SEEN))
    site.run(job)
    found = known(site)
    assert (found["amount"].required, found["city"], found["a"]) == (True, CITY, SEEN)
    assert found["b"].kind is Kind.STRING
    assert site.counts(job) == (3, 3, 0, 0)


def test_what_does_not_fit_is_left_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is committed is noted, whatever was edited: its model goes on importing."""
    job = site.job(columns=GROWS)
    site.put("in/a.csv", csv_of(rows_of("abc", new_a=1)))
    meanwhile(monkeypatch, lambda: put(site, *EDITED, ModelField("a", Role.FEATURE, Kind.TIMESTAMP)))
    site.run(job)
    assert known(site)["a"].kind is Kind.TIMESTAMP
    assert site.statuses(job) == ["done"]


def test_a_model_that_is_deleted_meanwhile(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to grow; the batch is noted."""
    job = site.job(columns=GROWS)
    site.put("in/a.csv", csv_of(rows_of("abc", new_a=1)))

    def delete() -> None:
        with site.catalog.begin() as tx:
            jobs.delete(tx, job.id, now=site.catalog.clock())
            registry.delete_version(tx, "m", "1")

    meanwhile(monkeypatch, delete)
    site.run(job)
    assert site.statuses(job) == ["done"]
