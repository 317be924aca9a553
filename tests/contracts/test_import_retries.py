"""Failed files that are read again: what their name brought before goes, if the job's policy is so by then."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from driftline import registry
from driftline.catalog import Catalog, imports
from driftline.errors import Conflict
from driftline.imports import jobs
from driftline.imports.job import FileStatus, ImportJob, Place, Policies
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import ModelSchema, ModelType
from driftline.storage.storage import Object

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_rewritten_file_is_read_in_the_place_of_its_rows(tmp_path: Path) -> None:
    """J-09: refused at first, and again while the policy is to refuse; after an edit it takes their place."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    with catalog.begin() as tx:
        registry.create_model(tx, Model("churn", "churn"), now=NOW)
        registry.create_version(tx, ModelVersion("churn", "1", ModelType.BINARY, ModelSchema()), now=NOW)
        job = jobs.create(tx, ImportJob("", "churn", "1", Place("/data/")), now=NOW)
        jobs.discover(tx, job.id, [Object("/data/a.csv", 9, "one", NOW)], now=NOW)
        (first,) = jobs.files(tx, job.id)
        imports.change_file(tx, first.number, status=str(FileStatus.DONE))
        jobs.discover(tx, job.id, [Object("/data/a.csv", 9, "two", NOW)], now=NOW)
        (again,) = jobs.files(tx, job.id, status=FileStatus.FAILED)
        with pytest.raises(Conflict, match="read before with other bytes"):
            jobs.retry(tx, again.number, now=NOW)
        jobs.edit(tx, job.id, policies=Policies(rewritten="replace"), now=NOW)
        assert jobs.retry(tx, again.number, now=NOW).status is FileStatus.PENDING
        assert imports.file(tx, again.number).body["replaces"] == [first.number]
    catalog.close()
