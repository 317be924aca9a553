"""Where a column moved: its categories, or the bins between the baseline's deciles, with their shares then and now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import inf, isinf
from typing import Any

import numpy as np

from driftline.metrics.distance import BINS, category_shares
from driftline.modelmonitors.conditions import Among, Between, Condition
from driftline.profile import Column

MOST = 20
"""So many groups are told, those that moved most."""


@dataclass(frozen=True)
class Moved:
    """A category, or the numbers in (low, high]; `before` and `now` are shares in [0, 1] of the rows with a value."""

    label: str
    before: float
    now: float
    value: str | None = None
    low: float = -inf
    high: float = inf

    @property
    def change(self) -> float:
        """What came, or went where it is negative."""
        return self.now - self.before

    def condition(self, column: str) -> Condition:
        """The rows of this group."""
        return Between(column, self.low, self.high) if self.value is None else Among(column, (self.value,))

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; a bin that is open has no bound there."""
        found = asdict(self)
        found |= {name: None if isinf(found[name]) else found[name] for name in ("low", "high")}
        return {**found, "change": self.change}


def moved(before: Column, now: Column) -> tuple[Moved, ...]:
    """The groups, those first that moved most, whichever way; none where the columns cannot be compared."""
    if before.is_numeric != now.is_numeric or not before.present or not now.present:
        return ()
    found = _numbers(before, now) if now.is_numeric else _categories(before, now)
    ordered = sorted((each for each in found if each.change), key=lambda each: (-abs(each.change), each.label))
    return tuple(ordered[:MOST])


def _categories(before: Column, now: Column) -> list[Moved]:
    old, new = before.frequent.counts, now.frequent.counts
    names = list(dict.fromkeys([*old, *new]))
    shares = category_shares(old, new)
    return [Moved(name, float(a), float(b), name) for name, a, b in zip(names, *shares, strict=True)]


def _numbers(before: Column, now: Column) -> list[Moved]:
    if not before.sketch.count or not now.sketch.count:
        return []
    edges = np.unique(before.sketch.quantile(np.arange(1, BINS) / BINS))
    bounds = [-inf, *edges.tolist(), inf]
    shares = []
    for sketch in (before.sketch, now.sketch):
        below = np.concatenate(([0], sketch.rank(edges), [sketch.count]))
        shares.append((np.diff(below) / sketch.count).tolist())
    spans = zip(bounds[:-1], bounds[1:], *shares, strict=True)
    return [Moved(_said(low, high), old, new, None, low, high) for low, high, old, new in spans]


def _said(low: float, high: float) -> str:
    """A bin in words.

    >>> _said(-inf, 3.0), _said(3.0, 4.5), _said(4.5, inf)
    ('up to 3', 'above 3 up to 4.5', 'above 4.5')
    """
    first = "" if isinf(low) else f"above {low:g}"
    last = "" if isinf(high) else f"up to {high:g}"
    return " ".join(each for each in (first, last) if each) or "all"
