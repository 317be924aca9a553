"""Columns of files whose format knows types are what the file says, not what their texts read as."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from importing import Site

from driftline import registry
from driftline.catalog import Catalog
from driftline.imports.dryrun import dry_run
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelSchema
from driftline.storage.access import Access

ROWS = [{"id": f"a{n}", "zip": f"0{n}123", "new": "true", "at": f"2026-01-05T0{n}:00:00Z", "y": 1} for n in range(3)]
COLUMNS = Columns(id="id", lists={"prediction": ("y",), "feature": ("zip", "new", "at")})
KINDS = {"zip": Kind.STRING, "new": Kind.STRING, "at": Kind.TIMESTAMP, "y": Kind.NUMERIC}


def encoded(suffix: str) -> bytes:
    """The rows as a file."""
    if suffix == "parquet":
        stream = BytesIO()
        pq.write_table(pa.Table.from_pylist(ROWS), stream)
        return stream.getvalue()
    if suffix == "csv":
        return "\n".join([",".join(ROWS[0]), *[",".join(map(str, row.values())) for row in ROWS], ""]).encode()
    lines = [json.dumps(row) for row in ROWS]
    return "\n".join(lines).encode() if suffix == "jsonl" else f"[{','.join(lines)}]".encode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A model without fields."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    found = Site(catalog, tmp_path)
    found.model(ModelSchema())
    yield found
    catalog.close()


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "json", "csv"])
@pytest.mark.parametrize("prefixed", [False, True])
def test_texts_stay_texts(site: Site, suffix: str, prefixed: bool) -> None:
    """D-05: in a dry run, in what is learned from a first file, and in fields that a prefix adds later."""
    job = site.job(columns=COLUMNS)
    site.put(f"in/a.{suffix}", encoded(suffix))
    is_typed = suffix not in ("csv", "json")
    wanted = KINDS if is_typed else {**KINDS, "zip": Kind.NUMERIC, "new": Kind.BOOLEAN}
    if prefixed:
        with site.catalog.begin() as tx:
            known = registry.get_version(tx, "m", "1").schema
            early = tuple(each for each in dry_run(job, None, Access(), now=site.catalog.clock()).schema)
            some = ModelSchema(tuple(each for each in early if each.name == "y"))
            registry.put_schema(tx, "m", "1", known.with_fields(some), now=site.catalog.clock())
    found = dry_run(job, None, Access(), now=site.catalog.clock())
    assert {each.name: each.kind for each in found.schema} == wanted
    site.run(job)
    with site.catalog.read() as tx:
        assert {each.name: each.kind for each in registry.get_version(tx, "m", "1").schema} == wanted
    assert site.counts(job) == (3, 3, 0, 0)
    texts = [str(row["zip"]) for row in ROWS]
    assert [row["zip"] for row in site.table()] == (texts if is_typed else [float(each) for each in texts])
