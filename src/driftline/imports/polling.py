"""Looking for new files below a job's prefix, with few requests and bounded memory, from where one was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from driftline.imports import deltas
from driftline.imports.chosen import Chosen, Passed, choose, root_of
from driftline.imports.cursor import Cursor, Sweep, tail_of, with_dates, with_page
from driftline.imports.job import ImportJob, Place
from driftline.imports.layouts import dated, folder
from driftline.storage.storage import Object
from driftline.storage.storages import Access, storage_for

BUDGET = 20
"""Requests of one look: at Amazon's price less than a dollar a day and job, were it always used up."""

SMALL = 5
"""A prefix that takes no more requests than this is listed whole each time."""

STEADY = 5
"""Requests of one look that go into listing everything again."""

SWEEP = timedelta(hours=1)
"""How often everything is listed where new files are found without that: files may come late, or be written anew."""

WIDE_EVERY, WIDE = timedelta(minutes=10), timedelta(days=2)
"""How often how many of the latest days are listed."""

NARROW = timedelta(hours=1)
"""What is listed each time: from this long before the latest date, or before now if that is earlier."""


@dataclass(frozen=True)
class Look:
    """A page of what was found: to be noted in the ledger together with `cursor`, in one transaction.

    `objects` are files, known or not: another etag makes another version of one. `passed` are no files, with the
    reason. `requests` counts those of this page. `done` says that nothing is left to be listed at the moment; else the
    next look should follow at once.
    """

    objects: tuple[Object, ...]
    passed: tuple[Passed, ...]
    cursor: Mapping[str, Any]
    requests: int
    done: bool


def look(
    job: ImportJob, cursor: Mapping[str, Any], access: Access, *, now: datetime, budget: int = BUDGET
) -> Iterator[Look]:
    """Pages of files that may be new, at most `budget` requests of them; the last page is empty.

    The first looks list everything below the prefix, page by page. Later ones list what can be new: the latest of the
    dates in the keys, or what sorts behind the last key where keys sort by time; small prefixes whole; and everything
    again once an hour, spread over the looks. Where a job has `events`, only that. An empty cursor begins anew. Raises
    what `Storage.scan` raises; the pages before stay valid.
    """
    place = job.place
    if place.format == deltas.FORMAT:
        yield from _table(place, cursor, access)
        return
    turn = _Turn(place, access, now, budget, Cursor.of(cursor))
    if place.events is None:
        yield from turn.latest()
    if turn.is_due():
        yield from turn.sweep()
    yield turn.end()


def anew(cursor: Mapping[str, Any]) -> dict[str, Any]:
    """The cursor with which the next look begins to list everything, knowing what is known of the keys.

    >>> anew({"swept": "2026-11-21T13:00:00+00:00", "size": 3})
    {'size': 3}
    """
    return {name: value for name, value in cursor.items() if name not in ("swept", "sweep", "log")}


def is_listed(cursor: Mapping[str, Any]) -> bool:
    """Whether all that lay below the path when the job was made, or started, has been found.

    >>> is_listed({}), is_listed({"sweep": {"began": "..."}}), is_listed({"swept": "2026-11-21T13:00:00+00:00"})
    (False, False, True)
    """
    return "swept" in cursor or "log" in cursor


@dataclass
class _Turn:
    """One look in progress: what is left of the budget, and the cursor as it moves."""

    place: Place
    access: Access
    now: datetime
    left: int
    cursor: Cursor
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.root, self.before = root_of(self.place), frozenset(self.cursor.pages)

    def latest(self) -> Iterator[Look]:
        """The latest dates of each stem, in turn; or what sorts behind the last key."""
        if self.cursor.swept is None or self.cursor.size <= SMALL:
            return  # a sweep finds it anyway
        if self.cursor.is_dated:
            yield from self._dates()
        elif self.cursor.tail is not None:
            for page in self._scan(self.cursor.tail):
                self.cursor = replace(self.cursor, tail=page[-1].uri if page else self.cursor.tail)
                yield self._shown(page)

    def _dates(self) -> Iterator[Look]:
        wide = self.cursor.wide is None or self.now - self.cursor.wide >= WIDE_EVERY
        begun, behind = self.cursor.turn or ("", "")
        names = [name for name in sorted(self.cursor.stems) if name >= begun]
        for name, following in zip(names, [*names[1:], None], strict=True):
            if not self.left:
                return
            after = self._start(name, WIDE if wide else NARROW)
            yield from self._stem(name, max(after, behind) if name == begun else after)
            if self.left or self.cursor.turn is None:
                self.cursor = replace(self.cursor, turn=None if following is None else (following, ""))
        if self.cursor.turn is None:
            self.cursor = replace(self.cursor, wide=self.now if wide else self.cursor.wide)

    def _stem(self, name: str, after: str) -> Iterator[Look]:
        """What lies below one stem behind a URI; where the budget ends in the middle, the turn says so."""
        for page in self._scan(after):
            inside = bool(page) and self._belongs(page[-1], name)
            self.cursor = replace(self.cursor, turn=(name, page[-1].uri) if inside else None)
            yield self._shown(page)
            if not inside:
                return

    def _start(self, name: str, back: timedelta) -> str:
        stem = self.cursor.stems[name]
        return f"{self.root}{name}{folder(stem.form, min(self.now, stem.latest) - back)}"

    def _belongs(self, found: Object, name: str) -> bool:
        """Whether the listing is still within the dates of this stem."""
        date = dated(found.uri.removeprefix(self.root))
        return date is not None and date.stem == name

    def is_due(self) -> bool:
        """Whether everything is to be listed, or on with it."""
        cursor = self.cursor
        if cursor.sweep is not None or cursor.swept is None:
            return True
        told = self.place.events is not None or (cursor.size > SMALL and (cursor.is_dated or cursor.tail is not None))
        return not told or self.now - cursor.swept >= SWEEP

    def sweep(self) -> Iterator[Look]:
        """Everything, from where the sweep is."""
        sweep = self.cursor.sweep or Sweep(self.now)
        again = self.cursor.swept is not None
        self.left = max(min(self.left, STEADY) if again else self.left, 1)
        pages = self._scan(sweep.after)
        for page in pages:
            sweep = with_page(sweep, page)
            self.cursor = replace(self.cursor, sweep=sweep)
            yield self._shown(page, known=again and self.cursor.size <= SMALL)
            if not self.left:
                return
        self.cursor = replace(
            self.cursor, sweep=None, swept=sweep.began, size=sweep.requests, tail=tail_of(sweep), turn=None
        )

    def _scan(self, after: str | None) -> Iterator[tuple[Object, ...]]:
        """Pages behind a URI while the budget lasts."""
        if self.left <= 0:
            return
        for page in storage_for(self.place.uri, self.access).scan(self.place.uri, after=after):
            self.left -= 1
            yield tuple(page)
            if self.left <= 0:
                return

    def _shown(self, page: tuple[Object, ...], *, known: bool = True) -> Look:
        """The page; without its objects if the look before saw it just so."""
        self.cursor = replace(self.cursor, stems=with_dates(self.cursor.stems, self.root, page))
        digest, chosen = _digest(page), Chosen()
        if known:
            self.seen.add(digest)
        if not known or digest not in self.before:
            chosen = choose(self.place, page)
        return Look(chosen.objects, chosen.passed, self._kept(), 1, False)

    def _kept(self) -> dict[str, Any]:
        return replace(self.cursor, pages=tuple(sorted(self.before | self.seen))).to_dict()

    def end(self) -> Look:
        """The last page, which says how things stand."""
        self.before = frozenset()
        return Look((), (), self._kept(), 0, self.cursor.swept is not None)


def _digest(page: tuple[Object, ...]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for each in page:
        digest.update(f"{each.uri}\n{each.etag}\n{each.size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _table(place: Place, cursor: Mapping[str, Any], access: Access) -> Iterator[Look]:
    """The data files of a Delta table, if its log has grown."""
    pages = list(storage_for(place.uri, access).scan(f"{root_of(place)}_delta_log/", after=cursor.get("log")))
    commits = [each.uri for page in pages for each in page if each.uri.endswith(".json")]
    if commits:
        yield Look(tuple(deltas.objects(place.uri, access)), (), {"log": commits[-1]}, len(pages), True)
    else:
        yield Look((), (), {"log": cursor.get("log")}, len(pages), True)
