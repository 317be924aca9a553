"""Dates in the folders of keys, such as `2026/11/21/13/` and `dt=2026-11-21/hr=13/`, below any stem."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_WHOLE = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "%Y-%m-%d"),
    (re.compile(r"\d{4}-\d\d-\d\d-\d\d"), "%Y-%m-%d-%H"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d"), "%Y-%m-%dT%H"),
    (re.compile(r"\d{8}"), "%Y%m%d"),
    (re.compile(r"\d{10}"), "%Y%m%d%H"),
)
"""A date, or a date and an hour, in one folder's name."""

_PARTS = (("%Y", 1900, 2199, 4), ("%m", 1, 12, 2), ("%d", 1, 31, 2), ("%H", 0, 23, 2))
"""Year, month, day and hour, each in a folder of its own: what it is, its range, its digits."""

_HOUR = re.compile(r"(h|hh|hr|hour|time|\w+_hour)=", re.IGNORECASE)
_NAMED = re.compile(r"([A-Za-z_][\w-]*=)?(.+)")


@dataclass(frozen=True)
class Dated:
    """A key's date: the folders above it, its form (`%Y/%m/%d/`, with the names of hive), and the time it says."""

    stem: str
    form: str
    at: datetime


def dated(key: str) -> Dated | None:
    """The date in the folders of a key below a prefix; None if there is none down to the day.

    >>> dated("churn/AllTraffic/2026/11/21/13/x.jsonl")
    Dated(stem='churn/AllTraffic/', form='%Y/%m/%d/%H/', at=datetime.datetime(2026, 11, 21, 13, 0, ...utc))
    >>> dated("dt=2026-11-21/hr=13/x").form, dated("year=2026/month=1/day=2/part=3/x").form, dated("a/2026.csv")
    ('dt=%Y-%m-%d/hr=%H/', 'year=%Y/month=%m/day=%d/', None)
    """
    folders = key.split("/")[:-1]
    for start in range(len(folders)):
        forms, values = _forms(folders[start:])
        try:
            at = datetime.strptime("/".join(values), "/".join(form for _, form in forms)) if forms else None
        except ValueError:  # the thirty-first of a short month is no date
            at = None
        if at is not None:
            stem = "".join(folder + "/" for folder in folders[:start])
            written = "".join(name.replace("%", "%%") + form + "/" for name, form in forms)
            return Dated(stem, written, at.replace(tzinfo=UTC))
    return None


def folder(form: str, at: datetime) -> str:
    """The folder of a time; it sorts before those of all later times, also where theirs are written without zeros.

    >>> folder("dt=%Y-%m-%d/hr=%H/", datetime(2026, 1, 2, 3, 59))
    'dt=2026-01-02/hr=03/'
    """
    return at.strftime(form)


def _forms(folders: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Names and forms of the folders that make a date at the beginning of these, and what they say."""
    name, value = _cut(folders[0])
    for pattern, form in _WHOLE:
        if pattern.fullmatch(value):
            forms, values = [(name, form)], [value]
            if "%H" not in form and len(folders) > 1:
                hour = _part(folders[1], _PARTS[3])
                if hour is not None:
                    return [*forms, (hour[0], "%H")], [*values, hour[1]]
            return forms, values
    found = []
    for each, part in zip(folders, _PARTS, strict=False):
        told = _part(each, part)
        if told is None:
            break
        found.append((*told, part[0]))
    if len(found) < 3:
        return [], []
    return [(name, form) for name, _, form in found], [value for _, value, _ in found]


def _part(text: str, part: tuple[str, int, int, int]) -> tuple[str, str] | None:
    """Name and value of a folder if it can be this part; only with a name may zeros be left out."""
    name, value = _cut(text)
    _, low, high, digits = part
    if part is _PARTS[3] and name and not _HOUR.fullmatch(name):
        return None
    plain = value.isascii() and value.isdigit() and len(value) <= digits and (bool(name) or len(value) == digits)
    return (name, value) if plain and low <= int(value) <= high else None


def _cut(text: str) -> tuple[str, str]:
    match = _NAMED.fullmatch(text)
    return (match[1] or "", match[2]) if match else ("", text)
