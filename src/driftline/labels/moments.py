"""Moments as columns hold them: texts, timestamps or seconds, made comparable."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOMENT = "\0"
"""How the key of a moment begins: no id does."""

_KIND = pa.timestamp("us", "UTC")
_HOUR = re.compile(r"(?:^|/)(\d{4})/(\d\d)/(\d\d)/(\d\d)(?=/)")
_YEAR = re.compile(
    r"(?:year|yyyy)=(\d{4})/(?:month|mm)=(\d\d?)/(?:day|dd)=(\d\d?)/(?:hour|hh)=(\d\d?)(?=/)", re.IGNORECASE
)
_MILLISECONDS = 1e11
"""Numbers beyond it are no seconds: they would lie after the year 5000."""


def moments_of(array: pa.Array) -> pa.Array:
    """The moments of a column in UTC, to the microsecond; null where there is none.

    Times without a zone are in UTC. Numbers are seconds since 1970, or milliseconds if they are large.

    >>> moments_of(pa.array(["2026-01-02T03:04:05Z", "2026-01-02 04:04:05+01:00", "x"])).cast(pa.int64()).to_pylist()
    [1767323045000000, 1767323045000000, None]
    >>> moments_of(pa.array([1767323045, None])).cast(pa.int64()).to_pylist()
    [1767323045000000, None]
    """
    kind = array.type
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp("us", kind.tz), safe=False).cast(_KIND)
    if pa.types.is_date(kind):
        return array.cast(pa.timestamp("us")).cast(_KIND)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _from_numbers(array.cast(pa.float64()))
    return _from_texts(array.cast(pa.string()))


def keys_of(array: pa.Array) -> pa.Array:
    """The moments of a column as ids that no caller gives; null where there is none.

    >>> keys_of(pa.array(["2026-01-02T03:04:05Z"])).to_pylist()
    ['\\x001767323045000000']
    """
    numbers = moments_of(array).cast(pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(MOMENT, numbers, "")


def hour_in(uri: str) -> datetime | None:
    """The hour in the path of an object, `yyyy/MM/dd/HH` or `year=yyyy/month=MM/day=dd/hour=HH`.

    >>> hour_in("s3://b/truth/2026/01/02/03/a.jsonl")
    datetime.datetime(2026, 1, 2, 3, 0, tzinfo=datetime.timezone.utc)
    >>> hour_in("s3://b/truth/labels.csv")
    """
    found = [*_HOUR.findall(uri), *_YEAR.findall(uri)]
    try:
        return datetime(*map(int, found[-1]), tzinfo=UTC) if found else None  # type: ignore[misc, arg-type]
    except ValueError:
        return None


def _from_numbers(array: pa.Array) -> pa.Array:
    seconds = array.to_numpy(zero_copy_only=False)
    seconds = np.where(np.abs(seconds) >= _MILLISECONDS, seconds / 1000, seconds)
    known = np.isfinite(seconds) & (np.abs(seconds) < _MILLISECONDS)
    micros = np.round(np.where(known, seconds, 0) * 1e6).astype(np.int64)
    return pa.array(micros, mask=~known).cast(_KIND)


def _from_texts(texts: pa.Array) -> pa.Array:
    """As Arrow reads them, all at once; one by one where a text is in another form."""
    try:
        return texts.cast(_KIND)
    except pa.ArrowInvalid:
        return pa.array([_moment(each) for each in texts.to_pylist()], _KIND)


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip()) if text else None
        return None if found is None else found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
