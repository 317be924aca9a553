"""JSON lines: an object a line; numbers keep their kind, since 3 and 3.0 differ to SageMaker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from driftline.formats import records
from driftline.formats.blocks import Block, blocks_of, cut_file, cut_unread, numbered
from driftline.formats.ducks import Malformed, duck
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.natives import batch_of
from driftline.formats.quickjson import Inexact, QuickJson
from driftline.formats.text import ODD, excerpt, is_plain, no_text
from driftline.problems import Problem

PIECE = 16 << 20
"""Plain files on this machine are cut into parts of this size."""

LARGE = 128 << 20
"""Larger files are cut without counting their lines: SageMaker reads them in several partitions anyway."""


def cut_lines(uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
    """Byte ranges between lines for plain local files, else one part."""
    local = "://" not in uri or uri.startswith("file://")
    if not local or size <= PIECE or not is_plain(uri, opener, options.settings):
        return (Part(uri, size=size),)
    return cut_unread(uri, size, opener, PIECE) if size > LARGE else cut_file(uri, opener, piece=PIECE)


@dataclass(frozen=True)
class JsonLines:
    """One JSON object a line. Nested objects become columns `a.b`; new keys become new columns.

    Settings: `encoding`. gzip, bzip2 and zstd are unpacked. A line that is no JSON object is left out and told.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """Byte ranges between lines for plain local files, else one part."""
        return cut_lines(uri, size, opener, options)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Blocks of lines as batches."""
        yield from numbered(self._read(part, opener, options), part, opener)

    def _read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        quick = QuickJson(plain=bool(options.settings.get("plain_numbers")))
        for block in blocks_of(part, opener, options.settings):
            yield from read_block(block, part.uri, quick, options.settings)


def read_block(block: Block, uri: str, quick: QuickJson, settings: Mapping[str, Any]) -> Iterator[Item]:
    """The objects of a block as one batch, after a problem for each line that is none."""
    if not block.data.strip():
        return
    block, remarks = _mended(block, uri, settings)
    yield from remarks
    try:
        yield _counted(quick.rows(block.data), block.data)
    except Inexact:
        yield from _read_exactly(block, uri)


def _counted(batch: pa.RecordBatch, lines: bytes) -> pa.RecordBatch:
    """The batch of these lines; one without columns, of objects without members, may not know its rows."""
    return batch if batch.num_columns else batch_of([], [], sum(1 for line in lines.split(b"\n") if line.strip()))


def _mended(block: Block, uri: str, settings: Mapping[str, Any]) -> tuple[Block, list[Problem]]:
    """The block as UTF-8: bytes that are none become the replacement character, and the first such line is told."""
    try:
        block.data.decode()
    except UnicodeDecodeError as error:
        line = block.first_line + block.data.count(b"\n", 0, error.start)
        reason, remedy = no_text(block.data, error, settings)
        reason += "; such bytes are read as \N{REPLACEMENT CHARACTER} from here on"
        text = block.data.replace(ODD, b"\xff").decode("utf-8", "replace").encode()
        return replace(block, data=text), [Problem(uri, reason, line, remedy=remedy, rows=0)]
    return block, []


def _read_exactly(block: Block, uri: str) -> Iterator[Item]:
    lines = block.data.split(b"\n")
    try:
        if any(line.strip() and line.lstrip()[:1] != b"{" for line in lines):
            raise Malformed("a line is no object")
        yield duck().rows(block.data)
    except Malformed:
        yield from _read_one_by_one(lines, block.first_line, uri)


def _read_one_by_one(lines: Sequence[bytes], first_line: int, uri: str) -> Iterator[Item]:
    """Leave out what is no object, and read the rest; in Python if DuckDB still cannot."""
    kept, found = list[bytes](), list[dict[str, Any]]()
    for place, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            value = records.load(line)
            if not isinstance(value, dict):
                raise ValueError(f"a {type(value).__name__}, not an object")
        except ValueError as error:
            remedy = "Each line must be one JSON object; a whole document is --format json."
            reason, before = f"no JSON object: {error}", len(kept)
            yield Problem(uri, reason, first_line + place, value=excerpt(line), remedy=remedy, before=before)
            continue
        kept.append(line)
        found.append(value)
    if not kept:
        return
    try:
        yield duck().rows(b"\n".join(kept) + b"\n")
    except Malformed:
        yield _counted(records.batch_of(map(records.flat, found)), b"\n".join(kept))
