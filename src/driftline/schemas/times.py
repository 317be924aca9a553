"""Times as files have them (timestamps, dates, seconds since 1970, RFC 3339), read as UTC to the microsecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.kinds import TIME, is_number, is_text
from driftline.schemas.texts import each, trimmed

_NAIVE = pa.timestamp("us")
_SECONDS, _MILLISECONDS, _MICROSECONDS = 1e11, 1e14, 1e17
"""Numbers below the first are seconds (before the year 5138), below the second milliseconds, and so on."""

_LATEST = 253_402_300_799_999_999
"""The last microsecond of the year 9999, since 1970."""

_EARLIEST = -62_135_596_800_000_000
"""The first microsecond of the year 1."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_PLAIN = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
_ZONED, _UNZONED = _PLAIN + r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$", _PLAIN + "$"


def read_times(array: pa.Array) -> pa.Array:
    """The times of a column; null where there is none, or what is there is no time between the years 1 and 9999.

    Times without a zone are in UTC. Numbers are seconds since 1970, or by their size milli-, micro- or nanoseconds.

    >>> texts = ["2026-01-02T03:04:05Z", "2026-01-02 04:04:05+01:00", "1767323045", "yesterday"]
    >>> read_times(pa.array(texts)).cast(pa.int64()).to_pylist()
    [1767323045000000, 1767323045000000, 1767323045000000, None]
    >>> read_times(pa.array([1767323045, 1767323045000, None])).cast(pa.int64()).to_pylist()
    [1767323045000000, 1767323045000000, None]
    """
    kind = array.type
    if kind == TIME:
        return _possible(array)
    if pa.types.is_timestamp(kind):
        return _possible(_micros(array))
    if pa.types.is_date(kind):
        return _possible(array.cast(pa.date32()).cast(_NAIVE).cast(TIME))
    if is_number(kind):
        return _from_numbers(array)
    if is_text(kind):
        return _from_texts(array.cast(pa.string()))
    return pa.nulls(len(array), TIME)


def _micros(array: pa.Array) -> pa.Array:
    """A timestamp of another unit or zone, as UTC; nulls where it lies beyond what microseconds hold."""
    count = array.cast(pa.int64())
    unit = array.type.unit
    if unit == "ns":
        return _floored(count, 1000).cast(TIME)
    factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
    held = pc.and_(pc.less_equal(count, _LATEST // factor), pc.greater_equal(count, -(-_EARLIEST // factor)))
    return pc.multiply(pc.if_else(held, count, pa.scalar(None, pa.int64())), factor).cast(TIME)


def _floored(count: pa.Array, by: int) -> pa.Array:
    """Divided and rounded down, which times before 1970 need."""
    whole = pc.divide(count, by)
    below = pc.less(count, pc.multiply(whole, by))
    return pc.subtract(whole, below.cast(pa.int64()))


def _possible(times: pa.Array) -> pa.Array:
    """Without times that no calendar has."""
    count = times.cast(pa.int64())
    least, most = pc.min_max(count).values()
    if not least.is_valid or (least.as_py() >= _EARLIEST and most.as_py() <= _LATEST):
        return times
    held = pc.and_(pc.less_equal(count, _LATEST), pc.greater_equal(count, _EARLIEST))
    return pc.if_else(held, times, pa.scalar(None, TIME))


def _from_numbers(array: pa.Array) -> pa.Array:
    """By their size, each for itself: one column may hold several."""
    if pa.types.is_integer(array.type) and array.type.bit_width < 64:
        array = array.cast(pa.int64())
    exact = array.type == pa.int64()
    values = array if exact else array.cast(pa.float64(), safe=False)
    size = pc.abs(values.cast(pa.float64(), safe=False) if exact else values)
    most = pc.max(size).as_py()
    if most is None:
        return pa.nulls(len(array), TIME)
    if most < _SECONDS:
        return _scaled(values, 1_000_000, 1)
    seconds = _scaled(_where(pc.less(size, _SECONDS), values), 1_000_000, 1)
    millis = _scaled(_where(_between(size, _SECONDS, _MILLISECONDS), values), 1_000, 1)
    micros = _scaled(_where(_between(size, _MILLISECONDS, _MICROSECONDS), values), 1, 1)
    nanos = _scaled(_where(_between(size, _MICROSECONDS, 9.2e18), values), 1, 1_000)
    return _possible(pc.coalesce(seconds, millis, micros, nanos))


def _between(size: pa.Array, low: float, high: float) -> pa.Array:
    return pc.and_(pc.greater_equal(size, low), pc.less(size, high))


def _where(mask: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _scaled(values: pa.Array, times: int, parts: int) -> pa.Array:
    """Microseconds; fractions of seconds are rounded to them."""
    if values.type == pa.int64():
        return (_floored(values, parts) if parts > 1 else pc.multiply(values, times)).cast(TIME)
    finite = pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))
    return pc.round(pc.divide(pc.multiply(finite, float(times)), float(parts))).cast(pa.int64()).cast(TIME)


def _from_texts(texts: pa.Array) -> pa.Array:
    """As Arrow reads them, all at once; one by one where a text is in another form."""
    try:
        return _possible(texts.cast(TIME))
    except pa.ArrowInvalid:
        pass
    try:
        return _possible(texts.cast(_NAIVE).cast(TIME))
    except pa.ArrowInvalid:
        zoned = _matching(texts, _ZONED).cast(TIME)
        unzoned = _matching(texts, _UNZONED).cast(_NAIVE).cast(TIME)
        whole = _from_numbers(_matching(texts, r"^\d{1,18}$").cast(pa.int64()))
        parted = _from_numbers(_matching(texts, r"^\d{1,12}\.\d{1,9}$").cast(pa.float64()))
        return _possible(each(texts, pc.coalesce(zoned, unzoned, whole, parted), _time))


def _matching(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(texts, pattern), texts, pa.scalar(None, pa.string()))


def _time(text: str) -> datetime | None:
    text = trimmed(text)
    if _NUMBER.fullmatch(text):
        number = pa.array([float(text)]) if set(text) & set(".eE") else _integer(text)
        found: datetime | None = _from_numbers(number)[0].as_py()
        return found
    try:
        moment = datetime.fromisoformat(text.upper())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _integer(text: str) -> pa.Array:
    number = int(text)
    return pa.array([number], pa.int64()) if abs(number) < 2**63 else pa.array([float(text)])
