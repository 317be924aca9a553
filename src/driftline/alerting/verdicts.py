"""One value against what a condition allows: a bound, what was before, its own season, another monitor, all rows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from driftline.alerting.conditions import Anomaly, Change, Partial, Season, Side, Threshold
from driftline.alerting.finding import Judged

_OF_NORMAL = 1.4826
"""The standard deviation of normal values is so many times the median of their distances from their median."""
_SEASONS = {
    Season.NONE: "before",
    Season.DAY: "of the same hour of the day",
    Season.WEEK: "of the same hour of the week",
}


def beyond(condition: Threshold, value: float) -> Judged:
    """A value against a bound.

    >>> beyond(Threshold("rows", below=100), 80.0).said
    'rows 80, below 100'
    """
    said = f"{condition.measure} {value:.4g}"
    if condition.above is not None and value > condition.above:
        return Judged(value, True, condition.above, far(value, condition.above), f"{said}, above {condition.above:g}")
    if condition.below is not None and value < condition.below:
        return Judged(value, True, condition.below, far(value, condition.below), f"{said}, below {condition.below:g}")
    return Judged(value, False, condition.above if condition.above is not None else condition.below, 0.0, said)


def changed(condition: Change, value: float, before: Sequence[float]) -> Judged | None:
    """A value against the mean of others; None without any, and where there is no share of a mean of 0.

    >>> changed(Change("rows", fall=0.2, relative=True), 70.0, [100.0]).said
    'rows 70, down by 30.0 % from 100'
    """
    mean = fmean(before) if before else 0.0
    if not before or (condition.relative and mean == 0):
        return None
    moved = (value - mean) / (abs(mean) if condition.relative else 1.0)
    by = f"{100 * abs(moved):.1f} %" if condition.relative else f"{abs(moved):.4g}"
    said = f"{condition.measure} {value:.4g}, {'up' if moved >= 0 else 'down'} by {by} from {mean:.4g}"
    said = f"{said} of {condition.to}" if condition.to else said
    if condition.rise is not None and moved > condition.rise:
        return Judged(value, True, condition.rise, far(moved, condition.rise), said)
    if condition.fall is not None and -moved > condition.fall:
        return Judged(value, True, condition.fall, far(-moved, condition.fall), said)
    return Judged(value, False, condition.rise if condition.rise is not None else condition.fall, 0.0, said)


def band(condition: Anomaly, past: Sequence[float]) -> tuple[float, float, float]:
    """What is expected after these values: the least, the median and the most.

    >>> band(Anomaly("rows", deviations=2, margin=0), [90.0, 100.0, 100.0, 110.0, 500.0])
    (70.348, 100.0, 129.652)
    """
    middle = median(past)
    spread = _OF_NORMAL * median(abs(each - middle) for each in past)
    half = max(condition.deviations * spread, condition.margin * abs(middle))
    return middle - half, middle, middle + half


def unusual(condition: Anomaly, value: float, past: Sequence[float]) -> Judged | None:
    """A value against its own past; None where there is too little of it.

    >>> unusual(Anomaly("rows", side="below"), 40.0, [100.0, 101.0, 99.0, 100.0]).said
    'rows 40, below the 95 or more of the 4 windows of the same hour of the week (median 100)'
    """
    if len(past) < condition.least:
        return None
    low, middle, high = band(condition, past)
    over, under = condition.side is not Side.BELOW, condition.side is not Side.ABOVE
    is_over, is_under = over and value > high, under and value < low
    expected = f"{low:.4g} to {high:.4g}" if over and under else f"{high:.4g} or less" if over else f"{low:.4g} or more"
    where = "above" if is_over else "below" if is_under else "within"
    which = f"{len(past)} windows {_SEASONS[condition.season]}"
    said = f"{condition.measure} {value:.4g}, {where} the {expected} of the {which} (median {middle:.4g})"
    limit = high if over and (value >= middle or not under) else low
    score = abs(value - limit) / ((high - low) / 2 or abs(middle) or 1.0)
    return Judged(value, is_over or is_under, limit, score if is_over or is_under else 0.0, said)


def partial(condition: Partial, looked: float, there: float, of: str = "rows") -> Judged | None:
    """The rows that a run looked at of those that there are, or the calls that were captured; None without any.

    >>> partial(Partial(0.9), 50.0, 200.0).said
    'looked at 50 of 200 rows (25.0 %)'
    """
    if not there:
        return None
    share = looked / there
    said = f"looked at {looked:.0f} of {there:.0f} {of} ({100 * share:.1f} %)"
    is_bad = share < condition.below
    return Judged(share, is_bad, condition.below, far(share, condition.below) if is_bad else 0.0, said)


def far(value: float, limit: float) -> float:
    """How far beyond its limit, in limits, so that measures of all sizes can be put in order."""
    return abs(value - limit) / (abs(limit) or 1.0)
