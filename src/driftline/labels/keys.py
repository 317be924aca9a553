"""Which columns say whose label a row has, and which the label: named, or known by their usual names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import SchemaMismatch
from driftline.formats.ground_truth import HAS_MEMBERS, WHOLE
from driftline.formats.truth import TRUTH
from driftline.labels.index import FIELDS, ORDERED
from driftline.labels.moments import keys_of

IDS = ("inference_id", "event_id", "eventId", "inferenceId", "record_id", "SageMakerInferenceId", "_id")
TIMES = ("inference_time", "timestamp", "inferenceTime", "SageMakerInferenceTime", "_time")
INGESTED = "_ingested"
"""In tables of actuals the moment at which a label came; of several of an id the last one counts."""

LABELS = (TRUTH, "ground_truth_label", "ground_truth_value")


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of the columns to join by; None takes the first of the usual names that is there.

    `id` is looked for first. With `by_time` only moments count, otherwise they do for labels without an id. `label` is
    the column of the label; without one the usual names are tried.
    """

    id: str | None = None
    time: str | None = None
    label: str | None = None
    by_time: bool = False

    def ids(self, batch: pa.RecordBatch, what: str) -> pa.Array:
        """The key of each row as text, null where it has none; raises `SchemaMismatch` naming what was looked for."""
        by_id = None if self.by_time else _column(batch, self.id, IDS)
        by_time = _column(batch, self.time, TIMES)
        if by_id is None and by_time is None:
            raise self._nameless(batch, what)
        if by_id is None:
            return keys_of(by_time)
        identities = pc.if_else(pc.equal(by_id := _texts(by_id), ""), pa.scalar(None, pa.string()), by_id)
        if not identities.null_count or by_time is None:
            return identities
        return pc.coalesce(identities, keys_of(by_time))

    def moments(self, batch: pa.RecordBatch) -> pa.Array | None:
        """The times of the rows as the data has them, if it has any."""
        return _column(batch, self.time, TIMES)

    def label_of(self, batch: pa.RecordBatch) -> pa.Array:
        """The column of the label as text, which an only column is; raises `SchemaMismatch`."""
        column = batch.column(0) if batch.num_columns == 1 and not self.label else _column(batch, self.label, LABELS)
        if column is not None:
            return _texts(column)
        shown = ", ".join(map(repr, batch.schema.names[:12])) or "none"
        reason = f"not among the columns of the labels, which are {shown}"
        remedy = f"Name the column of the label; {', '.join(LABELS)} are found by themselves."
        raise SchemaMismatch(column=self.label or LABELS[0], reason=reason, remedy=remedy)

    def labels(self, batch: pa.RecordBatch, collected: int | None) -> pa.RecordBatch:
        """The rows of a file of labels as an index takes them; raises `SchemaMismatch`.

        `collected` is the hour of collection, in seconds since 1970.
        """
        if batch.schema.names == WHOLE.names:
            column, members = batch["data"], pc.equal(batch["encoding"], "JSON")
            return self._rows(batch, column, members, collected)
        texts = self.label_of(batch)
        members = _column(batch, None, (HAS_MEMBERS,))
        if members is None or not pa.types.is_boolean(members.type):
            members = pa.repeat(pa.scalar(False), batch.num_rows)
        return self._rows(batch, texts, members, collected)

    def _rows(self, batch: pa.RecordBatch, texts: pa.Array, members: pa.Array, collected: int | None) -> pa.RecordBatch:
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
        came = _column(batch, None, (INGESTED,))
        if came is None or not pa.types.is_timestamp(came.type):
            hours = pa.repeat(pa.scalar(collected, pa.int64()), batch.num_rows)
            return pa.RecordBatch.from_arrays([self.ids(batch, "labels"), hours, texts, members], schema=FIELDS)
        micros = came.cast(pa.timestamp("us", came.type.tz)).cast(pa.int64())
        columns = [self.ids(batch, "labels"), pc.divide(micros, 1_000_000), texts, members, micros]
        return pa.RecordBatch.from_arrays(columns, schema=ORDERED)

    def _nameless(self, batch: pa.RecordBatch, what: str) -> SchemaMismatch:
        wanted = self.time or "inference_time" if self.by_time else self.id or "inference_id"
        shown = ", ".join(map(repr, batch.schema.names[:12])) or "none"
        return SchemaMismatch(
            column=wanted,
            reason=f"the {what} have no column that tells which belong together; there are {shown}",
            remedy=f"Name the column of the id, or one of these: {', '.join((*IDS, *TIMES))}.",
        )


def _column(batch: pa.RecordBatch, name: str | None, usual: Sequence[str]) -> pa.Array | None:
    for each in (name,) if name else usual:
        if batch.schema.get_field_index(each) >= 0:
            return batch.column(each)
    return None


def _texts(array: pa.Array) -> pa.Array:
    """Values as text, in which whole numbers are spelt alike whatever their type: 17.0 is 17."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        array = _whole(array)
    return array.cast(pa.string())


def _whole(array: pa.Array) -> pa.Array:
    """Numbers with a null among them were integers once; NaN is none."""
    array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    values: npt.NDArray[np.float64] = array.fill_null(0).cast(pa.float64()).to_numpy(zero_copy_only=False)
    are_whole = bool(np.all((values == np.floor(values)) & (np.abs(values) < 2**53)))
    return array.cast(pa.int64()) if are_whole else array
