"""Which rows of the tables a run reads, as the manifest by which it can be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from driftline.inferences.tables import Tables, found, name_of, schema_of
from driftline.manifest import Manifest
from driftline.modelmonitors.monitor import Against, Basis, ModelMonitor
from driftline.modelmonitors.watched import Watched
from driftline.schemas.fields import Environment
from driftline.window import Window

ID = "_id"
INGESTED, ENVIRONMENT, BATCH = "_ingested", "_environment", "_batch"


@dataclass(frozen=True)
class Rows:
    """Rows of a model's tables: of these versions, in this environment and window, as they were known at `as_of`.

    `where` gives values of fields or own columns; `window` is None for all of a set.
    """

    model: str
    versions: tuple[str, ...]
    as_of: datetime
    environment: Environment = Environment.PRODUCTION
    window: Window | None = None
    where: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """Which of a table's rows these are, as the Delta format takes it."""
        span = self.window
        known = {} if span is None else {"since": span.start.isoformat(), "until": span.end.isoformat()}
        where = {**self.where, ENVIRONMENT: str(self.environment)}
        return {**known, "as_of": self.as_of.isoformat(), "where": where}


def rows_of(of: ModelMonitor, versions: Sequence[str], window: Window, as_of: datetime) -> Rows:
    """The rows that a monitor looks at."""
    return Rows(of.model, tuple(versions), as_of, of.environment, window, of.where)


def baseline_rows(of: ModelMonitor, versions: Sequence[str], window: Window, as_of: datetime) -> Rows:
    """The rows that it compares those of `window` with: a set that was imported, or a window of its own environment.

    A segment is compared with the same segment of the set.
    """
    against: Against = of.against
    known = Rows(of.model, tuple(versions), as_of, of.environment, against.window(window), of.where)
    if against.basis in (Basis.WINDOW, Basis.ROLLING):
        return known
    where = dict(of.where) if against.batch is None else {**of.where, BATCH: against.batch}
    return replace(known, environment=Environment(str(against.basis)), where=where)


def manifest_of(rows: Rows, watched: Watched, tables: Tables) -> Manifest:
    """The run over these rows, their labels beside them where the monitor wants some."""
    inputs = tuple(tables.inferences_uri(rows.model, version) for version in rows.versions)
    if len(inputs) > 1:  # of some versions nothing may have been imported yet
        inputs = tuple(uri for uri in inputs if found(tables, uri) is not None) or inputs[:1]
    manifest = Manifest(
        inputs, "delta", rows.settings(), columns=watched.columns, monitor=watched.monitor, model=watched.model
    )
    if watched.label is None or not wants_labels(watched) or not _holds(tables, rows.model, watched.label):
        return manifest
    where = {ENVIRONMENT: str(rows.environment)}
    truth = {
        "format": "delta",
        "settings": {"as_of": rows.as_of.isoformat(), "where": where, "time_column": INGESTED},
        "columns": [ID, INGESTED, watched.label],
        "keys": {"id": ID, "time": "_time", "label": watched.label},
    }
    return replace(manifest, columns=(*watched.columns, ID), labels=(tables.actuals_uri(rows.model),), truth=truth)


def _holds(tables: Tables, model: str, label: str) -> bool:
    """Whether a label of this name was ever imported."""
    table = found(tables, tables.actuals_uri(model))
    return table is not None and label in schema_of(table).names


def wants_labels(watched: Watched) -> bool:
    """Whether the monitor judges labels."""
    return getattr(watched.monitor, "ground_truth_attribute", None) is not None


def folder_of(tables: Tables, model: str, monitor: str) -> str:
    """Where a monitor's runs and baselines lie."""
    return f"{tables.root.rstrip('/')}/{name_of(model)}/monitors/{name_of(monitor)}"
