"""Predictions with their labels: each batch looked up in the index of labels, nothing held but the batch."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats.captured import METADATA
from driftline.formats.format import Item
from driftline.formats.truth import TRUTH, columns_of
from driftline.labels.coverage import Coverage
from driftline.labels.index import Index, Places
from driftline.labels.keys import Keys
from driftline.labels.moments import keys_of, moments_of
from driftline.profile.arrow import mask_of, places_of, values_of
from driftline.window import Window

_HOUR = 3_600_000_000
"""Microseconds."""


class Join:
    """The labels of one index for any number of streams of predictions, which threads may read at the same time."""

    def __init__(self, index: Index, keys: Keys | None = None, window: Window | None = None) -> None:
        """`keys` name the predictions' columns; labels that were collected after `window` count as late."""
        self._index, self._keys = index, keys or Keys()
        self._end = None if window is None else int(window.end.timestamp())
        self._found = Coverage()
        self._lock = threading.Lock()

    def joined(self, items: Iterable[Item], *, inner: bool = False, keep: bool = False) -> Iterator[Item]:
        """The items, batches with the column `ground_truth` and one for each member of labels that are JSON objects.

        `inner` leaves out rows without a label, else it is null. Unless `keep`, the columns of Data Capture's
        metadata, by which rows were joined, are left out. What is no batch passes. Raises `SchemaMismatch` for a
        batch without an id or a time.
        """
        for item in items:
            if isinstance(item, pa.RecordBatch) and item.num_rows:
                yield self._joined(item, inner=inner, keep=keep)
            else:
                yield item

    @property
    def coverage(self) -> Coverage:
        """What was found so far; complete once all predictions were read."""
        return self._found.merge(self._index.counts())

    def look_up(self, batch: pa.RecordBatch) -> tuple[Places, pa.RecordBatch]:
        """Which rows of a batch have a label, and these labels as the index holds them; counted."""
        places = self._places(batch)
        rows = np.flatnonzero(places >= 0)
        labels = self._index.take(places[rows])
        found = Coverage(predictions=batch.num_rows, labelled=len(rows), shared=self._index.use(places[rows]))
        self.count(self._timed(found, batch, rows, labels))
        return rows, labels

    def count(self, found: Coverage) -> None:
        """Add to what was found."""
        with self._lock:
            self._found = self._found.merge(found)

    def _joined(self, batch: pa.RecordBatch, *, inner: bool, keep: bool) -> pa.RecordBatch:
        rows, labels = self.look_up(batch)
        if not keep:
            batch = _without(batch)
        if inner:
            return _beside(batch.take(places_of(rows)), labels, places_of(np.arange(len(rows))))
        where = np.full(batch.num_rows, -1)
        where[rows] = np.arange(len(rows))
        return _beside(batch, labels, pc.if_else(mask_of(where >= 0), places_of(where), pa.scalar(None, pa.int64())))

    def _places(self, batch: pa.RecordBatch) -> Places:
        """Where each row's label is: by its id, else by its time if there are labels without an id."""
        places = self._index.find(self._keys.ids(batch, "predictions"))
        times = self._keys.moments(batch) if self._index.has_moments else None
        left = np.flatnonzero(places < 0)
        if times is not None and len(left):
            places[left] = self._index.find(keys_of(times.take(places_of(left))))
        return places

    def _timed(self, found: Coverage, batch: pa.RecordBatch, rows: Places, labels: pa.RecordBatch) -> Coverage:
        """With the labels that came before the hour of their prediction, and after the window."""
        if not len(rows) or labels["collected"].null_count == len(rows):
            return found
        collected = labels["collected"]
        late = 0 if self._end is None else _count(pc.greater_equal(collected, self._end))
        column = self._keys.moments(batch)
        if column is None:
            return replace(found, late=late)
        moments = moments_of(column.take(places_of(rows))).cast(pa.int64())
        hours = pc.subtract(moments, pa.array(values_of(moments.fill_null(0)) % _HOUR))
        return replace(found, late=late, early=_count(pc.less(pc.multiply(collected, 1_000_000), hours)))


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _without(batch: pa.RecordBatch) -> pa.RecordBatch:
    kept = [name for name in batch.schema.names if name not in METADATA]
    return batch.select(kept) if kept else batch


def _beside(batch: pa.RecordBatch, labels: pa.RecordBatch, where: pa.Array) -> pa.RecordBatch:
    """The batch and the labels at these places; columns of the batch that are called like the label's go."""
    members = _mask(labels["has_members"])
    kept = [name for name in batch.schema.names if name != TRUTH]
    found = columns_of(labels["label"], members, kept)
    columns = [batch.column(name) for name in kept] + [column.take(where) for column in found.columns]
    return pa.RecordBatch.from_arrays(columns, names=[*kept, *found.schema.names])


def _mask(array: pa.Array) -> npt.NDArray[np.bool_]:
    return values_of(array.fill_null(False)) if array.null_count else values_of(array)
