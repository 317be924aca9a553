"""Avro: a part is a run of blocks, decoded by fastavro and turned into columns."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.avroblocks import Block, Header, blocks_of, content_of, framed, header_of
from driftline.formats.avrotypes import Shape, columns_of, shape_of, without_logic
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.natives import batch_of, local_path, wanted
from driftline.problems import Problem

BATCH_ROWS = 65_536
BATCH_BYTES = 8 << 20
PART_BYTES = 16 << 20

_DAMAGED = (EOFError, IndexError, KeyError, TypeError, ValueError, struct.error, pa.ArrowException)
"""What fastavro and Arrow raise for rows that do not fit their schema."""


@dataclass(frozen=True)
class Avro:
    """Avro object container files; `start`/`stop` of a part are bytes at the edges of blocks."""

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:  # noqa: ARG002
        """Runs of blocks of about `PART_BYTES`; one part where going through the blocks would mean a download."""
        with opener(uri) as stream:
            header = header_of(uri, stream)
            if local_path(stream) is None:
                return (Part(uri, 0, None, size=size),)
            end = stream.seek(0, 2)
            runs = list(_runs(_whole_blocks(uri, stream, header, end)))
        parts = [Part(uri, run[0].start, run[-1].stop, _rows(run), run[-1].stop - run[0].start) for run in runs]
        done = runs[-1][-1].stop if runs else header.length
        if done == end:
            return parts or (Part(uri, end, end, rows=0, size=size),)
        return (*parts, Part(uri, done, None, size=end - done))

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Batches of at most `BATCH_ROWS` rows; a damaged block is a problem, and the next one is read again."""
        with opener(part.uri) as stream:
            header = header_of(part.uri, stream)
            rows = _Rows(part.uri, header, options)
            stop = stream.seek(0, 2) if part.stop is None else part.stop
            start = max(part.start, header.length)
            nothing = True
            for item in rows.read(stream, blocks_of(part.uri, stream, header, start, stop)):
                nothing = False
                yield item
            if nothing:  # the columns are known all the same
                yield rows.batch([])


def _whole_blocks(uri: str, stream: BinaryIO, header: Header, end: int) -> Iterator[Block]:
    """The blocks up to the end or to a damage; of that tells whoever reads the last part."""
    with suppress(Unreadable):
        yield from blocks_of(uri, stream, header, header.length, end)


def _rows(run: Sequence[Block]) -> int:
    return sum(block.rows for block in run)


def _runs(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    run: list[Block] = []
    for block in blocks:
        run.append(block)
        if run[-1].stop - run[0].start >= PART_BYTES:
            yield run
            run = []
    if run:
        yield run


class _Rows:
    """Turns blocks into record batches."""

    def __init__(self, uri: str, header: Header, options: ReadOptions) -> None:
        self._uri = uri
        self._header = header
        self._schema = without_logic(header.schema)
        try:
            columns = columns_of(header.schema)
            self._bare = columns is None
            self._columns: dict[str, Shape] = {"value": shape_of(header.schema, {})} if columns is None else columns
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            reason = f"the schema in the header cannot be understood: {error!r}"
            raise Unreadable(uri=uri, reason=reason, remedy="Write it again with a valid schema.") from error
        names = list(self._columns)
        self._wanted = [names[place] for place in wanted(names, options)]

    def read(self, stream: BinaryIO, blocks: Iterable[Block]) -> Iterator[Item]:
        """The rows of all blocks; small blocks are decoded together."""
        pending: list[tuple[Block, bytes]] = []
        weight = 0.0
        try:
            for block in blocks:
                try:
                    pending.append((block, content_of(stream, self._header, block)))
                except ValueError as error:
                    yield self._problem(block, error)
                    continue
                weight += max(block.rows / BATCH_ROWS, len(pending[-1][1]) / BATCH_BYTES)
                if weight >= 1:
                    yield from self._decode(pending)
                    pending, weight = [], 0.0
        except Unreadable:  # what stands before the damage is given first
            yield from self._decode(pending)
            raise
        yield from self._decode(pending)

    def _decode(self, pending: list[tuple[Block, bytes]]) -> Iterator[Item]:
        import fastavro
        from fastavro.schema import SchemaParseException

        if not pending:
            return
        try:
            file = framed(self._schema, [(block.rows, data) for block, data in pending])
            rows = iter(fastavro.reader(io.BytesIO(file)))
            batches = []
            while some := list(islice(rows, BATCH_ROWS)):
                batches.append(self.batch(some))
        except SchemaParseException as error:
            raise Unreadable(uri=self._uri, reason=str(error), remedy="Write it again with a valid schema.") from error
        except _DAMAGED as error:
            if len(pending) == 1:
                yield self._problem(pending[0][0], error)
            else:
                for each in pending:
                    yield from self._decode([each])
        else:
            yield from batches

    def _problem(self, block: Block, error: Exception) -> Problem:
        reason = f"the {block.rows} rows of the block at byte {block.start} are damaged: {error!r}"
        return Problem(self._uri, reason[:300], remedy="Write or copy the file again.", rows=block.rows)

    def batch(self, rows: list[Any]) -> pa.RecordBatch:
        """Rows as columns."""
        if self._bare:
            arrays = [self._columns[name].array(rows) for name in self._wanted]
        else:
            arrays = [self._columns[name].array([row[name] for row in rows]) for name in self._wanted]
        return batch_of(arrays, self._wanted, len(rows))
