"""Rows that never were: cells of a row where a coalition has the feature, cells of the background elsewhere.

Columns keep their types, so texts reach the model as texts. A cell that is the same in the row and in every row of the
background plays no part: the row has only as many players as it has cells that differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.explanations.coalitions import Bools
from driftline.profile.arrow import places_of, values_of
from driftline.profile.columns import Ints

_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


Bits = npt.NDArray[np.uint64]


def differing(rows: pa.RecordBatch, background: pa.RecordBatch) -> Bools:
    """Which cells (rows, columns) differ from a cell of the background in their column; nothing equals nothing.

    >>> some = pa.record_batch({"a": [1, 2], "b": ["x", None]})
    >>> differing(some, some[:1]).tolist()
    [[False, False], [True, True]]
    """
    found = np.ones((rows.num_rows, rows.num_columns), dtype=np.bool_)
    for place, (mine, theirs) in enumerate(zip(rows.columns, background.columns, strict=True)):
        codes = (_bits(mine), _bits(theirs)) if _is_wide(mine) and _is_wide(theirs) else _codes(mine, theirs)
        if codes is not None and (codes[1] == codes[1][0]).all():
            found[:, place] = codes[0] != codes[1][0]
    return found


def _is_wide(column: pa.Array) -> bool:
    """Whether the cells are numbers of eight bytes, none of them missing."""
    number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    return bool(number and column.type.bit_width == 64 and not column.null_count)


def _bits(column: pa.Array) -> Bits:
    return values_of(column).view(np.uint64)


def _codes(mine: pa.Array, theirs: pa.Array) -> tuple[Ints, Ints] | None:
    """Numbers that are equal where the cells are; None for columns whose cells cannot be compared."""
    both = pa.concat_arrays([mine, theirs])
    if pa.types.is_nested(both.type):
        return None
    if not pa.types.is_dictionary(both.type):
        both = both.dictionary_encode()
    indices = both.indices.cast(pa.int64())
    codes = values_of(indices.fill_null(-1) if indices.null_count else indices)
    return codes[: len(mine)], codes[len(mine) :]


@dataclass(frozen=True)
class Piece:
    """Rows (their places) with the same number of `players`, and which of that number's coalitions, from `start`."""

    rows: Ints
    players: int
    start: int
    stop: int

    @property
    def sets(self) -> int:
        """How many coalitions each row is tried with."""
        return self.stop - self.start

    def records(self, background: int) -> int:
        """How many rows the model is asked for."""
        return len(self.rows) * self.sets * background


def packed(players: Ints, sets: Sequence[int], background: int, limit: int) -> Iterator[list[Piece]]:
    """All rows with all their coalitions, cut into chunks of at most `limit` records, one coalition at least.

    `players` is the number of players of each row, `sets[n]` the number of coalitions of `n` players.

    >>> chunks = packed(np.array([2, 2, 2]), [0, 0, 4], 1, 8)
    >>> [[(piece.rows.tolist(), piece.sets) for piece in chunk] for chunk in chunks]
    [[([0, 1], 4)], [([2], 4)]]
    """
    chunk, left = list[Piece](), limit
    for number in np.unique(players).tolist():
        places, each = np.flatnonzero(players == number), sets[number]
        at, start = 0, 0
        while at < len(places) and each:
            together = left // (each * background)
            if not start and together:
                piece = Piece(places[at : at + together], number, 0, each)
                at += len(piece.rows)
            elif chunk and not start:
                yield chunk
                chunk, left = [], limit
                continue
            else:  # a single row is more than a chunk
                stop = min(each, start + max(left // background, 1))
                piece = Piece(places[at : at + 1], number, start, stop)
                at, start = (at + 1, 0) if stop == each else (at, stop)
            chunk.append(piece)
            left -= piece.records(background)
            if left < background:
                yield chunk
                chunk, left = [], limit
    if chunk:
        yield chunk


@dataclass(frozen=True)
class _Membership:
    """Which cells of a piece's rows are the row's own: `masks` (players + 1, sets x background) has all bits of a cell
    set where they are, and `player` (rows, columns) says which of its rows holds for a cell; the last has none set.
    """

    masks: Bits
    player: Ints

    @classmethod
    def of(cls, varying: Bools, sets: Bools, background: int) -> _Membership:
        """That of rows with these players (rows, columns), for coalitions (sets, players)."""
        none = np.zeros((1, len(sets)), dtype=np.bool_)
        bits = np.concatenate((sets.T, none)).astype(np.uint64) * _ALL
        player = np.where(varying, np.cumsum(varying, axis=1) - 1, sets.shape[1])
        return cls(np.repeat(bits, background, axis=1), player)

    def column(self, place: int) -> Bits:
        """The masks of a column: (rows, cells), or (1, cells) where they are the same for all rows."""
        player = self.player[:, place]
        return self.masks[player[:1]] if (player == player[0]).all() else self.masks[player]


def synthetic(
    rows: pa.RecordBatch, background: pa.RecordBatch, varying: Bools, pieces: Sequence[Piece], sets: Sequence[Bools]
) -> pa.RecordBatch:
    """The rows of all pieces, for each row its coalitions, for each of these every row of the background.

    `sets[i]` are the coalitions of the i-th piece, (sets, players); `varying` tells the players of each row. Columns of
    numbers lie one after the other in memory, so that `matrix_of` need not copy them.
    """
    number = background.num_rows
    known = [_Membership.of(varying[piece.rows], each, number) for piece, each in zip(pieces, sets, strict=True)]
    size = sum(piece.records(number) for piece in pieces)
    block: Bits = np.empty((rows.num_columns, size), dtype=np.uint64)
    arrays = []
    for place, (mine, theirs) in enumerate(zip(rows.columns, background.columns, strict=True)):
        if _is_wide(mine) and _is_wide(theirs):
            if varying[:, place].any():
                _mix(_bits(mine), _bits(theirs), pieces, [each.column(place) for each in known], block[place])
            else:
                block[place].reshape(-1, number)[...] = _bits(theirs)
            arrays.append(pa.Array.from_buffers(mine.type, size, [None, pa.py_buffer(block[place])]))
        else:  # cells of any other type are taken by their place
            own, other = (np.arange(start, stop) for start, stop in ((0, len(mine)), (len(mine), len(mine) + number)))
            columns = [each.column(place) for each in known]
            _mix(own.view(np.uint64), other.view(np.uint64), pieces, columns, block[place])
            arrays.append(pc.take(pa.concat_arrays([mine, theirs]), places_of(block[place].view(np.int64))))
    return pa.RecordBatch.from_arrays(arrays, schema=rows.schema)


def _mix(own: Bits, other: Bits, pieces: Sequence[Piece], masks: Sequence[Bits], found: Bits) -> None:
    """Fill a column with cells of the rows where the masks have their bits, of the background elsewhere.

    By bits, because choosing between two numbers by a random condition takes four times as long.
    """
    start = 0
    for piece, mask in zip(pieces, masks, strict=True):
        tiled = np.tile(other, piece.sets)
        stop = start + len(piece.rows) * len(tiled)
        part = found[start:stop].reshape(len(piece.rows), len(tiled))
        np.bitwise_xor(own[piece.rows][:, None], tiled, out=part)
        np.bitwise_and(part, mask, out=part)
        np.bitwise_xor(part, tiled, out=part)
        start = stop
