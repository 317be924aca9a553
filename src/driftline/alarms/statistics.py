"""Statistics of a metric's samples, period by period."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from driftline.catalog.metrics import Sample
from driftline.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")

_STATISTICS: dict[str, Callable[[Sequence[Sample]], float]] = {
    "SampleCount": lambda found: math.fsum(each.count for each in found),
    "Sum": lambda found: math.fsum(each.sum for each in found),
    "Average": lambda found: math.fsum(each.sum for each in found) / math.fsum(each.count for each in found),
    "Minimum": lambda found: min(each.minimum for each in found),
    "Maximum": lambda found: max(each.maximum for each in found),
}
"""Statistic -> how it is made of some samples, at least one."""


def refuse(name: str) -> None:
    """Raise `Invalid` for a statistic that is not known.

    >>> refuse("p99.9")
    >>> refuse("tm90")
    Traceback (most recent call last):
    driftline.errors.Invalid: statistic: got 'tm90', expected SampleCount, Sum, Average, Minimum, Maximum or p0 to p100.
    """
    if name not in _STATISTICS and not _PERCENTILE.fullmatch(name):
        raise Invalid(what="statistic", got=name, expected=f"{', '.join(_STATISTICS)} or p0 to p100")


def statistic(name: str, samples: Sequence[Sample]) -> float:
    """The statistic of some samples; NaN if there are none, and for percentiles of samples without their values."""
    if not samples:
        return math.nan
    percentile = _PERCENTILE.fullmatch(name)
    return percentile_of(float(percentile[1]), samples) if percentile else _STATISTICS[name](samples)


def percentile_of(percent: float, samples: Iterable[Sample]) -> float:
    """The smallest value that so many percent of the values do not exceed (nearest rank).

    >>> moment = datetime(2026, 3, 1, tzinfo=UTC)
    >>> percentile_of(50, [Sample(moment, 4, 10, 1, 4, "None", ((1, 1), (2, 1), (3, 1), (4, 1)))])
    2
    """
    pairs: list[tuple[float, float]] = []
    for each in samples:
        if each.values is None:
            return math.nan
        pairs.extend(each.values)
    pairs.sort()
    wanted, seen = percent / 100 * math.fsum(count for _, count in pairs), 0.0
    for value, count in pairs:
        seen += count
        if seen >= wanted:
            return value
    return pairs[-1][0]


def floor(moment: datetime, seconds: int) -> datetime:
    """The last whole multiple of so many seconds.

    >>> floor(datetime(2026, 3, 1, 12, 32, 34, tzinfo=UTC), 60).isoformat()
    '2026-03-01T12:32:00+00:00'
    """
    return EPOCH + (moment - EPOCH) // timedelta(seconds=seconds) * timedelta(seconds=seconds)


def step(period: int) -> int:
    """To how many seconds the ends of periods are aligned: a minute, or the period itself if it is shorter."""
    return min(period, 60)


def by_period(samples: Iterable[Sample], start: datetime, period: int) -> dict[int, list[Sample]]:
    """The samples by the number of their period, the one that begins at `start` being 0."""
    found: dict[int, list[Sample]] = {}
    for each in samples:
        found.setdefault((each.time - start) // timedelta(seconds=period), []).append(each)
    return found
