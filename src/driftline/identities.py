"""Which calls were read already: their ids as hashes, so that an id that comes again is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from driftline.problems import Problem

Hashes = npt.NDArray[np.uint64]

MOST = 1 << 23
"""So many ids are kept (64 MB); of more calls every second id, every fourth and so on is looked at, chosen by hash."""

_REMEDY = "Calls that were written twice count twice: leave out the copy, or give each call an InferenceId of its own."


@dataclass(frozen=True, slots=True)
class Seen:
    """The ids of records of one file, in order, as 64-bit hashes; 0 for a record that has none.

    `first_line` (from 1) is the line of the first record, where each has a line of its own; None if it is not known.
    """

    uri: str
    hashes: Hashes
    first_line: int | None = None

    def place(self, at: int) -> tuple[str, int | None]:
        """File and line of the record at this place."""
        return self.uri, None if self.first_line is None else self.first_line + at


@dataclass(frozen=True, slots=True)
class Identities:
    """All ids of a run, in the order they were read; merges like a state. Bounded: see `MOST`.

    >>> twice = Identities.of([Seen("a.jsonl", np.array([7, 8, 7], np.uint64), 1)])
    >>> [(each.uri, each.line, each.reason) for each in twice.problems()]
    [('a.jsonl', 3, 'the id of an earlier record, at line 1; 1 record of this file has such an id')]
    """

    seen: tuple[Seen, ...] = ()
    count: int = 0
    halvings: int = 0

    @classmethod
    def of(cls, seen: Iterable[Seen]) -> Identities:
        """Those of several pieces, in order."""
        kept = tuple(seen)
        return _bounded(kept, sum(len(each.hashes) for each in kept), 0)

    def merge(self, other: Identities) -> Identities:
        """Both; chosen by the same part of the hash."""
        halvings = max(self.halvings, other.halvings)
        mine, theirs = (_thinned(each, halvings) for each in (self, other))
        return _bounded((*mine.seen, *theirs.seen), mine.count + theirs.count, halvings)

    def problems(self) -> Iterator[Problem]:
        """One for each file with records whose id came before: how many, and where the first of them is."""
        hashes = np.concatenate([np.empty(0, np.uint64), *(each.hashes for each in self.seen)])
        if not _has_repeats(hashes):
            return
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        repeats = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] != 0))
        again, before = order[repeats + 1], order[repeats]
        by_place = np.argsort(again)
        again, before = again[by_place], before[by_place]
        ends = np.cumsum([len(each.hashes) for each in self.seen])
        pieces, firsts, counts = np.unique(np.searchsorted(ends, again, "right"), return_index=True, return_counts=True)
        found = dict[str, tuple[int, int]]()
        for piece, at, count in zip(pieces.tolist(), firsts.tolist(), counts.tolist(), strict=True):
            uri = self.seen[piece].uri
            earlier, known = found.get(uri, (at, 0))
            found[uri] = (earlier, known + count)
        for at, count in found.values():
            yield self._problem(self._place(again[at], ends), self._place(before[at], ends), count)

    def _place(self, at: int, ends: npt.NDArray[np.int64]) -> tuple[str, int | None]:
        which = int(np.searchsorted(ends, at, "right"))
        return self.seen[which].place(int(at - ends[which]) + len(self.seen[which].hashes))

    def _problem(self, here: tuple[str, int | None], there: tuple[str, int | None], count: int) -> Problem:
        where = "" if there[0] == here[0] else f" in {there[0]}"
        where += "" if there[1] is None else f" at line {there[1]}"
        many = f"about {count << self.halvings:,}" if self.halvings else f"{count:,}"
        counted = "1 record of this file has" if many == "1" else f"{many} records of this file have"
        reason = f"the id of an earlier record,{where or ' in this file'}; {counted} such an id"
        return Problem(here[0], reason, here[1], remedy=_REMEDY, rows=0)


def _has_repeats(hashes: Hashes) -> bool:
    ordered = np.sort(hashes[hashes != 0])
    return bool(np.any(ordered[1:] == ordered[:-1]))


def _bounded(seen: tuple[Seen, ...], count: int, halvings: int) -> Identities:
    found = Identities(seen, count, halvings)
    while found.count > MOST:
        found = _thinned(found, found.halvings + 1)
    return found


def _thinned(found: Identities, halvings: int) -> Identities:
    """Only the ids whose hash begins with so many zeros: the same ones wherever they were read."""
    if found.halvings == halvings:
        return found
    limit = np.uint64(1 << (64 - halvings))
    kept = [Seen(each.uri, each.hashes[(each.hashes < limit) & (each.hashes != 0)]) for each in found.seen]
    return Identities(tuple(kept), sum(len(each.hashes) for each in kept), halvings)
