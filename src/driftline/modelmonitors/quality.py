"""How good a model was in any window, version or segment: rows joined with their labels, within bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import Catalog
from driftline.catalog.hours import Subject
from driftline.errors import CallerError, EmptyWindow, NotFound
from driftline.inferences.slices import Segment, bounded
from driftline.inferences.tables import Tables
from driftline.manifest import World
from driftline.modelmonitors import register
from driftline.modelmonitors.inputs import manifest_of, rows_of
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.modelmonitors.watched import Watched, watched
from driftline.monitors.model_quality import ModelQuality
from driftline.reading import observe
from driftline.registry import ModelVersion
from driftline.schemas.fields import Environment
from driftline.window import Window


@dataclass(frozen=True)
class Figures:
    """What labels show of the rows of a window: figures by name, of `labelled` of `rows` rows.

    `since` if rows before it were not read. Without figures `reason` says why.
    """

    rows: int = 0
    labelled: int = 0
    since: datetime | None = None
    problem_type: str = ""
    figures: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""


def figures_of(
    catalog: Catalog, tables: Tables, subject: Subject, window: Window, segment: Segment | None = None
) -> Figures:
    """The figures of a window, by the settings of the model's first monitor of quality, or else by its schema.

    Of more rows than `slices.MOST` those of the last hours are read.
    """
    with catalog.read() as tx:
        version = registry.get_version(tx, subject.model, subject.version)
        asked = _monitor(tx, subject, segment)
    try:
        seen = watched(asked, version.type, [version.schema])
    except CallerError as error:
        return Figures(reason=str(error))
    cut, is_whole = bounded(catalog, subject, window)
    return _measured(asked, seen, version, cut, None if is_whole else cut.start, catalog.clock(), tables)


def _measured(
    asked: ModelMonitor,
    seen: Watched,
    version: ModelVersion,
    window: Window,
    since: datetime | None,
    as_of: datetime,
    tables: Tables,
) -> Figures:
    manifest = manifest_of(rows_of(asked, (version.version,), window, as_of), seen, tables)
    try:
        found = observe(manifest, World(), judging=True)
    except (EmptyWindow, NotFound):
        return Figures(since=since, reason="There are no rows.")
    assert isinstance(seen.monitor, ModelQuality)
    quality = seen.monitor.measure(found.profile)
    labelled = found.coverage.labelled if found.coverage else quality.labelled
    told = {each.name: each.value if isfinite(each.value) else None for each in quality.figures}
    reason = "" if quality.labelled else "No row has both a prediction and a label."
    figures = told if quality.labelled else {}
    return Figures(found.profile.rows, labelled, since, quality.problem_type, figures, reason)


def _monitor(tx: Connection, subject: Subject, segment: Segment | None) -> ModelMonitor:
    """What looks at these rows: never kept, only asked."""
    known = [each for each in register.of_model(tx, subject.model) if each.kind == ModelQuality.kind]
    settings, label = (known[0].settings, known[0].label) if known else ({}, None)
    where = {} if segment is None else {segment.field: segment.value or None}
    environment = Environment(subject.environment)
    return ModelMonitor(
        subject.model, "asked", ModelQuality.kind, settings, subject.version, environment, where, label=label
    )
