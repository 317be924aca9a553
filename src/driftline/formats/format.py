"""The seam between bytes and record batches: a format splits an object into parts and reads a part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, TypeAlias

import pyarrow as pa

from driftline.identities import Seen
from driftline.problems import Problem

Item: TypeAlias = pa.RecordBatch | Problem | Seen
"""Rows, something that was left out, or (of calls) the ids of the rows' records."""


class Opener(Protocol):
    """How a format gets at bytes without knowing where they lie."""

    def __call__(self, uri: str) -> BinaryIO:
        """A seekable binary stream of the object."""
        ...


@dataclass(frozen=True)
class ReadOptions:
    """How to read, whatever the format; a plain value that travels with the parts.

    `names` are the columns' names given from outside (a baseline's, in order), used where the data has none.
    `columns`/`exclude` choose columns by name after flattening and expressions. `settings` are the format's own
    (`header`, `separator`, `quote`, `encoding`, `compression`, `null_values`, `lines`, `version`, …). `location`
    holds what a format needs to reach a table by itself (Delta): options of the storage, never logged.
    """

    names: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    location: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Part:
    """A piece of an object that is read on its own; concatenating the parts of an object gives the object.

    `start`/`stop` mean bytes for text formats and row groups for Parquet, `stop` None meaning to the end. `rows` is
    known or None. `size` in bytes weighs the part for grouping and progress. `first_line` (from 1) makes line
    numbers in problems right. `constants` are columns that stand in the path (hive partitions) or a table's log;
    `schema` are the columns that a table's log promises, of which an old file may lack some.
    """

    uri: str
    start: int = 0
    stop: int | None = None
    rows: int | None = None
    size: int = 0
    first_line: int = 1
    constants: Mapping[str, Any] = field(default_factory=dict)
    schema: pa.Schema | None = None


class Format(Protocol):
    """Bytes of one format."""

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """The parts of the object at `uri`, in order; raises `Unreadable` when it is not of this format."""
        ...

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """The rows of a part as record batches of bounded size, with a `Problem` for everything left out.

        Text without types comes as string columns (or dictionaries of strings); empty means null. Raises
        `Unreadable` when nothing more can be read of this part.
        """
        ...
