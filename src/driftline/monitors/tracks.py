"""How right past estimates were, once their labels came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np

from driftline.metrics.calibration import Z_95, share_interval
from driftline.monitors.verdict import Compared

SHOWN = ("accuracy", "f1", "weighted_f1", "auc", "mae", "rmse")
"""The metrics that are told in a sentence."""

LEAST_PAST = 5
"""So many past estimates with labels are needed before they widen the next."""


@dataclass(frozen=True)
class Track:
    """How right past estimates of a metric were: of `count` of them the share that held, and how far they were off.

    `held` has bounds with 95 % confidence; an interval that is right holds 95 % of the realised values. `error` is the
    mean of estimate - realised (a bias, if it is far from 0 against its standard error `uncertainty`), `size` the mean
    of its absolute value, `width` the mean width of the intervals. `excess` is the part of the mean squared error that
    the intervals do not account for: calibration moves between periods, which one baseline cannot tell.
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
    excess: float = 0.0


def widened(found: Compared, track: Track) -> Compared:
    """The estimate with an interval that past errors of its metric would have kept to, if they were greater than said.

    Its variance is joined by what past errors had beyond theirs (`track.excess`). With fewer than `LEAST_PAST` past
    estimates nothing changes, and an interval never gets narrower.

    >>> past = [Compared("f1", 0.8, 0.79, 0.81, 0.8 + 0.04 * (-1) ** at) for at in range(10)]
    >>> wide = widened(Compared("f1", 0.7, 0.69, 0.71), track_of(past)[0])
    >>> round(wide.low, 3), round(wide.high, 3)
    (0.622, 0.778)
    """
    if track.count < LEAST_PAST or not track.excess > 0:
        return found
    low, high = (
        sqrt((side / Z_95) ** 2 + track.excess) * Z_95 for side in (found.value - found.low, found.high - found.value)
    )
    return replace(found, low=found.value - low, high=found.value + high)


def track_said(tracks: Iterable[Track]) -> str:
    """The record in a sentence; empty where there is none.

    >>> track_said([Track("f1", 4, 0.75, error=-0.0123, size=0.02)])
    'Estimates so far: f1 held in 3 of 4 checks, off by 0.02 on average (-0.0123 with its sign).'
    """
    told = [
        f"{each.name} held in {round(each.held * each.count):,} of {each.count:,} checks, "
        f"off by {each.size:.3g} on average ({each.error:+.3g} with its sign)"
        for each in tracks
        if each.name in SHOWN and each.count
    ]
    return f"Estimates so far: {'; '.join(told)}." if told else ""


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
        max(0.0, float(np.mean(errors**2) - np.mean([((each.high - each.low) / 2 / Z_95) ** 2 for each in some]))),
    )
