"""Jobs as they are made from what a caller says: what the place itself tells of its format."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from driftline.catalog import Catalog
from driftline.imports.job import ImportJob, Place
from driftline.imports.making import Wanted, attempt
from driftline.schemas.columns import Columns
from driftline.storage.access import Access

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_delta_table_is_read_as_one(tmp_path: Path) -> None:
    """S-16, F-09: files that the table has removed are not read; an explicit format is kept."""
    uri = f"{tmp_path}/table/"
    write_deltalake(uri, pa.table({"id": ["a", "b"], "y": [1, 2]}))
    DeltaTable(uri).delete("id = 'b'")
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    job = ImportJob("", "churn", "1", Place(uri), Columns(id="id", lists={"prediction": ("y",)}))
    found, tried = attempt(catalog, Wanted(job, creates=True), Access(), now=NOW)
    assert (found.job.place.format, tried.format, tried.accepted) == ("delta", "delta", 1)
    assert tried.mapped is not None
    assert {each.column: each.kind for each in tried.mapped.uses} == {"id": "string", "y": "numeric"}
    job = ImportJob("", "churn", "1", Place(uri, format="parquet"), job.columns)
    found, tried = attempt(catalog, Wanted(job, creates=True), Access(), now=NOW)
    assert (found.job.place.format, tried.format) == ("parquet", "parquet")
    catalog.close()
