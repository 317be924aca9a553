"""A server that imports, with its S3 and a key for vendors' clients, and what has become of what they sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from s3 import Server, running_s3
from serving import Served, serving, until
from surroundings import Surroundings

from driftline import registry
from driftline.catalog import Catalog, keys
from driftline.catalog.imports import Search
from driftline.imports import jobs
from driftline.imports.job import ImportFile, ImportJob
from driftline.imports.jobs import Counts
from driftline.inferences.tables import Tables
from driftline.settings import Settings
from driftline.storage.access import Access


@dataclass(frozen=True)
class Importing:
    """A running server, its S3, its catalog, and a key that may read and write."""

    server: Served
    store: Server
    catalog: Catalog
    key: str
    surroundings: Surroundings

    def jobs(self, model: str) -> list[ImportJob]:
        """The jobs into a model, the first one first."""
        with self.catalog.read() as tx:
            return list(reversed(jobs.page(tx, Search({"model": model}, limit=100)).items))

    def counts(self, model: str) -> dict[tuple[str, str, str], Counts]:
        """Environment, content and format -> how far the jobs of a model are."""
        with self.catalog.read() as tx:
            return {_name(each): jobs.counts(tx, each.id) for each in self.jobs(model)}

    def files(self, model: str) -> list[ImportFile]:
        """The files of all jobs of a model."""
        with self.catalog.read() as tx:
            return [file for each in self.jobs(model) for file in jobs.files(tx, each.id, limit=1000)]

    def rows(self, model: str) -> list[dict[str, Any]]:
        """The rows in the tables of inferences of all versions of a model, read as any Delta table is."""
        from deltalake import DeltaTable

        with self.catalog.read() as tx:
            versions = [each.version for each in registry.versions(tx, model)]
        uris = [self._tables().inferences_uri(model, each) for each in versions]
        there = [each for each in uris if DeltaTable.is_deltatable(each)]
        return [row for each in there for row in DeltaTable(each).to_pyarrow_table().to_pylist()]

    def actuals(self, model: str) -> list[dict[str, Any]]:
        """The rows in the table of actuals of a model."""
        from deltalake import DeltaTable

        uri = self._tables().actuals_uri(model)
        return list(DeltaTable(uri).to_pyarrow_table().to_pylist()) if DeltaTable.is_deltatable(uri) else []

    def _tables(self) -> Tables:
        home = Path(self.server.environment["DRIFTLINE_HOME"])
        return Tables(Settings(home=home).tables_root, Access(), home / "cache")

    def read(self, model: str) -> dict[tuple[str, str, str], Counts]:
        """The same as soon as no file waits."""
        until(lambda: all(each.pending == 0 for each in self.counts(model).values()))
        return self.counts(model)


def _name(job: ImportJob) -> tuple[str, str, str]:
    return str(job.environment), str(job.content), job.place.format or ""


@contextmanager
def importing(folder: Path, bucket: str, **settings: Any) -> Iterator[Importing]:
    """A server with an S3 that has this bucket."""
    with running_s3(folder / "s3") as store:
        store.bucket(bucket)
        with serving(folder / "home", store.environment(), **settings) as server:
            catalog = Catalog(f"sqlite:///{folder / 'home' / 'driftline.sqlite'}")
            with catalog.begin() as tx:
                key = keys.create_api_key(tx, "vendors", ["read", "write"], now=datetime.now(UTC))
            surroundings = Surroundings.of(folder, server.url, store.environment(), "")
            yield Importing(server, store, catalog, key, surroundings)
            catalog.close()
