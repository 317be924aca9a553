"""Streams as Arrow reads them best, and what of a file's columns is wanted at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.format import ReadOptions
from driftline.formats.sql.expressions import parse
from driftline.formats.sql.plan import sources

MOST_ROWS = 1 << 20
"""No batch holds more rows than this."""


def local_path(stream: BinaryIO) -> str | None:
    """The path of a stream over a plain file, else None."""
    raw: Any = getattr(stream, "raw", None)
    return raw.name if isinstance(raw, io.FileIO) and isinstance(raw.name, str) else None


@contextmanager
def native(stream: BinaryIO, *, mapped: bool = False) -> Iterator[Any]:
    """Arrow's own file over the same bytes.

    Plain files are opened once more by Arrow, which then reads without Python; `mapped` shares their pages instead
    of copying. Any other stream is called back, one thread at a time.
    """
    path = local_path(stream)
    if path is None:
        stream.seek(0)
        source = pa.PythonFile(stream, mode="r")
    else:
        source = pa.memory_map(path) if mapped and os.fstat(stream.fileno()).st_size else pa.OSFile(path)
    with source:
        yield source


def version_of(stream: BinaryIO) -> str | None:
    """Something that changes when the bytes do, or None if that cannot be known."""
    raw: Any = getattr(stream, "raw", None)
    if isinstance(raw, io.FileIO):
        found = os.fstat(raw.fileno())
        return f"{found.st_dev:x}-{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
    version = getattr(raw, "version", None)
    return str(version) if version else None


def wanted(names: Sequence[str], options: ReadOptions) -> list[int]:
    """The places of the columns that the expressions need, or where there are none those of `columns` and `exclude`.

    A chosen name may be that of something nested (`address.city`), which needs the column it begins with; so a few
    more than necessary may be kept, which the transform drops later.

    >>> wanted(["a", "ab", "address"], ReadOptions(columns=("ab", "address.city")))
    [1, 2]
    """
    if options.select:
        return _expressed(names, options.select)
    kept = [place for place, name in enumerate(names) if name not in options.exclude]
    if options.columns is None:
        return kept
    return [place for place in kept if any(_begins(chosen, names[place]) for chosen in options.columns)]


def _expressed(names: Sequence[str], select: Sequence[str]) -> list[int]:
    found = set(sources([parse(text) for text in select], names))
    return [place for place, name in enumerate(names) if name in found]


def _begins(chosen: str, name: str) -> bool:
    return chosen == name or (chosen.startswith(name) and not chosen[len(name)].isalnum())


def sliced(batches: Iterable[pa.RecordBatch], most: int = MOST_ROWS) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at most `most` rows, without a copy."""
    for batch in batches:
        for start in range(0, max(batch.num_rows, 1), most):
            yield batch.slice(start, most)


def batch_of(columns: Sequence[pa.Array], names: Sequence[str], rows: int) -> pa.RecordBatch:
    """A record batch that knows its number of rows even if it has no column.

    >>> batch_of([], [], 7).num_rows
    7
    """
    if not columns:
        return pa.RecordBatch.from_struct_array(pa.StructArray.from_buffers(pa.struct([]), rows, [None]))
    return pa.RecordBatch.from_arrays(list(columns), names=list(names))


@contextmanager
def decoding(uri: str, kind: str) -> Iterator[None]:
    """Run a block in which Arrow decodes `uri`, and tell its complaints as `Unreadable`.

    Errors of the storage come through as they are, since Arrow hands them on.
    """
    try:
        yield
    except pa.ArrowNotImplementedError as error:
        remedy = f"Write the file with other options, or convert it to another {kind} file first."
        raise Unreadable(uri=uri, reason=_words(error), remedy=remedy) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        remedy = f"It is damaged, cut short or not {kind}: write or copy it again, or name its format."
        raise Unreadable(uri=uri, reason=_words(error), remedy=remedy) from error


def _words(error: Exception) -> str:
    """The first sentence of Arrow's message; it likes to add advice for C++ programmers."""
    return " ".join(str(error).split())[:300] or type(error).__name__
