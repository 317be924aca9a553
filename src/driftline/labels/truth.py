"""Where labels lie and how they get into an index: files of any format, in the order in which they count."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from driftline.formats.format import ReadOptions
from driftline.labels.index import IN_MEMORY, Gathering, Index
from driftline.labels.keys import Keys
from driftline.labels.moments import hour_in
from driftline.problems import Problem, Problems
from driftline.sources import Source, Task, read, resolve
from driftline.storage.access import Access


@dataclass(frozen=True)
class Truth:
    """Files of labels, as a plain value: `inputs` are paths, globs, folders or URIs.

    They hold SageMaker's ground truth records, or tables (CSV, Parquet, Avro, ...) with an id or a time and a label
    (see `Keys`). `settings` are those of the format. `whole` keeps SageMaker's records undivided, which the merge
    wants. `in_memory` labels are held in memory; more are kept in a temporary folder.
    """

    inputs: tuple[str, ...]
    format: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    whole: bool = False
    in_memory: int = IN_MEMORY


@dataclass(frozen=True)
class Indexed:
    """The labels that were found, the objects they came from, and what in them could not be used."""

    index: Index
    objects: tuple[str, ...] = ()
    problems: Problems = field(default_factory=Problems)


@contextmanager
def indexed(truth: Truth, access: Access) -> Iterator[Indexed]:
    """All labels, as long as they are needed: what does not fit into memory lies in a temporary folder until then.

    Raises `NotFound` for an input that matches nothing, `SchemaMismatch` for tables without a label or an id.
    """
    settings = {**truth.settings, "whole": True} if truth.whole else truth.settings
    source = resolve(truth.inputs, access, truth.format, ReadOptions(settings=settings))
    with tempfile.TemporaryDirectory(prefix="driftline-labels-") as folder:
        gathering, problems = Gathering(Path(folder), truth.in_memory), source.problems
        for batch in _read(source):
            if isinstance(batch, Problem):
                problems = problems.add(batch)
            else:
                gathering.add(truth.keys.labels(*batch))
        yield Indexed(gathering.index(), source.objects, problems)


def _read(source: Source) -> Iterator[tuple[pa.RecordBatch, int | None] | Problem]:
    """The batches of all files, with the hour in which the labels were collected, as far as the path tells."""
    for piece in (piece for task in source.tasks for piece in task.pieces):
        hour = hour_in(piece.part.uri)
        collected = None if hour is None else int(hour.timestamp())
        for item in read(Task((piece,), piece.part.size), source):
            if isinstance(item, Problem):
                yield item
            elif isinstance(item, pa.RecordBatch) and item.num_rows:
                yield item, collected
