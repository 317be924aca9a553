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


def differing(rows: pa.RecordBatch, background: pa.RecordBatch) -> Bools:
    """Which cells (rows, columns) differ from a cell of the background in their column; nothing equals nothing.

    >>> some = pa.record_batch({"a": [1, 2], "b": ["x", None]})
    >>> differing(some, some[:1]).tolist()
    [[False, False], [True, True]]
    """
    found = np.ones((rows.num_rows, rows.num_columns), dtype=np.bool_)
    for place, (mine, theirs) in enumerate(zip(rows.columns, background.columns, strict=True)):
        codes = _codes(mine, theirs)
        if codes is not None:
            own, other = codes[: len(mine)], np.unique(codes[len(mine) :])
            found[:, place] = own != other[0] if len(other) == 1 else True
    return found


def _codes(mine: pa.Array, theirs: pa.Array) -> Ints | None:
    """Numbers that are equal where the cells are; None for columns whose cells cannot be compared."""
    both = pa.concat_arrays([mine, theirs])
    if pa.types.is_nested(both.type):
        return None
    if not pa.types.is_dictionary(both.type):
        both = both.dictionary_encode()
    indices = both.indices.cast(pa.int64())
    return values_of(indices.fill_null(-1) if indices.null_count else indices)


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


def synthetic(
    rows: pa.RecordBatch, background: pa.RecordBatch, varying: Bools, pieces: Sequence[Piece], masks: Sequence[Bools]
) -> pa.RecordBatch:
    """The rows of all pieces, for each row its coalitions, for each of these every row of the background.

    `masks[i]` are the coalitions of the i-th piece, (sets, players); `varying` tells the players of each row.
    """
    sizes = [piece.records(background.num_rows) for piece in pieces]
    ends = np.cumsum([0, *sizes])
    known = [_membership(varying[piece.rows], mask) for piece, mask in zip(pieces, masks, strict=True)]
    arrays = []
    for place, (mine, theirs) in enumerate(zip(rows.columns, background.columns, strict=True)):
        held = [each[place] for each in known]
        plain = (pa.types.is_floating(mine.type) or pa.types.is_integer(mine.type)) and not mine.null_count
        if plain and not theirs.null_count:
            arrays.append(_numbers(mine, theirs, pieces, held, ends))
        else:
            arrays.append(_cells(mine, theirs, pieces, held, ends))
    return pa.RecordBatch.from_arrays(arrays, schema=rows.schema)


def _membership(varying: Bools, masks: Bools) -> list[Bools]:
    """For each column whether (rows or 1, sets) hold the row's own cell; 1 where that is the same for all rows."""
    padded = np.concatenate((masks.T, np.zeros((1, len(masks)), dtype=np.bool_)))
    player = np.where(varying, np.cumsum(varying, axis=1) - 1, masks.shape[1])
    return [padded[column[:1]] if (column == column[0]).all() else padded[column] for column in player.T]


def _numbers(mine: pa.Array, theirs: pa.Array, pieces: Sequence[Piece], held: Sequence[Bools], ends: Ints) -> pa.Array:
    own, other = values_of(mine), values_of(theirs)
    found = np.empty(int(ends[-1]), dtype=own.dtype)
    for piece, mask, start, stop in zip(pieces, held, ends, ends[1:], strict=False):
        part = found[start:stop].reshape(len(piece.rows), piece.sets, len(other))
        part[...] = np.where(mask[:, :, None], own[piece.rows][:, None, None], other)
    return pa.Array.from_buffers(mine.type, len(found), [None, pa.py_buffer(found)])


def _cells(mine: pa.Array, theirs: pa.Array, pieces: Sequence[Piece], held: Sequence[Bools], ends: Ints) -> pa.Array:
    """Cells of any type, taken by place."""
    places: npt.NDArray[np.int64] = np.empty(int(ends[-1]), dtype=np.int64)
    other = len(mine) + np.arange(len(theirs))
    for piece, mask, start, stop in zip(pieces, held, ends, ends[1:], strict=False):
        part = places[start:stop].reshape(len(piece.rows), piece.sets, len(theirs))
        part[...] = np.where(mask[:, :, None], piece.rows[:, None, None], other)
    return pc.take(pa.concat_arrays([mine, theirs]), places_of(places))
