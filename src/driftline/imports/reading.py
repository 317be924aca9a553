"""A file of a job as batches: read whole or not at all, in the version that the ledger knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from driftline.errors import DataError, Unreadable
from driftline.formats.captured import METADATA
from driftline.formats.format import ReadOptions
from driftline.imports import deltas
from driftline.imports.job import ImportJob
from driftline.problems import Problem
from driftline.schemas.columns import Columns
from driftline.schemas.fields import ModelSchema
from driftline.sources import Source, resolve, strictly
from driftline.storage.access import Access

CAPTURE = "capture"
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
    def etag(self) -> str:
        """The version that is read, as the storage calls it."""
        return next((version.etag for version in self.source.versions.values()), "")


def open_file(job: ImportJob, uri: str, schema: ModelSchema | None, access: Access) -> Opened:
    """The file, its format recognised; nothing but its beginning or end is read.

    Calls that were captured have their id and time with them. Where a file has no names of columns, the fields of the
    schema are its columns, in their order. Raises `Unreadable`, `NotFound`, `Denied`, `Invalid`, `StorageUnavailable`.
    """
    place = job.place
    names = None if schema is None else tuple(job.columns.fields.get(each.name, each.name) for each in schema.early)
    settings = {"metadata": True, "plain_numbers": True, **place.settings}
    options = ReadOptions(names or None, select=place.select, settings=settings)
    source = resolve([place.uri if place.format == deltas.FORMAT else uri], access, place.format, options)
    if place.format == deltas.FORMAT:
        source = deltas.only(source, uri)
    formats = [piece.format for task in source.tasks for piece in task.pieces]
    if not formats:
        said = next(iter(source.problems.examples), None)
        reason = said.reason if said else "there is nothing in it"
        raise Unreadable(uri=uri, reason=reason, remedy=said.remedy if said else "")
    return Opened(uri, formats[0], _captured(job.columns) if formats[0] == CAPTURE else job.columns, source)


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


class ChangedFile(DataError):
    """{uri}: the file was rewritten while it was read. {remedy}"""

    def __init__(self, *, uri: str) -> None:
        """Its later version is found by the next look at the source."""
        super().__init__(uri=uri, remedy="Its later version is read by itself.")
