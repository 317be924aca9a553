"""Where labels lie and how they get into an index: files of any format, in the order in which they count."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import NotFound
from driftline.formats.format import ReadOptions
from driftline.formats.ground_truth import WHOLE
from driftline.labels.index import IN_MEMORY, Gathering, Index
from driftline.labels.keys import Keys
from driftline.labels.moments import hour_in
from driftline.listing import glob_pattern
from driftline.problems import Problem, Problems
from driftline.profile.arrow import mask_of
from driftline.profile.hashing import Hashes, hash_texts
from driftline.sources import Source, Task, read, resolve
from driftline.storage.access import Access
from driftline.storage.storage import Object
from driftline.storage.storages import storage_for

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Truth:
    """Files of labels, as a plain value: `inputs` are paths, globs, folders or URIs.

    They hold SageMaker's ground truth records, or tables (CSV, Parquet, Avro, ...) with an id or a time and a label
    (see `Keys`). `settings` are those of the format. `whole` keeps SageMaker's records undivided, which the merge
    wants. `in_memory` labels are held in memory; more are kept in a temporary folder. `columns` are all that is read of
    tables, and labels count only if the hash of their key is among those in `only`, which are sorted.
    """

    inputs: tuple[str, ...]
    format: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    whole: bool = False
    in_memory: int = IN_MEMORY
    columns: tuple[str, ...] | None = None
    only: Hashes | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Indexed:
    """The labels that were found, the objects they came from, and what in them could not be used."""

    index: Index
    objects: tuple[str, ...] = ()
    problems: Problems = field(default_factory=Problems)


@contextmanager
def indexed(truth: Truth, access: Access) -> Iterator[Indexed]:
    """All labels, as long as they are needed: what does not fit into memory lies in a temporary folder until then.

    An input that matches nothing holds no labels yet. Raises `SchemaMismatch` for tables without a label or an id.
    """
    settings = {**truth.settings, "whole": True} if truth.whole else truth.settings
    inputs = [each for each in truth.inputs if _is_there(each, truth.format, access)]
    options = ReadOptions(columns=truth.columns, settings=settings)
    source = resolve(inputs, access, truth.format, options) if inputs else Source(access=access, options=options)
    with tempfile.TemporaryDirectory(prefix="driftline-labels-") as folder:
        gathering, problems = Gathering(Path(folder), truth.in_memory), source.problems
        for batch in _read(source):
            if isinstance(batch, Problem):
                problems = problems.add(batch)
            else:
                labels = truth.keys.labels(*batch)
                if truth.only is not None:
                    labels = labels.filter(mask_of(_among(hash_texts(labels["id"]), truth.only)))
                is_table = truth.whole and batch[0].schema.names != WHOLE.names
                gathering.add(_quoted(labels) if is_table else labels)
        yield Indexed(gathering.index(), source.objects, problems)


def _among(hashes: Hashes, only: Hashes) -> npt.NDArray[np.bool_]:
    """Which hashes are among the sorted ones."""
    if not len(only):
        return np.zeros(len(hashes), dtype=np.bool_)
    places = np.minimum(np.searchsorted(only, hashes), len(only) - 1)
    return np.asarray(only[places] == hashes)


def _quoted(labels: pa.RecordBatch) -> pa.RecordBatch:
    """Labels of a table as values of CSV, which records hold them as."""
    texts = labels["label"]
    if not pc.any(pc.match_substring_regex(texts, '[,"\n]')).as_py():
        return labels
    found = []
    for text in texts.to_pylist():
        written = io.StringIO()
        csv.writer(written, lineterminator="").writerow([text])
        found.append(None if text is None else written.getvalue())
    return labels.set_column(labels.schema.names.index("label"), "label", pa.array(found, pa.string()))


def fingerprint(inputs: Sequence[str], access: Access) -> str:
    """A text that changes with every object of labels that comes, goes or changes; empty if there are none.

    Whoever keeps it with a window that was looked at can tell whether to look again.
    """
    return fingerprint_of(each for root in inputs for each in _objects(root, access))


def fingerprint_of(objects: Iterable[Object]) -> str:
    """The same of objects that are listed already, in any order."""
    found = sorted({each.uri: each for each in objects}.items())
    told = "\n".join(f"{uri} {each.etag} {each.size}" for uri, each in found)
    return sha256(told.encode()).hexdigest() if found else ""


def _is_there(given: str, format: str | None, access: Access) -> bool:
    """Whether there is anything at an input; of a table the log tells, however many files it has."""
    return bool(_objects(f"{given.rstrip('/')}/_delta_log/" if format == "delta" else given, access))


def _objects(given: str, access: Access) -> list[Object]:
    """The objects of an input with their marks; none if nothing is there yet. Raises `NotFound` for a bucket."""
    root = given[: found.start()].rpartition("/")[0] + "/" if (found := _GLOB.search(given)) else given
    try:
        objects = [each for each in storage_for(root, access).list(root) if each.size]
    except NotFound as error:
        if error.facts["what"] == "bucket":
            raise
        return []
    return [each for each in objects if glob_pattern(given).fullmatch(each.uri)] if found else objects


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
