"""Fewer rows than there are, the same ones in every run: evenly spread where their number is known, else by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from driftline.profile.arrow import places_of
from driftline.profile.columns import Floats

_NO_KEYS: Floats = np.empty(0)


def sampled(
    batches: Iterable[pa.RecordBatch], kept: int | None, rows: int | None, seed: int = 0
) -> Iterator[pa.RecordBatch]:
    """`kept` of the rows, in order; all of them for None.

    >>> ten = pa.record_batch({"a": list(range(10))})
    >>> [batch.column(0).to_pylist() for batch in sampled([ten[:4], ten[4:]], 4, 10)]
    [[2], [4, 7, 9]]
    """
    if kept is None:
        yield from batches
    elif rows is not None:
        yield from _spread(batches, kept, rows)
    else:
        yield from _drawn(batches, kept, seed)


def _spread(batches: Iterable[pa.RecordBatch], kept: int, rows: int) -> Iterator[pa.RecordBatch]:
    """Row i of n is kept where the whole part of `i * kept / n` steps up."""
    at = 0
    for batch in batches:
        steps = (at + np.arange(batch.num_rows + 1)) * kept // rows
        at += batch.num_rows
        chosen = np.flatnonzero(np.diff(steps))
        if len(chosen):
            yield batch.take(places_of(chosen))


def _drawn(batches: Iterable[pa.RecordBatch], kept: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Every row draws a number, and those with the smallest stay; at most twice as many are held."""
    rng = np.random.default_rng(seed)
    held, keys = list[pa.RecordBatch](), _NO_KEYS
    for batch in batches:
        held.append(batch)
        keys = np.concatenate((keys, rng.random(batch.num_rows)))
        if len(keys) > 2 * kept:
            held, keys = _smallest(held, keys, kept)
    yield from _smallest(held, keys, kept)[0]


def _smallest(held: list[pa.RecordBatch], keys: Floats, kept: int) -> tuple[list[pa.RecordBatch], Floats]:
    if len(keys) <= kept:
        return held, keys
    chosen = np.zeros(len(keys), dtype=np.bool_)
    chosen[np.argpartition(keys, kept - 1)[:kept]] = True
    ends = np.cumsum([0, *(batch.num_rows for batch in held)])
    parts = [
        batch.take(places_of(np.flatnonzero(chosen[start:stop])))
        for batch, start, stop in zip(held, ends, ends[1:], strict=False)
    ]
    return [part for part in parts if part.num_rows], keys[chosen]
