"""The time that a run is about: half-open intervals in UTC, the hours they cover, and the offsets that move them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from driftline.cron import NOW, Cron
from driftline.errors import Invalid

HOUR = timedelta(hours=1)
LONGEST_NOW = timedelta(hours=24)
"""How much time a run by `NOW` may be about, as in SageMaker."""

_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<time_days>\d+)D)?(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
"""ISO 8601 without years and months, whose length varies; `-PT2D` is how AWS's examples write two days."""


@dataclass(frozen=True, order=True)
class Window:
    """All moments from `start` to just before `end`; both aware, kept in UTC.

    >>> Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    Traceback (most recent call last):
    driftline.errors.Invalid: window: got '2026-01-02T00:00:00+00:00 to 2026-01-01T00:00:00+00:00', expected ...
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse an empty window and times without a zone; raises `Invalid`."""
        said = f"{self.start.isoformat()} to {self.end.isoformat()}"
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise Invalid(what="window", got=said, expected="times with a zone, such as 2026-11-21T13:00:00Z")
        if self.start >= self.end:
            raise Invalid(what="window", got=said, expected="a start before the end")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    def __contains__(self, moment: datetime) -> bool:
        """Whether an aware moment lies in it; the end does not."""
        return self.start <= moment < self.end

    def hours(self) -> Iterator[str]:
        """The folders `yyyy/MM/dd/HH` of the hours that it touches, in order.

        >>> list(Window(datetime(2026, 12, 31, 22, 30, tzinfo=UTC), datetime(2027, 1, 1, 1, tzinfo=UTC)).hours())
        ['2026/12/31/22', '2026/12/31/23', '2027/01/01/00']
        """
        hour = self.start.replace(minute=0, second=0, microsecond=0)
        while hour < self.end:
            yield f"{hour:%Y/%m/%d/%H}"
            hour += HOUR


def duration(text: str) -> timedelta:
    """The length of an ISO 8601 duration of weeks, days, hours, minutes and seconds; raises `Invalid`.

    >>> str(duration("-P1DT6H")), str(duration("-PT2D")), str(duration("PT90M"))
    ('-2 days, 18:00:00', '-2 days, 0:00:00', '1:30:00')
    """
    found = _DURATION.fullmatch(text.strip().upper())
    parts = {name: int(value) for name, value in found.groupdict().items() if name != "sign" and value} if found else {}
    if found is None or not parts:
        expected = "an ISO 8601 duration of weeks, days, hours, minutes or seconds, such as -PT1H or -P1DT6H"
        raise Invalid(what="duration", got=text, expected=expected)
    days = parts.pop("days", 0) + parts.pop("time_days", 0)
    try:
        length = timedelta(days=days, **parts)
    except OverflowError:
        raise Invalid(what="duration", got=text, expected="less than a million years") from None
    return -length if found["sign"] == "-" else length


def remark(text: str) -> str | None:
    """What to say of a duration that is understood though ISO 8601 does not have it; None if there is nothing.

    >>> print(remark("-PT2D"), remark("-P2D"))
    '-PT2D' is no ISO 8601, which has days before the T; it is read as -P2D None
    """
    found = _DURATION.fullmatch(text.strip().upper())
    if found is None or not found["time_days"]:
        return None
    days = int(found["days"] or 0) + int(found["time_days"])
    rest = "".join(f"{found[name]}{name[0].upper()}" for name in ("hours", "minutes", "seconds") if found[name])
    weeks = f"{found['weeks']}W" if found["weeks"] else ""
    meant = f"{found['sign']}P{weeks}{days}D" + (f"T{rest}" if rest else "")
    return f"{text!r} is no ISO 8601, which has days before the T; it is read as {meant}"


def window_of(expression: str, scheduled: datetime, start: str | None = None, end: str | None = None) -> Window:
    """The window of the run that is planned for `scheduled`; it never depends on when that run begins.

    `start` and `end` are durations from `scheduled`: an input's offsets, or the analysis times of `NOW`, which needs
    both. Without them a run is about the time since the one before: the last hour, the last day. Raises `Invalid`.

    >>> at = datetime(2020, 1, 9, 13, tzinfo=UTC)
    >>> window = window_of("cron(0 * ? * * *)", at)
    >>> f"{window.start:%d %H} to {window.end:%d %H}"
    '09 12 to 09 13'
    >>> window = window_of("cron(0 * ? * * *)", at, "-P8D", "-P1D")
    >>> f"{window.start:%d %H} to {window.end:%d %H}"
    '01 13 to 08 13'
    """
    if expression.strip() == NOW:
        return _window_of_now(scheduled, start, end)
    until = _moved(scheduled, "EndTimeOffset", end) if end else scheduled
    since = _moved(scheduled, "StartTimeOffset", start) if start else until - Cron.parse(expression).period(scheduled)
    return _window(since, until, f"StartTimeOffset {start}, EndTimeOffset {end}")


def _window_of_now(scheduled: datetime, start: str | None, end: str | None) -> Window:
    if start is None or end is None:
        expected = "DataAnalysisStartTime and DataAnalysisEndTime, such as -PT1H and -PT0H"
        raise Invalid(what="ScheduleConfig with NOW", got=f"{start} and {end}", expected=expected)
    since = _moved(scheduled, "DataAnalysisStartTime", start)
    until = _moved(scheduled, "DataAnalysisEndTime", end, ahead=True)
    if until - since > LONGEST_NOW:
        raise Invalid(what="analysis times of NOW", got=f"{start} to {end}", expected="at most 24 hours between them")
    return _window(since, until, f"DataAnalysisStartTime {start}, DataAnalysisEndTime {end}")


def _moved(scheduled: datetime, member: str, text: str, *, ahead: bool = False) -> datetime:
    """The moment that is a duration away; `ahead` lets it lie after `scheduled`, as in the rest of the hour of NOW."""
    offset = duration(text)
    if offset > timedelta(0) and not ahead:
        raise Invalid(what=member, got=text, expected="a duration before the scheduled time, such as -PT1H or -PT0H")
    try:
        return scheduled + offset
    except OverflowError:
        raise Invalid(what=member, got=text, expected="a duration that leads to a year from 1 to 9999") from None


def _window(since: datetime, until: datetime, said: str) -> Window:
    if since >= until:
        raise Invalid(what="window", got=said, expected="a start before the end")
    return Window(since, until)
