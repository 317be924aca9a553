"""Which rows of a batch are new, which repeat a known row, and which change one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from driftline.inferences.hashes import Identities
from driftline.profile.hashing import Hashes

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Of each row of a batch one is true: it is new, it repeats a row that is known, or it changes one.

    Rows of which a later one of the same batch takes the place count as repeated too. `kept` are those that are
    written: new ones, and changed ones unless the first one counts.
    """

    new: Mask
    repeated: Mask
    changed: Mask
    kept: Mask

    def ordered(self, order: npt.NDArray[np.int64]) -> Sorted:
        """What is told here of the rows in this order, told of them in their own."""
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return Sorted(self.new[back], self.repeated[back], self.changed[back], self.kept[back])


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the rows of a batch from before: which are known at all, and the content of all (0 if not)."""

    known: Mask
    content: Hashes


def sort_out(who: Identities, content: Hashes, before: Before, duplicates: str) -> Sorted:
    """Sort the rows of a batch: of those of one identity the `first` or the `last` counts, or `every` that differs.

    >>> who = Identities(np.array([1, 1, 2], np.uint64), np.array([1, 1, 2], np.uint64))
    >>> before = Before(np.array([False, False, True]), np.array([0, 0, 7], np.uint64))
    >>> sort_out(who, np.array([5, 6, 7], np.uint64), before, "last").new.tolist()
    [False, True, False]
    """
    differs = ~before.known | (before.content != content)
    chosen, twins = np.ones(len(who), np.bool_), _twins(who)
    if twins is not None:
        order, is_first, is_last = twins
        if duplicates == "every":
            same = content[order][1:] == content[order][:-1]
            differs[order[1:]] = np.where(is_first[1:], differs[order[1:]], ~same)
        else:
            chosen[order] = is_first if duplicates == "first" else is_last
    known = before.known.copy()
    if twins is not None and duplicates != "last":
        known[order] |= ~is_first
        if duplicates == "first":
            starts = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
            reference = np.where(before.known, before.content, content)[order][starts]
            differs[order] = np.where(is_first, differs[order], content[order] != reference)
            chosen[:] = True
    new = chosen & ~known
    changed = chosen & known & differs
    kept = new if duplicates == "first" else new | changed
    return Sorted(new, ~(new | changed), changed, kept)


def _twins(who: Identities) -> tuple[npt.NDArray[np.int64], Mask, Mask] | None:
    """The order by identity, and in it the first and the last of each; None if all differ, as they mostly do."""
    order = np.argsort(who.first, kind="stable")
    ordered = who.first[order]
    if not bool(np.any(ordered[1:] == ordered[:-1])):
        return None
    order = np.lexsort((who.second, who.first))
    first, second = who.first[order], who.second[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    ends = np.ones(len(order), np.bool_)
    ends[:-1] = begins[1:]
    return order, begins, ends
