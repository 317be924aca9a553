"""How the tests of formats of text write a file, and what a format gives of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from binaries import local

from driftline.formats.format import Format, Item, ReadOptions
from driftline.problems import Problem


def items(form: Format, path: Path, options: ReadOptions | None = None) -> Iterator[Item]:
    """Everything a format gives of a file, part by part."""
    options = options or ReadOptions()
    for part in form.split(str(path), path.stat().st_size, local, options):
        yield from form.read(part, local, options)


def read(form: Format, path: Path, **settings: Any) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows and problems."""
    names = settings.pop("names", None)
    found = list(items(form, path, ReadOptions(names=names, settings=settings)))
    rows = [row for item in found if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]
    return rows, [item for item in found if isinstance(item, Problem)]


def wrote(path: Path, data: bytes | str) -> Path:
    """The file with these contents."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path
