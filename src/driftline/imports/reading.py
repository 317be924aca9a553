"""A file of a job as batches: read whole or not at all, in the version that the ledger knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.captured import METADATA
from driftline.formats.format import ReadOptions
from driftline.imports import deltas
from driftline.imports.job import ImportJob
from driftline.imports.layouts import dated
from driftline.listing import partitions_of
from driftline.problems import Problem
from driftline.schemas.columns import Columns
from driftline.schemas.fields import ModelSchema
from driftline.sources import Source, resolve, strictly
from driftline.storage.access import Access

CAPTURE = "capture"
_TYPED = ("parquet", "arrow", "avro", "delta", "jsonlines")
"""Of documents of JSON the reader gives all values as texts."""

_ID, _TIME = METADATA[0], METADATA[2]


@dataclass(frozen=True)
class Opened:
    """A file that is about to be read: its format, its columns' places, and its rows."""

    uri: str
    format: str
    columns: Columns
    source: Source

    def items(self) -> Iterator[pa.RecordBatch | Problem]:
        """The rows in order, and a problem for each row that could not be read; raises what makes the file unusable."""
        for item in strictly(self.source):
            if isinstance(item, pa.RecordBatch | Problem):
                yield item

    @property
    def typed(self) -> bool:
        """Whether the format knows types, so that a text is meant as one."""
        return self.format in _TYPED

    @property
    def etag(self) -> str:
        """The version that is read, as the storage calls it."""
        return next((version.etag for version in self.source.versions.values()), "")


def open_file(job: ImportJob, uri: str, schema: ModelSchema | None, access: Access) -> Opened:
    """The file, its format recognised; nothing but its beginning or end is read.

    Folders such as `city=Rome/` below the job's path are columns. Calls that were captured have their id and time with
    them. Where a file has no names of columns, the fields of the schema are its columns, in their order. Raises
    `Unreadable`, `NotFound`, `Denied`, `Invalid`, `StorageUnavailable`.
    """
    place = job.place
    folders = partitions_of(uri, place.uri)
    known = () if schema is None else tuple(job.columns.fields.get(each.name, each.name) for each in schema.early)
    names = tuple(each for each in known if each not in folders)
    settings = {"metadata": True, "plain_numbers": True, **place.settings}
    options = ReadOptions(names or None, select=place.select, settings=settings)
    source = resolve(
        [place.uri if place.format == deltas.FORMAT else uri], access, place.format, options, below=place.uri
    )
    if place.format == deltas.FORMAT:
        source = deltas.only(source, uri)
    formats = [piece.format for task in source.tasks for piece in task.pieces]
    if not formats:
        said = next(iter(source.problems.examples), None)
        reason = said.reason if said else "there is nothing in it"
        raise Unreadable(uri=uri, reason=reason, remedy=said.remedy if said else "")
    columns = _captured(job.columns) if formats[0] == CAPTURE else job.columns
    return Opened(uri, formats[0], _undated(columns, uri.removeprefix(place.uri), known), source)


def _undated(columns: Columns, key: str, known: Collection[str]) -> Columns:
    """The columns, those excluded that are only the date in the folders of a key, unless somebody names them.

    >>> _undated(Columns(exclude=("a",)), "city=Rome/dt=2026-11-21/hr=13/x.csv", ("hr",)).exclude
    ('a', 'dt')
    """
    date = dated(key)
    found = [each.partition("=")[0] for each in (date.form.split("/") if date else ()) if "=" in each]
    own = (columns.id, columns.timestamp, columns.version, columns.batch)
    named = {*own, *columns.fields.values(), *chain.from_iterable(columns.lists.values()), *known, *columns.exclude}
    return replace(columns, exclude=(*columns.exclude, *(each for each in found if each not in named)))


def _captured(columns: Columns) -> Columns:
    """The columns of captured calls: their ids and times are known unless others are named."""
    others = [name for name in METADATA if name not in (columns.id or _ID, columns.timestamp or _TIME)]
    return Columns(
        columns.id or _ID,
        columns.timestamp or _TIME,
        columns.version,
        columns.batch,
        columns.fields,
        columns.prefixes,
        columns.lists,
        (*columns.exclude, *others),
    )
