"""Known answers of the sketch, the buckets and the drift distances (Appendix B of the format notes)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from driftline.metrics.distance import kolmogorov_smirnov, robust
from driftline.profile import Profile
from driftline.profile.quantiles import Sketch

SIX_THOUSAND = np.array([((place * 7919) % 10007) / 10 for place in range(6000)])


def test_seven_values() -> None:
    """Moments, buckets and level 0 of a handful of numbers."""
    column = Profile.of(pa.table({"x": [1.0, 2.0, 2.0, 3.0, 5.0, 8.0, 13.0]})).column("x")
    assert (column.moments.mean, column.moments.sum, column.moments.std_dev) == (
        4.857142857142857,
        34.0,
        3.979539507766891,
    )
    assert [count for _, _, count in column.sketch.buckets(1.0, 13.0)] == [3, 1, 0, 1, 0, 1, 0, 0, 0, 1]
    assert column.sketch.levels[0].tolist() == [1.0, 2.0, 2.0, 3.0, 5.0, 8.0, 13.0]


@pytest.mark.parametrize("pieces", [1, 2, 7, 60])
def test_six_thousand_values(pieces: int) -> None:
    """Levels and approximate bucket counts after compaction, however the sequence is cut into batches."""
    batches = [pa.record_batch({"x": piece}) for piece in np.array_split(SIX_THOUSAND, pieces)]
    sketch = Profile.of(batches).column("x").sketch
    assert [len(level) for level in sketch.levels] == [1610, 1, 1097]
    assert sketch.levels[1].tolist() == [1000.5]
    assert sketch.levels[2][:5].tolist() == [0.0, 0.9, 1.9, 2.8, 3.8]
    counts = [count for _, _, count in sketch.buckets(0.0, 1000.6)]
    assert counts == [601, 601, 597, 601, 601, 602, 599, 599, 600, 599]
    assert sketch.count == 6000


def test_exact_form_up_to_its_limit() -> None:
    """Up to 131,072 values the sketch is SageMaker's, item by item; a plain port of it is the oracle."""
    values = np.random.default_rng(3).normal(size=131_072)
    levels: list[list[float]] = [[]]
    compactions = [0]
    for value in values.tolist():
        insert(levels, compactions, value)
    sketch = Profile.of(pa.table({"x": values})).column("x").sketch
    assert [level.tolist() for level in sketch.levels] == levels


def insert(levels: list[list[float]], compactions: list[int], value: float) -> None:
    """One value, by the rules of the format notes written down plainly."""

    def capacity(height: int) -> int:
        return 2 * (int(np.ceil(2048 * 0.64**height / 2)) + 1)

    levels[0].append(value)
    if sum(map(len, levels)) <= sum(map(capacity, range(len(levels)))):
        return
    height = next(height for height, level in enumerate(levels) if len(level) >= capacity(height))
    if height + 1 == len(levels):
        levels.append([])
        compactions.append(0)
    even = len(levels[height]) // 2 * 2
    offset = (compactions[height] + 1) // 2 % 2
    levels[height + 1] += sorted(levels[height][:even])[offset::2]
    levels[height] = levels[height][even:]
    compactions[height] += 1


def test_drift_of_two_ramps() -> None:
    """Simple 0.55, robust 0.46."""
    baseline, current = Sketch.from_levels([np.arange(2000) / 10]), Sketch.from_levels([40 + np.arange(500) / 10])
    simple = kolmogorov_smirnov(baseline, current)
    assert simple == pytest.approx(0.55, abs=1e-12)
    assert robust(simple, 2000, 500) == pytest.approx(0.46, abs=1e-12)
