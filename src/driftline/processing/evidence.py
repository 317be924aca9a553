"""What an execution leaves to look at: what it read, distributions of its columns, and rows behind its violations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.baselines import Baseline, read_json
from driftline.catalog import Catalog, executions, logs, resources
from driftline.catalog.executions import Execution
from driftline.documents import statistics as statistics_document
from driftline.documents import violations as violations_document
from driftline.errors import Conflict, NotFound
from driftline.manifest import Manifest, World
from driftline.modelmonitors.selection import REJECTED, Selection, rows_of
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.verdict import Violation
from driftline.papers import STATISTICS, VIOLATIONS
from driftline.processing.contract import Contract
from driftline.processing.jobs import KIND as JOB
from driftline.profile import Profile
from driftline.reading import source_of
from driftline.sources import Task, read
from driftline.storage.access import Access

MOST_ROWS = 1_000_000
"""So many rows are looked through for those behind a violation."""

_READ = re.compile(r"(\d+) rows read, (\d+) problems")
"""The line of an analysis that tells how many rows it read."""
_FILES = 200


@dataclass(frozen=True)
class Inputs:
    """What an execution read: folders of hours or objects, each file with its size in bytes, rows and problems.

    `rows` and `problems` are None where the analysis did not tell; `files` are the first ones of `count`.
    """

    folders: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    count: int = 0
    size: int = 0
    rows: int | None = None
    problems: int | None = None


@dataclass(frozen=True)
class Row:
    """A row behind a violation: its file, its place among the rows of that file from 1, and its values."""

    uri: str
    place: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """Some of the rows behind a violation, in words which; `complete` if all rows of the execution were looked at."""

    selection: Selection
    rows: tuple[Row, ...] = ()
    complete: bool = True


def inputs_of(catalog: Catalog, found: Execution) -> Inputs:
    """What the execution read; empty for one without a job."""
    if found.job is None:
        return Inputs()
    with catalog.read() as tx:
        body = resources.get(tx, JOB, found.job).body
        told = next((m for line in logs.read(tx, found.job) if (m := _READ.fullmatch(line.text))), None)
    manifest = body.get("Manifest") or {}
    own = {manifest.get(name) for name in ("statistics", "constraints", "preprocess")}
    objects = {uri: each for uri, each in (manifest.get("objects") or {}).items() if uri not in own}
    sizes = [(uri, int(each.get("size") or 0)) for uri, each in sorted(objects.items())]
    return Inputs(
        tuple(each.uri for each in Contract.of(found.job, body).data()),
        tuple(sizes[:_FILES]),
        len(sizes),
        sum(size for _, size in sizes),
        None if told is None else int(told[1]),
        None if told is None else int(told[2]),
    )


def profiles_of(body: Mapping[str, Any], name: str, access: Access) -> tuple[Profile | None, Profile]:
    """The profiles of the baseline and of the window of a data-quality job, from the statistics that are kept of them.

    Raises `Conflict` for a job that kept no statistics of columns.
    """
    manifest = body.get("Manifest")
    if not manifest or not isinstance(Manifest.of(manifest).monitor, DataQuality):
        raise Conflict(what="job", name=name, reason="it kept no statistics of columns")
    known = manifest.get("statistics")
    folder = Contract.of(name, body).result()
    now = statistics_document.read(read_json(f"{folder}/{STATISTICS}", access))
    return None if known is None else Baseline.read(known, None, access).profile, now


def rows_behind(catalog: Catalog, identity: str, place: int, access: Access, *, limit: int = 50) -> Rows:
    """The first rows that the violation at this place, from 0, is about; the objects are read again for it.

    Raises `NotFound` for a violation that there is not, and `Conflict` for an execution whose rows are not known.
    """
    with catalog.read() as tx:
        found = executions.beginning(tx, identity)
        body = {} if found.job is None else resources.get(tx, JOB, found.job).body
    if found.job is None or not body.get("Manifest"):
        raise Conflict(what="execution", name=found.id, reason="it kept no manifest of what it read")
    before, now = profiles_of(body, found.job, access)
    manifest = Manifest.of(body["Manifest"])
    folder = Contract.of(found.job, body).result()
    told = violations_document.read(read_json(f"{folder}/{VIOLATIONS}", access))
    if not 0 <= place < len(told):
        remedy = f"There are those from 0 to {len(told) - 1}." if told else "It has none."
        raise NotFound(what=f"violation of execution {found.id}", name=str(place), remedy=remedy)
    baseline = replace(Baseline.read(None, manifest.constraints, access, manifest.monitor), profile=before)
    return _selected(manifest, told[place], baseline, now, access, limit)


def _selected(
    manifest: Manifest, violation: Violation, baseline: Baseline, now: Profile, access: Access, limit: int
) -> Rows:
    selection = rows_of(violation, manifest.monitor, baseline, now)
    selection = replace(selection, said=selection.said.removesuffix(REJECTED))
    if selection.condition is None:
        return Rows(selection)
    kept, looked = list[Row](), 0
    for uri, first, batch in _batches(manifest, baseline.names, access):
        looked += batch.num_rows
        chosen = np.flatnonzero(selection.condition.mask(batch))
        for at in chosen[: limit - len(kept)].tolist():
            kept.append(Row(uri, first + at, batch.slice(at, 1).to_pylist()[0]))
        if len(kept) >= limit or looked >= MOST_ROWS:
            return Rows(selection, tuple(kept), complete=False)
    return Rows(selection, tuple(kept))


def _batches(
    manifest: Manifest, names: Sequence[str] | None, access: Access
) -> Iterator[tuple[str, int, pa.RecordBatch]]:
    """All rows, each batch with its file and the place of its first row there."""
    source = source_of(manifest, World(access), None if names is None else tuple(names))
    passed: dict[str, int] = {}
    for piece in (piece for task in source.tasks for piece in task.pieces):
        uri = piece.part.uri
        for item in read(Task((piece,), 0), source):
            if isinstance(item, pa.RecordBatch) and item.num_rows:
                first = passed.get(uri, 0) + 1
                passed[uri] = first + item.num_rows - 1
                yield uri, first, item
