"""Which rows a table has, by hashes of their ids: sorted runs in a folder of this machine, merged as they grow.

A run is one file of columns, which is mapped into memory and never changed. Looking up is a binary search in each of
the few runs there are, the newest first.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from driftline.inferences.hashes import ENVIRONMENTS, Identities
from driftline.profile.hashing import Hashes

Places = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]

_MARK = b"DLKNOWN2"
_HEAD = 24
_COLUMNS = ((8, np.uint64), (8, np.uint64), (8, np.uint64), (4, np.int32), (4, np.uint32))
_STEP = 1 << 18
"""Runs are merged in pieces of about so many rows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of rows: who they are, a hash of their content, their hour and environment, and their file."""

    identities: Identities
    content: Hashes
    where: npt.NDArray[np.int32]
    file: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.content)

    @property
    def hours(self) -> npt.NDArray[np.int32]:
        """Hours since 1970."""
        hours: npt.NDArray[np.int32] = self.where >> 2
        return hours

    @property
    def environments(self) -> npt.NDArray[np.int32]:
        """Their places in `ENVIRONMENTS`."""
        places: npt.NDArray[np.int32] = self.where & 3
        return places

    def take(self, places: Numbers) -> Rows:
        """Those at these places, or where the mask is true."""
        kept = self.identities.take(places)
        return Rows(kept, self.content[places], self.where[places], self.file[places])

    def sorted(self) -> Rows:
        """By identity, of rows with the same one the last only."""
        first, second = self.identities.first, self.identities.second
        order = np.argsort(first, kind="stable")
        ordered = first[order]
        if len(twins := np.flatnonzero(ordered[1:] == ordered[:-1])) and np.any(
            second[order[twins]] != second[order[twins + 1]]
        ):
            order = np.lexsort((np.arange(len(order)), second, first))
        at = self.identities.take(order)
        last = np.ones(len(order), np.bool_)
        last[:-1] = (at.first[1:] != at.first[:-1]) | (at.second[1:] != at.second[:-1])
        return self.take(order[last])

    @property
    def _columns(self) -> tuple[Numbers, ...]:
        return (self.identities.first, self.identities.second, self.content, self.where, self.file)


def rows_of(
    who: Identities, content: Hashes, hours: npt.NDArray[np.int32], environment: str, file: Numbers | int
) -> Rows:
    """Rows of one environment; `file` is a number, or one for each row."""
    where = (hours.astype(np.int32) << 2) | np.int32(ENVIRONMENTS.index(environment))
    return Rows(who, content, where, np.broadcast_to(np.asarray(file, np.uint32), (len(content),)))


def joined(pieces: Iterable[Rows]) -> Rows:
    """All of them in a row."""
    columns = zip(*(each._columns for each in pieces), strict=True)
    first, second, content, where, file = (np.concatenate(each) for each in columns)
    return Rows(Identities(first, second), content, where, file)


EMPTY = Rows(
    Identities(np.empty(0, np.uint64), np.empty(0, np.uint64)),
    np.empty(0, np.uint64),
    np.empty(0, np.int32),
    np.empty(0, np.uint32),
)


@dataclass(frozen=True, slots=True)
class Run:
    """Sorted rows, each identity once, in the file of this name."""

    name: str
    rows: Rows

    def find(self, who: Identities) -> Places:
        """The place of each of `who`, which are sorted by `first`; -1 where it is not known."""
        there = self.rows.identities
        at = np.searchsorted(there.first, who.first).astype(np.int64)
        found = np.full(len(who), -1, np.int64)
        left = np.flatnonzero(at < len(there))
        while len(left):  # once, but where several rows share the first hash
            left = left[there.first[at[left]] == who.first[left]]
            same = there.second[at[left]] == who.second[left]
            found[left[same]] = at[left[same]]
            left = left[~same]
            at[left] += 1
            left = left[at[left] < len(there)]
        return found

    def like(self, first: Hashes) -> Places:
        """The places of all rows whose first hash is among these, which are sorted."""
        there = self.rows.identities.first
        low, high = (np.searchsorted(there, first, side) for side in ("left", "right"))
        lengths = high - low
        starts = np.repeat(low - np.cumsum(lengths) + lengths, lengths)
        places: Places = starts + np.arange(int(lengths.sum()))
        return places


@dataclass
class Known:
    """The runs of one table; `version` is the one of the table that they tell of, -1 if they tell of none.

    Rows of the files in `gone` are not known any more. `kept` are the names of runs that are safe on the disk.
    """

    folder: Path
    runs: tuple[Run, ...] = ()
    version: int = -1
    table: str = ""
    gone: frozenset[int] = frozenset()
    kept: frozenset[str] = frozenset()

    def __len__(self) -> int:
        """How many rows are in the runs, those that were replaced too."""
        return sum(len(run.rows) for run in self.runs)

    def find(self, who: Identities) -> tuple[npt.NDArray[np.bool_], Rows]:
        """Which of `who` are known, and what is known of these, in their order."""
        order = np.argsort(who.first, kind="stable")
        left, asked = order, who.take(order)
        places: list[Places] = []
        pieces: list[Rows] = []
        for run in reversed(self.runs):
            found = run.find(asked)
            hits = found >= 0
            rows, at = run.rows.take(found[hits]), left[hits]
            left, asked = left[~hits], asked.take(~hits)
            if self.gone:  # an older row of this identity went when the one came that has gone now
                there = ~np.isin(rows.file, np.array(sorted(self.gone), np.uint32))
                rows, at = rows.take(there), at[there]
            if len(rows):
                places.append(at)
                pieces.append(rows)
        mask = np.zeros(len(who), np.bool_)
        if not pieces:
            return mask, EMPTY
        where = np.concatenate(places)
        mask[where] = True
        return mask, joined(pieces).take(np.argsort(where))

    def hours(self, first: Hashes, environment: str) -> set[int]:
        """The hours, since 1970, of all rows of an environment with ids of these first hashes, in any batch."""
        place, found = ENVIRONMENTS.index(environment), set[int]()
        first = np.unique(first)
        for run in self.runs:
            rows = run.rows.take(run.like(first))
            found.update(np.unique(rows.hours[rows.environments == place]).tolist())
        return found

    def add(self, rows: Rows) -> None:
        """Rows that came after all others; small runs are merged, so that there are few."""
        if not len(rows):
            return
        self.runs = (*self.runs, self._written([rows.sorted()], len(rows)))
        self._settle()

    def adopt(self, other: Known) -> None:
        """All runs of another index, whose rows came after all of this one; nothing is copied where that can be."""
        for run in other.runs:
            target = self.folder / run.name
            try:
                os.link(other.folder / run.name, target)
            except OSError:  # another file system, or one without links
                shutil.copyfile(other.folder / run.name, target)
            self.runs = (*self.runs, Run(run.name, _mapped(target)))
            self._settle()

    def _settle(self) -> None:
        """Merge the last runs until each is at most half as long as the one before."""
        while len(self.runs) > 1 and len(self.runs[-2].rows) < 2 * len(self.runs[-1].rows):
            old, new = self.runs[-2:]
            # rows that have gone hide those of older runs, so they may be left out of the oldest only
            gone = self.gone if len(self.runs) == 2 else frozenset[int]()
            together = self._written(_merged(old.rows, new.rows, gone), len(old.rows) + len(new.rows))
            self.runs = (*self.runs[:-2], together)

    def keep(self, version: int, table: str) -> None:
        """Write down that the runs tell of this version of the table of this id; runs no longer needed go."""
        self.version, self.table = version, table
        names = [run.name for run in self.runs]
        for name in names:
            if name not in self.kept:
                flushed(self.folder / name)
        self.kept = frozenset(names)
        state = {"version": version, "table": table, "runs": names, "gone": sorted(self.gone)}
        fresh = self.folder / f"state-{secrets.token_hex(4)}.part"
        fresh.write_text(json.dumps(state), encoding="utf-8")
        flushed(fresh)  # a power cut must not leave an index that knows less than it says
        fresh.replace(self.folder / "state.json")
        for path in self.folder.glob("*.run"):
            if path.name not in names:
                path.unlink(missing_ok=True)

    def _written(self, pieces: Iterable[Rows], most: int) -> Run:
        name = f"{secrets.token_hex(8)}.run"
        with (self.folder / name).open("xb") as file:
            at = 0
            for piece in pieces:
                starts = _starts(most)
                for start, (width, kind), values in zip(starts, _COLUMNS, piece._columns, strict=True):
                    file.seek(start + at * width)
                    file.write(np.ascontiguousarray(values, kind).tobytes())
                at += len(piece)
            file.truncate(max(_starts(most)[-1] + 4 * most, _HEAD))
            file.seek(0)
            file.write(_MARK + np.array([at, most], np.uint64).tobytes())
        return Run(name, _mapped(self.folder / name))


def _starts(most: int) -> list[int]:
    """Where the columns of a run begin."""
    found = [_HEAD]
    for width, _ in _COLUMNS[:-1]:
        found.append(found[-1] + width * most)
    return found


def _mapped(path: Path) -> Rows:
    """The rows of a file; raises `ValueError` for one that was not finished."""
    whole = np.memmap(path, np.uint8, "r") if path.stat().st_size >= _HEAD else np.empty(0, np.uint8)
    if bytes(whole[:8]) != _MARK:
        raise ValueError(f"{path} is no run of known rows")
    count, most = whole[8:_HEAD].view(np.uint64).tolist()
    columns: list[Numbers] = [
        whole[start : start + width * count].view(kind)
        for start, (width, kind) in zip(_starts(most), _COLUMNS, strict=True)
    ]
    first, second, content, where, file = columns
    return Rows(Identities(first, second), content, where, file)


def _merged(old: Rows, new: Rows, gone: frozenset[int]) -> Iterable[Rows]:
    """Both in order, piece by piece, without rows that were replaced."""
    cuts = old.identities.first[_STEP::_STEP]
    ends = [(*np.searchsorted(each.identities.first, cuts).tolist(), len(each)) for each in (old, new)]
    start = (0, 0)
    for stop in zip(*ends, strict=True):
        pieces = [each.take(np.arange(low, high)) for each, low, high in zip((old, new), start, stop, strict=True)]
        rows = joined(pieces).sorted()
        if gone:
            rows = rows.take(~np.isin(rows.file, np.array(sorted(gone), np.uint32)))
        yield rows
        start = stop


def load(folder: Path) -> Known:
    """What a folder holds; nothing is known if it is empty, damaged or of another make."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        runs = tuple(Run(name, _mapped(folder / name)) for name in state["runs"])
    except (OSError, ValueError, KeyError):
        with suppress(OSError):
            (folder / "state.json").unlink()
        return Known(folder)
    return Known(folder, runs, state["version"], state["table"], frozenset(state["gone"]), frozenset(state["runs"]))


def unknown(known: Known) -> Known:
    """The same folder without any knowledge."""
    return replace(known, runs=(), version=-1, table="", gone=frozenset())


def flushed(path: Path) -> None:
    """Make the bytes of a file survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def size_on_disk(folder: Path) -> int:
    """Bytes that an index takes."""
    return sum(path.stat().st_size for path in folder.glob("*.run"))
