"""The register of models on SQLite and on PostgreSQL: what it takes, what it refuses and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import postgres_url

from driftline import registry
from driftline.catalog import Catalog
from driftline.errors import Conflict, Invalid, NotFound
from driftline.imports import jobs
from driftline.imports.job import ImportJob, Place
from driftline.registry import Model, ModelVersion, Search
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
AGE = ModelField("age", Role.FEATURE, Kind.NUMERIC)
LABEL = ModelField("approved", Role.ACTUAL, Kind.BOOLEAN, of="approval")


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    url = f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url()
    made = Catalog(url)
    made.migrate()
    yield made
    made.close()


def version(name: str, *fields: ModelField, model: str = "loans") -> ModelVersion:
    """A version of a model with these fields."""
    return ModelVersion(model, name, ModelType.BINARY, ModelSchema(fields), {"seed": 3})


def test_a_model_has_an_id_a_name_an_owner_and_a_risk(catalog: Catalog) -> None:
    """M-01, M-11: what was given comes back; what is wrong is refused in words that mend it."""
    made = Model("loans", "Car loans", owner="risk@bank", risk="high", description="Approves.", tags={"team": "a"})
    with catalog.begin() as tx:
        kept = registry.create_model(tx, made, now=NOW)
        assert kept == Model(**{**vars(made), "risk": "High", "created": NOW, "modified": NOW})
        assert registry.get_model(tx, "loans") == kept
        with pytest.raises(Conflict, match="model loans: it exists already"):
            registry.create_model(tx, made, now=NOW)
        with pytest.raises(NotFound, match="Did you mean 'loans'"):
            registry.get_model(tx, "loan")
        later = NOW + timedelta(hours=1)
        changed = registry.change_model(tx, "loans", now=later, owner="ada", risk="Low", tags={})
        assert (changed.owner, changed.risk, changed.tags, changed.name) == ("ada", "Low", {}, "Car loans")
        assert (changed.created, changed.modified) == (NOW, later)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Model("", "a"), "model id: got ''"),
        (Model("a/b", "a"), "got 'a/b', expected up to 128"),
        (Model("a", " "), "name of model a"),
        (Model("a", "a", risk="huge"), "expected Low, Medium, High, Unknown"),
        (Model("a", "a", tags={str(at): "" for at in range(51)}), "got 51, expected 50"),
        (Model("a", "a", tags={"": "b"}), "tag of model a"),
        (Model("a", "a", description="x" * 2001), "2000 characters"),
    ],
)
def test_what_no_model_can_be_is_refused(catalog: Catalog, wrong: Model, said: str) -> None:
    """M-01, M-11: and nothing is kept of it."""
    with catalog.begin() as tx:
        with pytest.raises(Invalid, match=said):
            registry.create_model(tx, wrong, now=NOW)
        assert registry.models(tx) == []


def test_models_are_listed_by_pages_parts_of_names_and_spaces(catalog: Catalog) -> None:
    """J-06: pages neither repeat nor leave out, in both directions."""
    with catalog.begin() as tx:
        for at in range(7):
            space, owner = ("a" if at % 2 else "default"), ("ada" if at < 2 else None)
            made = Model(f"m{at}", f"Model {at}", space=space, owner=owner)
            registry.create_model(tx, made, now=NOW + timedelta(minutes=at // 2))
        for sort_by in ("created", "name", "modified"):
            for descending in (True, False):
                found, token = list[str](), None
                while True:
                    wanted = Search(sort_by=sort_by, descending=descending, limit=2, token=token)
                    page = registry.search(tx, wanted)
                    found += [each.id for each in page.items]
                    token = page.token
                    if token is None:
                        break
                assert found == [f"m{at}" for at in (range(6, -1, -1) if descending else range(7))]
        assert [each.id for each in registry.models(tx, "a")] == ["m1", "m3", "m5"]
        assert [each.id for each in registry.search(tx, Search(contains="MODEL 3")).items] == ["m3"]
        assert [each.id for each in registry.search(tx, Search(owner="ada", descending=False)).items] == ["m0", "m1"]
        assert registry.search(tx, Search(contains="%")).items == []
        with pytest.raises(Invalid, match="NextToken"):
            registry.search(tx, Search(token="x"))


def test_versions_stand_side_by_side_each_with_its_schema(catalog: Catalog) -> None:
    """M-02, M-03, M-06, M-07: a version has a type, sections of fields, and what vendors add to it."""
    with catalog.begin() as tx:
        with pytest.raises(NotFound, match="model not found: loans"):
            registry.create_version(tx, version("v1", AGE), now=NOW)
        registry.create_model(tx, Model("loans", "loans"), now=NOW)
        first = registry.create_version(tx, version("v1", AGE, LABEL), now=NOW)
        assert first == ModelVersion(**{**vars(version("v1", AGE, LABEL)), "created": NOW, "modified": NOW})
        registry.create_version(tx, version("v2", AGE), now=NOW + timedelta(hours=1))
        assert [each.version for each in registry.versions(tx, "loans")] == ["v1", "v2"]
        with pytest.raises(Conflict, match="version v1 of loans: it exists already"):
            registry.create_version(tx, version("v1"), now=NOW)
        with pytest.raises(NotFound, match="Did you mean 'v1'"):
            registry.get_version(tx, "loans", "v11")
        registry.delete_version(tx, "loans", "v2")
        assert registry.find_version(tx, "loans", "v2") is None


def test_a_schema_is_edited_but_labels_stay_of_one_kind(catalog: Catalog) -> None:
    """J-05, C-11, M-05: labels of all versions lie in one table, so that their kinds must agree."""
    with catalog.begin() as tx:
        registry.create_model(tx, Model("loans", "loans"), now=NOW)
        registry.create_version(tx, version("v1", AGE, LABEL), now=NOW)
        text = ModelField("age", Role.FEATURE, Kind.STRING)
        changed = registry.put_schema(tx, "loans", "v1", ModelSchema((text, LABEL)), now=NOW + timedelta(hours=1))
        assert changed.schema.fields[0] == text
        assert changed.modified == NOW + timedelta(hours=1)
        assert changed.body == {"seed": 3}
        turned = ModelField("approved", Role.ACTUAL, Kind.NUMERIC)
        with pytest.raises(Conflict, match=r"field approved: loans/v1 keeps boolean, not numeric\. Give"):
            registry.create_version(tx, version("v2", turned), now=NOW)
        with pytest.raises(Invalid, match=r"fields of loans/v1: got 10001"):
            many = ModelSchema(tuple(ModelField(f"f{at}", Role.FEATURE, Kind.NUMERIC) for at in range(10_001)))
            registry.put_schema(tx, "loans", "v1", many, now=NOW)


def test_a_model_that_jobs_feed_is_not_deleted(catalog: Catalog) -> None:
    """J-15: delete the jobs first; then the model goes with its versions."""
    with catalog.begin() as tx:
        registry.create_model(tx, Model("loans", "loans"), now=NOW)
        registry.create_version(tx, version("v1", AGE), now=NOW)
        job = jobs.create(tx, ImportJob("", "loans", "v1", Place("s3://loans/serving/")), now=NOW)
        with pytest.raises(Conflict, match=f"1 import job feeds it, first of all {job.id}"):
            registry.delete_model(tx, "loans")
        with pytest.raises(Conflict, match="version v1 of loans: 1 import job feeds it"):
            registry.delete_version(tx, "loans", "v1")
        jobs.delete(tx, job.id, now=NOW)
        registry.delete_model(tx, "loans")
        assert registry.find_version(tx, "loans", "v1") is None
        with pytest.raises(NotFound):
            registry.delete_model(tx, "loans")
