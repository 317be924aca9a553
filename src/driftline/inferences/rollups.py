"""The profile of any window, from hours, days and months: whole ones are merged once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby

import pyarrow as pa

from driftline.catalog import Catalog, hours
from driftline.catalog.database import Begin
from driftline.catalog.hours import DAY, MONTH, PART, WHOLE_HOUR, HourPart, Subject, end_of, start_of
from driftline.errors import NotFound
from driftline.inferences.hours import Hourly
from driftline.inferences.sheetbytes import fetch, put, store
from driftline.inferences.sheets import Sheet
from driftline.inferences.stacks import SIZE
from driftline.profile import Profile
from driftline.schemas.fields import ModelSchema
from driftline.storage.access import Access
from driftline.window import HOUR, Window

SIZES = {WHOLE_HOUR: SIZE, DAY: 2 * SIZE, MONTH: 4 * SIZE}
"""Items of the sketches of each span."""

_AT_ONCE = 256
"""So many parts are merged at once; of more, those before are merged first, so that memory does not grow with them."""

_FINE = 16 * SIZE


@dataclass(frozen=True)
class Covered:
    """The profile of whole hours; `partial` are those of which the window that was asked holds only a part.

    `parts` were read and merged.
    """

    profile: Profile
    window: Window
    partial: tuple[datetime, ...] = ()
    parts: int = 0


def covering(window: Window) -> tuple[Window, tuple[datetime, ...]]:
    """The whole hours that a window touches, and those of them that it holds only a part of.

    >>> from datetime import UTC
    >>> wide, partial = covering(Window(datetime(2026, 1, 1, 5, 30, tzinfo=UTC), datetime(2026, 1, 1, 8, tzinfo=UTC)))
    >>> f"{wide.start:%H} to {wide.end:%H}, partly {partial[0]:%H}"
    '05 to 08, partly 05'
    """
    first, last = start_of(WHOLE_HOUR, window.start), start_of(WHOLE_HOUR, window.end)
    end = last if last == window.end else last + HOUR
    partial = {first: first < window.start, end - HOUR: end > window.end}
    return Window(first, end), tuple(hour for hour, cut in partial.items() if cut or (hour == first < window.start))


def profile(catalog: Catalog, subject: Subject, window: Window, access: Access) -> Profile:
    """The profile of all rows of the hours that a window touches; empty without any."""
    return read(catalog, subject, window, access).profile


def read(
    catalog: Catalog,
    subject: Subject,
    window: Window,
    access: Access,
    *,
    whole: bool = True,
    columns: Sequence[str] | None = None,
) -> Covered:
    """As `profile`, and which hours it is about.

    Unless `whole`, what no comparison asks for is left out: distinct values, and the most frequent numbers.
    """
    wide, partial = covering(window)
    with catalog.read() as tx:
        parts = hours.cover(tx, subject, wide)
    try:
        sheet = _together(_sheets(parts, access, columns, whole=whole), None)
    except NotFound:  # what was found has been made anew meanwhile, and its objects are gone
        with catalog.read() as tx:
            parts = hours.cover(tx, subject, wide)
        sheet = _together(_sheets(parts, access, columns, whole=whole), None)
    return Covered(sheet.profile(), wide, partial, len(parts))


def each(
    catalog: Catalog,
    subject: Subject,
    window: Window,
    access: Access,
    span: str = DAY,
    columns: Sequence[str] | None = None,
) -> Iterator[tuple[Window, Profile]]:
    """The profiles of each hour, day or month of a window that has rows, in order, without what `read` leaves out.

    The first and the last may be cut by the window.
    """
    wide, _ = covering(window)
    with catalog.read() as tx:
        parts = hours.cover(tx, subject, wide, span)
    for start, group in groupby(parts, key=lambda part: start_of(span, part.hour)):
        cut = Window(max(start, wide.start), min(end_of(span, start), wide.end))
        try:
            sheet = _together(_sheets(list(group), access, columns, whole=False), None)
        except NotFound:  # as above; if there are no rows any more, there is no such hour, day or month
            with catalog.read() as tx:
                again = hours.cover(tx, subject, cut, span)
            if not again:
                continue
            sheet = _together(_sheets(again, access, columns, whole=False), None)
        yield cut, sheet.profile()


def roll_up(
    catalog: Catalog, subject: Subject, folder: str, access: Access, *, until: datetime, window: Window | None = None
) -> int:
    """Merge whole hours, days and months that ended before `until` and are not merged yet, into objects in `folder`.

    Says how many days and months were made. What gets a part meanwhile is left for the next time. The same parts give
    the same objects, so that it does not matter who does it, how often, or when it is killed.
    """
    with catalog.read() as tx:
        known = hours.extent(tx, subject)
    known = window or known
    made, month = 0, start_of(MONTH, known.start) if known else until
    while known and month < min(known.end, until):
        end = end_of(MONTH, month)
        with catalog.read() as tx:
            parts = hours.cover(tx, subject, Window(month, end))
        for day, group in groupby(parts, key=lambda part: start_of(DAY, part.hour)):
            some = list(group)
            if some[0].span not in (DAY, MONTH) and end_of(DAY, day) <= until:
                made += _roll_day(catalog, subject, some, folder, access)
        if end <= until and parts and parts[0].span != MONTH:
            made += _roll_month(catalog, subject, Window(month, end), folder, access)
        month = end
    return made


def rebuild(
    begin: Begin,
    subject: Subject,
    changed: Sequence[datetime],
    rows: Callable[[Window], Iterable[pa.RecordBatch]],
    uri: str,
    access: Access,
    *,
    name: str,
    schema: ModelSchema | None = None,
) -> list[str]:
    """Make the profiles of hours anew, whose rows were changed or deleted; returns the objects that nobody needs now.

    `rows` gives the rows of a window of the table as it is, with `_time`; `name` is that of the new part, such as the
    table's version, and `uri` where it is written. No batch may be between its commit to the table and that to the
    catalog: do it in the lane of the imports, and let `begin`, which begins a transaction of the catalog, raise where
    another worker has the lane by then.
    """
    wanted = sorted({start_of(WHOLE_HOUR, hour) for hour in changed})
    found = Hourly(subject, schema)
    for window in _runs(wanted):
        for batch in rows(window):
            found.observe(batch)
    sheets = found.sheets()
    places = store(sheets, uri, access) if sheets else {}
    parts = [HourPart(hour, name, places[hour], sheet.rows) for hour, sheet in sheets.items()]
    with begin() as tx:
        return hours.unnamed(tx, subject, hours.replace(tx, subject, wanted, parts))


def _roll_day(catalog: Catalog, subject: Subject, parts: Sequence[HourPart], folder: str, access: Access) -> int:
    """A day, and its hours that have several parts, in one object."""
    sheets, of = dict[str, Sheet](), list[HourPart]()
    every, made = list[Sheet](), list[tuple[HourPart, list[HourPart]]]()
    day = start_of(DAY, parts[0].hour)
    uri = f"{folder}/{day:%Y/%m}/{day:%Y-%m-%d}-{_print_of(parts)}.hours"
    for hour, group in groupby(parts, key=lambda part: part.hour):
        some = list(group)
        every.append(_together(_sheets(some, access), SIZES[WHOLE_HOUR]))
        if len(some) > 1:
            sheets[f"{hour:%Y-%m-%dT%H}"] = every[-1]
            made.append((HourPart(hour, _print_of(some), "", every[-1].rows, WHOLE_HOUR), some))
        else:
            of += some
    sheets[f"{day:%Y-%m-%d}"] = _together(iter(every), SIZES[DAY])
    places = put(sheets, uri, access)
    whole = HourPart(day, _print_of(parts), places[f"{day:%Y-%m-%d}"], sheets[f"{day:%Y-%m-%d}"].rows, DAY)
    ready = [(_at(part, places[f"{part.hour:%Y-%m-%dT%H}"]), some) for part, some in made]
    with catalog.begin() as tx:
        for part, some in ready:
            hours.put(tx, subject, part, some)
        return int(hours.put(tx, subject, whole, [*of, *[part for part, _ in ready]]))


def _roll_month(catalog: Catalog, subject: Subject, month: Window, folder: str, access: Access) -> int:
    with catalog.read() as tx:
        parts = hours.cover(tx, subject, month)
    named = f"{month.start:%Y-%m}"
    sheet = _together(_sheets(parts, access), SIZES[MONTH])
    uri = f"{folder}/{month.start:%Y}/{named}-{_print_of(parts)}.hours"
    places = put({named: sheet}, uri, access)
    with catalog.begin() as tx:
        made = HourPart(month.start, _print_of(parts), places[named], sheet.rows, MONTH)
        return int(hours.put(tx, subject, made, parts))


def _at(part: HourPart, uri: str) -> HourPart:
    return HourPart(part.hour, part.name, uri, part.rows, part.span)


def _sheets(
    parts: Sequence[HourPart], access: Access, columns: Sequence[str] | None = None, *, whole: bool = True
) -> Iterator[Sheet]:
    found = fetch([part.uri for part in parts], access, whole=whole)
    return found if columns is None else (sheet.only(columns) for sheet in found)


def _together(sheets: Iterator[Sheet], size: int | None) -> Sheet:
    waiting: list[Sheet] = []
    for sheet in sheets:
        if len(waiting) == _AT_ONCE:
            waiting = [Sheet.merged(waiting, _FINE)]
        waiting.append(sheet)
    return Sheet.merged(waiting, size)


def _print_of(parts: Sequence[HourPart]) -> str:
    """The same for the same parts."""
    named = "\n".join(f"{part.hour.isoformat()} {part.span} {part.name}" for part in sorted(parts))
    return sha256(named.encode()).hexdigest()[:24]


def _runs(ordered: Sequence[datetime]) -> Iterator[Window]:
    """Windows of hours that follow one another."""
    start = 0
    for place, hour in enumerate(ordered):
        if place + 1 == len(ordered) or ordered[place + 1] - hour > timedelta(hours=1):
            yield Window(ordered[start], hour + HOUR)
            start = place + 1


__all__ = ["DAY", "MONTH", "PART", "WHOLE_HOUR", "Covered", "covering", "each", "profile", "read", "rebuild", "roll_up"]
