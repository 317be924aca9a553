"""Blocks of CSV to batches of text columns; rows that cannot be read become problems."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.blocks import Block, line_ends
from driftline.formats.dialect import Dialect, texts
from driftline.formats.format import Item, ReadOptions
from driftline.formats.natives import wanted
from driftline.formats.quotes import lines_of, row_end, row_ends, suspects, without_comments
from driftline.formats.text import excerpt, no_text
from driftline.problems import Problem

FEW = 4096
"""A column with fewer distinct values than this in a block comes as a dictionary in the next."""

_SAMPLE = 1 << 18
"""Bytes of the first block that tell which columns repeat themselves; a smaller block is not worth it."""

_NONE: Iterable[Problem] = ()


class Reader:
    """Parses the blocks of one part; remembers which columns repeat themselves, to read them as dictionaries."""

    def __init__(self, uri: str, dialect: Dialect, names: tuple[str, ...], options: ReadOptions) -> None:
        """`options` may leave out columns, which are then not even converted."""
        self._uri, self._dialect, self._names = uri, dialect, names
        self._quoting = dialect.quoting
        self._settings = options.settings
        self._kinds: dict[str, pa.DataType] = dict.fromkeys(names, pa.string())
        self._learnt = False
        self._nulls = ["", *texts(options.settings.get("null_values", []))]
        self._wanted = [names[place] for place in wanted(names, options)] or list(names)

    def read(self, block: Block) -> Iterator[Item]:
        """The rows of a block as one batch, after a problem for each row that is left out."""
        unclosed, odd = _NONE, _NONE
        if block.unclosed:
            block, unclosed = self._without_unclosed(block)
        if self._quoting and self._quoting.comment:
            block = replace(block, data=without_comments(block.data, self._quoting))
        if not self._learnt and len(block.data) > 4 * _SAMPLE:
            self._learn_from(block)
        try:
            table, refused = self._parse(block)
        except pa.ArrowInvalid:
            block, odd = self._without_odd_bytes(block)
            try:
                table, refused = self._parse(block)
            except pa.ArrowInvalid as error:
                raise Unreadable(uri=self._uri, line=block.first_line, reason=str(error)) from error
        found = len(refused) + (table.num_rows if table is not None else 0)
        several = found < block.lines + (not block.data.endswith(b"\n"))  # rows of several lines, or blank lines
        suspected = self._suspected(block) if several else _NONE
        told = merge(unclosed, odd, self._told(block, refused), suspected, key=lambda problem: problem.line or 0)
        yield from self._placed(told, block, refused)
        if table is not None and table.num_rows:
            batch = table.combine_chunks().to_batches()[0]
            self._learn(batch)
            yield batch

    def _without_unclosed(self, block: Block) -> tuple[Block, list[Problem]]:
        """The block without the lines in which a quote stays open, each a problem; the others keep their numbers."""
        remedy = "Close the quote, or read without quotes: --read-option quote=false."
        kept, problems = [], []
        at, line = 0, block.first_line
        for start in block.unclosed:
            stop = block.data.find(b"\n", start)
            stop = stop if stop >= 0 else len(block.data)
            kept.append(block.data[at:start])
            line += block.data.count(b"\n", at, start)
            value = excerpt(block.data[start:stop])
            problems.append(Problem(self._uri, "a quote that opens here is never closed", line, None, value, remedy))
            at = stop
        return replace(block, data=b"".join([*kept, block.data[at:]]), unclosed=()), problems

    def _suspected(self, block: Block) -> Iterator[Problem]:
        """A remark for each quote that seems to have been left open, and to have swallowed lines."""
        for start, stop in suspects(block.data, self._quoting):
            line = block.first_line + block.data.count(b"\n", 0, start)
            value = excerpt(block.data[start:stop])
            reason = "a quoted value runs over several lines, and text follows it: a quote may be left open"
            remedy = "Close or double the quote, or read without quotes: --read-option quote=false."
            yield Problem(self._uri, reason, line, value=value, remedy=remedy, rows=0)

    def _parse(self, block: Block) -> tuple[pa.Table | None, list[tuple[int, Any]]]:
        """The rows, and those of another width with their numbers from 1."""
        from pyarrow import csv

        refused: list[tuple[int, Any]] = []
        if not block.data.strip(b"\r\n"):
            return None, refused

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
        return table, refused

    def _told(self, block: Block, refused: list[tuple[int, Any]]) -> Iterator[Problem]:
        """Rows of another width; pyarrow counts those that are not blank, from 1."""
        if not refused:
            return
        lines = lines_of(block.data, self._quoting)
        remedy = "Quote values that hold the separator, or set separator or header with --read-option."
        for number, row in refused:
            line = block.first_line + int(lines[min(number, len(lines)) - 1])
            reason = f"expected {row.expected_columns} values, got {row.actual_columns}"
            yield Problem(self._uri, reason, line, value=excerpt(row.text), remedy=remedy)

    def _placed(self, problems: Iterable[Problem], block: Block, refused: list[tuple[int, Any]]) -> Iterator[Problem]:
        """The problems with how many rows that are kept begin before each."""
        kept: Any = None
        for each in problems:
            if each.rows and each.line is not None:
                if kept is None:
                    lines = lines_of(block.data, self._quoting)
                    kept = np.delete(lines, [number - 1 for number, _ in refused if number <= len(lines)])
                yield replace(each, before=int(np.searchsorted(kept, each.line - block.first_line)))
            else:
                yield each

    def _without_odd_bytes(self, block: Block) -> tuple[Block, list[Problem]]:
        """The block without the rows that are not UTF-8, each a problem; its lines keep their numbers."""
        kept, problems = [], []
        start, line = 0, block.first_line
        for end in row_ends(block.data, self._quoting).tolist():
            row = block.data[start:end]
            try:
                row.decode()
            except UnicodeDecodeError as error:
                reason, remedy = no_text(row, error, self._settings)
                at = line + row.count(b"\n", 0, error.start)
                problems.append(Problem(self._uri, reason, at, None, excerpt(row), remedy))
                row = b"\n" * row.count(b"\n")
            kept.append(row)
            line += row.count(b"\n")
            start = end
        return replace(block, data=b"".join(kept)), problems

    def _learn_from(self, block: Block) -> None:
        """Parse the first rows, so that a part of a single block comes with dictionaries too."""
        sample = block.data[: row_end(block.data[:_SAMPLE], self._quoting)]
        try:
            table, _ = self._parse(Block(sample, 1, line_ends(sample)))
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
