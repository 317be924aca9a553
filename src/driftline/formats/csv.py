"""CSV: every value as text, since SageMaker tells types value by value; empty means null."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from driftline.formats.blocks import SIZE, blocks_of, cut_file
from driftline.formats.dialect import Dialect, dialect_of
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.quotes import Quoting
from driftline.formats.rows import Reader
from driftline.formats.text import fill, is_plain, plain_text
from driftline.problems import Problem

HEAD = 1 << 18
"""Bytes that tell the dialect."""

_MOST_HEAD = 1 << 24
"""Bytes in which the first row must end."""

PIECE = SIZE
"""Plain files on this machine are cut into parts of this size; others are one part, since cutting reads them."""


@dataclass(frozen=True)
class Csv:
    """Values parted by a separator, a row a line.

    Settings: `header` (true, false; recognised if not given), `separator` or `delimiter`, `quote` (false: none),
    `escape`, `encoding`, `null_values` (texts that mean null besides the empty one, with commas between them),
    `skip_rows` (first lines to pass over), `comment` (a character that begins lines to pass over). gzip, bzip2 and zstd
    are unpacked; UTF-8 and UTF-16 are known by their marks. Names come from the header, else from the baseline in
    order, else they are `_c0`, `_c1`, ...; columns keep the order of the file, whatever `output_columns_position` says.
    Quoted line ends, CRLF, blank lines and a missing last line end are fine. A row with too many or too few values is
    left out and told, as is the line of a quote that is never closed.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """Byte ranges between rows for plain local files, else one part."""
        local = "://" not in uri or uri.startswith("file://")
        if not local or size <= PIECE or not is_plain(uri, opener, options.settings):
            return (Part(uri, size=size),)
        _, dialect = _dialect(uri, opener, options)
        return cut_file(uri, opener, quoting=dialect.quoting, piece=PIECE)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Blocks of rows as batches of text columns."""
        head, dialect = _dialect(part.uri, opener, options)
        if not dialect.width:
            return
        names, remarks = names_of(dialect, options, part.uri)
        if part.start == 0:
            yield from remarks
        skip = len(head[: dialect.skip].encode("utf-8", "surrogateescape"))
        reader = Reader(part.uri, dialect, names, options)
        for block in blocks_of(part, opener, options.settings, quoting=dialect.quoting, skip=skip):
            yield from reader.read(block)


def quoting_at(uri: str, opener: Opener, options: ReadOptions) -> Quoting | None:
    """What decides where the rows of the object end, by its beginning and the settings; None if lines are rows."""
    return _dialect(uri, opener, options)[1].quoting


def _dialect(uri: str, opener: Opener, options: ReadOptions) -> tuple[str, Dialect]:
    """The beginning of the text, of whole rows unless it is all, and what it tells."""
    size = HEAD
    with plain_text(uri, opener, options.settings) as stream:
        head = fill(stream, size)
        while len(head) == size and head.count(b"\n") < 2 and size < _MOST_HEAD:
            head += fill(stream, size * 3)
            size *= 4
    if len(head) == size:
        head = head[: head.rfind(b"\n") + 1 or size]
    text = head.decode("utf-8", "surrogateescape")
    return text, dialect_of(text, options.settings, options.names)


def names_of(dialect: Dialect, options: ReadOptions, uri: str) -> tuple[tuple[str, ...], list[Problem]]:
    """The columns' names, and remarks on those that had to be changed."""
    if dialect.names is None:
        given = options.names or ()
        names = tuple(given[place] if place < len(given) else f"_c{place}" for place in range(dialect.width))
        return names, _remarks_on_width(len(given), dialect.width, uri)
    found: list[str] = []
    remarks = []
    taken = set(dialect.names)
    for place, raw in enumerate(dialect.names):
        name = raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if name != raw:
            remedy = "Name the encoding, for example --read-option encoding=latin-1."
            reason = "the name of a column is no UTF-8; its bad bytes are shown as \N{REPLACEMENT CHARACTER}"
            remarks.append(Problem(uri, reason, 1, name, remedy=remedy, rows=0))
        unique, count = name or f"_c{place}", 0
        while unique in found or (count and unique in taken):
            count += 1
            unique = f"{name}_{count}"
        if count:
            reason = f"two columns have the same name, the second is read as {unique!r}"
            remarks.append(Problem(uri, reason, 1, name, rows=0))
        found.append(unique)
    return tuple(found), remarks


def _remarks_on_width(expected: int, width: int, uri: str) -> list[Problem]:
    if not expected or expected == width:
        return []
    where = "the last names have no values" if expected > width else f"the others are named _c{expected} and so on"
    reason = f"the rows have {width} values, but {expected} names are given for them: {where}"
    return [Problem(uri, reason, remedy="Compare with a baseline of the same columns, or with header=true.", rows=0)]
