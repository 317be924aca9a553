"""AWS cron expressions in UTC, `cron(minute hour day-of-month month day-of-week year)`: when they fire, purely."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Self

from driftline.errors import Invalid

NOW = "NOW"
"""The expression of a schedule that runs once, when it is made."""

FORM = "cron(minute hour day-of-month month day-of-week year)"

Days = Callable[[int, int], Iterable[int]]
"""The days of a month that a rule names, of (year, month); may lie outside the month."""

_MONTHS = dict(JAN=1, FEB=2, MAR=3, APR=4, MAY=5, JUN=6, JUL=7, AUG=8, SEP=9, OCT=10, NOV=11, DEC=12)
_WEEKDAYS = dict(SUN=1, MON=2, TUE=3, WED=4, THU=5, FRI=6, SAT=7)
_SUNDAY, _SATURDAY = 1, 7

_SAGEMAKER = re.compile(r"cron\(0 (\*|([01]?\d|2[0-3])(/(0?[1-9]|1\d|2[0-4]))?) \? \* \* \*\)")


@dataclass(frozen=True)
class Field:
    """One of the six fields: its name, its numbers, their names, and how its allowed values are told."""

    name: str
    low: int
    high: int
    allowed: str
    names: Mapping[str, int] = field(default_factory=dict)

    def numbers(self, item: str) -> range | tuple[int, ...]:
        """The numbers of `*`, `7`, `MON`, `1-5` or any of these with `/step`; raises `ValueError` for all else.

        >>> list(MINUTE.numbers("5/20")), HOUR.numbers("22-1"), list(WEEKDAY.numbers("MON-FRI"))
        ([5, 25, 45], (22, 23, 0, 1), [2, 3, 4, 5, 6])
        """
        span, slash, step = item.partition("/")
        every = self._whole(step, 1, self.high - self.low + 1) if slash else 1
        if span == "*":
            return range(self.low, self.high + 1, every)
        first, dash, last = span.partition("-")
        start = self.number(first)
        if not dash:
            return range(start, (self.high if slash else start) + 1, every)
        end = self.number(last)
        if start <= end:
            return range(start, end + 1, every)
        if self is YEAR:
            raise ValueError(item)
        return (*range(start, self.high + 1), *range(self.low, end + 1))[::every]

    def number(self, text: str) -> int:
        """The number that a value means; raises `ValueError` if it is none of this field's.

        >>> WEEKDAY.number("FRI"), HOUR.number("08")
        (6, 8)
        """
        return self.names[text] if text in self.names else self._whole(text, self.low, self.high)

    def _whole(self, text: str, low: int, high: int) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)


MINUTE = Field("minute", 0, 59, "0 to 59")
HOUR = Field("hour", 0, 23, "0 to 23")
DAY = Field("day-of-month", 1, 31, "1 to 31, ?, L (the last), L-3 (3 before it), LW or 15W (the nearest weekday)")
MONTH = Field("month", 1, 12, "1 to 12 or JAN to DEC", _MONTHS)
WEEKDAY = Field(
    "day-of-week",
    1,
    7,
    "1 (Sunday) to 7 or SUN to SAT, ?, L or FRIL (the last of a month), MON#2 (its second)",
    _WEEKDAYS,
)
YEAR = Field("year", 1970, 2199, "1970 to 2199")
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR)


@dataclass(frozen=True)
class Cron:
    """The moments at which an expression fires: whole minutes, UTC, from 1970 to 2199."""

    text: str
    minutes: Sequence[int] = field(compare=False, repr=False)
    hours: Sequence[int] = field(compare=False, repr=False)
    days: Days = field(compare=False, repr=False)
    months: frozenset[int] = field(compare=False, repr=False)
    years: frozenset[int] = field(compare=False, repr=False)
    every_hours: int = field(compare=False, repr=False)
    """N of the hour field `H/N`; 0 where it is of another form."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The expression `cron(...)`; raises `Invalid`, which names the field, what it holds and what it may hold.

        >>> Cron.parse("cron(0 17/10 ? * MON-FRI *)")
        Cron(text='cron(0 17/10 ? * MON-FRI *)')
        >>> Cron.parse("cron(0 25 ? * * *)")
        Traceback (most recent call last):
        driftline.errors.Invalid: hour of cron(0 25 ? * * *): got '25', expected 0 to 23, *, ranges (1-5), ...
        """
        inside = re.fullmatch(r"cron\((.*)\)", text.strip(), re.DOTALL)
        items = inside[1].upper().split() if inside else []
        if len(items) != len(FIELDS):
            raise _malformed(text, len(items) if inside else None)
        minute, hour, day, month, weekday, year = items
        if (day == "?") == (weekday == "?"):
            expected = "? in one of them and the days in the other (* is every day)"
            raise Invalid(what=f"day-of-month and day-of-week of {text}", got=f"{day} {weekday}", expected=expected)
        found = cls(
            text=text.strip(),
            minutes=_numbers(MINUTE, minute, text),
            hours=_numbers(HOUR, hour, text),
            days=_days(DAY, day, text, _day_of_month)
            if weekday == "?"
            else _days(WEEKDAY, weekday, text, _day_of_week),
            months=frozenset(_numbers(MONTH, month, text)),
            years=frozenset(_numbers(YEAR, year, text)),
            every_hours=int(hour.partition("/")[2] or 0) if "," not in hour and "-" not in hour else 0,
        )
        if found.next_after(datetime(1969, 12, 31, tzinfo=UTC)) is None:
            raise Invalid(
                what="ScheduleExpression", got=text, expected="days that exist in one of its months and years"
            )
        return found

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time that it fires strictly after an aware moment; None: never again.

        >>> Cron.parse("cron(0 0 29 2 ? *)").next_after(datetime(2026, 3, 1, tzinfo=UTC)).isoformat()
        '2028-02-29T00:00:00+00:00'
        """
        return next((fire for fire in self._fires(moment, 1) if fire > moment), None)

    def last_before(self, moment: datetime) -> datetime | None:
        """The latest time that it fired strictly before an aware moment; None: never.

        >>> Cron.parse("cron(30 18 LW * ? *)").last_before(datetime(2026, 6, 1, tzinfo=UTC)).isoformat()
        '2026-05-29T18:30:00+00:00'
        """
        return next((fire for fire in self._fires(moment, -1) if fire < moment), None)

    def next_times(self, count: int, moment: datetime) -> list[datetime]:
        """The next times that it fires after an aware moment, at most `count`.

        >>> times = Cron.parse("cron(0 0/12 ? * FRI *)").next_times(3, datetime(2026, 11, 20, tzinfo=UTC))
        >>> [f"{at:%a %H}" for at in times]
        ['Fri 12', 'Fri 00', 'Fri 12']
        """
        return list(islice((fire for fire in self._fires(moment, 1) if fire > moment), count))

    def last_times(self, count: int, since: datetime, until: datetime) -> list[datetime]:
        """The latest times that it fired in (since, until], in order, at most `count`.

        >>> times = Cron.parse("cron(0 * ? * * *)").last_times(
        ...     2, datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
        ... )
        >>> [f"{at:%d %H}" for at in times]
        ['31 23', '01 00']
        """
        fired = takewhile(lambda fire: fire > since, (fire for fire in self._fires(until, -1) if fire <= until))
        return list(islice(fired, count))[::-1]

    def period(self, scheduled: datetime) -> timedelta:
        """How much time the run that is planned for `scheduled` answers for.

        That is the time since it fired before, so that no hour is left out, and at least the N hours of `H/N`,
        as SageMaker has it; a day for an expression that fires for the first time.

        >>> monday = datetime(2026, 11, 23, 12, tzinfo=UTC)
        >>> str(Cron.parse("cron(0 12 ? * MON-FRI *)").period(monday))
        '3 days, 0:00:00'
        """
        before = self.last_before(scheduled)
        since = scheduled - before if before else timedelta(days=1)
        return max(since, timedelta(hours=self.every_hours))

    def _fires(self, moment: datetime, step: int) -> Iterator[datetime]:
        """All times from the day of `moment` on, forwards (1) or backwards (-1)."""
        origin = moment.astimezone(UTC)
        at = origin.year * 12 + origin.month - 1
        start = min(max(at, YEAR.low * 12), YEAR.high * 12 + 11)
        for index in range(start, YEAR.high * 12 + 12 if step > 0 else YEAR.low * 12 - 1, step):
            year, month = index // 12, index % 12 + 1
            if year not in self.years or month not in self.months:
                continue
            length = calendar.monthrange(year, month)[1]
            for day in sorted({day for day in self.days(year, month) if 1 <= day <= length})[::step]:
                if index != at or (day - origin.day) * step >= 0:
                    for hour in self.hours[::step]:
                        for minute in self.minutes[::step]:
                            yield datetime(year, month, day, hour, minute, tzinfo=UTC)


def is_aws_schedule(text: str) -> bool:
    """Whether SageMaker itself takes the expression: `NOW`, hourly, daily, or every 1 to 24 hours, at minute 0.

    >>> [is_aws_schedule(f"cron({text})") for text in ("0 * ? * * *", "0 2 ? * * *", "0 0/6 ? * * *", "0/15 * ? * * *")]
    [True, True, True, False]
    """
    return text.strip() == NOW or _SAGEMAKER.fullmatch(text.strip()) is not None


def _malformed(text: str, count: int | None) -> Invalid:
    remedy = "Hourly is cron(0 * ? * * *), daily at 2 is cron(0 2 ? * * *), every 6 hours is cron(0 0/6 ? * * *)."
    if count is None:
        return Invalid(what="ScheduleExpression", got=text, expected=f"{FORM} or {NOW}", remedy=remedy)
    return Invalid(what="ScheduleExpression", got=text, expected=f"six fields, {FORM}, not {count}", remedy=remedy)


def _refused(of: Field, item: str, text: str) -> Invalid:
    expected = f"{of.allowed}, *, ranges (1-5), lists (1,5) and steps (1/5)"
    return Invalid(what=f"{of.name} of {text.strip()}", got=item, expected=expected)


def _numbers(of: Field, written: str, text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for item in written.split(","):
        try:
            found.update(of.numbers(item))
        except ValueError:
            raise _refused(of, item, text) from None
    return tuple(sorted(found))


def _days(of: Field, written: str, text: str, rule: Callable[[str], Days]) -> Days:
    rules: list[Days] = []
    for item in written.split(","):
        try:
            rules.append(rule(item))
        except ValueError:
            raise _refused(of, item, text) from None
    return lambda year, month: (day for each in rules for day in each(year, month))


def _day_of_month(item: str) -> Days:
    if item == "LW":
        return lambda year, month: (_nearest_weekday(year, month, _length(year, month)),)
    if item == "L":
        return lambda year, month: (_length(year, month),)
    if item.startswith("L-"):
        before = DAY.number(item[2:])
        return lambda year, month: (_length(year, month) - before,)
    if item.endswith("W"):
        nearest = DAY.number(item[:-1])
        return lambda year, month: (_nearest_weekday(year, month, nearest),) if nearest <= _length(year, month) else ()
    numbers = DAY.numbers(item)
    return lambda _year, _month: numbers


def _day_of_week(item: str) -> Days:
    if item == "L":
        return lambda year, month: _of_weekdays(year, month, (_SATURDAY,))
    if "#" in item:
        name, _, place = item.partition("#")
        weekday, nth = WEEKDAY.number(name), WEEKDAY.number(place)
        if nth > 5 or not place.isdigit():
            raise ValueError(item)
        return lambda year, month: _of_weekdays(year, month, (weekday,))[nth - 1 : nth]
    if item.endswith("L"):
        last = WEEKDAY.number(item[:-1])
        return lambda year, month: _of_weekdays(year, month, (last,))[-1:]
    numbers = tuple(WEEKDAY.numbers(item))
    return lambda year, month: _of_weekdays(year, month, numbers)


@lru_cache(maxsize=1024)
def _of_weekdays(year: int, month: int, weekdays: tuple[int, ...]) -> tuple[int, ...]:
    first = (calendar.weekday(year, month, 1) + 1) % 7 + _SUNDAY
    return tuple(day for day in range(1, _length(year, month) + 1) if (first + day - 2) % 7 + 1 in weekdays)


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The day from Monday to Friday of the same month that is nearest."""
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < _length(year, month) else day - 2
    return day


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
