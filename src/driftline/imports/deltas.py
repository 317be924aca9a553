"""A Delta table as a source: its data files are the files of the job, in the newest version of the table."""

from __future__ import annotations

from driftline.errors import NotFound
from driftline.sources import Piece, Source, resolve
from driftline.storage.access import Access
from driftline.storage.storage import Object

FORMAT = "delta"
_ETAG = "delta"
"""A data file of a table never changes."""


def objects(uri: str, access: Access) -> list[Object]:
    """The data files of the table's newest version, without those that were removed.

    Raises `NotFound` where there is no table, `Unreadable` naming a feature of it that is not supported.
    """
    sizes: dict[str, int] = {}
    for piece in _pieces(resolve([uri], access, FORMAT)):
        if piece.part.rows != 0:
            sizes[piece.part.uri] = sizes.get(piece.part.uri, 0) + piece.part.size
    return [Object(name, size, _ETAG) for name, size in sizes.items()]


def only(source: Source, uri: str) -> Source:
    """Of a table that was found, the reading of one data file; raises `NotFound` if it was removed meanwhile."""
    kept = []
    for task in source.tasks:
        pieces = tuple(piece for piece in task.pieces if piece.part.uri == uri)
        if pieces:
            kept.append(type(task)(pieces, sum(piece.part.size for piece in pieces)))
    if not kept:
        remedy = "The table was compacted or its rows were removed; what is in it now is read by itself."
        raise NotFound(what="data file", name=uri, remedy=remedy)
    return type(source)(tuple(kept), (uri,), access=source.access, options=source.options)


def _pieces(source: Source) -> list[Piece]:
    return [piece for task in source.tasks for piece in task.pieces]
