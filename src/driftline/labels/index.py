"""Labels by id, sorted by hash in memory or on disk: found for millions of predictions without holding either whole."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.labels.coverage import Coverage
from driftline.labels.moments import MOMENT
from driftline.profile.arrow import places_of, values_of
from driftline.profile.hashing import Hashes, hash_texts

Places = npt.NDArray[np.int64]

FIELDS = pa.schema(
    [("id", pa.string()), ("collected", pa.int64()), ("label", pa.string()), ("has_members", pa.bool_())]
)
"""A label as the index takes it: whose it is, the hour it was collected in (seconds since 1970, or null), itself."""

ORDERED = FIELDS.append(pa.field("order", pa.int64()))
"""The same with the order in which labels of one time of collection count; without it, that of reading does."""

IN_MEMORY = 1 << 20
"""So many labels are kept in memory before they are parted by hash and written to disk."""

_BITS = 6
_HASHED = pa.schema([("hash", pa.uint64()), *ORDERED])
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Shelf:
    """All labels whose ids begin with the same bits of hash, sorted by hash, id and the order in which they count."""

    batch: pa.RecordBatch
    hashes: Hashes

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> Shelf:
        """The shelf of a sorted batch."""
        return cls(batch, values_of(batch["hash"]))

    def find(self, ids: pa.Array, hashes: Hashes) -> Places:
        """The place of the last label of each id, -1 where there is none."""
        at = np.searchsorted(self.hashes, hashes, "right") - 1
        found = np.full(len(at), -1, np.int64)
        open_rows = np.flatnonzero(at >= 0)
        while len(open_rows):  # once, but where two ids have the same hash
            open_rows = open_rows[self.hashes[at[open_rows]] == hashes[open_rows]]
            if not len(open_rows):
                break
            there, asked = self.batch["id"].take(places_of(at[open_rows])), ids.take(places_of(open_rows))
            same = values_of(pc.equal(there, asked))
            found[open_rows[same]] = at[open_rows[same]]
            open_rows = open_rows[~same]
            at[open_rows] -= 1
            open_rows = open_rows[at[open_rows] >= 0]
        return found

    def ends(self) -> npt.NDArray[np.bool_]:
        """Which labels are the last of their id."""
        last = np.ones(len(self.hashes), np.bool_)
        equal = np.flatnonzero(self.hashes[1:] == self.hashes[:-1])
        if len(equal):
            ids = self.batch["id"]
            last[equal] = ~values_of(pc.equal(ids.take(places_of(equal)), ids.take(places_of(equal + 1))))
        return last


class Index:
    """Labels that can be looked up by any number of threads, and which of them were asked for.

    The labels of an id are kept all, in the order in which they count: that of the hours they were collected in, then
    that in which they were read.
    """

    def __init__(
        self,
        shelves: Sequence[Shelf],
        used: npt.NDArray[np.uint8],
        empty: int = 0,
        *,
        has_moments: bool = False,
        has_rows: bool = False,
    ) -> None:
        """`used` has a zero for each label.

        `has_moments` says that some labels are known by their time only, `has_rows` that some ids end as those of rows
        of a call, `_0`.
        """
        self.has_moments, self.has_rows = has_moments, has_rows
        self._shelves = tuple(shelves)
        self._starts = np.cumsum([0, *(shelf.batch.num_rows for shelf in self._shelves)])
        self._used, self._empty = used, empty
        self._firsts = np.array([shelf.hashes[0] for shelf in self._shelves], np.uint64)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many labels there are, superseded ones too."""
        return int(self._starts[-1])

    def find(self, ids: pa.Array) -> Places:
        """The place of the label that counts for each id; -1 where there is none, or no id."""
        found = np.full(len(ids), -1, np.int64)
        if not len(self) or ids.null_count == len(ids):
            return found
        rows = np.flatnonzero(values_of(ids.is_valid())) if ids.null_count else np.arange(len(ids))
        hashes = hash_texts(ids.drop_null() if ids.null_count else ids)
        order = np.argsort(hashes)
        rows, hashes = rows[order], hashes[order]
        cuts = [0, *np.searchsorted(hashes, self._firsts[1:]).tolist(), len(hashes)]
        for shelf, start, low, high in zip(self._shelves, self._starts, cuts, cuts[1:], strict=False):
            if low < high:
                asked = rows[low:high]
                places = shelf.find(ids.take(places_of(asked)), hashes[low:high])
                found[asked] = np.where(places >= 0, places + start, -1)
        return found

    def take(self, places: Places) -> pa.RecordBatch:
        """The labels at these places, in this order."""
        pieces, order = [], []
        which = np.searchsorted(self._starts, places, "right") - 1
        for number in np.unique(which).tolist():
            rows = np.flatnonzero(which == number)
            order.append(rows)
            pieces.append(self._shelves[number].batch.take(places_of(places[rows] - self._starts[number])))
        if not pieces:
            return pa.RecordBatch.from_pylist([], schema=_HASHED)
        joined = pa.Table.from_batches(pieces).combine_chunks().to_batches()[0]
        return joined if len(pieces) == 1 else joined.take(places_of(np.argsort(np.concatenate(order))))

    def use(self, places: Places) -> int:
        """Remember that these labels were asked for; how many of the askers came after another one."""
        with self._lock:
            asked = np.unique(places)
            again = len(places) - int(np.count_nonzero(self._used[asked] == 0))
            self._used[asked] = 1
        return again

    def history(self, identity: str) -> tuple[str, ...]:
        """All labels of an id, the one that counts last."""
        (place,) = self.find(pa.array([identity])).tolist()
        found: list[str] = []
        while place >= 0 and (label := self.take(np.array([place])).to_pylist()[0])["id"] == identity:
            found.append(label["label"])
            place -= 1
        return tuple(reversed(found))

    def counts(self) -> Coverage:
        """What there is to say of the labels alone: repeated, corrected, empty, and those nobody asked for."""
        repeated = corrected = unknown = 0
        for shelf, start in zip(self._shelves, self._starts.tolist(), strict=False):
            last = shelf.ends()
            before = np.flatnonzero(~last)
            labels = shelf.batch["label"]
            same = values_of(pc.equal(labels.take(places_of(before)), labels.take(places_of(before + 1))))
            repeated += int(np.count_nonzero(same))
            corrected += len(before) - int(np.count_nonzero(same))
            unknown += int(np.count_nonzero(self._used[start : start + len(last)][last] == 0))
        labels_read = len(self) + self._empty
        return Coverage(labels=labels_read, repeated=repeated, corrected=corrected, empty=self._empty, unknown=unknown)


class Gathering:
    """Labels on their way into an index, in the order in which they are read."""

    def __init__(self, folder: Path, in_memory: int = IN_MEMORY) -> None:
        """`folder` takes the labels that are too many for memory; it exists, and whoever made it removes it."""
        self._folder, self._in_memory = folder, in_memory
        self._waiting: list[pa.RecordBatch] = []
        self._count = self._empty = 0
        self._has_moments = self._has_rows = False
        self._files: list[pa.ipc.RecordBatchStreamWriter] = []

    def add(self, labels: pa.RecordBatch) -> None:
        """More labels, as `FIELDS` or `ORDERED`; those without a text say nothing, and those of nobody neither."""
        valid = pc.and_(pc.is_valid(labels["label"]), pc.is_valid(labels["id"]))
        kept = labels.filter(valid)
        self._empty += labels.num_rows - kept.num_rows
        if not kept.num_rows:
            return
        self._has_moments = self._has_moments or pc.any(pc.starts_with(kept["id"], MOMENT)).as_py()
        self._has_rows = self._has_rows or pc.any(pc.match_substring_regex(kept["id"], r"_\d+$")).as_py()
        hashes = pa.array(hash_texts(kept["id"]))
        order = [] if "order" in kept.schema.names else [pa.repeat(pa.scalar(0, pa.int64()), kept.num_rows)]
        self._waiting.append(pa.RecordBatch.from_arrays([hashes, *kept.columns, *order], schema=_HASHED))
        self._count += kept.num_rows
        if self._count >= self._in_memory:
            self._spill()

    def index(self) -> Index:
        """All of them, sorted."""
        if not self._files:
            shelves = [Shelf.of(_sorted(self._waiting))] if self._waiting else []
            used = np.zeros(sum(each.batch.num_rows for each in shelves), np.uint8)
            return Index(shelves, used, self._empty, has_moments=self._has_moments, has_rows=self._has_rows)
        self._spill()
        for file in self._files:
            file.close()
        shelves = [shelf for number in range(1 << _BITS) if (shelf := self._shelf(number))]
        count = sum(shelf.batch.num_rows for shelf in shelves)
        used = np.memmap(self._folder / "used", np.uint8, "w+", shape=(count,))
        return Index(shelves, used, self._empty, has_moments=self._has_moments, has_rows=self._has_rows)

    def _spill(self) -> None:
        """What waits in memory goes to the files of its hashes."""
        if not self._files:
            self._files = [pa.ipc.new_stream(str(self._path(number)), _HASHED) for number in range(1 << _BITS)]
        if not self._waiting:
            return
        batch = _joined(self._waiting)
        which = values_of(batch["hash"]) >> np.uint64(64 - _BITS)
        order = np.argsort(which, kind="stable")
        cuts = np.searchsorted(which[order], np.arange((1 << _BITS) + 1, dtype=np.uint64))
        for file, low, high in zip(self._files, cuts, cuts[1:], strict=False):
            if low < high:
                file.write_batch(batch.take(places_of(order[low:high])))
        self._waiting, self._count = [], 0

    def _shelf(self, number: int) -> Shelf | None:
        path = self._path(number)
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            batches = list(stream)
        path.unlink()
        if not batches:
            return None
        done = self._folder / f"{number:02d}.sorted"
        with pa.ipc.new_file(str(done), _HASHED) as file:
            file.write_batch(_sorted(batches))
        return Shelf.of(pa.ipc.open_file(pa.memory_map(str(done))).get_batch(0))

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:02d}.labels"


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _sorted(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """By hash, then by the hour of collection (unknown ones first), else as they were read; equal ids together."""
    batch = _joined(batches)
    hashes = values_of(batch["hash"])
    collected = values_of(batch["collected"].fill_null(_NEVER))
    order = np.lexsort((values_of(batch["order"]), collected, hashes))
    ids = batch["id"].take(places_of(order))
    ordered = hashes[order]
    twins = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(twins) and not pc.all(pc.equal(ids.take(places_of(twins)), ids.take(places_of(twins + 1)))).as_py():
        numbers = ids.dictionary_encode().indices  # two ids of one hash: each must lie together
        order = order[np.lexsort((np.arange(len(order)), values_of(numbers), ordered))]
    return batch.take(places_of(order))
