"""A schedule's expression in plain words, so that who types it sees what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from driftline.cron import MONTH, NOW, WEEKDAY, Cron

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_RATE = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)")
_MANY = 6
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def said(text: str) -> str:
    """What `cron(...)`, `rate(...)` or `NOW` means; raises `Invalid` for a cron expression that is none.

    >>> said("cron(0 * ? * * *)"), said("cron(30 2 ? * MON-FRI *)")
    ('every hour, at minute 0', 'at 02:30 on Monday to Friday')
    >>> said("cron(0 0/6 ? * * *)"), said("cron(0/15 * ? * * *)"), said("cron(0 8,20 1,L * ? *)")
    ('every 6 hours from 00:00', 'every 15 minutes', 'at 08:00 and 20:00 on the 1st and the last day of the month')
    >>> said("rate(1 day)"), said("rate(6 hours)"), said("NOW")
    ('every day, at midnight', 'every 6 hours', 'once, at once')
    """
    rate = _RATE.fullmatch(text.strip())
    if rate:
        every = f"every {rate[2]}" if rate[1] == "1" else f"every {rate[1]} {rate[2]}s"
        return f"{every}, at midnight" if rate[2] == "day" else every
    if text.strip() == NOW:
        return "once, at once"
    hours = Cron.parse(text).hours
    minute, hour, day, month, weekday, year = text.strip()[5:-1].upper().split()
    parts = [_time(minute, hour, hours), _weekdays(weekday) if day == "?" else _days(day)]
    if month != "*":
        parts.append(f"in {_listed([_span(each, MONTH.names, _MONTHS) for each in month.split(',')])}")
    if year != "*":
        parts.append(f"in {_listed(year.split(','))}")
    return " ".join(each for each in parts if each)


def _time(minute: str, hour: str, hours: Sequence[int]) -> str:
    """The times of a day."""
    if minute == "*":
        minute = "*/1"
    step = re.fullmatch(r"(\*|0)/(\d+)", minute)
    if step:
        every = "every minute" if step[2] == "1" else f"every {step[2]} minutes"
        return every + ("" if hour == "*" else f" in the hours {hour}")
    if not minute.isdigit():
        return f"at the minutes {minute} of {'every hour' if hour == '*' else f'the hours {hour}'}"
    if hour in ("*", "*/1", "0/1"):
        return f"every hour, at minute {int(minute)}"
    step = re.fullmatch(r"(?:\*|\d+)/(\d+)", hour)
    if step and 24 % int(step[1]) == 0 and hours[0] < int(step[1]):  # no longer pause at midnight
        return f"every {step[1]} hours from {hours[0]:02d}:{int(minute):02d}"
    if len(hours) <= _MANY:
        return f"at {_listed([f'{each:02d}:{int(minute):02d}' for each in hours])}"
    return f"at minute {int(minute)} of the hours {hour}"


def _weekdays(written: str) -> str:
    """The days of the week; nothing for all of them."""
    return "" if written == "*" else f"on {_listed([_weekday(each) for each in written.split(',')])}"


def _weekday(item: str) -> str:
    name, mark, which = item.partition("#")
    if mark:
        return f"the {_ORDINALS[int(which) - 1]} {_named(name, WEEKDAY.names, _DAYS)} of the month"
    if item.endswith("L") and item != "L":
        return f"the last {_named(item[:-1], WEEKDAY.names, _DAYS)} of the month"
    return "Saturday" if item == "L" else _span(item, WEEKDAY.names, _DAYS)


def _days(written: str) -> str:
    """The days of the month; nothing for all of them."""
    if written == "*":
        return ""
    return f"on {_listed([_day(each) for each in written.split(',')])} of the month"


def _day(item: str) -> str:
    if item.isdigit():
        return f"the {_ordinal(int(item))}"
    if item in ("L", "LW"):
        return "the last day" if item == "L" else "the last weekday"
    if item.startswith("L-"):
        return f"the day {item[2:]} before the last"
    if item.endswith("W"):
        return f"the weekday nearest to the {_ordinal(int(item[:-1]))}"
    return f"the days {item}"


def _span(item: str, names: Mapping[str, int], titles: tuple[str, ...]) -> str:
    first, dash, last = item.partition("-")
    if "/" in item:
        return item
    return f"{_named(first, names, titles)} to {_named(last, names, titles)}" if dash else _named(first, names, titles)


def _named(item: str, names: Mapping[str, int], titles: tuple[str, ...]) -> str:
    number = names[item] if item in names else int(item)
    return titles[number - 1]


def _ordinal(number: int) -> str:
    """A number in order.

    >>> [_ordinal(each) for each in (1, 2, 3, 11, 22)]
    ['1st', '2nd', '3rd', '11th', '22nd']
    """
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _listed(items: list[str]) -> str:
    """Items in a sentence."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
