"""CSV: every value as text, since SageMaker tells types value by value; empty means null."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.blocks import Block, blocks_of, cut_file, is_compressed, plain_text
from driftline.formats.dialect import Dialect, dialect_of, quote_of
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.problems import Problem

HEAD = 1 << 18
"""Bytes that tell the dialect."""

PIECE = 16 << 20
"""Plain files on this machine are cut into parts of this size; others are one part, since cutting reads them."""

_SWALLOWED = 100

FEW = 4096
"""A column with fewer distinct values than this in a block comes as a dictionary in the next."""


@dataclass(frozen=True)
class Csv:
    """Values parted by a separator, a row a line.

    Settings: `header` (true, false; recognised if not given), `separator`, `quote`, `escape`, `encoding`, `null_values`
    (a list of texts that mean null besides the empty one), `skip_rows`. gzip, bzip2 and zstd are unpacked; UTF-8 and
    UTF-16 are known by their marks. Names come from the header, else from the baseline in order, else they are `_c0`,
    `_c1`, ... Quoted line ends, CRLF, blank lines and a missing last line end are fine. A row with too many or too few
    values is left out and told.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """Byte ranges between rows for plain local files, else one part."""
        with opener(uri) as stream:
            packed = is_compressed(stream.read(4))
        plain = "encoding" not in options.settings and "escape" not in options.settings
        local = "://" not in uri or uri.startswith("file://")
        if packed or not plain or not local or _has_wide_mark(uri, opener):
            return (Part(uri, size=size),)
        return cut_file(uri, opener, quote=quote_of(options.settings), piece=PIECE)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Blocks of rows as batches of text columns."""
        with plain_text(part.uri, opener, options.settings) as stream:
            head = stream.read(HEAD).decode("utf-8", "replace")
        if not head.strip():
            return
        dialect = dialect_of(head, options.settings)
        names, remarks = names_of(dialect, options, part.uri)
        if part.start == 0:
            yield from remarks
        reader = Reader(part.uri, dialect, names, options)
        first = part.start == 0
        for block in blocks_of(part, opener, options.settings, quote=(dialect.quote or "").encode()):
            yield from reader.read(_without_header(block, dialect) if first else block)
            first = False


def _has_wide_mark(uri: str, opener: Opener) -> bool:
    with opener(uri) as stream:
        return stream.read(2) in (b"\xff\xfe", b"\xfe\xff")


def names_of(dialect: Dialect, options: ReadOptions, uri: str) -> tuple[tuple[str, ...], list[Problem]]:
    """The columns' names, and remarks on those that had to be changed."""
    if dialect.names is None:
        given = options.names or ()
        return tuple(given[place] if place < len(given) else f"_c{place}" for place in range(dialect.width)), []
    names: list[str] = []
    remarks = []
    for place, name in enumerate(dialect.names):
        unique = name or f"_c{place}"
        count = 0
        while unique in names:
            count += 1
            unique = f"{name}_{count}"
        if unique != name and name:
            remarks.append(
                Problem(uri, f"two columns have the same name, the second is read as {unique!r}", 1, name, rows=0)
            )
        names.append(unique)
    return tuple(names), remarks


def _without_header(block: Block, dialect: Dialect) -> Block:
    """The block from its first row of data on."""
    rows = dialect.skip + (dialect.names is not None)
    at = 0
    text = block.data
    for _ in range(rows):
        while text[at : at + 1] in (b"\n", b"\r"):
            at += 1
        at = _end_of_row(text, at, dialect)
    lines = text.count(b"\n", 0, at)
    return Block(text[at:], block.first_line + lines, block.lines - lines) if at else block


def _end_of_row(text: bytes, at: int, dialect: Dialect) -> int:
    """Behind the line end that ends the row that begins at `at`."""
    quote = (dialect.quote or "").encode()
    end = at
    while True:
        end = text.find(b"\n", end)
        if end < 0:
            return len(text)
        if not quote or text.count(quote, at, end) % 2 == 0:
            return end + 1
        end += 1


class Reader:
    """Parses the blocks of one part; remembers which columns repeat themselves, to read them as dictionaries."""

    def __init__(self, uri: str, dialect: Dialect, names: tuple[str, ...], options: ReadOptions) -> None:
        """`options` may leave out columns, which are then not even converted."""
        self._uri, self._dialect, self._names = uri, dialect, names
        self._kinds: dict[str, pa.DataType] = dict.fromkeys(names, pa.string())
        self._learnt = False
        nulls = options.settings.get("null_values", ())
        self._nulls = ["", *([nulls] if isinstance(nulls, str) else map(str, nulls))]
        self._wanted = [name for name in names if name not in options.exclude]
        if options.columns is not None:
            self._wanted = [name for name in self._wanted if name in options.columns]
        if options.select or not self._wanted:
            self._wanted = list(names)

    def read(self, block: Block) -> Iterator[Item]:
        """The rows of a block as one batch, and a problem for each row that is left out."""
        problems: list[Problem] = []
        try:
            table = self._parse(block, problems)
        except pa.ArrowInvalid as error:
            block, lost = _without_odd_bytes(block, self._uri)
            problems = lost
            if not lost:
                raise Unreadable(uri=self._uri, line=block.first_line, reason=str(error)) from error
            table = self._parse(block, problems)
        yield from problems
        yield from self._remark_open_quote(block, 0 if table is None else table.num_rows, len(problems))
        if table is not None and table.num_rows:
            batch = table.combine_chunks().to_batches()[0]
            self._learn(batch)
            yield batch

    def _remark_open_quote(self, block: Block, rows: int, refused: int) -> Iterator[Problem]:
        """A quote that is never closed makes one value of all the lines behind it: too few rows tell of it."""
        lost = block.lines - rows - refused
        if self._dialect.quote and lost > _SWALLOWED and rows < block.lines // 10:
            reason = f"{lost:,} lines were read as part of quoted values: a quote may be left open"
            remedy = "Close or double the quote, or read without quotes: --read-option quote="
            yield Problem(self._uri, reason, block.first_line, remedy=remedy, rows=lost)

    def _parse(self, block: Block, problems: list[Problem]) -> pa.Table | None:
        from pyarrow import csv

        if not block.data.strip():
            return None

        def refuse(row: Any) -> str:
            line = block.first_line + (row.number or 1) - 1
            remedy = "Quote values that hold the separator, or set separator or header with --read-option."
            reason = f"expected {row.expected_columns} values, got {row.actual_columns}"
            problems.append(Problem(self._uri, reason, line, value=row.text, remedy=remedy))
            return "skip"

        width = len(self._names)
        return csv.read_csv(
            io.BytesIO(block.data),
            csv.ReadOptions(use_threads=False, block_size=len(block.data) + 1, column_names=self._names),
            csv.ParseOptions(
                delimiter=self._dialect.separator,
                quote_char=self._dialect.quote or False,
                escape_char=self._dialect.escape or False,
                newlines_in_values=self._dialect.quote is not None,
                ignore_empty_lines=width > 1,
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

    def _learn(self, batch: pa.RecordBatch) -> None:
        """Columns with few distinct values in the first block come as dictionaries, as long as that holds."""
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


def _without_odd_bytes(block: Block, uri: str) -> tuple[Block, list[Problem]]:
    """The block without the lines that are not UTF-8, each a problem."""
    kept, problems = [], []
    for place, line in enumerate(block.data.split(b"\n")):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            remedy = "Name the encoding, for example --read-option encoding=latin-1."
            reason = f"byte 0x{line[error.start]:02x} at position {error.start + 1} is no UTF-8"
            shown = line.decode("utf-8", "backslashreplace")
            problems.append(Problem(uri, reason, block.first_line + place, value=shown, remedy=remedy))
            kept.append(b"")  # keeps the line numbers of those that follow
            continue
        kept.append(line)
    return replace(block, data=b"\n".join(kept)), problems
