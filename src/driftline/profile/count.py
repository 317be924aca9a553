"""How many values there are, and how many were NaN."""

from __future__ import annotations

from dataclasses import dataclass

from driftline.profile.analyzer import Analyzer
from driftline.profile.columns import Cells


@dataclass(frozen=True)
class CountState:
    """`present` values (not null, not NaN); `nan` of them were NaN and count as missing."""

    present: int = 0
    nan: int = 0

    def merge(self, other: CountState) -> CountState:
        """The sums."""
        return CountState(self.present + other.present, self.nan + other.nan)


@dataclass(frozen=True)
class Count(Analyzer[CountState]):
    """How many rows hold a value. What is missing is the profile's rows less these."""

    def start(self) -> CountState:
        """Nothing seen."""
        return CountState()

    def observe(self, state: CountState, cells: Cells) -> CountState:
        """With the cells' own counts added."""
        return state.merge(CountState(cells.present, cells.nan))
