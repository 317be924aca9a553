"""Drawings with axes and small marks: scales, ticks, thinning, values beyond the scale."""

from __future__ import annotations

import re
from math import inf, nan

import pytest

from driftline.pages import marks
from driftline.pages.plots import Axes, dot, line, plot, span_of, steps, ticks


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (0.0012, 0.0019), (1e6, 3e6), (-1e-9, 1e-9), (5, 5.0001)])
def test_ticks_are_few_round_and_within(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 8 and all(low - 1e-12 <= tick <= high + 1e-12 for tick in found)


@pytest.mark.parametrize(("low", "high"), [(nan, 1), (0, inf), (2, 2)])
def test_ticks_of_no_range(low: float, high: float) -> None:
    assert len(ticks(low, high)) <= 1


def test_a_line_of_many_points_stays_small_and_keeps_its_ends() -> None:
    points = [(i / 99_999, (i / 99_999) ** 2) for i in range(100_000)]
    axes = Axes()
    drawn = line(axes, points, "is")
    assert len(drawn) < 8_000
    numbers = re.findall(r"[ML]([\d.]+) ([\d.]+)", drawn)
    ends = [(axes.x(x), axes.y(y)) for x, y in (points[0], points[-1])]
    assert [tuple(map(float, numbers[at])) for at in (0, -1)] == ends


def test_what_is_not_finite_is_not_drawn() -> None:
    assert line(Axes(), [(nan, 0.5), (0.5, inf)], "is") == ""
    assert "V" not in dot(Axes(), (0.5, 0.5), "is", bounds=(nan, nan))


def test_texts_in_drawings_are_escaped() -> None:
    drawn = plot(Axes(name="<b>", side="&"), [dot(Axes(), (0, 0), "is", "<i>")], '"><script>')
    assert "<b>" not in drawn and "<i>" not in drawn and "<script>" not in drawn


def test_a_span_of_one_value_has_room() -> None:
    assert span_of([3.0]) == (2.7, 3.3) and span_of([0.0]) == (-0.5, 0.5) and span_of([nan, inf]) == (0.0, 1.0)


def test_steps_outline_bars() -> None:
    assert steps([0, 1, 2], [0.25, 0.75]) == [(0, 0), (0, 0.25), (1, 0.25), (1, 0.75), (2, 0.75), (2, 0)]


def test_values_beyond_the_scale_are_arrows() -> None:
    assert "<circle" in marks.dumbbell(nan, 0.5, (nan, nan), (0, 1))
    for value in (1.5, -1.5, inf):
        drawn = marks.dumbbell(0.2, value, (nan, nan), (-1, 1), 0.0)
        assert "<circle" not in drawn and '<path class="is dot"' in drawn and "nan" not in drawn and "inf" not in drawn


@pytest.mark.parametrize("values", [(), (nan,) * 5, (0.0,) * 5, (-1.0, -0.5, 0.0, 0.5, 1.0)])
def test_boxes_and_bars_of_anything(values: tuple[float, ...]) -> None:
    for drawn in (marks.boxes(values, values, (-1, 1)), marks.bars(nan, 0.5, (0, 1)), marks.bars(-0.5, 0, (-1, 1))):
        assert drawn.startswith("<svg") and "nan" not in drawn
