"""JSON documents: an array of objects, an object of columns, an object that holds the rows, or a single row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from driftline.errors import Invalid, Unreadable
from driftline.formats import records
from driftline.formats.ducks import Malformed, duck
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.jsonlines import JsonLines
from driftline.formats.text import plain_text
from driftline.problems import Problem

LIMIT_BYTES = 256 << 20
"""Of a document, unpacked: about eight times as much memory was measured while one is read."""

_PIECE = 16 << 20
ROWS = 16_384
"""Rows of a batch, where a document is read in Python."""


@dataclass(frozen=True)
class Json:
    """One document: `[{...}, ...]`, `{"a": [...], "b": [...]}`, `{"rows": [{...}, ...]}` or `{...}`; several objects
    one after the other are read as rows too.

    Settings: `encoding`, and `lines=true` for an object a line. A document is read whole, so one of more than 256 MiB
    (`limit_bytes` sets another limit; it is the size unpacked) is refused: it takes about eight times its size in
    memory. Large data is better kept as JSON lines.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """One part: a document cannot be cut."""
        if _has_lines(options):
            return JsonLines().split(uri, size, opener, options)
        return (Part(uri, size=size),)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """The rows as batches."""
        if _has_lines(options):
            yield from JsonLines().read(part, opener, options)
            return
        data = _read_whole(part, opener, options)
        if not data.strip():
            return
        if data.lstrip()[:1] == b"[" and data.rstrip()[-1:] == b"]":  # DuckDB misses an end behind a comma
            with suppress(Malformed):
                yield duck().rows(data, "array")
                return
        yield from _rows(part.uri, data)


def _has_lines(options: ReadOptions) -> bool:
    return options.settings.get("lines", options.settings.get("line")) is True


def _read_whole(part: Part, opener: Opener, options: ReadOptions) -> bytes:
    """The document; raises `Unreadable` if it is larger than the limit, without holding more than that."""
    limit = options.settings.get("limit_bytes", LIMIT_BYTES)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise Invalid(
            what="limit_bytes", got=limit, expected="a number of bytes", remedy=f"The default is {LIMIT_BYTES}."
        )
    pieces, left = [], limit
    with plain_text(part.uri, opener, options.settings) as stream:
        while left >= 0 and (piece := stream.read(min(_PIECE, left + 1))):
            pieces.append(piece)
            left -= len(piece)
    if left < 0:
        size = f" ({part.size:,} bytes in the file)" if part.size else ""
        raise Unreadable(
            uri=part.uri,
            reason=f"a JSON document of more than {limit:,} bytes{size}, which would have to be read whole",
            remedy="Write it as JSON lines, which are read in pieces, or set --read-option limit_bytes=N.",
        )
    return b"".join(pieces)


def _rows(uri: str, data: bytes) -> Iterator[Item]:
    rows: list[Mapping[str, Any]] = []
    for place, row in enumerate(rows_of(_documents(uri, data))):
        if not isinstance(row, Mapping):
            remedy = "Each row must be an object with names."
            yield Problem(uri, f"row {place + 1} is no object", value=str(row), remedy=remedy)
            continue
        rows.append(records.flat(row))
        if len(rows) == ROWS:
            yield records.batch_of(rows)
            rows = []
    if rows:
        yield records.batch_of(rows)


def _documents(uri: str, data: bytes) -> list[Any]:
    """The document, or several one after the other; raises `Unreadable` at the line that is no JSON."""
    import json

    text = data.decode("utf-8", "replace").strip()
    decoder, at, found = json.JSONDecoder(parse_constant=float), 0, []
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            reason, remedy = f"no JSON: {error}", "Mend the document, or name its format with --format."
            raise Unreadable(uri=uri, line=line, reason=reason, remedy=remedy) from error
        found.append(value)
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return found


def rows_of(documents: Sequence[Any]) -> list[Any]:
    """The rows that documents hold.

    >>> rows_of([{"a": [1, 2], "b": ["x", "y"]}])
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    >>> rows_of([{"total": 1, "items": [{"a": 1}]}]), rows_of([{"a": 1}, {"a": 2}])
    ([{'a': 1}], [{'a': 1}, {'a': 2}])
    """
    if len(documents) != 1:
        return list(documents)
    document = documents[0]
    if not isinstance(document, Mapping):
        return document if isinstance(document, list) else [document]
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    if lists and len(lists) == len(document) and len({len(value) for value in lists.values()}) == 1:
        plain = not any(isinstance(each, dict) for value in lists.values() for each in value)
        if plain:
            return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    of_objects = [value for value in lists.values() if value and all(isinstance(each, dict) for each in value)]
    return of_objects[0] if len(of_objects) == 1 else [document]
