"""Hourly profiles: which objects hold the parts of each hour, and the hours, days and months made of them.

Parts are what batches brought. A whole hour, day or month stands for its parts until another part of it comes, which
removes it in the same transaction. All who write hours of a month lock one row of it, so that nothing made of older
parts can be added beside a newer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from driftline.catalog.tables import hour_part
from driftline.window import HOUR, Window

PART, WHOLE_HOUR, DAY, MONTH, _TURN = "part", "hour", "day", "month", "turn"

SPANS = (MONTH, DAY, WHOLE_HOUR, PART)
"""From the longest to the shortest."""

_AT_ONCE = 200
"""So many conditions, or rows, in one statement; SQLite has limits."""

c = hour_part.c


@dataclass(frozen=True, order=True)
class HourPart:
    """The profile of `rows` rows from `hour` on, over `span`, at `uri`; `name` tells parts of one hour apart."""

    hour: datetime
    name: str
    uri: str
    rows: int
    span: str = PART

    @property
    def window(self) -> Window:
        """All that it is about."""
        return Window(self.hour, end_of(self.span, self.hour))


@dataclass(frozen=True)
class Subject:
    """Whose hours: those of a model, of one version and environment."""

    model: str
    version: str
    environment: str = "production"


def start_of(span: str, moment: datetime) -> datetime:
    """When the hour, day or month begins that a moment lies in.

    >>> from datetime import UTC
    >>> start_of("month", datetime(2026, 3, 9, 7, 30, tzinfo=UTC)).isoformat()
    '2026-03-01T00:00:00+00:00'
    """
    hour = moment.replace(minute=0, second=0, microsecond=0)
    day = hour if span in (PART, WHOLE_HOUR) else hour.replace(hour=0)
    return day.replace(day=1) if span == MONTH else day


def end_of(span: str, start: datetime) -> datetime:
    """When the hour, day or month ends that begins at `start`."""
    if span == MONTH:
        return start_of(MONTH, start + timedelta(days=31))
    return start + (timedelta(days=1) if span == DAY else HOUR)


def name_of(name: str) -> str:
    """A name that fits: itself, or its hash where it is longer than 64 characters."""
    return name if len(name) <= 64 else sha256(name.encode()).hexdigest()


def add(tx: Connection, subject: Subject, parts: Iterable[HourPart]) -> int:
    """Add what a batch brought, and remove what was made of the hours, days and months; returns how many are new.

    A part of the same name and hour is there already, and stays.
    """
    given = sorted({(part.hour, name_of(part.name)): part for part in parts}.items())
    _lock(tx, subject, [hour for (hour, _), _ in given])
    known: set[tuple[datetime, str]] = set()
    for some in _pieces(given):
        named = c.hour.in_({hour for (hour, _), _ in some}) & c.part.in_({name for (_, name), _ in some})
        known |= {(row.hour, row.part) for row in tx.execute(_of(subject, PART).where(named))}
    fresh = [(key, part) for key, part in given if key not in known]
    for some in _pieces(fresh):
        tx.execute(insert(hour_part), [_values(subject, part, name) for (_, name), part in some])
    _forget_made(tx, subject, {hour for (hour, _), _ in fresh})
    return len(fresh)


def replace(tx: Connection, subject: Subject, hours: Sequence[datetime], parts: Sequence[HourPart]) -> list[str]:
    """These parts alone are those of the hours from now on; returns the places of what they replace."""
    _lock(tx, subject, hours)
    old = []
    for some in _pieces(sorted(set(hours))):
        query = _of(subject, PART).where(c.hour.in_(some))
        old += [row.uri for row in tx.execute(query)]
        tx.execute(delete(hour_part).where(*_whose(subject), c.span == PART, c.hour.in_(some)))
    old += _forget_made(tx, subject, set(hours))
    add(tx, subject, parts)
    return old


def unnamed(tx: Connection, subject: Subject, places: Iterable[str]) -> list[str]:
    """Of the objects in which these places are those that no hour, day or month of the subject is in any more."""
    objects = sorted({place.rpartition("#")[0] for place in places})
    query = select(c.part).where(*_whose(subject)).limit(1)
    return [
        each for each in objects if not tx.execute(query.where(c.uri.startswith(f"{each}#", autoescape=True))).all()
    ]


def objects(tx: Connection, subject: Subject, hours: Sequence[datetime] | None = None) -> dict[str, list[str]]:
    """Object -> the places in it that hours, days and months of the subject are at; of some hours, if they are given.

    Of some hours also the days and months that they lie in.
    """
    found: dict[str, list[str]] = {}
    for span in SPANS:
        query = select(c.uri).where(*_whose(subject), c.span == span).order_by(c.uri)
        starts = [] if hours is None else _pieces(sorted({start_of(span, hour) for hour in hours}))
        for each in [query] if hours is None else [query.where(c.hour.in_(some)) for some in starts]:
            for place in tx.execute(each).scalars():
                found.setdefault(place.rpartition("#")[0], []).append(place)
    return found


def move(tx: Connection, subject: Subject, places: Mapping[str, str]) -> None:
    """Say that profiles lie elsewhere: old place -> new place."""
    told = update(hour_part).where(*_whose(subject), c.uri == bindparam("old")).values(uri=bindparam("new"))
    for some in _pieces([{"old": old, "new": new} for old, new in places.items()]):
        tx.execute(told, some)


def put(tx: Connection, subject: Subject, made: HourPart, of: Sequence[HourPart]) -> bool:
    """Add a whole hour, day or month; False if it was made of other parts than there are by now, or is there."""
    _lock(tx, subject, [made.hour])
    if sorted(cover(tx, subject, made.window)) != sorted(of) or not of:
        return False
    tx.execute(insert(hour_part), [_values(subject, made, made.name)])
    return True


def cover(tx: Connection, subject: Subject, window: Window, longest: str = MONTH) -> list[HourPart]:
    """The fewest parts, none over more than `longest`, that hold all rows of a window, in the order of the hours.

    The window begins and ends on the hour.
    """
    gaps, found = [(window.start, window.end)], list[HourPart]()
    for span in SPANS[SPANS.index(longest) :]:
        here: list[HourPart] = []
        for some in _pieces([gap for gap in gaps if _may_hold(span, gap)]):
            inside = or_(*[(c.hour >= start) & (c.hour < end) for start, end in some])
            here += [_part(row) for row in tx.execute(_of(subject, span).where(inside))]
        here = [part for part in here if any(start <= part.hour and part.window.end <= end for start, end in gaps)]
        found += here
        if here and span != PART:
            gaps = _less(gaps, sorted(here))
    return sorted(found)


def hours(tx: Connection, subject: Subject, window: Window) -> dict[datetime, int]:
    """How many rows there are in each hour of a window that has any."""
    query = select(c.hour, func.sum(c.rows)).where(*_whose(subject), c.span == PART)
    query = query.where(c.hour >= window.start, c.hour < window.end).group_by(c.hour).order_by(c.hour)
    return {hour: int(rows) for hour, rows in tx.execute(query)}


def extent(tx: Connection, subject: Subject) -> Window | None:
    """From the first hour to the end of the last; None without any."""
    query = select(func.min(c.hour), func.max(c.hour)).where(*_whose(subject), c.span == PART)
    first, last = tx.execute(query).one()
    return None if first is None else Window(first, last + HOUR)


def subjects(tx: Connection, model: str | None = None) -> list[Subject]:
    """All that have hours, of a model or of all."""
    query = select(c.model, c.version, c.environment).where(c.span == _TURN).distinct()
    query = query if model is None else query.where(c.model == model)
    return [Subject(*row) for row in tx.execute(query.order_by(c.model, c.version, c.environment))]


def remove(tx: Connection, model: str, version: str | None = None) -> list[str]:
    """Forget the hours of a model, or of a version of it; returns where their profiles lie."""
    these = [c.model == model] + ([] if version is None else [c.version == version])
    places = [row.uri for row in tx.execute(select(c.uri).where(*these, c.span != _TURN))]
    tx.execute(delete(hour_part).where(*these))
    return places


def _lock(tx: Connection, subject: Subject, hours: Iterable[datetime]) -> None:
    """Wait for whoever writes hours of these months, in one order, and keep others out until the transaction ends."""
    for month in sorted({start_of(MONTH, hour) for hour in hours}):
        these = (*_whose(subject), c.span == _TURN, c.hour == month)
        if tx.execute(update(hour_part).where(*these).values(rows=0)).rowcount:
            continue
        try:
            with tx.begin_nested():
                tx.execute(insert(hour_part), [_values(subject, HourPart(month, "", "", 0, _TURN), "")])
        except IntegrityError:  # another writer made it meanwhile
            tx.execute(update(hour_part).where(*these).values(rows=0))


def _forget_made(tx: Connection, subject: Subject, hours: set[datetime]) -> list[str]:
    """Remove what was made of these hours; returns the places."""
    places = []
    for span in (WHOLE_HOUR, DAY, MONTH):
        for some in _pieces(sorted({start_of(span, hour) for hour in hours})):
            these = (*_whose(subject), c.span == span, c.hour.in_(some))
            places += [row.uri for row in tx.execute(select(c.uri).where(*these))]
            tx.execute(delete(hour_part).where(*these))
    return places


def _less(gaps: Sequence[tuple[datetime, datetime]], parts: Sequence[HourPart]) -> list[tuple[datetime, datetime]]:
    """What is left of ascending intervals without those of ascending parts, each of which lies in one of them."""
    found = []
    for start, end in gaps:
        left = start
        for part in parts:
            if left <= part.hour < end:
                found.append((left, part.hour))
                left = part.window.end
        found.append((left, end))
    return [(start, end) for start, end in found if start < end]


def _may_hold(span: str, gap: tuple[datetime, datetime]) -> bool:
    start, end = gap
    first = start_of(span, start)
    first = first if first == start else end_of(span, first)
    return end_of(span, first) <= end


def _pieces(rows: Sequence[Any]) -> list[Any]:
    return [rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE)]


def _whose(subject: Subject) -> tuple[Any, ...]:
    return c.model == subject.model, c.version == subject.version, c.environment == subject.environment


def _of(subject: Subject, span: str) -> Any:
    return select(hour_part).where(*_whose(subject), c.span == span)


def _part(row: Row[Any]) -> HourPart:
    return HourPart(row.hour, row.part, row.uri, row.rows, row.span)


def _values(subject: Subject, part: HourPart, name: str) -> dict[str, Any]:
    return {
        "model": subject.model,
        "version": subject.version,
        "environment": subject.environment,
        "span": part.span,
        "hour": part.hour,
        "part": name,
        "uri": part.uri,
        "rows": part.rows,
    }
