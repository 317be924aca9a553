"""How right past estimates were, once their labels came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

import numpy as np

from driftline.metrics.calibration import share_interval
from driftline.monitors.estimates import Compared


@dataclass(frozen=True)
class Track:
    """How right past estimates of a metric were: of `count` of them the share that held, and how far they were off.

    `held` has bounds with 95 % confidence; an interval that is right holds 95 % of the realised values. `error` is the
    mean of estimate - realised (a bias, if it is far from 0 against its standard error `uncertainty`), `size` the mean
    of its absolute value, `width` the mean width of the intervals.
    """

    name: str
    count: int = 0
    held: float = nan
    held_low: float = nan
    held_high: float = nan
    error: float = nan
    uncertainty: float = nan
    size: float = nan
    width: float = nan


def track_of(past: Iterable[Compared]) -> tuple[Track, ...]:
    """The record of past estimates, a metric each, in the order in which they first come; those unknown are left out.

    >>> past = [Compared("f1", 0.8, 0.7, 0.9, 0.75), Compared("f1", 0.8, 0.7, 0.9, 0.95), Compared("f1", 0.8, 0.7, 0.9)]
    >>> track = track_of(past)[0]
    >>> track.count, track.held, round(track.error, 3), round(track.size, 3)
    (2, 0.5, -0.05, 0.1)
    """
    known: dict[str, list[Compared]] = {}
    for each in past:
        known.setdefault(each.name, [])
        if each.held is not None:
            known[each.name].append(each)
    return tuple(_track(name, some) for name, some in known.items())


def _track(name: str, some: list[Compared]) -> Track:
    if not some:
        return Track(name)
    errors = np.array([each.value - each.realised for each in some])
    held = sum(bool(each.held) for each in some)
    uncertainty = float(np.std(errors, ddof=1)) / len(some) ** 0.5 if len(some) > 1 else nan
    return Track(
        name,
        len(some),
        held / len(some),
        *share_interval(held, len(some)),
        float(errors.mean()),
        uncertainty,
        float(np.abs(errors).mean()),
        float(np.mean([each.high - each.low for each in some])),
    )
