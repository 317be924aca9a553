"""Blocks of CSV to batches of text columns; rows that cannot be read become problems."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.blocks import Block, line_ends
from driftline.formats.dialect import Dialect, texts
from driftline.formats.format import Item, ReadOptions
from driftline.formats.quotes import lines_of, row_end, row_ends, suspects
from driftline.formats.text import ODD, excerpt
from driftline.problems import Problem

FEW = 4096
"""A column with fewer distinct values than this in a block comes as a dictionary in the next."""

_SAMPLE = 1 << 18
"""Bytes of the first block that tell which columns repeat themselves; a smaller block is not worth it."""


class Reader:
    """Parses the blocks of one part; remembers which columns repeat themselves, to read them as dictionaries."""

    def __init__(self, uri: str, dialect: Dialect, names: tuple[str, ...], options: ReadOptions) -> None:
        """`options` may leave out columns, which are then not even converted."""
        self._uri, self._dialect, self._names = uri, dialect, names
        self._encoding = str(options.settings.get("encoding") or "utf-8")
        self._kinds: dict[str, pa.DataType] = dict.fromkeys(names, pa.string())
        self._learnt = False
        self._nulls = ["", *texts(options.settings.get("null_values") or [])]
        self._wanted = [name for name in names if name not in options.exclude]
        if options.columns is not None:
            self._wanted = [name for name in self._wanted if name in options.columns]
        if options.select or not self._wanted:
            self._wanted = list(names)

    def read(self, block: Block) -> Iterator[Item]:
        """The rows of a block as one batch, after a problem for each row that is left out."""
        if block.unclosed:
            remedy = "Close the quote, or set quote=false with --read-option."
            value = excerpt(block.data)
            yield Problem(self._uri, "a quote that opens here is never closed", block.first_line, None, value, remedy)
            return
        if self._dialect.comment:
            block = _without_comments(block, self._dialect.comment)
        if not self._learnt and len(block.data) > 4 * _SAMPLE:
            self._learn_from(block)
        problems: list[Problem] = []
        try:
            table = self._parse(block, problems)
        except pa.ArrowInvalid as error:
            problems = []
            mended = self._without_odd_bytes(block, problems)
            if not problems:
                raise Unreadable(uri=self._uri, line=block.first_line, reason=str(error)) from error
            table = self._parse(mended, problems)
        yield from self._suspicions(block)
        yield from sorted(problems, key=lambda problem: problem.line or 0)
        if table is not None and table.num_rows:
            batch = table.combine_chunks().to_batches()[0]
            self._learn(batch)
            yield batch

    def _suspicions(self, block: Block) -> Iterator[Problem]:
        """A remark for each quote that seems to have been left open, and to have swallowed lines."""
        for place in suspects(block.data, self._dialect.quoting).tolist():
            line = block.first_line + block.data.count(b"\n", 0, place)
            value = excerpt(block.data[place:])
            reason = "a quoted value runs over several lines, and text follows it: a quote may be left open"
            remedy = "Close or double the quote, or read without quotes: --read-option quote=false."
            yield Problem(self._uri, reason, line, value=value, remedy=remedy, rows=0)

    def _parse(self, block: Block, problems: list[Problem]) -> pa.Table | None:
        from pyarrow import csv

        if not block.data.strip(b"\r\n"):
            return None
        refused: list[tuple[int, Any]] = []

        def refuse(row: Any) -> str:
            refused.append((row.number or 1, row))
            return "skip"

        table = csv.read_csv(
            io.BytesIO(block.data),
            csv.ReadOptions(use_threads=False, block_size=len(block.data) + 1, column_names=self._names),
            csv.ParseOptions(
                delimiter=self._dialect.separator,
                quote_char=self._dialect.quote or False,
                escape_char=self._dialect.escape or False,
                newlines_in_values=self._dialect.quote is not None,
                invalid_row_handler=refuse,
            ),
            csv.ConvertOptions(
                column_types=self._kinds,
                null_values=self._nulls,
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                include_columns=self._wanted,
            ),
        )
        problems += self._told(block, refused)
        return table

    def _told(self, block: Block, refused: list[tuple[int, Any]]) -> Iterator[Problem]:
        """Rows of another width; pyarrow counts those that are not blank, from 1."""
        if not refused:
            return
        lines = lines_of(block.data, self._dialect.quoting)
        remedy = "Quote values that hold the separator, or set separator or header with --read-option."
        for number, row in refused:
            line = block.first_line + int(lines[min(number, len(lines)) - 1])
            reason = f"expected {row.expected_columns} values, got {row.actual_columns}"
            yield Problem(self._uri, reason, line, value=excerpt(row.text), remedy=remedy)

    def _without_odd_bytes(self, block: Block, problems: list[Problem]) -> Block:
        """The block without the rows that are not UTF-8, each a problem; its lines keep their numbers."""
        kept, start, line = [], 0, block.first_line
        for end in row_ends(block.data, self._dialect.quoting).tolist():
            row = block.data[start:end]
            try:
                row.decode()
            except UnicodeDecodeError as error:
                problems.append(self._odd(row, error, line))
                row = b"\n" * row.count(b"\n")
            kept.append(row)
            line += row.count(b"\n")
            start = end
        return replace(block, data=b"".join(kept))

    def _odd(self, row: bytes, error: UnicodeDecodeError, line: int) -> Problem:
        line += row.count(b"\n", 0, error.start)
        if ODD in row:
            reason, remedy = f"some bytes are not of the encoding {self._encoding}", "Name the encoding it is in."
        else:
            place = error.start - row.rfind(b"\n", 0, error.start)
            reason = f"byte 0x{row[error.start]:02x} at position {place} is no UTF-8"
            remedy = "Name the encoding, for example --read-option encoding=latin-1."
        return Problem(self._uri, reason, line, value=excerpt(row), remedy=remedy)

    def _learn_from(self, block: Block) -> None:
        """Parse the first rows, so that a part of a single block comes with dictionaries too."""
        sample = block.data[: row_end(block.data[:_SAMPLE], self._dialect.quoting)]
        try:
            table = self._parse(Block(sample, 1, line_ends(sample)), [])
        except pa.ArrowInvalid:
            return
        if table is not None and table.num_rows:
            self._learn(table.combine_chunks().to_batches()[0])

    def _learn(self, batch: pa.RecordBatch) -> None:
        """Columns with few distinct values in the first rows come as dictionaries, as long as that holds."""
        import pyarrow.compute as pc

        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_dictionary(array.type):
                if len(array.dictionary) > FEW:
                    self._kinds[name] = pa.string()
            elif not self._learnt:
                head = array[:FEW]
                if pc.count_distinct(head).as_py() <= len(head) // 4:
                    self._kinds[name] = pa.dictionary(pa.int32(), pa.string())
        self._learnt = True


def _without_comments(block: Block, comment: str) -> Block:
    """Lines that begin with the character are blank instead, so that the others keep their numbers."""
    begin = re.escape(comment.encode())
    return replace(block, data=re.sub(rb"(?m)^" + begin + rb"[^\n]*", b"", block.data))
