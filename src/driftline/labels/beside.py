"""Labels that lie in the same order as the predictions: in their rows already, or in a file of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from driftline.errors import SchemaMismatch
from driftline.formats.format import Item
from driftline.formats.truth import TRUTH
from driftline.labels.coverage import Coverage
from driftline.labels.keys import Keys
from driftline.profile.outcomes import column_of, labels_of


def covered(batch: pa.RecordBatch, attribute: str) -> Coverage:
    """How many rows have a label in the column that `attribute` names; raises `SchemaMismatch` if there is none.

    >>> covered(pa.record_batch({"p": [1, 2, 3], "y": ["1", "", None]}), "y").said()
    '1 of 3 predictions have a label (33.3 %).'
    """
    labels = labels_of(column_of(attribute, batch))
    found = batch.num_rows - labels.null_count
    return Coverage(batch.num_rows, found, labels=found)


def beside(items: Iterable[Item], labels: Iterable[Item], keys: Keys | None = None) -> Iterator[Item]:
    """The items, batches with the column `ground_truth` from `labels`, row by row; what is no batch passes.

    Both are read as a stream. `labels` hold one column, or one with a usual name (see `Keys`). Raises
    `SchemaMismatch` when one has more rows than the other: nobody knows then which belong together.
    """
    column = _Column(labels, keys or Keys())
    rows = 0
    for item in items:
        if not isinstance(item, pa.RecordBatch):
            yield item
            continue
        rows += item.num_rows
        found = column.take(item.num_rows)
        if len(found) < item.num_rows:
            raise _uneven(f"there are {rows - item.num_rows + len(found):,} labels and more predictions")
        kept = [name for name in item.schema.names if name != TRUTH]
        yield pa.RecordBatch.from_arrays([*(item[name] for name in kept), found], names=[*kept, TRUTH])
    yield from column.problems
    if len(column.take(1)):
        raise _uneven(f"there are {rows:,} predictions and more labels")


class _Column:
    """A column that is taken piece by piece."""

    def __init__(self, items: Iterable[Item], keys: Keys) -> None:
        """Nothing is read yet."""
        self._items, self._keys = iter(items), keys
        self._waiting: list[pa.Array] = []
        self.problems: list[Item] = []

    def take(self, count: int) -> pa.Array:
        """The next values, fewer at the end."""
        have = sum(map(len, self._waiting))
        while have < count and (item := next(self._items, None)) is not None:
            if isinstance(item, pa.RecordBatch):
                self._waiting.append(self._keys.label_of(item).cast(pa.string()))
                have += item.num_rows
            else:
                self.problems.append(item)
        joined = pa.concat_arrays(self._waiting) if self._waiting else pa.array([], pa.string())
        self._waiting = [joined[count:]]
        return joined[:count]


def _uneven(reason: str) -> SchemaMismatch:
    remedy = "Labels that lie in a file of their own must have a row for each prediction, or ids to join by."
    return SchemaMismatch(column=TRUTH, reason=reason, remedy=remedy)
