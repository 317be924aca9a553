"""Files of a table without some of their rows: those that others take the place of, and those of files that go."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.inferences.hashes import ENVIRONMENTS, Identities, hours_of, identities, taken
from driftline.inferences.known import EMPTY, Rows, Run, joined
from driftline.inferences.log import LATE, Stored, file_of
from driftline.inferences.pieces import Day, Piece, Pieces
from driftline.inferences.sorting import Mask
from driftline.inferences.tables import Tables
from driftline.profile.arrow import values_of
from driftline.profile.hashing import Hashes
from driftline.schemas.fields import Environment
from driftline.storage.storages import storage_for

_COLUMNS = ("_id", "_time", "_ingested", "_batch", "_file", "_row")
_EPOCH = date(1970, 1, 1)

ANY = -1 << 31
"""Stands for all days, where the time of a row does not tell in which partition it is."""


def rows_at(who: Identities, rows: npt.NDArray[np.int64], file: int) -> Rows:
    """The rows of a file that stay, whichever others there are of these identities: kept by the row in it."""
    size = len(who)
    return Rows(who, rows.astype(np.uint64), np.zeros(size, np.int32), np.full(size, file, np.uint32))


@dataclass
class Gone:
    """Which rows go: all of some files, and those of some identities but the one that stays."""

    files: frozenset[int] = frozenset()
    days: dict[Day, set[int]] = field(default_factory=dict)
    stay: list[Rows] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether any row may go."""
        return bool(self.files or self.stay)

    def with_files(self, files: Sequence[int]) -> Gone:
        """These files too."""
        return replace(self, files=self.files | frozenset(files))

    def supersede(self, stay: Rows, where: npt.NDArray[np.int32], files: npt.NDArray[np.uint32]) -> None:
        """Rows that take the place of others, which are of these hours with environments, and of these files."""
        if not len(stay):
            return
        self.stay.append(stay)
        for at in np.unique(np.stack([where >> 2, where & 3, files]), axis=1).T.tolist():
            hour, environment, file = at
            day = hour // 24 if ENVIRONMENTS[environment] is Environment.PRODUCTION else ANY
            self.days.setdefault((str(ENVIRONMENTS[environment]), day), set()).add(file)

    def may_be_in(self, day: Day) -> bool:
        """Whether rows of a partition may go that others take the place of."""
        return day in self.days or (day[0], ANY) in self.days

    def may_hold(self, file: Stored) -> bool:
        """Whether a file of the table may have rows that go."""
        low, high = file.files
        days = ((file.environment, day) for day in (file.day, ANY))
        return any(low <= each <= high for each in self.files.union(*(self.days.get(day, ()) for day in days)))

    def staying(self) -> Run:
        """The rows that stay, by identity; of several the last."""
        return Run("", joined(self.stay).sorted() if self.stay else EMPTY)


@dataclass(frozen=True)
class Rewritten:
    """Files that go, and those that come in their place; which hours and files lose rows.

    `lost` are the first hashes of the ids of rows that go, by environment; `hours` count from 1970.
    """

    removed: tuple[Stored, ...] = ()
    added: tuple[Piece, ...] = ()
    hours: frozenset[tuple[str, int]] = frozenset()
    rows: Mapping[int, int] = field(default_factory=dict)
    lost: tuple[tuple[str, Hashes], ...] = ()

    def merge(self, other: Rewritten) -> Rewritten:
        """Both."""
        rows = {each: self.rows.get(each, 0) + other.rows.get(each, 0) for each in {**self.rows, **other.rows}}
        removed, added = self.removed + other.removed, self.added + other.added
        return Rewritten(removed, added, self.hours | other.hours, rows, self.lost + other.lost)

    def actions(self) -> list[Any]:
        """What delta-rs commits."""
        from deltalake.transaction import RemoveAction

        now = int(time.time() * 1000)
        removed = [
            RemoveAction(
                each.path,
                True,
                now,
                each.size,
                {"_environment": each.environment, "_day": str(_EPOCH + timedelta(days=each.day))},
            )
            for each in self.removed
        ]
        return [*removed, *(each.action() for each in self.added)]

    def discard(self, tables: Tables, uri: str) -> None:
        """Remove the files that were to come."""
        for each in self.added:
            storage_for(uri, tables.access).delete(f"{uri}/{each.path}")


def rewritten(tables: Tables, uri: str, files: Sequence[Stored], gone: Gone, pieces: Pieces) -> Rewritten:
    """The files without the rows that go, written by `pieces`; files that have none of them are left alone."""
    staying = gone.staying()
    numbers = np.array(sorted(gone.files), np.int64)
    found = Rewritten()
    for file in files:
        with file_of(tables, uri, file.path) as parquet:
            masks = []
            for group in range(parquet.num_row_groups):
                keep, lost = _sieved(_read(parquet, group, _COLUMNS), file, staying, numbers, uri.endswith(LATE))
                masks.append(keep)
                found = found.merge(lost)
            if all(bool(mask.all()) for mask in masks):
                continue
            found = found.merge(Rewritten(removed=(file,)))
            for group, keep in enumerate(masks):
                if keep.any():
                    pieces.add(taken(_read(parquet, group, None), keep), (file.environment, file.day))
    return found.merge(Rewritten(added=tuple(pieces.finish())))


def _read(parquet: Any, group: int, columns: Sequence[str] | None) -> pa.RecordBatch:
    table = parquet.read_row_group(group, columns=None if columns is None else list(columns), use_threads=False)
    return table.combine_chunks().to_batches()[0]


def _sieved(
    batch: pa.RecordBatch, file: Stored, staying: Run, gone: npt.NDArray[np.int64], late: bool
) -> tuple[Mask, Rewritten]:
    """Which rows stay, and what the others leave behind."""
    numbers, rows = values_of(batch["_file"]), values_of(batch["_row"])
    keep = ~np.isin(numbers, gone)
    who = identities(batch["_id"], batch["_batch"], file.environment)
    if len(staying.rows):
        order = np.argsort(who.first, kind="stable")
        places = np.empty(len(who), np.int64)
        places[order] = staying.find(who.take(order))
        hits = np.flatnonzero(places >= 0)
        winners = staying.rows.take(places[hits])
        keep[hits] &= (winners.file == numbers[hits]) & (winners.content == rows[hits].astype(np.uint64))
    if keep.all():
        return keep, Rewritten()
    hours = hours_of(batch["_ingested" if late else "_time"])[~keep]
    of, counts = np.unique(numbers[~keep], return_counts=True)
    told = Rewritten(
        hours=frozenset((file.environment, hour) for hour in np.unique(hours).tolist()),
        rows=dict(zip(of.tolist(), counts.tolist(), strict=True)),
        lost=((file.environment, who.first[~keep]),),
    )
    return keep, told
