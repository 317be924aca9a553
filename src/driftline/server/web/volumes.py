"""How many rows came: by the day on which they were read, and by the day that the rows themselves say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from driftline.catalog import hours
from driftline.catalog.hours import Subject
from driftline.catalog.imports import Volume
from driftline.formats.format import ReadOptions
from driftline.inferences.log import stored
from driftline.inferences.tables import found
from driftline.pages import plots
from driftline.pages.svg import BLUE, RED
from driftline.server.aws.wire import Call
from driftline.server.rest.importfiles import tables_of
from driftline.sources import resolve, strictly
from driftline.window import Window

SHOWN = timedelta(days=60)
"""So many days are drawn."""
COUNTED = 2_000_000
"""Of more actuals the times are not read for a page."""
_DAY, _LEAST = timedelta(days=1), timedelta(days=13)
"""Of fewer days than two weeks the bars would be too wide."""
_EPOCH = date(1970, 1, 1)
_MARKS = 4


@dataclass(frozen=True)
class Day:
    """Rows of a day: those that were accepted, and those that were not."""

    day: date
    accepted: int
    rejected: int = 0


def read_on(volumes: Iterable[Volume], content: str | None = None) -> list[Day]:
    """What was read day by day, of all contents or of one; files of both count for each."""
    found: dict[date, Day] = {}
    for each in volumes:
        if content is None or each.content in (content, "both"):
            before = found.get(each.day, Day(each.day, 0))
            found[each.day] = Day(each.day, before.accepted + each.accepted, before.rejected + each.rejected)
    return list(found.values())


def predicted_on(tx: Connection, subjects: Iterable[Subject]) -> list[Day]:
    """Predictions day by day by their own times: the last days of those that there are."""
    known = [(each, extent) for each in subjects if (extent := hours.extent(tx, each)) is not None]
    if not known:
        return []
    last = max(extent.end for _, extent in known)
    begun = since(last)  # a part of a day would look like a day with few rows
    counted: dict[date, int] = {}
    for subject, _ in known:
        for hour, rows in hours.hours(tx, subject, Window(begun, last)).items():
            counted[hour.astimezone(UTC).date()] = counted.get(hour.astimezone(UTC).date(), 0) + rows
    return [Day(day, rows) for day, rows in sorted(counted.items())]


def labelled_on(call: Call, model: str, environment: str) -> list[Day] | None:
    """Actuals day by day by their own times: the last days that there are; None where there are too many to count."""
    tables = tables_of(call)
    uri = tables.actuals_uri(model)
    table = found(tables, uri)
    if table is None:
        return []
    if sum(each.rows for each in stored(table, uri) if each.environment == environment) > COUNTED:
        return None
    options = ReadOptions(columns=("_time",), settings={"where": {"_environment": environment}})
    counted: dict[date, int] = {}
    for batch in strictly(resolve([uri], tables.access, "delta", options)):
        if isinstance(batch, pa.RecordBatch):
            for each in pc.value_counts(batch.column("_time").cast(pa.timestamp("us")).cast(pa.date32())).to_pylist():
                counted[each["values"]] = counted.get(each["values"], 0) + each["counts"]
    counted.pop(None, None)  # type: ignore[call-overload]
    since = max(counted, default=_EPOCH) - SHOWN
    return [Day(day, rows) for day, rows in sorted(counted.items()) if day > since]


def drawn(days: Sequence[Day], said: str) -> str:
    """A bar for each day, those rejected on top of it in red; empty without any."""
    if not days:
        return ""
    last = days[-1].day
    first = min(days[0].day, last - _LEAST)
    top = max(each.accepted + each.rejected for each in days) or 1
    count = (last - first).days + 1
    step = max(round((count - 1) / (_MARKS - 1)), 1)
    marks = tuple((_at(day) + 0.5, f"{day:%m-%d}") for place in range(0, count, step) if (day := first + place * _DAY))
    years = f"{first:%Y}" if first.year == last.year else f"{first:%Y} to {last:%Y}"
    axes = plots.Axes((_at(first), _at(last) + 1), (0.0, top * 1.05), f"{years}, rows by day in UTC", "", marks)
    return plots.plot(axes, [_bar(axes, each) for each in days], said)


def told(days: Sequence[Day], what: str) -> str:
    """A drawing in a sentence.

    >>> told([Day(date(2026, 11, 1), 10), Day(date(2026, 11, 3), 5)], "Predictions by day")
    'Predictions by day: 15 rows on 2 days, from 2026-11-01 to 2026-11-03'
    """
    if not days:
        return f"{what}: none"
    rows = sum(each.accepted for each in days)
    return f"{what}: {rows:,} rows on {len(days)} days, from {days[0].day} to {days[-1].day}"


def _bar(axes: plots.Axes, found: Day) -> str:
    left, right = axes.x(_at(found.day) + 0.1), axes.x(_at(found.day) + 0.9)
    wide, floor = max(right - left, 1.0), axes.y(0.0)
    kept, top = axes.y(found.accepted), axes.y(found.accepted + found.rejected)
    lost = f", {found.rejected:,} rejected" if found.rejected else ""
    title = f"<title>{escape(f'{found.day}: {found.accepted:,} rows{lost}')}</title>"
    bars = f'<path class="is" d="M{left:.1f} {floor:.1f}V{kept:.1f}h{wide:.1f}V{floor:.1f}z" fill="{BLUE}"/>'
    if found.rejected:
        bars += f'<path class="over" d="M{left:.1f} {kept:.1f}V{top:.1f}h{wide:.1f}V{kept:.1f}z" fill="{RED}"/>'
    return f"<g>{bars}{title}</g>"


def _at(day: date) -> float:
    """The place of a day on an axis."""
    return float((day - _EPOCH).days)


def since(now: datetime) -> datetime:
    """From when on is drawn what there is until a moment: whole days."""
    return datetime.combine((now - SHOWN).date(), time(), UTC)
