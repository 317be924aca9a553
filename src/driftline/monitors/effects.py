"""What other constraints change about a verdict: which violations stay, which go, which come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from driftline.monitors.verdict import Violation

_TITLED = re.compile(r"\([^()]+\)")
"""The title of the distance that a drift violation is about begins it; SageMaker's own has none."""


@dataclass(frozen=True)
class Effect:
    """The violations of a window under other constraints, beside those it had.

    `stays` are told as they are then, `gone` as they were. `uncertain` are violations that the window had, and that
    what was kept of it cannot judge again.
    """

    stays: tuple[Violation, ...] = ()
    gone: tuple[Violation, ...] = ()
    new: tuple[Violation, ...] = ()
    uncertain: tuple[Violation, ...] = ()


def effect_of(before: Sequence[Violation], after: Sequence[Violation], uncertain: Sequence[Violation] = ()) -> Effect:
    """What changes from the violations `before` to those `after`: the same is what has subject, check and distance.

    >>> loose = Violation("age", "baseline_drift_check", 0.3, 0.1, "...")
    >>> found = effect_of([loose, Violation("pay", "completeness_check", 0.9, 1.0, "...")], [loose])
    >>> [each.subject for each in found.stays], [each.subject for each in found.gone], found.new
    (['age'], ['pay'], ())
    """
    had, has = ({_key(each): each for each in found} for found in (before, after))
    return Effect(
        tuple(each for key, each in has.items() if key in had),
        tuple(each for key, each in had.items() if key not in has),
        tuple(each for key, each in has.items() if key not in had),
        tuple(uncertain),
    )


def _key(found: Violation) -> tuple[str, str, str]:
    titled = _TITLED.match(found.said)
    return found.subject, found.check, titled[0] if titled else ""
